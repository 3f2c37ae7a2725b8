"""Builds every case as real files and imports it; runs inside the interpreter that is observed (2.7 and later).

Called by load.py, never by hand: `python [-v] [-O|-OO] observe.py WORKDIR NEXT_TAG PREVIOUS_MAGIC_HEX`, or through
`observe_all()` where there is no command line (WebAssembly). Prints one JSON object per case.
"""

from __future__ import print_function

import binascii
import json
import marshal
import os
import shutil
import struct
import subprocess
import sys
import time
import zipfile

PY = sys.version_info[:2]
NATIVE = sys.platform != "emscripten"
PYPY = hasattr(sys, "pypy_version_info")
T = 1500000000  # 2017-07-14 02:40:00 UTC, even as DOS times are
TELL = "WHO = '%s'\nif __name__ == '__main__': print(WHO)\n"
SOURCE = (TELL % "source").encode()
OTHER = (TELL % "other").encode()

if PY >= (3, 4):
    import importlib
    import importlib.machinery
    import importlib.util

    MAGIC = importlib.util.MAGIC_NUMBER
    TAG = sys.implementation.cache_tag
    SUFFIXES = importlib.machinery.EXTENSION_SUFFIXES
else:
    import imp

    MAGIC = imp.get_magic()
    TAG = "cpython-27"
    SUFFIXES = [s[0] for s in imp.get_suffixes() if s[2] == imp.C_EXTENSION]

SAID = []


def listen():
    """Keeps what the import system says of bytecode, and what it refuses without a word."""
    if PY < (3, 4):
        return
    outer = sys.modules["_frozen_importlib_external"]
    inner = sys.modules["_frozen_importlib"]

    def message(text, *args, **_kwargs):
        SAID.append(text.format(*args) if args else text)

    inner._verbose_message = message
    for name in ("_classify_pyc", "_validate_timestamp_pyc", "_validate_hash_pyc", "_validate_bytecode_header"):
        original = getattr(outer, name, None)
        if original is None:
            continue

        def wrapped(*args, **kwargs):
            original = kwargs.pop("_original")
            try:
                return original(*args, **kwargs)
            except (ImportError, EOFError) as error:
                SAID.append(str(error))
                raise

        def bind(original):
            def call(*args, **kwargs):
                return wrapped(*args, _original=original, **kwargs)

            return call

        setattr(outer, name, bind(original))


def said_class(texts):
    """The words for what was said: `magic`, `short`, `flags`, `stale`, `hash`, joined."""
    found = []
    for text in texts:
        for mark, word in (
            ("bad magic", "magic"),
            ("reached EOF", "short"),
            ("invalid flags", "flags"),
            ("is stale", "stale"),
            ("bad mtime", "stale"),
            ("doesn't match hash", "hash"),
        ):
            if mark in text and word not in found:
                found.append(word)
    return " ".join(found)


def source_hash(source):
    if PY < (3, 7):
        return b"\0" * 8
    return importlib.util.source_hash(source)


def header(magic=MAGIC, flags=0, mtime=T, size=len(SOURCE), hashed=None):
    """The header of this interpreter's series."""
    stamp = struct.pack("<I", mtime & 0xFFFFFFFF)
    length = struct.pack("<I", size & 0xFFFFFFFF)
    if PY >= (3, 7):
        return magic + struct.pack("<I", flags) + (hashed if hashed is not None else stamp + length)
    if PY >= (3, 3):
        return magic + stamp + length
    return magic + stamp


