"""Changes that are made to a syntax tree: each is what an attacker would change in a source before compiling it.

A kind is a generator of places: pairs of a node, for its line, and a function that makes the change in the tree. Runs under
CPython 2.7 and 3.6 to 3.15, whose `ast` it changes; node types that a version lacks are simply never met.
"""

from __future__ import print_function

import ast
import sys

# What calls of 2.7 must have, and those of 3.15 must not.
STARS = {"starargs": None, "kwargs": None} if sys.version_info[0] == 2 else {}

KINDS = []
PY2 = sys.version_info[0] == 2
TEXT = type("")


class Nothing(object):
    """Stands for the node types of other versions."""


def node(*names):
    return tuple(getattr(ast, name, Nothing) for name in names)


FUNCTION = node("FunctionDef", "AsyncFunctionDef")
SCOPE = node("FunctionDef", "AsyncFunctionDef", "Lambda", "ClassDef", "ListComp", "SetComp", "DictComp", "GeneratorExp")
COMPREHENSION = node("ListComp", "SetComp", "DictComp", "GeneratorExp")
TRY = node("Try", "TryExcept", "TryFinally", "TryStar")
LOOP = node("For", "AsyncFor", "While")
WITH = node("With", "AsyncWith")


def kind(name):
    def register(function):
        KINDS.append((name, function))
        return function

    return register


class Source(object):
    """A parsed module, with what the changes need to know of it."""

    def __init__(self, text, name):
        self.tree = compile(text, name, "exec", ast.PyCF_ONLY_AST, True)
        self.parents = {}
        self.nodes = []
        waiting = [self.tree]
        while waiting:
            at = waiting.pop()
            self.nodes.append(at)
            children = list(ast.iter_child_nodes(at))
            for child in children:
                if isinstance(child, node("expr_context", "operator", "boolop", "unaryop", "cmpop")):
                    continue
                self.parents[child] = at
            waiting.extend(reversed([child for child in children if child in self.parents]))
        self.attributes = sorted({at.attr for at in self.nodes if isinstance(at, ast.Attribute)})
        self.names = sorted({at.id for at in self.nodes if isinstance(at, ast.Name) and at.id not in ("None", "True", "False")})
        self.texts = (
            sorted({at.s for at in self.nodes if isinstance(at, node("Str")) and isinstance(at.s, str)})
            if sys.version_info < (3, 8)
            else sorted({at.value for at in self.nodes if isinstance(at, ast.Constant) and isinstance(at.value, str)})
        )

    def of(self, *names):
        types = node(*names)
        return [at for at in self.nodes if isinstance(at, types)]

    def bodies(self):
        """Every list of statements, with the node that has it and its field."""
        for at in self.nodes:
            for field in ("body", "orelse", "finalbody"):
                body = getattr(at, field, None)
                if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                    yield at, field, body

    def replace(self, old, new):
        parent = self.parents[old]
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list):
                for place, item in enumerate(value):
                    if item is old:
                        value[place] = new
        ast.copy_location(new, old)
        ast.fix_missing_locations(new)

    def function_of(self, at):
        while at in self.parents:
            at = self.parents[at]
            if isinstance(at, SCOPE):
                return at
        return None

    def is_docstring(self, at):
        parent = self.parents.get(at)
        if not isinstance(parent, ast.Expr):
            return False
        block = self.parents[parent]
        return (
            getattr(block, "body", None)
            and block.body[0] is parent
            and isinstance(block, node("Module", "FunctionDef", "ClassDef", "AsyncFunctionDef"))
        )

    def in_format(self, at):
        while at in self.parents:
            at = self.parents[at]
            if isinstance(at, node("JoinedStr")):
                return True
            if isinstance(at, ast.stmt):
                return False
        return False

    def is_pattern(self, at):
        while at in self.parents:
            if isinstance(at, node("pattern")):
                return True
            at = self.parents[at]
        return False


def value_of(at):
    """The value of a literal, in a list, or nothing."""
    if sys.version_info >= (3, 8):
        return [at.value] if isinstance(at, ast.Constant) else []
    if isinstance(at, ast.Num):
        return [at.n]
    if isinstance(at, ast.Str):
        return [at.s]
    if isinstance(at, node("Bytes")):
        return [at.s]
    if isinstance(at, node("NameConstant")):
        return [at.value]
    return []


def literal(value):
    if sys.version_info >= (3, 8):
        return ast.Constant(value=value, kind=None)
    if value is None or value is True or value is False:
        return ast.NameConstant(value) if not PY2 else ast.Name(id=repr(value), ctx=ast.Load())
    if isinstance(value, (bytes, TEXT)):
        return ast.Str(value) if PY2 or isinstance(value, TEXT) else ast.Bytes(value)
    return ast.Num(value)


def literals(source):
    for at in source.nodes:
        for value in value_of(at):
            if (
                not source.is_docstring(at)
                and not isinstance(source.parents.get(at), node("JoinedStr"))
                and not source.in_format(at)
            ):
                yield at, value


def is_load(at):
    return not hasattr(at, "ctx") or isinstance(at.ctx, ast.Load)


def expression(at):
    return isinstance(at, ast.expr) and is_load(at)


def plain(text):
    return ast.Name(id=text, ctx=ast.Load())


# Constants


@kind("changed number")
def changed_number(source):
    for at, value in literals(source):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield at, lambda at=at, value=value: source.replace(at, literal(value + 1))


