"""Documents run as they stand: blocks of Python and lines of a console, in order, in an empty folder.

They train by the program that TRAINING_PHEW names: the wheel has no libtorch.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import torch

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def execute(document: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Runs a document and gives the names that its Python has in the end.

    A line of a console begins with `$`; what follows it is what it prints, … for any lines.
    """
    text = (ROOT / document).read_text(encoding="utf-8")
    names = {"__name__": "__main__", **(names or {})}
    ran = 0
    for kind, block in BLOCK.findall(text):
        line = text[: text.index(block)].count("\n")
        if kind == "python":
            # Errors point to the document's lines.
            exec(compile("\n" * line + block, document, "exec"), names)
        elif kind == "console":
            for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
                run(command, printed)
        ran += kind in ("python", "console")
    if not ran:
        raise AssertionError(f"{document} has nothing to run")
    return names


def run(command: str, printed: str) -> None:
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit code {done.returncode}: {done.stderr}")
    expected = re.escape(printed).replace(re.escape("…\n"), "(?:.*\n)*")
    if printed and not re.fullmatch(expected, done.stdout):
        raise AssertionError(f"{command} prints\n{done.stdout}not\n{printed}")


class Documents(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        # The program of the wheel, as a user's shell finds it.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {"PATH": path, "PHEW_TORCH": os.environ["TRAINING_PHEW"]}
        changed = mock.patch.dict(os.environ, environment)
        changed.start()
        self.addCleanup(changed.stop)
        self.assertEqual(Path(shutil.which("phew") or "").parent, Path(sys.executable).parent)

    def test_from_a_model_to_a_trained_sparse_one(self) -> None:
        names = execute("docs/pytorch.md")
        self.assertGreater(names["accuracy"], 0.9)
        self.assertLess(names["seen"]["density"], 0.11)
        # By phew's own training too: as sparse, and better than chance by far.
        dense, masks, x, y = (names[name] for name in ("dense", "masks", "x", "y"))
        for name, mask in masks.items():
            self.assertFalse(dense.get_parameter(f"{name}_orig").detach()[~mask].any())
        right = (dense.eval()(x[800:]).argmax(1) == y[800:]).float().mean().item()
        self.assertGreater(right, 0.8)

    def test_the_readme_of_the_package(self) -> None:
        torch.manual_seed(0)
        names = execute("phew-cli/python/README.md")
        self.assertTrue(0.05 <= names["seen"]["density"] < 0.06)


if __name__ == "__main__":
    unittest.main()
