// Opens HTML reports in Chromium and uses them as a person would. See README.md.
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { tests } from './tests.mjs';

const SWITCHES = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function options(words) {
  const chosen = { reports: [], chromium: process.env.CHROMIUM || '/usr/bin/chromium', shots: null, only: '' };
  for (let at = 0; at < words.length; at++) {
    const name = words[at].startsWith('--') ? words[at].slice(2) : null;
    if (name === null) chosen.reports.push(words[at]);
    else if (name in chosen && name !== 'reports' && at + 1 < words.length) chosen[name] = words[++at];
    else throw new Error('unknown option or missing value: ' + words[at]);
  }
  if (!chosen.reports.length) throw new Error('usage: node run.mjs [--chromium PATH] [--shots FOLDER] [--only WORDS] REPORT.html...');
  return chosen;
}

// A page in a context of its own that writes down whatever a report must never do.
async function open(browser, report, settings = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...settings });
  const address = pathToFileURL(path.resolve(report)).href;
  const trouble = [];
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => console.error('policy broken: ' + event.violatedDirective + ' ' + event.blockedURI));
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') trouble.push(message.text());
  });
  page.on('pageerror', (error) => trouble.push('script error: ' + error.message));
  page.on('dialog', (dialog) => {
    trouble.push('dialog: ' + dialog.message());
    dialog.dismiss();
  });
  page.on('request', (request) => {
    const url = request.url();
    if (url.split('#')[0] !== address && !url.startsWith('data:image/svg+xml') && !url.startsWith('blob:')) trouble.push('request: ' + url);
  });
  page.on('popup', (popup) => trouble.push('popup: ' + popup.url()));
  await page.goto(address);
  if (settings.javaScriptEnabled !== false) {
    await page.waitForFunction(() => document.documentElement.dataset.ready || document.documentElement.dataset.failed, null, { timeout: 60000 });
  }
  return { page, context, trouble, close: () => context.close() };
}

async function figures(browser, report) {
  const { page, close } = await open(browser, report);
  const shown = await page.evaluate(async () => {
    const live = document.querySelector('.live[data-table=pycs]');
    const last = () => live.dataset.last;
    const out = ['ready ' + document.documentElement.dataset.ready + ' ms after parsing'];
    for (const button of live.querySelectorAll('th button')) {
      if (!button.offsetWidth) continue;
      button.click();
      out.push(button.textContent.toLowerCase() + ' ' + last() + ' ms');
    }
    const select = [...live.querySelectorAll('select[data-facet]')].find((each) => each.options.length > 2);
    if (select) {
      select.selectedIndex = 1;
      select.dispatchEvent(new Event('change'));
      out.push(last() + ' ms');
    }
    const seek = live.querySelector('input');
    for (const text of ['s', 'schema']) {
      seek.value = text;
      seek.dispatchEvent(new Event('input'));
      await new Promise((done) => setTimeout(done, 600));
      out.push(last() + ' ms');
    }
    const [navigation] = performance.getEntriesByType('navigation');
    out.unshift('page parsed after ' + Math.round(navigation.domInteractive) + ' ms');
    return out.join(', ');
  });
  await close();
  const { size } = await stat(report);
  return `${(size / 1e6).toFixed(2)} MB, ${shown}`;
}

async function shots(browser, report, folder) {
  await mkdir(folder, { recursive: true });
  const name = path.basename(report, '.html');
  for (const [width, colorScheme] of [[1280, 'light'], [1280, 'dark'], [380, 'light'], [380, 'dark']]) {
    const { page, close } = await open(browser, report, { viewport: { width, height: 900 }, colorScheme });
    await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`) });
    await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}-whole.png`), fullPage: true });
    const row = page.locator('.live[data-table=pycs] tr.row').first();
    if (await row.count()) {
      await row.click();
      await page.waitForSelector('dialog[open]');
      await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}-details.png`) });
    }
    await close();
  }
  const { page, close } = await open(browser, report);
  await page.pdf({ path: path.join(folder, `${name}.pdf`), format: 'A4' });
  await close();
}

const chosen = options(process.argv.slice(2));
const browser = await chromium.launch({ executablePath: chosen.chromium, args: SWITCHES });
let passed = 0;
let failed = 0;
for (const report of chosen.reports) {
  console.log(`\n${report}: ${await figures(browser, report)}`);
  for (const [name, test] of Object.entries(tests)) {
    if (!name.includes(chosen.only)) continue;
    let said = '';
    try {
      said = await test((settings) => open(browser, report, settings));
      passed++;
      console.log(`  ok      ${name}${said ? ` (${said})` : ''}`);
    } catch (error) {
      failed++;
      console.log(`  FAILED  ${name}: ${error.message}`);
    }
  }
  if (chosen.shots) await shots(browser, report, chosen.shots);
}
await browser.close();
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
