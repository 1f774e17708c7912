#!/usr/bin/env bash
# Bring what Python packages can't: system_packages.sh PYTHON NEED...
#
# A NEED is venv, compiler, headers, postgresql, redis, memcached or chromium. What is missing is installed from
# Debian's packages where that is allowed (as root, or through sudo without a password);
# otherwise it is named, with what goes without it. Only a missing venv is an error.
# HOLDFAST_SYSTEM_PACKAGES=no never installs anything.
set -euo pipefail

python=$1
shift

say() { printf '==> %s\n' "$*"; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  say "Holdfast needs Python 3.11 or newer, and '$python' isn't: name one, as in make PYTHON=python3.12 ..."
  exit 1
fi
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

has() {
  case $1 in
    venv) "$python" -c 'import ensurepip, venv' 2>/dev/null ;;
    compiler) command -v cc >/dev/null ;;
    headers)
      "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
      ;;
    postgresql) command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
    redis) command -v redis-server >/dev/null && command -v redis-sentinel >/dev/null ;;
    memcached) command -v memcached >/dev/null ;;
    chromium) command -v chromium >/dev/null || command -v google-chrome >/dev/null ;;
    *) echo "unknown need: $1" >&2; exit 2 ;;
  esac
}

debian_packages() {
  case $1 in
    venv) echo "python$version-venv" ;;
    compiler) echo 'gcc libc6-dev' ;;
    headers) echo "python$version-dev" ;;
    postgresql) echo 'postgresql' ;;
    redis) echo 'redis-server redis-sentinel' ;;
    memcached) echo 'memcached' ;;
    chromium) echo 'chromium' ;;
  esac
}

without() {
  case $1 in
    venv) echo 'no environment can be made' ;;
    compiler | headers) echo 'uWSGI cannot be built, and its tests are skipped' ;;
    postgresql) echo 'the tests on PostgreSQL are skipped' ;;
    redis) echo 'the tests on Redis are skipped' ;;
    memcached) echo 'the tests on Memcached are skipped' ;;
    chromium) echo 'the tests in a browser are skipped' ;;
  esac
}

missing=()
for need in "$@"; do
  has "$need" || missing+=("$need")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

as_root=
if [[ ${HOLDFAST_SYSTEM_PACKAGES:-yes} == no ]] || ! command -v apt-get >/dev/null; then
  allowed=
elif [[ $(id -u) -eq 0 ]]; then
  allowed=1
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  allowed=1
  as_root='sudo -n'
else
  allowed=
fi

if [[ $allowed ]]; then
  say "installing from Debian's packages: ${missing[*]}"
  log=$(mktemp)
  # A machine's package lists may be absent or old. One source that doesn't answer
  # must not keep us from the others.
  $as_root apt-get update -qq >"$log" 2>&1 || true
  for need in "${missing[@]}"; do
    # shellcheck disable=SC2046 # the names are meant to split
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      $(debian_packages "$need") >>"$log" 2>&1 || { say "apt-get could not install $(debian_packages "$need"):"; tail -n 2 "$log"; }
  done
  rm -f "$log"
fi

for need in "${missing[@]}"; do
  has "$need" && continue
  say "missing: $need (on Debian: apt-get install $(debian_packages "$need")); without it $(without "$need")"
  [[ $need == venv ]] && exit 1
done
exit 0
