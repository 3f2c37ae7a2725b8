"""Plants changes in pycs whose sources stay what they were, and asks `pycaudit scan --verify code` for each: the rate of those
that are found, by kind and version, and every one that is missed, with its place.

    python3 tests/oracle/mutate/mutate.py target/release/pycaudit --python python2.7 --python python3.12
        [--pyodide PACKAGE_FOLDER] [--modules 300] [--cases 30] [--seed 1] [--keep FOLDER] [--only KIND]

Planted are changes of the syntax tree (`trees.py`), of the compiled code (`codes.py`), and code that is forged against this check
(`forged.py`). Kinds that begin with "no effect" are shown and not counted. A change that leaves the same code but for file
names and lines is counted apart: there is nothing to find. Python 3.8 or later; the planting runs in each interpreter given (CPython 2.7, 3.6 to 3.13, and
of the npm package `pyodide` 3.14 and 3.15, where no single bytes are changed).
"""

import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

# Kinds that are no misses: what is there to see has no effect, or nothing was changed.
UNPLANTED = ("(unchanged)", "no effect: ")
HERE = os.path.dirname(os.path.abspath(__file__))


def version_of(python):
    command = [python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"]
    if os.path.isdir(python):
        command = ["node", os.path.join(HERE, "plant.mjs"), python, "about"]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return said.stdout.decode().strip()


def plant(python, folder, options):
    os.makedirs(folder)
    command = [python, "-B", os.path.join(HERE, "plant.py")]
    if os.path.isdir(python):
        command = ["node", os.path.join(HERE, "plant.mjs"), python, os.path.dirname(HERE)]
    command += [folder, str(options.seed), str(options.modules), str(options.cases)]
    environment = dict(os.environ, PYTHONHASHSEED="0", PYCAUDIT_ONLY=options.only or "")
    subprocess.run(command, check=True, env=environment)
    with open(os.path.join(folder, "cases.txt"), encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def judge(pycaudit, folder, exact):
    """What is said of each case: `verified`, `differs` or the reason for `unverified`; and the seconds that it took.

    With an interpreter for `--verify exact`, whatever is not shown to be what it compiles is found."""
    report = os.path.join(folder, "report.jsonl")
    before = time.time()
    command = [
        pycaudit,
        "scan",
        os.path.join(folder, "cases"),
        "--jsonl",
        report,
        "--select",
        "PYC9,PYC211",
        "--exit-zero",
        "--no-progress",
        "-q",
    ]
    if exact:
        command += ["--verify", "exact", "--python", exact]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode not in (0, 3):
        sys.exit("%s: exit code %d: %s" % (pycaudit, done.returncode, done.stderr.decode()))
    said = {}
    with open(report, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["type"] == "pyc":
                number = os.path.relpath(row["artifact"]["text"], os.path.join(folder, "cases")).split(os.sep)[0]
                if "PYC211" in row.get("findings", ()):
                    # Compiled from the source, at a level of optimisation that its name does not say: that is a finding too.
                    said[number] = "differs"
                elif exact:
                    said[number] = "verified" if row.get("strength") == "exact" else "differs"
                elif row["code_match"] == "unverified":
                    said[number] = "unverified: " + row.get("code_reason", "")
                else:
                    said[number] = row["code_match"]
    return said, time.time() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pycaudit")
    parser.add_argument("--python", action="append", default=[])
    parser.add_argument("--pyodide", action="append", default=[], help="the folder of that npm package")
    parser.add_argument("--modules", type=int, default=300)
    parser.add_argument("--cases", type=int, default=30, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--exact", action="store_true", help="have the interpreter compile the sources: `--verify exact`")
    parser.add_argument("--only", help="kinds whose name has this in it")
    parser.add_argument("--keep", help="a folder that does not exist yet, in which the cases stay")
    options = parser.parse_args()
    root = options.keep or tempfile.mkdtemp()
    counts = collections.defaultdict(collections.Counter)
    versions = []
    for python in options.python + options.pyodide:
        version = version_of(python)
        versions.append(version)
        folder = os.path.join(root, version)
        cases = plant(python, folder, options)
        said, seconds = judge(options.pycaudit, folder, python if options.exact else None)
        print("%s: %d cases, compared in %.1f s" % (version, len(cases), seconds), flush=True)
        for number, kind, module, place, effect in cases:
            answer = said.get(number, "not seen")
            counts[kind][version, effect, answer.partition(":")[0]] += 1
            is_planted = not kind.startswith(UNPLANTED)
            if kind == "(unchanged)" and answer != "verified":
                print("FALSE\t%s\t%s\t%s\t%s\t%s\t%s" % (version, number, kind, module, place, answer), flush=True)
            elif is_planted and effect == "changed" and answer != "differs":
                print("MISS\t%s\t%s\t%s\t%s\t%s\t%s" % (version, number, kind, module, place, answer), flush=True)
        if not options.keep:
            shutil.rmtree(folder)
    print()
    print("kind\t" + "\t".join(versions) + "\tall\tunverified\tsame code")
    total = collections.Counter()
    for kind, count in counts.items():
        cells = []
        for version in versions:
            cells.append(ratio(count, [version]))
            for effect in ("changed", "same"):
                for answer in ("verified", "differs", "unverified", "not seen"):
                    if not kind.startswith(UNPLANTED):
                        total[version, effect, answer] += count[version, effect, answer]
        unverified = sum(number for key, number in count.items() if key[2] == "unverified")
        same = sum(number for key, number in count.items() if key[1] == "same")
        print("\t".join([kind] + cells + [ratio(count, versions), str(unverified), str(same)]))
    print("\t".join(["all"] + [ratio(total, [version]) for version in versions] + [ratio(total, versions)]))


def ratio(count, versions):
    planted = sum(number for key, number in count.items() if key[0] in versions and key[1] == "changed")
    found = sum(number for key, number in count.items() if key[0] in versions and key[1:] == ("changed", "differs"))
    return "%d/%d" % (found, planted) if planted else "-"


if __name__ == "__main__":
    main()
