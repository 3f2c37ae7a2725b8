"""Code that is forged against this very check: small sources, and what an attacker who has read `src/verify` puts beside.

Each is honest but for one trick. Those that only end the comparison change something elsewhere too, which is missed then. Runs
under CPython 2.7 and 3.6 to 3.13; most need 3.8.
"""

from __future__ import print_function

import marshal
import opcode
import struct
import sys

import codes

VERSION = sys.version_info[:2]
FORGED = []


def forged(name, since=(3, 8), until=(3, 99)):
    def register(function):
        if since <= VERSION <= until:
            FORGED.append((name, function))
        return function

    return register


class Label(object):
    """A place in code."""


def assembled(lines):
    """The bytes of instructions: lists of a name and an argument, which is a `Label` for jumps, and labels between them."""
    wide = set()
    while True:
        places, at = {}, 0
        for number, line in enumerate(lines):
            if isinstance(line, Label):
                places[line] = at
            else:
                at += 2 + 2 * codes.caches(opcode.opmap[line[0]]) + (2 if number in wide else 0)
        raw, at, is_whole = bytearray(), 0, True
        for number, line in enumerate(lines):
            if isinstance(line, Label):
                continue
            name, arg = line[0], line[1] if len(line) > 1 else 0
            op = opcode.opmap[name]
            at += 2 + 2 * codes.caches(op) + (2 if number in wide else 0)
            if isinstance(arg, Label):
                to = places[arg]
                if op in opcode.hasjabs:
                    arg = to // codes.scale()
                else:
                    arg = (at - to if "BACKWARD" in name else to - at) // codes.scale()
            assert 0 <= arg < 65536, (name, arg)
            if arg > 255 and number not in wide:
                wide.add(number)
                is_whole = False
            if number in wide:
                raw += bytearray([opcode.EXTENDED_ARG, arg >> 8])
            raw += bytearray([op, arg & 255]) + bytearray(2 * codes.caches(op))
        if is_whole:
            return bytes(raw), places


def jump_if(truth):
    name = "POP_JUMP_IF_TRUE" if truth else "POP_JUMP_IF_FALSE"
    return name if VERSION != (3, 11) else name.replace("JUMP", "JUMP_FORWARD")


def forward():
    return "JUMP_FORWARD"


def backward():
    return "JUMP_BACKWARD" if VERSION >= (3, 11) else "JUMP_ABSOLUTE"


def test():
    return [["TO_BOOL"]] if VERSION >= (3, 13) else []


def duplicate():
    return [["COPY", 1]] if VERSION >= (3, 11) else [["DUP_TOP"]]


def start():
    return [["RESUME", 0]] if VERSION >= (3, 11) else []


def load_global(place, null=False):
    if VERSION < (3, 11):
        return [["LOAD_GLOBAL", place]]
    return [["LOAD_GLOBAL", place << 1 | int(null)]]


def call(count):
    if VERSION < (3, 11):
        return [["CALL_FUNCTION", count]]
    return ([["PRECALL", count]] if VERSION == (3, 11) else []) + [["CALL", count]]


def evil(names, consts):
    """A call of `print` with a text."""
    names = names + ("print",)
    consts = consts + ("EVIL",)
    return load_global(len(names) - 1, True) + [["LOAD_CONST", len(consts) - 1]] + call(1) + [["POP_TOP"]], names, consts


def laid_out(code, raw, names, consts, depth, **more):
    """The function with other instructions, and a line table that fits them."""
    units = len(raw) // 2
    if VERSION >= (3, 11):
        table = b"".join(bytes(bytearray([0x80 | 15 << 3 | min(8, units - at) - 1])) for at in range(0, units, 8))
        more["linetable"] = table
    elif VERSION == (3, 10):
        more["linetable"] = b"".join(bytes(bytearray([min(254, len(raw) - at), 0])) for at in range(0, len(raw), 254))
    return codes.rebuilt(code, code=raw, names=names, consts=consts, stacksize=depth, **more)


def function_of(root, name):
    for path, code in codes.tree(root):
        if code.co_name == name:
            return path, code
    raise KeyError(name)


