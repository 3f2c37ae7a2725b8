"""What every version since 2.7 compiles."""
from __future__ import print_function

import os.path as path
from collections import *

LIMIT = 10 ** 20 + 1
TABLE = {"a": 1, "b": (2, 3.5, -1j), u"\xe9": b"\x00\xff"}


def outer(first, second=LIMIT, *rest, **named):
    """Closures, loops and handlers."""
    total = [0]

    def inner(value):
        total[0] += value * first
        return lambda: (total, value, second)

    for index, item in enumerate(rest):
        if not item or index > 3 and item is not None:
            continue
        while item in named:
            try:
                item -= named[item] // 2 ** index
            except (KeyError, TypeError) as error:
                print(error, item == first, first != second)
                break
            else:
                total.append(inner(item))
            finally:
                del named[item]
        else:
            assert total, "nothing was added"
    with open(path.join("a", "b")) as one, open("c") as two:
        one.write(two.read()[1:-1:2] + two.name[:])
    return inner, [x for x in rest if x], {x: y for x, y in named.items()}, {z for z in rest}, (q for q in rest)


class Base(object):
    kind = "base"

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, value):
        self._value = value if value > 0 else -value

    def __getattr__(self, name):
        global LIMIT
        LIMIT = name
        raise AttributeError(name)


class Derived(Base):
    def method(self):
        yield super(Derived, self).method() or self.kind
        yield ~self.value & 0xFF | 1 ^ 2 << 3 >> 1
