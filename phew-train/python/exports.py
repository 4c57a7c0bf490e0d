"""Models exported by torch.export.save, and what an import of them must come to.

    exports.py FOLDER GROUP ...
    exports.py FOLDER onnx

For each model of the groups (own, small, full) FOLDER gets NAME.pt2, and NAME.safetensors with an input and the model's output in evaluation mode.
expected.json has, by model, the names of its prunable weights, PyTorch's count of their scalars, and the number of
input-output paths: counted here on PyTorch's own graph, in whole numbers, with k² edges for a k×k kernel.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.fx.node import map_arg
from torch.nn import functional as F


class Counter:
    """Runs an exported graph on numbers of paths: arrays of whole numbers in the shape of the values, for one sample."""

    def count(self, program, shape):
        state = {**program.state_dict, **program.constants}
        names = {}
        for spec in program.graph_signature.input_specs:
            if spec.target is not None:
                names[spec.arg.name] = state.get(spec.target)
        values = {}
        for node in program.graph.nodes:
            if node.op == "placeholder":
                known = node.name in names
                values[node] = names[node.name] if known else np.full(shape, 1, dtype=object)
            elif node.op == "call_function":
                args = map_arg(node.args, lambda n: values[n])
                kwargs = map_arg(node.kwargs, lambda n: values[n])
                values[node] = self.call(node, args, kwargs)
            else:
                output = values[node.args[0][0]]
                # Of tokens all have the same counts.
                return sum((output[:, 0] if output.ndim == 3 else output).flatten())
        raise ValueError("the graph has no output")

    def call(self, node, args, kwargs):
        name = str(node.target).split(".")[1] if "aten" in str(node.target) else node.target.__name__
        name = name.rstrip("_")
        counts = [a for a in args if isinstance(a, np.ndarray)]
        lists = [a for a in args if isinstance(a, (list, tuple)) and any(isinstance(b, np.ndarray) for b in a)]
        scores = [a for a in args if isinstance(a, Scores)]
        if scores and name not in ("matmul", "bmm"):
            return scores[0] if name in ("mul", "div", "softmax", "dropout") else None
        if not counts and not lists and not scores:
            return None
        meta = node.meta["val"]
        shape = tuple(meta.shape) if isinstance(meta, torch.Tensor) else None
        x = counts[0] if counts else None
        if name in ("conv2d", "conv1d"):
            weight = args[1]
            out, inputs, *kernel = weight.shape
            spatial = x.shape[2:]
            channels = x.reshape(x.shape[1], -1)[:, 0]
            groups = channels.shape[0] // inputs
            sums = channels.reshape(groups, inputs).sum(axis=1) * int(np.prod(kernel))
            return spread(np.repeat(sums, out // groups), shape)
        if name in ("conv_transpose1d", "conv_transpose2d"):
            # [in, out / groups, ...]: each output channel sees the channels of its group by a kernel each.
            inputs, out, *kernel = args[1].shape
            channels = x.reshape(inputs, -1)[:, 0]
            groups = shape[1] // out
            sums = channels.reshape(groups, inputs // groups).sum(axis=1) * int(np.prod(kernel))
            return spread(np.repeat(sums, out), shape)
        if name == "linear":
            return np.repeat(x.sum(axis=-1, keepdims=True), args[1].shape[0], axis=-1)
        if name == "add":
            return x + counts[1] if len(counts) > 1 else x
        if name == "mul":
            # A gate hands on what either side brings; a factor or a scale is the layer's.
            return np.broadcast_to(x + counts[1], shape) if len(counts) > 1 else np.broadcast_to(x, shape)
        if name == "cat":
            if any(b is None or isinstance(b, torch.Tensor) for b in lists[0]):
                # Learnt positions: no path begins in them, and all positions of a unit have the same count.
                axis = args[1]
                known = next(b for b in lists[0] if isinstance(b, np.ndarray))
                return np.repeat(np.take(known, [0], axis=axis), shape[axis], axis=axis)
            return np.concatenate(lists[0], axis=args[1] if len(args) > 1 else 0)
        if name in ("chunk", "split", "split_with_sizes"):
            axis = (args[2] if len(args) > 2 else kwargs.get("dim", 0)) % x.ndim
            sizes = [part.shape[axis] for part in meta]
            return np.split(x, np.cumsum(sizes)[:-1], axis=axis)
        if name == "scaled_dot_product_attention":
            return attended(*counts, *x.shape[-2:])
        if name in ("matmul", "bmm"):
            a, b = args[:2]
            if isinstance(a, Scores):
                return attended(a.query, np.swapaxes(a.key, -1, -2), b, *a.query.shape[-2:])
            return Scores(a, b)
        if name == "unbind":
            axis = args[1] if len(args) > 1 else 0
            return [np.take(x, i, axis=axis) for i in range(x.shape[axis])]
        if name == "getitem":
            return args[0][args[1]]
        if name == "slice":
            axis, start, end = args[1], args[2], min(args[3], x.shape[args[1]])
            return np.take(x, range(start, end), axis=axis)
        if name == "select":
            return np.take(x, args[2], axis=args[1])
        if name in ("view", "reshape", "flatten", "unsqueeze", "squeeze", "unflatten"):
            return x.reshape(shape)
        if name == "transpose":
            return np.swapaxes(x, args[1], args[2])
        if name == "permute":
            return np.transpose(x, args[1])
        if name == "mean" and args[1] == [1] and x.ndim == 4:
            return x.sum(axis=1, keepdims=True).reshape(shape)
        if name == "mean":
            # All positions have the same count.
            for axis in args[1]:
                x = np.take(x, [0], axis=axis)
            return x.reshape(shape)
        if "pool" in name or name == "pad":
            return spread(x.reshape(x.shape[1], -1)[:, 0], shape)
        if name in IN_LAYER:
            return x
        raise ValueError(f"{name} is not counted")


IN_LAYER = {
    "batch_norm", "relu", "relu6", "hardtanh", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus", "hardswish",
    "hardsigmoid", "sigmoid", "tanh", "dropout", "layer_norm", "group_norm", "instance_norm", "softmax", "log_softmax",
    "contiguous", "clone", "div", "sub", "neg",
}


class Scores:
    """Products of queries and keys on the way to an attention."""

    def __init__(self, query, key):
        self.query, self.key = query, key


def attended(query, key, value, positions, units):
    """Unit by unit what a head's values bring, and to each of its units what all of its queries and of its keys bring."""
    one = lambda x: np.take(x, [0], axis=-2)
    gates = one(query).sum(axis=-1, keepdims=True) + one(key).sum(axis=-1, keepdims=True)
    return np.repeat(one(value) + gates, positions, axis=-2)


