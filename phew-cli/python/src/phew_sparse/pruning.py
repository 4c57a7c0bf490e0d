"""Pruning and inspecting a model: an export goes to the program, its result comes back."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .parameters import bare
from .program import run

# What the functions themselves say to the program.
_OURS = frozenset({"arch", "force", "help", "json", "list_methods", "mask", "output", "seeds", "toml", "version"})


def prune(
    model: nn.Module,
    x: Tensor | tuple[Any, ...],
    density: float | None = 0.05,
    method: str = "phew",
    seed: int = 0,
    **options: Any,
) -> dict[str, Tensor]:
    """Chooses the weights of a model to keep, from their values now.

    >>> masks = phew.prune(model, torch.randn(1, 3, 32, 32), density=0.05)
    >>> masks = phew.prune(model, x, 0.1, exclude=["conv1", "fc*"], bias="square")

    The result depends on weights, options and seed alone: it is the same on any device and any number of threads. The
    model is exported as it is, in its mode, and not changed.

    Args:
        model: any model that ``torch.export`` takes, on any device.
        x: an input, or a tuple of the arguments of its ``forward``; only shapes and types count.
        density: share of the prunable weights to keep, above 0 and at most 1; None where an option says it.
        method: a method of ``phew prune --list-methods`` that looks at no data.
        seed: of the method's random choices.
        **options: those of ``phew prune``, with ``_`` for ``-``: True for an option without a value, a list for several
            values, a dict of numbers for ``layer_density``, a dict of tensors for ``scores``.

    Returns:
        A boolean tensor for each prunable weight, by its name in the state dict: of the weight's shape, on its device,
        True where it is kept.

    Raises:
        PhewUsageError: options that make no sense.
        PhewError: the model holds what phew does not understand, or cannot be pruned so.
        torch.export's own errors: the model cannot be exported.
    """
    with _exported(model, x) as (folder, archive):
        words = _words({"density": density, "method": method, "seed": seed, **options}, folder)
        file = folder / "mask.safetensors"
        run(["prune", str(archive), *words, "-o", str(file), "--json"], str(folder))
        masks = load_file(file)
    weights = bare(model).state_dict(keep_vars=True)
    ordered = sorted(masks, key=list(weights).index) if masks.keys() <= weights.keys() else masks
    return {name: masks[name].to(_device(bare(model), weights, name)) for name in ordered}


def inspect(
    model: nn.Module,
    x: Tensor | tuple[Any, ...],
    masks: Mapping[str, Tensor] | None = None,
    metrics: bool = True,
    **options: Any,
) -> dict[str, Any]:
    """What masks leave of a model: widths, dead units, paths, path kernel trace.

    >>> seen = phew.inspect(model, x, masks)
    >>> seen["density"], seen["dead_units"], seen["metrics"]["ln_path_kernel_trace"]

    Args:
        model: any model that ``torch.export`` takes, on any device; it is not changed.
        x: an input, or a tuple of the arguments of its ``forward``; only shapes and types count.
        masks: by name of the weight, True where it is kept; the dense model without.
        metrics: the numbers of paths too, which take seconds for large models.
        **options: those of ``phew inspect``, with ``_`` for ``-``, such as ``spectrum=5``.

    Returns:
        The object that ``phew inspect --json`` prints.

    Raises:
        PhewUsageError: options that make no sense.
        PhewError: the model holds what phew does not understand, or a mask does not fit.
        torch.export's own errors: the model cannot be exported.
    """
    with _exported(model, x) as (folder, archive):
        words = _words({"metrics": metrics, **options}, folder)
        if masks is not None:
            words += ["--mask", str(_saved(masks, folder))]
        seen: dict[str, Any] = json.loads(run(["inspect", str(archive), *words, "--json"], str(folder)))
        return seen


def outputs(
    model: nn.Module | str | os.PathLike[str],
    x: Tensor,
    masks: Mapping[str, Tensor] | None = None,
) -> Tensor:
    """What a model makes of inputs under masks, by phew's engine, which computes with the kept weights alone.

    >>> y = phew.run(model, x, masks)
    >>> y = phew.run("model.pt2", x)

    Normalisations take their running statistics and dropout does nothing, as in evaluation.

    Args:
        model: any model that ``torch.export`` takes and the engine knows, on any device; or the file of an export.
        x: the inputs, ``[n, …]``, as numbers of any floating-point type: the engine's are of 32 bits.
        masks: by name of the weight, True where it is kept; all weights without.

    Returns:
        The outputs, ``[n, …]``, of 32 bits, on the CPU.

    Raises:
        PhewError: the model holds what the engine does not run, or inputs or masks do not fit.
        torch.export's own errors: the model cannot be exported.
    """
    if isinstance(model, nn.Module):
        with _exported(model, x[:2]) as (folder, archive):
            return _outputs(archive, folder, x, masks)
    with tempfile.TemporaryDirectory(prefix="phew-") as folder:
        return _outputs(Path(model), Path(folder), x, masks)


def _outputs(archive: Path, folder: Path, x: Tensor, masks: Mapping[str, Tensor] | None) -> Tensor:
    inputs, results = folder / "inputs.safetensors", folder / "outputs.safetensors"
    save_file({"x": x.detach().float().cpu().contiguous()}, inputs)
    words = ["run", f"--arch={archive}", f"--inputs={inputs}", f"--output={results}", "--json"]
    if masks is not None:
        words.append(f"--mask={_saved(masks, folder)}")
    run(words, str(folder))
    return load_file(results)["output"]


def _saved(masks: Mapping[str, Tensor], folder: Path) -> Path:
    """The file of masks in a temporary folder."""
    file = folder / "masks.safetensors"
    save_file({name: mask.detach().cpu().contiguous() for name, mask in masks.items()}, file)
    return file


@contextmanager
def _exported(model: nn.Module, x: Tensor | tuple[Any, ...]) -> Iterator[tuple[Path, Path]]:
    """The model as an archive in a temporary folder."""
    args = (x,) if isinstance(x, Tensor) else tuple(x)
    with warnings.catch_warnings():
        # Of modules that `torch.nn.utils.prune` works on: they compute their weight anew in each forward pass.
        warnings.filterwarnings("ignore", "The tensor attributes .* were assigned during export")
        program = torch.export.export(bare(model), args, strict=False)
    with tempfile.TemporaryDirectory(prefix="phew-") as folder:
        archive = Path(folder) / "model.pt2"
        torch.export.save(program, archive)
        yield Path(folder), archive


def _words(options: Mapping[str, Any], folder: Path) -> list[str]:
    """The command line of options. Tensors go through a file."""
    words = []
    for name, value in options.items():
        if name in _OURS:
            raise TypeError(f"`{name}` is no option here: the function itself says it")
        if value is None or value is False:
            continue
        option = "--" + name.replace("_", "-")
        words.append(option if value is True else f"{option}={_text(name, value, folder)}")
    return words


def _text(name: str, value: Any, folder: Path) -> str:
    if isinstance(value, Mapping):
        if all(isinstance(part, Tensor) for part in value.values()):
            file = folder / f"{name}.safetensors"
            save_file({key: part.detach().cpu().contiguous() for key, part in value.items()}, file)
            return str(file)
        return ",".join(f"{key}={part}" for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return ",".join(str(part) for part in value)
    return str(value)


def _device(model: nn.Module, weights: Mapping[str, Tensor], name: str) -> torch.device:
    """Where a weight is: that of a model that was pruned before bears another name."""
    weight = weights.get(name, weights.get(f"{name}_orig", next(model.parameters(), None)))
    return torch.device("cpu") if weight is None else weight.device
