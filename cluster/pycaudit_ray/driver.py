"""Hands shards out to the cluster and keeps count.

Ray tries a task again when its node or process is lost, or when a store fails. A shard that fails all the same is cut in two, so that one
file that kills the scanner costs itself and not its neighbours; a file that fails alone is named, and the exit code is 3.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid
from collections import deque
from dataclasses import dataclass, field

import ray

import pycaudit_ray
from pycaudit_ray import worker
from pycaudit_ray.shards import Shard, cut
from pycaudit_ray.storage import Item, Output, listing
from pycaudit_ray.worker import OutputFailed, Settings, ShardFailed

# Tasks that are under way for each processor of the cluster: enough that none waits, few enough that a plan of millions is no queue.
AHEAD = 4


@dataclass
class Outcome:
    """What became of a run."""

    # Names of the shards that are done, in the order of the plan.
    done: list[str] = field(default_factory=list)
    skipped: int = 0
    incomplete: int = 0
    found: bool = False
    # What could not be scanned: location and why.
    lost: list[tuple[str, str]] = field(default_factory=list)


def say(text: str) -> None:
    """One line on stderr; names of files may be in it, so controls are escaped."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    print(f"pycaudit-ray: {shown}", file=sys.stderr, flush=True)


def fingerprint(version: str, options: tuple[str, ...]) -> str:
    """What is asked of every shard: the same gives the same results. Files that options name count with their contents."""
    parts = [version]
    for option in options:
        parts.append(option)
        path = option.partition("=")[2] if option.startswith("--") else option
        if path and os.path.isfile(path):
            parts.append(hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest())
    return "\0".join(parts)


def plan(inputs: list[str], settings: str, most_bytes: int, most_files: int) -> tuple[list[Shard], list[tuple[str, str]]]:
    """The shards of all inputs, and what is in none, with the reason; a file that is named twice is scanned once."""
    items: dict[str, Item] = {}
    passed_over: list[tuple[str, str]] = []
    for location in inputs:
        for item in listing(location, lambda path, why: passed_over.append((path, why))):
            items[item.location] = item
    return list(cut(items.values(), settings, most_bytes, most_files)), passed_over


class Driver:
    """One run."""

    def __init__(self, settings: Settings, retries: int, cpus: float) -> None:
        self.settings = settings
        self.output = Output(settings.output)
        self.scan = ray.remote(
            num_cpus=cpus,
            max_retries=retries,
            # A scanner that fails on a shard fails again: that one is cut in two instead.
            retry_exceptions=[OSError, TimeoutError, ConnectionError],
        )(worker.scan)
        self.halved: dict[str, tuple[Shard, Shard]] = {}
        self.results: dict[str, dict] = {}
        self.failed: dict[str, str] = {}

    def run(self, shards: list[Shard]) -> Outcome:
        """Scans what is not done yet."""
        outcome = Outcome()
        names = self.output.names()
        waiting: deque[Shard] = deque()
        for shard in shards:
            self._resume(shard, names, waiting, outcome)
        total = sum(shard.size for shard in waiting)
        say(f"{len(shards)} shards, {outcome.skipped} of them done before; {len(waiting)} to scan ({total / 1e6:.1f} MB)")
        room = max(1, int(ray.cluster_resources().get("CPU", 1) * AHEAD))
        under_way: dict[ray.ObjectRef, Shard] = {}
        told = time.monotonic()
        while waiting or under_way:
            while waiting and len(under_way) < room:
                shard = waiting.popleft()
                under_way[self.scan.remote(shard, self.settings)] = shard
            ready, _ = ray.wait(list(under_way), num_returns=1, timeout=10)
            for reference in ready:
                shard = under_way.pop(reference)
                try:
                    self.results[shard.name] = ray.get(reference)
                except ray.exceptions.RayError as error:
                    self._take_failure(shard, error, waiting)
            if time.monotonic() - told >= 10 or not (waiting or under_way):
                told = time.monotonic()
                say(f"{len(self.results)} shards scanned, {len(waiting) + len(under_way)} to come, {len(self.failed)} failed")
        for shard in shards:
            self._settle(shard, outcome)
        return outcome

    def _resume(self, shard: Shard, names: set[str], waiting: deque[Shard], outcome: Outcome) -> None:
        """Takes over what an earlier run wrote."""
        if {f"{shard.name}.json", f"{shard.name}.jsonl"} <= names:
            done = json.loads(self.output.read(f"{shard.name}.json"))
            # What could not be fetched may be there by now.
            if not done["unfetched"]:
                self.results[shard.name] = done
                outcome.skipped += 1
                return
        elif f"{shard.name}.halved" in names:
            self.halved[shard.name] = shard.halves()
            for half in self.halved[shard.name]:
                self._resume(half, names, waiting, outcome)
            return
        waiting.append(shard)

    def _take_failure(self, shard: Shard, error: Exception, waiting: deque[Shard]) -> None:
        cause = getattr(error, "cause", None) or error
        if isinstance(cause, OutputFailed):
            raise error
        why = str(cause) if isinstance(cause, ShardFailed) else f"{type(cause).__name__}: {str(cause).strip().splitlines()[-1:]}"
        if len(shard.items) == 1:
            self.failed[shard.name] = why[:500]
            say(f"{shard.items[0].location}: {why}")
            return
        say(f"{shard.name} ({len(shard.items)} files) is cut in two: {why}")
        self.halved[shard.name] = shard.halves()
        with tempfile.NamedTemporaryFile() as empty:
            self.output.put(f"{shard.name}.halved", pathlib.Path(empty.name))
        waiting.extend(self.halved[shard.name])

    def _settle(self, shard: Shard, outcome: Outcome) -> None:
        """Puts the results into the order of the plan."""
        if shard.name in self.halved:
            for half in self.halved[shard.name]:
                self._settle(half, outcome)
        elif shard.name in self.failed:
            outcome.lost.append((shard.items[0].location, self.failed[shard.name]))
        else:
            done = self.results[shard.name]
            outcome.done.append(shard.name)
            outcome.incomplete += done["exit_code"] == 3
            outcome.found |= done["exit_code"] == 1
            outcome.lost.extend((each["location"], each["why"]) for each in done["unfetched"])


def connect(address: str | None) -> None:
    """Joins a cluster, or starts one on this machine. Workers get this package from here."""
    ray.init(
        address=address,
        runtime_env={"py_modules": [pycaudit_ray]},
        log_to_driver=False,
        logging_level="ERROR",
        configure_logging=True,
    )


def probe(settings: Settings, inputs: list[str], cpus: float) -> str:
    """The version of the scanner on some node. Options that it does not take, and places that it does not see, are known before any work."""
    output = Output(settings.output)
    output.create()
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "mark"
        path.write_text(mark, encoding="utf-8")
        output.put(worker.MARK, path)
    return ray.get(ray.remote(num_cpus=cpus, max_retries=3)(worker.probe).remote(settings, inputs, mark))


def report(output: Output, names: list[str], named: str, options: list[str]) -> int:
    """Writes one report of all shards on this machine; the exit code of `pycaudit report`."""
    with tempfile.TemporaryDirectory(prefix="pycaudit-ray-") as folder:
        runs = [output.get(f"{name}.jsonl", pathlib.Path(folder) / f"{name}.jsonl") for name in names]
        command = [worker.program(named), "report", *options, "--", *map(str, runs)]
        return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
