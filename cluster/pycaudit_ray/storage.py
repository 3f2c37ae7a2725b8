"""Files to scan and files to write, on a shared file system or in an object store (anything that fsspec has a name for)."""

import contextlib
import hashlib
import os
import pathlib
import stat
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Bytes of a part of a path that file systems take; most stop at 255.
LONGEST_PART = 200


@dataclass(frozen=True, order=True)
class Item:
    """A file to scan."""

    # For a file system its absolute path; for a store its URL.
    location: str
    size: int
    # What changes with the content: modification time, ETag or generation, as far as the store tells.
    state: str


def is_url(location: str) -> bool:
    """Whether it lies in a store; anything else is a path that every node has to see."""
    return "://" in location and not location.startswith("file://")


def path_of(location: str) -> str:
    """The absolute path of what is no URL."""
    return os.path.abspath(location.removeprefix("file://"))


def listing(location: str, passed_over: Callable[[str, str], None]) -> Iterator[Item]:
    """Every file below a place, or the file that it is. Links are not followed, and what is no file is not opened: that is told."""
    if is_url(location):
        yield from _stored(location)
        return
    root = path_of(location)
    if not os.path.isdir(root):
        yield _local(root, os.stat(root))
        return
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = os.scandir(folder)
        except OSError as error:
            passed_over(folder, f"cannot be read: {error.strerror}")
            continue
        with entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield _local(entry.path, entry.stat(follow_symlinks=False))
                else:
                    passed_over(entry.path, "a link" if entry.is_symlink() else "no regular file")


def _local(path: str, status: os.stat_result) -> Item:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path!r} is neither a folder nor a regular file")
    return Item(path, status.st_size, str(status.st_mtime_ns))


def _stored(location: str) -> Iterator[Item]:
    store, path = _store(location)
    protocol = location.partition("://")[0]
    for name, facts in store.find(path, detail=True).items():
        if facts.get("type", "file") == "file":
            state = next((str(facts[key]) for key in ("ETag", "etag", "generation", "md5Hash", "mtime", "created") if facts.get(key)), "")
            yield Item(f"{protocol}://{name}", int(facts.get("size") or 0), state)


def _store(location: str):
    # Not at the top: a cluster over a shared file system needs no fsspec.
    from fsspec.core import url_to_fs

    return url_to_fs(location)


def fetched_name(location: str) -> str:
    """The relative path under which a stored file is scanned: bucket and key, as reports will name it.

    Whoever filled the bucket chose the key: no part of it leads elsewhere, and none is longer than file systems take.
    """
    parts = location.partition("://")[2].lstrip("/").split("/")
    return "/".join(_part(part) for part in parts)


def _part(part: str) -> str:
    part = part.replace("\0", "%00")
    if part in ("", ".", ".."):
        return part.replace(".", "%2E") or "%"
    encoded = part.encode("utf-8", "surrogatepass")
    if len(encoded) > LONGEST_PART:
        # The end stays: it is the kind of file.
        digest = hashlib.sha256(encoded).hexdigest()[:16]
        return f"{encoded[:100].decode('utf-8', 'ignore')}~{digest}~{encoded[-40:].decode('utf-8', 'ignore')}"
    return part


def fetch(location: str, target: pathlib.Path) -> None:
    """Copies a stored file."""
    store, path = _store(location)
    target.parent.mkdir(parents=True, exist_ok=True)
    store.get_file(path, str(target))


class Output:
    """A folder or prefix to write into. A file appears whole or not at all."""

    def __init__(self, location: str) -> None:
        self.location = location
        if is_url(location):
            self.store, self.root = _store(location)
        else:
            self.store, self.root = None, path_of(location)

    def create(self) -> None:
        """Makes the folder; stores need none."""
        if self.store is None or "file" in self.store.protocol:
            os.makedirs(self.root, exist_ok=True)

    def names(self) -> set[str]:
        """The names of the files in it."""
        if self.store is None:
            return set(os.listdir(self.root))
        with contextlib.suppress(FileNotFoundError):
            self.store.invalidate_cache(self.root)
            return {name.rsplit("/", 1)[-1] for name in self.store.ls(self.root, detail=False)}
        return set()

    def path(self, name: str) -> str:
        """Where a file is."""
        return f"{self.root}/{name}"

    def put(self, name: str, source: pathlib.Path) -> None:
        """Writes a file, in place of one of that name."""
        if self.store is not None:
            # An object appears when its upload is complete.
            self.store.put_file(str(source), self.path(name))
            return
        part = self.path(f".{name}.{uuid.uuid4().hex}.part")
        try:
            with open(source, "rb") as source_file, open(part, "xb") as part_file:
                while block := source_file.read(1 << 20):
                    part_file.write(block)
                part_file.flush()
                os.fsync(part_file.fileno())
            os.replace(part, self.path(name))
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
            raise

    def get(self, name: str, target: pathlib.Path) -> pathlib.Path:
        """A file as one on this machine: itself, or copied to `target`."""
        if self.store is None:
            return pathlib.Path(self.path(name))
        self.store.get_file(self.path(name), str(target))
        return target

    def read(self, name: str) -> bytes:
        """What a small file holds."""
        if self.store is None:
            return pathlib.Path(self.path(name)).read_bytes()
        return self.store.cat_file(self.path(name))