@kind("changed string of the same length")
def changed_text(source):
    for at, value in literals(source):
        if isinstance(value, (bytes, TEXT)) and value:

            def change(at=at, value=value):
                last = value[-1:]
                other = value[:-1] + (
                    last.swapcase() if last.swapcase() != last else ("~" if isinstance(value, TEXT) else b"~")
                )
                source.replace(at, literal(other))

            yield at, change


@kind("another string of the module")
def other_text(source):
    for at, value in literals(source):
        if isinstance(value, str) and len(source.texts) > 1 and value in source.texts:
            other = source.texts[(source.texts.index(value) + 1) % len(source.texts)]
            yield at, lambda at=at, other=other: source.replace(at, literal(other))


@kind("constant of another type but equal")
def equal_constant(source):
    for at, value in literals(source):
        if isinstance(value, bool):
            other = int(value)
        elif isinstance(value, int) and value in (0, 1):
            other = bool(value)
        elif isinstance(value, int) and -(2**53) < value < 2**53:
            other = float(value)
        elif isinstance(value, float) and value == 0:
            other = -value
        elif isinstance(value, float) and value == int(value if abs(value) < 1e15 else 0):
            other = int(value)
        elif isinstance(value, TEXT) and PY2 and all(ord(letter) < 128 for letter in value):
            other = value.encode("ascii")
        elif isinstance(value, bytes) and PY2 and all(ord(letter) < 128 for letter in value):
            other = value.decode("ascii")
        else:
            continue
        yield at, lambda at=at, other=other: source.replace(at, literal(other))


@kind("bytes in place of text")
def bytes_for_text(source):
    for at, value in literals(source):
        if not PY2 and isinstance(value, TEXT) and all(ord(letter) < 128 for letter in value):
            yield at, lambda at=at, value=value: source.replace(at, literal(value.encode("ascii")))


@kind("True, False, None exchanged")
def other_singleton(source):
    for at in source.nodes:
        if PY2 and isinstance(at, ast.Name) and is_load(at) and at.id in ("None", "True", "False"):
            value = {"None": False, "True": False, "False": True}[at.id]
        else:
            values = [value for value in value_of(at) if value is None or value is True or value is False]
            if not values:
                continue
            value = {None: False, True: False, False: True}[values[0]]
        yield at, lambda at=at, value=value: source.replace(at, literal(value))


def docstrings(source, types):
    for at in source.nodes:
        if isinstance(at, types) and at.body and isinstance(at.body[0], ast.Expr):
            for value in value_of(at.body[0].value):
                if isinstance(value, str):
                    yield at.body[0].value, value


@kind("docstring of a function changed")
def function_docstring(source):
    for at, value in docstrings(source, FUNCTION):
        yield at, lambda at=at, value=value: source.replace(at, literal(value + "!"))


@kind("docstring of a module or class changed")
def class_docstring(source):
    for at, value in docstrings(source, node("Module", "ClassDef")):
        yield at, lambda at=at, value=value: source.replace(at, literal(value + "!"))


@kind("docstring removed")
def no_docstring(source):
    for at, value in docstrings(source, FUNCTION + node("Module", "ClassDef")):
        yield at, lambda at=at: source.replace(at, literal(1))


# Operators


FLIPPED = {
    "Lt": "GtE",
    "LtE": "Gt",
    "Gt": "LtE",
    "GtE": "Lt",
    "Eq": "NotEq",
    "NotEq": "Eq",
    "Is": "IsNot",
    "IsNot": "Is",
    "In": "NotIn",
    "NotIn": "In",
}


@kind("flipped comparison")
def flipped(source):
    for at in source.of("Compare"):
        for place, operator in enumerate(at.ops):
            yield at, lambda at=at, place=place, operator=operator: at.ops.__setitem__(
                place, getattr(ast, FLIPPED[type(operator).__name__])()
            )


NEAR = {
    "Lt": "LtE",
    "LtE": "Lt",
    "Gt": "GtE",
    "GtE": "Gt",
    "Eq": "Is",
    "NotEq": "IsNot",
    "Is": "Eq",
    "IsNot": "NotEq",
    "In": "Eq",
    "NotIn": "NotEq",
}


@kind("comparison by one")
def near_comparison(source):
    for at in source.of("Compare"):
        for place, operator in enumerate(at.ops):
            yield at, lambda at=at, place=place, operator=operator: at.ops.__setitem__(
                place, getattr(ast, NEAR[type(operator).__name__])()
            )


@kind("operands of a comparison swapped")
def swapped_comparison(source):
    for at in source.of("Compare"):
        if ast.dump(at.left) != ast.dump(at.comparators[0]):

            def change(at=at):
                at.left, at.comparators[0] = at.comparators[0], at.left

            yield at, change


@kind("chained comparison cut")
def cut_chain(source):
    for at in source.of("Compare"):
        if len(at.ops) > 1:

            def change(at=at):
                at.ops.pop()
                at.comparators.pop()

            yield at, change


@kind("and, or exchanged")
def other_boolean(source):
    for at in source.of("BoolOp"):
        yield at, lambda at=at: setattr(at, "op", ast.Or() if isinstance(at.op, ast.And) else ast.And())


@kind("operands of and, or swapped")
def swapped_boolean(source):
    for at in source.of("BoolOp"):
        yield at, lambda at=at: at.values.reverse()


@kind("operand of and, or removed")
def shorter_boolean(source):
    for at in source.of("BoolOp"):
        yield at, lambda at=at: source.replace(at, at.values[0])


@kind("not removed")
def no_not(source):
    for at in source.of("UnaryOp"):
        if isinstance(at.op, ast.Not):
            yield at, lambda at=at: source.replace(at, at.operand)


