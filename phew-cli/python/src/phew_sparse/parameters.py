"""Which parameter of a model a mask belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from torch import Tensor, nn

_WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)


class Place(NamedTuple):
    """A weight in its module, under the name that the module's ``forward`` uses."""

    module: nn.Module
    attribute: str
    parameter: nn.Parameter
    mask: Tensor


def bare(model: nn.Module) -> nn.Module:
    """The model without what ``torch.compile`` and ``DataParallel`` wrap around it, whose names its weights do not bear."""
    while True:
        inner = model.module if isinstance(model, _WRAPPERS) else getattr(model, "_orig_mod", None)
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def places(model: nn.Module, masks: Mapping[str, Tensor]) -> list[Place]:
    """The parameter of each mask; that of a module that ``torch.nn.utils.prune`` works on is ``weight_orig``.

    Raises:
        KeyError: the model has no such parameter.
        ValueError: a mask has another shape than its parameter, or is not boolean.
    """
    return [_place(bare(model), name, mask) for name, mask in masks.items()]


def holders(model: nn.Module, parameter: nn.Parameter) -> Iterator[tuple[nn.Module, str]]:
    """All modules whose weight a parameter is, with the name by which their ``forward`` uses it: several of a tied weight."""
    for module in bare(model).modules():
        for name, own in module.named_parameters(recurse=False, remove_duplicate=False):
            if own is parameter:
                yield module, name.removesuffix("_orig")


def _place(model: nn.Module, name: str, mask: Tensor) -> Place:
    path, _, attribute = name.rpartition(".")
    try:
        module = model.get_submodule(path)
    except AttributeError:
        raise KeyError(f"{name}: the model has no module `{path}`") from None
    own = dict(module.named_parameters(recurse=False))
    parameter = own.get(attribute, own.get(f"{attribute}_orig"))
    if parameter is None:
        computed = isinstance(getattr(module, attribute, None), Tensor)
        reason = "it is computed from other parameters" if computed else "there is none of this name"
        raise KeyError(f"{name}: no parameter of the model: {reason}")
    if mask.shape != parameter.shape:
        raise ValueError(f"{name}: the mask's shape is {tuple(mask.shape)}, the parameter's {tuple(parameter.shape)}")
    if mask.dtype.is_floating_point or mask.dtype.is_complex:
        if not ((mask == 0) | (mask == 1)).all():
            raise ValueError(f"{name}: the mask has values besides 0 and 1")
    return Place(module, attribute, parameter, mask.detach().bool())
