"""Pruned weights that stay zero in any training loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .parameters import places


def freeze(model: nn.Module, masks: Mapping[str, Tensor], optimizer: Optimizer) -> Freeze:
    """Sets pruned weights to zero and keeps them there, with their gradients and the optimiser's state.

    It works with any optimiser of PyTorch's kind, with momentum, weight decay and adaptive steps, from hooks alone: on the
    gradients, which are zeroed where a weight is pruned, and before and after ``optimizer.step()``, where gradients,
    weights and every tensor of the optimiser's state that has a weight's shape are. The model's parameters keep their
    names, and its forward pass costs no more than before.

    >>> optimizer = torch.optim.AdamW(model.parameters())
    >>> phew.freeze(model, masks, optimizer)
    >>> ...                                  # one's own loop, unchanged

    Args:
        model: the model that is trained; under ``DataParallel`` or ``torch.compile`` the one inside.
        masks: by name of the weight, True where it is kept, of its shape; on any device.
        optimizer: the one that changes these weights. Of several call it once for each.

    Returns:
        What ends it: ``remove()``, or a ``with`` block around the training.

    Raises:
        KeyError: the model has no such parameter.
        ValueError: a mask has another shape or other values than 0 and 1, or the optimiser has none of the weights.
    """
    return Freeze(model, masks, optimizer)


class Freeze:
    """Keeps pruned weights at zero until it is removed. Made by :func:`freeze`."""

    def __init__(self, model: nn.Module, masks: Mapping[str, Tensor], optimizer: Optimizer) -> None:
        found = places(model, masks)
        trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
        if found and not any(id(place.parameter) in trained for place in found):
            raise ValueError(
                "the optimiser has none of the masked weights: it was made for another model, or before this one was changed"
            )
        self._optimizer = optimizer
        self._pruned = [(place.parameter, place.mask.logical_not()) for place in found]
        self._handles: list[Any] = []
        for index, (parameter, _) in enumerate(self._pruned):
            if parameter.requires_grad:
                hook = self._gradient_hook(index)
                self._handles.append(parameter.register_post_accumulate_grad_hook(hook))
        self._handles.append(optimizer.register_step_pre_hook(lambda *_: self._zero_gradients()))
        self._handles.append(optimizer.register_step_post_hook(lambda *_: self.zero()))
        self.zero()

    def zero(self) -> None:
        """Sets all that belongs to pruned weights to zero now, as after each step: for weights that were loaded."""
        self._zero_gradients()
        for index, (parameter, _) in enumerate(self._pruned):
            pruned = self._on_device(index, parameter.device)
            _fill(parameter, pruned)
            for tensor in _tensors(self._optimizer.state.get(parameter)):
                if tensor.shape == pruned.shape and tensor.is_floating_point():
                    _fill(tensor, self._on_device(index, tensor.device))

    def remove(self) -> None:
        """Ends it: the next steps change all weights."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def __enter__(self) -> Freeze:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _gradient_hook(self, index: int) -> Any:
        def zero(parameter: Tensor) -> None:
            if parameter.grad is not None:
                _fill(parameter.grad, self._on_device(index, parameter.grad.device))

        return zero

    def _zero_gradients(self) -> None:
        for index, (parameter, _) in enumerate(self._pruned):
            if parameter.grad is not None:
                _fill(parameter.grad, self._on_device(index, parameter.grad.device))

    def _on_device(self, index: int, device: torch.device) -> Tensor:
        """What is pruned, where the weight is: a model may move after the call."""
        parameter, pruned = self._pruned[index]
        if pruned.device != device:
            pruned = pruned.to(device)
            self._pruned[index] = (parameter, pruned)
        return pruned


@torch.no_grad()
def _fill(tensor: Tensor, pruned: Tensor) -> None:
    """Zero where pruned, whatever was there: 0 times infinity would not be."""
    tensor.masked_fill_(pruned, 0)


def _tensors(state: Any) -> Iterable[Tensor]:
    """All tensors of an optimiser's state for a parameter, however deep they are."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, Mapping):
        for value in state.values():
            yield from _tensors(value)
    elif isinstance(state, (list, tuple)):
        for value in state:
            yield from _tensors(value)
