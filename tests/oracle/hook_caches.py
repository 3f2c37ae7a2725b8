"""Writes the caches that the import hooks of jaxtyping, beartype and typeguard would: of modules of a library, as the hook compiles them.

`python hook_caches.py HOOK SOURCES OUT [COUNT]`, under an interpreter that has the hook: copies COUNT modules to OUT and puts
`__pycache__/NAME.TAG.opt-....pyc` beside each. `verify.rs` compares the two; every file must be verified.

Options are taken from the environment: CHECKER (jaxtyping: the type checker, none if empty); CONF (beartype: keyword arguments of
`BeartypeConf`, such as `claw_is_pep526=False`).
"""
import importlib.util
import marshal
import os
import random
import sys
import warnings

warnings.simplefilter("ignore")
sys.setrecursionlimit(5000)


def loaded(package, *paths):
    """A file of a package, without importing the package, which can need others."""
    root = importlib.util.find_spec(package).submodule_search_locations[0]
    path = next(path for path in (os.path.join(root, path) for path in paths) if os.path.exists(path))
    spec = importlib.util.spec_from_file_location("hook", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def jaxtyping():
    hook = loaded("jaxtyping", "_import_hook.py", "import_hook.py")
    checker = os.environ.get("CHECKER", "beartype.beartype") or None
    digest = []
    if hasattr(hook, "Typechecker"):
        checker = hook.Typechecker(checker)
        digest = [checker.get_hash()]
    else:
        if checker and not hasattr(hook, "_str_lookup"):
            checker = tuple(checker.split("."))
        # The digest was that of the running interpreter, then of the name.
        if hasattr(hook, "_str_lookup"):
            digest = ["31d5ed77e2b8ba3b8b3e7a4bd0b3a2c5" if hasattr(hook, "hashlib") else "1234567890123456789"]

    def compiled(source, path, name):
        loader = hook._JaxtypingLoader.__new__(hook._JaxtypingLoader)
        loader.name, loader.path, loader._typechecker = name, path, checker
        return loader.source_to_code(source, path)

    return compiled, lambda path: hook._optimized_cache_from_source(*digest, path)


def beartype():
    import beartype
    from beartype.claw._importlib import clawimpcache

    try:
        from beartype.claw._importlib._clawimpfileloader import BeartypeSourceFileLoader
    except ImportError:
        from beartype.claw._importlib._clawimpload import BeartypeSourceFileLoader
    conf = eval(f"BeartypeConf({os.environ.get('CONF', '')})", vars(beartype))

    def compiled(source, path, name):
        loader = BeartypeSourceFileLoader(name, path)
        # The names of the attributes were longer at first.
        for attribute, value in {"conf": conf, "name": name}.items():
            setattr(loader, f"_module_{attribute}", value)
            setattr(loader, f"_module_{attribute}_beartype", value)
        return loader.source_to_code(source, path)

    def cache(path):
        if hasattr(clawimpcache, "cache_from_source_beartype"):
            return clawimpcache.cache_from_source_beartype(path)
        from beartype.claw._clawmagic import OPTIMIZATION_MARKER

        return importlib.util.cache_from_source(path, optimization=OPTIMIZATION_MARKER)

    return compiled, cache


def typeguard():
    from typeguard import _importhook

    def compiled(source, path, name):
        return _importhook.TypeguardLoader.source_to_code(source, path)

    return compiled, _importhook.optimized_cache_from_source


def main(hook, sources, out, most=10**9):
    compiled, cache = {"jaxtyping": jaxtyping, "beartype": beartype, "typeguard": typeguard}[hook]()
    paths = []
    for folder, folders, files in os.walk(sources):
        folders.sort()
        paths += [os.path.join(folder, file) for file in sorted(files) if file.endswith(".py")]
    random.Random(1).shuffle(paths)
    done = failed = 0
    for path in paths:
        if done >= most:
            break
        relative = os.path.relpath(path, sources)
        name = os.path.splitext(relative)[0].replace(os.sep, ".")
        name = name[: -len(".__init__")] if name.endswith(".__init__") else name
        with open(path, "rb") as handle:
            source = handle.read()
        try:
            compile(source, path, "exec", dont_inherit=True)
            code = compiled(source, relative, name)
        except (SyntaxError, ValueError, RecursionError, UnicodeError):
            continue
        except Exception as error:
            failed += 1
            if failed > 20:
                raise
            print(relative, type(error), str(error)[:300])
            continue
        done += 1
        place = os.path.join(out, relative)
        target = cache(place)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(place, "wb") as handle:
            handle.write(source)
        with open(target, "wb") as handle:
            handle.write(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
    print(hook, sys.version.split()[0], done, f"{failed} could not be compiled" if failed else "")


main(sys.argv[1], sys.argv[2], *sys.argv[3:4], *map(int, sys.argv[4:]))
