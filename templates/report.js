// The report's one script. It unpacks the tables that the page carries, and draws the rows that are in sight.
//
// Names in a report are hostile: text reaches the page as text (and as the hint of a cell), never as markup, style or address.
'use strict';
(() => {
  const SEVERITIES = ['', 'info', 'low', 'medium', 'high', 'critical'];
  const OVERSCAN = 6;
  // Browsers cap the height of an element (Firefox at 17.9 million pixels); beyond this the scroll bar is scaled.
  const TALLEST = 8000000;
  const narrow = matchMedia('(max-width: 44rem)');
  const began = performance.now();
  const number = new Intl.NumberFormat('en-US');

  // An element with a class and children; strings become text nodes.
  function el(tag, name, ...children) {
    const node = document.createElement(tag);
    if (name) node.className = name;
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ''));
    return node;
  }
  // Text whose parts between backticks are code, as messages have it.
  const said = (text) => el('span', 'said', ...text.split(/(`[^`]+`)/).map((part) => (part.length > 2 && part.startsWith('`') && part.endsWith('`') ? el('code', 'path', part.slice(1, -1)) : part)));
  const badge = (severity) => (severity ? el('span', 'sev ' + severity, severity) : el('span', 'none', '–'));
  const button = (text, name, act) => {
    const node = el('button', name, text);
    node.type = 'button';
    node.addEventListener('click', act);
    return node;
  };
  const count = (n) => (n === null || n === undefined ? '' : number.format(n));
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

  function decode(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return bytes;
  }

  // One column of one table: unpacked when it is first asked for.
  class Column {
    constructor(node) {
      this.node = node;
      this.key = node.dataset.key;
      this.label = node.dataset.label;
      this.kind = node.dataset.kind;
      this.loaded = null;
    }
    load() {
      this.loaded ||= this.unpack();
      return this.loaded;
    }
    async unpack() {
      const stream = new Blob([decode(this.node.textContent)]).stream().pipeThrough(new DecompressionStream('gzip'));
      const unpacked = new Response(stream);
      this.values = this.kind === 'digests' ? new Uint8Array(await unpacked.arrayBuffer()) : JSON.parse(await unpacked.text());
      return this;
    }
    at(row) {
      if (this.kind !== 'digests') return this.values[row];
      const bytes = this.values.subarray(row * 32, row * 32 + 32);
      return bytes.some((byte) => byte !== 0) ? hex(bytes) : '';
    }
  }

  // A whole place, and where the name of the file itself begins in it. A `!` may be a part of a name, so it is not looked for.
  function place(artifact, member) {
    const path = member ? artifact + '!' + member : artifact;
    const start = member ? artifact.length + 1 : 0;
    // A folder's own slash, at its end, parts nothing.
    return { path, cut: Math.max(path.lastIndexOf('/', path.length - 2) + 1, start) };
  }

  const tables = {};
  for (const node of document.querySelectorAll('script[data-column]')) {
    const columns = (tables[node.dataset.table] ||= { columns: {}, details: [] });
    columns.columns[node.dataset.key] = new Column(node);
    if (node.dataset.when === 'later') columns.details.push(node.dataset.key);
  }
  for (const table of Object.values(tables)) {
    table.value = (key, row) => table.columns[key].values[row];
    table.place = (row) => place(table.value('artifact', row), table.value('member', row));
    table.path = (row) => table.place(row).path;
  }
  const { pycs, findings } = tables;

  // A finding of a pyc that is about that very file has an empty place: it is the pyc's.
  function placeOf(row) {
    const owner = findings.value('pyc', row);
    return findings.value('artifact', row) === '' && owner >= 0 ? pycs.place(owner) : findings.place(row);
  }

  // The cells of a place, for a finding that has the place of its pyc.
  function ownerOf(row) {
    const owner = findings.value('pyc', row);
    if (findings.value('artifact', row) !== '' || owner < 0) return null;
    return { artifact: pycs.value('artifact', owner), member: pycs.value('member', owner) };
  }

  function file({ path, cut }) {
    const node = el('span', 'file', el('span', 'base', path.slice(cut)), el('span', 'dir', path.slice(0, cut)));
    node.title = path;
    return node;
  }

  const VIEWS = {
    pycs: {
      noun: ['bytecode file', 'bytecode files'],
      hint: 'path, module, rule…',
      sort: ['severity', 'descending'],
      columns: [
        { key: 'severity', label: 'Worst', width: '6.75rem', sort: (row) => pycs.worst[row], draw: (row) => badge(SEVERITIES[pycs.worst[row]]), first: 'descending' },
        { key: 'path', label: 'File', name: 'main', sort: 'order', draw: (row) => file(pycs.place(row)) },
        { key: 'python', label: 'Python', width: '7.5rem' },
        { key: 'load', label: 'Load', width: '8.5rem' },
        { key: 'header', label: 'Header', width: '9.25rem' },
        { key: 'code', label: 'Code', width: '8rem' },
        { key: 'mtime', label: 'Source', width: '6.75rem', name: 'minor time', sort: (row) => Date.parse(pycs.value('mtime', row)) || -1, draw: (row) => pycs.value('mtime', row).slice(0, 10) },
        { key: 'size', label: 'Bytes', width: '6.5rem', name: 'minor extra num', draw: (row) => count(pycs.value('size', row)), first: 'descending' },
        { key: 'findings', label: 'Found', width: '5rem', name: 'minor num', sort: (row) => pycs.found[row].length, draw: (row) => count(pycs.found[row].length), first: 'descending' },
      ],
      facets: [
        { key: 'severity', label: 'Worst finding', of: (row) => [SEVERITIES[pycs.worst[row]] || 'none'], order: ['critical', 'high', 'medium', 'low', 'info', 'none'] },
        { key: 'load', label: 'Load' },
        { key: 'header', label: 'Header' },
        { key: 'code', label: 'Code' },
        { key: 'python', label: 'Python' },
        { key: 'root', label: 'Built in' },
        { key: 'rule', label: 'Rule', of: (row) => [...new Set(pycs.found[row].map((each) => findings.value('rule', each)))] },
      ],
      more: [
        ['max_severity', (row) => SEVERITIES[pycs.worst[row]]],
        ['findings', (row) => [...new Set(pycs.found[row].map((each) => findings.value('rule', each)))].join(' ')],
      ],
      text: (row) => [pycs.path(row), pycs.value('module', row), pycs.value('python', row), ...pycs.found[row].map((each) => findings.value('rule', each))].join('\n'),
      details: pycDetails,
      link: (row) => '#file=' + encodeURIComponent(pycs.path(row)),
    },
    findings: {
      noun: ['finding', 'findings'],
      hint: 'path, message, value, rule…',
      sort: ['severity', 'descending'],
      columns: [
        { key: 'severity', label: 'Severity', width: '7rem', sort: (row) => SEVERITIES.indexOf(findings.value('severity', row)), draw: (row) => badge(findings.value('severity', row)), first: 'descending' },
        { key: 'rule', label: 'Rule', width: '6rem' },
        { key: 'message', label: 'What', name: 'flow' },
        { key: 'path', label: 'Where', name: 'main', sort: 'order', draw: (row) => file(placeOf(row)) },
        { key: 'load', label: 'Load', width: '8.5rem', name: 'minor', sort: (row) => loadOf(row), draw: (row) => loadOf(row) },
      ],
      facets: [
        { key: 'severity', label: 'Severity', order: ['critical', 'high', 'medium', 'low', 'info'] },
        { key: 'rule', label: 'Rule' },
        { key: 'load', label: 'Load', of: (row) => [loadOf(row) || 'not bytecode'] },
      ],
      text: (row) => [placeOf(row).path, findings.value('rule', row), ruleName(findings.value('rule', row)), findings.value('message', row), findings.value('expected', row), findings.value('observed', row)].join('\n'),
      details: findingDetails,
      link: (row) => findings.links && findings.links.get(row),
    },
    artifacts: {
      noun: ['artifact', 'artifacts'],
      hint: 'path, SHA-256…',
      sort: ['path', 'ascending'],
      columns: [
        { key: 'path', label: 'Artifact', name: 'main', sort: 'order', draw: (row) => file(tables.artifacts.place(row)) },
        { key: 'kind', label: 'Kind', width: '7rem' },
        { key: 'pycs', label: 'Pycs', width: '6rem', name: 'num', draw: (row) => count(tables.artifacts.value('pycs', row)), first: 'descending' },
        { key: 'seen', label: 'Seen', width: '6rem', name: 'minor num', draw: (row) => count(tables.artifacts.value('seen', row)), first: 'descending' },
        { key: 'size', label: 'Bytes', width: '8rem', name: 'minor num', draw: (row) => count(tables.artifacts.value('size', row)), first: 'descending' },
        { key: 'sha256', label: 'SHA-256', width: '13rem', name: 'path', sort: null, draw: (row) => tables.artifacts.columns.sha256.at(row) },
      ],
      facets: [{ key: 'kind', label: 'Kind' }],
      text: (row) => [tables.artifacts.path(row), tables.artifacts.columns.sha256.at(row)].join('\n'),
      details: artifactDetails,
    },
    problems: {
      noun: ['problem', 'problems'],
      hint: 'path, words…',
      sort: ['path', 'ascending'],
      columns: [
        { key: 'kind', label: 'Problem', width: '12rem' },
        { key: 'path', label: 'Where', name: 'main', sort: 'order', draw: (row) => file(tables.problems.place(row)) },
        { key: 'message', label: 'What', name: 'flow' },
      ],
      facets: [{ key: 'kind', label: 'Problem' }],
      text: (row) => [tables.problems.path(row), tables.problems.value('kind', row), tables.problems.value('message', row)].join('\n'),
      details: problemDetails,
    },
  };

  function loadOf(row) {
    const owner = findings.value('pyc', row);
    return owner >= 0 ? pycs.value('load', owner) : '';
  }
  function prose(rule) {
    const article = document.getElementById('rule-' + rule);
    return article && article.querySelector('.prose');
  }
  function ruleName(id) {
    const heading = document.getElementById('name-' + id);
    return heading ? heading.textContent.slice(id.length).trim() : '';
  }

  // One table: what is sorted, filtered and drawn.
  class Live {
    constructor(root, name) {
      this.root = root;
      this.name = name;
      this.table = tables[name];
      this.view = VIEWS[name];
      this.chosen = {};
      this.needle = '';
      this.scope = null;
      this.active = 0;
      [this.sortKey, this.sortWay] = this.view.sort;
    }

    async start() {
      const now = Object.values(this.table.columns).filter((column) => column.node.dataset.when === 'now');
      await Promise.all(now.map((column) => column.load()));
      this.size = this.table.columns.artifact.values.length;
    }

    show() {
      this.facets = this.view.facets.map((facet) => this.index(facet));
      this.orders = {};
      this.build();
      this.arrange();
      this.root.hidden = false;
      const still = this.root.nextElementSibling;
      if (still) still.hidden = true;
      this.draw();
    }

    // Every value of a facet gets a number; a row of several values gets a list of them.
    index(facet) {
      const plain = facet.of ? null : this.table.columns[facet.key].values;
      const numbers = new Map();
      const counts = [];
      const codes = new Array(this.size);
      for (let row = 0; row < this.size; row++) {
        const values = plain ? [plain[row]] : facet.of(row);
        const mine = [];
        for (const value of values) {
          let code = numbers.get(value);
          if (code === undefined) {
            code = numbers.size;
            numbers.set(value, code);
            counts.push(0);
          }
          counts[code]++;
          mine.push(code);
        }
        codes[row] = plain || mine.length === 1 ? mine[0] : mine;
      }
      let values = [...numbers.keys()];
      if (facet.order) values = facet.order.filter((value) => numbers.has(value));
      else values.sort((a, b) => counts[numbers.get(b)] - counts[numbers.get(a)] || (a < b ? -1 : 1));
      return { ...facet, numbers, counts, codes, values };
    }

    build() {
      const id = 'live-' + this.name;
      this.seek = el('input');
      this.seek.type = 'search';
      this.seek.placeholder = this.view.hint;
      this.seek.spellcheck = false;
      this.seek.addEventListener('input', () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.search(this.seek.value), this.size > 20000 ? 90 : 0);
      });
      this.seek.addEventListener('focus', () => this.prepare());
      const tools = el('div', 'tools', el('label', 'seek', 'Search', this.seek));
      for (const facet of this.facets) {
        const select = el('select');
        select.append(new Option('all', ''));
        for (const value of facet.values.slice(0, 500)) {
          const name = facet.key === 'rule' ? (value + ' ' + ruleName(value)).trim() : value || 'not known';
          select.append(new Option(name + ' (' + count(facet.counts[facet.numbers.get(value)]) + ')', value || ' '));
        }
        select.dataset.facet = facet.key;
        select.addEventListener('change', () => this.filter(facet.key, select.value));
        facet.select = select;
        if (facet.values.length > 1 || facet.key === 'severity' || facet.key === 'rule') tools.append(el('label', '', facet.label, select));
      }
      this.sorter = el('select');
      for (const column of this.view.columns) {
        if (column.sort !== null) this.sorter.append(new Option(column.label, column.key));
      }
      this.sorter.addEventListener('change', () => this.sort(this.sorter.value));
      tools.append(el('label', 'sorter', 'Sort by', this.sorter));
      this.reset = el('button', 'button', 'Reset');
      this.reset.type = 'button';
      this.reset.addEventListener('click', () => this.clear());
      tools.append(this.reset, button('CSV', 'button save', () => this.save()));
      tools.lastChild.title = 'Save the rows that are shown, in their order';

      this.shown = el('p', 'shown');
      this.shown.setAttribute('role', 'status');
      this.within = el('p', 'within');
      this.within.hidden = true;
      this.body = el('tbody');
      const head = el('tr');
      head.setAttribute('role', 'row');
      head.setAttribute('aria-rowindex', '1');
      for (const column of this.view.columns) {
        const cell = el('th', column.name === 'main' ? '' : column.name || '');
        cell.scope = 'col';
        cell.setAttribute('role', 'columnheader');
        if (column.width) cell.style.width = column.width;
        if (column.sort === null) {
          cell.append(el('span', 'unsorted', column.label));
        } else {
          const button = el('button', '', column.label);
          button.type = 'button';
          button.addEventListener('click', () => this.sort(column.key));
          cell.append(button);
        }
        column.cell = cell;
        head.append(cell);
      }
      const group = el('thead', '', head);
      group.setAttribute('role', 'rowgroup');
      this.body.setAttribute('role', 'rowgroup');
      this.grid = el('table', 'grid', group, this.body);
      this.grid.setAttribute('role', 'presentation');
      this.box = el('div', 'box', this.grid);
      this.box.tabIndex = 0;
      this.box.id = id;
      this.box.setAttribute('role', 'grid');
      this.box.setAttribute('aria-label', this.view.noun[1] + '; arrow keys move, Enter opens the details');
      this.box.setAttribute('aria-colcount', String(this.view.columns.length));
      this.box.addEventListener('scroll', () => this.soon());
      this.box.addEventListener('keydown', (event) => this.key(event));
      this.body.addEventListener('click', (event) => {
        const row = event.target.closest('tr.row');
        if (!row || String(getSelection())) return;
        this.active = Number(row.dataset.at);
        this.draw();
        this.open();
      });
      this.root.replaceChildren(tools, this.within, this.shown, this.box);
      new ResizeObserver(() => this.soon()).observe(this.box);
      narrow.addEventListener('change', () => this.draw());
    }

    // The rows in the order of a column, ascending; rows of equal value keep the order of the report.
    order(key) {
      if (this.orders[key]) return this.orders[key];
      const column = this.view.columns.find((each) => each.key === key);
      const rows = Uint32Array.from({ length: this.size }, (_, row) => row);
      if (column.sort !== 'order') {
        const of = column.sort || ((row) => this.table.value(key, row));
        const keys = Array.from(rows, of);
        let distinct = [...new Set(keys)];
        // Numbers sort much faster among themselves.
        if (distinct.every((value) => typeof value === 'number')) distinct = Float64Array.from(distinct).sort();
        else distinct.sort((a, b) => (a === null ? -1 : b === null ? 1 : a < b ? -1 : a > b ? 1 : 0));
        const ranks = new Map();
        distinct.forEach((value, rank) => ranks.set(value, rank));
        const starts = new Uint32Array(distinct.length + 1);
        const mine = keys.map((value) => ranks.get(value));
        for (const rank of mine) starts[rank + 1]++;
        for (let rank = 1; rank < starts.length; rank++) starts[rank] += starts[rank - 1];
        for (let row = 0; row < this.size; row++) rows[starts[mine[row]]++] = row;
        column.ranks = mine;
      }
      this.orders[key] = rows;
      return rows;
    }

    arrange() {
      const order = this.order(this.sortKey);
      const column = this.view.columns.find((each) => each.key === this.sortKey);
      const tests = this.facets.filter((facet) => this.chosen[facet.key] !== undefined).map((facet) => [facet.codes, this.chosen[facet.key]]);
      const terms = this.needle.toLowerCase().split(/\s+/).filter(Boolean);
      if (terms.length) this.prepare();
      const inside = this.scope && this.scope.rows(this.name);
      const keep = (row) => {
        if (inside && !inside[row]) return false;
        for (const [codes, wanted] of tests) {
          const mine = codes[row];
          if (mine !== wanted && !(typeof mine === 'object' && mine.includes(wanted))) return false;
        }
        for (const term of terms) if (!this.haystack[row].includes(term)) return false;
        return true;
      };
      const rows = new Uint32Array(this.size);
      let length = 0;
      if (tests.length || terms.length || inside) {
        for (const row of order) if (keep(row)) rows[length++] = row;
      } else {
        rows.set(order);
        length = this.size;
      }
      this.rows = rows.subarray(0, length);
      if (this.sortWay === 'descending') this.turn(column);
      const whole = length === this.size;
      const noun = this.view.noun[this.size === 1 ? 0 : 1];
      this.shown.textContent = whole ? count(this.size) + ' ' + noun : count(length) + ' of ' + count(this.size) + ' ' + noun;
      this.within.hidden = !this.scope;
      if (this.scope) this.within.replaceChildren('only in ', el('code', 'path', this.scope.label), ' ', button('show all', 'link', () => this.narrow(null)));
      this.reset.disabled = !tests.length && !terms.length && !this.scope && this.sortKey === this.view.sort[0] && this.sortWay === this.view.sort[1];
      for (const each of this.view.columns) {
        if (each.sort !== null) each.cell.setAttribute('aria-sort', each.key === this.sortKey ? this.sortWay : 'none');
      }
      this.sorter.value = this.sortKey;
      this.box.setAttribute('aria-rowcount', String(length + 1));
      this.active = 0;
      this.box.scrollTop = 0;
    }

    // Descending: the values in turn, but rows of equal value in the order of the report.
    turn(column) {
      this.rows.reverse();
      const ranks = column.ranks;
      if (!ranks) return;
      let from = 0;
      for (let at = 1; at <= this.rows.length; at++) {
        if (at < this.rows.length && ranks[this.rows[at]] === ranks[this.rows[from]]) continue;
        this.rows.subarray(from, at).reverse();
        from = at;
      }
    }

    // The text that is searched, made when somebody is about to search.
    prepare() {
      this.haystack ||= Array.from({ length: this.size }, (_, row) => this.view.text(row).toLowerCase());
    }

    sort(key) {
      const column = this.view.columns.find((each) => each.key === key);
      if (this.sortKey === key) this.sortWay = this.sortWay === 'ascending' ? 'descending' : 'ascending';
      else [this.sortKey, this.sortWay] = [key, column.first || 'ascending'];
      this.redo('sort');
    }
    filter(key, value) {
      const facet = this.facets.find((each) => each.key === key);
      const code = value === '' ? undefined : facet.numbers.get(value === ' ' ? '' : value);
      facet.select.value = code === undefined ? '' : value;
      if (code === undefined) delete this.chosen[key];
      else this.chosen[key] = code;
      this.redo('filter');
    }
    search(text) {
      this.needle = text;
      this.redo('search');
    }
    narrow(scope) {
      this.scope = scope;
      this.redo('narrow');
    }
    clear() {
      this.chosen = {};
      this.scope = null;
      this.needle = this.seek.value = '';
      for (const facet of this.facets) facet.select.value = '';
      [this.sortKey, this.sortWay] = this.view.sort;
      this.redo('reset');
    }
    // Goes to a row of the report, whatever is filtered.
    goto(row) {
      if (!this.rows.includes(row)) this.clear();
      this.active = Math.max(this.rows.indexOf(row), 0);
      this.move(0);
    }

    // The rows that are shown, as RFC 4180 with cells that no spreadsheet takes for a formula.
    async save() {
      await all(this.table);
      if (this.name === 'pycs') await all(findings);
      const columns = Object.values(this.table.columns).filter((column) => column.label);
      const more = this.view.more || [];
      const cell = (value) => {
        let text = value === null || value === undefined ? '' : String(value);
        if (typeof value === 'string' && /^[=+\-@＝＋－＠\t\r']/.test(text)) text = "'" + text;
        // Quoted, since some spreadsheets separate at semicolons too.
        return typeof value === 'string' ? '"' + text.replaceAll('"', '""') + '"' : text;
      };
      const parts = [[...columns.map((column) => column.key), ...more.map(([key]) => key)].join(',') + '\r\n'];
      for (const row of this.rows) {
        const place = this.name === 'findings' ? ownerOf(row) : null;
        const values = columns.map((column) => (place && column.key in place ? place[column.key] : column.at(row)));
        parts.push([...values, ...more.map(([, of]) => of(row))].map(cell).join(',') + '\r\n');
      }
      const link = el('a');
      link.href = URL.createObjectURL(new Blob(parts, { type: 'text/csv' }));
      link.download = 'pycaudit-' + this.view.noun[1].replaceAll(' ', '-') + '.csv';
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    }

    redo(what) {
      const from = performance.now();
      this.arrange();
      this.draw();
      this.root.dataset.last = what + ' ' + (performance.now() - from).toFixed(1);
    }

    soon() {
      this.frame ||= requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }

    // Where the box is scrolled to, in pixels of rows, and how tall it pretends to be.
    place() {
      const tall = narrow.matches ? 88 : 40;
      const full = this.rows.length * tall;
      const height = Math.min(full, TALLEST);
      const head = narrow.matches ? 0 : this.grid.tHead.offsetHeight;
      const room = Math.max(this.box.clientHeight - head, tall);
      const scale = height > room ? (full - room) / (height - room) : 1;
      return { tall, full, height, head, room, scale };
    }

    draw() {
      const { tall, full, height, room, scale } = this.place();
      const top = Math.min(this.box.scrollTop, Math.max(height - room, 0));
      const at = top * scale;
      const first = Math.max(Math.floor(at / tall) - OVERSCAN, 0);
      const last = Math.min(Math.ceil((at + room) / tall) + OVERSCAN, this.rows.length);
      const above = Math.max(top - (at - first * tall), 0);
      const below = Math.max(height - above - (last - first) * tall, 0);
      const nodes = [];
      if (above) nodes.push(this.spacer(above));
      for (let index = first; index < last; index++) nodes.push(this.row(index));
      if (full > 0 && below) nodes.push(this.spacer(below));
      if (!this.rows.length) nodes.push(this.nothing());
      this.body.replaceChildren(...nodes);
      const active = document.getElementById(this.box.id + '-' + this.active);
      if (active) this.box.setAttribute('aria-activedescendant', active.id);
      else this.box.removeAttribute('aria-activedescendant');
    }

    spacer(height) {
      const cell = el('td');
      cell.style.height = height + 'px';
      const row = el('tr', 'gap', cell);
      row.setAttribute('aria-hidden', 'true');
      return row;
    }
    nothing() {
      const cell = el('td', 'empty', this.size ? 'Nothing fits. Widen the search or reset the filters.' : 'None.');
      // Columns that the width hides must not come back as empty ones.
      cell.colSpan = this.view.columns.filter((column) => column.cell.offsetWidth).length || 1;
      return el('tr', '', cell);
    }
    row(index) {
      const id = this.rows[index];
      const node = el('tr', index === this.active ? 'row active' : 'row');
      node.id = this.box.id + '-' + index;
      node.dataset.at = index;
      node.setAttribute('role', 'row');
      node.setAttribute('aria-rowindex', String(index + 2));
      for (const column of this.view.columns) {
        const drawn = column.draw ? column.draw(id) : this.table.value(column.key, id);
        const cell = el('td', column.name || '', drawn);
        cell.setAttribute('role', 'gridcell');
        if (!(drawn instanceof Node)) cell.title = drawn;
        node.append(cell);
      }
      return node;
    }

    key(event) {
      if (event.target !== this.box || event.ctrlKey || event.altKey || event.metaKey) return;
      const { tall, room } = this.place();
      const page = Math.max(Math.floor(room / tall) - 1, 1);
      const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        this.open();
      } else if (event.key in moves) {
        event.preventDefault();
        this.move(moves[event.key]);
      }
    }
    move(by) {
      this.active = Math.max(0, Math.min(this.rows.length - 1, this.active + by));
      const { tall, head, room, scale } = this.place();
      const from = this.active * tall;
      const at = this.box.scrollTop * scale;
      if (from < at) this.box.scrollTop = from / scale;
      else if (from + tall > at + room) this.box.scrollTop = (from + tall - room) / scale;
      this.draw();
    }

    async open() {
      const row = this.rows[this.active];
      if (row === undefined) return;
      const later = this.table.details.map((key) => this.table.columns[key].load());
      await Promise.all(later);
      const body = await this.view.details(row);
      drawer(this, body);
    }
  }

  // The details of one row, in a dialog: Escape closes it, and the focus returns to the table.
  const dialog = document.getElementById('drawer');
  function drawer(live, body) {
    const knob = (text, label, act, off) => {
      const node = button(text, 'button', act);
      node.setAttribute('aria-label', label);
      node.disabled = off;
      return node;
    };
    const step = async (by) => {
      live.move(by);
      await live.open();
      const again = dialog.querySelector(by < 0 ? '.previous' : '.next');
      (again.disabled ? dialog.querySelector('.close') : again).focus();
    };
    const previous = knob('↑', 'Previous row', () => step(-1), live.active === 0);
    previous.classList.add('previous');
    const next = knob('↓', 'Next row', () => step(1), live.active + 1 >= live.rows.length);
    next.classList.add('next');
    const close = knob('Close', 'Close the details', () => dialog.close(), false);
    close.classList.add('close');
    const spot = el('span', 'spot', count(live.active + 1) + ' of ' + count(live.rows.length));
    const address = live.view.link && live.view.link(live.rows[live.active]);
    const share = address ? copier('Copy link', 'Copy link to this row', () => location.href.split('#')[0] + address) : '';
    if (share) share.classList.add('button', 'share-link');
    dialog.replaceChildren(el('div', 'drawer-bar', previous, next, spot, share, close), body);
    if (address) history.replaceState(null, '', address);
    dialog.scrollTop = 0;
    if (!dialog.open) {
      dialog.showModal();
      close.focus();
      dialog.addEventListener('close', () => {
        live.box.focus({ preventScroll: true });
        if (/^#(finding-|file=)/.test(location.hash)) history.replaceState(null, '', '#' + live.root.closest('section').id);
      }, { once: true });
    }
  }
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });

  function title({ path, cut }, chips) {
    const heading = el('h2', '', el('code', 'path', path.slice(cut)));
    heading.id = 'drawer-title';
    return el('header', '', heading, el('p', 'sub', el('code', 'path', path)), el('p', 'chips', ...chips));
  }
  // A button that copies a text; what it did is said in its place.
  function copier(text, label, what) {
    const node = button(text, 'copy', async () => {
      const copied = await copy(what());
      node.textContent = copied ? 'Copied' : 'Not allowed';
      setTimeout(() => { node.textContent = text; }, 1600);
    });
    node.setAttribute('aria-label', label);
    node.setAttribute('aria-live', 'polite');
    return node;
  }
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Some browsers do not let a page of a file at the clipboard: the old way, by a selection.
      const field = el('textarea', 'aside');
      field.value = text;
      dialog.append(field);
      field.select();
      const copied = document.execCommand('copy');
      field.remove();
      return copied;
    }
  }
  const COPIED = ['SHA-256', 'Code digest', 'Fingerprint', 'Recorded source hash', 'Artifact', 'Member', 'Build path', 'Source'];

  function facts(pairs) {
    const list = el('dl', 'facts');
    for (const [name, value, kind] of pairs) {
      if (value === '' || value === null || value === undefined) continue;
      const node = el('dd', kind || '', String(value));
      if (COPIED.includes(name)) node.append(' ', copier('Copy', 'Copy ' + name, () => String(value)));
      list.append(el('div', '', el('dt', '', name), node));
    }
    return list;
  }
  function part(heading, ...nodes) {
    return el('section', '', el('h3', '', heading), ...nodes);
  }
  function compare(expected, observed) {
    if (!expected && !observed) return null;
    const side = (name, value) => el('div', '', el('dt', '', name), el('dd', '', value));
    return el('dl', 'compare', side('expected', expected), side('observed', observed));
  }
  const at = (row) => {
    const offset = findings.value('offset', row);
    const line = findings.value('line', row);
    return [offset === null ? '' : 'at offset 0x' + offset.toString(16) + ' (' + count(offset) + ')', line === null ? '' : 'line ' + count(line)].filter(Boolean).join(', ');
  };
  function evidence(row, owner) {
    const rule = findings.value('rule', row);
    const { path } = placeOf(row);
    const node = el('div', 'finding', el('p', 'what', badge(findings.value('severity', row)), said(findings.value('message', row))));
    const where = el('p', 'where', path !== owner ? el('code', 'path', path) : '', path !== owner && at(row) ? ' ' : '', at(row));
    if (where.textContent) node.append(where);
    const sides = compare(findings.value('expected', row), findings.value('observed', row));
    if (sides) node.append(sides);
    const text = prose(rule);
    if (text) {
      const more = el('details', '', el('summary', '', rule + ' ' + ruleName(rule)), text.cloneNode(true));
      node.append(more);
    }
    return node;
  }
  async function all(table) {
    await Promise.all(table.details.map((key) => table.columns[key].load()));
  }

  function headerFields(fields) {
    const strip = el('p', 'hex');
    const body = el('tbody');
    for (const [offset, bytes, name, reading] of fields) {
      const spaced = bytes.replace(/../g, '$& ').trim();
      const box = el('span', '', spaced);
      box.title = name;
      strip.append(box);
      body.append(el('tr', '', el('td', 'num', String(offset)), el('td', '', spaced), el('td', '', name), el('td', '', reading)));
    }
    const head = el('tr', '', ...['offset', 'bytes', 'field', 'reading'].map((name) => {
      const cell = el('th', name === 'offset' ? 'num' : '', name);
      cell.scope = 'col';
      return cell;
    }));
    const table = el('table', 'plain', el('thead', '', head), body);
    const scroll = el('div', 'scroll', table);
    scroll.tabIndex = 0;
    return part('Header, byte by byte', strip, scroll);
  }

  function codeDifferences(rows) {
    const nodes = rows.map(([line, text, code, offset, expected, found]) => {
      const where = [line === null ? '' : 'line ' + count(line), code, offset === null ? '' : 'instruction at ' + count(offset)].filter(Boolean).join(', ');
      const node = el('div', 'finding', el('p', 'where', where));
      const sides = el('dl', 'compare');
      for (const [name, value] of [['source', text], ['expected', expected], ['found', found]]) {
        if (value) sides.append(el('div', '', el('dt', '', name), el('dd', '', value)));
      }
      node.append(sides);
      return node;
    });
    return part(rows.length === 1 ? 'Where the code is not the source' : count(rows.length) + ' places where the code is not the source', ...nodes);
  }

  // Source on one side, the instructions that claim to be of the line on the other.
  function codePassages(rows) {
    const nodes = rows.map(([code, lines]) => {
      const grid = el('div', 'passage');
      for (const [line, text, differs, instructions] of lines) {
        const source = el('div', 'source', el('span', 'number', line === null ? '' : String(line)), el('code', '', text));
        const list = el('div', 'instructions', ...instructions.map(([offset, shown, here]) =>
          el('div', here ? 'differs' : '', el('span', 'number', String(offset)), el('code', '', shown))));
        grid.append(el('div', differs ? 'line differs' : 'line', source, list));
      }
      return el('div', '', el('p', 'where', code), grid);
    });
    return part('Source and instructions', ...nodes);
  }

  async function pycDetails(row) {
    await all(findings);
    const mine = pycs.found[row];
    const get = (key) => pycs.columns[key].at(row);
    const body = el('div', 'drawer-body', title(pycs.place(row), [
      badge(SEVERITIES[pycs.worst[row]]),
      el('span', '', get('python')),
      el('span', '', get('load')),
      el('span', '', get('header')),
      el('span', '', get('code')),
    ]));
    body.append(part('Would Python run it?', el('p', '', el('strong', '', get('load')), get('reason') ? ': ' : '', said(get('reason')))));
    if (mine.length) body.append(part(mine.length === 1 ? 'One finding' : count(mine.length) + ' findings', ...mine.map((each) => evidence(each, pycs.path(row)))));
    if (get('differences').length) body.append(codeDifferences(get('differences')));
    if (get('passages').length) body.append(codePassages(get('passages')));
    if (get('fields').length) body.append(headerFields(get('fields')));
    if (get('problems').length) body.append(part('What could not be read', el('ul', 'list', ...get('problems').map((text) => el('li', '', text)))));
    const shown = ['fields', 'differences', 'passages', 'reason', 'problems'];
    const rest = Object.values(pycs.columns).filter((column) => column.label && !shown.includes(column.key));
    body.append(part('All that is known of it', facts(rest.map((column) => {
      const value = column.at(row);
      return [column.label, typeof value === 'number' ? count(value) : value];
    }))));
    return body;
  }

  // What a link to each finding is: the digits of its fingerprint, and of equal ones the number, as in the plain table.
  async function nameFindings() {
    if (findings.links) return;
    const prints = (await findings.columns.fingerprint.load()).values;
    const times = new Map();
    findings.links = new Map();
    for (let row = 0; row < prints.length; row++) {
      const [digits] = /[0-9a-f]*$/.exec(prints[row]);
      if (!digits) continue;
      const time = (times.get(digits) || 0) + 1;
      times.set(digits, time);
      findings.links.set(row, '#finding-' + digits + (time > 1 ? '-' + time : ''));
    }
  }

  async function findingDetails(row) {
    await all(pycs);
    await nameFindings();
    const owner = findings.value('pyc', row);
    const rule = findings.value('rule', row);
    const body = el('div', 'drawer-body', title(placeOf(row), [badge(findings.value('severity', row)), el('span', '', rule + ' ' + ruleName(rule))]));
    const found = el('div', 'finding', el('p', 'what', said(findings.value('message', row))));
    if (at(row)) found.append(el('p', 'where', at(row)));
    const sides = compare(findings.value('expected', row), findings.value('observed', row));
    if (sides) found.append(sides);
    body.append(part('What was seen', found));
    if (owner >= 0) {
      const reason = pycs.columns.reason.at(owner);
      body.append(part('Would Python run it?', el('p', '', el('strong', '', pycs.value('load', owner)), reason ? ': ' : '', said(reason))));
      const jump = el('button', 'link', 'The file: header, source, all its findings');
      jump.type = 'button';
      jump.addEventListener('click', async () => {
        dialog.replaceChildren(dialog.firstChild, await pycDetails(owner));
        dialog.scrollTop = 0;
        dialog.querySelector('.close').focus();
      });
      body.append(el('p', '', jump));
    }
    const fingerprint = findings.value('fingerprint', row);
    if (fingerprint) body.append(facts([['Fingerprint', fingerprint]]));
    const text = prose(rule);
    if (text) body.append(part('The rule: ' + rule + ' ' + ruleName(rule), text.cloneNode(true)));
    return body;
  }

  function listDetails(table, row) {
    const body = el('div', 'drawer-body', title(table.place(row), []));
    body.append(part('All that is known of it', facts(Object.values(table.columns).filter((column) => column.label).map((column) => {
      const value = column.at(row);
      return [column.label, typeof value === 'number' ? count(value) : value];
    }))));
    return body;
  }
  function artifactDetails(row) {
    return listDetails(tables.artifacts, row);
  }
  function problemDetails(row) {
    return listDetails(tables.problems, row);
  }

  // Links of the charts narrow a table down to what they show.
  const lives = {};
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-filter]');
    if (link && lives[link.dataset.table]) {
      const live = lives[link.dataset.table];
      live.clear();
      live.filter(link.dataset.filter, link.dataset.value);
      return;
    }
    const rule = event.target.closest('a[href^="#rule-"]');
    if (rule) reveal(rule.hash);
  });
  // A link to a file or a finding opens it.
  async function follow(hash) {
    let live = null;
    let row = -1;
    if (hash.startsWith('#file=')) {
      let path = '';
      try { path = decodeURIComponent(hash.slice(6)); } catch { return; }
      live = lives.pycs;
      for (let at = 0; live && at < live.size && row < 0; at++) if (pycs.path(at) === path) row = at;
    } else if (/^#finding-[0-9a-f]+(-[0-9]+)?$/.test(hash)) {
      live = lives.findings;
      if (!live) return;
      await nameFindings();
      for (const [at, link] of findings.links) if (link === hash) row = at;
    }
    if (!live || row < 0) return;
    live.root.closest('section').scrollIntoView();
    live.goto(row);
    await live.open();
  }
  function reveal(hash) {
    follow(hash);
    const article = hash.startsWith('#rule-') ? document.getElementById(hash.slice(1)) : null;
    if (article) article.querySelector('details').open = true;
  }
  addEventListener('hashchange', () => reveal(location.hash));
  reveal(location.hash);

  // The folders, level by level: what lies in one is looked for when it is opened.
  function grow() {
    const root = document.querySelector('#folders .tree');
    const size = lives.pycs.size;
    if (!root) return;
    if (!size) {
      root.append(el('p', 'more', 'There are no bytecode files.'));
      root.hidden = false;
      root.nextElementSibling.hidden = true;
      return;
    }
    const paths = Array.from({ length: size }, (_, row) => pycs.path(row));
    const bounds = pycs.columns.artifact.values;
    // Where the part of a path that begins at a place ends; its separator is a part of it, and a file has none.
    const partEnd = (row, from) => {
      const slash = paths[row].indexOf('/', from);
      const bang = bounds[row].length;
      const ends = [slash, bang < paths[row].length ? bang : -1].filter((at) => at >= from);
      return ends.length ? Math.min(...ends) + 1 : -1;
    };
    const level = (rows, from) => {
      const parts = new Map();
      for (const row of rows) {
        const end = partEnd(row, from);
        const name = paths[row].slice(from, end < 0 ? undefined : end);
        let part = parts.get(name);
        if (!part) parts.set(name, (part = { name, from: end, rows: [], worst: 0, bad: 0, runs: 0 }));
        part.rows.push(row);
        part.worst = Math.max(part.worst, pycs.worst[row]);
        if (pycs.worst[row] > 2) part.bad++;
        if (pycs.value('load', row).startsWith('runs')) part.runs++;
      }
      return [...parts.values()];
    };
    // Folders that hold nothing but one folder are one line.
    const joined = (part) => {
      for (;;) {
        if (part.from < 0) return part;
        const inside = level(part.rows, part.from);
        if (inside.length !== 1 || inside[0].from < 0) return part;
        part = { ...inside[0], name: part.name + inside[0].name };
      }
    };
    const scope = (part) => {
      const label = paths[part.rows[0]].slice(0, part.from);
      const masks = {};
      return {
        label,
        rows(table) {
          if (masks[table]) return masks[table];
          const mask = new Uint8Array(lives[table].size);
          const files = masks.pycs || (masks.pycs = new Uint8Array(size));
          if (!masks.filled) for (const row of part.rows) files[row] = 1;
          masks.filled = true;
          if (table === 'findings') {
            for (let row = 0; row < mask.length; row++) {
              const owner = findings.value('pyc', row);
              mask[row] = owner >= 0 ? files[owner] : Number(placeOf(row).path.startsWith(label));
            }
            masks.findings = mask;
          }
          return masks[table] || mask;
        },
      };
    };
    const line = (part) => {
      part = joined(part);
      const numbers = [count(part.rows.length) + (part.rows.length === 1 ? ' file' : ' files'), part.runs === part.rows.length ? '' : count(part.runs) + ' would run'].filter(Boolean).join(', ');
      const node = el('li');
      const marks = el('span', 'marks', part.worst ? badge(SEVERITIES[part.worst]) : '', part.bad ? el('span', 'many', count(part.bad) + (part.bad === 1 ? ' file' : ' files') + ' with medium or worse') : '');
      if (part.from < 0) {
        const row = part.rows[0];
        node.append(button('', 'leaf', () => { lives.pycs.goto(row); lives.pycs.open(); }), marks);
        node.firstChild.append(el('code', 'path', part.name));
        return node;
      }
      const twist = button('', 'twist', () => {
        const open = twist.getAttribute('aria-expanded') === 'true';
        twist.setAttribute('aria-expanded', String(!open));
        if (open) node.querySelector('ul').hidden = true;
        else if (node.querySelector('ul')) node.querySelector('ul').hidden = false;
        else node.append(branch(level(part.rows, part.from)));
      });
      twist.setAttribute('aria-expanded', 'false');
      twist.append(el('code', 'path', part.name));
      const narrow = button(numbers, 'link', () => {
        for (const live of [lives.pycs, lives.findings]) {
          live.clear();
          live.narrow(scope(part));
        }
        document.getElementById('files').scrollIntoView();
      });
      narrow.setAttribute('aria-label', numbers + ' in ' + part.name + ': show them in the tables');
      node.append(twist, narrow, marks);
      return node;
    };
    const SHOWN = 40;
    const branch = (parts) => {
      parts.sort((a, b) => b.worst - a.worst || b.bad - a.bad || (a.name < b.name ? -1 : 1));
      const list = el('ul');
      const more = (from) => {
        list.append(...parts.slice(from, from + SHOWN).map(line));
        const left = parts.length - from - SHOWN;
        if (left <= 0) return;
        const rest = el('li', '', button('show ' + count(Math.min(left, SHOWN)) + ' more of ' + count(left), 'link', () => {
          rest.remove();
          more(from + SHOWN);
        }));
        list.append(rest);
      };
      more(0);
      return list;
    };
    const all = Array.from({ length: size }, (_, row) => row);
    root.append(branch(level(all, 0)));
    const only = root.querySelectorAll(':scope > ul > li');
    if (only.length === 1 && only[0].querySelector('.twist')) only[0].querySelector('.twist').click();
    root.hidden = false;
    root.nextElementSibling.hidden = true;
  }

  // What stands under the pointer, in words, where one need not wait for a hint.
  function chartReadout() {
    const chart = document.querySelector('#by-time ~ .chart');
    if (!chart) return;
    const idle = 'Point at a bar to read it.';
    const words = el('p', 'readout', idle);
    words.setAttribute('aria-hidden', 'true');
    chart.after(words);
    chart.addEventListener('pointerover', (event) => {
      const bin = event.target.closest('g');
      words.textContent = bin ? bin.querySelector('title').textContent : idle;
    });
    chart.addEventListener('pointerleave', () => { words.textContent = idle; });
  }

  // Rule texts are folded on the screen and whole on paper.
  let folded = [];
  addEventListener('beforeprint', () => {
    folded = [...document.querySelectorAll('details:not([open])')];
    for (const each of folded) each.open = true;
  });
  addEventListener('afterprint', () => {
    for (const each of folded) each.open = false;
  });

  async function start() {
    if (typeof DecompressionStream !== 'function') return;
    const roots = [...document.querySelectorAll('.live')].filter((root) => tables[root.dataset.table]);
    for (const root of roots) lives[root.dataset.table] = new Live(root, root.dataset.table);
    await Promise.all(Object.values(lives).map((live) => live.start()));
    const size = lives.pycs.size;
    pycs.worst = new Uint8Array(size);
    pycs.found = Array.from({ length: size }, () => []);
    for (let row = 0; row < lives.findings.size; row++) {
      const owner = findings.value('pyc', row);
      if (owner < 0) continue;
      pycs.found[owner].push(row);
      pycs.worst[owner] = Math.max(pycs.worst[owner], SEVERITIES.indexOf(findings.value('severity', row)));
    }
    for (const live of Object.values(lives)) live.show();
    grow();
    chartReadout();
    follow(location.hash);
    document.documentElement.dataset.ready = (performance.now() - began).toFixed(1);
  }
  start().catch((error) => {
    document.documentElement.dataset.failed = String(error);
  });
})();
