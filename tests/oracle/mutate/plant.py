"""Plants changes: runs inside the interpreter whose pycs it makes (CPython 2.7, 3.6 to 3.15); `mutate.py` starts it.

    python plant.py FOLDER SEED MODULES CASES

makes FOLDER/cases/NUMBER/m.py with the pyc where that version looks for it, and FOLDER/cases.txt with a line for each: number,
kind, module, what was changed, and whether anything but file name and lines differs from what the source compiles to.
"""

from __future__ import print_function

import io
import marshal
import os
import random
import shutil
import struct
import sys
import sysconfig
import warnings

import codes
import forged
import trees

VERSION = sys.version_info[:2]
TIME = 1500000000
LARGEST = 60000


def canonical(value):
    """What a constant or code object is but for file names, lines and sharing."""
    if isinstance(value, codes.CODE):
        fields = [
            "argcount",
            "posonlyargcount",
            "kwonlyargcount",
            "flags",
            "code",
            "names",
            "varnames",
            "cellvars",
            "freevars",
            "name",
            "qualname",
            "firstlineno",
            "exceptiontable",
            "stacksize",
        ]
        return ("code", canonical(value.co_consts)) + tuple(getattr(value, "co_" + name, None) for name in fields)
    if isinstance(value, (tuple, frozenset)):
        items = [canonical(item) for item in value]
        return (type(value).__name__, tuple(sorted(items, key=repr) if isinstance(value, frozenset) else items))
    return (type(value).__name__, repr(value))


def modules(count):
    """Sources of the standard library, some of them, and always the same."""
    found = []
    for folder in [sysconfig.get_path("stdlib")]:
        for parent, folders, files in os.walk(folder):
            folders[:] = sorted(
                name for name in folders if name not in ("site-packages", "__pycache__", "lib2to3", "bad", "data")
            )
            found.extend(
                os.path.join(parent, name) for name in sorted(files) if name.endswith(".py") and not name.startswith("bad")
            )
    random.shuffle(found)
    # What is rare there is in the samples of the other oracles.
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for folder in ("samples", "scopes", os.path.join("..", "fixtures", "compiled")):
        folder = os.path.join(here, folder)
        names = sorted(os.listdir(folder)) if count and os.path.isdir(folder) else []
        found[:0] = [os.path.join(folder, name) for name in names if name.endswith(".py")]
    taken = []
    for path in found:
        if len(taken) == count:
            break
        with open(path, "rb") as file:
            text = file.read()
        if len(text) > LARGEST:
            continue
        try:
            compile(text, path, "exec", 0, True)
            taken.append((path, text))
        except (SyntaxError, ValueError, TypeError, SystemError):  # 3.12.1 fails on `__class__` in a comprehension of a class.
            continue
    return taken


