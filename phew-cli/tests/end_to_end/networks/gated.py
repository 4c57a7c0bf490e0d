"""Exports gated.pt2 and gated.onnx: a residual block with a gate. python gated.py FILE.pt2 FILE.onnx, with torch 2.11."""

import sys

import torch
from torch import nn


class Net(nn.Module):
    """A small model of most that an export can hold."""
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(6)
        self.squeeze = nn.Linear(6, 4)
        self.excite = nn.Linear(4, 6)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(6 * 4 * 4, 10)
    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        y = self.bn2(self.conv2(x))
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(y.mean((2, 3))))))
        return self.fc(torch.flatten(torch.relu(y * gate[:, :, None, None] + x), 1))


torch.manual_seed(0)
p = torch.export.export(Net().eval(), (torch.randn(2, 1, 8, 8),))
for n in p.graph.nodes:
    # Paths of this machine.
    n.meta.pop("stack_trace", None)
torch.export.save(p, sys.argv[1])
# In training mode, so that normalisation stays by itself.
torch.manual_seed(0)
torch.onnx.export(Net().train(), (torch.randn(2, 1, 8, 8),), sys.argv[2], dynamo=False, do_constant_folding=False,
                  training=torch.onnx.TrainingMode.TRAINING, input_names=["x"], dynamic_axes={"x": {0: "batch"}})
