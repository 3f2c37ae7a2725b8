"""Cuts a listing into shards. What a shard is called follows from what is in it, so that a rerun knows what is done."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pycaudit_ray.storage import Item


@dataclass(frozen=True)
class Shard:
    """Files that one task scans."""

    items: tuple[Item, ...]
    # What is asked of every shard of the run: version, options and the files that options name.
    settings: str

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(item.size for item in self.items)

    @property
    def name(self) -> str:
        """Its name: other files, other contents or other options give another."""
        digest = hashlib.sha256(self.settings.encode())
        for item in self.items:
            for field in (item.location, str(item.size), item.state):
                digest.update(b"\0" + field.encode("utf-8", "surrogateescape"))
        return f"shard-{digest.hexdigest()[:24]}"

    def halves(self) -> tuple["Shard", "Shard"]:
        """Two shards of half the files each."""
        middle = len(self.items) // 2
        return Shard(self.items[:middle], self.settings), Shard(self.items[middle:], self.settings)


def order(item: Item) -> list[bytes]:
    """Path order, part by part, as a scan of the whole folder has it."""
    return item.location.encode("utf-8", "surrogateescape").split(b"/")


def cut(items: Iterable[Item], settings: str, most_bytes: int, most_files: int) -> Iterator[Shard]:
    """Shards of at most so many bytes (or one file) and files, in path order.

    Names decide where a shard may end early: a file that is added or removed changes its own shard and the next, not all that follow.
    """
    held: list[Item] = []
    size = 0
    for item in sorted(items, key=order):
        is_full = size + item.size > most_bytes or len(held) >= most_files
        is_far = size >= most_bytes // 4 or len(held) >= most_files // 4
        if held and (is_full or (is_far and _is_boundary(item))):
            yield Shard(tuple(held), settings)
            held, size = [], 0
        held.append(item)
        size += item.size
    if held:
        yield Shard(tuple(held), settings)


def _is_boundary(item: Item) -> bool:
    return hashlib.sha256(item.location.encode("utf-8", "surrogateescape")).digest()[0] < 16
