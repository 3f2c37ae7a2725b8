from __future__ import print_function, unicode_literals


def star(a):
    from os import *
    return a, path


def executes(code):
    exec(code)
    return code, unknown


def executes_in(code, there):
    exec(code, there)
    return code, unknown


def nested(code):
    x = 1

    def inner():
        return x, [y for y in code if x]

    class Local:
        x = x

        def method(self):
            return x
    return inner, __debug__


def handled(a):
    try:
        return True
    except (ValueError, a), error:
        return lambda: a
    except KeyError, (number, [text]):
        return error, number, text


def siblings():
    x = y = 1

    def first():
        global x
        x = 1

    def second():
        return x

    class Third:
        global y
        y = 1

        def method(self):
            return y
    return lambda: (x, y)
