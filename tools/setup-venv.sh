#!/bin/sh
# Makes the checkout's own virtual environment: tools/setup-venv.sh LOCKFILE
# Idempotent; needs Python 3.11 to 3.13 with its venv module, nothing else.
set -eu
lock=$1
python=${PYTHON:-python3}
uv_version=0.13.9

"$python" - <<'EOF' || exit 1
import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(f"Bairro needs Python 3.11 to 3.13, this is {sys.version.split()[0]}; name another with: make PYTHON=python3.12 ...")
try:
    import ensurepip, venv
except ImportError:
    sys.exit(f"Python's venv module is missing; on Debian or Ubuntu: apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv")
EOF

[ -x .venv/bin/python ] || { echo "Making .venv"; "$python" -m venv .venv; }
.venv/bin/python -c "import importlib.metadata as m; assert m.version('uv') == '$uv_version'" 2>/dev/null ||
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
echo "Installing what $lock names"
VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip install --quiet --require-hashes --compile-bytecode -r "$lock"
VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip install --quiet --no-deps --editable .
