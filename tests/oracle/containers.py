"""One real artifact of each kind, made or downloaded with the usual tools, and the bytecode in it as other readers list it.

    python3 containers.py PYCAUDIT FOLDER [--tools BIN] [--python PYTHON]

Makes in FOLDER what is not there yet, has each artifact scanned alone and all of them together, and compares the path of every
pyc with an independent listing: unzip, GNU tar, dpkg-deb, rpm2cpio and cpio, PyInstaller's own reader, Python's zipfile and
tarfile for archives in archives. BIN is the `bin` of an environment with build, pex, shiv, pyinstaller, cx_Freeze,
conda-package-handling and setuptools; the rest are Debian's zip tools, dpkg-dev, rpm and cpio. A tool that is not there is
said, and its artifacts are left out. Exit code 1 when anything differs.
"""

import argparse
import bz2
import csv
import gzip
import hashlib
import io
import json
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

PROJECT = {
    "setup.py": "from setuptools import setup\nsetup(name='sample', version='1.0', packages=['sample', 'sample.sub'], zip_safe=True)\n",
    "sample/__init__.py": "NAME = 'sample'\n",
    "sample/core.py": "import json\n\ndef answer(x):\n    return json.dumps({'x': x})\n",
    "sample/__main__.py": "from sample.core import answer\nprint(answer(1))\n",
    "sample/sub/__init__.py": "",
    "sample/sub/deep.py": "class Deep:\n    def go(self):\n        return [i for i in range(3)]\n",
}

# Packages of the index that brought bytecode along.
WHEELS = ["Glances==4.3.0", "prometheus-client==0.16.0", "imapclient==3.1.0", "tdigest==0.5.2.1"]
SDISTS = ["dj-rest-auth==7.2.0", "pgspecial==1.11.9"]
DEBS = ["python3-six", "python3-pkg-resources", "lsb-release"]


# Some tools write no bytecode where this is set.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def run(*command, **more):
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def is_pyc(name):
    return name.lower().endswith((".pyc", ".pyo"))


def plain(name):
    return re.sub(r"^(\./|/)+", "", name)


