// Runs code.py in a WebAssembly build of CPython: node code.mjs PACKAGE_FOLDER CODE_PY OUT_FOLDER SOURCE_FOLDER|--wide|--library
// `--library` stands for the build's own standard library.
import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, code, out, sources] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(resolve(folder), "pyodide.mjs")).href);
const pyodide = await loadPyodide({ stdout: (line) => process.stdout.write(line + "\n") });

mkdirSync(out, { recursive: true });
pyodide.FS.mkdirTree("/oracle");
pyodide.FS.mkdirTree("/out");
pyodide.FS.mkdirTree("/sources");
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: resolve(out) }, "/out");
pyodide.FS.writeFile("/oracle/code_oracle.py", readFileSync(code));
let wanted = sources;
if (sources === "--library") {
  pyodide.runPython(
    "import sys, zipfile\n" +
      "zipfile.ZipFile(next(p for p in sys.path if p.endswith('.zip'))).extractall('/sources')",
  );
  wanted = "/sources";
} else if (sources !== "--wide") {
  pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: resolve(sources) }, "/sources");
  wanted = "/sources";
}
pyodide.globals.set("wanted", wanted);
pyodide.runPython("import sys\nsys.path.insert(0, '/oracle')\nimport code_oracle\ncode_oracle.main('/out', [wanted])");
