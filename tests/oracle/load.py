"""Asks real interpreters what they run, and writes tests/fixtures/load/*.csv. See README.md beside this file."""

import argparse
import base64
import binascii
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
OBSERVE = os.path.join(HERE, "observe.py")
FIXTURES = os.path.join(os.path.dirname(HERE), "fixtures", "load")
LEVELS = ("", "-O", "-OO")
ABOUT = (
    "from __future__ import print_function\n"
    "import sys, binascii\n"
    "try:\n    from importlib.util import MAGIC_NUMBER as m\nexcept ImportError:\n    import imp; m = imp.get_magic()\n"
    "v = getattr(sys, 'implementation', None)\n"
    "print(v.name if v else 'cpython', '.'.join(map(str, sys.version_info[:3])), binascii.hexlify(m).decode(),\n"
    "      v.cache_tag if v else '-')\n"
)
COLUMNS = (
    "interpreter series case container module path beside link header body source_mtime source_size dos zone mode start "
    "plain O OO control said rewritten verdict"
).split()
INSTALLED = "interpreter series installer case path beside header survives plain O OO verdict".split()


class Interpreter:
    """One interpreter and how to start it."""

    def __init__(self, path, kind):
        self.path, self.kind = path, kind
        if kind == "native":
            name, version, magic, tag = self.call([path, "-c", ABOUT]).split()
        else:
            version, magic, tag = self.call(["node", os.path.join(HERE, "pyodide.mjs"), path, OBSERVE, "about"]).split()
            name = "cpython"
        self.version, self.magic, self.tag, self.implementation = version, magic, tag, name
        digits = version.split(".")
        self.series = "%s.%s" % (digits[0], digits[1])
        self.title = "%s %s%s" % ({"cpython": "CPython", "pypy": "PyPy"}[name], version, "" if kind == "native" else " wasm")

    @staticmethod
    def call(words, **options):
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options).stdout.decode()

    def observe(self, level, work, next_tag, previous_magic):
        """Every case at one level: records by case name."""
        if self.kind != "native":
            words = ["node", os.path.join(HERE, "pyodide.mjs"), self.path, OBSERVE, level, next_tag, previous_magic]
        else:
            # The zipimport of these is written in C and says what it refuses to stderr alone.
            verbose = ["-v"] if self.series in ("2.7", "3.6", "3.7") else []
            flags = verbose + ([level] if level else []) + ["-s", "-E"]
            words = [self.path, *flags, OBSERVE, work, next_tag, previous_magic]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "TZ"))}
        run = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        records = {}
        for line in run.stdout.decode().splitlines():
            record = json.loads(line)
            records[record["case"]] = record
        if self.kind == "native" and verbose:
            self.listen(run.stderr.decode("utf-8", "replace"), records)
        return records

    @staticmethod
    def listen(text, records):
        """Adds what a verbose start said between the marks of each case."""
        sys.path.insert(0, HERE)
        from observe import said_class

        current, lines = None, {}
        for line in text.splitlines():
            if line.startswith("@@"):
                current = line[3:] or None
            elif current:
                lines.setdefault(current, []).append(line)
        for name, record in records.items():
            heard = said_class(lines.get(name, []))
            record["said"] = record["said"] or heard


def verdict_of(runs, said):
    """The verdict that follows from what ran at each level; `runs` are (ran, control) pairs."""
    if runs[0][0] == "pyc":
        return "runs"
    if "pyc" in (runs[1][0], runs[2][0]):
        return "runs-optimised"
    # Where even a file without fault does not run, nothing looks for it.
    looked_at = [ran for ran, control in runs if control == "pyc"]
    if not looked_at:
        return "dead"
    if "stale" in said or "hash" in said:
        return "stale"
    return "rejected"


def rows_of(interpreter, work, next_tag, previous_magic):
    levels = [interpreter.observe(level, work, next_tag, previous_magic) for level in LEVELS]
    for name, plain in levels[0].items():
        records = [level[name] for level in levels]
        runs = [(record["ran"], record["control"]) for record in records]
        said = " ".join(sorted({word for record in records for word in record["said"].split()}))
        row = {key: plain[key] for key in COLUMNS if key in plain}
        row.update(
            interpreter=interpreter.title,
            series=interpreter.series,
            beside="|".join(plain["beside"]),
            link="yes" if plain["link"] else "no",
            plain=runs[0][0],
            O=runs[1][0],
            OO=runs[2][0],
            control=" ".join(sorted({control.split(":")[0] for _, control in runs})),
            said=said,
            rewritten="yes" if any(record["rewritten"] for record in records) else "no",
            verdict=verdict_of(runs, said),
        )
        yield row


