"""Exports gated.pt2, gated.onnx and folded.onnx: a residual block with a gate, and the same with its normalisation folded.

python gated.py FILE.pt2 FILE.onnx FOLDED.onnx, with torch 2.11.
"""

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
# In evaluation mode, behind normalisation that has learnt: its scales are multiplied into the convolutions.
torch.manual_seed(0)
net = Net().eval()
for norm in (net.bn1, net.bn2):
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([0.25, 3.0, 1.5, 0.5, 2.0, 4.0]))
        norm.bias.copy_(torch.tensor([0.5, -0.5, 0.0, 1.0, -1.0, 0.25]))
torch.onnx.export(net, (torch.randn(2, 1, 8, 8),), sys.argv[3], dynamo=False, input_names=["x"])
