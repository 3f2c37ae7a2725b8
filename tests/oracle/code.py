"""Says what the interpreter that runs this knows about the code objects of modules: one pyc and one text file for each.

    python code.py OUT_FOLDER SOURCE_FOLDER_OR_FILE...
    python code.py OUT_FOLDER --wide            one source that is made up, with long arguments and jumps

Runs on Python 2.7 and 3.6 or later; see README.md beside this file. Lines of a text file, columns by tabs:

    code    its place, name, counts, flags, first line, length
    n v c f the names, and the names of locals, cells and free variables
    k       a constant
    i       an instruction: offset, name, argument, what it stands for
    l       a run of instructions of one line: start, end (3.10 and later), line
    p       positions: how many code units, line, end line, column, end column (3.11 and later)
    x       an exception table's entry: start, end, target, depth, lasti (3.11 and later)
"""
from __future__ import print_function

import binascii
import dis
import io
import marshal
import os
import re
import struct
import sys
import types
import warnings

VERSION = sys.version_info[:2]
PY2 = VERSION < (3,)
if not PY2:
    unicode, long = str, int
LONGEST = 48


def shown(text):
    """Text in one line: printable ASCII as it is, anything else as the hexadecimal of its UTF-8."""
    if not isinstance(text, bytes):
        if PY2:
            text = text.encode("utf-8")
        else:
            text = text.encode("utf-8", "surrogatepass")
    data = bytearray(text)
    if all(33 <= byte <= 126 and byte != 92 for byte in data) and data:
        return bytes(data).decode("ascii")
    return "\\" + binascii.hexlify(bytes(data)).decode("ascii")


def constant(value):
    """A constant in one form for every version."""
    if value is None or value is True or value is False:
        return str(value)
    if value is Ellipsis:
        return "..."
    if isinstance(value, (int, long)):
        return "i%s%x" % ("-" if value < 0 else "", abs(value))
    if isinstance(value, float):
        return "f" + binascii.hexlify(struct.pack("<d", value)).decode("ascii")
    if isinstance(value, complex):
        return "j" + binascii.hexlify(struct.pack("<dd", value.real, value.imag)).decode("ascii")
    if isinstance(value, bytes):
        return "b" + shown(value)
    if isinstance(value, unicode):
        return "s" + shown(value)
    if isinstance(value, tuple):
        return "(" + ",".join([constant(item) for item in value]) + ")"
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted([constant(item) for item in value])) + "}"
    if isinstance(value, slice):
        return "[" + ",".join([constant(item) for item in (value.start, value.stop, value.step)]) + "]"
    if isinstance(value, types.CodeType):
        return "code " + shown(value.co_name)
    if value is StopIteration:
        return "StopIteration"
    raise TypeError(type(value))


def short(text):
    """A long text as its checksum."""
    if len(text) <= LONGEST:
        return text
    return "#%08x" % (binascii.crc32(text.encode("ascii")) & 0xFFFFFFFF)


def codes(code, seen):
    """Code objects as a file of them begins: an outer one before those inside it, each once."""
    if any(code is other for other in seen):
        return
    seen.append(code)
    for value in code.co_consts:
        codes_in(value, seen)


def codes_in(value, seen):
    if isinstance(value, types.CodeType):
        codes(value, seen)
    elif isinstance(value, (tuple, frozenset)):
        for item in value:
            codes_in(item, seen)


def word(value):
    return "-" if value is None else str(value)



def instructions_of_2(code):
    """What dis prints in Python 2, which has no other way to say it; constants and names are taken from their place."""
    out, sys.stdout = sys.stdout, io.BytesIO()
    try:
        dis.disassemble(code)
        text = sys.stdout.getvalue()
    finally:
        sys.stdout = out
    # A constant's text can have line ends; such lines do not begin like an instruction.
    at = -1
    for line in text.split("\n"):
        match = re.match(r"^ *(?:\d+ )? *(?:>>)? +(\d+) ([A-Z_0-9+]+) *(?: (\d+)(?: \((.*))?)?$", line)
        if not match or int(match.group(1)) <= at:
            continue
        at = int(match.group(1))
        name, arg, more = match.group(2), match.group(3), match.group(4)
        arg = None if arg is None else int(arg)
        opcode = dis.opmap[name]
        if name == "EXTENDED_ARG":
            continue
        if arg is None:
            yield at, name, None, "-"
        elif opcode in dis.hasconst:
            yield at, name, arg, short(constant(code.co_consts[arg]))
        elif opcode in dis.hasname + dis.haslocal + dis.hasfree or opcode in dis.hascompare:
            yield at, name, arg, "=" + shown(more.rsplit(")", 1)[0])
        elif opcode in dis.hasjrel:
            yield at, name, arg, ">" + more.rsplit(")", 1)[0].replace("to ", "")
        elif opcode in dis.hasjabs:
            yield at, name, arg, ">%d" % arg
        else:
            yield at, name, arg, "-"


