#!/usr/bin/env python3.12
"""Makes the samples beside this file. Run by hand, with CPython 3.12 and the path of a CPython 2.7:

    python3.12 samples/make.py /path/to/python2.7

The samples are ours: small, harmless, and the same bytes on every run. The token is no token: it has the shape of one.
"""

import base64
import csv
import hashlib
import importlib.util
import io
import marshal
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
# 2026-01-15 12:00:00 UTC: the time of all sources and members.
EPOCH = 1768478400
DOS = (2026, 1, 15, 12, 0, 0)
HASHED = 1
CHECKED = 2


def code(source: str, name: str) -> bytes:
    return marshal.dumps(compile(source, name, "exec", dont_inherit=True))


def hash_pyc(source: str, name: str, checked: bool, hash_of: str | None = None) -> bytes:
    """A hash-based pyc (PEP 552) of `source`; its header holds the hash of `hash_of`."""
    digest = importlib.util.source_hash((source if hash_of is None else hash_of).encode())
    flags = HASHED | (CHECKED if checked else 0)
    return importlib.util.MAGIC_NUMBER + struct.pack("<I", flags) + digest + code(source, name)


def time_pyc(source: str, name: str, size: int | None = None, mtime: int = EPOCH) -> bytes:
    """A timestamp pyc of `source`."""
    size = len(source.encode()) if size is None else size
    return importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, mtime, size) + code(source, name)


def wheel(path: pathlib.Path, name: str, version: str, files: dict[str, bytes]) -> None:
    """A wheel with a RECORD that fits."""
    info = f"{name}-{version}.dist-info"
    files = dict(files)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: pycaudit samples\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = []
    for member, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append((member, f"sha256={digest}", len(data)))
    rows.append((f"{info}/RECORD", "", ""))
    record = io.StringIO()
    csv.writer(record, lineterminator="\n").writerows(rows)
    files[f"{info}/RECORD"] = record.getvalue().encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in files.items():
            entry = zipfile.ZipInfo(member, DOS)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)


def write(path: pathlib.Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    os.utime(path, (EPOCH, EPOCH))


def clean() -> None:
    """A wheel whose bytecode was compiled from the sources beside it, checked by hash."""
    source = 'def area(width, height):\n    """The area of a rectangle."""\n    return width * height\n'
    wheel(HERE / "clean-1.0-py3-none-any.whl", "clean", "1.0", {
        "clean/__init__.py": b"",
        "clean/shapes.py": source.encode(),
        "clean/__pycache__/__init__.cpython-312.pyc": hash_pyc("", "clean/__init__.py", True),
        "clean/__pycache__/shapes.cpython-312.pyc": hash_pyc(source, "clean/shapes.py", True),
    })


def poisoned() -> None:
    """A wheel with a clean source and, beside it, an unchecked-hash pyc of other code. Python runs the pyc."""
    source = 'def greet(name):\n    return "Hello, " + name\n'
    other = (
        "import os\n"
        'print("pycaudit sample: this line is not in the source; user", os.environ.get("USER"))\n' + source
    )
    wheel(HERE / "poisoned-1.0-py3-none-any.whl", "poisoned", "1.0", {
        "poisoned/__init__.py": b"from poisoned.greeting import greet\n",
        "poisoned/greeting.py": source.encode(),
        "poisoned/__pycache__/greeting.cpython-312.pyc": hash_pyc(other, "poisoned/greeting.py", False),
    })


def leaked() -> None:
    """A wheel whose stale pyc still holds a token that was removed from the source before the release."""
    then = 'import os\n\nTOKEN = "ghp_0pycauditSampleNotARealToken00000000"\n\n\ndef headers():\n    return {"Authorization": "token " + TOKEN}\n'
    now = 'import os\n\n\ndef headers():\n    return {"Authorization": "token " + os.environ["API_TOKEN"]}\n'
    wheel(HERE / "leaked_token-1.0-py3-none-any.whl", "leaked_token", "1.0", {
        "leaked_token/__init__.py": b"",
        "leaked_token/client.py": now.encode(),
        "leaked_token/__pycache__/client.cpython-312.pyc":
            time_pyc(then, "/home/alice/leaked-token/leaked_token/client.py", mtime=EPOCH - 86400),
    })


def orphans() -> None:
    """A tree whose sources are gone or moved: what is left in `__pycache__`, and a bare pyc that is imported instead."""
    root = HERE / "orphans"
    shutil.rmtree(root, ignore_errors=True)
    kept = "VALUE = 1\n"
    gone = 'def settings():\n    return {"debug": True}\n'
    write(root / "shop/__init__.py", "")
    write(root / "shop/kept.py", kept)
    write(root / "shop/__pycache__/__init__.cpython-312.pyc", hash_pyc("", "shop/__init__.py", True))
    write(root / "shop/__pycache__/kept.cpython-312.pyc", hash_pyc(kept, "shop/kept.py", True))
    write(root / "shop/__pycache__/old_settings.cpython-312.pyc", time_pyc(gone, "/home/alice/shop/shop/old_settings.py"))
    write(root / "shop/licence.pyc", time_pyc(gone, "/home/alice/shop/shop/licence.py"))


def python27(interpreter: str) -> None:
    """A tree of Python 2.7: bytecode lies beside its source."""
    root = HERE / "python27"
    shutil.rmtree(root, ignore_errors=True)
    write(root / "legacy/__init__.py", "")
    write(root / "legacy/report.py", 'def total(rows):\n    print "rows:", len(rows)\n    return sum(rows)\n')
    for name in ("__init__", "report"):
        source = root / f"legacy/{name}.py"
        script = "import py_compile, sys; py_compile.compile(sys.argv[1], dfile=sys.argv[2], doraise=True)"
        subprocess.run([interpreter, "-c", script, str(source), f"legacy/{name}.py"], check=True)


def main() -> None:
    if sys.version_info[:2] != (3, 12) or len(sys.argv) != 2:
        sys.exit(__doc__)
    clean()
    poisoned()
    leaked()
    orphans()
    python27(sys.argv[1])


if __name__ == "__main__":
    main()
