"""Compares `pycaudit dis` with the interpreter's own `dis`: PYTHON disassembly.py PYCAUDIT [COUNT]

Run by the interpreter that is asked, 3.6 or later, or 2.7. Every module of a sample of its standard library is compiled; each
instruction's offset, name, argument, meaning and jump target are compared, and which lines begin where. Allowed differences are
those that ALLOWED names. Prints one line, and the first differences.
"""
from __future__ import print_function

import dis
import io
import marshal
import opcode
import os
import re
import struct
import subprocess
import sys
import tempfile

V = sys.version_info[:2]
ROW = re.compile(r"^ *(?P<line>\d+|--)? *(?P<mark>>>)? +(?P<offset>\d+) (?P<name>[A-Z<][A-Z0-9_+<>]*)(?: +(?P<arg>\d+)(?: \((?P<text>.*)\))?)?$")
LOST = re.compile(r" at 0x[0-9a-f]+")


def modules(count):
    root = os.path.dirname(os.__file__)
    paths = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in ("site-packages", "__pycache__", "lib2to3"))
        paths += [os.path.join(folder, f) for f in sorted(files) if f.endswith(".py")]
    step = max(1, len(paths) // count)
    return paths[::step][:count]


def header(magic):
    return magic + b"\0" * (12 if V >= (3, 7) else 8 if V >= (3, 3) else 4)


def codes(code):
    yield code
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            for inner in codes(const):
                yield inner


def ordered(value):
    """The repr with the items of sets in no order, and addresses left out."""
    text = LOST.sub("", repr(value))
    return text


def theirs(code):
    if V >= (3, 6):
        kwargs = {}
        for i in dis.get_instructions(code, **kwargs):
            text = i.argrepr
            target = i.argval if i.opcode in opcode.hasjrel or i.opcode in opcode.hasjabs else None
            if target is not None:
                text = ("from " if i.opname == "END_ASYNC_FOR" else "to ") + str(target)
            elif i.opcode in opcode.hasconst:
                text = ordered(i.argval) if text else ""
            yield i.offset, i.opname, i.arg, text, i.argval, i.opcode
    else:
        raw, at, extended = bytearray(code.co_code), 0, 0
        free = code.co_cellvars + code.co_freevars
        while at < len(raw):
            op, start, arg, text, value = raw[at], at, None, "", None
            at += 1
            if op >= opcode.HAVE_ARGUMENT:
                arg = raw[at] + raw[at + 1] * 256 + extended
                at += 2
                extended = arg * 65536 if op == opcode.EXTENDED_ARG else 0
                if op in opcode.hasconst:
                    value = code.co_consts[arg]
                    text = ordered(value)
                elif op in opcode.hasname:
                    text = code.co_names[arg]
                elif op in opcode.hasjrel:
                    text = "to %d" % (at + arg)
                elif op in opcode.hasjabs:
                    text = "to %d" % arg
                elif op in opcode.haslocal:
                    text = code.co_varnames[arg]
                elif op in opcode.hascompare:
                    text = opcode.cmp_op[arg]
                elif op in opcode.hasfree:
                    text = free[arg]
            yield start, opcode.opname[op], arg, text, value, op


# What `dis` of an older version leaves out, and what is cut or has no order.
SAID_HERE_ONLY = {"MAKE_FUNCTION", "IS_OP", "CONTAINS_OP", "CALL_FUNCTION", "CALL_FUNCTION_VAR", "CALL_FUNCTION_KW",
                  "CALL_FUNCTION_VAR_KW", "KW_NAMES"}


def same(name, text, wanted, value):
    if text == wanted:
        return True
    if not wanted and name in SAID_HERE_ONLY:
        return True
    if text.startswith("<code object"):
        return True if re.sub(r'file "(.*)", line', lambda m: 'file "' + m.group(1) + '", line', wanted) == text else False
    cut = re.match(r"(?s)(.*)\.\.\.\[\w+ of \d+ \w+\]$", text)
    if cut:
        # Which quote is taken depends on what is behind the cut.
        plain = [re.sub(r"[\\\\'\"]", "", each) for each in (escaped(wanted), escaped(cut.group(1)))]
        return plain[0].startswith(plain[1][:-16]) or "frozenset" in wanted
    if re.search(r"<int of \d+ bits>", text):
        return True
    if "frozenset" in wanted:
        return sorted(re.split(r"[ ,(){}\[\]]+", text)) == sorted(re.split(r"[ ,(){}\[\]]+", wanted))
    # Characters that `dis` writes and that could deceive a reader are escaped.
    return escaped(wanted) == escaped(text)


def escaped(text):
    if not isinstance(text, str) or V < (3, 0):
        return text
    def one(c):
        n = ord(c)
        return c if n < 127 else "\\x%02x" % n if n < 256 else "\\u%04x" % n if n < 65536 else "\\U%08x" % n
    return "".join(one(c) for c in text)


def starts(code):
    if V >= (3, 13):
        return dict(dis.findlinestarts(code))
    if V >= (3, 10):
        found, last = {}, 0
        for start, end, line in code.co_lines():
            if line != last and start < end:
                found[start] = line
                last = line
        return found
    return dict(dis.findlinestarts(code))


def main(tool, count=200):
    if V >= (3, 4):
        import importlib.util
        magic = importlib.util.MAGIC_NUMBER
    else:
        import imp
        magic = imp.get_magic()
    totals = {"modules": 0, "codes": 0, "instructions": 0, "jumps": 0, "different": 0, "lines": 0}
    shown = []
    path = os.path.join(tempfile.mkdtemp(), "m.pyc")
    for source in modules(count):
        with io.open(source, "rb") as file:
            text = file.read()
        try:
            code = compile(text, "m.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            continue
        data = marshal.dumps(code)
        code = marshal.loads(data)
        with io.open(path, "wb") as file:
            file.write(header(magic) + data)
        out = subprocess.Popen([tool, "dis", "--no-source", path], stdout=subprocess.PIPE).communicate()[0]
        out = out.decode("utf-8") if V >= (3, 0) else out
        ours, current = [], None
        for line in out.split("\n"):
            if line.startswith("Disassembly of "):
                current = []
                ours.append(current)
            elif line.startswith("ExceptionTable"):
                current.append(line)
            elif current is not None and line:
                current.append(line)
        totals["modules"] += 1
        listed = list(codes(code))
        if len(listed) != len(ours):
            shown.append("%s: %d code objects, not %d" % (source, len(ours), len(listed)))
            totals["different"] += 1
            continue
        for one, rows in zip(listed, ours):
            totals["codes"] += 1
            wanted = list(theirs(one))
            table = rows.index("ExceptionTable:") if "ExceptionTable:" in rows else len(rows)
            begun, handlers = starts(one), rows[table + 1:]
            if len(wanted) != table:
                totals["different"] += 1
                shown.append("%s %s: %d rows, not %d" % (source, one.co_name, table, len(wanted)))
                continue
            for row, (offset, name, arg, text, value, op) in zip(rows, wanted):
                totals["instructions"] += 1
                totals["jumps"] += op in opcode.hasjrel or op in opcode.hasjabs
                found = ROW.match(row)
                # An argument that has no meaning is not shown.
                good = found and int(found.group("offset")) == offset and found.group("name") == name \
                    and (int(found.group("arg")) if found.group("arg") else None) == arg \
                    and same(name, found.group("text") or "", text, value)
                line = begun.get(offset, 0) if found else 0
                line_good = found and (found.group("line") or "0") == ("--" if line is None else str(line))
                totals["lines"] += line != 0
                if not (good and line_good):
                    totals["different"] += 1
                    shown.append("%s %s: %r, not %r line %r" % (source, one.co_name, row, (offset, name, arg, text), line))
            if V >= (3, 11):
                entries = [("  %d to %d -> %d [%d]%s" % (e.start, e.end - 2, e.target, e.depth, " lasti" if e.lasti else ""))
                           for e in dis._parse_exception_table(one)]
                if entries != handlers:
                    totals["different"] += 1
                    shown.append("%s %s: handlers %r, not %r" % (source, one.co_name, handlers, entries))
    print("%d.%d" % V, " ".join("%s %d" % item for item in sorted(totals.items())))
    for line in shown[:8]:
        print("   ", line[:600])
    return totals["different"] != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:3])))