def with_function(text, name, change):
    root = compile(text, "m.py", "exec", 0, True)
    path, code = function_of(root, name)
    return codes.put(root, path, change(code))


GATE = b'''\
class Gate(object):
    """Lets every other one through."""

    def __init__(self):
        self.count = 0

    def __bool__(self):
        self.count += 1
        return self.count % 2 == 1


gate = Gate()


def f():
    if gate:
        return 1
    return 2


f()
'''


@forged("forged: a value is tested twice, and what follows the second answer is hidden")
def tested_twice():
    def change(code):
        names = code.co_names
        hidden, names, consts = evil(names, (None, 1, 2))
        other, secret = Label(), Label()
        lines = (
            start()
            + load_global(0)
            + duplicate()
            + test()
            + [[jump_if(False), other]]
            + test()
            + [
                [jump_if(False), secret],
                ["LOAD_CONST", 1],
                ["RETURN_VALUE"],
                other,
                ["POP_TOP"],
                ["LOAD_CONST", 2],
                ["RETURN_VALUE"],
                secret,
            ]
            + hidden
            + [["LOAD_CONST", 1], ["RETURN_VALUE"]]
        )
        raw, _ = assembled(lines)
        return laid_out(code, raw, names, consts, 4)

    yield "f", GATE, with_function(GATE, "f", change), None


SPIN = b"""\
def f():
    while True:
        pass


f()
"""


@forged("forged: so many tests of constants that they are taken for an endless loop")
def endless():
    def change(code):
        hidden, names, consts = evil((), (None, True))
        lines = start()
        for _ in range(10050):
            nowhere = Label()
            lines += [["LOAD_CONST", 1], [jump_if(False), nowhere], nowhere]
        lines += hidden + [["LOAD_CONST", 0], ["RETURN_VALUE"]]
        raw, _ = assembled(lines)
        return laid_out(code, raw, names, consts, 4)

    if VERSION != (3, 8) and VERSION != (3, 9):
        yield "f", SPIN, with_function(SPIN, "f", change), None


HANDLER = b"""\
def f():
    try:
        while True:
            pass
    except KeyboardInterrupt:
        return 1


def g():
    try:
        a = 1
    except ValueError:
        return 1
    return a


f()
"""


@forged("forged: another handler of what is only interrupted")
def interrupted():
    for name in ("f", "g"):

        def change(code):
            # The handler returns something else.
            return codes.rebuilt(
                code,
                consts=tuple(4711 if item == 1 and name == "f" else item for item in code.co_consts),
                names=tuple("BaseException" if item in ("KeyboardInterrupt", "ValueError") else item for item in code.co_names),
            )

        yield name, HANDLER, with_function(HANDLER, name, change), None


UNBOUND = b"""\
def check(token, data=None):
    return data is None


def f(token):
    if token:
        secret = token
    try:
        return check(secret, token)
    except NameError:
        return False


print(f(''))
"""


@forged("forged: a variable that may be unbound is loaded without a look", since=(3, 12))
def unbound():
    def change(code):
        raw = bytearray(code.co_code)
        for one in codes.instructions(code):
            if opcode.opname[one.op] == "LOAD_FAST_CHECK":
                raw[one.at] = opcode.opmap["LOAD_FAST"]
        return codes.rebuilt(code, code=bytes(raw))

    yield "f", UNBOUND, with_function(UNBOUND, "f", change), None


WAIT = b"""\
import threading
import time

done = False


def set_done():
    global done
    time.sleep(0.1)
    done = True


def f():
    while not done:
        pass


threading.Thread(target=set_done).start()
f()
"""


# In 3.11 no such jump is there to change: its loop ends in a test.
@forged("forged: a loop that cannot be interrupted", since=(3, 12))
def uninterrupted():
    def change(code):
        raw = bytearray(code.co_code)
        for one in codes.instructions(code):
            if opcode.opname[one.op] == "JUMP_BACKWARD" and not codes.caches(one.op):
                raw[one.at] = opcode.opmap["JUMP_BACKWARD_NO_INTERRUPT"]
        return codes.rebuilt(code, code=bytes(raw))

    changed = with_function(WAIT, "f", change)
    if VERSION < (3, 13):
        yield "f", WAIT, changed, None


