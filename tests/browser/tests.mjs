// What a report must do in a browser. Every test opens the report anew; `open` gives a page and the list of what went wrong in it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const FILES = '.live[data-table=pycs]';
const FINDINGS = '.live[data-table=findings]';
const NONE = 'no rows in this report';

const rows = (page, table) => page.locator(`${table} tr.row`);
// `1,234 of 5,678 files` or `5,678 files`: how many are shown.
const shown = async (page, table) => Number((await page.locator(`${table} .shown`).textContent()).split(' ')[0].replaceAll(',', ''));
const column = (page, table, number) =>
  page.$$eval(`${table} tr.row`, (all, at) => all.map((row) => row.cells[at].title || row.cells[at].textContent), number);
const paths = (page, table) => page.$$eval(`${table} tr.row .file`, (all) => all.map((each) => each.title));
const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);

async function reset(page, table) {
  const button = page.locator(`${table} .button`, { hasText: 'Reset' });
  if (await button.isEnabled()) await button.click();
}

export const tests = {
  async 'opens, draws its tables and is styled'(open) {
    const { page, trouble, close } = await open();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.failed), undefined);
    assert.equal(await page.locator(FILES).isVisible(), true);
    assert.equal(await page.locator('.still').first().isVisible(), false);
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgba(0, 0, 0, 0)');
    assert.deepEqual(trouble, []);
    await close();
  },

  async 'says first what was scanned, found, not read and to be done'(open) {
    const { page, close } = await open();
    assert.equal(await page.locator('h1').count(), 1);
    const questions = await page.locator('.answers dt').allTextContents();
    assert.deepEqual(questions, ['What was scanned', 'What was found', 'What was not read', 'What to do first']);
    for (const answer of await page.locator('.answers dd').allTextContents()) assert.ok(answer.trim().length > 5);
    const [h1, figures] = await page.evaluate(() => [document.querySelector('h1'), document.querySelector('.figures')].map((node) => node.getBoundingClientRect().top));
    assert.ok(h1 < 300 && figures < 900, 'the verdict and its numbers are on the first screen');
    await close();
  },

  async 'runs one script, ours, and holds no handler, frame or address to load'(open) {
    const { page, trouble, close } = await open();
    const found = await page.evaluate(() => {
      const all = [...document.querySelectorAll('*')];
      return {
        scripts: [...document.scripts].filter((script) => !script.type).length,
        others: [...document.scripts].filter((script) => script.type && script.type !== 'application/octet-stream').length,
        handlers: all.filter((node) => [...node.attributes].some((attribute) => attribute.name.startsWith('on'))).length,
        styles: all.filter((node) => node.hasAttribute('style') && !node.closest('.live')).length,
        loaders: document.querySelectorAll('img, iframe, object, embed, video, audio, form, base, link[rel=stylesheet], script[src]').length,
        addresses: [...document.querySelectorAll('[href], [src]')].map((node) => node.getAttribute('href') || node.getAttribute('src')).filter((text) => !text.startsWith('#') && !text.startsWith('data:image/svg+xml')).length,
      };
    });
    assert.deepEqual(found, { scripts: 1, others: 0, handlers: 0, styles: 0, loaders: 0, addresses: 0 });
    assert.deepEqual(trouble, []);
    await close();
  },

  async 'lets no injected script run and no request leave'(open) {
    const { page, trouble, close } = await open();
    await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.body.append(script);
      const image = document.createElement('img');
      image.src = 'http://127.0.0.1:9/leak.png';
      document.body.append(image);
    });
    await page.evaluate(() => fetch('http://127.0.0.1:9/leak').catch(() => {}));
    await page.waitForTimeout(200);
    assert.equal(await page.evaluate(() => window.injected), undefined);
    assert.ok(trouble.some((text) => text.includes('script-src')), 'the script is refused');
    assert.ok(trouble.some((text) => text.includes('img-src')), 'the image is refused');
    assert.ok(trouble.some((text) => text.includes('connect-src')), 'the request is refused');
    await close();
  },

  async 'draws few elements however many rows there are'(open) {
    const { page, close } = await open();
    const count = await page.evaluate(() => document.querySelectorAll('.live tr.row').length);
    assert.ok(count < 250, `${count} rows are drawn`);
    await close();
  },

  async 'sorts every column both ways'(open) {
    const { page, trouble, close } = await open();
    if (!(await rows(page, FILES).count())) return close().then(() => NONE);
    const total = await shown(page, FILES);
    const buttons = page.locator(`${FILES} th button`);
    for (let at = 0; at < (await buttons.count()); at++) {
      if (!(await buttons.nth(at).isVisible())) continue;
      const label = await buttons.nth(at).textContent();
      const seen = [];
      for (let turn = 0; turn < 2; turn++) {
        await buttons.nth(at).click();
        const way = await page.locator(`${FILES} th`).nth(at).getAttribute('aria-sort');
        assert.ok(way === 'ascending' || way === 'descending');
        seen.push(way);
        const sorted = page.locator(`${FILES} th[aria-sort="ascending"], ${FILES} th[aria-sort="descending"]`);
        assert.equal(await sorted.count(), 1);
        let values = await column(page, FILES, at);
        if (label === 'Worst') values = values.map((value) => ['–', 'info', 'low', 'medium', 'high', 'critical'].indexOf(value));
        else if (label === 'Bytes' || label === 'Found') values = values.map((value) => Number(value.replaceAll(',', '')));
        else if (label === 'File') continue;
        for (let i = 1; i < values.length; i++) {
          const right = way === 'ascending' ? values[i - 1] <= values[i] : values[i - 1] >= values[i];
          assert.ok(right, `${label} ${way}: ${values[i - 1]}, then ${values[i]}`);
        }
      }
      assert.equal(new Set(seen).size, 2, `${label} turns round`);
      assert.equal(await shown(page, FILES), total, 'sorting loses nothing');
    }
    assert.deepEqual(trouble, []);
    await close();
  },

  async 'filters by every facet, and the count is the one that was promised'(open) {
    const { page, trouble, close } = await open();
    let checked = 0;
    for (const table of [FILES, FINDINGS]) {
      const names = await page.locator(`${table} select[data-facet]`).evaluateAll((all) => all.map((each) => each.dataset.facet));
      const total = await shown(page, table);
      for (const name of names) {
        const select = page.locator(`${table} select[data-facet="${name}"]`);
        const choices = await select.evaluate((node) => [...node.options].slice(1, 6).map((option) => [option.value, option.textContent]));
        for (const [value, text] of choices) {
          await select.selectOption(value);
          const promised = Number(/\(([\d,]+)\)$/.exec(text)[1].replaceAll(',', ''));
          assert.equal(await shown(page, table), promised, `${name} ${text}`);
          checked++;
        }
        await reset(page, table);
        assert.equal(await shown(page, table), total);
      }
    }
    assert.deepEqual(trouble, []);
    await close();
    return checked ? `${checked} filters` : NONE;
  },

  async 'searches in paths, and says when nothing fits'(open) {
    const { page, close } = await open();
    if (!(await rows(page, FILES).count())) return close().then(() => NONE);
    const seek = page.locator(`${FILES} input`);
    const [first] = await paths(page, FILES);
    const part = first.slice(-14, -3);
    await seek.fill(part.toUpperCase());
    await page.waitForTimeout(500);
    const found = await paths(page, FILES);
    assert.ok(found.length > 0);
    for (const path of found) for (const word of part.toLowerCase().split(/\s+/)) assert.ok(path.toLowerCase().includes(word), `${path} holds ${word}`);
    await seek.fill('no such words \u{1f40d}');
    await page.waitForTimeout(500);
    assert.equal(await shown(page, FILES), 0);
    assert.ok(await page.locator(`${FILES} .empty`).isVisible());
    await reset(page, FILES);
    assert.ok((await rows(page, FILES).count()) > 0);
    await close();
  },

  async 'can be used by keyboard alone'(open) {
    const { page, trouble, close } = await open();
    const total = await shown(page, FILES);
    if (!total) return close().then(() => NONE);
    const box = page.locator(`${FILES} .box`);
    const active = () => box.evaluate((node) => {
      const row = document.getElementById(node.getAttribute('aria-activedescendant'));
      const [inner, outer] = [row.getBoundingClientRect(), node.getBoundingClientRect()];
      return { index: Number(row.getAttribute('aria-rowindex')), inside: inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1 };
    });
    // From the last control of the toolbar by Tab through the sort buttons to the rows.
    await page.locator(`${FILES} input`).focus();
    for (let presses = 0; presses < 40; presses++) {
      await page.keyboard.press('Tab');
      if (await box.evaluate((node) => node === document.activeElement)) break;
    }
    assert.ok(await box.evaluate((node) => node === document.activeElement), 'Tab leads to the rows');
    assert.notEqual(await box.evaluate((node) => getComputedStyle(node).outlineStyle), 'none', 'the focus can be seen');
    for (const [key, index] of [['ArrowDown', Math.min(3, total + 1)], ['End', total + 1], ['Home', 2]]) {
      await page.keyboard.press(key);
      await page.waitForTimeout(60);
      assert.deepEqual(await active(), { index, inside: true }, key);
    }
    await page.keyboard.press('PageDown');
    await page.waitForTimeout(60);
    assert.ok((await active()).inside);
    const before = (await active()).index;
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open]');
    assert.ok(await page.evaluate(() => document.querySelector('dialog').contains(document.activeElement)));
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog:not([open])', { state: 'attached' });
    assert.ok(await box.evaluate((node) => node === document.activeElement), 'the focus comes back');
    assert.equal((await active()).index, before);
    assert.deepEqual(trouble, []);
    await close();
  },

  async 'opens the details of a file: verdict, header, all columns'(open) {
    const { page, trouble, close } = await open();
    if (!(await rows(page, FILES).count())) return close().then(() => NONE);
    const [first, second] = await paths(page, FILES);
    await rows(page, FILES).first().click();
    await page.waitForSelector('dialog[open]');
    assert.equal(await page.locator('dialog .sub').textContent(), first);
    const headings = await page.locator('dialog h3').allTextContents();
    assert.ok(headings.includes('Would Python run it?'));
    assert.ok(headings.includes('All that is known of it'));
    const names = await page.locator('dialog .facts dt').allTextContents();
    for (const name of ['Artifact', 'Load verdict', 'Header against source', 'Bytes']) assert.ok(names.includes(name), name);
    if (headings.includes('Header, byte by byte')) {
      const cells = await page.locator('dialog .plain tbody tr').first().locator('td').allTextContents();
      assert.equal(cells[0], '0');
      assert.match(cells[1], /^[0-9a-f]{2}( [0-9a-f]{2})*$/);
      assert.equal(cells[2], 'magic');
    }
    if (second) {
      await page.locator('dialog .next').click();
      await page.waitForFunction((text) => document.querySelector('dialog .sub').textContent === text, second);
      await page.locator('dialog .previous').click();
      await page.waitForFunction((text) => document.querySelector('dialog .sub').textContent === text, first);
    }
    await page.locator('dialog .close').click();
    assert.equal(await page.locator('dialog[open]').count(), 0);
    assert.deepEqual(trouble, []);
    await close();
  },

  async 'opens the details of a finding: the rule, and from there the file'(open) {
    const { page, trouble, close } = await open();
    if (!(await rows(page, FINDINGS).count())) return close().then(() => NONE);
    await rows(page, FINDINGS).first().click();
    await page.waitForSelector('dialog[open]');
    const headings = await page.locator('dialog h3').allTextContents();
    assert.equal(headings[0], 'What was seen');
    assert.ok(headings.some((heading) => heading.startsWith('The rule: PYC')));
    assert.ok((await page.locator('dialog .prose').textContent()).length > 20);
    if (await page.locator('dialog .link').count()) {
      await page.locator('dialog .link').click();
      await page.waitForFunction(() => [...document.querySelectorAll('dialog h3')].some((node) => node.textContent === 'All that is known of it'));
    }
    assert.deepEqual(trouble, []);
    await close();
  },

  async 'narrows a table down from a chart'(open) {
    const { page, close } = await open();
    const links = page.locator('a[data-filter]');
    let checked = 0;
    for (let at = 0; at < (await links.count()); at++) {
      const link = links.nth(at);
      if (!(await link.isVisible())) continue;
      const promised = Number(((await link.locator('.count').allTextContents())[0] || '0').replaceAll(',', ''));
      if (!promised) continue;
      await link.click();
      const table = `.live[data-table=${await link.getAttribute('data-table')}]`;
      assert.equal(await shown(page, table), promised, await link.textContent());
      checked++;
    }
    await close();
    return checked ? `${checked} links` : NONE;
  },

  async 'unfolds the rule that a link leads to'(open) {
    const { page, close } = await open();
    const link = page.locator('#worst a.rule').first();
    if (!(await link.count())) return close().then(() => 'no findings in this report');
    await link.click();
    assert.equal(await page.locator(await link.getAttribute('href')).locator('details').first().getAttribute('open'), '');
    await close();
  },

  async 'shows the last row at the very end'(open) {
    const { page, close } = await open();
    const total = await shown(page, FILES);
    if (!total) return close().then(() => NONE);
    await page.locator(`${FILES} .box`).evaluate((node) => (node.scrollTop = node.scrollHeight));
    await page.waitForTimeout(150);
    const last = await page.$$eval(`${FILES} tr.row`, (all) => Number(all.at(-1).getAttribute('aria-rowindex')));
    assert.equal(last, total + 1);
    await close();
  },

  async 'is readable without JavaScript'(open) {
    const { page, trouble, close } = await open({ javaScriptEnabled: false });
    assert.ok(await page.locator('h1').isVisible());
    assert.equal(await page.locator('.live').first().isVisible(), false);
    const plain = page.locator('#files .plain');
    assert.ok(await plain.isVisible());
    const [drawn, total] = [await plain.locator('tbody tr').count(), await page.locator('#files h2 .count').textContent()];
    const all = Number(total.replaceAll(',', ''));
    assert.equal(drawn, Math.min(all, 500));
    if (all > 500) assert.ok((await page.locator('#files .more').textContent()).includes('left out'));
    assert.ok(await page.locator('#custody table.ledger').isVisible());
    assert.deepEqual(trouble, []);
    await close();
  },

  async 'never scrolls sideways, from phone to desk, in light and dark'(open) {
    for (const [width, colorScheme] of [[320, 'light'], [380, 'light'], [380, 'dark'], [700, 'light'], [1024, 'dark'], [1280, 'light'], [1900, 'dark']]) {
      for (const javaScriptEnabled of [true, false]) {
        const { page, close } = await open({ viewport: { width, height: 800 }, colorScheme, javaScriptEnabled });
        assert.ok(await fits(page), `${width} pixels${javaScriptEnabled ? '' : ' without JavaScript'}`);
        if (javaScriptEnabled && (await rows(page, FILES).count())) {
          await rows(page, FILES).first().click();
          await page.waitForSelector('dialog[open]');
          const inside = await page.evaluate(() => document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth);
          assert.ok(inside, `details at ${width} pixels`);
        }
        await close();
      }
    }
  },

  async 'stacks its rows on a phone, and sorts them by a list'(open) {
    const { page, trouble, close } = await open({ viewport: { width: 380, height: 800 } });
    if (!(await rows(page, FILES).count())) return close().then(() => NONE);
    assert.equal(await page.locator(`${FILES} thead`).isVisible(), false);
    const row = await rows(page, FILES).first().boundingBox();
    assert.ok(row.height > 60 && row.x + row.width <= 380, `a row of ${row.width} by ${row.height}`);
    const list = page.locator(`${FILES} .sorter select`);
    await list.selectOption('load');
    const loads = await column(page, FILES, 3);
    assert.deepEqual(loads, [...loads].sort());
    assert.deepEqual(trouble, []);
    await close();
  },

  async 'has text that stands out enough, in light and dark'(open) {
    for (const colorScheme of ['light', 'dark']) {
      const { page, close } = await open({ colorScheme });
      const weak = await page.evaluate(() => {
        const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
        const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const ground = (node) => {
          for (let at = node; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour.length === 3 || colour[3] > 0.99) return colour;
          }
          return [255, 255, 255];
        };
        const bad = [];
        for (const node of document.querySelectorAll('main *, .top *, .foot *')) {
          const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
          if (!own || !node.offsetParent || node.closest('svg') || node.matches('option, :disabled')) continue;
          const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
          const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          if (ratio < 4.5) bad.push(`${node.className || node.tagName} ${ratio.toFixed(2)}: ${node.textContent.trim().slice(0, 30)}`);
        }
        return [...new Set(bad)].slice(0, 5);
      });
      assert.deepEqual(weak, [], colorScheme);
      await close();
    }
  },

  async 'names its language, landmarks, controls and pictures'(open) {
    const { page, close } = await open();
    const found = await page.evaluate(() => {
      const name = (node) => node.getAttribute('aria-label') || (node.labels && node.labels[0] && node.labels[0].textContent) || node.textContent;
      const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
      return {
        language: document.documentElement.lang,
        landmarks: ['header', 'nav', 'main', 'footer'].filter((tag) => document.querySelectorAll(`body > ${tag}, body > header ${tag}`).length !== 1),
        unnamed: [...document.querySelectorAll('button, select, input, [role=grid], [tabindex="0"]')].filter((node) => !(name(node) || '').trim()).length,
        pictures: [...document.querySelectorAll('svg:not([aria-hidden])')].filter((node) => !node.querySelector('title') || !node.querySelector('desc')).length,
        twice: ids.filter((id, at) => ids.indexOf(id) !== at),
        dangling: [...document.querySelectorAll('[aria-labelledby]')].flatMap((node) => node.getAttribute('aria-labelledby').split(' ')).filter((id) => id !== 'drawer-title' && !document.getElementById(id)),
        broken: [...document.querySelectorAll('a[href^="#"]')].map((node) => node.getAttribute('href').slice(1)).filter((id) => !document.getElementById(id)),
      };
    });
    assert.deepEqual(found, { language: 'en', landmarks: [], unnamed: 0, pictures: 0, twice: [], dangling: [], broken: [] });
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'summary');
    await close();
  },

  async 'opens a finding and a file from a link to them'(open) {
    const { page, trouble, close } = await open();
    let checked = 0;
    for (const [table, form] of [[FINDINGS, /^#finding-[0-9a-f]+(-[0-9]+)?$/], [FILES, /^#file=/]]) {
      if (!(await rows(page, table).count())) continue;
      await rows(page, table).last().click();
      await page.waitForSelector('dialog[open]');
      const hash = await page.evaluate(() => location.hash);
      // Made-up findings have no fingerprint.
      if (!hash && table === FINDINGS) {
        await page.keyboard.press('Escape');
        continue;
      }
      assert.match(hash, form);
      const said = await page.locator('dialog .drawer-body').textContent();
      await page.goto(page.url().split('#')[0] + hash);
      await page.reload();
      await page.waitForSelector('dialog[open]');
      assert.equal(await page.locator('dialog .drawer-body').textContent(), said);
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog:not([open])', { state: 'attached' });
      // The dialog says that it is closed in a task of its own, after it is.
      await page.waitForFunction((link) => location.hash !== link, hash, { timeout: 5000 });
      assert.doesNotMatch(await page.evaluate(() => location.hash), form, 'the link goes with the details');
      checked++;
    }
    for (const hash of ['#finding-zz', '#file=%', '#finding-0', '#file=<img src=x>', '#rule-"]']) {
      await page.evaluate((to) => { location.hash = to; }, hash);
      await page.waitForTimeout(30);
    }
    assert.equal(await page.locator('dialog[open]').count(), 0);
    assert.deepEqual(trouble, []);
    await close();
    return checked ? `${checked} links` : NONE;
  },

  async 'drills down the folders, and narrows the table to one'(open) {
    const { page, trouble, close } = await open();
    const total = await shown(page, FILES);
    if (!total) return close().then(() => NONE);
    const tree = page.locator('#folders .tree');
    assert.ok(await tree.isVisible());
    let checked = 0;
    for (let depth = 0; depth < 6; depth++) {
      const closed = tree.locator('.twist[aria-expanded=false]').first();
      if (!(await closed.count())) break;
      await closed.focus();
      await page.keyboard.press('Enter');
      checked++;
    }
    const links = tree.locator('li > .link');
    for (let at = 0; at < Math.min(await links.count(), 4); at++) {
      const promised = Number(/^[\d,]+/.exec(await links.nth(at).textContent())[0].replaceAll(',', ''));
      await links.nth(at).click();
      assert.equal(await shown(page, FILES), promised);
      assert.ok(await page.locator(`${FILES} .within`).isVisible());
      await page.locator(`${FILES} .within .link`).click();
      assert.equal(await shown(page, FILES), total);
    }
    if (await tree.locator('.leaf').count()) {
      await tree.locator('.leaf').first().click();
      await page.waitForSelector('dialog[open]');
    }
    assert.deepEqual(trouble, []);
    await close();
    return `${checked} levels`;
  },

  async 'saves the rows that are shown as CSV without formulas'(open) {
    const { page, trouble, close } = await open();
    const total = await shown(page, FILES);
    if (!total) return close().then(() => NONE);
    for (const table of [FILES, FINDINGS]) {
      const select = page.locator(`${table} select[data-facet=severity]`);
      if ((await select.locator('option').count()) > 1) await select.selectOption({ index: 1 });
      const wanted = await shown(page, table);
      const [download] = await Promise.all([page.waitForEvent('download'), page.locator(`${table} .save`).click()]);
      assert.match(download.suggestedFilename(), /^pycaudit-.*\.csv$/);
      const text = await readFile(await download.path(), 'utf8');
      // RFC 4180: a quoted cell may hold line ends and doubled quotes.
      const cells = [...text.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/g)];
      assert.equal(cells.filter(([, , end]) => end === '\r\n').length, wanted + 1);
      for (const [, cell] of cells) assert.doesNotMatch(cell, /^"?[=+@\t\r]/, cell);
    }
    assert.deepEqual(trouble, []);
    await close();
  },

  async 'copies a digest'(open) {
    const { page, context, trouble, close } = await open();
    if (!(await rows(page, FILES).count())) return close().then(() => NONE);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await rows(page, FILES).first().click();
    await page.waitForSelector('dialog[open]');
    const button = page.locator('dialog .copy[aria-label="Copy SHA-256"]');
    if (!(await button.count())) return close().then(() => 'no digest in this report');
    const digest = await button.evaluate((node) => node.parentElement.firstChild.data);
    await button.click();
    await page.waitForFunction(() => document.querySelector('dialog .copy[aria-label="Copy SHA-256"]').textContent === 'Copied');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), digest);
    assert.match(digest, /^[0-9a-f]{64}$/);
    assert.deepEqual(trouble, []);
    await close();
  },

  async 'has nothing serious for axe-core, details and folders open, wide and narrow, light and dark'(open) {
    const source = await readFile(AXE, 'utf8');
    let passes = 0;
    for (const [width, colorScheme] of [[1280, 'light'], [1280, 'dark'], [380, 'light']]) {
      const { page, close } = await open({ viewport: { width, height: 900 }, colorScheme });
      await page.evaluate(source);
      const look = async (where) => {
        const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        const bad = result.violations.filter((each) => ['serious', 'critical'].includes(each.impact));
        assert.deepEqual(bad.map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 160)} ${each.nodes[0].failureSummary}`), [], `${where}, ${width} pixels, ${colorScheme}`);
        passes += result.passes.length;
      };
      await look('page');
      if (await rows(page, FILES).count()) {
        const closed = page.locator('#folders .twist[aria-expanded=false]').first();
        if (await closed.count()) await closed.click();
        await rows(page, FILES).first().click();
        await page.waitForSelector('dialog[open]');
        await look('details');
      }
      await close();
    }
    return `${passes} rules passed`;
  },

  async 'prints the plain tables and whole rule texts'(open) {
    const { page, trouble, close } = await open();
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.locator(FILES).isVisible(), false);
    assert.ok(await page.locator('#files .plain').isVisible());
    assert.equal(await page.locator('nav').isVisible(), false);
    const pdf = await page.pdf({ format: 'A4' });
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    await page.emulateMedia({ media: 'screen' });
    assert.ok(await page.locator(FILES).isVisible());
    assert.deepEqual(trouble, []);
    await close();
  },
};