def spread(channels, shape):
    """The same for all positions of a channel."""
    return np.broadcast_to(channels.reshape((1, -1) + (1,) * (len(shape) - 2)), shape)


class Every(nn.Module):
    """What the torchvision models below leave out."""

    def __init__(self):
        super().__init__()
        self.pad = nn.ZeroPad2d((1, 2, 0, 1))
        self.same = nn.Conv2d(4, 6, (4, 3), padding="same", dilation=(1, 2))
        self.grouped = nn.Conv2d(6, 8, 3, groups=2, bias=False, padding_mode="zeros", padding=1)
        self.plain = nn.BatchNorm2d(8, affine=False)
        self.free = nn.Conv2d(8, 8, 1)
        self.groups = nn.GroupNorm(4, 8)
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.average = nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=False)
        self.most = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.adaptive = nn.AdaptiveAvgPool2d((3, 2))
        self.weight = nn.Parameter(torch.randn(5, 8, 1, 1))
        self.factor = nn.Parameter(torch.randn(5))
        self.head = nn.Linear(5 * 3 * 2, 7)
        self.norm = nn.LayerNorm(7, bias=False)
        self.last = nn.Linear(7, 3)
        self.register_buffer("constant", torch.ones(3))

    def forward(self, x):
        x = F.leaky_relu(self.same(self.pad(x)), 0.2)
        x = F.elu(self.plain(self.grouped(x)), alpha=0.7)
        x = F.mish(self.groups(self.free(x))) * 0.5 + 1.5
        x = self.most(self.average(F.softplus(self.instance(x)) + torch.tanh(x)))
        x = F.conv2d(x, self.weight) * self.factor[:, None, None]
        x = F.gelu(self.adaptive(x), approximate="tanh")
        x = F.hardtanh(self.head(x.flatten(1)), -2.0, 2.0) - 0.25
        return F.log_softmax(self.last(F.dropout(self.norm(-x), 0.3, self.training)), dim=1)


