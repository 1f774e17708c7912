#!/usr/bin/env bash
# Print the path of an interpreter: find_python.sh 3.12
#
# Looked for on PATH, then among pyenv's versions. Exits with 1 where there is none.
set -euo pipefail

version=$1

# It has to run: pyenv's shims are on PATH also for versions that are not in use.
is_it() {
  [[ $("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) == "$version" ]]
}

if is_it "python$version"; then
  "python$version" -c 'import sys; print(sys.executable)'
  exit 0
fi

if root=$(pyenv root 2>/dev/null); then
  while read -r python; do
    if is_it "$python"; then
      echo "$python"
      exit 0
    fi
  done < <(compgen -G "$root/versions/$version.*/bin/python" | sort --version-sort --reverse)
fi

exit 1
