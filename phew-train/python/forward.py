"""Logits and gradients of a network by PyTorch: forward.py ARCH.toml WEIGHTS BATCH OUT (all but the first safetensors)."""

import sys

import torch
from network import Network
from safetensors.torch import load_file, save_file

arch, weights, batch, out = sys.argv[1:]
net = Network(arch)
net.load(weights)
batch = load_file(batch)
found = {"eval": net.eval()(batch["input"])}
logits = net.train()(batch["input"])
found["train"] = logits
loss = torch.nn.functional.cross_entropy(logits, batch["target"].long())
loss.backward()
found["loss"] = loss
for name, value in net.named():
    found[f"grad.{name}"] = value.grad
for name, kind, _, module in net.steps:
    if kind == "batch_norm":
        found[f"{name}.running_mean"] = module.running_mean
        found[f"{name}.running_var"] = module.running_var
save_file({name: value.detach().contiguous() for name, value in found.items()}, out)