class Sequence(nn.Module):
    """One-dimensional convolutions."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(3, 6, 5, padding=2, stride=2, bias=False)
        self.bn1 = nn.BatchNorm1d(6)
        self.conv2 = nn.Conv1d(6, 8, 3, padding="same", dilation=2, groups=2)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = F.max_pool1d(F.relu(self.bn1(self.conv1(x))), 2)
        return self.fc(F.adaptive_avg_pool1d(F.silu(self.conv2(x)), 1).squeeze(-1))


class Upward(nn.Module):
    """Transposed convolutions: in groups, dilated, with sides that differ, and with as many outputs as inputs."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.square = nn.ConvTranspose2d(4, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.grouped = nn.ConvTranspose2d(4, 6, (3, 2), stride=2, padding=(1, 0), output_padding=(1, 0), groups=2)
        self.dilated = nn.ConvTranspose2d(6, 9, 3, stride=(1, 3), padding=2, output_padding=(0, 1), dilation=2, groups=3)
        self.depthwise = nn.ConvTranspose2d(9, 9, 2, groups=9, bias=False)
        self.head = nn.Linear(9, 5)

    def forward(self, x):
        x = F.relu(self.norm(self.square(self.down(x))))
        x = self.dilated(F.relu(self.grouped(x)))
        return self.head(F.relu(self.depthwise(x)).mean((2, 3)))


class UpwardSequence(nn.Module):
    """Transposed convolutions over sequences."""

    def __init__(self):
        super().__init__()
        self.square = nn.ConvTranspose1d(4, 4, 3)
        self.grouped = nn.ConvTranspose1d(4, 6, 4, stride=3, padding=1, output_padding=2, dilation=2, groups=2, bias=False)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(F.relu(self.grouped(F.relu(self.square(x)))).mean(2))


class Tokens(nn.Module):
    """Linear layers on the last of three axes, a learnt position for each token, a mean over tokens, parts of units."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(5, 8)
        self.positions = nn.Parameter(torch.randn(1, 6, 8))
        self.norm = nn.LayerNorm(8)
        self.up = nn.Linear(8, 24)
        self.down = nn.Linear(8, 8, bias=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.embed(x) + self.positions
        a, b, c = self.up(self.norm(x)).chunk(3, dim=-1)
        x = x + self.down(torch.sigmoid(a) * b + c)
        return self.head(x.mean(dim=1))


class Mixing(nn.Module):
    """A block of an MLP-Mixer as timm writes it: tokens by a transposition, and then channels, both with a residual."""

    def __init__(self, tokens, width, inner, outer):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.tokens = nn.Sequential(nn.Linear(tokens, inner), nn.GELU(), nn.Dropout(0.1), nn.Linear(inner, tokens))
        self.norm2 = nn.LayerNorm(width)
        self.channels = nn.Sequential(nn.Linear(width, outer), nn.GELU(), nn.Linear(outer, width))

    def forward(self, x):
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    """An MLP-Mixer of two blocks over the patches of an image, which are no more tokens than channels or fewer."""

    tokens, width, inner, outer = 6, 8, 5, 12

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, self.width, 4, 4)
        self.blocks = nn.Sequential(*(Mixing(self.tokens, self.width, self.inner, self.outer) for _ in range(2)))
        self.norm = nn.LayerNorm(self.width)
        self.head = nn.Linear(self.width, 5)

    def forward(self, x):
        x = self.blocks(self.stem(x).flatten(2).transpose(1, 2))
        return self.head(self.norm(x).mean(dim=1))

    def paths(self):
        """By hand: a transposition hands each unit to each, weights join all, a residual adds."""
        stream = [3 * 16] * self.width
        for _ in range(2):
            tokens = [sum(stream)] * self.tokens
            hidden = [sum(tokens)] * self.inner
            tokens = [sum(hidden)] * self.tokens
            stream = [count + sum(tokens) for count in stream]
            hidden = [sum(stream)] * self.outer
            stream = [count + sum(hidden) for count in stream]
        return 5 * sum(stream)


class SquareMixer(Mixer):
    """As many tokens as channels: only the order of the axes tells them apart."""

    tokens, width, inner, outer = 6, 6, 6, 6


class Spatial(nn.Module):
    """A gate of one channel for all: the mean over channels, with its axis kept and without."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.gate = nn.Conv2d(1, 1, 3, padding=1, bias=False)
        self.fc = nn.Linear(49, 4)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x = x * torch.sigmoid(self.gate(x.mean(1, keepdim=True)))
        return self.fc(x.mean(1).flatten(1))


