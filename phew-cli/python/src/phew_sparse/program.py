"""The program ``phew``: where it is, and its results, words and failures as Python's."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

_NAME = "phew.exe" if os.name == "nt" else "phew"
# Each line that phew writes to stderr begins so, or as clap's do.
_BEGINNINGS = ("phew: ", "error: ")
_USAGE = 2


class PhewError(RuntimeError):
    """What went wrong, in phew's own line. ``exit_code`` is that of the program."""

    def __init__(self, line: str, exit_code: int = 1) -> None:
        super().__init__(line)
        self.exit_code = exit_code


class PhewUsageError(PhewError, ValueError):
    """A request that makes no sense, whatever the model holds: an unknown option, a density of 2."""

    def __init__(self, line: str) -> None:
        super().__init__(line, _USAGE)


class PhewWarning(UserWarning):
    """What phew did otherwise than one may think, such as leaving a dropout out of the network."""


def find() -> str:
    """The path of the program that was installed with this package.

    Raises:
        FileNotFoundError: it is not where the package was installed.
    """
    places = []
    try:
        files = distribution("phew-sparse").files or []
        places += [Path(str(file.locate())) for file in files if file.name == _NAME]
    except PackageNotFoundError:
        pass
    # `pip install --target` puts programs beside the packages.
    beside = Path(__file__).resolve().parent.parent
    places += [Path(sysconfig.get_path("scripts")) / _NAME, beside / "bin" / _NAME]
    for place in places:
        if place.is_file():
            return str(place.resolve())
    raise FileNotFoundError(
        f"the program {_NAME} of phew-sparse is not in {', '.join(str(place) for place in places)}: install it again"
    )


def run(words: Sequence[str], folder: str) -> str:
    """Runs ``phew`` and gives what it prints.

    In what it says of the files of the temporary folder, that folder is left out. Words of a run that succeeds become
    warnings.

    Raises:
        PhewUsageError: it ends with exit code 2.
        PhewError: it ends with another one but 0.
    """
    command = [find(), *words]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    said, printed = (text.replace(os.path.join(folder, ""), "") for text in (done.stderr, done.stdout))
    lines = [_without_beginning(line) for line in said.splitlines() if line.strip()]
    if done.returncode == 0:
        for line in lines:
            warnings.warn(line, PhewWarning, stacklevel=3)
        return printed
    if done.returncode < 0:
        raise PhewError(f"phew was ended by signal {-done.returncode}", done.returncode)
    line = _reason(said) or f"phew ended with exit code {done.returncode}"
    raise PhewUsageError(line) if done.returncode == _USAGE else PhewError(line, done.returncode)


def _reason(said: str) -> str:
    """The line that says why: phew's own is the last one, clap's the first, with advice and the usage below."""
    lines = said.splitlines()
    clap = [line for line in lines if line.startswith("error: ")]
    own = [line for line in lines if line.startswith("phew: ")]
    return _without_beginning((clap[:1] or own[-1:] or lines[-1:] or [""])[0])


def _without_beginning(line: str) -> str:
    for beginning in _BEGINNINGS:
        line = line.removeprefix(beginning)
    return line
