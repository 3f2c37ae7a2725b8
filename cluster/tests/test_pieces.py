"""Listing, cutting and writing, without a cluster."""

import os
import pathlib
import tempfile
import unittest
from unittest import mock

from pycaudit_ray import __main__ as command
from pycaudit_ray.shards import Shard, cut
from pycaudit_ray.storage import Item, Output, fetched_name, listing


def items(count: int, size: int = 100) -> list[Item]:
    return [Item(f"/dump/p{number:04}.whl", size, "1") for number in range(count)]


class Shards(unittest.TestCase):
    def test_every_file_is_in_one_shard_in_path_order_and_none_is_too_large(self):
        shards = list(cut(reversed(items(1000)), "", 2000, 50))
        self.assertEqual([item for shard in shards for item in shard.items], items(1000))
        self.assertTrue(all(shard.size <= 2000 for shard in shards))
        self.assertLess(len(shards), 250)
        self.assertEqual([len(shard.items) for shard in cut(items(3, 5000), "", 2000, 50)], [1, 1, 1])

    def test_path_order_is_part_by_part(self):
        mixed = [Item(path, 1, "") for path in ("/d/a.b/x", "/d/a/x", "/d/a-b/x")]
        self.assertEqual([item.location for shard in cut(mixed, "", 9, 9) for item in shard.items], ["/d/a/x", "/d/a-b/x", "/d/a.b/x"])

    def test_a_file_more_changes_few_shards(self):
        before = {shard.name for shard in cut(items(2000), "", 4000, 1000)}
        after = {shard.name for shard in cut([*items(2000), Item("/dump/p0100a.whl", 100, "1")], "", 4000, 1000)}
        self.assertLess(len(after - before), 8)
        self.assertGreater(len(after & before), 40)

    def test_other_contents_or_other_options_have_another_name(self):
        names = {
            Shard((Item("/a", 1, "1"),), "x").name,
            Shard((Item("/a", 1, "2"),), "x").name,
            Shard((Item("/a", 2, "1"),), "x").name,
            Shard((Item("/b", 1, "1"),), "x").name,
            Shard((Item("/a", 1, "1"),), "y").name,
        }
        self.assertEqual(len(names), 5)


class Storage(unittest.TestCase):
    def test_a_key_leads_nowhere_else(self):
        for key in ("b/../../etc/passwd", "b//x", "b/./x", "b/\0", "../x", "b/" + "x" * 900 + ".whl"):
            name = fetched_name(f"s3://{key}")
            parts = name.split("/")
            self.assertFalse({"", ".", ".."} & set(parts), name)
            self.assertTrue(all(len(part.encode()) <= 255 for part in parts), name)
            self.assertNotIn("\0", name)
        self.assertEqual(fetched_name("s3://b/dir/p-1.0.whl"), "b/dir/p-1.0.whl")
        self.assertTrue(fetched_name("s3://b/" + "x" * 900 + ".whl").endswith(".whl"))

    def test_links_and_pipes_are_told_and_not_opened(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "sub").mkdir()
            (root / "sub/a.whl").write_bytes(b"x")
            (root / "link.whl").symlink_to("/etc/passwd")
            os.mkfifo(root / "pipe.whl")
            told = {}
            found = [item.location for item in listing(folder, told.__setitem__)]
        self.assertEqual(found, [f"{folder}/sub/a.whl"])
        self.assertEqual(told, {f"{folder}/link.whl": "a link", f"{folder}/pipe.whl": "no regular file"})

    def test_a_file_appears_whole_or_not_at_all(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "source"
            source.write_bytes(b"whole")
            output = Output(f"{folder}/out")
            output.create()
            with mock.patch("os.replace", side_effect=OSError("full")), self.assertRaises(OSError):
                output.put("shard.jsonl", source)
            self.assertEqual(output.names(), set())
            output.put("shard.jsonl", source)
            self.assertEqual((output.names(), output.read("shard.jsonl")), ({"shard.jsonl"}, b"whole"))


class CommandLine(unittest.TestCase):
    def test_what_would_write_a_file_on_every_node_is_refused(self):
        for option in ("--csv=x.csv", "--jsonl", "--redact", "--files-from"):
            with self.assertRaises(SystemExit) as ended, mock.patch("sys.stderr"):
                command.main(["/dump", "--output", "/out", "--", option, "x"])
            self.assertEqual(ended.exception.code, 2)

    def test_a_size_takes_a_suffix(self):
        self.assertEqual((command.size("12"), command.size("3K"), command.size("2G")), (12, 3 << 10, 2 << 30))
        for wrong in ("", "0", "x", "5T"):
            with self.assertRaises(ValueError):
                command.size(wrong)


if __name__ == "__main__":
    unittest.main()