class Pieces(nn.Module):
    """Attention by nn.MultiheadAttention with its weights asked for, which comes in pieces; and from some positions to others."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.query = nn.Linear(8, 12)
        self.key = nn.Linear(8, 12, bias=False)
        self.value = nn.Linear(8, 12)
        self.registers = nn.Parameter(torch.randn(1, 2, 8))
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        x = x + self.attention(x, x, x)[0]
        x = torch.cat([x, self.registers.expand(x.shape[0], -1, -1)], dim=1)
        heads = lambda y: y.unflatten(-1, (3, 4)).transpose(1, 2)
        q, rest = self.query(x[:, :3]), x[:, 3:]
        y = F.scaled_dot_product_attention(heads(q), heads(self.key(rest)), heads(self.value(rest)))
        return self.head(y.transpose(1, 2).flatten(2).mean(1))


class Gpt(nn.Module):
    """A block of a small GPT behind its embedding: causal attention over packed queries, keys and values."""

    def __init__(self, heads=2, width=8):
        super().__init__()
        self.heads = heads
        self.ln_1 = nn.LayerNorm(width)
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)
        self.ln_2 = nn.LayerNorm(width)
        self.c_fc = nn.Linear(width, 2 * width)
        self.c_out = nn.Linear(2 * width, width)
        self.head = nn.Linear(width, 11, bias=False)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.c_attn(self.ln_1(x)).split(c, dim=2)
        q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3)
        x = x + self.c_proj(y.transpose(1, 2).contiguous().view(b, t, c))
        x = x + self.c_out(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))
        return self.head(x)


class Timm(nn.Module):
    """A block as timm writes vision transformers: five axes, unbind, attention in pieces, layer scale."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, 4)
        self.cls_token = nn.Parameter(torch.randn(1, 1, 8))
        self.dist_token = nn.Parameter(torch.randn(1, 1, 8))
        self.pos_embed = nn.Parameter(torch.randn(1, 8, 8))
        self.norm = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24, bias=False)
        self.proj = nn.Linear(8, 8)
        self.gamma = nn.Parameter(torch.randn(8))
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        b = x.shape[0]
        x = torch.cat((self.cls_token.expand(b, -1, -1), self.dist_token.expand(b, -1, -1), x), dim=1) + self.pos_embed
        n, c = x.shape[1:]
        q, k, v = self.qkv(self.norm(x)).reshape(b, n, 3, 4, c // 4).permute(2, 0, 3, 1, 4).unbind(0)
        attention = (q @ k.transpose(-2, -1)) * (c // 4) ** -0.5
        attention = F.dropout(attention.softmax(dim=-1), 0.1, self.training)
        x = x + self.gamma * self.proj((attention @ v).transpose(1, 2).reshape(b, n, c))
        return self.head(x[:, 0] + x[:, 1])


class Tied(nn.Module):
    """Layers of their own whose weights are one parameter; the one that comes first in the model is used last."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(6, 6)
        self.first = nn.Linear(6, 6)
        self.first.weight = self.last.weight
        self.head = nn.Linear(6, 3, bias=False)

    def forward(self, x):
        return self.head(F.relu(self.last(F.relu(self.first(x)))))


class Twice(nn.Module):
    """Modules used several times, with their biases, scales and statistics; over maps of different sizes, around a residual."""

    def __init__(self, up=None):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.up = up or nn.Conv2d(4, 4, 2, groups=2)
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        x = self.norm(F.relu(self.conv(self.stem(x))))
        x = self.norm(F.relu(x + self.conv(x)))
        x = self.conv(F.max_pool2d(x, 2))
        return self.head(self.up(F.relu(self.up(x))).mean((2, 3)))


class Transposed(nn.Module):
    """An autoencoder whose second weight is the first with its axes exchanged, in the same memory."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(6, 4)
        self.decode = nn.Linear(4, 6)
        self.decode.weight = nn.Parameter(self.encode.weight.t())

    def forward(self, x):
        return self.decode(F.relu(self.encode(x)))


def vit_digits():
    """torchvision's vision transformer for the digits: images of one channel."""
    from torchvision.models import VisionTransformer

    model = VisionTransformer(image_size=28, patch_size=7, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=24, num_classes=10)
    model.conv_proj = nn.Conv2d(1, 16, 7, 7)
    nn.init.normal_(model.class_token)
    nn.init.normal_(model.heads.head.weight, std=0.3)
    return model


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 9), nn.Tanh(), nn.Dropout(0.1), nn.Linear(9, 4))


