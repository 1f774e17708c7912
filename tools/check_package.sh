#!/usr/bin/env bash
# Build the wheel and use it as a user would who has nothing else: check_package.sh VENV
#
# Seen here: that everything is packed, and that the core needs the standard library only.
set -euo pipefail

venv=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$venv/bin/python" -m pip --disable-pip-version-check -qq wheel --no-deps --no-build-isolation \
  --wheel-dir "$scratch" .
"$venv/bin/python" -m pip --disable-pip-version-check -qq install --no-deps --no-index \
  --target "$scratch/site" "$scratch"/holdfast-*.whl

cd "$scratch"
# -S leaves out the environment's packages, -I this folder and the caller's variables.
"$OLDPWD/$venv/bin/python" -I -S -W error - "$scratch/site" <<'PYTHON'
import sys
from pathlib import Path

site = sys.argv[1]
sys.path.append(site)

import holdfast
import holdfast.asgi
import holdfast.wsgi

assert Path(holdfast.__file__).is_relative_to(site), holdfast.__file__
assert Path(site, "holdfast/py.typed").exists(), "py.typed is not packed"
assert not [name for name in sys.modules if name.startswith("holdfast.django")], "Django's room was imported"
strangers = sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - {"__main__", "holdfast"})
assert not strangers, f"not of the standard library: {strangers}"
print(f"==> {len(list(Path(site, 'holdfast').rglob('*.py')))} modules packed; the core imports the standard library only")
PYTHON