@kind("not added")
def added_not(source):
    for at in source.of("If", "While", "IfExp", "Assert"):
        yield at.test, lambda at=at: setattr(at, "test", ast.copy_location(ast.UnaryOp(op=ast.Not(), operand=at.test), at.test))


@kind("sign changed")
def other_sign(source):
    other = {"USub": "UAdd", "UAdd": "USub", "Invert": "USub"}
    for at in source.of("UnaryOp"):
        if type(at.op).__name__ in other:
            yield at, lambda at=at: setattr(at, "op", getattr(ast, other[type(at.op).__name__])())


OTHER = {
    "Add": "Sub",
    "Sub": "Add",
    "Mult": "Add",
    "Div": "FloorDiv",
    "FloorDiv": "Div",
    "Mod": "Mult",
    "Pow": "Mult",
    "LShift": "RShift",
    "RShift": "LShift",
    "BitOr": "BitAnd",
    "BitAnd": "BitOr",
    "BitXor": "BitOr",
    "MatMult": "Mult",
}


@kind("another operator")
def other_operator(source):
    for at in source.of("BinOp", "AugAssign"):
        yield at, lambda at=at: setattr(at, "op", getattr(ast, OTHER[type(at.op).__name__])())


@kind("operands swapped")
def swapped_operands(source):
    for at in source.of("BinOp"):
        if ast.dump(at.left) != ast.dump(at.right):

            def change(at=at):
                at.left, at.right = at.right, at.left

            yield at, change


@kind("augmented assignment made plain")
def plain_assignment(source):
    for at in source.of("AugAssign"):
        yield at, lambda at=at: source.replace(at, statement(ast.Assign, targets=[at.target], value=at.value))


@kind("augmented assignment made an operation")
def operation_assignment(source):
    for at in source.of("AugAssign"):
        if isinstance(at.target, ast.Name):
            value = ast.BinOp(left=plain(at.target.id), op=at.op, right=at.value)
            yield at, lambda at=at, value=value: source.replace(at, statement(ast.Assign, targets=[at.target], value=value))


def statement(make, **fields):
    made = make(**fields)
    if "type_comment" in getattr(made, "_fields", ()):
        made.type_comment = None
    return made


# Branches and loops


@kind("inverted branch")
def inverted(source):
    for at in source.of("If"):
        if at.orelse:

            def change(at=at):
                at.body, at.orelse = at.orelse, at.body

            yield at, change


@kind("branches of a conditional swapped")
def swapped_conditional(source):
    for at in source.of("IfExp"):

        def change(at=at):
            at.body, at.orelse = at.orelse, at.body

        yield at, change


@kind("else of a branch removed")
def no_else(source):
    for at in source.of("If"):
        if at.orelse:
            yield at.orelse[0], lambda at=at: setattr(at, "orelse", [])


@kind("branch always taken")
def always(source):
    for at in source.of("If", "While"):
        yield at, lambda at=at: setattr(at, "test", ast.copy_location(literal(1), at.test))


@kind("else of a loop removed")
def no_loop_else(source):
    for at in source.of("For", "While", "AsyncFor"):
        if at.orelse:
            yield at.orelse[0], lambda at=at: setattr(at, "orelse", [])


@kind("else of a loop put behind it")
def loop_else_behind(source):
    for at, field, body in list(source.bodies()):
        for place, item in enumerate(body):
            if isinstance(item, LOOP) and item.orelse:

                def change(body=body, place=place, item=item):
                    body[place + 1 : place + 1] = item.orelse
                    item.orelse = []

                yield item, change


@kind("break and continue exchanged")
def other_jump(source):
    for at in source.of("Break", "Continue"):
        yield at, lambda at=at: source.replace(at, ast.Continue() if isinstance(at, ast.Break) else ast.Break())


@kind("break, continue removed")
def no_jump(source):
    for at in source.of("Break", "Continue"):
        yield at, lambda at=at: source.replace(at, ast.Pass())


@kind("loop made a branch")
def loop_once(source):
    for at in source.of("While"):
        if not any(isinstance(inner, node("Break", "Continue")) for inner in ast.walk(at)):
            yield at, lambda at=at: source.replace(at, ast.If(test=at.test, body=at.body, orelse=at.orelse))


# Statements


@kind("statement removed")
def removed(source):
    for at in source.nodes:
        if (
            isinstance(at, ast.stmt)
            and not isinstance(at, node("Pass", "Global", "Nonlocal"))
            and not from_future(at)
            and at in source.parents
        ):
            if isinstance(at, ast.Expr) and value_of(at.value):
                continue
            yield at, lambda at=at: source.replace(at, ast.Pass())


def from_future(at):
    return isinstance(at, ast.ImportFrom) and at.module == "__future__"


@kind("statement repeated")
def repeated(source):
    for at, field, body in list(source.bodies()):
        for place, item in enumerate(body):
            if (
                isinstance(item, node("Assign", "AugAssign", "Delete", "Raise"))
                or isinstance(item, ast.Expr)
                and not value_of(item.value)
            ):
                yield item, lambda body=body, place=place, item=item: body.insert(place, item)


@kind("statements swapped")
def swapped_statements(source):
    for at, field, body in list(source.bodies()):
        for place in range(len(body) - 1):
            first, second = body[place], body[place + 1]
            is_text = any(isinstance(item, ast.Expr) and value_of(item.value) for item in (first, second))
            if (
                is_text
                or from_future(first)
                or from_future(second)
                or isinstance(first, node("Global", "Nonlocal", "Pass"))
                or isinstance(second, node("Global", "Nonlocal", "Pass"))
            ):
                continue

            def change(body=body, place=place):
                body[place], body[place + 1] = body[place + 1], body[place]

            yield first, change


