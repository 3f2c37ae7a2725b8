#!/usr/bin/env python3
"""pycaudit against its peers and against what no scanner can avoid: one table of ratios. Python >= 3.8, Linux.

  compare.py WORK [--interp PREFIX ...] [-n ROUNDS] [--only ID,...] [--quiet] [--cold] [--save FILE]

WORK is a folder of some 8 GB for the workloads; what is missing in it is made (`workloads.py`) from the interpreters whose prefixes are
given (`--interp`, repeatable; without it those of pyenv). The wheels of W2 are downloaded with `pip` only if `--wheels` is given.
pycaudit and its floor are built first, unless `--no-build`. Peers that are not there are named and left out.

A row is one comparison: both commands run in turn, ROUNDS times, whole processes with their output thrown away. `ratio` is the peer's
time over ours, taken inside each round, then its median (smallest to largest): 2 means twice as fast as the peer. Of a row in
megabytes it is what we take. `must` and `goal` are the bars that the project has set itself. `--quiet` waits for the machine to idle
and repeats a run that others disturbed. `--cold` adds the rows that drop the system's caches, which needs root.
"""
import argparse
import collections
import glob
import os
import shlex
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import measure

# A peer's command, ours; which figure; whether a larger one is better.
Row = collections.namedtuple("Row", "id what peer ours unit must goal cold", defaults=(False,))
SIZES = (1000, 4000, 16000, 64000, 256000)


def script(name, *rest, python=sys.executable):
    return " ".join([shlex.quote(python), shlex.quote(os.path.join(HERE, name)), *rest])


def find(name):
    return shutil.which(name)


def built(no_build):
    """pycaudit and the floor, of the release build."""
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    tool, kept = (os.path.join(target, "release", name) for name in ("pycaudit", "pycaudit-floor"))
    if not no_build:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
        subprocess.run(["cargo", "bench", "--no-run", "--locked", "--bench", "floor"], cwd=ROOT, check=True)
        # Under a name that the next build does not change.
        floors = [path for path in glob.glob(os.path.join(target, "release", "deps", "floor-*")) if not path.endswith(".d")]
        shutil.copy2(max(floors, key=os.path.getmtime), kept)
    return tool, kept


def prefixes(given):
    """Prefixes of interpreters by series."""
    found = {}
    for prefix in given or sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*"))):
        python = os.path.join(prefix, "bin", "python")
        ask = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if os.path.exists(python):
            found[subprocess.check_output(ask, text=True).strip()] = prefix
    return found


def make(work, interpreters, wheels):
    """Makes the workloads that are missing."""
    def run(*arguments):
        print("making:", *arguments, file=sys.stderr, flush=True)
        subprocess.run([sys.executable, os.path.join(HERE, "workloads.py"), *arguments], check=True, stdout=sys.stderr)

    at = lambda name: os.path.join(work, name)
    if not os.path.exists(at("tree")):
        run("tree", "--out", at("tree"), *(word for prefix in interpreters.values() for word in ("--interp", prefix)))
    newest = max(os.listdir(at("tree")), key=lambda series: [int(part) for part in series.split(".")])
    middle = "3.12" if os.path.exists(at("tree/3.12")) else newest
    large = max(os.listdir(at("tree")), key=lambda series: sum(1 for _ in walk(at("tree/" + series))))
    python = os.path.join(interpreters[middle], "bin", "python")
    if not os.path.exists(at("big.zip")):
        run("bigzip", "--out", at("big.zip"), "--root", at("tree/" + large))
    if not os.path.exists(at("verify")):
        run("verify", "--out", at("verify"), "--python", python, "--stdlib", at(f"tree/{middle}/lib/python{middle}"))
    if not os.path.exists(at("scaling")):
        run("scaling", "--out", at("scaling"), "--root", at("tree"), "--link", "--sizes", ",".join(map(str, SIZES)))
        run("scaling", "--out", at("scaling"), "--root", at("tree"), "--link", "--flat", "--sizes", "64000")
    if wheels and not os.path.exists(at("wheels")):
        run("wheels", "--out", at("wheels"), "--python", python, "--no-deps", "--requirements", os.path.join(HERE, "wheels-150.txt"))
    return python


def walk(root):
    for _, _, names in os.walk(root):
        yield from (name for name in names if name.endswith((".pyc", ".pyo")))


