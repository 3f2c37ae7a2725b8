"""What every version since 3.12 compiles."""
type Pair[T] = tuple[T, T]


def generic[T: int, *Ts, **P](value: T, *rest: *Ts) -> Pair[T]:
    try:
        return value, [value + x for x in rest], f"{value=} {'nested' + f"{rest}"}"
    except* (ValueError, TypeError) as group:
        print(group.exceptions)
    except* OSError:
        pass
    return all(x for x in rest), any(x for x in rest), tuple(x for x in rest)


class Box[T]:
    item: T

    def __init__(self, item: T):
        super().__init__()
        self.item, self.other = item, -1
        if (item := self.other) is None:
            raise ValueError from None
        self.text = "%s and %r" % (item, item)