@kind("call inserted")
def inserted_call(source):
    for at, field, body in list(source.bodies()):
        for place, item in enumerate(body):
            if isinstance(item, ast.Expr) and value_of(item.value) or from_future(item):
                continue
            names = [inner.id for inner in ast.walk(item) if isinstance(inner, ast.Name)]
            if names:
                call = ast.Call(func=plain(names[0]), args=[], keywords=[], **STARS)
                added = ast.copy_location(ast.Expr(value=call), item)

                def change(body=body, place=place, added=added):
                    body.insert(place, ast.fix_missing_locations(added))

                yield item, change


@kind("removed call")
def removed_call(source):
    for at in source.of("Call"):
        if not isinstance(source.parents[at], node("Expr", "Await")):
            yield at, lambda at=at: source.replace(at, at.func)


@kind("call replaced by its argument")
def argument_for_call(source):
    for at in source.of("Call"):
        if at.args and not isinstance(at.args[0], node("Starred")):
            yield at, lambda at=at: source.replace(at, at.args[0])


@kind("moved out of a block")
def moved_out(source):
    for at, field, body in list(source.bodies()):
        for place, item in enumerate(body):
            inner = getattr(item, "body", None)
            if isinstance(item, node("If", "For", "While") + TRY + WITH) and isinstance(inner, list) and len(inner) > 1:
                last = inner[-1]
                if isinstance(last, node("Break", "Continue")):
                    continue

                def change(body=body, place=place, inner=inner, last=last):
                    inner.pop()
                    body.insert(place + 1, last)

                yield last, change


@kind("moved into a block")
def moved_in(source):
    for at, field, body in list(source.bodies()):
        for place in range(len(body) - 1):
            item, following = body[place], body[place + 1]
            inner = getattr(item, "body", None)
            if (
                isinstance(item, node("If", "For", "While") + TRY + WITH)
                and isinstance(inner, list)
                and not isinstance(following, node("Global", "Nonlocal"))
            ):

                def change(body=body, place=place, inner=inner, following=following):
                    del body[place + 1]
                    inner.append(following)

                yield following, change


@kind("del removed")
def no_del(source):
    for at in source.of("Delete"):
        yield at, lambda at=at: source.replace(at, ast.Pass())


@kind("assert removed")
def no_assert(source):
    for at in source.of("Assert"):
        yield at, lambda at=at: source.replace(at, ast.Pass())


@kind("message of an assert changed")
def assert_message(source):
    for at in source.of("Assert"):
        if at.msg is not None:
            yield at, lambda at=at: setattr(at, "msg", None)


@kind("raise removed")
def no_raise(source):
    for at in source.of("Raise"):
        yield at, lambda at=at: source.replace(at, ast.Pass())


@kind("raise without its cause")
def no_cause(source):
    for at in source.of("Raise"):
        if getattr(at, "cause", None) is not None:
            yield at, lambda at=at: setattr(at, "cause", None)


@kind("return of something else")
def other_return(source):
    for at in source.of("Return"):
        if (
            at.value is not None
            and not (isinstance(at.value, ast.Name) and at.value.id == "None")
            and value_of(at.value) != [None]
        ):
            yield at, lambda at=at: setattr(at, "value", None)


@kind("return removed")
def no_return(source):
    for at in source.of("Return"):
        new = ast.Expr(value=at.value) if at.value is not None else ast.Pass()
        yield at, lambda at=at, new=new: source.replace(at, new)


@kind("targets of an assignment swapped")
def swapped_targets(source):
    for at in source.of("Tuple", "List"):
        if isinstance(at.ctx, ast.Store) and len(at.elts) > 1:
            yield at, lambda at=at: at.elts.reverse()


@kind("one target fewer")
def fewer_targets(source):
    for at in source.of("Assign"):
        if len(at.targets) > 1:
            yield at, lambda at=at: at.targets.pop()


@kind("star of a target moved")
def moved_star(source):
    for at in source.of("Tuple", "List"):
        if isinstance(at.ctx, ast.Store) and len(at.elts) > 1:
            starred = [place for place, item in enumerate(at.elts) if isinstance(item, node("Starred"))]
            if starred:

                def change(at=at, place=starred[0]):
                    other = (place + 1) % len(at.elts)
                    star, plain = at.elts[place], at.elts[other]
                    star.value, at.elts[other], at.elts[place] = plain, star, star.value

                yield at, change


# Exceptions and contexts


@kind("class of a handler changed")
def other_class(source):
    for at in source.of("ExceptHandler"):
        if at.type is not None:
            yield at, lambda at=at: setattr(at, "type", ast.copy_location(plain("BaseException"), at.type))


@kind("handler removed")
def no_handler(source):
    for at in source.of("Try", "TryExcept", "TryStar"):
        if len(at.handlers) > 1:
            for place, handler in enumerate(at.handlers):
                yield handler, lambda at=at, place=place: at.handlers.pop(place)


@kind("handlers swapped")
def swapped_handlers(source):
    for at in source.of("Try", "TryExcept", "TryStar"):
        if len(at.handlers) > 1 and at.handlers[-1].type is not None:
            yield at, lambda at=at: at.handlers.reverse()


@kind("bodies of handlers swapped")
def swapped_handler_bodies(source):
    for at in source.of("Try", "TryExcept", "TryStar"):
        if len(at.handlers) > 1 and [ast.dump(item) for item in at.handlers[0].body] != [
            ast.dump(item) for item in at.handlers[1].body
        ]:

            def change(at=at):
                first, second = at.handlers[0], at.handlers[1]
                first.body, second.body = second.body, first.body

            yield at, change