def rows(work, tool, floor, python, interpreters):
    at = lambda name: shlex.quote(os.path.join(work, name))
    scan = lambda path, *more: " ".join([tool, "scan --format jsonl --verify header", *more, at(path)])
    least = lambda level, path, jobs=2: f"{floor} {level} {jobs} {at(path)}"
    each = " ".join(
        f"--dispatch {at('tree/' + series)}={os.path.join(prefix, 'bin', 'python')}"
        for series, prefix in interpreters.items() if os.path.exists(os.path.join(work, "tree", series))
    )
    yardstick = lambda path, *more: script("peer_cpython.py", *more, at(path), python=python)
    tree, one = at("tree"), at("tree/3.8")
    sums = f"find {tree} -name '*.py[co]' -print0 | xargs -0 -P2 -n 1000 sha256sum"
    yield Row("T1", "W1, a tree; CPython's script, one process", script("peer_cpython.py", each), scan("tree"), "x", 8, 9.5)
    yield Row("T2", "W1; CPython's script, two processes", script("peer_cpython.py", "--jobs 2", each), scan("tree"), "x", 5, 6)
    yield Row("T3", "W1; sha256sum, two processes", sums, scan("tree"), "x", 1.7, 2.1)
    yield Row("T5", "W1, cold; CPython's script, two processes", yardstick("tree", "--jobs 2"), scan("tree"), "x", 3, 3.5, True)
    yield Row("T6", "W1, cold; pycaudit with two threads", scan("tree", "-j2"), scan("tree"), "x", 2, 2.4, True)
    yield Row("T7a", "W2, wheels; CPython's script, one process", yardstick("wheels/withpyc"), scan("wheels/withpyc"), "x", 5.5, 6.5)
    yield Row("T7b", "W2; CPython's script, two processes", yardstick("wheels/withpyc", "--jobs 2"), scan("wheels/withpyc"), "x", 3.3, 3.8)
    if find("7z"):
        archives = f"for f in {at('wheels/withpyc')}/*.whl; do 7z t -mmt2 $f; done"
        yield Row("T8", "W2, every member hashed; 7z t", archives, scan("wheels/withpyc"), "x", 3, 3.5)
    if find("unzip"):
        yield Row("T9", "W3, one large zip; unzip -t", f"exec unzip -tqq {at('big.zip')}", scan("big.zip"), "x", 3, 3.7)
    large = os.path.join(interpreters.get("3.11", ""), "bin", "python")
    if os.path.exists(large):
        yield Row("T10", "W3; CPython's script", script("peer_cpython.py", at("big.zip"), python=large), scan("big.zip"), "x", 5, 6)
    if subprocess.run([sys.executable, "-c", "import xdis"], capture_output=True).returncode == 0 and os.path.exists(os.path.join(work, "tree/3.8")):
        yield Row("T11", "the tree of 3.8; xdis, two processes", script("peer_xdis.py", "--jobs 2", one), scan("tree/3.8"), "x", 70, 90)
    for mode in ("timestamp", "checked-hash"):
        path = "verify/" + mode
        yield Row("T12", f"W4, headers against sources, {mode}; CPython's script", yardstick(path), scan(path), "x", 5, 6.5)
    stamped = at("verify/timestamp")
    recompile = script("peer_recompile.py", "--jobs 2", stamped, python=python)
    exact = f"{tool} scan --format jsonl --verify exact --python {python} {stamped}"
    yield Row("T13", "W4, by compiling; a script that compiles and compares, two processes", recompile, exact, "x", 0.95, 1)
    for path, what in (("tree", "W1"), ("big.zip", "W3"), ("scaling/64000-flat", "64,000 pycs in one folder")):
        yield Row("T14", f"{what}; pycaudit with one thread against two", scan(path, "-j1"), scan(path, "-j2"), "x", 1.75, 1.9)
    for path, what in (("tree", "W1"), ("wheels/withpyc", "W2"), ("big.zip", "W3")):
        yield Row("T16", f"{what}, peak memory", None, scan(path), "MB", 64, 32)
    if find("file"):
        pyc = min(glob.glob(os.path.join(work, "verify/timestamp/__pycache__/abc*.pyc")), default="")
        yield Row("T18", "one pyc; file(1)", f"exec file {shlex.quote(pyc)}", f"exec {tool} scan --verify header --format jsonl {shlex.quote(pyc)}", "x", 0.67, 1)
    reports = f"exec {tool} scan -q --verify none --csv /dev/null --jsonl - {tree}"
    yield Row("G1", "W1, CSV and JSON Lines; what has to be read, hashed and parsed", least("parse", "tree"), reports, "x", None, 0.67)
    yield Row("G2", "W2; every member inflated and hashed", least("members", "wheels/withpyc"), scan("wheels/withpyc"), "x", None, 0.77)
    yield Row("G3", "W3; pycs inflated, hashed and parsed", least("parse", "big.zip"), scan("big.zip"), "x", None, 0.77)
    code = f"exec {tool} scan --format jsonl {stamped}"
    yield Row("G4", "W4, the code check; a script that compiles and compares, two processes", recompile, code, "x", None, 5)
    for level in ("walk", "read", "sha256"):
        yield Row("F", f"W1; floor: {level}", least(level, "tree"), scan("tree"), "x", None, None)
    if find("check-wheel-contents"):
        names = f"exec check-wheel-contents {at('wheels/withpyc')}"
        yield Row("F", "W2; check-wheel-contents", names, scan("wheels/withpyc"), "x", None, None)