SHOW = b"""\
def f(name, secret):
    text = "x"
    return locals()


print(sorted(f(1, 2)))
"""


@forged("forged: a variable that is hidden from locals()", since=(3, 11))
def hidden_local():
    raw = marshal.dumps(compile(SHOW, "m.py", "exec", 0, True))
    kinds = b"s\x03\x00\x00\x00   "
    place = raw.replace(b"\xf3\x03", b"s\x03").find(kinds) + len(kinds)
    # 3.15 has other kinds there.
    if place >= len(kinds):
        yield "f", SHOW, None, raw[: place - 2] + b"\x30" + raw[place - 1 :]


GROW = b"""\
def f(items):
    for item in items:
        print(item)


def g():
    return 1


f([1, 2])
g()
"""


@forged("forged: a stack that grows with each turn of a loop")
def growing():
    for size in (300, 2000):

        def change(code):
            names, consts = ("print",), (None,)
            head, end = Label(), Label()
            lines = (
                start()
                + [["LOAD_FAST", 0], ["GET_ITER"], head, ["FOR_ITER", end], ["STORE_FAST", 1]]
                + load_global(0, True)
                + [["LOAD_FAST", 1]]
                + call(1)
            )
            # The result of `print` stays below the iterator.
            lines += [["SWAP", 2]] if VERSION >= (3, 11) else [["ROT_TWO"]]
            lines += [[backward(), head], end]
            if VERSION >= (3, 12):
                lines += [["END_FOR"]]
            if VERSION >= (3, 13):
                lines += [["POP_TOP"]]
            lines += [["LOAD_CONST", 0], ["RETURN_VALUE"]]
            raw, _ = assembled(lines)
            return laid_out(code, raw, names, consts, size)

        root = with_function(GROW, "f", change)
        path, code = function_of(root, "g")
        yield "stack of %d, and `g` returns something else" % size, GROW, codes.put(
            root, path, codes.rebuilt(code, consts=tuple(4711 if item == 1 else item for item in code.co_consts))
        ), None


RAISING = b"""\
def g():
    raise ValueError


def f():
    try:
        g()
    except ValueError:
        return "handled"


try:
    print(f())
except ValueError:
    print("not handled")
"""


