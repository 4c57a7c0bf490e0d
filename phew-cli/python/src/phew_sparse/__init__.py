"""Sparse neural networks before training, for any PyTorch model.

>>> import phew_sparse as phew
>>> masks = phew.prune(model, x, density=0.05)   # {"conv1.weight": BoolTensor, ...}
>>> phew.freeze(model, masks, optimizer)         # pruned weights stay zero in one's own training loop
>>> phew.inspect(model, x, masks)["dead_units"]
0

The program ``phew``, which comes with this package, does the work: the model goes to it as an export of ``torch.export``.
``python -m phew_sparse`` runs it.
"""

from importlib.metadata import version as _version

from .applying import apply
from .freezing import Freeze, freeze
from .packed import load_packed
from .program import PhewError, PhewUsageError, PhewWarning
from .pruning import inspect, prune
from .pruning import outputs as run

__version__ = _version("phew-sparse")

__all__ = [
    "Freeze",
    "PhewError",
    "PhewUsageError",
    "PhewWarning",
    "apply",
    "freeze",
    "inspect",
    "load_packed",
    "prune",
    "run",
]
