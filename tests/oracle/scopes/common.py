"""Scopes that every version has."""
from __future__ import absolute_import, division
import os.path
import os.path as path
from os import sep as separator, name

total = 0


def cells(a, b, *args, **kwargs):
    """A parameter that is a cell."""
    def inner(c=b):
        def innermost():
            return a, c, kwargs, total
        return innermost
    return inner, [x for x in args], {x: y for x, y in args}, {x for x in args}, (x for x in args)


def declared():
    global total, Declared
    total = 1
    hidden = 2

    class Declared(object):
        def method(self):
            return hidden

    def reads():
        return total, hidden, Declared
    return reads


def bound():
    x = 1

    def declares():
        global x
        x = 2

    def after():
        return x
    return declares, after


class Outer(object):
    """Names of a class are not seen by its functions."""
    name = name
    __private = 1

    def method(self, __argument, other=__private):
        name.__attribute
        self.__private = __argument
        __local = [__item for __item in __argument]

        def inner():
            return __local, __argument, self
        import __module
        return inner, __module

    class __Inner(object):
        __private = 2

        def method(self):
            return __private

        listed = [name for name in dir()]
        lambdas = [lambda: __name for __name in listed]

    @staticmethod
    @property
    def decorated(
        a, b=lambda: [i for i in (lambda: separator)()]
    ):
        yield a
        yield (lambda: (yield))


class _(object):
    def __method(self):
        return self.__attribute


def both(name):
    class Local(object):
        name = name

        def method(self):
            return name
        listed = [(name, other) for other in name]
        nested = (name for _ in (lambda: name)())
    try:
        pass
    except ValueError as error:
        del error
    with open(name) as (first, [second]):
        for first.third, second[name] in name:
            pass
    return Local


def generators(items):
    def deep():
        return ((a, b, items, lambda: (a, c)) for a in items for b in a if b for c in (d for d in b if a))
    return deep, list(
        i for i in items
    ), [
        (i, j)
        for i in items
        for j in (lambda: i)()
    ], {
        i:
        j for i, j in items
    }


def unused():
    def inner():
        a = b = 1
        a += b
        return inner
    return inner


apply = lambda *a, **k: lambda b=a: (a, b, k)