@kind("try removed")
def no_try(source):
    for at, field, body in list(source.bodies()):
        for place, item in enumerate(body):
            if isinstance(item, TRY):
                yield item, lambda body=body, place=place, item=item: body.__setitem__(slice(place, place + 1), item.body)


@kind("else of a try put into it")
def else_into_try(source):
    for at in source.of("Try", "TryExcept", "TryStar"):
        if at.orelse:

            def change(at=at):
                at.body, at.orelse = at.body + at.orelse, []

            yield at, change


@kind("finally put behind the try")
def finally_behind(source):
    for at, field, body in list(source.bodies()):
        for place, item in enumerate(body):
            if isinstance(item, TRY) and getattr(item, "finalbody", None):

                def change(body=body, place=place, item=item):
                    last = item.finalbody
                    if getattr(item, "handlers", None):
                        item.finalbody = []
                        body[place + 1 : place + 1] = last
                    else:
                        body[place : place + 1] = item.body + last

                yield item.finalbody[0], change


@kind("with removed")
def no_with(source):
    for at, field, body in list(source.bodies()):
        for place, item in enumerate(body):
            if isinstance(item, WITH):
                yield item, lambda body=body, place=place, item=item: body.__setitem__(slice(place, place + 1), item.body)


@kind("one context fewer")
def fewer_contexts(source):
    for at in source.of("With", "AsyncWith"):
        if len(getattr(at, "items", ())) > 1:
            yield at, lambda at=at: at.items.pop()


@kind("contexts swapped")
def swapped_contexts(source):
    for at in source.of("With", "AsyncWith"):
        if len(getattr(at, "items", ())) > 1:
            yield at, lambda at=at: at.items.reverse()


@kind("name of a context removed")
def unnamed_context(source):
    for at in source.of("withitem", "With" if PY2 else "withitem"):
        if at.optional_vars is not None:
            yield at.context_expr, lambda at=at: setattr(at, "optional_vars", None)


# Functions and classes