def close_ring(rows, ring):
    """A file whose tag and magic are of two versions is looked at by the interpreter of the tag alone.

    The row of the magic's interpreter therefore takes the verdict of the row where the tag's interpreter met that magic.
    """
    met = {row["interpreter"]: row["verdict"] for row in rows if row["case"] == "magic of another version"}
    for row in rows:
        if row["case"] == "tag of another version":
            row["verdict"] = met[ring[row["interpreter"]]]
            row["said"] = "by %s: magic" % ring[row["interpreter"]]


def wheel_cases(facts):
    """Name, path of the pyc, whether the source is there, header, listed in RECORD."""
    tag, heads = facts["tag"], facts["headers"]
    cached, opt = "__pycache__/{m}.%s.pyc" % tag, "__pycache__/{m}.%s.opt-1.pyc" % tag
    yield "timestamp", cached, True, heads["timestamp"], True
    yield "unchecked, right hash", cached, True, heads["unchecked-right"], True
    yield "unchecked, wrong hash", cached, True, heads["unchecked-wrong"], True
    yield "unchecked, wrong hash, not in RECORD", cached, True, heads["unchecked-wrong"], False
    yield "checked, right hash", cached, True, heads["checked-right"], True
    yield "checked, wrong hash", cached, True, heads["checked-wrong"], True
    yield "undefined flags", cached, True, heads["flags-4"], True
    yield "opt-1, unchecked, wrong hash", opt, True, heads["unchecked-wrong"], True
    yield "opt-1, timestamp", opt, True, heads["timestamp"], True
    yield "legacy beside source", "{m}.pyc", True, heads["timestamp"], True
    yield "legacy beside source, unchecked", "{m}.pyc", True, heads["unchecked-wrong"], True
    yield "legacy without source", "{m}.pyc", False, heads["timestamp"], True
    yield "cached without source", cached, False, heads["unchecked-wrong"], True


def wheel_facts(interpreter):
    script = (
        "import sys, json, binascii; sys.path.insert(0, %r); import observe as o\n"
        "h = lambda b: binascii.hexlify(b).decode()\n"
        "right, wrong = o.source_hash(o.SOURCE), b'\\1' * 8\n"
        "print(json.dumps({'tag': o.TAG, 'source': o.SOURCE.decode(), 'body': h(o.body('good')), 'headers': {\n"
        "'timestamp': h(o.header()), 'unchecked-right': h(o.header(flags=1, hashed=right)),\n"
        "'unchecked-wrong': h(o.header(flags=1, hashed=wrong)), 'checked-right': h(o.header(flags=3, hashed=right)),\n"
        "'checked-wrong': h(o.header(flags=3, hashed=wrong)), 'flags-4': h(o.header(flags=4))}}))\n" % HERE
    )
    return json.loads(Interpreter.call([interpreter.path, "-B", "-c", script]))


def build_wheel(path, facts):
    """One wheel with a module per case, all members of one time, which is the time that the headers record."""
    members, record = [], []
    cases = list(wheel_cases(facts))
    for number, (_, place, with_source, head, listed) in enumerate(cases):
        module = "m%d" % number
        pyc = binascii.unhexlify(head) + binascii.unhexlify(facts["body"])
        members.append((place.format(m=module), pyc, listed))
        if with_source:
            members.append((module + ".py", facts["source"].encode(), True))
    info = "oracle-1.0.dist-info/"
    members.append((info + "METADATA", b"Metadata-Version: 2.1\nName: oracle\nVersion: 1.0\n", True))
    members.append((info + "WHEEL", b"Wheel-Version: 1.0\nGenerator: oracle\nRoot-Is-Purelib: true\nTag: py3-none-any\n", True))
    for name, data, listed in members:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        if listed:
            record.append("%s,sha256=%s,%d" % (name, digest, len(data)))
    record.append(info + "RECORD,,")
    members.append((info + "RECORD", ("\n".join(record) + "\n").encode(), True))
    with zipfile.ZipFile(path, "w") as archive:
        for name, data, _ in members:
            archive.writestr(zipfile.ZipInfo(name, (2017, 7, 14, 2, 40, 0)), data)
    return cases


def installers(interpreter, options, target, wheel):
    """Title and command line of each way to install."""
    python = interpreter.path
    pip = ["install", "-q", "--no-index", "--no-deps", "--target", target]
    bundled = Interpreter.call([python, "-m", "pip", "--version"]).split()[1]
    yield "pip %s --no-compile" % bundled, [python, "-m", "pip", *pip, "--no-compile", wheel]
    yield "pip %s" % bundled, [python, "-m", "pip", *pip, wheel]
    for newer in options.pip:
        version = os.path.basename(newer).split("-")[1]
        if int(interpreter.series.split(".")[1]) >= 10:
            yield "pip %s --no-compile" % version, [python, newer + "/pip", *pip, "--no-compile", wheel]
            yield "pip %s" % version, [python, newer + "/pip", *pip, wheel]
    if options.uv:
        version = Interpreter.call([options.uv, "--version"]).split()[1]
        uv = [options.uv, "pip", "install", "-q", "--no-index", "--no-deps", "--no-cache", "--offline", "--python", python]
        yield "uv %s" % version, [*uv, "--target", target, wheel]
        yield "uv %s --compile-bytecode" % version, [*uv, "--target", target, "--compile-bytecode", wheel]


