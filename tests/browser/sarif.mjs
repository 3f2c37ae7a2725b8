// Validates SARIF files with Microsoft's multitool: the schema of the standard, and its rules for what a log should have; and holds them
// to what GitHub's code scanning takes.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { gzipSync } from 'node:zlib';

// An address where the tool is described: there is none yet.
const KNOWN = new Set(['SARIF2005']);

// https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
function beyond(bytes) {
  const { runs } = JSON.parse(bytes);
  const results = runs.flatMap((run) => run.results || []);
  const rules = runs.flatMap((run) => run.tool.driver.rules || []);
  const most = (lists) => lists.reduce((longest, list) => Math.max(longest, (list || []).length), 0);
  const limits = [
    ['runs', runs.length, 20],
    ['results of a run', most(runs.map((run) => run.results)), 25000],
    ['rules of a run', most(runs.map((run) => run.tool.driver.rules)), 25000],
    ['locations of a result', most(results.map((result) => result.locations)), 1000],
    ['tags of a rule', most(rules.map((rule) => rule.properties && rule.properties.tags)), 20],
    ['bytes in gzip', gzipSync(bytes).length, 10 << 20],
  ];
  return limits.filter(([, found, limit]) => found > limit).map(([what, found, limit]) => `${found} ${what}, of which code scanning takes ${limit}`);
}

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
  const bytes = await readFile(file);
  const over = beyond(bytes);
  const wrong = bad.length + trouble.length + over.length;
  failed += wrong;
  console.log(`${wrong ? 'FAILED' : 'ok    '} ${file} (${bytes.length} bytes)`);
  for (const each of over) console.log('  ' + each);
  for (const each of bad.slice(0, 10)) console.log('  ' + each.ruleId + ' ' + JSON.stringify(each.message).slice(0, 300));
  for (const each of trouble.slice(0, 10)) console.log('  ' + JSON.stringify(each.message).slice(0, 300));
}
await rm(folder, { recursive: true });
process.exitCode = failed ? 1 : 0;
