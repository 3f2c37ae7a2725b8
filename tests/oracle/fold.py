"""What operators on constants give, asked of the interpreter that runs this: Python 2.7 and later.

    fold.py rows > FILE             one interpreter's answers
    node fold.mjs FOLDER > FILE     the same of a WebAssembly build
    fold.py merge FILE... > TABLE   tests/fixtures/fold/operations.txt, of the answers of several, oldest first

A row is an operator, its operands, and the result: a constant, `!` for an exception, `?` where the interpreter is not asked.
Constants: i and hexadecimal (int), l and hexadecimal (long of 2.x), f and the bits, c and the bits of both parts, t and b and
hexadecimal bytes, T, F, N, E, tuples as (a;b), slices as [a;b;c]. No random module: the rows are the same in every version.
"""

import operator
import struct
import sys
import warnings

warnings.simplefilter("ignore")
OLD = sys.version_info[0] == 2
WASM = sys.platform == "emscripten"
text_type = type(u"")
long_type = type(2 ** 70) if OLD else None


class Lcg(object):
    def __init__(self):
        self.state = 12345

    def next(self, below):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & (2 ** 64 - 1)
        return (self.state >> 33) % below


def hexadecimal(data):
    return "".join("%02x" % byte for byte in bytearray(data))


def bits(number):
    raw = struct.unpack(">Q", struct.pack(">d", number))[0]
    return "7ff8000000000000" if number != number else "%016x" % raw


def write(value):
    if value is None:
        return "N"
    if value is Ellipsis:
        return "E"
    if value is True or value is False:
        return "T" if value else "F"
    kind = type(value)
    if OLD and kind is long_type:
        return "l%x" % value
    if kind is int:
        return "i%x" % value
    if kind is float:
        return "f" + bits(value)
    if kind is complex:
        return "c%s,%s" % (bits(value.real), bits(value.imag))
    if kind is text_type:
        return "t" + hexadecimal(value.encode("utf-8") if OLD else value.encode("utf-8", "surrogatepass"))
    if kind is bytes:
        return "b" + hexadecimal(value)
    if kind is tuple:
        return "(%s)" % ";".join(write(item) for item in value)
    if kind is slice:
        return "[%s;%s;%s]" % (write(value.start), write(value.stop), write(value.step))
    raise TypeError(kind)


class Long(int if not OLD else object):
    """A long of 2.x in the lists below; other versions are not asked."""

    def __init__(self, number):
        self.number = number


class Absent(object):
    """A constant of other versions."""

    def __init__(self, notation):
        self.notation = notation


INTS = [0, 1, -1, 2, -2, 3, 7, -7, 10, 63, 64, 255, -256, 2 ** 31, 2 ** 53, 2 ** 53 + 1, 2 ** 63 - 1, 2 ** 63, -2 ** 63, -2 ** 63 - 1,
        2 ** 64, 10 ** 20, -3 ** 50]
# An int of 2.7, not a long, where it fits.
INTS = [int(number) for number in INTS]
LARGE = [2 ** 1023, 2 ** 1024, -10 ** 400, 2 ** 1024 - 2 ** 970, 2 ** 1024 - 2 ** 970 - 1, 3 ** 200]
LONGS = [Long(0), Long(5), Long(-7), Long(64)]
INF = 1e308 * 10
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, -2.5, 3.7, 0.1, 1e16, 1e308, -1e308, 5e-324, -5e-324, 2.2250738585072014e-308, INF, -INF, abs(INF - INF)]
COMPLEXES = [0j, 1j, complex(-0.0, -1.0), complex(0.0, -1.0), complex(1, 2), complex(-0.0, -0.0), complex(3.5, -4.25), complex(1e308, 1e308), complex(INF, 1), complex(0, INF),
             complex(abs(INF - INF), INF), complex(2, 0)]