def instructions(code):
    if PY2:
        for item in instructions_of_2(code):
            yield item
        return
    for item in dis.get_instructions(code):
        name = item.opname
        if name in ("EXTENDED_ARG", "CACHE"):
            continue
        opcode, arg, value = item.opcode, item.arg, item.argval
        if arg is None:
            yield item.offset, name, None, "-"
        elif name == "KW_NAMES":
            # dis of 3.11 does not look it up.
            yield item.offset, name, arg, short(constant(code.co_consts[arg]))
        elif opcode in dis.hasconst and name != "LOAD_SMALL_INT":
            yield item.offset, name, arg, short(constant(value))
        elif opcode in dis.hasjrel or opcode in dis.hasjabs or name == "END_ASYNC_FOR" and VERSION >= (3, 14):
            yield item.offset, name, arg, ">%d" % value
        elif opcode in dis.hasname or opcode in dis.haslocal or opcode in dis.hasfree or opcode in dis.hascompare:
            if isinstance(value, tuple):
                yield item.offset, name, arg, "=" + ",".join([shown(part) for part in value])
            else:
                yield item.offset, name, arg, "=" + shown(value)
        elif name in ("BINARY_OP", "CALL_INTRINSIC_1", "CALL_INTRINSIC_2", "LOAD_SPECIAL"):
            yield item.offset, name, arg, "=" + shown(item.argrepr)
        else:
            yield item.offset, name, arg, "-"


def describe(code, place, write):
    counts = [code.co_argcount, getattr(code, "co_posonlyargcount", 0), getattr(code, "co_kwonlyargcount", 0)]
    counts += [code.co_nlocals, code.co_stacksize, code.co_flags, code.co_firstlineno, len(code.co_code)]
    qualname = [shown(code.co_qualname)] if hasattr(code, "co_qualname") else []
    write("code", place, shown(code.co_name), *(counts + qualname))
    write("n", *[shown(name) for name in code.co_names])
    write("v", *[shown(name) for name in code.co_varnames])
    write("c", *[shown(name) for name in code.co_cellvars])
    write("f", *[shown(name) for name in code.co_freevars])
    for value in code.co_consts:
        write("k", short(constant(value)))
    for offset, name, arg, value in instructions(code):
        write("i", offset, name, word(arg), value)
    if VERSION < (3, 10):
        for start, line in dis.findlinestarts(code):
            # Up to 3.7 it gives the lines of code that the compiler removed at the end; from 3.8 on it leaves them out itself.
            if start < len(code.co_code):
                write("l", start, line)
    else:
        run = None
        for start, end, line in code.co_lines():
            # 3.11 gives each entry of the table by itself, later versions a run of the same line.
            if run and (run[1], run[2]) == (start, line):
                run = run[0], end, line
                continue
            if run:
                write("l", run[0], run[1], word(run[2]))
            run = start, end, line
        if run:
            write("l", run[0], run[1], word(run[2]))
    if VERSION >= (3, 11):
        last, count = None, 0
        for position in code.co_positions():
            if position != last and count:
                write("p", count, *[word(part) for part in last])
                count = 0
            last, count = position, count + 1
        if count:
            write("p", count, *[word(part) for part in last])
        parse = getattr(dis, "_parse_exception_table")
        for entry in parse(code):
            write("x", entry.start, entry.end, entry.target, entry.depth, int(entry.lasti))


def magic():
    try:
        from importlib.util import MAGIC_NUMBER
        return MAGIC_NUMBER
    except ImportError:
        import imp
        return imp.get_magic()


def header():
    return magic() + b"\0" * (4 if PY2 else 8 if VERSION < (3, 7) else 12)


def dump(source, name, folder):
    """Compiles one source; False when this interpreter cannot."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = marshal.dumps(compile(source, name, "exec", 0, True))
    except (SyntaxError, ValueError, TypeError, OverflowError, MemoryError, RuntimeError):
        return False
    # Loaded again: interning and sharing can differ from what the compiler made.
    seen = []
    codes(marshal.loads(data), seen)
    stem = os.path.join(folder, name.replace("/", "."))
    with io.open(stem + ".pyc", "wb") as file:
        file.write(header() + data)
    with io.open(stem + ".txt", "w", encoding="ascii", newline="\n") as file:
        def write(*columns):
            file.write(u"\t".join([u"%s" % column for column in columns]) + u"\n")
        for place, code in enumerate(seen):
            describe(code, place, write)
    return len(seen)


def sources(path):
    if os.path.isfile(path):
        yield path, os.path.basename(path)[:-3]
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in ("site-packages", "__pycache__"))
        for name in sorted(files):
            if name.endswith(".py"):
                full = os.path.join(folder, name)
                yield full, os.path.relpath(full, path)[:-3].replace(os.sep, "/")


def wide():
    """A source whose code needs EXTENDED_ARG for constants, names, locals and jumps, and long steps of lines."""
    lines = ["def wide(flag):"]
    for number in range(260):
        lines.append("    local_%d = flag.name_%d + %d" % (number, number, 100000 + number))
    lines += ["    while flag:", "        if flag.name_259:"]
    lines += ["            flag.name_%d(local_%d, global_%d)" % (number, number, number) for number in range(250, 260)]
    lines += ["" for _ in range(400)] + ["            continue", "        flag = (" + " " * 150 + "flag -"]
    lines += ["" for _ in range(200)] + ["                1)"]
    lines += ["        try:", "            flag()", "        except global_1:"]
    lines += ["            flag.name_%d" % number for number in range(40)]
    return ("\n".join(lines + ["    return local_259", ""])).encode("ascii")


def main(folder, paths):
    modules = refused = count = 0
    if paths == ["--wide"]:
        paths = []
        modules, count = 1, dump(wide(), "wide", folder)
    for path in paths:
        for full, name in sources(path):
            with io.open(full, "rb") as file:
                source = file.read()
            found = dump(source, name, folder)
            if found is False:
                refused += 1
            else:
                modules, count = modules + 1, count + found
    print("%s: %d modules, %d code objects, %d that do not compile" % (sys.version.split()[0], modules, count, refused))


if __name__ == "__main__":
    sys.setrecursionlimit(10000)
    main(sys.argv[1], sys.argv[2:])
