#!/usr/bin/env bash
# Build uWSGI into an environment: build_uwsgi.sh VENV
#
# uWSGI comes without wheels, so this takes up to a minute, and may fail where there is no
# compiler. Then the reason is said, and the tests that need uWSGI are skipped.
set -euo pipefail

venv=$1
pins=constraints/uwsgi.txt
stamp=$venv/.installed/uwsgi
log=$venv/uwsgi-build.log

if [[ -e $stamp && ! $pins -nt $stamp ]]; then
  exit 0
fi

say() { printf '==> %s\n' "$*"; }

say 'building uWSGI from source (up to a minute)'
if "$venv/bin/python" -m pip --disable-pip-version-check install \
  --require-hashes --no-build-isolation -r "$pins" >"$log" 2>&1; then
  touch "$stamp"
else
  say "uWSGI could not be built (see $log): its tests are skipped, in CI they fail"
  tail -n 3 "$log"
fi
