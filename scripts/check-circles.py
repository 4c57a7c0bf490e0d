#!/usr/bin/env python3
"""Finds files of a crate that import each other in a circle.

A file imports another if its code names what stands there, by `use` or by a path such as `super::x::f`. A name that a
module re-exports is followed to the file that defines it; a re-export alone is no import. Tests do not count.

usage: check-circles.py [CRATE...]    all crates of the workspace unless some are named
"""

import re
import sys
from pathlib import Path

STRING = r'b?r(?P<hashes>#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*"|b?\'(?:\\.[^\']*|[^\'\\])\''
NOISE = re.compile(rf"//[^\n]*|/\*.*?\*/|{STRING}", re.S)
TEST = re.compile(r"#\[cfg\((?:test|doctest)\)\]\s*(?:#\[[^\]]*\]\s*)*[^;{]*[;{]")
VISIBILITY = re.compile(r"\bpub\([^)]*\)")
USE = re.compile(r"(?P<public>\bpub\s+)?\buse\s+(?P<tree>[^;]+);")
MOD = re.compile(r"\bmod\s+\w+\s*;")
PATH = re.compile(r"(?<![\w:])(?:\w+::)+\w+")


def code_of(text):
    """The code of a file without comments, strings, tests and who may see what."""
    text = VISIBILITY.sub("pub", NOISE.sub("_", text))
    while test := TEST.search(text):
        end, depth = test.end(), int(test[0].endswith("{"))
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        text = text[: test.start()] + text[end:]
    return text


def paths_of(tree, prefix=()):
    """The paths of a `use`, each with the name that it brings: `a::{b, c as d}` gives a::b as b and a::c as d."""
    head, brace, rest = tree.partition("{")
    if not brace:
        path, _, alias = (part.strip() for part in tree.partition(" as "))
        path = [*prefix, *(part.strip() for part in path.split("::"))]
        if len(path) > 1 and path[-1] == "self":
            path.pop()
        return [(path, alias or path[-1])]
    prefix = [*prefix, *(part.strip() for part in head.split("::") if part.strip())]
    inner = rest[: rest.rindex("}")]
    found, depth, start = [], 0, 0
    for at, char in enumerate(inner + ","):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            if inner[start:at].strip():
                found += paths_of(inner[start:at], prefix)
            start = at + 1
    return found


class Crate:
    """The modules of a crate, each a file, by their paths: `("a", "b")` is `crate::a::b`."""

    def __init__(self, src):
        self.file, self.code, self.uses = {}, {}, {}
        for file in sorted(src.rglob("*.rs")):
            *folders, name = file.relative_to(src).with_suffix("").parts
            program = name == "main" and (src / "lib.rs").exists()
            if not program and folders[:1] != ["bin"]:
                self.file[(*folders, *([] if name in ("lib", "main", "mod") else [name]))] = file
        for module, file in self.file.items():
            code = code_of(file.read_text())
            self.uses[module] = [
                (bool(use["public"]), path, name)
                for use in USE.finditer(code)
                for path, name in paths_of(use["tree"])
            ]
            self.code[module] = MOD.sub("", USE.sub("", code))

    def definition(self, path, module, seen=()):
        """The module whose file defines what a path means in a module; None if that is not of this crate."""
        at, path = module, list(path)
        if path[0] in ("crate", "self", "super"):
            while path and path[0] in ("crate", "self", "super"):
                start = path.pop(0)
                at = () if start == "crate" else at[:-1] if start == "super" else at
        elif (*module, path[0]) not in self.file:
            return None
        for name in path:
            if (*at, name) not in self.file:
                return self.reexported(name, at, seen) or at
            at = (*at, name)
        return at

    def reexported(self, name, module, seen):
        """The module whose file defines a name that a module has by `use`; None if it has not."""
        for _, source, brought in self.uses[module]:
            key = (module, tuple(source))
            if key in seen or brought not in (name, "*"):
                continue
            source = source if brought == name else [*source[:-1], name]
            found = self.definition(source, module, (*seen, key))
            if brought == name or found and re.search(rf"\b{name}\b", self.code[found]):
                return found
        return None

    def imports(self, module):
        """The modules that a module's code needs."""
        code = self.code[module]
        paths = [path.split("::") for path in PATH.findall(code)]
        for public, path, name in self.uses[module]:
            if not public or re.search(rf"\b{name}\b", code):
                paths.append(path[:-1] if name == "*" else path)
        found = {self.definition(path, module) for path in paths}
        return sorted(found - {None, module})


def circles(imports):
    """A shortest circle through each knot of modules that all import each other, directly or not."""

    def way(start, goal):
        """The modules on a shortest way, without the goal; None if there is no way."""
        before, queue = {start: None}, [start]
        for at in queue:
            if goal in imports[at]:
                path = [at]
                while before[path[0]] is not None:
                    path.insert(0, before[path[0]])
                return path
            for near in imports[at]:
                if near not in before:
                    before[near] = at
                    queue.append(near)
        return None

    settled = set()
    for module in sorted(imports):
        if module not in settled and (circle := way(module, module)):
            settled.update(other for other in imports if way(module, other) and way(other, module))
            yield circle


def main():
    root = Path(__file__).resolve().parent.parent
    failed = False
    for name in sys.argv[1:] or sorted(src.parent.name for src in root.glob("*/src")):
        crate = Crate(root / name / "src")
        for circle in circles({module: crate.imports(module) for module in crate.file}):
            files = [str(crate.file[module].relative_to(root)) for module in circle]
            print(" -> ".join(files + files[:1]))
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
