"""match (3.10) and except* (3.11 has it in another file)."""


def matched(subject):
    match subject:
        case [first, *rest] | {"first": first, **rest}:
            return lambda: (first, rest)
        case str(name) as whole if whole:
            return [name for name in whole]
        case subject.Class(attribute=value, other=[_, *_]):
            return value
        case _:
            pass


class Private:
    match 1:
        case {"a": __a, **__rest}:
            x: int
        case [*__star]:
            pass

    def method(self):
        match self:
            case __captured:
                return lambda: __captured


def nested(items):
    return [[x for x in row if row] for row in items], (
        y for y in items
    )
