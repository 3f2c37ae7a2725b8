// Runs fold.py in a WebAssembly build of CPython: node fold.mjs PACKAGE_FOLDER > FILE
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { loadPyodide } = await import(pathToFileURL(join(resolve(folder), "pyodide.mjs")).href);
const pyodide = await loadPyodide({ stdout: (line) => process.stdout.write(line + "\n") });
pyodide.FS.mkdirTree("/oracle");
pyodide.FS.writeFile("/oracle/fold.py", readFileSync(new URL("fold.py", import.meta.url)));
pyodide.runPython("import runpy, sys\nsys.argv = ['fold.py', 'rows']\nrunpy.run_path('/oracle/fold.py', run_name='__main__')");
