"""Plain PyTorch networks from the architectures that phew writes, to compare with: torch.nn modules, run eagerly."""

import tomllib

import torch
from safetensors.torch import load_file
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "identity": nn.Identity}


class Network(nn.Module):
    """The operators of an architecture file, in order."""

    def __init__(self, path):
        super().__init__()
        with open(path, "rb") as file:
            operators = tomllib.load(file)["op"]
        self.steps = []
        self.made = nn.ModuleDict()
        shapes = {}
        previous = None
        for op in operators:
            name, inputs = op["name"], op.get("inputs", [previous] if previous else [])
            shape = op["shape"] if op["type"] == "input" else shapes[inputs[0]]
            module = self.module(op, shape)
            if module is not None:
                self.made[name.replace(".", "/")] = module
            self.steps.append((name, op["type"], inputs, module))
            probe = torch.zeros(2, *shape)
            if op["type"] == "flatten":
                probe = probe.flatten(1)
            elif op["type"] == "concat":
                probe = torch.cat([torch.zeros(2, *shapes[i]) for i in inputs], 1)
            elif module is not None:
                with torch.no_grad():
                    probe = module.eval()(probe)
                module.train()
            shapes[name] = list(probe.shape[1:])
            previous = name
        self.input_shape = operators[0]["shape"]

    @staticmethod
    def module(op, shape):
        kind = op["type"]
        window = lambda: dict(
            kernel_size=op.get("kernel", tuple(shape[1:])),
            stride=op.get("stride", op.get("kernel", 1)),
            padding=op.get("padding", 0),
        )
        if kind == "conv2d":
            return nn.Conv2d(
                shape[0],
                op["out"],
                op["kernel"],
                op.get("stride", 1),
                op.get("padding", 0),
                groups=op.get("groups", 1),
                bias=op.get("bias", False),
            )
        if kind in ("conv_transpose2d", "conv_transpose1d"):
            return getattr(nn, f"ConvTranspose{kind[-2:]}")(
                shape[0],
                op["out"],
                op["kernel"],
                op.get("stride", 1),
                op.get("padding", 0),
                op.get("output_padding", 0),
                groups=op.get("groups", 1),
                bias=op.get("bias", False),
                dilation=op.get("dilation", 1),
            )
        if kind == "linear":
            return nn.Linear(shape[0], op["out"], bias=op.get("bias", True))
        if kind == "batch_norm":
            norm = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            return norm(shape[0], eps=op.get("eps", 1e-5), momentum=op.get("momentum", 0.1))
        if kind == "leaky_relu":
            return nn.LeakyReLU(op.get("slope", 0.01))
        if kind == "max_pool":
            return nn.MaxPool2d(**window())
        if kind == "avg_pool":
            return nn.AvgPool2d(**window())
        if kind in ACTIVATIONS:
            return ACTIVATIONS[kind]()
        assert kind in ("input", "add", "concat", "flatten"), kind
        return None

    def load(self, path):
        """Takes the weights of a safetensors file; normalisation that is not in it keeps its initial values."""
        tensors = load_file(path)
        for name, _, _, module in self.steps:
            for key, value in module.state_dict().items() if module is not None else ():
                if f"{name}.{key}" in tensors:
                    value.copy_(tensors.pop(f"{name}.{key}"))
        assert not tensors, f"not in the network: {list(tensors)}"

    def named(self):
        """Parameters by the names that the state dict of phew has."""
        for name, _, _, module in self.steps:
            for key, value in module.named_parameters() if module is not None else ():
                yield f"{name}.{key}", value

    def forward(self, x):
        values = {}
        for name, kind, inputs, module in self.steps:
            if kind == "input":
                value = x.reshape(x.shape[0], *self.input_shape)
            elif kind == "add":
                value = sum(values[i] for i in inputs[1:]) + values[inputs[0]]
            elif kind == "concat":
                value = torch.cat([values[i] for i in inputs], 1)
            elif kind == "flatten":
                value = values[inputs[0]].flatten(1)
            else:
                value = module(values[inputs[0]])
            values[name] = value
        return value
