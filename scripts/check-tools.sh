#!/usr/bin/env bash
# Says which of the named tools are missing, and what provides them. Exit 1 if any is.
#
#   scripts/check-tools.sh cargo c++ venv
set -u

missing=0
lack() {
    echo "missing: $1" >&2
    echo "         $2" >&2
    missing=1
}

for tool in "$@"; do
    case "$tool" in
    cargo)
        command -v cargo >/dev/null ||
            lack "cargo" "install Rust from https://rustup.rs"
        ;;
    c++)
        command -v "${CXX:-c++}" >/dev/null ||
            lack "a C++ compiler (${CXX:-c++})" "Debian/Ubuntu: apt install g++; macOS: xcode-select --install"
        ;;
    venv)
        if ! command -v python3 >/dev/null; then
            lack "python3 (3.10 or newer)" "Debian/Ubuntu: apt install python3 python3-venv"
        elif ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
            lack "python3 3.10 or newer (this one is $(python3 -V 2>&1))" "the PyTorch package needs it"
        elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
            lack "python3's venv module" "Debian/Ubuntu: apt install python3-venv"
        fi
        ;;
    *)
        echo "check-tools.sh: does not know '$tool'" >&2
        exit 2
        ;;
    esac
done
exit "$missing"
