#!/usr/bin/env bash
# What the masks learn: the dense network and 5% of it, chosen before training, side by side on the built-in digits.
set -euo pipefail
cd "$(dirname "$0")/.."
phew=target/release/phew
out=demo/train
rm -rf "$out"
mkdir -p "$out"
# Threads that wait for each other should not hold up others on a busy machine.
export OMP_WAIT_POLICY=PASSIVE

run() {
    printf '\n$ phew %s\n' "$*"
    "$phew" "$@"
}

network=(--arch lenet-300-100 --weights "$out/w.safetensors")
run init --arch lenet-300-100 --seed 0 -o "$out/w.safetensors"
run train "${network[@]}" -o "$out/dense"
for method in phew synflow random; do
    run prune "${network[@]}" --method "$method" --density 0.05 --seed 0 -o "$out/$method.safetensors" | tail -n 3
    run train "${network[@]}" --mask "$out/$method.safetensors" -o "$out/$method"
done

printf '\n%-8s %10s %10s   test accuracy by epoch\n' run kept accuracy
for result in "$out"/*/result.json; do
    folder=$(dirname "$result")
    .venv/bin/python - "$folder" <<'PYTHON'
import json, os, sys

folder = sys.argv[1]
result = json.load(open(f"{folder}/result.json"))
curve = [json.loads(line)["test"]["top1"] for line in open(f"{folder}/metrics.jsonl")]
bars = "".join("▁▂▃▄▅▆▇█"[min(7, int(8 * max(0.0, (top1 - 0.5) / 0.5)))] for top1 in curve)
name = os.path.basename(folder)
print(f"{name:<8} {result['kept']:>10,} {result['test']['top1']:>10.1%}   {bars}  {' '.join(f'{t:.3f}' for t in curve)}")
PYTHON
done
printf '\nCurves for TensorBoard: .venv/bin/tensorboard --logdir %s\n' "$out"
