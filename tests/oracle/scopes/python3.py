"""Scopes of 3.x."""


def nonlocals(a, *, b=1, **c):
    count = 0

    def increment():
        nonlocal count, a
        count += 1

        class Inner:
            nonlocal a
            a = 2
            count = count

            def method(self):
                return a, count
        return Inner
    return increment


class Base:
    def method(self):
        super().method()
        return lambda: __class__

    def plain(self):
        return [super for x in self]

    class Inner:
        def method(self):
            return __class__

    async def coroutine(self):
        async with self as a, self as b:
            return [x async for x in a], [await y for y in b], {z: z async for z in a if await z}

    async def generator(self):
        async for x in self:
            yield x
        yield [y for y in x if y]
        yield (y async for y in x)
        yield (await y for y in x)


def annotated(a: int, *args: "text", b: Base = 1, **kwargs: (lambda: a)) -> Base:
    local: int = 1
    without: Base
    local.attribute: unseen = 2
    (parenthesised): [x for x in unseen] = 3

    def inner(c: local) -> without:
        seen: local
        other: [a for _ in args]
        return c
    return inner


module_level: int = 1
module_only: Base
module_level.attribute: Base = 2

if module_level:
    guarded: int


class Annotated:
    a: int
    b: "text" = 1
    c: lambda: a

    def method(self, x: a) -> b:
        return x

    class Inner:
        if a:
            d: int = 1
        else:
            e: [x for x in a]


class Conditional:
    for i in range(3):
        x: i
    while True:
        with i:
            def method(self, y: x): pass


def shadows(x):
    class Local:
        x = x
        y: x

        def method(self, z: x) -> y:
            return x
        listed = [x for _ in (x,)]
        shadowed = [x for x in x]
    return Local


def reused(items):
    [x for x in items]
    [x for _ in items]
    [[y for y in x] for x in [z for z in items]]
    return [lambda: x for x in items], [lambda: (y, items) for x in items for y in x], (x for x in items)


def outer_free(x):
    def inner(items):
        a = [x for x in items if [lambda: x]]
        b = [(x, lambda: x) for _ in items]
        c = {x: lambda: y for y in items}
        return a, b, c, lambda: items
    return inner


def only_in_comprehension(items):
    return [[lambda: (a, b) for b in a] for a in items if any(c for c in a)]


[module_level for module_level in ()]
[(lambda: inner, module_only) for inner in ()]
f"{module_level!r:{module_only}} {[x for x in ()]} {(lambda: 1)}"


def declares():
    global module_level, Global

    class Global:
        def method(self):
            def inner(): pass
            return inner
    [module_level for module_level in ()]
    for a, *b in module_level:
        del a
