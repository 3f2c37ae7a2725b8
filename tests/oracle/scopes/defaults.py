"""Defaults of type parameters, and what 3.12 refuses or cannot compile (3.13)."""


class Comprehended:
    def method(self):
        return super().method()

    names = [__class__ for _ in ()]
    functions = [lambda: super() for _ in ()]


class Default[T = int, *Ts = tuple[T], **P = [lambda: T]]:
    x: T

    def method[U: T = x](self, a: U = 1, *, b: T = 2) -> U:
        return __class__

    type Alias[V = x] = V


def function[T: (int, str) = [x for x in int]](a: T): return T


def local(x):
    class Generic[T: [x for x in (1,)]]:
        y = x
        type Other[V: y] = dict[V, [y for _ in x]]
        type Deep = lambda: (y, x)
        type Plain = [(lambda: (x, y)) for _ in y]

        def method[U: [y for _ in (1,)]](self, a: [y for z in x]): return lambda: U
    return Generic


class Guarded:
    x: int
    if x:
        y: [x for _ in (1,)]

    def method(self): return __conditional_annotations__
