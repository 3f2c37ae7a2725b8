"""A real cluster on this machine: several nodes, one of which is killed while it scans. `PYCAUDIT` names the scanner to test."""

import csv
import json
import os
import pathlib
import py_compile
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

# Workers that are nicer than everything else take minutes on a machine that is busy; Ray reads this when it starts them.
os.environ["RAY_worker_niceness"] = "0"

from ray.cluster_utils import Cluster  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PYCAUDIT = os.environ.get("PYCAUDIT") or str(HERE.parent.parent / "target/release/pycaudit")
NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
WHEELS = 60


def wheels(folder: pathlib.Path, count: int, first: int = 0) -> None:
    """Wheels with caches beside their sources; in each third one the source is another than that of the cache."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for number in range(first, first + count):
            name = f"p{number:03}"
            with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
                for module in range(4):
                    source = pathlib.Path(temporary) / f"m{module}.py"
                    source.write_text(f"def f(x):\n    return x + {number} * {module}\n")
                    cached = f"m{module}.{sys.implementation.cache_tag}.pyc"
                    compiled = py_compile.compile(
                        str(source), str(source) + "c", f"{name}/m{module}.py", invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
                    )
                    wheel.write(compiled, f"{name}/__pycache__/{cached}")
                    other = "" if number % 3 else "print('other')\n"
                    wheel.writestr(f"{name}/m{module}.py", source.read_text() + other)
                wheel.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")


def rows(path: pathlib.Path) -> list[dict]:
    with open(path, newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


class ClusterCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="pycaudit-ray-test-")
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.dump = cls.folder / "dump"
        wheels(cls.dump / "a", WHEELS // 2)
        wheels(cls.dump / "b", WHEELS // 2, WHEELS // 2)
        single = [PYCAUDIT, "scan", str(cls.dump), "--no-config", "--csv", "single.csv", "--findings-csv", "single-findings.csv"]
        cls.code = subprocess.run(single, cwd=cls.folder, stdout=subprocess.DEVNULL, check=False).returncode
        # What a slow disk or a large shard would do: time for a node to be lost in.
        cls.slow = cls.script("slow", f'[ "$1" = scan ] && sleep 0.4; exec {PYCAUDIT} "$@"')
        cls.cluster = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0})
        cls.nodes = [cls.cluster.add_node(**NODE) for _ in range(3)]

    @classmethod
    def tearDownClass(cls):
        cls.cluster.shutdown()
        cls.temporary.cleanup()

    @classmethod
    def script(cls, name: str, text: str) -> str:
        path = cls.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    def start(self, output: str, *options: str, program: str = PYCAUDIT, inputs: str = "") -> subprocess.Popen:
        command = [sys.executable, "-m", "pycaudit_ray", inputs or str(self.dump), "--output", output]
        command += ["--address", self.cluster.address, "--pycaudit", program, "--shard-files", "4", *options]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen) -> tuple[int, str]:
        _, said = process.communicate(timeout=240)
        return process.returncode, said

    def check_reports(self, name: str) -> None:
        for kind in ("", "-findings"):
            self.assertEqual(rows(self.folder / f"{name}{kind}.csv"), rows(self.folder / f"single{kind}.csv"))

    def test_a_node_that_is_killed_in_the_middle_costs_time_and_nothing_else(self):
        self.assertEqual(self.code, 1)
        output = self.folder / "killed"
        reports = ("--csv", "killed.csv", "--findings-csv", "killed-findings.csv", "--jsonl", "killed.jsonl")
        process = self.start(str(output), *reports, program=self.slow)
        while process.poll() is None and len(list(output.glob("shard-*.json"))) < 3:
            time.sleep(0.02)
        self.assertIsNone(process.poll(), "it ended before a node could be killed")
        done = len(list(output.glob("shard-*.json")))
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)
        code, said = self.finish(process)
        self.assertEqual(code, 1, said)
        self.check_reports("killed")
        shards = list(output.glob("shard-*.json"))
        self.assertLess(done, len(shards), "the node was killed after the last shard")
        self.assertFalse(list(output.glob("*.part")))
        # A rerun has nothing to do, and gives the same reports.
        process = self.start(str(output), "--csv", "again.csv", "--findings-csv", "again-findings.csv", program=self.slow)
        code, said = self.finish(process)
        self.assertEqual(code, 1, said)
        self.assertIn(f"{len(shards)} of them done before; 0 to scan", said)
        self.check_reports("again")
        summary = json.loads((self.folder / "killed.jsonl").read_text().splitlines()[-1])
        self.assertEqual((summary["pycs"], summary["archives"]), (WHEELS * 4, WHEELS))

    def test_a_file_that_kills_the_scanner_costs_itself(self):
        poisoned = self.folder / "fragile-dump"
        wheels(poisoned, 9)
        (poisoned / "p004-poison.whl").write_bytes(b"x")
        program = self.script(
            "fragile",
            '[ "$1" = scan ] || exec ' + PYCAUDIT + ' "$@"\n'
            'list=$(mktemp); trap \'rm -f "$list"\' EXIT\n'
            "for word; do [ \"$word\" = --files-from ] && cat > \"$list\"; done\n"
            'grep -q poison "$list" && kill -9 $$\n' + PYCAUDIT + ' "$@" < "$list"',
        )
        process = self.start("poisoned-out", "--csv", "poisoned.csv", program=program, inputs=str(poisoned))
        code, said = self.finish(process)
        self.assertEqual(code, 3, said)
        self.assertIn("is cut in two", said)
        self.assertIn(f"not scanned: {poisoned}/p004-poison.whl: the scanner ended with -9", said)
        self.assertEqual(len(rows(self.folder / "poisoned.csv")), 9 * 4)
        plan = json.loads((self.folder / "poisoned-out/plan.json").read_text())
        self.assertEqual(len(plan["lost"]), 1)

    def test_a_store_is_fetched_from_and_written_to(self):
        # fsspec's own name for a local file system: everything but the network is that of a bucket.
        url = f"local://{self.dump}/a"
        process = self.start(f"local://{self.folder}/stored", "--csv", "stored.csv", inputs=url)
        code, said = self.finish(process)
        self.assertEqual(code, 1, said)
        stored = rows(self.folder / "stored.csv")
        self.assertEqual(len(stored), WHEELS // 2 * 4)
        self.assertEqual(stored[0]["artifact"], f"{str(self.dump)[1:]}/a/p000-1.0-py3-none-any.whl")
        expected = [row["sha256"] for row in rows(self.folder / "single.csv") if "/dump/a/" in row["artifact"]]
        self.assertEqual([row["sha256"] for row in stored], expected)

    def test_places_that_only_this_machine_sees_are_known_before_any_work(self):
        process = self.start("hidden", inputs=f"{self.folder}/nowhere")
        code, said = self.finish(process)
        self.assertEqual(code, 2, said)
        self.assertIn("nowhere", said)

    def test_an_option_that_the_scanner_does_not_take_is_known_before_any_work(self):
        process = self.start("wrong", "--", "--select", "PYC999")
        code, said = self.finish(process)
        self.assertEqual(code, 2, said)
        self.assertIn("no rule is called `PYC999`", said)
        self.assertFalse(list((self.folder / "wrong").glob("shard-*")))


if __name__ == "__main__":
    unittest.main()
