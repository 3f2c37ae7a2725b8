#!/usr/bin/env python3
"""Each kind of container against the tools that everybody has, in one run.

  containers.py [--rounds N] [--megabytes N] PYCAUDIT TREE FOLDER

Packs about so many megabytes of TREE (a folder with sources and bytecode) into a container of each kind below FOLDER, and reads
each with pycaudit (`scan --verify none`), GNU tar, `unzip -t`, `7z t` and Python's zipfile and tarfile, all members read to
their end. Two times for each: the wall clock and the processor, the best of the rounds, and megabytes of unpacked data for a second
of each. Every tool runs once for each kind in each round, so that all meet the same load. Tools that are not there are left out.
"""
import argparse
import io
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile

READ_ZIP = "import sys, zipfile\narchive = zipfile.ZipFile(sys.argv[1])\nfor info in archive.infolist():\n    archive.read(info)\n"
READ_TAR = (
    "import sys, tarfile\nwith tarfile.open(sys.argv[1]) as archive:\n"
    "    for member in archive:\n        if member.isfile():\n            archive.extractfile(member).read()\n"
)


def collect(tree, most):
    """Files of the tree, in order, up to a number of bytes."""
    files, total = [], 0
    for place, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(place, name)
            if not os.path.islink(path) and os.path.isfile(path) and total < most:
                files.append(path)
                total += os.path.getsize(path)
    return files, total


def make(files, tree, out):
    """A container of each kind; those that are there already are kept."""
    def tar_of(path, mode, **more):
        with tarfile.open(path, mode, **more) as archive:
            for file in files:
                archive.add(file, os.path.relpath(file, tree))

    def zip_of(path, method):
        with zipfile.ZipFile(path, "w", method) as archive:
            for file in files:
                # Times before 1980 cannot be written.
                archive.writestr(os.path.relpath(file, tree), pathlib.Path(file).read_bytes())

    def nested(path):
        with tarfile.open(path, "w") as archive:
            inner = (out / "deflated.zip").read_bytes()
            info = tarfile.TarInfo("inner.zip")
            info.size = len(inner)
            archive.addfile(info, io.BytesIO(inner))

    def cpio(path):
        names = "\n".join(os.path.relpath(file, tree) for file in files).encode()
        path.write_bytes(subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names, stdout=subprocess.PIPE, check=True).stdout)

    def deb(path):
        folder = out / "deb"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "DEBIAN").mkdir(parents=True)
        (folder / "DEBIAN/control").write_text("Package: p\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: p\n")
        for file in files:
            to = folder / "usr" / os.path.relpath(file, tree)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, to)
        subprocess.run(["dpkg-deb", "-Zgzip", "-b", folder, path], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder)

    makers = {
        "stored.zip": lambda path: zip_of(path, zipfile.ZIP_STORED),
        "deflated.zip": lambda path: zip_of(path, zipfile.ZIP_DEFLATED),
        "plain.tar": lambda path: tar_of(path, "w"),
        "a.tar.gz": lambda path: tar_of(path, "w:gz", compresslevel=6),
        "a.tar.bz2": lambda path: tar_of(path, "w:bz2"),
        "a.tar.xz": lambda path: tar_of(path, "w:xz", preset=3),
        "a.tar.zst": lambda path: subprocess.run(["zstd", "-q", out / "plain.tar", "-o", path], check=True),
        "zip-in.tar": nested,
        "a.cpio": cpio,
        "a.deb": deb,
    }
    for name, maker in makers.items():
        if (out / name).exists():
            continue
        try:
            maker(out / name)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"not made: {name}: {error}", file=sys.stderr)
    return [out / name for name in makers if (out / name).exists()]


def readers(pycaudit, path):
    """What reads a container of this kind to its end."""
    found = {"pycaudit": [pycaudit, "scan", path, "--verify", "none", "-q", "--exit-zero", "--no-progress"]}
    found["pycaudit -j1"] = found["pycaudit"] + ["-j1"]
    if path.name.endswith(".zip"):
        found["unzip"] = ["unzip", "-tqq", path]
        found["python"] = [sys.executable, "-c", READ_ZIP, path]
    elif ".tar" in path.name:
        found["tar"] = ["tar", "-xOf", path]
        if not path.name.endswith(".zst") and path.name != "zip-in.tar":
            found["python"] = [sys.executable, "-c", READ_TAR, path]
    elif path.name.endswith(".cpio"):
        found["cpio"] = ["cpio", "-i", "--to-stdout", "--quiet", "-F", path]
    elif path.name.endswith(".deb"):
        found["dpkg-deb"] = ["dpkg-deb", "--fsys-tarfile", path]
    found["7z"] = ["7z", "t", path]
    return {tool: command for tool, command in found.items() if shutil.which(str(command[0]))}


def timed(command):
    """Seconds of the clock and of the processor; `None` when the tool fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return (wall, spent) if done.returncode in (0, 3) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pycaudit", type=pathlib.Path)
    parser.add_argument("tree", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=100)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    files, total = collect(options.tree, options.megabytes * 1_000_000)
    paths = make(files, options.tree.resolve(), options.folder.resolve())
    best = {}
    for _ in range(options.rounds):
        for path in paths:
            for tool, command in readers(options.pycaudit.resolve(), path).items():
                one = timed(command)
                if one:
                    known = best.get((path.name, tool), one)
                    best[path.name, tool] = tuple(map(min, known, one))
    print(f"{len(files)} files, {total / 1e6:.0f} MB; megabytes for a second of the clock / of the processor")
    tools = list(dict.fromkeys(tool for _, tool in best))
    print("| container | MB packed | " + " | ".join(tools) + " |")
    print("| --- | ---: |" + " ---: |" * len(tools))
    for path in paths:
        cells = []
        for tool in tools:
            found = best.get((path.name, tool))
            cells.append(f"{total / 1e6 / found[0]:.0f} / {total / 1e6 / found[1]:.0f}" if found else "")
        print(f"| {path.name} | {path.stat().st_size / 1e6:.0f} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
