"""The string, bytes and number literals of sources, as the interpreter that runs this reads them: Python 2.7, 3.8 and later.

    literals.py OUT FILE_OR_FOLDER...

For every source that compiles, OUT/<its path, slashes as %>.txt: its path, then a constant in each line as fold.py writes it, sorted.
"""

import ast
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fold import write  # noqa: E402

OLD = sys.version_info[0] == 2


def constants(node, found):
    if OLD and isinstance(node, ast.Str):
        found.append(write(node.s))
    elif OLD and isinstance(node, ast.Num):
        found.append(write(node.n))
    elif not OLD and isinstance(node, ast.Constant):
        if type(node.value) in (int, float, complex, str, bytes):
            found.append(write(node.value))
    elif isinstance(node, (getattr(ast, "JoinedStr", ()), getattr(ast, "TemplateStr", ()))):
        for value in node.values:
            if not isinstance(value, ast.Constant):
                constants(value, found)
    else:
        for child in ast.iter_child_nodes(node):
            constants(child, found)


def one(out, path):
    with open(path, "rb") as file:
        source = file.read()
    try:
        tree = compile(source, path, "exec", ast.PyCF_ONLY_AST, True)
    except (SyntaxError, ValueError, TypeError):
        return
    found = []
    constants(tree, found)
    with open(os.path.join(out, path.replace("/", "%") + ".txt"), "w") as file:
        file.write(path + "\n" + "".join(line + "\n" for line in sorted(found)))


def main():
    sys.setrecursionlimit(10000)
    out, paths = sys.argv[1], sys.argv[2:]
    if not os.path.isdir(out):
        os.makedirs(out)
    for path in paths:
        if not os.path.isdir(path):
            one(out, path)
            continue
        for folder, _, names in os.walk(path):
            for name in sorted(names):
                if name.endswith(".py") and len(folder) + len(name) < 200:
                    one(out, os.path.join(folder, name))


main()