TEXTS = [u"", u"a", u"abc", u"\xe9\u20ac", u"%s", u"%5d|%-5d|%05d", u"%x %X %o %#x %#o", u"%r", u"%%", u"%c", u"%.2s|%5s|%-5s", u"% d%+d"]
# What a character is depends on the build in 2.7.
TEXTS += [Absent("tf09f9880"), Absent("teda0bd"), Absent("tedb880")] if OLD else [u"\U0001f600", u"\ud83d", u"\ude00"]
BYTES = [b"", b"a", b"abc", b"\xff\x00'\n", b"%s", b"%d", b"%s%s", b"%5s|%r", b"it's"]
TUPLES = [(), (1,), (1, u"x"), (1, 2), (True, None), (5, 5, 5), ((1,), 2), (255, 255, 255, 255, 255), (u"abc", u"abc", u"abc")]
SLICES = [slice(a, b, c) for a, b, c in [(None, None, None), (1, None, None), (None, -1, None), (None, None, -1), (0, 5, 2), (-1, None, -1),
          (2, 0, -1), (None, None, 0), (5, 1, None), (-100, 100, 1), (10 ** 30, None, None), (None, -10 ** 30, -1), (True, 2, 1)]]
OTHERS = [None, True, False, Ellipsis]
NUMBERS = INTS + FLOATS + COMPLEXES + [True, False]
SEQUENCES = TEXTS + BYTES + TUPLES

BINARY = [("add", operator.add), ("sub", operator.sub), ("mul", operator.mul), ("truediv", operator.truediv),
          ("div", getattr(operator, "div", None)), ("floordiv", operator.floordiv), ("mod", operator.mod), ("pow", operator.pow),
          ("lshift", operator.lshift), ("rshift", operator.rshift), ("and", operator.and_), ("or", operator.or_), ("xor", operator.xor),
          ("getitem", operator.getitem)]
UNARY = [("neg", operator.neg), ("pos", operator.pos), ("invert", operator.invert), ("not", operator.not_), ("repr", repr)]


def is_int(value):
    return type(value) in (int, bool, long_type, Long)


def is_number(value):
    return is_int(value) or type(value) in (float, complex)


def size(value):
    return abs(int(value)).bit_length()


def is_too_large(name, a, b):
    a, b = [value.number if isinstance(value, Long) else value for value in (a, b)]
    if name == "pow" and is_int(a) and is_int(b):
        return size(a) > 1 and b > 0 and size(a) * b > 1024
    if name == "lshift" and is_int(a) and is_int(b):
        return b > 300
    if name == "mul" and (is_int(a) != is_int(b)):
        count, items = (a, b) if is_int(a) else (b, a)
        return hasattr(items, "__len__") and len(items) > 0 and count > 300 and count < 2 ** 63
    return False


def is_asked(name, a, b):
    """Whether this version's answer is of use: not what no version folds and what the fold leaves out."""
    if isinstance(a, Absent) or isinstance(b, Absent) or type(a) is Long or type(b) is Long:
        return False
    if name == "div" and not OLD:
        return False
    kinds = (type(a), type(b))
    strings = (text_type, bytes)
    if name == "mod" and type(a) in strings:
        # 3.7 and later leave it alone; so do we floats and what nests.
        if sys.version_info >= (3, 7) or type(a) is bytes and not OLD:
            return False
        items = b if type(b) is tuple else (b,)
        if "2572" in write(a) and text_type in map(type, items):
            return False
        return all(is_int(item) or item is None or type(item) in strings and (OLD or type(item) is not bytes) for item in items) \
            and not (OLD and text_type in (type(a),) + tuple(map(type, items)) and bytes in (type(a),) + tuple(map(type, items)))
    if complex in kinds and name in ("mod", "floordiv"):
        return not OLD
    if name == "repr":
        return OLD and (type(a) in (int, long_type) or type(a) is bytes)
    if WASM and name == "pow" and (float in kinds or complex in kinds or is_int(a) and is_int(b) and b < 0):
        # Another mathematical library.
        return False
    if WASM and name == "mul" and any(is_int(value) and not -2 ** 31 <= value < 2 ** 31 for value in (a, b)) and not all(map(is_number, (a, b))):
        # A machine word of 32 bits.
        return False
    return True