def own():
    return {
        "every": (Every, (4, 11, 9), {}),
        "sequence": (Sequence, (3, 25), {}),
        "upward": (Upward, (3, 9, 8), {}),
        "upward_sequence": (UpwardSequence, (4, 7), {}),
        "tokens": (Tokens, (6, 5), {}),
        "mixer": (Mixer, (3, 8, 12), {}),
        "square_mixer": (SquareMixer, (3, 8, 12), {}),
        "vit_digits": (vit_digits, (1, 28, 28), {}),
        "spatial": (Spatial, (3, 7, 7), {}),
        "pieces": (Pieces, (6, 8), {}),
        "gpt": (Gpt, (6, 8), {}),
        "timm": (Timm, (3, 8, 12), {}),
        "tied": (Tied, (6,), {}),
        "tied_strict": (Tied, (6,), {"strict": True}),
        "twice": (Twice, (3, 8, 6), {}),
        "twice_upward": (lambda: Twice(nn.ConvTranspose2d(4, 4, 2, groups=2)), (3, 8, 6), {}),
        "mlp": (mlp, (3, 2, 2), {}),
        "dynamic": (mlp, (3, 2, 2), {"dynamic": True}),
        "training": (Every, (4, 11, 9), {"train": True}),
        "half": (mlp, (3, 2, 2), {"dtype": torch.float16}),
        "bfloat": (mlp, (3, 2, 2), {"dtype": torch.bfloat16}),
        "double": (mlp, (3, 2, 2), {"dtype": torch.float64}),
        "last": (Every, (4, 11, 9), {"channels_last": True}),
    }


