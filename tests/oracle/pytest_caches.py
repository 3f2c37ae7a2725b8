"""Writes the caches that pytest would: of each module of a library, as its assertion rewriting compiles it.

`python pytest_caches.py SOURCES OUT [COUNT]`, under an interpreter that has pytest: copies the modules to OUT and puts
`__pycache__/NAME.TAG-pytest-VERSION.pyc` beside each. `verify.rs` compares the two; every file must be verified.
"""
import importlib.util
import os
import sys
import warnings

import pytest
from _pytest.assertion import rewrite

warnings.simplefilter("ignore")


class Config:
    """What the rewriting asks its configuration."""

    def getini(self, name):
        return os.environ.get("PASS_HOOK") == "1"


def main(sources, out, most=10**9):
    done = 0
    for folder, folders, files in os.walk(sources):
        folders.sort()
        for file in sorted(files):
            if not file.endswith(".py") or done >= most:
                continue
            path = os.path.join(folder, file)
            with open(path, "rb") as handle:
                source = handle.read()
            try:
                tree = rewrite.ast.parse(source, path)
                has_assert = any(isinstance(node, rewrite.ast.Assert) for node in rewrite.ast.walk(tree))
                rewrite.rewrite_asserts(tree, source, path, Config())
                code = compile(tree, os.path.relpath(path, sources), "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError, UnicodeError):
                continue
            if not has_assert and done % 10:
                done += 1
                continue
            done += 1
            place = os.path.join(out, os.path.relpath(folder, sources))
            os.makedirs(os.path.join(place, "__pycache__"), exist_ok=True)
            with open(os.path.join(place, file), "wb") as handle:
                handle.write(source)
            cache = file[:-3] + rewrite.PYC_TAIL
            head = importlib.util.MAGIC_NUMBER + bytes(12)
            with open(os.path.join(place, "__pycache__", cache), "wb") as handle:
                handle.write(head + rewrite.marshal.dumps(code))
    print(pytest.__version__, sys.version.split()[0], done)


main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
