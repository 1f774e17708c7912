#!/usr/bin/env bash
# Resolve constraints/*.in into constraints/*.txt: names, versions and hashes,
# and nothing that names an index or an address. Run through `make pins`.
#
# All groups are resolved together first, so that any of them can be installed
# beside any other; then each group is written on its own, held to that answer.
# The files are universal: one file serves every Python and platform we support.
set -euo pipefail
cd "$(dirname "$0")/../constraints"

uv=${UV:-uv}
joint=$(mktemp --suffix=.txt)
trap 'rm -f "$joint"' EXIT

compile() {
  "$uv" pip compile --quiet --universal --no-annotate --no-emit-index-url --no-emit-find-links \
    --custom-compile-command 'make pins' "$@"
}

# Without --upgrade everything stays where it is while the .in files still allow it.
upgrade=${UPGRADE:+--upgrade}
if [[ -z $upgrade ]]; then
  cat build.txt tests.txt servers.txt uwsgi.txt lint.txt docs.txt bench.txt pins.txt django-5.2.txt \
    2>/dev/null | grep -v -e '--hash' | sed 's/ *\\$//' >"$joint" || true
fi

echo 'resolving all groups together'
compile $upgrade --python-version 3.11 --output-file "$joint" \
  build.in tests.in servers.in uwsgi.in lint.in docs.in bench.in pins.in django-5.2.in

for group in build tests servers uwsgi lint docs bench pins; do
  echo "writing constraints/$group.txt"
  # Django is pinned per environment, by exactly one of django-*.txt.
  compile --upgrade --generate-hashes --python-version 3.11 --no-emit-package django \
    --constraint "$joint" --output-file "$group.txt" "$group.in"
done

for django in 5.2:3.11 6.0:3.12 6.1:3.12; do
  version=${django%:*}
  echo "writing constraints/django-$version.txt"
  # What Django needs is held to the joint answer; Django itself can't be.
  compile $upgrade --generate-hashes --python-version "${django#*:}" \
    --constraint <(grep -v '^django==' "$joint") \
    --output-file "django-$version.txt" "django-$version.in"
done

# Packages with known bugs, and a Django of their time: beside nothing else of ours.
echo 'writing constraints/found-bugs.txt'
compile $upgrade --generate-hashes --python-version 3.11 \
  --output-file found-bugs.txt found-bugs.in
