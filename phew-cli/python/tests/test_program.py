"""The program in the wheel."""

import subprocess
import sys
import unittest
from importlib.metadata import files, version

import phew_sparse
from phew_sparse import program


def module(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "phew_sparse", *words], capture_output=True, text=True, check=False)


class Program(unittest.TestCase):
    def test_the_module_is_the_program(self) -> None:
        for line, code in [("--version", 0), ("prune --list-methods", 0), ("prune", 2), ("inspect x.pt2", 1)]:
            words = line.split()
            direct = subprocess.run([program.find(), *words], capture_output=True, text=True, check=False)
            through = module(*words)
            self.assertEqual((through.returncode, through.stdout, through.stderr), (code, direct.stdout, direct.stderr))

    def test_wheel_program_and_package_are_of_one_version(self) -> None:
        self.assertEqual(module("--version").stdout.split(), ["phew", version("phew-sparse")])
        self.assertEqual(phew_sparse.__version__, version("phew-sparse"))

    def test_it_is_the_installed_wheel_with_types_and_licences(self) -> None:
        names = {file.name for file in files("phew-sparse") or []}
        self.assertLessEqual({"py.typed", "LICENSE-MIT", "LICENSE-APACHE"}, names)
        self.assertTrue(phew_sparse.__file__.startswith(sys.prefix), phew_sparse.__file__)
        self.assertTrue(program.find().startswith(sys.prefix), program.find())


if __name__ == "__main__":
    unittest.main()
