#!/usr/bin/env bash
# The main job on a real network: draw VGG-19's initial weights, keep 5% of them by PHEW, look at the result.
set -euo pipefail
cd "$(dirname "$0")/.."
phew=target/release/phew
mkdir -p demo

run() {
    printf '\n$ phew %s\n' "$*"
    "$phew" "$@"
}

run init --arch vgg19 --classes 10 --seed 0 -o demo/vgg19.safetensors --force
run prune --arch vgg19 --classes 10 --weights demo/vgg19.safetensors \
    --density 0.05 --seed 0 -o demo/vgg19-phew-5.safetensors --force

printf '\nIn demo/: the weights and the mask, as safetensors. In PyTorch:\n'
printf '  from safetensors.torch import load_file\n'
printf '  mask = load_file("demo/vgg19-phew-5.safetensors")   # {"features.0.weight": bool tensor, ...}\n'
