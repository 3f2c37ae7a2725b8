// Runs scope.py in a WebAssembly build of CPython: node scope.mjs PACKAGE_FOLDER SCOPE_PY OUT_FOLDER SOURCE_FOLDER|--library
// `--library` stands for the build's own standard library, whose sources are then written beside the answers.
import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, script, out, sources] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(resolve(folder), "pyodide.mjs")).href);
const pyodide = await loadPyodide({ stdout: (line) => process.stdout.write(line + "\n") });

mkdirSync(out, { recursive: true });
for (const place of ["/oracle", "/out", "/sources"]) pyodide.FS.mkdirTree(place);
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: resolve(out) }, "/out");
pyodide.FS.writeFile("/oracle/scope_oracle.py", readFileSync(script));
const isLibrary = sources === "--library";
if (isLibrary) {
  pyodide.runPython(
    "import sys, zipfile\n" +
      "zipfile.ZipFile(next(p for p in sys.path if p.endswith('.zip'))).extractall('/sources')",
  );
} else {
  pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: resolve(sources) }, "/sources");
}
pyodide.globals.set("copies", isLibrary);
pyodide.runPython(
  "import sys\nsys.path.insert(0, '/oracle')\nimport scope_oracle\nscope_oracle.main('/out', ['/sources'], copies)",
);
