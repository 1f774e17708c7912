#!/usr/bin/env bash
# Runs tests that have just failed once more, one at a time: `make test SECOND_LOOK=5`.
#
#   tools/second_look.sh PYTHON CACHE STATUS MOST [PYTEST-ARGUMENT...]
#
# PYTHON  the environment's interpreter
# CACHE   pytest's cache folder of that run
# STATUS  what pytest exited with. Whatever was not just failing tests (1) stays a failure
# MOST    more failures than that are no bad luck, and not looked at again; 0: none are
#
# Exits with 0 if all passed now, and leaves their names in CACHE/unsteady; else with STATUS.
set -uo pipefail
python=$1 cache=$2 status=$3 most=$4
shift 4

((status == 1 && most > 0)) || exit "$status"
names=$("$python" -c 'import json, sys; print(*json.load(sys.stdin), sep="\n")' \
  <"$cache/v/cache/lastfailed") || exit "$status"
if (($(wc -l <<<"$names") > most)); then
  printf '==> more than %d tests failed: no second look\n' "$most"
  exit "$status"
fi
printf '==> a second look at what failed, one test at a time\n'
"$python" -m pytest -n 0 --verbose -o "cache_dir=$cache" \
  --last-failed --last-failed-no-failures=none "$@" || exit "$status"
printf '%s\n' "$names" >"$cache/unsteady"
