"""Files that ``phew pack`` writes."""

from __future__ import annotations

import json
import os
from math import prod

import torch
from safetensors import safe_open
from torch import Tensor

_KEY = "phew.packed"
_VERSION = 1
# A gap that goes on in the next byte.
_ON = 255


def load_packed(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Reads a network that ``phew pack`` wrote, as a state dict: pruned weights are zero.

    >>> model.load_state_dict(phew.load_packed("small.safetensors"), strict=False)

    Args:
        path: the file.

    Returns:
        All tensors by their names: the packed ones whole, in the type that they were packed in, the others as they are.

    Raises:
        ValueError: the file is not packed, is of a later version, or a tensor's parts do not fit together.
    """
    with safe_open(path, "pt") as file:
        header = json.loads((file.metadata() or {}).get(_KEY, "null"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if header is None:
        raise ValueError(f"{path}: not a file of `phew pack`")
    if header["version"] != _VERSION:
        raise ValueError(f"{path}: packed by a later version of phew ({header['version']}, known is {_VERSION})")
    for name, shape in header["shapes"].items():
        parts = {part: tensors.pop(f"{name}.{part}", None) for part in ("kept", "gaps", "bits")}
        try:
            tensors[name] = _whole(shape, **parts)
        except ValueError as error:
            raise ValueError(f"{path}: packed tensor `{name}`: {error}") from None
    return tensors


def _whole(shape: list[int], kept: Tensor | None, gaps: Tensor | None, bits: Tensor | None) -> Tensor:
    if kept is None:
        raise ValueError("its values are missing")
    whole = kept.new_zeros(prod(shape))
    places = torch.arange(len(whole))
    if gaps is not None:
        # Each value is one place, and each byte as many before it.
        ends = torch.cumsum(gaps.long() + (gaps < _ON), 0) - 1
        places = ends[gaps < _ON]
    elif bits is not None:
        each = bits[:, None] >> torch.arange(8, dtype=torch.uint8) & 1
        places = each.flatten()[: len(whole)].nonzero().flatten()
    if len(places) != len(kept) or (len(places) and int(places[-1]) >= len(whole)):
        raise ValueError(f"{len(kept)} values for {len(places)} places of {len(whole)}")
    whole[places] = kept
    return whole.view(shape)
