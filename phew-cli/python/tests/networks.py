"""Small models for the tests."""

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """Convolutions with normalisation round a skip, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(6)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(6 * 4 * 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(torch.relu(self.bn2(self.conv2(x)) + x), 1))


class Tied(nn.Module):
    """Two layers with one weight; the one that comes first in the model is used last."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(6, 6)
        self.first = nn.Linear(6, 6)
        self.first.weight = self.last.weight
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.relu(self.last(torch.relu(self.first(x)))))


PRUNABLE = 6 * 9 + 6 * 6 * 9 + 5 * 96


def residual() -> tuple[Residual, Tensor]:
    """The model with the same weights each time, and an input."""
    torch.manual_seed(0)
    return Residual(), torch.randn(2, 1, 8, 8)
