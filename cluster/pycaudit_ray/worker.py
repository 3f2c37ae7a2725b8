"""Scans one shard, on whatever node has room: fetch, scan in a process of its own, write the saved run, then the note that it is done."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from pycaudit_ray.shards import Shard
from pycaudit_ray.storage import Item, Output, fetch, fetched_name, is_url

# Exit codes of `pycaudit scan` that come with a whole report: clean, findings, not all could be read.
FINISHED = (0, 1, 3)


# What the driver leaves in the output, so that a node can say whether it sees the same place.
MARK = "pycaudit-ray.mark"


class ShardFailed(Exception):
    """The scanner did not finish."""


class OutputFailed(OSError):
    """Results cannot be written: that is not a matter of one shard."""


@dataclass(frozen=True)
class Settings:
    """What every task is told."""

    output: str
    # The program; empty for the one that is installed with this package or on PATH.
    program: str
    options: tuple[str, ...]
    timeout: float


def program(named: str) -> str:
    """The scanner on this node: the one that was named, that of this Python, or that on PATH."""
    if named:
        return named
    beside = os.path.join(os.path.dirname(sys.executable), "pycaudit")
    found = beside if os.path.exists(beside) else shutil.which("pycaudit")
    if found is None:
        raise ShardFailed(f"no `pycaudit` on {socket.gethostname()}: install it there, or name it with --pycaudit")
    return found


def probe(settings: Settings, inputs: list[str], mark: str) -> str:
    """The version of the scanner, once it has shown that it takes the options and this node that it sees what the driver sees."""
    here, named, options = socket.gethostname(), settings.program, settings.options
    for location in inputs:
        if not is_url(location) and not os.path.exists(location):
            raise ShardFailed(f"{location} is not there on {here}: inputs have to be in a store or on a file system that all nodes share")
    try:
        seen = Output(settings.output).read(MARK).decode()
    except OSError:
        seen = ""
    if seen != mark:
        raise ShardFailed(f"{settings.output} is another place on {here}: it has to be in a store or on a file system that all nodes share")
    with tempfile.TemporaryDirectory(prefix="pycaudit-ray-") as folder:
        path = program(named)
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if version.returncode != 0:
            raise ShardFailed(f"`{path} --version` ended with {version.returncode}: {version.stderr.strip()}")
        command = [path, "scan", ".", "--exit-zero", "--no-progress", *options]
        trial = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, stdin=subprocess.DEVNULL)
        if trial.returncode != 0:
            raise ShardFailed(trial.stderr.strip())
        return version.stdout.strip()


def scan(shard: Shard, settings: Settings) -> dict:
    """Scans a shard and writes `NAME.jsonl`, then `NAME.json`, which says that it is done; gives what that says."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pycaudit-ray-") as temporary:
        folder = pathlib.Path(temporary)
        inputs = folder / "inputs"
        inputs.mkdir()
        paths, unfetched = _gather(shard.items, inputs)
        run = folder / "run.jsonl"
        code = _run(paths, inputs, run, settings)
        output = Output(settings.output)
        _put(output, f"{shard.name}.jsonl", run)
        done = {
            "shard": shard.name,
            "files": len(shard.items),
            "bytes": shard.size,
            "exit_code": code,
            "unfetched": unfetched,
            "node": socket.gethostname(),
            "seconds": round(time.monotonic() - began, 3),
        }
        note = folder / "done.json"
        note.write_text(json.dumps(done) + "\n", encoding="utf-8")
        _put(output, f"{shard.name}.json", note)
        return done


def _put(output: Output, name: str, source: pathlib.Path) -> None:
    try:
        output.put(name, source)
    except OSError as error:
        raise OutputFailed(f"cannot write {name} to {output.location} on {socket.gethostname()}: {error}") from error


def _gather(items: tuple[Item, ...], folder: pathlib.Path) -> tuple[list[str], list[dict]]:
    """Paths to scan: of a file system as they are, of a store relative to where they were fetched to. What is gone is told."""
    paths, unfetched = [], []
    for item in items:
        if not is_url(item.location):
            path = item.location
            if not os.path.exists(path):
                unfetched.append({"location": item.location, "why": "not there (any more)"})
                continue
        else:
            path = fetched_name(item.location)
            try:
                fetch(item.location, folder / path)
            except (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError) as error:
                # Other errors of a store pass: the task is tried again.
                unfetched.append({"location": item.location, "why": f"{type(error).__name__}: {error}"[:500]})
                continue
        paths.append(path)
    return paths, unfetched


def _run(paths: list[str], folder: pathlib.Path, run: pathlib.Path, settings: Settings) -> int:
    command = [program(settings.program), "scan", "--no-progress", "--quiet", *settings.options, "--jsonl", str(run)]
    if paths:
        command += ["--files-from", "-", "-0"]
    else:
        # Nothing was left of it: a run of nothing, so that the merged report has as many runs as there are shards.
        command.append(".")
    listed = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
    try:
        ended = subprocess.run(
            command,
            input=listed,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=settings.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ShardFailed(f"not done after {settings.timeout:.0f} s") from error
    if ended.returncode not in FINISHED:
        said = ended.stderr.decode("utf-8", "backslashreplace").strip()[-500:]
        raise ShardFailed(f"the scanner ended with {ended.returncode}: {said}")
    return ended.returncode