def answer(operation, name, *operands):
    if OLD:
        operands = [long_type(value.number) if isinstance(value, Long) else value for value in operands]
    if not is_asked(name, operands[0], operands[-1]):
        return "?"
    try:
        value = operation(*operands)
    except (ArithmeticError, TypeError, ValueError, IndexError, LookupError, MemoryError):
        return "!"
    try:
        return write(value)
    except TypeError:
        return "?"


def shown(value):
    if isinstance(value, Absent):
        return value.notation
    if isinstance(value, Long):
        return "l%x" % value.number
    # Written as 3.x writes it: 2.x reads large ones as long.
    return write(value).replace("l", "i")


def binary_rows():
    lcg = Lcg()
    everything = NUMBERS + LONGS + SEQUENCES + OTHERS
    for name, operation in BINARY:
        if name == "getitem":
            pairs = [(a, b) for a in SEQUENCES + [1, None] for b in SLICES + [0, 1, -1, 2, -3, 5, True, 2 ** 70, -2 ** 70, 1.0, u"a"]]
        else:
            pairs = [(a, b) for a in NUMBERS for b in NUMBERS if lcg.next(12) == 0]
            pairs += [(a, b) for a in everything for b in everything if lcg.next(150) == 0]
            pairs += [(a, b) for a in LARGE for b in NUMBERS if lcg.next(40) == 0]
            pairs += [(a, b) for a in NUMBERS for b in LARGE if lcg.next(40) == 0]
            if name in ("add", "mul", "mod"):
                pairs += [(a, b) for a in SEQUENCES for b in SEQUENCES + OTHERS + [0, 1, 3, -1, 5, 2 ** 70] if lcg.next(5) == 0]
            if name in ("truediv", "floordiv", "mod"):
                for _ in range(100 if name == "truediv" else 15):
                    a, b = [(lcg.next(2 ** 31) << lcg.next(1100)) + lcg.next(2 ** 31) for _ in range(2)]
                    pairs.append((int(a >> lcg.next(1000)), int(-(b >> lcg.next(1000)) - 1)))
            if name == "pow":
                pairs += [(a, b) for a in FLOATS + COMPLEXES + [2, -3, -8] for b in FLOATS + COMPLEXES + [-1, -2, 7, 1.0 / 3, 99, 101, 2.5 + 1j]]
        for a, b in pairs:
            if not is_too_large(name, a, b):
                yield name, shown(a), shown(b), answer(operation, name, a, b)


def rows():
    for name, operation in UNARY:
        for a in NUMBERS + LONGS + SEQUENCES + OTHERS:
            yield name, shown(a), "", answer(operation, name, a)
    for row in binary_rows():
        yield row


def merge(paths):
    """A row for each operation, its results by version; = is what the version before has."""
    columns = [open(path).read().splitlines() for path in paths]
    print("operator left right " + " ".join(lines[0] for lines in columns))
    seen = set()
    for lines in zip(*[lines[1:] for lines in columns]):
        keys = set(line.rsplit("\t", 1)[0] for line in lines)
        assert len(keys) == 1, keys
        key = keys.pop()
        if key in seen:
            continue
        seen.add(key)
        results, last = [], None
        for line in lines:
            result = line.rsplit("\t", 1)[1]
            results.append("=" if result == last else result)
            last = result
        print(" ".join([field or "-" for field in key.split("\t")] + results))


if __name__ == "__main__":
    if sys.argv[1:2] == ["merge"]:
        merge(sys.argv[2:])
    else:
        print("%d.%d" % sys.version_info[:2])
        for row in rows():
            print("\t".join(row))
