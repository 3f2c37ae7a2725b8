"""Type parameters (3.12)."""


def function[T: int, *Ts, **P](a: T, b: Ts = 1, *, c: P = 2) -> lambda: T:
    def inner() -> T:
        return T, a
    return inner


def local(x):
    class Generic[T: x](x, metaclass=x):
        y = x
        z: T

        def method[U: (T, x)](self, a: U, b: T) -> y:
            return U, x, __class__

        def plain(self, a: y = T):
            return a

        type Alias = list[y]

        class Nested[W: y](y):
            v: W = y
    type Local[A] = tuple[A, x, Local]
    return Generic, Local


class __Private[__T](object):
    __x: __T

    def __method[__U: __T](self, a: __U, b: __x):
        return __T, __U, self.__y


class Plain:
    value = 1

    def one[T](a: value, b: T = value): return value

    type First = value
    listed = [value for value in (1,)]

    def two(a: [x for x in value]): pass


type Recursive = (Recursive, lambda: Recursive)
type Many[A, B: A, *C, **D] = tuple[A, B, *C, D, [E for E in A]]


@Plain
def decorated[T](
    a: T,
): pass


@Plain
@Plain.value
class Decorated[T]: pass
