"""Plain masked PyTorch training, to compare with: train.py PLAN.json, which names all files and constants.

Eager torch.nn modules and torch.optim; pruned weights are set back to 0 after every step. Batches are rows of `order`
into tensors that are already numbers, so what is compared is the training itself.
"""

import json
import sys
import time

import torch
from network import Network
from safetensors.torch import load_file, save_file

with open(sys.argv[1]) as file:
    plan = json.load(file)
if plan.get("threads"):
    torch.set_num_threads(plan["threads"])
device = torch.device(plan.get("device", "cpu"))

net = Network(plan["arch"])
net.load(plan["weights"])
net.to(device).train()
data = {name: value.to(device) for name, value in load_file(plan["data"]).items()}
masks = {name: value.to(device) for name, value in load_file(plan["mask"]).items()} if plan.get("mask") else {}
named = dict(net.named())


@torch.no_grad()
def prune():
    for name, mask in masks.items():
        named[name].mul_(mask)


prune()
constants = dict(plan["constants"])
optimiser = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[plan["optimiser"]](net.parameters(), **constants)
criterion = (
    torch.nn.MSELoss() if plan["loss"] == "mse" else torch.nn.CrossEntropyLoss(label_smoothing=plan.get("smoothing", 0.0))
)

losses = []
warm = plan.get("warm_steps", 0)
for step, batch in enumerate(data["order"]):
    if step == warm:
        if device.type == "cuda":
            torch.cuda.synchronize()
        started = time.perf_counter()
    optimiser.zero_grad()
    loss = criterion(net(data["input"][batch]), data["target"][batch])
    loss.backward()
    optimiser.step()
    prune()
    losses.append(loss.detach())
losses = torch.stack(losses).tolist()
seconds = time.perf_counter() - started
images = data["order"][warm:].numel()
if plan.get("out"):
    tensors = {name: value.detach().contiguous().cpu() for name, value in named.items()}
    for name, kind, _, module in net.steps:
        if kind == "batch_norm":
            tensors[f"{name}.running_mean"] = module.running_mean.cpu()
            tensors[f"{name}.running_var"] = module.running_var.cpu()
    save_file(tensors, plan["out"])
print(json.dumps({"losses": losses, "images_per_second": images / seconds, "torch": torch.__version__}))