def small():
    """The families of torchvision, as narrow and shallow as they can be asked for."""
    import torchvision.models as tv
    from torchvision.models import densenet, efficientnet, mobilenetv3, regnet, resnet, convnext

    image = (3, 64, 64)
    block = convnext.CNBlockConfig
    mb, fused = efficientnet.MBConvConfig, efficientnet.FusedMBConvConfig
    inverted = mobilenetv3.InvertedResidualConfig
    return {
        "resnet": (lambda: resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], num_classes=7), image, {}),
        "bottleneck": (lambda: resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=7, groups=2), image, {}),
        "vgg": (Vgg, image, {}),
        "mobilenet_v2": (lambda: tv.MobileNetV2(num_classes=7, width_mult=0.25, inverted_residual_setting=[[1, 8, 1, 1], [6, 16, 2, 2]]), image, {}),
        "mobilenet_v3": (lambda: tv.MobileNetV3([inverted(16, 3, 16, 16, True, "RE", 2, 1, 1), inverted(16, 3, 24, 16, True, "HS", 1, 1, 1)], 32, num_classes=7), image, {}),
        "densenet": (lambda: densenet.DenseNet(4, (2, 2), 8, bn_size=2, num_classes=7), image, {}),
        "squeezenet": (lambda: tv.squeezenet1_1(num_classes=7), image, {}),
        "shufflenet": (lambda: tv.ShuffleNetV2([2, 2, 2], [8, 16, 24, 32, 40], num_classes=7), image, {}),
        "efficientnet": (lambda: tv.EfficientNet([mb(1, 3, 1, 8, 8, 1), mb(4, 5, 2, 8, 12, 2)], 0.2, num_classes=7), image, {}),
        "regnet": (lambda: regnet.RegNet(regnet.BlockParams.from_init_params(depth=4, w_0=16, w_a=8.0, w_m=2.0, group_width=8, se_ratio=0.25), num_classes=7), image, {}),
        "mnasnet": (lambda: tv.MNASNet(0.1, num_classes=7), image, {}),
        "convnext": (lambda: convnext.ConvNeXt([block(8, 12, 2), block(12, None, 1)], 0.1, num_classes=7), image, {}),
        "alexnet": (lambda: tv.alexnet(num_classes=7), image, {}),
        "vit": (lambda: tv.VisionTransformer(image_size=64, patch_size=16, num_layers=2, num_heads=3, hidden_dim=24, mlp_dim=40, num_classes=7), image, {}),
    }


class Vgg(nn.Module):
    """VGG with batch normalisation, torchvision's but for its classifier of 120 million weights."""

    def __init__(self):
        from torchvision.models.vgg import make_layers

        super().__init__()
        self.features = make_layers([8, "M", 12, 12, "M"], batch_norm=True)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(nn.Linear(12 * 49, 20), nn.ReLU(True), nn.Dropout(), nn.Linear(20, 7))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def full():
    """The models as they are published, on small images."""
    import torchvision.models as tv

    image, plain = (3, 64, 64), {"aux_logits": False, "init_weights": False}
    names = {
        "resnet18": {}, "resnet50": {}, "mobilenet_v2": {}, "densenet121": {}, "squeezenet1_0": {}, "googlenet": plain,
        "shufflenet_v2_x1_0": {}, "efficientnet_b0": {}, "regnet_y_400mf": {}, "mnasnet1_0": {}, "convnext_tiny": {},
    }
    models = {f"full-{name}": (lambda n=name, o=options: getattr(tv, n)(weights=None, **o), image, {}) for name, options in names.items()}
    models["full-vit_b_16"] = (lambda: tv.vit_b_16(weights=None), (3, 224, 224), {})
    models["full-inception_v3"] = (lambda: tv.inception_v3(weights=None, **plain), (3, 80, 80), {})
    return models


def prunable(model):
    """Weights of convolutions and linear layers by name, once each: by the first, if it has several."""
    weights = {}
    for path, module in model.named_modules():
        if any(getattr(module, "weight", None) is weight for weight in weights.values()):
            continue
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.Linear)):
            weights[f"{path}.weight"] = module.weight
        if isinstance(module, nn.MultiheadAttention):
            weights[f"{path}.in_proj_weight"] = module.in_proj_weight
    if isinstance(model, Every):
        weights["weight"] = model.weight
    return weights


