// Validates SARIF files with Microsoft's multitool: the schema of the standard, and its rules for what a log should have.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

// An address where the tool is described: there is none yet.
const KNOWN = new Set(['SARIF2005']);

const require = createRequire(import.meta.url);
const tool = path.join(path.dirname(require.resolve('@microsoft/sarif-multitool/package.json')), '..', '..', '.bin', 'sarif-multitool');
const folder = await mkdtemp(path.join(os.tmpdir(), 'sarif-'));
let failed = 0;
for (const file of process.argv.slice(2)) {
  const output = path.join(folder, 'validation.sarif');
  const ended = spawnSync(tool, ['validate', file, '--output', output, '--log', 'ForceOverwrite', '--max-file-size-in-kb', '100000'], { encoding: 'utf8' });
  if (ended.error) throw ended.error;
  const { runs } = JSON.parse(await readFile(output, 'utf8'));
  const bad = runs.flatMap((run) => run.results || []).filter((result) => ['error', 'warning'].includes(result.level || 'warning') && !KNOWN.has(result.ruleId));
  const trouble = runs.flatMap((run) => run.invocations || []).flatMap((each) => [...(each.toolExecutionNotifications || []), ...(each.toolConfigurationNotifications || [])]).filter((each) => each.level === 'error');
  failed += bad.length + trouble.length;
  const size = (await readFile(file)).length;
  console.log(`${bad.length + trouble.length ? 'FAILED' : 'ok    '} ${file} (${size} bytes)`);
  for (const each of bad.slice(0, 10)) console.log('  ' + each.ruleId + ' ' + JSON.stringify(each.message).slice(0, 300));
  for (const each of trouble.slice(0, 10)) console.log('  ' + JSON.stringify(each.message).slice(0, 300));
}
await rm(folder, { recursive: true });
process.exitCode = failed ? 1 : 0;
