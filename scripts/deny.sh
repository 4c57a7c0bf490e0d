#!/usr/bin/env bash
# Holds the dependencies against deny.toml: licences, advisories, duplicates, sources. Not part of `make check`, since
# cargo-deny takes minutes to build and advisories come from the network.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
cargo deny --workspace check "$@"
