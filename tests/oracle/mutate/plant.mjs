// Runs plant.py in a WebAssembly build of CPython: node plant.mjs PACKAGE_FOLDER ORACLE_FOLDER FOLDER SEED MODULES CASES
// With `about` for ORACLE_FOLDER, prints the version alone.
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, oracle, out, ...numbers] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(resolve(folder), "pyodide.mjs")).href);
const pyodide = await loadPyodide({ stdout: (line) => process.stdout.write(line + "\n") });

if (oracle === "about") {
  pyodide.runPython("import sys; print('%d.%d.%d' % sys.version_info[:3])");
} else {
  for (const [place, root] of [["/oracle", oracle], ["/out", out]]) {
    pyodide.FS.mkdirTree(place);
    pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: resolve(root) }, place);
  }
  pyodide.globals.set("numbers", pyodide.toPy(numbers));
  pyodide.runPython(
    "import runpy, sys, sysconfig, zipfile\n" +
      "zipfile.ZipFile(next(p for p in sys.path if p.endswith('.zip'))).extractall('/library')\n" +
      "sysconfig.get_path = lambda name: '/library'\n" +
      "sys.path.insert(0, '/oracle/mutate')\n" +
      "sys.argv = ['plant.py', '/out', *numbers]\n" +
      "runpy.run_path('/oracle/mutate/plant.py', run_name='__main__')",
  );
}