def export(folder, name, make, shape, options):
    torch.manual_seed(0)
    model = make()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if module.running_mean is not None:
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
            if module.weight is not None:
                nn.init.uniform_(module.weight, 0.5, 1.5)
    dtype = options.get("dtype", torch.float32)
    # What half precision cannot hold is no part of the weights.
    model = model.to(dtype).eval()
    if options.get("channels_last"):
        model = model.to(memory_format=torch.channels_last)
    x = torch.randn(3, *shape)
    with torch.no_grad():
        y = model.float()(x).contiguous()
    model = model.to(dtype).train(options.get("train", False))
    dynamic = {"dynamic_shapes": ({0: torch.export.Dim("n", min=2, max=64)},)} if options.get("dynamic") else {}
    program = torch.export.export(model, (x.to(dtype),), strict=options.get("strict", False), **dynamic)
    torch.export.save(program, folder / f"{name}.pt2")
    save_file({"input": x, "output": y}, folder / f"{name}.safetensors")
    weights = prunable(model)
    paths = model.paths() if hasattr(model, "paths") else Counter().count(torch.export.export(model.eval(), (x[:1].to(dtype),)), (1, *shape))
    return {
        "weights": {name: list(weight.shape) for name, weight in weights.items()},
        "prunable": sum(weight.numel() for weight in weights.values()),
        "paths": str(paths),
    }


# What either exporter has no words for, or writes in operators that phew has not: adaptive poolings of uneven windows.
NOT_IN_ONNX = {"every", "training", "last", "vgg", "alexnet", "half", "bfloat", "double", "dynamic", "tied", "tied_strict"}


def export_onnx(folder, name, make, shape, options):
    """The model by both of PyTorch's exporters: NAME-old.onnx and NAME-new.onnx."""
    torch.manual_seed(0)
    model = make().eval()
    for weight in model.parameters():
        # A classifier of zeros, as torchvision's transformers begin, leads nowhere.
        if weight.dim() > 1 and not weight.any():
            nn.init.normal_(weight, std=0.3)
    x = torch.randn(3, *shape)
    torch.onnx.export(model, (x,), folder / f"{name}-new.onnx", dynamo=True, verbose=False)
    # As most users do: any number of samples.
    axes = {"x": {0: "batch"}} if name in ("mlp", "sequence", "resnet", "convnext", "spatial") else None
    torch.onnx.export(model, (x,), folder / f"{name}-old.onnx", dynamo=False, input_names=["x"], dynamic_axes=axes)
    with torch.no_grad():
        save_file({"input": x, "output": model(x).contiguous()}, folder / f"{name}.safetensors")
    torch.export.save(torch.export.export(model, (x,)), folder / f"{name}.pt2")
    weights = prunable(model)
    normalised = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
    paths = model.paths() if hasattr(model, "paths") else Counter().count(torch.export.export(model, (x[:1],)), (1, *shape))
    return {
        "weights": {name: list(weight.shape) for name, weight in weights.items()},
        "prunable": sum(weight.numel() for weight in weights.values()),
        "paths": str(paths),
        "normalised": normalised,
        "exporters": ["old", "new"],
    }


def onnx(folder):
    """Everything in ONNX, and blocks of it in older and newer sets of operators."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    models = {name: model for name, model in (own() | small()).items() if name not in NOT_IN_ONNX}
    expected = {name: export_onnx(folder, name, *model) for name, model in models.items()}
    versions = [("gpt", 23, True), ("gpt", 17, False), ("gpt", 18, True), ("tokens", 13, False), ("convnext", 14, False)]
    for name, version, dynamo in versions:
        make, shape, _ = models[name]
        torch.manual_seed(0)
        model, x = make().eval(), torch.randn(3, *shape)
        torch.onnx.export(model, (x,), folder / f"{name}-{version}.onnx", opset_version=version, dynamo=dynamo, verbose=False)
    for name, dynamo in [("tied-old", False), ("tied-new", True)]:
        torch.onnx.export(Tied().eval(), (torch.randn(3, 6),), folder / f"{name}.onnx", dynamo=dynamo, verbose=False)
    return expected


def main():
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    if wanted == ["onnx"]:
        (folder / "expected.json").write_text(json.dumps(onnx(folder), indent=1))
        return
    models = own()
    groups = {"own": own, "small": small, "full": full}
    names = []
    for group in wanted:
        models |= groups[group]()
        names += groups[group]()
    expected = {name: export(folder, name, *models[name]) for name in names}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1))
    transposed = torch.export.export(Transposed(), (torch.randn(2, 6),))
    torch.export.save(transposed, folder / "transposed.pt2")


main()