@kind("removed decorator")
def no_decorator(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef", "ClassDef"):
        for place in range(len(at.decorator_list)):

            def change(at=at, place=place):
                # The first line of the function stays what it was.
                line = min([at.lineno] + [item.lineno for item in at.decorator_list])
                at.decorator_list.pop(place)
                if not at.decorator_list:
                    at.lineno = line

            yield at, change


@kind("decorators swapped")
def swapped_decorators(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef", "ClassDef"):
        if len(at.decorator_list) > 1:

            def change(at=at):
                at.decorator_list.reverse()
                for item, line in zip(at.decorator_list, sorted(item.lineno for item in at.decorator_list)):
                    item.lineno = item.end_lineno = line

            yield at, change


@kind("decorator added")
def added_decorator(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef", "ClassDef"):
        if not at.decorator_list:

            def change(at=at):
                at.decorator_list.append(ast.copy_location(plain("staticmethod"), at))

            yield at, change


def defaults_of(at):
    if isinstance(at, FUNCTION + (ast.Lambda,)):
        for values in (at.args.defaults, getattr(at.args, "kw_defaults", [])):
            for place, value in enumerate(values):
                if value is not None:
                    yield values, place, value


@kind("changed default")
def changed_default(source):
    for at in source.nodes:
        for values, place, value in defaults_of(at):
            yield value, lambda values=values, place=place, value=value: values.__setitem__(
                place, ast.copy_location(literal(4711), value)
            )


@kind("defaults swapped")
def swapped_defaults(source):
    for at in source.nodes:
        if (
            isinstance(at, FUNCTION + (ast.Lambda,))
            and len(at.args.defaults) > 1
            and ast.dump(at.args.defaults[0]) != ast.dump(at.args.defaults[-1])
        ):
            yield at, lambda at=at: at.args.defaults.reverse()


@kind("default removed")
def no_default(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef", "Lambda"):
        if at.args.defaults:
            yield at, lambda at=at: at.args.defaults.pop(0)


@kind("keyword default removed")
def no_keyword_default(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef", "Lambda"):
        for place, value in enumerate(getattr(at.args, "kw_defaults", [])):
            if value is not None:
                yield value, lambda at=at, place=place: at.args.kw_defaults.__setitem__(place, None)


@kind("parameters swapped")
def swapped_parameters(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef", "Lambda"):
        if len(at.args.args) > 1:

            def change(at=at):
                at.args.args[-1], at.args.args[-2] = at.args.args[-2], at.args.args[-1]

            yield at, change


@kind("keyword-only parameter made plain")
def plain_parameter(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef", "Lambda"):
        if (
            getattr(at.args, "kwonlyargs", None)
            and at.args.vararg is None
            and not at.args.defaults
            and None in at.args.kw_defaults[:1]
        ):

            def change(at=at):
                at.args.args.append(at.args.kwonlyargs.pop(0))
                at.args.kw_defaults.pop(0)

            yield at, change


@kind("variadic parameter removed")
def no_variadic(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef", "Lambda"):
        for field in ("vararg", "kwarg"):
            if getattr(at.args, field) is not None:
                yield at, lambda at=at, field=field: setattr(at.args, field, None)


@kind("added function")
def added_function(source):
    for at, field, body in list(source.bodies()):
        for place, item in enumerate(body):
            if isinstance(item, ast.FunctionDef):

                def change(body=body, place=place, item=item):
                    other = ast.parse("def %s_(): pass" % item.name).body[0]
                    body.insert(place, ast.fix_missing_locations(ast.copy_location(other, item)))

                yield item, change


@kind("removed function")
def removed_function(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef", "ClassDef"):
        yield at, lambda at=at: source.replace(at, ast.Pass())


@kind("bodies of functions swapped")
def swapped_functions(source):
    for at, field, body in list(source.bodies()):
        functions = [item for item in body if isinstance(item, ast.FunctionDef)]
        for first, second in zip(functions, functions[1:]):

            def change(first=first, second=second):
                first.body, second.body = second.body, first.body

            yield first, change


@kind("function renamed")
def renamed_function(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef", "ClassDef"):
        yield at, lambda at=at: setattr(at, "name", at.name + "_")


@kind("function made another kind")
def other_function(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef"):
        if isinstance(at, ast.FunctionDef) and hasattr(ast, "AsyncFunctionDef"):
            if any(isinstance(inner, node("YieldFrom") + COMPREHENSION) for inner in ast.walk(at)):
                continue
            new = ast.AsyncFunctionDef
        elif any(isinstance(inner, node("Await", "AsyncFor", "AsyncWith", "comprehension")) for inner in ast.walk(at)):
            continue
        else:
            new = ast.FunctionDef
        yield at, lambda at=at, new=new: source.replace(at, new(**dict(ast.iter_fields(at))))


@kind("body of a lambda changed")
def other_lambda(source):
    for at in source.of("Lambda"):
        yield at, lambda at=at: setattr(at, "body", ast.copy_location(literal(None), at.body))


@kind("base class removed")
def no_base(source):
    for at in source.of("ClassDef"):
        if at.bases and not PY2 or len(at.bases) > 1:
            yield at, lambda at=at: at.bases.pop()


@kind("keyword of a class changed")
def other_class_keyword(source):
    for at in source.of("ClassDef"):
        for keyword in getattr(at, "keywords", ()):
            yield at, lambda keyword=keyword: setattr(keyword, "value", ast.copy_location(plain("type"), keyword.value))


@kind("global, nonlocal removed")
def no_global(source):
    for at in source.of("Global", "Nonlocal"):
        yield at, lambda at=at: source.replace(at, ast.Pass())


@kind("global added")
def added_global(source):
    for at in source.of("FunctionDef", "AsyncFunctionDef"):
        parameters = {getattr(item, "arg", getattr(item, "id", None)) for item in ast.walk(at.args)}
        stored = [
            inner.id
            for inner in ast.walk(at)
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store) and source.function_of(inner) is at
        ]
        stored = [name for name in stored if name not in parameters]
        if stored:
            yield at, lambda at=at, name=stored[0]: at.body.insert(0, ast.copy_location(ast.Global(names=[name]), at.body[0]))


# Annotations


@kind("annotation removed")
def no_annotation(source):
    for at in source.of("arg"):
        if at.annotation is not None:
            yield at, lambda at=at: setattr(at, "annotation", None)
    for at in source.of("FunctionDef", "AsyncFunctionDef"):
        if getattr(at, "returns", None) is not None:
            yield at, lambda at=at: setattr(at, "returns", None)


@kind("annotation changed")
def other_annotation(source):
    for at in source.of("arg", "AnnAssign"):
        if at.annotation is not None:
            yield at, lambda at=at: setattr(at, "annotation", ast.copy_location(plain("object"), at.annotation))


@kind("annotation of a variable removed")
def unannotated(source):
    for at in source.of("AnnAssign"):
        new = ast.Pass() if at.value is None else statement(ast.Assign, targets=[at.target], value=at.value)
        yield at, lambda at=at, new=new: source.replace(at, new)


@kind("bound of a type parameter changed")
def other_bound(source):
    for at in source.of("TypeVar"):
        yield at, lambda at=at: setattr(at, "bound", ast.copy_location(plain("object"), at) if at.bound is None else None)


@kind("value of a type alias changed")
def other_alias(source):
    for at in source.of("TypeAlias"):
        yield at, lambda at=at: setattr(at, "value", ast.copy_location(plain("object"), at.value))


# Names, attributes, items


@kind("renamed attribute")
def other_attribute(source):
    for at in source.of("Attribute"):
        if len(source.attributes) > 1:
            other = source.attributes[(source.attributes.index(at.attr) + 1) % len(source.attributes)]
            yield at, lambda at=at, other=other: setattr(at, "attr", other)


@kind("another name")
def other_name(source):
    for at in source.of("Name"):
        if is_load(at) and at.id in source.names and len(source.names) > 1:
            other = source.names[(source.names.index(at.id) + 1) % len(source.names)]
            yield at, lambda at=at, other=other: setattr(at, "id", other)


@kind("another name bound")
def other_target(source):
    for at in source.of("Name"):
        if isinstance(at.ctx, ast.Store) and at.id in source.names and len(source.names) > 1:
            other = source.names[(source.names.index(at.id) + 1) % len(source.names)]
            yield at, lambda at=at, other=other: setattr(at, "id", other)


@kind("attribute made its object")
def no_attribute(source):
    for at in source.of("Attribute"):
        if is_load(at):
            yield at, lambda at=at: source.replace(at, at.value)


@kind("argument removed")
def no_argument(source):
    for at in source.of("Call"):
        if at.args:
            yield at, lambda at=at: at.args.pop()


@kind("arguments swapped")
def swapped_arguments(source):
    for at in source.of("Call"):
        if len(at.args) > 1 and ast.dump(at.args[0]) != ast.dump(at.args[1]):

            def change(at=at):
                at.args[0], at.args[1] = at.args[1], at.args[0]

            yield at, change


@kind("keyword argument removed")
def no_keyword(source):
    for at in source.of("Call"):
        if at.keywords:
            yield at, lambda at=at: at.keywords.pop()


@kind("keyword argument renamed")
def other_keyword(source):
    for at in source.of("Call"):
        for keyword in at.keywords:
            if keyword.arg:
                yield at, lambda keyword=keyword: setattr(keyword, "arg", keyword.arg + "_")


@kind("keyword arguments swapped")
def swapped_keywords(source):
    for at in source.of("Call"):
        if len(at.keywords) > 1:
            yield at, lambda at=at: at.keywords.reverse()


@kind("star argument made plain")
def no_star(source):
    for at in source.of("Call"):
        for place, item in enumerate(at.args):
            if isinstance(item, node("Starred")):
                yield at, lambda at=at, place=place, item=item: at.args.__setitem__(place, item.value)
        if getattr(at, "starargs", None) is not None:
            yield at, lambda at=at: setattr(at, "starargs", None)


@kind("index changed")
def other_index(source):
    for at in source.of("Subscript"):
        if is_load(at):
            new = literal(-1)
            new = ast.Index(value=new) if sys.version_info < (3, 9) else new
            yield at, lambda at=at, new=new: setattr(at, "slice", ast.fix_missing_locations(ast.copy_location(new, at)))


@kind("bound of a slice changed")
def other_slice(source):
    for at in source.of("Subscript"):
        if isinstance(at.slice, ast.Slice):
            for field in ("lower", "upper", "step"):
                old = getattr(at.slice, field)
                new = None if old is not None else ast.copy_location(literal(2), at)
                yield at, lambda at=at, field=field, new=new: setattr(at.slice, field, new)


@kind("items of a display swapped")
def swapped_items(source):
    for at in source.of("List", "Tuple", "Set"):
        if is_load(at) and len(at.elts) > 1 and ast.dump(at.elts[0]) != ast.dump(at.elts[1]):

            def change(at=at):
                at.elts[0], at.elts[1] = at.elts[1], at.elts[0]

            yield at, change


@kind("item of a display removed")
def no_item(source):
    for at in source.of("List", "Tuple", "Set"):
        if is_load(at) and at.elts and not isinstance(at, node("Set")):
            yield at, lambda at=at: at.elts.pop()


@kind("list and tuple exchanged")
def other_display(source):
    for at in source.of("List", "Tuple"):
        if is_load(at):
            new = ast.Tuple if isinstance(at, ast.List) else ast.List
            yield at, lambda at=at, new=new: source.replace(at, new(elts=at.elts, ctx=ast.Load()))


@kind("item of a dict removed")
def no_dict_item(source):
    for at in source.of("Dict"):
        if at.keys:

            def change(at=at):
                at.keys.pop()
                at.values.pop()

            yield at, change


@kind("items of a dict swapped")
def swapped_dict_items(source):
    for at in source.of("Dict"):
        if len(at.keys) > 1:

            def change(at=at):
                at.keys.reverse()
                at.values.reverse()

            yield at, change


@kind("values of a dict swapped")
def swapped_dict_values(source):
    for at in source.of("Dict"):
        if len(at.values) > 1 and ast.dump(at.values[0]) != ast.dump(at.values[-1]):
            yield at, lambda at=at: at.values.reverse()


# Comprehensions, generators, coroutines


@kind("condition of a comprehension removed")
def no_condition(source):
    for at in source.of("comprehension"):
        if at.ifs:
            yield at.target, lambda at=at: at.ifs.pop()


@kind("another comprehension")
def other_comprehension(source):
    for at in source.of("ListComp", "SetComp", "GeneratorExp"):
        new = ast.GeneratorExp if isinstance(at, ast.ListComp) else ast.ListComp
        yield at, lambda at=at, new=new: source.replace(at, new(elt=at.elt, generators=at.generators))


@kind("element of a comprehension changed")
def other_element(source):
    for at in source.of("ListComp", "SetComp", "GeneratorExp"):
        yield at, lambda at=at: setattr(at, "elt", ast.copy_location(literal(1), at.elt))


@kind("key and value of a comprehension swapped")
def swapped_pair(source):
    for at in source.of("DictComp"):

        def change(at=at):
            at.key, at.value = at.value, at.key

        yield at, change


@kind("loops of a comprehension swapped")
def swapped_loops(source):
    for at in source.of("ListComp", "SetComp", "DictComp", "GeneratorExp"):
        if len(at.generators) > 1:
            yield at, lambda at=at: at.generators.reverse()


@kind("walrus removed")
def no_walrus(source):
    for at in source.of("NamedExpr"):
        yield at, lambda at=at: source.replace(at, at.value)


@kind("yield of nothing")
def empty_yield(source):
    for at in source.of("Yield"):
        if at.value is not None:
            yield at, lambda at=at: setattr(at, "value", None)


@kind("yield from made yield")
def plain_yield(source):
    for at in source.of("YieldFrom"):
        yield at, lambda at=at: source.replace(at, ast.Yield(value=at.value))


@kind("await removed")
def no_await(source):
    for at in source.of("Await"):
        yield at, lambda at=at: source.replace(at, at.value)


@kind("async for, async with made plain")
def no_async(source):
    for at in source.of("AsyncFor", "AsyncWith"):
        new = ast.For if isinstance(at, ast.AsyncFor) else ast.With
        yield at, lambda at=at, new=new: source.replace(at, new(**dict(ast.iter_fields(at))))


# Imports


@kind("import level changed")
def other_level(source):
    for at in source.of("ImportFrom"):
        if not from_future(at) and at.module:
            yield at, lambda at=at: setattr(at, "level", (at.level or 0) + 1)


@kind("imported name changed")
def other_import(source):
    for at in source.of("ImportFrom"):
        if not from_future(at):
            for alias in at.names:
                if alias.name != "*":

                    def change(alias=alias):
                        alias.asname, alias.name = alias.asname or alias.name, alias.name + "_"

                    yield at, change


@kind("imported module changed")
def other_module(source):
    for at in source.of("Import", "ImportFrom"):
        if isinstance(at, ast.Import):
            for alias in at.names:

                def change(alias=alias):
                    alias.asname, alias.name = alias.asname or alias.name.partition(".")[0], "_" + alias.name

                yield at, change
        elif at.module and not from_future(at):
            yield at, lambda at=at: setattr(at, "module", "_" + at.module)


@kind("import as its first part")
def other_binding(source):
    for at in source.of("Import"):
        for alias in at.names:
            if "." in alias.name:
                yield at, lambda alias=alias: setattr(
                    alias, "asname", alias.name.partition(".")[0] if alias.asname is None else None
                )


@kind("names of an import swapped")
def swapped_imports(source):
    for at in source.of("ImportFrom"):
        if len(at.names) > 1 and not from_future(at):
            yield at, lambda at=at: at.names.reverse()


@kind("import added")
def added_import(source):
    for at, field, body in list(source.bodies()):
        for place, item in enumerate(body):
            if isinstance(item, node("Import", "ImportFrom")) and not from_future(item):
                new = ast.copy_location(ast.Import(names=[ast.alias(name="this", asname=None)]), item)
                yield item, lambda body=body, place=place, new=new: body.insert(place, ast.fix_missing_locations(new))


@kind("future import added")
def added_future(source):
    place = 1 if list(docstrings(source, node("Module"))) else 0
    feature = "unicode_literals" if PY2 else "annotations" if sys.version_info >= (3, 7) else "generator_stop"
    have = [alias.name for at in source.nodes if from_future(at) for alias in at.names]
    if source.tree.body and feature not in have:
        at = source.tree.body[min(place, len(source.tree.body) - 1)]
        new = ast.ImportFrom(module="__future__", names=[ast.alias(name=feature, asname=None)], level=0)
        new = ast.fix_missing_locations(ast.copy_location(new, at))
        yield at, lambda: source.tree.body.insert(place, new)


# Formatted text, patterns, and what only 2.x has


@kind("conversion of a formatted value changed")
def other_conversion(source):
    for at in source.of("FormattedValue"):
        yield at, lambda at=at: setattr(at, "conversion", 114 if at.conversion == -1 else -1)


@kind("format of a value changed")
def other_format(source):
    for at in source.of("FormattedValue"):
        if at.format_spec is None:
            spec = ast.JoinedStr(values=[literal(">1")])
            yield at, lambda at=at, spec=spec: setattr(
                at, "format_spec", ast.fix_missing_locations(ast.copy_location(spec, at))
            )
        else:
            yield at, lambda at=at: setattr(at, "format_spec", None)


@kind("part of formatted text changed")
def other_part(source):
    for at in source.of("JoinedStr"):
        for place, item in enumerate(at.values):
            for value in value_of(item):
                if value:
                    new = literal(value[:-1] + "~")
                    yield at, lambda at=at, place=place, item=item, new=new: at.values.__setitem__(
                        place, ast.copy_location(new, item)
                    )


@kind("cases swapped")
def swapped_cases(source):
    for at in source.of("Match"):
        if len(at.cases) > 2:

            def change(at=at):
                at.cases[0], at.cases[1] = at.cases[1], at.cases[0]

            yield at, change


@kind("guard removed")
def no_guard(source):
    for at in source.of("match_case"):
        if at.guard is not None:
            yield at.guard, lambda at=at: setattr(at, "guard", None)


@kind("pattern changed")
def other_pattern(source):
    for at in source.of("MatchValue"):
        yield at, lambda at=at: setattr(at, "value", ast.copy_location(literal(4711), at.value))
    for at in source.of("MatchSequence"):
        if len(at.patterns) > 1:
            yield at, lambda at=at: at.patterns.reverse()
    for at in source.of("MatchClass"):
        if at.kwd_attrs:
            yield at, lambda at=at: at.kwd_attrs.__setitem__(0, at.kwd_attrs[0] + "_")
        if at.patterns:
            yield at, lambda at=at: at.patterns.pop()
    for at in source.of("MatchMapping"):
        if at.keys:
            yield at, lambda at=at: at.keys.__setitem__(0, ast.copy_location(literal("~"), at.keys[0]))
    for at in source.of("MatchSingleton"):
        yield at, lambda at=at: setattr(at, "value", False if at.value is None else None)
    for at in source.of("MatchOr"):
        yield at, lambda at=at: at.patterns.reverse()
    for at in source.of("MatchStar"):
        yield at, lambda at=at: setattr(at, "name", None if at.name else "rest")
    for at in source.of("MatchAs"):
        if at.pattern is not None:
            yield at, lambda at=at: source.replace(at, at.pattern)


@kind("print, exec, backquotes changed")
def other_python2(source):
    for at in source.of("Print"):
        yield at, lambda at=at: setattr(at, "nl", not at.nl)
        if at.dest is not None:
            yield at, lambda at=at: setattr(at, "dest", None)
        if at.values:
            yield at, lambda at=at: at.values.pop()
    for at in source.of("Exec"):
        yield at, lambda at=at: setattr(at, "globals", None if at.globals is not None else plain("globals"))
    for at in source.of("Repr"):
        yield at, lambda at=at: source.replace(at, at.value)
