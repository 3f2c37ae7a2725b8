"""Says what the interpreter that runs this made of each scope of a source: one text file for each module.

    python scope.py OUT_FOLDER SOURCE_FOLDER_OR_FILE...
    python scope.py --no-sources OUT_FOLDER SOURCE_FOLDER_OR_FILE...

Runs on Python 2.7 and 3.6 or later; see README.md beside this file. Beside each text file its source is written as UTF-8,
unless told not to. A line is a code object, columns by tabs, names of a column by spaces:

    depth, name, qualified name (3.11 and later), first line, flags, argument counts,
    parameters, other locals (sorted), cells, frees,
    variables that it reads, and that it binds or deletes: a letter for how, and the name
"""
from __future__ import print_function

import dis
import io
import os
import re
import sys
import types
import warnings

PY2 = sys.version_info[0] < 3
LETTERS = {
    "NAME": "n",
    "GLOBAL": "g",
    "FAST": "f",
    "FAST_BORROW": "f",
    "FAST_CHECK": "f",
    "DEREF": "d",
    "CLASSDEREF": "c",
    "FROM_DICT_OR_DEREF": "c",
    "FROM_DICT_OR_GLOBALS": "C",
}
SINGLE = re.compile(r"(LOAD|STORE|DELETE)_(%s)$" % "|".join(LETTERS))
DOUBLE = re.compile(r"(LOAD|STORE)_FAST(?:_BORROW)?_(LOAD|STORE)_FAST(?:_BORROW)?$")


def instructions(code):
    """Names of instructions and what they stand for."""
    if not PY2:
        for instruction in dis.get_instructions(code):
            yield instruction.opname, instruction.argval
        return
    data = bytearray(code.co_code)
    place = extended = 0
    while place < len(data):
        op = data[place]
        place += 1
        value = None
        if op >= dis.HAVE_ARGUMENT:
            arg = data[place] | data[place + 1] << 8 | extended
            place += 2
            extended = arg << 16 if op == dis.EXTENDED_ARG else 0
            for ops, names in (
                (dis.hasname, code.co_names),
                (dis.haslocal, code.co_varnames),
                (dis.hasfree, code.co_cellvars + code.co_freevars),
            ):
                if op in ops:
                    value = names[arg]
        yield dis.opname[op], value


def describe(code, depth, out):
    """The lines of a code object and those in it."""
    reads, binds = set(), set()
    for name, value in instructions(code):
        single, double = SINGLE.match(name), DOUBLE.match(name)
        if single:
            target = reads if single.group(1) == "LOAD" else binds
            target.add(LETTERS[single.group(2)] + value)
        elif double:
            for which, what in zip(double.groups(), value):
                (reads if which == "LOAD" else binds).add("f" + what)
    counts = (code.co_argcount, getattr(code, "co_posonlyargcount", 0), getattr(code, "co_kwonlyargcount", 0))
    parameters = counts[0] + counts[2] + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    columns = [
        str(depth),
        code.co_name,
        getattr(code, "co_qualname", "-"),
        str(code.co_firstlineno),
        "%x" % code.co_flags,
        "%d,%d,%d" % counts,
        " ".join(code.co_varnames[:parameters]),
        " ".join(sorted(code.co_varnames[parameters:])),
        " ".join(sorted(code.co_cellvars) if PY2 else code.co_cellvars),
        " ".join(sorted(code.co_freevars) if PY2 else code.co_freevars),
        " ".join(sorted(reads)),
        " ".join(sorted(binds)),
    ]
    out.append("\t".join(columns))
    for value in code.co_consts:
        if isinstance(value, types.CodeType):
            describe(value, depth + 1, out)


def decoded(data):
    """The text of a source."""
    if data.startswith(b"\xef\xbb\xbf"):
        return data[3:].decode("utf-8")
    cookie = re.search(br"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", b"\n".join(data.splitlines()[:2]), re.M)
    return data.decode(cookie.group(1).decode() if cookie else "latin-1" if PY2 else "utf-8")


def sources(arguments):
    """Sources, and names for them."""
    for argument in arguments:
        if os.path.isfile(argument):
            yield argument, os.path.basename(argument)[:-3]
        for folder, folders, files in os.walk(argument):
            folders[:] = sorted(set(folders) - {"site-packages", "__pycache__", "data", "bad_tests"})
            for name in sorted(files):
                if name.endswith(".py"):
                    path = os.path.join(folder, name)
                    yield path, os.path.relpath(path, argument)[:-3].replace(os.sep, ".")


def main(out, arguments, copies=True):
    warnings.simplefilter("ignore")
    if not os.path.isdir(out):
        os.makedirs(out)
    count = 0
    for path, name in sources(arguments):
        with io.open(path, "rb") as file:
            data = file.read()
        try:
            text = decoded(data)
            code = compile(data, name, "exec", 0, True)
        except (SyntaxError, ValueError, LookupError, TypeError, RuntimeError, MemoryError):
            continue
        lines = []
        describe(code, 0, lines)
        with io.open(os.path.join(out, name + ".txt"), "w", encoding="utf-8", newline="\n") as file:
            for line in lines:
                file.write(line.decode("utf-8") if PY2 else line)
                file.write(u"\n")
        if copies:
            with io.open(os.path.join(out, name + ".py"), "w", encoding="utf-8", newline="") as file:
                file.write(text)
        count += 1
    print("%d modules" % count)


if __name__ == "__main__":
    wanted = sys.argv[1:]
    keep = wanted[0] != "--no-sources"
    wanted = wanted if keep else wanted[1:]
    main(wanted[0], wanted[1:], keep)