@forged("forged: a handler that ends between a call and its caches", since=(3, 11))
def cut_caches():
    def change(code):
        call = [one for one in codes.instructions(code) if opcode.opname[one.op] == "CALL"][0]
        found = codes.entries(code)
        start, length, handler, depth = found[0]
        short = (start, call.at // 2 + 1 - start, handler, depth)
        return codes.rebuilt(code, exceptiontable=codes.table([short] + found[1:]))

    yield "f", RAISING, with_function(RAISING, "f", change), None


THROWN = b"""\
def f():
    try:
        yield 1
    except ValueError:
        yield "handled"


g = f()
next(g)
try:
    print(g.throw(ValueError()))
except ValueError:
    print("not handled")
"""


@forged("forged: a yield out of its handler", since=(3, 11))
def cut_yield():
    def change(code):
        at = [one for one in codes.instructions(code) if opcode.opname[one.op] == "YIELD_VALUE"][0].at // 2
        found = []
        for start, length, handler, depth in codes.entries(code):
            parts = [(start, length, handler, depth)]
            if start <= at < start + length:
                parts = [(start, at - start, handler, depth), (at + 1, start + length - at - 1, handler, depth)]
            found.extend(part for part in parts if part[1] > 0)
        return codes.rebuilt(code, exceptiontable=codes.table(found))

    yield "f", THROWN, with_function(THROWN, "f", change), None


TRUTH = b"""\
class Gate(object):
    def __bool__(self):
        raise ValueError


def f(gate):
    try:
        if gate:
            return 1
    except ValueError:
        return "handled"
    return 3


try:
    print(f(Gate()))
except ValueError:
    print("not handled")
"""


@forged("forged: TO_BOOL out of its handler, and a NOP behind it", since=(3, 13))
def bare_truth():
    def change(code):
        out, handler, other, reraised = Label(), Label(), Label(), Label()
        one, first, last = Label(), Label(), Label()
        names, consts = ("ValueError",), (None, 1, "handled", 3)
        lines = (
            start()
            + [
                ["LOAD_FAST", 0],
                first,
                ["TO_BOOL"],
                last,
                ["NOP"],
                ["POP_JUMP_IF_FALSE", out],
                ["LOAD_CONST", 1],
                ["RETURN_VALUE"],
                out,
                ["LOAD_CONST", 3],
                ["RETURN_VALUE"],
                handler,
                ["PUSH_EXC_INFO"],
            ]
            + load_global(0)
            + [
                ["CHECK_EXC_MATCH"],
                ["POP_JUMP_IF_FALSE", other],
                ["POP_TOP"],
                ["POP_EXCEPT"],
                ["LOAD_CONST", 2],
                ["RETURN_VALUE"],
                other,
                ["RERAISE", 0],
                reraised,
                ["COPY", 3],
                ["POP_EXCEPT"],
                ["RERAISE", 1],
            ]
        )
        raw, places = assembled(lines)
        at = lambda label: places[label] // 2
        found = [(1, at(first) - 1, at(handler), 0), (at(handler), at(reraised) - at(handler), at(reraised), 3)]
        return laid_out(code, raw, names, consts, 5, exceptiontable=codes.table(found))

    yield "f", TRUTH, with_function(TRUTH, "f", change), None


ALIAS = b"""\
def f(a):
    b = a
    c = a

    def g():
        return c
    return g() + b


print(f(1))
"""


@forged("forged: fewer variables than names, so that one is where a cell is", since=(2, 7), until=(3, 10))
def aliased():
    path, code = function_of(compile(ALIAS, "m.py", "exec", 0, True), "f")
    raw = marshal.dumps(compile(ALIAS, "m.py", "exec", 0, True))
    count = struct.pack("<l", code.co_nlocals)
    rest = struct.pack("<ll", code.co_stacksize, code.co_flags)
    assert raw.count(count + rest) == 1
    yield "f", ALIAS, None, raw.replace(count + rest, struct.pack("<l", 1) + rest)


ELSEWHERE = b"def g():\n    return 1\n\n\ng()\n"
HIDDEN = b"def g():\n    return 4711\n\n\ng()\n"
GENERIC = b"""\
class Base[T]:
    pass


class _Row[T](Base[T]):
    def f(self, a: __x = 1):
        return lambda: __x


"""


@forged("forged: something that is not compared, and a change elsewhere", since=(3, 6))
def elsewhere():
    texts = [
        ("an encoding", b"# coding: iso8859_11\n"),
        ("another encoding", b"# coding: utf_7\n"),
        ("a source of 17 MB", b"#" * (17 << 20) + b"\n"),
    ]
    if VERSION >= (3, 12):
        texts.append(("a private name behind a generic class", GENERIC))
    for place, text in texts:
        yield place, text + ELSEWHERE, compile(text + HIDDEN, "m.py", "exec", 0, True), None


@forged("forged: defaults that take long to compare, and a change elsewhere", since=(3, 7))
def slow():
    text = b"def f(" + b", ".join(b"a%d=(x if y else z)" % number for number in range(1500)) + b"):\n    pass\n\n\n"
    yield "1,500 conditional defaults", text + ELSEWHERE, compile(text + HIDDEN, "m.py", "exec", 0, True), None


@forged("forged: choices that multiply, and a change elsewhere", since=(3, 6))
def choices():
    item = b'"%d": a.get("x") or b.get("y") if c else None'
    text = b"def f(a, b, c):\n    return {" + b", ".join(item % number for number in range(12)) + b"}\n\n\n"
    yield "12 of them in a dict", text + ELSEWHERE, compile(text + HIDDEN, "m.py", "exec", 0, True), None


def cases():
    for name, make in FORGED:
        for place, text, code, raw in make():
            yield name, place, text, code, raw
