#!/usr/bin/env python3
"""Parsing against CPython's own marshal and against xdis, in one run.

  peers.py [--xdis PYTHON] [--sample N] [--rounds N] --bench BINARY NAME=PYTHON [NAME=PYTHON ...]

For each interpreter (`3.12=/usr/bin/python3.12`): the pycs of its own magic below its standard library are read by
pycaudit's bench (all of its stages), by `marshal.loads` in that interpreter, and a sample of them by xdis in PYTHON.
All of it in memory, on one core, by processor time, in turn; the best round of each counts. Nothing is written.
BINARY is what `cargo bench --no-run --bench parse` names.
"""
import argparse
import os
import subprocess
import sys
import tempfile

# Runs under every interpreter since 2.7. Garbage is not collected meanwhile: it only makes marshal slower.
MARSHAL = r"""
import gc, marshal, sys, time
clock = getattr(time, "process_time", None) or time.clock
skip = 8 if sys.version_info < (3, 3) else 12 if sys.version_info < (3, 7) else 16
bodies = [open(path, "rb").read()[skip:] for path in open(sys.argv[1]).read().splitlines()]
gc.disable()
best = None
for _ in range(int(sys.argv[2])):
    start = clock()
    for body in bodies:
        marshal.loads(body)
    spent = clock() - start
    best = spent if best is None else min(best, spent)
print(best)
"""

# xdis hands the files of the interpreter that it runs under to marshal, so that one is not asked.
XDIS = r"""
import contextlib, io, sys, time
from xdis.load import load_module_from_file_object
files = [(path, open(path, "rb").read()) for path in open(sys.argv[1]).read().splitlines()]
start, size, failed = time.process_time(), 0, 0
for path, data in files:
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            load_module_from_file_object(io.BytesIO(data), path)
        size += len(data)
    except Exception:
        failed += 1
print(size, time.process_time() - start, failed)
"""

LIBRARY = (
    "import imp, os; print(imp.get_magic().encode('hex')); print(os.path.dirname(os.__file__))",
    "import importlib.util as u, os; print(u.MAGIC_NUMBER.hex()); print(os.path.dirname(os.__file__))",
)


def ask(python, script, *arguments):
    command = [python, "-c", script, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def library(python):
    """The magic of an interpreter, and where its standard library is."""
    major = ask(python, "import sys; print(sys.version_info[0])")[0]
    magic, folder = ask(python, LIBRARY[int(major) - 2])
    return bytes.fromhex(magic), folder


def pycs(folder, magic):
    """The pycs of a magic below a folder, in order."""
    found = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(place, name)
            if name.endswith((".pyc", ".pyo")) and "\n" not in path:
                with open(path, "rb") as file:
                    if file.read(4) == magic:
                        found.append(path)
    return found


def listed(folder, paths):
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(paths) + "\n")
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("interpreters", nargs="+", metavar="NAME=PYTHON")
    parser.add_argument("--bench", required=True, metavar="BINARY")
    parser.add_argument("--xdis", metavar="PYTHON", help="an interpreter that has xdis")
    parser.add_argument("--sample", type=int, default=300, metavar="N", help="files that xdis reads of each (300)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds of marshal (5)")
    options = parser.parse_args()
    xdis_magic = library(options.xdis)[0] if options.xdis else None
    head = f"{'':6} {'files':>6} {'MB':>6} | {'parse':>6} {'digest':>6} {'walk':>6} MB/s | {'marshal':>7} {'ratio':>5}"
    print(head + f" | {'xdis':>6} {'ratio':>6}", flush=True)
    with tempfile.TemporaryDirectory() as work:
        for interpreter in options.interpreters:
            name, python = interpreter.split("=", 1)
            magic, folder = library(python)
            paths = pycs(folder, magic)
            if not paths:
                print(f"{name:6} no pycs below {folder}")
                continue
            every = listed(work, paths)
            megabytes = sum(os.path.getsize(path) for path in paths) / 1e6
            # Marshal before and after: the machine may have become slower meanwhile.
            spent = [float(ask(python, MARSHAL, every, options.rounds)[0])]
            bench = [options.bench, "--plain", "--files-from", every]
            lines = subprocess.run(bench, check=True, capture_output=True, text=True).stdout.splitlines()
            ours = {stage: float(speed) for stage, speed in map(str.split, lines)}
            spent.append(float(ask(python, MARSHAL, every, options.rounds)[0]))
            marshal = megabytes / min(spent)
            row = f"{name:6} {len(paths):6} {megabytes:6.1f} | {ours['parse']:6.0f} {ours['digest']:6.0f}"
            row += f" {ours['walk']:6.0f}      | {marshal:7.0f} {ours['parse'] / marshal:4.1f}x"
            if options.xdis and magic != xdis_magic:
                count = min(options.sample, len(paths))
                sample = listed(work, [paths[at * len(paths) // count] for at in range(count)])
                size, seconds, failed = map(float, ask(options.xdis, XDIS, sample))
                xdis = size / 1e6 / seconds
                row += f" | {xdis:6.2f} {ours['parse'] / xdis:5.0f}x"
                row += f" ({failed:.0f} of {count} failed)" if failed else ""
            print(row, flush=True)


if __name__ == "__main__":
    sys.exit(main())
