#!/usr/bin/env bash
# Attacks phew: full disks, no permission, kills, two at once, closed streams, signals in pairs, pipes, files that change.
# Says what it tried and what was lost, which must be nothing. `--short` is what continuous integration runs.
#
#   scripts/faults.sh [--short] [PHEW]      PHEW: the program, with training beside it; by default it is built
set -euo pipefail
cd "$(dirname "$0")/.."
short=
if [ "${1:-}" = --short ]; then
    short=--short
    shift
fi
phew=${1:-}
if [ -z "$phew" ]; then
    cargo build --release -p phew-cli
    cargo build --release -p phew-cli --features train --bin phew-torch
    phew=target/release/phew
fi
exec python3 scripts/faults.py $short "$(realpath "$phew")"