def timed(row, rounds, quiet):
    commands = [command for command in (row.peer, row.ours) if command]
    once = lambda command: measure.quiet_run(command, row.cold, 5) if quiet else measure.run(command, row.cold)
    if not row.cold:
        for command in commands:
            measure.run(command, False)
    runs = [[once(command) for command in commands] for _ in range(rounds)]
    for run in runs:
        for one in run:
            # 1 and 3: there were findings, or damaged files. 2 is a wrong command line, 127 a missing one.
            if one["rc"] not in (0, 1, 3, 123):
                sys.exit(f"{row.id}: exit code {one['rc']}: {commands}")
    return runs


def verdict(row, figure):
    better = (lambda bar: figure >= bar) if row.unit == "x" else (lambda bar: figure <= bar)
    if row.goal is not None and better(row.goal):
        return "goal"
    if row.must is not None:
        return "must" if better(row.must) else "no"
    return "" if row.goal is None else "no"


def growth(work, tool, rounds, quiet):
    """Time and memory of each size, and how they grow."""
    print("\n| pycs | s | us per pyc | peak MB |\n|---|---|---|---|")
    figures = {}
    for size in SIZES:
        path = os.path.join(work, "scaling", str(size))
        if not os.path.exists(path):
            continue
        command = f"exec {tool} scan --verify header --format jsonl {shlex.quote(path)}"
        runs = [one for (one,) in timed(Row("", "", None, command, "x", None, None), rounds, quiet)]
        wall = statistics.median(run["wall"] for run in runs)
        peak = statistics.median(run["peak"] for run in runs)
        figures[size] = (wall / size, peak)
        print(f"| {size:,} | {wall:.3f} | {wall / size * 1e6:.1f} | {peak:.0f} |", flush=True)
    if {1000, 16000, 64000} <= set(figures):
        print(f"\nT15, time per pyc, 64,000 against 16,000 (at most 1.1, goal 1.0): {figures[64000][0] / figures[16000][0]:.2f}")
        print(f"T17, peak memory, 64,000 against 1,000 (at most 1.3, goal 1.1): {figures[64000][1] / figures[1000][1]:.2f}")
    if {1000, 256000} <= set(figures):
        rows = (figures[256000][1] - figures[1000][1]) * 1e6 / 255_000
        print(f"time per pyc, 256,000 against 16,000 (goal: at most 1.15): {figures[256000][0] / figures[16000][0]:.2f}; {rows:.0f} bytes of memory per pyc")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work")
    parser.add_argument("--interp", action="append", default=[])
    parser.add_argument("-n", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--wheels", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--tool", help="another pycaudit than the one that is built")
    arguments = parser.parse_args()
    work = os.path.abspath(arguments.work)
    os.makedirs(work, exist_ok=True)
    tool, floor = built(arguments.no_build)
    tool = os.path.abspath(arguments.tool) if arguments.tool else tool
    interpreters = prefixes(arguments.interp)
    python = make(work, interpreters, arguments.wheels)
    only = set(filter(None, arguments.only.split(",")))
    print(f"{os.cpu_count()} cores, {arguments.n} rounds\n")
    print("| | what, against which | peer s | ours s | ours cpu s | ratio | must | goal | met |\n|---|---|---|---|---|---|---|---|---|")
    for row in rows(work, tool, floor, python, interpreters):
        if only and row.id not in only or row.cold and not arguments.cold or "wheels" in row.ours and not os.path.exists(os.path.join(work, "wheels")):
            continue
        runs = timed(row, arguments.n, arguments.quiet)
        median = lambda place, figure: statistics.median(run[place][figure] for run in runs)
        bars = " | ".join("" if bar is None else f"{bar:g}" for bar in (row.must, row.goal))
        ours = f"{median(-1, 'wall'):.3f} | {median(-1, 'cpu'):.2f}"
        if row.unit == "MB":
            figure = median(-1, "peak")
            print(f"| {row.id} | {row.what} | | {ours} | {figure:.0f} MB | {bars} | {verdict(row, figure)} |", flush=True)
            continue
        ratios = [run[0]["wall"] / run[1]["wall"] for run in runs]
        figure = statistics.median(ratios)
        spread = f"{figure:.2f} ({min(ratios):.2f}..{max(ratios):.2f})"
        print(f"| {row.id} | {row.what} | {median(0, 'wall'):.3f} | {ours} | {spread} | {bars} | {verdict(row, figure)} |", flush=True)
    if not only or "T15" in only:
        growth(work, tool, arguments.n, arguments.quiet)


if __name__ == "__main__":
    main()
