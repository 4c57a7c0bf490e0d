#!/usr/bin/env bash
# Builds the wheel, installs it in a fresh virtual environment and runs its tests there, docs/pytorch.md among them.
#
# torch is that of .venv, which the environment sees. The program is built for a quick build, not for speed.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
target=${CARGO_TARGET_DIR:-$PWD/target}
folder=$target/test-wheel
rm -rf "$folder"
mkdir -p "$folder"

# What the document trains with, as the tests of the command build it.
cargo test --quiet -p phew-cli --features train --no-run
(cd phew-cli/python && CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=false \
    "$python" -m maturin build --quiet --profile dev --auditwheel skip --out "$folder")

"$python" -m venv "$folder/venv"
"$python" -c 'import pathlib, torch; print(pathlib.Path(torch.__file__).parents[1])' \
    > "$(echo "$folder"/venv/lib/python*/site-packages)/torch.pth"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-index "$folder"/*.whl
PYTHONDONTWRITEBYTECODE=1 TRAINING_PHEW=$target/debug/phew-torch \
    "$folder/venv/bin/python" -m unittest discover --start-directory phew-cli/python/tests
