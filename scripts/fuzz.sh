#!/usr/bin/env bash
# Builds the fuzz targets with overflow checks, and runs each to a number of executions: a million by default.
#
#   scripts/fuzz.sh [RUNS [TARGET…]]
#
# Prints a line for each: executions, seconds, edges of the code that were reached. What crashes lies in
# fuzz/artifacts/TARGET, what was found on the way in fuzz/found/TARGET. Needs nightly Rust, cargo-fuzz and libtorch
# (`make setup`). The targets are safe Rust but for their dependencies, so that there is no sanitizer; SANITIZER=address
# builds with one.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-1000000}
shift || true
sanitizer=${SANITIZER:-none}
libtorch=$(realpath "${LIBTORCH:-.libtorch}")
export LIBTORCH=$libtorch LD_LIBRARY_PATH=$libtorch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# The versions that phew itself has.
cp Cargo.lock fuzz/
cargo +nightly fuzz build --sanitizer "$sanitizer" --features cli,data
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
bin=$(ls -d fuzz/target/*-linux-gnu/release)
failed=0
for target in "${targets[@]}"; do
    mkdir -p "fuzz/found/$target" "fuzz/artifacts/$target"
    log=fuzz/artifacts/$target.log
    "$bin/$target" -runs="$runs" -max_len=20000 -timeout=30 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="fuzz/artifacts/$target/" "fuzz/found/$target" "fuzz/corpus/$target" >"$log" 2>&1 || failed=1
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1)
    crash=$(grep -m1 -E "panicked at|ERROR: libFuzzer" "$log" || true)
    printf '%-16s %9s executions  %s  %s\n' "$target" "$count" "$edges" "$crash"
    # Files of a process that was ended by a crash.
    rm -rf /dev/shm/phew-fuzz-*
done
exit $failed
