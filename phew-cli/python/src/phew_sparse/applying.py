"""Masks by PyTorch's own means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from torch import Tensor, nn
from torch.nn.utils import prune

from .parameters import holders, places

Model = TypeVar("Model", bound=nn.Module)


def apply(model: Model, masks: Mapping[str, Tensor]) -> Model:
    """Puts masks on a model, as ``torch.nn.utils.prune`` does.

    ``conv1.weight`` becomes a parameter ``conv1.weight_orig`` and a buffer ``conv1.weight_mask``, whose product the
    module computes with. ``torch.nn.utils.prune.remove`` makes it permanent. A second mask on a weight keeps what both
    keep. A tied weight is masked in every module that holds it. Biases stay as they are.

    Args:
        model: the model, which is changed in place; under ``DataParallel`` or ``torch.compile`` the one inside.
        masks: by name of the weight, True where it is kept, of its shape; on any device.

    Returns:
        The same model.

    Raises:
        KeyError: the model has no such parameter.
        ValueError: a mask has another shape, or other values than 0 and 1. The model is as it was.
    """
    for place in places(model, masks):
        mask = place.mask.to(place.parameter.device)
        for module, attribute in list(holders(model, place.parameter)):
            prune.custom_from_mask(module, attribute, mask)
    return model
