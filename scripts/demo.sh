#!/usr/bin/env bash
# What phew is for. First the main job on a real network: 5% of VGG-19, chosen before training. Then what such a choice
# is worth: the dense network and 5% of it by PHEW, SynFlow and at random, trained side by side on the built-in digits.
set -euo pipefail
cd "$(dirname "$0")/.."
phew=target/release/phew
mkdir -p demo
rm -rf demo/digits
mkdir demo/digits

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

printf '\nNow a convolutional network that is trained, four times.\n'
net=(--arch lenet-5 --weights demo/digits/w.safetensors)
run init --arch lenet-5 --seed 0 -o demo/digits/w.safetensors
run train "${net[@]}" --epochs 5 -o demo/digits/dense
for method in phew synflow random; do
    run prune "${net[@]}" --method "$method" --density 0.05 --seed 0 -o "demo/digits/$method.safetensors" | tail -n 4
    run train "${net[@]}" --epochs 5 --mask "demo/digits/$method.safetensors" -o "demo/digits/$method"
done

.venv/bin/python scripts/demo_table.py "$phew" demo/digits "${net[@]}"
printf '\nThe curves, larger: .venv/bin/tensorboard --logdir demo/digits\n'
