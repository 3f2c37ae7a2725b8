"""The command line: `pycaudit-ray INPUT... --output PLACE [report options] [-- scan options]`."""

import argparse
import json
import os
import pathlib
import sys
import tempfile

from pycaudit_ray import __version__

# Options of `pycaudit scan` that are the driver's business: what is scanned, and what is written where.
TAKEN = (
    "--csv",
    "--findings-csv",
    "--html",
    "--jsonl",
    "--sarif",
    "--write-baseline",
    "--format",
    "--files-from",
    "--null",
    "-0",
    "--redact",
    "--exit-zero",
    "-q",
    "--quiet",
    "-v",
    "--verbose",
)
REPORTS = ("csv", "findings-csv", "html", "jsonl", "sarif", "write-baseline")


def size(typed: str) -> int:
    """`256M` in bytes."""
    shift = {"K": 10, "M": 20, "G": 30}.get(typed[-1:].upper())
    number = int(typed[:-1] if shift else typed) << (shift or 0)
    if number < 1:
        raise ValueError
    return number


def parser() -> argparse.ArgumentParser:
    """What can be typed."""
    parser = argparse.ArgumentParser(
        prog="pycaudit-ray",
        description="Scans a folder or bucket of packages on a Ray cluster: one task per shard, a saved run per shard, one report of all.",
        epilog="What follows `--` are options of `pycaudit scan`. Exit codes are those of pycaudit; 3 also when something could not be fetched.",
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="folders or files that every node sees, or URLs: s3://bucket/prefix, gs://...")
    parser.add_argument("--output", required=True, metavar="PLACE", help="where saved runs go, a folder that every node sees or a URL; a rerun goes on there")
    parser.add_argument("--address", metavar="ADDRESS", help="the cluster (`auto`, HOST:PORT, ray://...); without it RAY_ADDRESS, or one on this machine")
    parser.add_argument("--shard-size", type=size, default=256 << 20, metavar="SIZE", help="bytes of a shard, at most, unless one file is larger [256M]")
    parser.add_argument("--shard-files", type=int, default=2000, metavar="N", help="files of a shard, at most [2000]")
    parser.add_argument("--retries", type=int, default=3, metavar="N", help="how often a shard is tried again when its node is lost [3]")
    parser.add_argument("--timeout", type=float, default=3600, metavar="SECONDS", help="how long a shard may take before it is cut in two [3600]")
    parser.add_argument("--cpus", type=float, default=1, metavar="N", help="processors that a task takes [1]")
    parser.add_argument("--pycaudit", default="", metavar="PATH", help="the scanner on every node; without it that of its Python, or on its PATH")
    for kind in REPORTS:
        parser.add_argument(f"--{kind}", action="append", default=[], metavar="FILE", help=f"write this report of all shards here (pycaudit report --{kind})")
    parser.add_argument("--redact", action="store_true", help="mask names of users and machines in these reports")
    parser.add_argument("--version", action="version", version=f"pycaudit-ray {__version__}")
    return parser


def main(words: list[str] | None = None) -> int:
    """Runs the command."""
    words = sys.argv[1:] if words is None else words
    at = words.index("--") if "--" in words else len(words)
    options = tuple(words[at + 1 :])
    command = parser()
    args = command.parse_args(words[:at])
    if taken := [word for word in options if word.partition("=")[0] in TAKEN]:
        command.error(f"{taken[0]} is no option of a shard; reports are options before `--`")
    if not any(word.partition("=")[0] in ("--config", "--no-config") for word in options):
        # A file that lies about on some node must not decide what its shards are checked for.
        options += ("--no-config",)
    if not any(word.startswith(("-j", "--jobs")) for word in options):
        # Four for each processor, as the scanner has them by itself, but of this task's processors and not of the whole node's.
        options += ("--jobs", str(max(1, round(4 * args.cpus))))

    # After the options are known to be good: Ray takes a second to import.
    import ray

    from pycaudit_ray import driver
    from pycaudit_ray.storage import Output, is_url, path_of
    from pycaudit_ray.worker import OutputFailed, Settings, ShardFailed

    # Tasks have working directories of their own.
    inputs = [place if is_url(place) else path_of(place) for place in args.inputs]
    settings = Settings(
        output=args.output if is_url(args.output) else path_of(args.output),
        program=os.path.abspath(args.pycaudit) if os.sep in args.pycaudit else args.pycaudit,
        options=options,
        timeout=args.timeout,
    )
    try:
        driver.connect(args.address)
        try:
            output = Output(settings.output)
            version = driver.probe(settings, inputs, args.cpus)
            shards, passed_over = driver.plan(inputs, driver.fingerprint(version, options), args.shard_size, args.shard_files)
            if not shards:
                driver.say("nothing to scan")
                return 2
            if passed_over:
                first = "; ".join(f"{path}: {why}" for path, why in passed_over[:5])
                driver.say(f"{len(passed_over)} links, special files and folders that cannot be read are not scanned: {first}")
            outcome = driver.Driver(settings, args.retries, args.cpus).run(shards)
        finally:
            ray.shutdown()
        _write_plan(output, outcome)
        reports = [word for kind in REPORTS for path in getattr(args, kind.replace("-", "_")) for word in (f"--{kind}", path)]
        if args.redact:
            reports.append("--redact")
        code = driver.report(output, outcome.done, settings.program, reports) if outcome.done else 3
    except (OSError, ShardFailed, ray.exceptions.RayError, ImportError) as error:
        cause = getattr(error, "cause", None) or error
        driver.say(f"{cause if isinstance(cause, (OutputFailed, ShardFailed)) else f'{type(cause).__name__}: {cause}'}")
        return 2
    except KeyboardInterrupt:
        return 130
    unread = [each for each in passed_over if each[1].startswith("cannot be read")]
    for location, why in outcome.lost + unread:
        driver.say(f"not scanned: {location}: {why}")
    if code != 0:
        return 3 if code == 3 else 2
    if outcome.lost or unread or outcome.incomplete:
        return 3
    return 1 if outcome.found else 0


def _write_plan(output, outcome) -> None:
    """Leaves a list of the shards of this run: an earlier one may have left others beside them."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "plan.json"
        lost = [{"location": location, "why": why} for location, why in outcome.lost]
        text = json.dumps({"shards": [f"{name}.jsonl" for name in outcome.done], "lost": lost}, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
        output.put("plan.json", path)


if __name__ == "__main__":
    sys.exit(main())
