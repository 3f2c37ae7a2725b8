"""Positional-only parameters and named expressions (3.8)."""


def positional(a, /, b, *c, d, **e):
    return lambda: (a, d)


def named(items):
    if (n := len(items)) > 1:
        pass
    found = [last := item for item in items]
    deep = [[inner := x for x in row] for row in items]
    generated = any((witness := x) for x in items)

    def reads():
        return last, witness
    return n, found, deep, generated, reads


def declared(items):
    global last

    def nested():
        nonlocal items
        return [items := x for x in (1,)], lambda: [own := y for y in items]
    return [last := x for x in items], nested


[at_module := x for x in ()]
print(at_module)
lambda: at_module


async def asynchronous(items):
    return [[x async for x in row] async for row in items], [y := await x for x in items]
