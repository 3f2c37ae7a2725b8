// Runs observe.py in a WebAssembly build of CPython: node pyodide.mjs PACKAGE_FOLDER OBSERVE_PY LEVEL NEXT_TAG PREVIOUS_MAGIC_HEX
// With the level `about`, prints version, magic and tag alone.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, observe, level, nextTag, previousMagic] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(resolve(folder), "pyodide.mjs")).href);
const args = level === "-O" || level === "-OO" ? [level] : [];
const pyodide = await loadPyodide({ args, stdout: (line) => process.stdout.write(line + "\n") });

if (level === "about") {
  pyodide.runPython(
    "import sys, importlib.util\n" +
      "print(sys.version.split()[0], importlib.util.MAGIC_NUMBER.hex(), sys.implementation.cache_tag)",
  );
} else {
  pyodide.FS.mkdirTree("/oracle");
  pyodide.FS.writeFile("/oracle/observe.py", readFileSync(observe));
  pyodide.globals.set("next_tag", nextTag);
  pyodide.globals.set("previous_magic", previousMagic);
  pyodide.runPython(
    "import sys\nsys.path.insert(0, '/oracle')\nsys.dont_write_bytecode = False\nimport observe\n" +
      "observe.observe_all('/oracle/work', next_tag, bytes.fromhex(previous_magic), print)",
  );
}
