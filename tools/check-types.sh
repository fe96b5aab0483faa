#!/bin/sh
# mypy for each Python named, side by side: tools/check-types.sh 3.11 3.12 3.13
# One environment speaks for all of them, since one lock gives all of them the same versions and so the same stubs.
set -eu
printf '%s\n' "$@" | xargs -P 3 -I VERSION sh -c '
  said=$(.venv/bin/mypy --python-version VERSION 2>&1) && passed=0 || passed=1
  echo "Types on Python VERSION: $said"
  exit $passed'