def body(kind):
    code = marshal.dumps(compile(TELL % "pyc", "m.py", "exec"))
    return {
        "good": code,
        "none": b"",
        "cut": code[: len(code) // 2],
        "not-code": marshal.dumps(7),
        "unknown-type": b"Q",
        "trailing": code + b"\x01" * 40,
    }[kind]


def case(name, path, beside=(), container="directory", module="m", head=None, what="good", **facts):
    """One case: `path` is the pyc, `beside` the other files, both as names; everything else has a default."""
    made = dict(
        case=name,
        container=container,
        module=module,
        path=path.format(tag=TAG),
        beside=list(beside),
        header=header() if head is None else head,
        body=what,
        source_mtime=T,
        source_size=len(SOURCE),
        dos=T,
        zone=0,
        link=False,
        mode="default",
        start="",
    )
    made.update(facts)
    return made


def header_kinds():
    """Headers of H16 that do not depend on the place: name, header."""
    right, wrong = source_hash(SOURCE), b"\1" * 8
    for flags in (0, 1, 2, 3, 4, 5, 6, 7, 8, 0x80000000, 0x80000001, 0xFFFFFFFF):
        yield "flags %#x" % flags, header(flags=flags, hashed=right if flags & 1 else None)
    yield "flags 2, wrong mtime", header(flags=2, mtime=T + 9)
    yield "unchecked, wrong hash", header(flags=1, hashed=wrong)
    yield "checked, wrong hash", header(flags=3, hashed=wrong)


def directory_cases(next_tag, previous_magic):
    cache = "__pycache__/m.{tag}.pyc"
    modern = PY >= (3, 2)
    place = cache if modern else "m.pyc"
    opt = "-O" if PY < (3, 5) else None
    py = ["m.py"]

    # Header section 3: times and sizes.
    yield case("fresh", place, py)
    yield case("mtime one more", place, py, head=header(mtime=T + 1))
    yield case("mtime one less", place, py, head=header(mtime=T - 1))
    yield case("size differs", place, py, head=header(size=len(SOURCE) + 1))
    yield case("mtime and size differ", place, py, head=header(mtime=1, size=1))
    yield case("fraction of a second", place, py, source_mtime=T + 0.7)
    for name, mtime in (("negative", -1000), ("2**31 + 5", 2**31 + 5), ("2**32 + 5", 2**32 + 5), ("2**32 - 1", 2**32 - 1)):
        yield case("source mtime %s, low word recorded" % name, place, py, head=header(mtime=mtime), source_mtime=mtime)
    yield case("mtime zero", place, py, head=header(mtime=0), source_mtime=0)
    if NATIVE and PY >= (3, 3):
        yield case("size modulo 2**32", place, py, head=header(size=5), source_size=2**32 + 5)

    # Section 2: flags and hashes.
    if PY >= (3, 7):
        for name, head in header_kinds():
            yield case(name + ", cached", cache, py, head=head)
            yield case(name + ", sourceless", "m.pyc", head=head)
            yield case(name + ", legacy beside source", "m.pyc", py, head=head)
        right, wrong = source_hash(SOURCE), b"\1" * 8
        yield case("always: unchecked, wrong hash", cache, py, head=header(flags=1, hashed=wrong), mode="always")
        yield case("always: unchecked, right hash", cache, py, head=header(flags=1, hashed=right), mode="always")
        yield case("never: checked, wrong hash", cache, py, head=header(flags=3, hashed=wrong), mode="never")
        yield case("pytest's 12 bytes under a plain name", cache, py, head=header()[:4] + header()[8:16])
        yield case("pytest's 12 bytes, sourceless", "m.pyc", head=header()[:4] + header()[8:16])

    # Section 4: where.
    yield case("cached", cache, py)
    yield case("cached without source", cache)
    yield case("legacy beside source", "m.pyc", py)
    yield case("legacy beside source, stale", "m.pyc", py, head=header(mtime=T + 9))
    yield case("legacy without source", "m.pyc")
    yield case("legacy without source, other time", "m.pyc", head=header(mtime=1, size=1))
    yield case("source of another case", cache, ["M.py"])
    yield case("legacy with source of another case", "m.pyc", ["M.py"])
    yield case("package shadows cached", cache, ["m.py", "m/__init__.py"])
    yield case("package of bytecode shadows module", place, ["m.py", "m/__init__.pyc"])
    yield case("package of bytecode beside module", "m/__init__.pyc", ["m.py"])
    yield case("package cached beside module", "m/" + ("__pycache__/__init__.{tag}.pyc" if modern else "__init__.pyc"),
               ["m/__init__.py", "m.py"])
    yield case("folder without init beside", place, ["m.py", "m/data.txt"])
    yield case("folder with other init beside", place, ["m.py", "m/__init__.txt"])
    yield case("package shadows sourceless", "m.pyc", ["m/__init__.py"])
    yield case("module of a package", "p/" + place, ["p/m.py", "p/__init__.py"], module="p.m")
    yield case("sourceless module of a package", "p/m.pyc", ["p/__init__.py"], module="p.m")
    if modern:
        yield case("module of a namespace package", "p/" + cache, ["p/m.py"], module="p.m")
        yield case("sourceless module of a namespace package", "p/m.pyc", module="p.m")
    extensions = ["m.so", "m.abi3.so", "m.pyd", "mmodule.so", "m.cpython-31-x86_64-linux-gnu.so", "m.txt",
                  "m.cpython-3999-x86_64-linux-gnu.so"] + ["m" + SUFFIXES[0]]
    for extension in sorted(set(extensions)):
        yield case("beside %s" % extension, place, ["m.py", extension])
        yield case("sourceless beside %s" % extension, "m.pyc", [extension])
    yield case("package of an extension module", place, ["m.py", "m/__init__.so"])
    yield case("symlinked", place, py, link=True)
    yield case("symlinked, sourceless", "m.pyc", link=True)
    yield case("upper-case extension", place[:-4] + ".PYC", py)
    yield case("upper-case extension, sourceless", "m.PYC")
    yield case("dotted name, sourceless", "m.x.pyc", module="m.x")
    yield case("conflict copy", cache[:-4] + " (conflicted copy 2019-11-22).pyc", py)
    yield case("copy", cache[:-4] + " 2.pyc", py)
    yield case("pytest's name", cache[:-4] + "-pytest-8.3.3.pyc", py)
    yield case("cached without tag", "__pycache__/m.pyc", py)
    yield case("tagged beside source", "m.{tag}.pyc", py)
    yield case("unknown tag", "__pycache__/m.neopy-7.pyc", py)
    if next_tag:
        yield case("tag of another version", "__pycache__/m.%s.pyc" % next_tag, py)
        yield case("magic of another version", cache, py, head=previous_magic + header()[4:])

    # Section 4 and PEP 488: optimisation.
    for level in ("opt-1", "opt-2", "opt-3", "opt-typeguard"):
        yield case(level, "__pycache__/m.{tag}.%s.pyc" % level, py)
        yield case(level + ", stale", "__pycache__/m.{tag}.%s.pyc" % level, py, head=header(mtime=T + 9))
        if PY >= (3, 7):
            head = header(flags=1, hashed=b"\1" * 8)
            yield case(level + ", unchecked", "__pycache__/m.{tag}.%s.pyc" % level, py, head=head)
        yield case(level + ", legacy", "m.%s.pyc" % level)
    yield case("pyo cached", "__pycache__/m.{tag}.pyo", py)
    yield case("pyo beside source", "m.pyo", py)
    yield case("pyo beside source, stale", "m.pyo", py, head=header(mtime=T + 9))
    yield case("pyo without source", "m.pyo")

    # Damage: with a source, and without.
    for suffix, where, others in (("", place, py), (", sourceless", "m.pyc", [])):
        size = len(header())
        yield case("magic without CR LF" + suffix, where, others, head=MAGIC[:2] + b"\n\n" + header()[4:])
        yield case("empty file" + suffix, where, others, head=b"", what="none")
        yield case("cut in the magic" + suffix, where, others, head=MAGIC[:3], what="none")
        yield case("cut after the magic" + suffix, where, others, head=MAGIC, what="none")
        yield case("cut in the header" + suffix, where, others, head=header()[: size - 1], what="none")
        yield case("header only" + suffix, where, others, what="none")
        for kind in ("cut", "not-code", "unknown-type", "trailing"):
            yield case("body: %s%s" % (kind, suffix), where, others, what=kind)
    yield case("stale and body cut", place, py, head=header(mtime=T + 9), what="cut")


def prefix_cases():
    if PY < (3, 8):
        return
    facts = dict(container="prefix", path="m.{tag}.pyc", beside=["m.py"])
    yield case("prefix: fresh", **facts)
    yield case("prefix: stale", head=header(mtime=T + 9), **facts)
    yield case("prefix: unchecked, wrong hash", head=header(flags=1, hashed=b"\1" * 8), **facts)
    yield case("prefix: checked, wrong hash", head=header(flags=3, hashed=b"\1" * 8), **facts)
    yield case("prefix: body cut", what="cut", **facts)
    yield case("prefix: opt-1", container="prefix", path="m.{tag}.opt-1.pyc", beside=["m.py"])
    yield case("prefix: in a cache folder", container="prefix", path="__pycache__/m.{tag}.pyc", beside=["m.py"])


def zip_cases():
    py = ["m.py"]
    for delta in range(-3, 4):
        yield case("zip: recorded %+d s" % delta, "m.pyc", py, "zip", head=header(mtime=T + delta))
    yield case("zip: size differs", "m.pyc", py, "zip", head=header(size=len(SOURCE) + 1))
    # WebAssembly builds know one zone only.
    for minutes in (330, -480, 345, 840, -720) if NATIVE else ():
        zone = "recorded in another zone, %+d minutes" % minutes
        yield case("zip: " + zone, "m.pyc", py, "zip", head=header(mtime=T - minutes * 60), zone=minutes)
    yield case("zip: recorded 20 minutes off", "m.pyc", py, "zip", head=header(mtime=T + 1200 + 5))
    yield case("zip: only bytecode", "m.pyc", (), "zip", head=header(mtime=1, size=1))
    yield case("zip: cached", "__pycache__/m.{tag}.pyc", py, "zip")
    yield case("zip: cached without source", "__pycache__/m.{tag}.pyc", (), "zip")
    yield case("zip: tagged", "m.{tag}.pyc", py, "zip")
    yield case("zip: opt-1", "m.opt-1.pyc", (), "zip")
    yield case("zip: pyo", "m.pyo", (), "zip")
    yield case("zip: pyo beside source", "m.pyo", py, "zip")
    yield case("zip: upper-case extension", "m.PYC", (), "zip")
    yield case("zip: package", "m/__init__.pyc", ["m/__init__.py", "m.py"], "zip")
    yield case("zip: package of bytecode", "m/__init__.pyc", ["m.py"], "zip")
    yield case("zip: package of source shadows", "m.pyc", ["m/__init__.py"], "zip")
    yield case("zip: package of bytecode shadows", "m.pyc", ["m.py", "m/__init__.pyc"], "zip")
    yield case("zip: extension module beside", "m.pyc", ["m.so"], "zip")
    yield case("zip: module of a package", "p/m.pyc", ["p/m.py", "p/__init__.py"], "zip", module="p.m")
    if PY >= (3, 7):
        for name, head in header_kinds():
            yield case("zip: " + name, "m.pyc", py, "zip", head=head)
            yield case("zip: " + name + ", only bytecode", "m.pyc", (), "zip", head=head)
    for suffix, others in (("", py), (", only bytecode", ())):
        size = len(header())
        yield case("zip: magic without CR LF" + suffix, "m.pyc", others, "zip", head=MAGIC[:2] + b"\n\n" + header()[4:])
        yield case("zip: empty member" + suffix, "m.pyc", others, "zip", head=b"", what="none")
        yield case("zip: cut after the magic" + suffix, "m.pyc", others, "zip", head=MAGIC, what="none")
        yield case("zip: cut in the header" + suffix, "m.pyc", others, "zip", head=header()[: size - 1], what="none")
        yield case("zip: header only" + suffix, "m.pyc", others, "zip", what="none")
        for kind in ("cut", "not-code", "unknown-type", "trailing"):
            yield case("zip: body: %s%s" % (kind, suffix), "m.pyc", others, "zip", what=kind)


def start_cases():
    """`python FOLDER`, `python ZIP` and `python FILE`."""
    if not NATIVE:
        return
    for container in ("directory", "zip"):
        facts = dict(container=container, start=container)
        yield case("python %s: only bytecode" % container, "__main__.pyc", **facts)
        yield case("python %s: bytecode beside source" % container, "__main__.pyc", ["__main__.py"], **facts)
        yield case("python %s: body cut" % container, "__main__.pyc", what="cut", **facts)
    if PY >= (3, 2):
        yield case("python directory: cached", "__pycache__/__main__.{tag}.pyc", ["__main__.py"], start="directory")
    facts = dict(container="file", start="file")
    yield case("python file: good", "m.pyc", **facts)
    yield case("python file: source beside", "m.pyc", ["m.py"], **facts)
    yield case("python file: other extension", "q.dat", **facts)
    yield case("python file: other extension, magic without CR LF", "q.dat", head=MAGIC[:2] + b"\n\n" + header()[4:], **facts)
    yield case("python file: magic without CR LF", "m.pyc", head=MAGIC[:2] + b"\n\n" + header()[4:], **facts)
    yield case("python file: pyo", "m.pyo", **facts)
    yield case("python file: trailing bytes", "m.pyc", what="trailing", **facts)
    if PY >= (3, 7):
        yield case("python file: flags 4", "m.pyc", head=header(flags=4), **facts)
        yield case("python file: unchecked, wrong hash", "m.pyc", head=header(flags=1, hashed=b"\1" * 8), **facts)


def all_cases(next_tag, previous_magic):
    for made in directory_cases(next_tag, previous_magic):
        yield made
    for made in prefix_cases():
        yield made
    for made in zip_cases():
        yield made
    for made in start_cases():
        yield made


def control_of(made):
    """The same place with a header and body that nothing can be said against."""
    return dict(made, header=header(), body="good", source_mtime=T, source_size=len(SOURCE), dos=T, zone=0, mode="default")


def content_of(name, made):
    """What a file beside the pyc holds: the source of the pyc, a package that would be something else, or junk."""
    if name.endswith("__init__.pyc"):
        return header() + marshal.dumps(compile(OTHER, "m.py", "exec"))
    folder, last = os.path.split(name)
    path = made["path"].split("/")
    stem = path[-1].split(".")[0]
    if last == stem + ".py" and "/".join(path[:-1]).replace("/__pycache__", "").replace("__pycache__", "") == folder:
        return SOURCE
    if last.endswith(".py"):
        return b"" if last == "__init__.py" and made["module"] == "p.m" else OTHER
    return b"junk"


def write(path, data):
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    with open(path, "wb") as file:
        file.write(data)


def build_directory(root, made):
    """Returns the path of the pyc."""
    pyc = os.path.join(root, *made["path"].split("/"))
    if made["container"] == "prefix":
        sys.pycache_prefix = os.path.join(root, "prefix")
        inside = os.path.join(root, "tree").lstrip("/")
        pyc = os.path.join(root, "prefix", inside, *made["path"].split("/"))
        root = os.path.join(root, "tree")
    data = made["header"] + body(made["body"])
    write(pyc, data)
    if made["link"]:
        target = os.path.join(os.path.dirname(root), "elsewhere.bin")
        write(target, data)
        os.remove(pyc)
        os.symlink(target, pyc)
    for name in made["beside"]:
        path = os.path.join(root, *name.split("/"))
        content = content_of(name, made)
        write(path, content)
        if content == SOURCE:
            # Under -O the plain pyc is not looked at, and four gigabytes of zeros would be compiled.
            if made["source_size"] != len(SOURCE) and not sys.flags.optimize:
                with open(path, "r+b") as file:
                    file.truncate(made["source_size"])
            os.utime(path, (made["source_mtime"], made["source_mtime"]))
    return pyc, root


def build_zip(path, made):
    with_time = time.gmtime(made["dos"])[:6]
    archive = zipfile.ZipFile(path, "w")
    archive.writestr(zipfile.ZipInfo(made["path"], with_time), made["header"] + body(made["body"]))
    for name in made["beside"]:
        archive.writestr(zipfile.ZipInfo(name, with_time), content_of(name, made))
    archive.close()


def set_zone(minutes):
    if not hasattr(time, "tzset"):
        return
    os.environ["TZ"] = "XXX%s%02d:%02d" % ("-" if minutes >= 0 else "+", abs(minutes) // 60, abs(minutes) % 60)
    time.tzset()


def forget(root):
    for name in ("m", "m.x", "p", "p.m"):
        sys.modules.pop(name, None)
    for key in list(sys.path_importer_cache):
        if str(key).startswith(root):
            del sys.path_importer_cache[key]
    import zipimport

    getattr(zipimport, "_zip_directory_cache", {}).clear()
    if PY >= (3, 4):
        importlib.invalidate_caches()


def start(path):
    """Starts a new process of this interpreter on a path, at this level of optimisation."""
    words = [sys.executable, "-s", "-E"] + ["-O"] * sys.flags.optimize + [path]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, error = process.communicate()
    if process.returncode == 0:
        return out.decode().strip()
    last = error.decode().strip().split("\n")[-1].replace(os.path.dirname(path), "")
    return "not found" if "find '__main__'" in last else last[:60]


def observe(work, made):
    """Builds the case in a fresh folder, imports its module, and says which code ran."""
    root = os.path.join(work, "case")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(root)
    pyc = None
    if made["container"] == "zip":
        entry = os.path.join(root, "case.zip")
        build_zip(entry, made)
    else:
        pyc, entry = build_directory(root, made)
    set_zone(made["zone"])
    if PY >= (3, 7) and not PYPY or hasattr(sys.modules.get("_imp"), "check_hash_based_pycs"):
        sys.modules["_imp"].check_hash_based_pycs = made["mode"]
    forget(root)
    del SAID[:]
    before = open(pyc, "rb").read() if pyc else None
    if made["start"]:
        return start(pyc if made["start"] == "file" else entry), "", before != (open(pyc, "rb").read() if pyc else None)
    sys.path.insert(0, entry)
    try:
        module = __import__(made["module"], fromlist=["WHO"])
        ran = getattr(module, "WHO", "nothing")
    except BaseException as error:
        ran = "%s: %s" % (type(error).__name__, str(error).replace(root, "").replace("\n", " ")[:60])
        missing = "No module named" in ran or "can't find module" in ran or "is not a package" in ran
        ran = "not found" if missing else ran
    finally:
        sys.path.remove(entry)
        forget(root)
        if hasattr(sys, "pycache_prefix"):
            sys.pycache_prefix = None
        set_zone(0)
    after = open(pyc, "rb").read() if pyc and os.path.exists(pyc) else None
    return ran, said_class(SAID), pyc is not None and before != after


def observe_all(work, next_tag, previous_magic, out, mark=None):
    listen()
    for made in all_cases(next_tag, previous_magic):
        if mark:
            mark("@@ " + made["case"])
        ran, said, rewritten = observe(work, made)
        if mark:
            mark("@@")
        control = observe(work, control_of(made))[0]
        record = dict(made, ran=ran, said=said, rewritten=rewritten, control=control)
        record["header"] = binascii.hexlify(made["header"]).decode()
        out(json.dumps(record, sort_keys=True))
    shutil.rmtree(work, ignore_errors=True)


def main():
    work, next_tag, previous_magic = sys.argv[1:4]

    def mark(text):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    observe_all(work, next_tag, binascii.unhexlify(previous_magic), print, mark)


if __name__ == "__main__":
    main()
