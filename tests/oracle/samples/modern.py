"""What every version since 3.6 compiles."""
from typing import Any

annotated: int = 3


def signature(one, two: "str" = "x", *rest, key, default=None, **named: Any) -> dict:
    count = 0

    def counter(step=1):
        nonlocal count
        count += step
        return f"{count!r:>{step}} of {one} {two!s}"

    first, *middle, last = rest
    merged = {**named, "key": key, **{"last": last}}
    return counter(*middle, **{"step": 2}), [*middle, first], {*rest, ...}, merged, one @ two


async def agenerator(source):
    async with source as opened, opened:
        async for item in opened:
            if item:
                yield await item
    values = [item async for item in source if await item]
    try:
        print(values, [x + y for x in values for y in values if x < y <= 9])
    finally:
        return


def delegate(source):
    result = yield from source
    return result


class Meta(type):
    def __prepare__(name, bases, **options):
        return super().__prepare__(name, bases)


class Made(metaclass=Meta):
    slots: "list" = [x for x in range(3)]
    __class__

    def cell(self):
        return __class__, lambda *, a=1: (yield a)
