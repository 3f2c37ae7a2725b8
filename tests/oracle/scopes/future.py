"""Annotations are text."""
from __future__ import annotations

one: int = 1
(two): [x for x in one]
one.three: lambda: 1


def annotated(a: one, b: lambda: a = 1) -> two:
    local: [a for _ in b]
    third: one = 2

    def inner(c: local) -> third:
        fourth: b
        return a
    return inner


class Annotated:
    a: int

    def method(self, b: a) -> Annotated:
        return b
    if a:
        c: int


class Plain:
    def method(self):
        return __class__
