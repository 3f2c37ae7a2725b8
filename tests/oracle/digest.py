"""Computes code digests and lines digests of pycs: a second implementation of what src/pyc/digest.rs defines.

    python digest.py FILE...

Writes one CSV row per code object: file, path of the code object, code digest, lines digest. It reads marshalled data itself,
so that any Python from 3.6 on can run it on the files of any other. For tests only: it trusts its input.
"""
import csv
import hashlib
import os
import struct
import sys

# The fields in the order of the form, with their numbers.
FORM = {
    "argcount": 1, "posonlyargcount": 2, "kwonlyargcount": 3, "nlocals": 4, "stacksize": 5, "flags": 6, "code": 7, "consts": 8,
    "names": 9, "varnames": 10, "freevars": 11, "cellvars": 12, "localsplusnames": 13, "localspluskinds": 14, "name": 15,
    "qualname": 16, "exceptiontable": 17,
}
PLACE = {"firstlineno": 18, "linetable": 19}

OLD = "code consts names varnames freevars cellvars filename name =firstlineno linetable"
LAYOUTS = {
    "L23": "=argcount =nlocals =stacksize =flags " + OLD,
    "L30": "=argcount =kwonlyargcount =nlocals =stacksize =flags " + OLD,
    "L38": "=argcount =posonlyargcount =kwonlyargcount =nlocals =stacksize =flags " + OLD,
    "L311": "=argcount =posonlyargcount =kwonlyargcount =stacksize =flags code consts names localsplusnames localspluskinds "
            "filename name qualname =firstlineno linetable exceptiontable",
}


def layout_of(magic):
    """The header's size and the layout, of the numbers that the fixtures have."""
    if 62000 < magic < 63000:
        return 8, "L23"
    if magic == 336 or 3401 <= magic <= 3439:
        return 16, "L38"
    if 3310 <= magic <= 3379:
        return 12, "L30"
    if 3390 <= magic <= 3400:
        return 16, "L30"
    if 3494 <= magic <= 3700:
        return 16, "L311"
    raise ValueError("magic number %d" % magic)


class Long(int):
    """A `long` of Python 2."""


class Str(bytes):
    """UTF-8 of a text, surrogates included."""


class Sequence:
    def __init__(self, letter, items=()):
        self.letter = letter
        self.items = list(items)


class Code:
    def __init__(self):
        self.fields = {}


class Singleton:
    def __init__(self, letter):
        self.letter = letter


class Reader:
    def __init__(self, data, layout):
        self.data, self.at, self.layout = data, 0, layout
        self.references, self.strings = [], []

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form="<i"):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def value(self):
        byte = self.take(1)[0]
        letter = chr(byte & 0x7F)
        slot = None
        if byte & 0x80 and letter not in "NTFS.0r":
            slot = len(self.references)
            self.references.append(None)
        value = self.read(letter)
        if slot is not None:
            self.references[slot] = value
        return value

    def read(self, letter):
        if letter in "NTF.S":
            return Singleton(letter)
        if letter == "0":
            return None
        if letter == "i":
            return self.number()
        if letter == "I":
            return self.number("<q")
        if letter == "l":
            count = self.number()
            total = sum(digit << 15 * place for place, digit in
                        enumerate(struct.unpack("<%dH" % abs(count), self.take(2 * abs(count)))))
            total = -total if count < 0 else total
            return Long(total) if self.layout == "L23" else total
        if letter == "g":
            return ("f", self.take(8))
        if letter == "y":
            return ("y", self.take(16))
        if letter == "f":
            return ("f", struct.pack("<d", float(self.take(self.take(1)[0]).decode())))
        if letter == "r":
            return self.references[self.number()]
        if letter == "R":
            return self.strings[self.number()]
        if letter == "s":
            return self.take(self.number())
        if letter == "t" and self.layout == "L23":
            self.strings.append(self.take(self.number()))
            return self.strings[-1]
        if letter in "tu":
            return Str(self.take(self.number()))
        if letter in "aA":
            return Str(self.take(self.number()).decode("latin-1").encode())
        if letter in "zZ":
            return Str(self.take(self.take(1)[0]).decode("latin-1").encode())
        if letter == ")":
            return Sequence("(", [self.value() for _ in range(self.take(1)[0])])
        if letter in "([<>":
            return Sequence(letter, [self.value() for _ in range(self.number())])
        if letter == ":":
            return Sequence(":", [self.value() for _ in range(3)])
        if letter in "{}":
            items = []
            while True:
                key = self.value()
                if key is None:
                    return Sequence(letter, items)
                items += [key, self.value()]
        if letter == "c":
            code = Code()
            for field in LAYOUTS[self.layout].split():
                code.fields[field.lstrip("=")] = self.number() if field[0] == "=" else self.value()
            return code
        raise ValueError("type %r at %d" % (letter, self.at))


def sha256(data):
    return hashlib.sha256(data).digest()


def integer(letter, number):
    size = (abs(number).bit_length() + 7) // 8
    return letter + (b"-" if number < 0 else b"+") + abs(number).to_bytes(size, "little")


def form(value):
    if isinstance(value, Singleton):
        return value.letter.encode()
    if isinstance(value, Long):
        return integer(b"l", value)
    if isinstance(value, int):
        return integer(b"i", value)
    if isinstance(value, Str):
        return b"u" + bytes(value)
    if isinstance(value, bytes):
        return b"s" + value
    if isinstance(value, tuple):
        return value[0].encode() + value[1]
    if isinstance(value, Sequence):
        if value.letter in "<>":
            items = sorted({b"\xff" + sha256(form(each)) for each in value.items})
        else:
            items = [item(each) for each in value.items]
        return value.letter.encode() + b"".join(items)
    return b"c" + fields(value, FORM)


def item(value):
    data = form(value)
    if isinstance(value, Code) or len(data) > 254:
        return b"\xff" + sha256(data)
    return bytes([len(data)]) + data


def fields(code, numbers):
    data = b""
    for name, number in numbers.items():
        if name in code.fields:
            value = code.fields[name]
            raw = name.endswith("count") or name in ("nlocals", "stacksize", "flags", "firstlineno")
            data += bytes([number]) + (struct.pack("<i", value) if raw else item(value))
    return data


def lines(code):
    inner = [each for each in code.fields["consts"].items if isinstance(each, Code)]
    return sha256(b"L" + sha256(form(code)) + fields(code, PLACE) + sha256(b"".join(lines(each) for each in inner)))


def rows(code, path):
    yield path, "v1:" + sha256(form(code)).hex(), "v1+lines:" + lines(code).hex()
    inner = [each for each in code.fields["consts"].items if isinstance(each, Code)]
    for place, each in enumerate(inner):
        for row in rows(each, "%s/%d:%s" % (path, place, bytes(each.fields["name"]).decode())):
            yield row


def main():
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["file", "code", "code_digest", "lines_digest"])
    for name in sys.argv[1:]:
        with open(name, "rb") as file:
            data = file.read()
        size, layout = layout_of(data[0] | data[1] << 8)
        module = Reader(data[size:], layout).value()
        for row in rows(module, "<module>"):
            writer.writerow((os.path.basename(name),) + row)


main()
