"""Inputs a second of masked networks by phew, beside the same networks dense in other engines, in one run.

bench_engines.py [PHEW] [--networks …] [--methods …] [--densities …] [--batches …] [--threads …] [--seconds S] [--rounds N]

The other engines are PyTorch (scripted, frozen, optimised for inference), ONNX Runtime and OpenVINO. They compute with the
zeros of a mask as with any number, so each is timed once for each network. All take turns, round after round, and what is
printed is each one's median: what else the machine does concerns all of them. Outputs of every engine are compared with
phew's first.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("phew", nargs="?", default="target/release/phew")
parser.add_argument("--networks", nargs="+", default=["resnet20", "vgg19", "lenet-300-100"])
parser.add_argument("--methods", nargs="+", default=["phew"], help="each with its options, as in 'phew --granularity kernel'")
parser.add_argument("--densities", nargs="+", type=float, default=[0.1, 0.05, 0.02])
parser.add_argument("--batches", nargs="+", type=int, default=[1, 16])
parser.add_argument("--threads", nargs="+", type=int, default=[1])
parser.add_argument("--seconds", type=float, default=0.5, help="of each engine in each round")
parser.add_argument("--rounds", type=int, default=3)
options = parser.parse_args()
# Before anything starts its threads.
os.environ["OMP_NUM_THREADS"] = str(max(options.threads))

import numpy as np
import onnxruntime
import openvino
import torch
from safetensors.torch import load_file, save_file
from torch import nn


def phew(*words):
    """What a command of phew prints as JSON; PHEW_TORCH=none keeps it to phew itself."""
    line = [options.phew, *map(str, words), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, env=os.environ | {"PHEW_TORCH": "none"})
    if done.returncode != 0:
        sys.exit(f"{' '.join(line)}\n{done.stderr}")
    return json.loads(done.stdout)


class Network(nn.Module):
    """An architecture of phew as PyTorch has it, read from its TOML."""

    MODULES = ("conv2d", "linear", "batch_norm")

    def __init__(self, toml):
        super().__init__()
        self.operators = tomllib.loads(toml)["op"]
        shapes = {}
        for number, op in enumerate(self.operators):
            op["inputs"] = op.get("inputs", [self.operators[number - 1]["name"]] if number else [])
            module = self.module(op, shapes)
            if module is not None:
                owner = self
                *path, last = op["name"].split(".")
                for name in path:
                    if not hasattr(owner, name):
                        owner.add_module(name, nn.Module())
                    owner = getattr(owner, name)
                owner.add_module(last, module)
            with torch.no_grad():
                values = [shapes[name] for name in op["inputs"]]
                made = torch.zeros(1, *op["shape"]) if op["type"] == "input" else self.eval().apply_op(op, values)
            shapes[op["name"]] = made
        self.shape = self.operators[0]["shape"]

    @staticmethod
    def module(op, shapes):
        if op["type"] not in Network.MODULES:
            return None
        units = shapes[op["inputs"][0]].shape[1]
        if op["type"] == "linear":
            return nn.Linear(units, op["out"], bias=op.get("bias", True))
        if op["type"] == "batch_norm":
            return nn.BatchNorm2d(units, op.get("eps", 1e-5))
        names = {"stride": 1, "padding": 0, "groups": 1, "bias": False}
        return nn.Conv2d(units, op["out"], op["kernel"], **{name: op.get(name, usual) for name, usual in names.items()})

    def apply_op(self, op, inputs):
        kind, x = op["type"], inputs[0]
        if kind in self.MODULES:
            return self.get_submodule(op["name"])(x)
        if kind == "add":
            return x + inputs[1]
        if kind == "flatten":
            return torch.flatten(x, 1)
        if kind in ("max_pool", "avg_pool"):
            pool = nn.functional.max_pool2d if kind == "max_pool" else nn.functional.avg_pool2d
            kernel = op.get("kernel", x.shape[2:])
            return pool(x, kernel, op.get("stride", kernel), op.get("padding", 0))
        if kind == "relu":
            return torch.relu(x)
        sys.exit(f"{op['name']}: no {kind} here")

    def forward(self, x):
        values = {self.operators[0]["name"]: x}
        for op in self.operators[1:]:
            values[op["name"]] = self.apply_op(op, [values[name] for name in op["inputs"]])
        return values[self.operators[-1]["name"]]


def engines(model, batch, threads, folder):
    """A function of an array for each engine."""
    example = torch.zeros(batch, *model.shape)
    frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, example)))
    file = folder / f"{batch}.onnx"
    torch.onnx.export(model, (example,), str(file), dynamo=False, input_names=["x"], output_names=["y"])
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), settings, providers=["CPUExecutionProvider"])
    hints = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.compile_model(str(file), "CPU", hints)

    def pytorch(x):
        with torch.inference_mode():
            return frozen(torch.from_numpy(x)).numpy()

    return {
        "PyTorch": pytorch,
        "ONNX Runtime": lambda x: session.run(None, {"x": x})[0],
        "OpenVINO": lambda x: compiled(x)[0],
    }


def speed(run, x):
    """Inputs a second."""
    times, end = [], time.perf_counter() + options.seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        run(x)
        times.append(time.perf_counter() - start)
    return len(x) / statistics.median(times[1:])


def measure(name, folder):
    weights = folder / "w.safetensors"
    phew("init", "--arch", name, "--seed", 0, "-o", weights, "--force")
    model = Network(phew("archs", name)["toml"])
    model.load_state_dict(load_file(weights), strict=False)
    model.eval()
    masks = {}
    for method in options.methods:
        # A pattern says the density itself.
        for density in [None] if "--pattern" in method else options.densities:
            mask = folder / f"mask-{len(masks)}"
            line = ["--arch", name, "--weights", weights, "--method", *method.split()]
            line += [] if density is None else ["--density", density]
            report = phew("prune", *line, "-o", mask, "--force")
            masks[method, density or report["kept"] / report["prunable"]] = mask

    x = torch.randn(2, *model.shape)
    save_file({"x": x}, folder / "x")
    phew("run", "--arch", name, "--weights", weights, "--inputs", folder / "x", "-o", folder / "y", "--force")
    wanted = load_file(folder / "y")["output"].numpy()
    for engine, run in engines(model, 2, 1, folder).items():
        error = np.abs(run(x.numpy()) - wanted).max() / np.abs(wanted).max()
        if not error < 1e-4:
            sys.exit(f"{name}: {engine} and phew differ by {error}")

    for threads in options.threads:
        torch.set_num_threads(threads)
        for batch in options.batches:
            x = np.random.default_rng(0).standard_normal((batch, *model.shape), np.float32)
            others = engines(model, batch, threads, folder)
            speeds = {}
            for _ in range(options.rounds):
                for engine, run in others.items():
                    speeds.setdefault(engine, []).append(speed(run, x))
                for key, mask in masks.items():
                    line = ["--arch", name, "--weights", weights, "--mask", mask, "--batch", batch]
                    report = phew("bench", *line, "--threads", threads, "--seconds", options.seconds)
                    speeds.setdefault(key, []).append(report["speeds"][0]["sparse"])
                    speeds.setdefault("phew, dense", []).append(report["speeds"][0]["dense"])
                    kept = sum(layer["multiply_adds"] for layer in report["layers"])
                    whole = sum(layer["multiply_adds_dense"] for layer in report["layers"])
                    masks_kept[key] = kept / whole
            medians = {key: statistics.median(values) for key, values in speeds.items()}
            best = max(medians[engine] for engine in others)
            print(f"\n{name}, batch {batch}, {threads} thread{'s' if threads > 1 else ''}")
            for key, value in medians.items():
                shown, share = key, ""
                if isinstance(key, tuple):
                    shown, share = f"{key[0]} at {key[1]:.3g}", f"{masks_kept[key]:.1%} of the multiply-adds"
                print(f"  {shown:36} {value:10,.0f} inputs/s  {value / best:6.2f}  {share}".rstrip(), flush=True)


masks_kept = {}
with tempfile.TemporaryDirectory() as scratch:
    print("The last number is the ratio to the best of the dense engines of others.")
    for network in options.networks:
        measure(network, Path(scratch))