class Cases(object):
    """The folder of cases."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "cases")
        self.shared = os.path.join(folder, "sources")
        os.mkdir(self.folder)
        os.mkdir(self.shared)
        self.list = io.open(os.path.join(folder, "cases.txt"), "w", encoding="utf-8")
        self.count = 0
        self.sources = {}

    def source(self, text):
        if text not in self.sources:
            path = os.path.join(self.shared, "%d.py" % len(self.sources))
            with open(path, "wb") as file:
                file.write(text)
            os.utime(path, (TIME, TIME))
            self.sources[text] = path
        return self.sources[text]

    def add(self, kind, module, place, text, code, is_same, raw=None):
        """A source and the pyc beside it, whose header fits; `raw` is marshalled code."""
        folder = os.path.join(self.folder, "%06d" % self.count)
        os.mkdir(folder)
        put = os.link if hasattr(os, "link") else shutil.copy2
        put(self.source(text), os.path.join(folder, "m.py"))
        numbers = [TIME] if VERSION[0] == 2 else [TIME, len(text)] if VERSION < (3, 7) else [0, TIME, len(text)]
        if VERSION[0] == 2:
            import imp

            magic, path = imp.get_magic(), os.path.join(folder, "m.pyc")
        else:
            from importlib import util

            os.mkdir(os.path.join(folder, "__pycache__"))
            magic, path = util.MAGIC_NUMBER, util.cache_from_source(os.path.join(folder, "m.py"), optimization="")
        with open(path, "wb") as file:
            file.write(magic + struct.pack("<%dL" % len(numbers), *numbers) + (marshal.dumps(code) if raw is None else raw))
        line = "%06d\t%s\t%s\t%s\t%s\n" % (self.count, kind, module, ascii_of(place), "same" if is_same else "changed")
        # Text in every version: in 2.7 the parts are bytes, of ASCII.
        self.list.write(line if isinstance(line, type(u"")) else line.decode("ascii"))
        self.count += 1


def ascii_of(text):
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)[:150]


def chosen(kinds):
    return [found for found in kinds if os.environ.get("PYCAUDIT_ONLY", "") in found[0]]


def plant_trees(cases, sources, per_kind):
    compiled = {path: canonical(compile(text, "m.py", "exec", 0, True)) for path, text in sources}
    parsed = {}
    for name, find in chosen(trees.KINDS):
        made = 0
        for path, text in random.sample(sources, len(sources)):
            if path not in parsed:
                parsed[path] = trees.Source(text, "m.py")
            count = sum(1 for _ in find(parsed[path]))
            if not count:
                continue
            for place in random.sample(range(count), min(count, 3 if made * 4 < per_kind else 1)):
                source = trees.Source(text, "m.py")
                for number, (at, change) in enumerate(find(source)):
                    if number == place:
                        line = getattr(at, "lineno", 0)
                        change()
                        break
                try:
                    code = compile(trees.ast.fix_missing_locations(source.tree), "m.py", "exec", 0, True)
                except (SyntaxError, ValueError, TypeError, AttributeError, RecursionError if VERSION[0] > 2 else RuntimeError):
                    continue
                cases.add(name, path, "line %s" % line, text, code, canonical(code) == compiled[path])
                made += 1
            if made >= per_kind:
                break


def plant_codes(cases, sources, per_kind):
    for name, change in chosen(codes.KINDS):
        made = 0
        for path, text in random.sample(sources, len(sources)):
            root = compile(text, "m.py", "exec", 0, True)
            before = canonical(root)
            places = list(codes.tree(root))
            for at, code in random.sample(places, min(len(places), 4)):
                try:
                    found = list(change(code))
                except (ValueError, TypeError, IndexError, SystemError, KeyError):
                    continue
                if not found:
                    continue
                what, changed = random.choice(found)
                place = "%s: %s" % (code.co_name, what)
                if isinstance(changed, tuple):
                    marshalled = marshal.dumps(root)
                    if changed[0] == changed[1] or marshalled.count(changed[0]) != 1:
                        continue
                    cases.add(name, path, place, text, None, False, marshalled.replace(*changed))
                else:
                    try:
                        other = codes.put(root, at, changed)
                        marshal.dumps(other)
                    except (ValueError, TypeError, SystemError):
                        continue
                    cases.add(name, path, place, text, other, canonical(other) == before)
                made += 1
                break
            if made >= per_kind:
                break


def effect(marshalled, before):
    """Whether changed bytes are still code, and other code than before: asked of a child, since some make interpreters crash."""
    child = os.fork()
    if not child:
        try:
            changed = marshal.loads(marshalled)
            os._exit(2 if not isinstance(changed, codes.CODE) else int(canonical(changed) != before))
        except BaseException:
            os._exit(2)
    status = os.waitpid(child, 0)[1]
    return status >> 8 if not status & 255 else 2


def plant_bytes(cases, sources, count):
    """Single bytes of whole files."""
    name = "a random byte of the file"
    for path, text in random.sample(sources, len(sources)) if chosen([(name, None)]) else ():
        root = compile(text, "m.py", "exec", 0, True)
        before, marshalled = canonical(root), bytearray(marshal.dumps(root))
        for _ in range(3):
            place, value = random.randrange(len(marshalled)), random.randrange(256)
            old, marshalled[place] = marshalled[place], value
            raw = bytes(marshalled)
            marshalled[place] = old
            if effect(raw, before) == 1:
                cases.add(name, path, "byte %d, %d becomes %d" % (place, old, value), text, None, False, raw)
                count -= 1
        if count <= 0:
            break


def main():
    folder, seed, count, per_kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    warnings.simplefilter("ignore")
    random.seed(seed)
    if VERSION[0] > 2:
        sys.setrecursionlimit(5000)
    cases = Cases(folder)
    sources = modules(count)
    for path, text in sources:
        cases.add("(unchanged)", path, "", text, compile(text, "m.py", "exec", 0, True), True)
    plant_trees(cases, sources, per_kind)
    plant_codes(cases, sources, per_kind)
    # Without a child to ask, what a changed byte does is not known: a build for WebAssembly has none.
    if sys.platform != "emscripten":
        plant_bytes(cases, sources, 5 * per_kind)
    for name, place, text, code, raw in forged.cases():
        cases.add(name, "forged", place, text, code, False, raw)
    cases.list.close()


if __name__ == "__main__":
    main()