def installed_rows(interpreter, options, work):
    facts = wheel_facts(interpreter)
    wheel = os.path.join(work, "oracle-1.0-py3-none-any.whl")
    cases = build_wheel(wheel, facts)
    target = os.path.join(work, "target")
    rows = []
    for title, words in installers(interpreter, options, target, wheel):
        shutil.rmtree(target, ignore_errors=True)
        Interpreter.call(words, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
        for number, (name, place, with_source, head, _) in enumerate(cases):
            module = "m%d" % number
            shipped = binascii.unhexlify(head) + binascii.unhexlify(facts["body"])
            pyc = os.path.join(target, place.format(m=module))
            survives = "removed"
            if os.path.exists(pyc):
                with open(pyc, "rb") as file:
                    survives = "kept" if file.read() == shipped else "overwritten"
            code = "import sys; sys.path.insert(0, %r); import %s as m; print(m.WHO)" % (target, module)
            ran = []
            for level in LEVELS:
                flags = ["-B", "-s", "-E"] + ([level] if level else [])
                run = subprocess.run([interpreter.path, *flags, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                error = run.stderr.decode().strip().split("\n")[-1]
                ran.append(run.stdout.decode().strip() or ("not found" if "No module named" in error else error[:60]))
            rows.append(dict(
                interpreter=interpreter.title, series=interpreter.series, installer=title, case=name,
                path=place.format(m="m"), beside="m.py" if with_source else "", header=head, survives=survives,
                plain=ran[0], O=ran[1], OO=ran[2], verdict="",
            ))
    judge_installed(rows)
    return rows


def judge_installed(rows):
    """The verdict on a wheel's pyc is the strongest that some installer leads to.

    A fault of the file (undefined flags) or of its place (beside its source, without one) is known from verdicts.csv; what is
    left is out of date.
    """
    for row in rows:
        same = [other for other in rows if other["case"] == row["case"]]
        if any(other["plain"] == "pyc" for other in same):
            row["verdict"] = "runs"
        elif any("pyc" in (other["O"], other["OO"]) for other in same):
            row["verdict"] = "runs-optimised"
        elif row["case"].startswith("undefined flags"):
            row["verdict"] = "rejected"
        elif row["case"].startswith(("legacy beside", "cached without")):
            row["verdict"] = "dead"
        else:
            row["verdict"] = "stale"


def write(name, columns, rows):
    os.makedirs(FIXTURES, exist_ok=True)
    with open(os.path.join(FIXTURES, name), "w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print("%s: %d rows" % (name, len(rows)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", default=[], help="an interpreter, repeatable")
    parser.add_argument("--pyodide", action="append", default=[], help="folder of the npm package pyodide, repeatable")
    parser.add_argument("--wheel-python", action="append", default=[], help="an interpreter with pip, for installed.csv")
    parser.add_argument("--pip", action="append", default=[], help="a wheel of another pip, for installed.csv")
    parser.add_argument("--uv", help="uv, for installed.csv")
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="oracle-")
    interpreters = [Interpreter(path, "native") for path in options.python]
    interpreters += [Interpreter(path, "wasm") for path in options.pyodide]

    # Each Python 3 is given the tag of the next and the magic of the one before, so that every pair is met from both sides.
    ring = [interpreter for interpreter in interpreters if interpreter.series != "2.7"]
    after = dict(zip(ring, ring[1:] + ring[:1]))
    before = {following: interpreter for interpreter, following in after.items()}
    rows = []
    for interpreter in interpreters:
        next_tag = after[interpreter].tag if interpreter in after else ""
        previous_magic = before[interpreter].magic if interpreter in before else ""
        rows += rows_of(interpreter, os.path.join(work, "cases"), next_tag, previous_magic)
        print("%s: done" % interpreter.title)
    close_ring(rows, {interpreter.title: following.title for interpreter, following in after.items()})
    if rows:
        write("verdicts.csv", COLUMNS, rows)

    installed = []
    for path in options.wheel_python:
        installed += installed_rows(Interpreter(path, "native"), options, work)
    if installed:
        write("installed.csv", INSTALLED, installed)
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