class Maker:
    """Makes artifacts in a folder, each by a method of its own."""

    def __init__(self, folder, tools, python):
        self.folder, self.tools, self.python = folder, tools, python
        self.work = folder / ".work"
        self.out = folder / "artifacts"
        self.out.mkdir(parents=True, exist_ok=True)
        self.work.mkdir(exist_ok=True)

    def make(self):
        for name in [name for name in dir(self) if name.startswith("make_")]:
            mark = self.work / (name + ".done")
            if mark.exists():
                continue
            try:
                getattr(self, name)()
                mark.touch()
            except (OSError, subprocess.CalledProcessError) as error:
                said = getattr(error, "stderr", b"") or b""
                print(f"not made: {name[5:]}: {error} {said[-300:].decode(errors='replace')}")

    def project(self, name, compiled=None):
        """The sample project in a folder; compiled beside the sources (`legacy`) or into `__pycache__` (`cache`)."""
        root = self.work / name
        shutil.rmtree(root, ignore_errors=True)
        for path, text in PROJECT.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        if compiled:
            legacy = ["-b"] if compiled == "legacy" else []
            run(self.python, "-m", "compileall", "-q", *legacy, root / "sample")
        return root

    def put(self, name, data):
        (self.out / name).write_bytes(data)

    def make_downloads(self):
        for requirement in WHEELS:
            run(self.python, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", self.out, requirement)
        for requirement in SDISTS:
            run(self.python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary=:all:", "-d", self.out, requirement)

    def make_builds(self):
        root = self.project("build", "cache")
        (root / "MANIFEST.in").write_text("global-include *.pyc\n")
        setup = (root / "setup.py").read_text().replace("zip_safe", "package_data={'': ['__pycache__/*.pyc']}, zip_safe")
        (root / "setup.py").write_text(setup)
        run(self.tools / "python", "-m", "build", "--no-isolation", "-o", self.out, root)

    def make_egg(self):
        root = self.project("egg")
        run(self.tools / "python", "setup.py", "-q", "bdist_egg", "-d", self.out, cwd=root)

    def make_zipapps(self):
        root = self.project("zipapp", "legacy")
        (root / "setup.py").unlink()
        for name, more in [("sample.pyz", []), ("sample-packed.pyz", ["-c"])]:
            run(self.python, "-m", "zipapp", root, "-o", self.out / name, "-p", "/usr/bin/env python3", "-m", "sample.core:answer", *more)

    def make_pex(self):
        root = self.project("pex")
        run(self.tools / "pex", root, "--compile", "-o", self.out / "sample.pex", "-m", "sample")

    def make_shiv(self):
        root = self.project("shiv")
        run(self.tools / "shiv", "--compile-pyc", "-q", "-o", self.out / "sample-shiv.pyz", "-e", "sample.core:answer", root)

    def make_pyinstaller(self):
        root = self.project("frozen")
        script = root / "hello.py"
        script.write_text("from sample.core import answer\nimport sample.sub.deep\nprint(answer(2))\n")
        for kind, name in [("--onefile", "hello-onefile"), ("--onedir", "hello-onedir")]:
            run(self.tools / "pyinstaller", kind, "--name", name, "--distpath", root / "dist", "--workpath", root / "build", "--specpath", root, script)
        shutil.copy(root / "dist/hello-onefile", self.out / "hello-onefile")
        shutil.copy(root / "dist/hello-onedir/hello-onedir", self.out / "hello-onedir-program")
        for library in (root / "dist/hello-onedir").rglob("base_library.zip"):
            shutil.copy(library, self.out / "base_library.zip")

    def make_cx_freeze(self):
        root = self.project("cx")
        script = root / "hello.py"
        script.write_text("from sample.core import answer\nprint(answer(3))\n")
        run(self.tools / "cxfreeze", "build_exe", "--script", script, "--build-exe", root / "dist", "--zip-include-packages", "*", "--zip-exclude-packages", "sample", cwd=root)
        shutil.copy(next((root / "dist").rglob("library.zip")), self.out / "cx-library.zip")
        run("tar", "-C", root, "-cf", self.out / "cx-dist.tar", "dist")

    def make_py2exe(self):
        """A program of two sections with a zip of compiled modules behind it, as py2exe bundles them."""
        root = self.project("py2exe", "legacy")
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((root / "sample").rglob("*.pyc")):
                archive.write(path, path.relative_to(root))
        self.put("library.zip", zipped.getvalue())
        stub = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(4096)
        self.put("py2exe.exe", stub + zipped.getvalue())

    def tree(self, name):
        """A file system with compiled packages."""
        root = self.work / name
        shutil.rmtree(root, ignore_errors=True)
        site = root / "usr/lib/python3/dist-packages"
        shutil.copytree(self.project("of-" + name, "cache") / "sample", site / "sample")
        return root

    def make_deb(self):
        root = self.tree("deb")
        control = root / "DEBIAN"
        control.mkdir()
        (control / "control").write_text("Package: sample\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b>\nDescription: sample\n")
        sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n" for path in sorted((root / "usr").rglob("*")) if path.is_file()]
        (control / "md5sums").write_text("".join(sums))
        for packing in ["none", "gzip", "xz", "zstd"]:
            run("dpkg-deb", "--root-owner-group", "-Z" + packing, "-b", root, self.out / f"sample-{packing}.deb")
        run("apt-get", "download", *DEBS, cwd=self.out)

    def make_rpm(self):
        root = self.tree("rpm")
        for mode, name in [("w9.gzdio", "gzip"), ("w9.bzdio", "bzip2"), ("w7.xzdio", "xz"), ("w7.lzdio", "lzma"), ("w19.zstdio", "zstd"), ("w.ufdio", "plain")]:
            spec = self.work / "sample.spec"
            spec.write_text(
                f"Name: sample-{name}\nVersion: 1\nRelease: 1\nSummary: sample\nLicense: MIT\nBuildArch: noarch\n"
                f"%define _binary_payload {mode}\n%define __os_install_post %{{nil}}\n%description\nsample\n"
                f"%install\nmkdir -p %{{buildroot}}\ncp -a {root}/usr %{{buildroot}}/\n%files\n/usr\n"
            )
            run("rpmbuild", "-bb", "--define", f"_topdir {self.work}/rpmbuild", "--define", f"_rpmdir {self.out}", "--define", "_rpmfilename %%{NAME}.rpm", spec)

    def make_conda(self):
        """By the specification: `info/` with `index.json`, `paths.json` and `files`; the second form by conda's own tool."""
        root = self.work / "conda"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.project("of-conda", "cache") / "sample", root / "site-packages/sample")
        paths = []
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            data = path.read_bytes()
            paths.append({"_path": str(path.relative_to(root)), "path_type": "hardlink", "sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)})
        (root / "info").mkdir()
        (root / "info/index.json").write_text(json.dumps({"name": "sample", "version": "1.0", "build": "py_0", "build_number": 0, "depends": [], "subdir": "noarch"}))
        (root / "info/paths.json").write_text(json.dumps({"paths_version": 1, "paths": paths}))
        (root / "info/files").write_text("".join(entry["_path"] + "\n" for entry in paths))
        run("tar", "-C", root, "-cjf", self.out / "sample-1.0-py_0.tar.bz2", "info", "site-packages")
        run(self.tools / "cph", "transmute", "--out-folder", self.out, self.out / "sample-1.0-py_0.tar.bz2", ".conda")

    def make_images(self):
        """`docker save` and the OCI layout, by the OCI image specification: two layers, of which the second whites one source out."""
        root = self.tree("image")
        lower, upper = self.work / "lower.tar", self.work / "upper.tar"
        run("tar", "-C", root, "-cf", lower, "usr")
        white = self.work / "upper/usr/lib/python3/dist-packages/sample"
        white.mkdir(parents=True, exist_ok=True)
        (white / ".wh.core.py").write_bytes(b"")
        run("tar", "-C", self.work / "upper", "-cf", upper, "usr")
        save = self.work / "save"
        shutil.rmtree(save, ignore_errors=True)
        for number, layer in enumerate([lower, upper]):
            (save / f"layer{number}").mkdir(parents=True)
            shutil.copy(layer, save / f"layer{number}/layer.tar")
        (save / "manifest.json").write_text(json.dumps([{"Config": "c.json", "RepoTags": ["s:1"], "Layers": ["layer0/layer.tar", "layer1/layer.tar"]}]))
        (save / "c.json").write_text("{}")
        run("tar", "-C", save, "-cf", self.out / "docker-save.tar", "manifest.json", "c.json", "layer0", "layer1")
        oci = self.work / "oci"
        shutil.rmtree(oci, ignore_errors=True)
        blobs = oci / "blobs/sha256"
        blobs.mkdir(parents=True)

        def blob(data):
            digest = hashlib.sha256(data).hexdigest()
            (blobs / digest).write_bytes(data)
            return {"digest": "sha256:" + digest, "size": len(data)}

        layers = [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **blob(gzip.compress(lower.read_bytes()))},
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", **blob(run("zstd", "-qc", upper).stdout)},
        ]
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(b"{}")}
        manifests = []
        for some in [layers, layers[:1]]:
            manifest = {"schemaVersion": 2, "config": config, "layers": some}
            manifests.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", **blob(json.dumps(manifest).encode())})
        (oci / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
        (oci / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        run("tar", "-C", oci, "-cf", self.out / "oci.tar", "oci-layout", "index.json", "blobs")

    def make_tars(self):
        root = self.tree("tars")
        for form in ["v7", "oldgnu", "gnu", "ustar", "pax"]:
            run("tar", "-C", root, "--format", form, "-cf", self.out / f"sample-{form}.tar", "usr")
        plain_tar = (self.out / "sample-pax.tar").read_bytes()
        self.put("sample.tar.gz", gzip.compress(plain_tar))
        self.put("sample.tar.bz2", bz2.compress(plain_tar))
        self.put("sample.tar.xz", lzma.compress(plain_tar))
        self.put("sample.tar.lzma", lzma.compress(plain_tar, format=lzma.FORMAT_ALONE))
        self.put("sample.tar.zst", run("zstd", "-qc", input=plain_tar).stdout)
        listing = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*"))).encode()
        for form in ["newc", "crc", "odc"]:
            self.put(f"sample-{form}.cpio", run("cpio", "-o", "-H", form, cwd=root, input=listing).stdout)

    def make_single(self):
        pyc = next((self.project("single", "legacy") / "sample").glob("core.pyc")).read_bytes()
        self.put("core.pyc.gz", gzip.compress(pyc))
        self.put("core.pyc.bz2", bz2.compress(pyc))
        self.put("core.pyc.xz", lzma.compress(pyc))
        self.put("core.pyc.lzma", lzma.compress(pyc, format=lzma.FORMAT_ALONE))
        self.put("core.pyc.zst", run("zstd", "-qc", input=pyc).stdout)


class Lister:
    """Lists the bytecode of an artifact without pycaudit."""

    def __init__(self, tools):
        self.tools = tools

    def of(self, path):
        name, head = path.name, path.read_bytes()[:8]
        if name.endswith(".deb"):
            data = run("dpkg-deb", "--fsys-tarfile", path).stdout
            part = next(line for line in run("ar", "t", path).stdout.decode().split() if line.startswith("data.tar"))
            return [f"{part}!{inner}" for inner in self.inside(name, data)]
        if name.endswith(".rpm"):
            data = run("rpm2cpio", path).stdout
            names = run("cpio", "-t", "--quiet", input=data).stdout.decode().splitlines()
            return [plain(inner) for inner in names if is_pyc(inner)]
        if name.endswith(".cpio"):
            names = run("cpio", "-t", "--quiet", input=path.read_bytes()).stdout.decode().splitlines()
            return [plain(inner) for inner in names if is_pyc(inner)]
        if head.startswith(b"\x7fELF"):
            return self.frozen(path)
        found = self.inside(name, path.read_bytes())
        self.check_by_tool(path, found)
        return found

    def check_by_tool(self, path, found):
        """The members that are bytecode themselves, by unzip or GNU tar."""
        if zipfile.is_zipfile(path):
            # It warns of a prefix by exit code 1.
            done = subprocess.run(["unzip", "-Z1", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            names = done.stdout.decode().splitlines()
        elif tarfile.is_tarfile(path):
            names = run("tar", "-tf", path).stdout.decode().splitlines()
        else:
            return
        listed = sorted(plain(name) for name in names if is_pyc(name))
        outer = sorted(name for name in found if "!" not in name)
        if listed != outer:
            print(f"{path.name}: its tool lists {len(listed)}, Python {len(outer)}")

    def inside(self, name, data):
        """Paths of bytecode in these bytes, archives in them included."""
        if data.startswith(b"\x28\xb5\x2f\xfd"):
            return self.unpacked(name, ".zst", run("zstd", "-dqc", input=data).stdout)
        for start, ending, unpack in [(b"\x1f\x8b", ".gz", gzip.decompress), (b"BZh", ".bz2", bz2.decompress), (b"\xfd7zXZ", ".xz", lzma.decompress), (b"\x5d\0\0", ".lzma", lzma.decompress)]:
            if data.startswith(start):
                return self.unpacked(name, ending, unpack(data))
        found = []
        for inner, read in self.members(data):
            if is_pyc(inner):
                found.append(plain(inner))
            elif inner.endswith((".zip", ".whl", ".egg", ".tar", ".tar.zst", ".tar.gz")) or "/sha256/" in inner:
                found += [f"{plain(inner)}!{deeper}" for deeper in self.inside(inner, read())]
        return found

    def unpacked(self, name, ending, data):
        inner = name[: -len(ending)] if name.endswith(ending) else name
        return [inner] if is_pyc(inner) else self.inside(inner, data)

    def members(self, data):
        if zipfile.is_zipfile(io.BytesIO(data)):
            archive = zipfile.ZipFile(io.BytesIO(data))
            return [(info.filename, lambda info=info: archive.read(info)) for info in archive.infolist() if not info.is_dir()]
        try:
            tar = tarfile.open(fileobj=io.BytesIO(data))
        except tarfile.ReadError:
            return []
        return [(member.name, lambda member=member: tar.extractfile(member).read()) for member in tar if member.isfile()]

    def frozen(self, path):
        """By PyInstaller's own reader, in a process of its environment."""
        script = (
            "import sys, json\n"
            "from PyInstaller.archive.readers import CArchiveReader\n"
            "archive = CArchiveReader(sys.argv[1])\n"
            "found = []\n"
            "for name, entry in archive.toc.items():\n"
            "    kind = entry[-1]\n"
            "    if kind in 'smM': found.append(name)\n"
            "    elif kind == 'z':\n"
            "        pyz = archive.open_embedded_archive(name)\n"
            "        found += [name + '!' + inner for inner, what in pyz.toc.items() if what[0] in (0, 1)]\n"
            "    elif name.endswith('.zip'):\n"
            "        import io, zipfile\n"
            "        names = zipfile.ZipFile(io.BytesIO(archive.extract(name))).namelist()\n"
            "        found += [name + '!' + inner for inner in names if inner.endswith('.pyc')]\n"
            "print(json.dumps(found))\n"
        )
        return json.loads(run(self.tools / "python", "-c", script, path).stdout)


def scanned(pycaudit, paths):
    """The members of each artifact that a scan calls bytecode, by artifact, and what it said on its way."""
    done = subprocess.run(
        [str(pycaudit), "scan", "--csv", "-", "--verify", "none", "--no-progress", "--exit-zero", *map(str, paths)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
    )
    rows = {}
    for row in csv.DictReader(io.StringIO(done.stdout.decode())):
        rows.setdefault(os.path.basename(row["artifact"]), []).append(row["member"])
    return rows


def alarms(pycaudit, path):
    """What is said of the container itself at medium or above: of an honest one nothing should be."""
    command = [str(pycaudit), "scan", str(path), "--findings-csv", "-", "--verify", "none", "--no-progress", "--exit-zero", "--min-severity", "medium", "--select", "PYC8,PYC9"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    return [f"{row['rule']} {row['member']}: {row['message']}" for row in csv.DictReader(io.StringIO(done.stdout.decode()))]


def same(name, found, listed):
    """Whether both are the same; modules in a frozen program have no file names, so only their number is compared there."""
    if name.startswith("hello-on"):
        return len(found) == len(listed)
    return sorted("!".join(plain(part) for part in member.split("!")) for member in found) == sorted(listed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pycaudit", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tools", type=pathlib.Path, default=pathlib.Path(sys.executable).parent)
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    options.pycaudit = options.pycaudit.resolve()
    maker = Maker(options.folder.resolve(), options.tools, options.python)
    maker.make()
    artifacts = sorted(path for path in maker.out.iterdir() if path.is_file())
    lister = Lister(options.tools)
    together = scanned(options.pycaudit, [maker.out])
    wrong = 0
    print(f"{'artifact':44} {'listed':>7} {'scanned':>7}")
    for path in artifacts:
        listed, found = lister.of(path), scanned(options.pycaudit, [path]).get(path.name, [])
        fits = same(path.name, found, listed) and sorted(together.get(path.name, [])) == sorted(found)
        wrong += not fits
        print(f"{path.name:44} {len(listed):7} {len(found):7}{'' if fits else '  DIFFERS'}")
        for alarm in alarms(options.pycaudit, path)[:5]:
            print("   ", alarm)
        if not fits:
            ours = {"!".join(plain(part) for part in member.split("!")) for member in found}
            print("   only listed:", sorted(set(listed) - ours)[:5], "only scanned:", sorted(ours - set(listed))[:5])
    print(f"{len(artifacts)} artifacts, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
