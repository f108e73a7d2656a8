// A report in a browser: it is looked at, pointed at, filtered, sorted, and used from the keyboard alone.
//
//   node report.js CHROMIUM REPORT.html MANY.html NAMES.html
//
// REPORT.html is of a search with one objective and lies in its folder, MANY.html of one with three, NAMES.html of one whose
// names want to run scripts. Prints "ok NAME" or "not ok NAME: WHY". playwright-core is found through
// NODE_PATH.
'use strict';
const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');

const [browserPath, report, many, names] = process.argv.slice(2);
const VIEWS = [];
for (const width of [400, 1280]) for (const colorScheme of ['light', 'dark']) VIEWS.push({ width, colorScheme });

function assert(condition, message) {
  if (!condition) throw new Error(message);
}

async function check(name, body) {
  try {
    await body();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`not ok ${name}: ${String(error.message).split('\n')[0]}`);
  }
}

// A page that fails on any message of the console, any error and any request for another file.
async function open(browser, file, options) {
  const { width = 1280, ...rest } = options || {};
  const context = await browser.newContext({ viewport: { width, height: 900 }, ...rest });
  const page = await context.newPage();
  const url = `file://${path.resolve(file)}`;
  page.complaints = [];
  page.on('console', (message) => page.complaints.push(message.text()));
  page.on('pageerror', (error) => page.complaints.push(error.message));
  page.on('dialog', (dialog) => { page.complaints.push('dialog'); dialog.dismiss(); });
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== url && !request.url().startsWith('data:')) page.complaints.push(request.url());
  });
  await page.goto(url);
  return page;
}

async function close(page) {
  await page.context().close();
  assert(page.complaints.length === 0, page.complaints.join('; '));
}

async function within(browser, file, options, body) {
  const page = await open(browser, file, options);
  try {
    await body(page);
  } finally {
    await close(page);
  }
}

// The least contrast (WCAG 2) between text and what is behind it, over all visible text of the page.
function leastContrast() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  function rgba(colour) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  }
  function luminance(colour) {
    const [r, g, b] = Array.from(rgba(colour)).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function behind(element) {
    if (element.closest('.sketch .n')) {
      const node = element.closest('.n');
      const box = element.matches('.k') ? node.querySelector('path.k') : node.querySelector('rect');
      const fill = getComputedStyle(box).fill;
      if (fill !== 'none') return fill;
    }
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (rgba(colour)[3] > 0) return colour;
    }
    return getComputedStyle(document.body).backgroundColor;
  }
  let least = { ratio: 21 };
  for (const element of document.querySelectorAll('body *')) {
    const own = Array.from(element.childNodes).some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !element.getClientRects().length || element.closest('script,style,title,.out')) continue;
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [luminance(colour), luminance(behind(element))].sort((p, q) => q - p);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < least.ratio) least = { ratio, text: element.textContent.trim().slice(0, 40), class: element.className.baseVal || element.className };
  }
  return least;
}

// Of each open fold below an element: side, number of nodes promised, nodes, edges between positions of
// its own graph, tops of boxes, boxes that overlap others of the drawing.
function describeOpenFolds(root) {
  const box = (element) => element.querySelector('rect').getBoundingClientRect();
  return Array.from(root.querySelectorAll('.unfolded'), (unfolded) => {
    const fold = unfolded.previousElementSibling, nodes = Array.from(unfolded.querySelectorAll('.n'));
    const inInput = Array.from(nodes, (node) => Number(node.dataset.node));
    const others = Array.from(unfolded.closest('.sketch').querySelectorAll('.n:not(.fold.open)'));
    const overlap = (p, q) => p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom;
    const own = new Map(unfolded.dataset.input.split(' ').map((id, k) => [id, inInput[k]]));
    return {
      side: unfolded.closest('[data-side]').dataset.side,
      promised: Number(/\d+/.exec(fold.querySelector('.l').textContent)[0]),
      nodes: nodes.map((node) => ({
        position: Number(node.dataset.node), label: node.querySelector('.l').textContent, shape: node.querySelector('.s').textContent,
      })),
      edges: Array.from(unfolded.querySelectorAll('.e [data-to]'), (edge) => [own.get(edge.dataset.from), own.get(edge.dataset.to)]),
      tops: nodes.map((node) => Math.round(box(node).top)),
      overlaps: nodes.filter((node) => others.some((other) => other !== node && overlap(box(node), box(other)))).length,
    };
  });
}

async function main() {
  const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });

  for (const view of VIEWS) {
    const name = `${view.width} px, ${view.colorScheme}`;
    await check(`${name}: fits, reads well, says nothing on the console`, () => within(browser, report, view, async (page) => {
      await page.locator('details.member').first().locator('> summary').click();
      await page.locator('.shapes').first().check();
      const breadth = await page.evaluate(() => document.documentElement.scrollWidth);
      assert(breadth <= view.width, `the page is ${breadth} px wide`);
      const least = await page.evaluate(leastContrast);
      assert(least.ratio >= 4.5, `contrast ${least.ratio.toFixed(2)} of '${least.text}' (${least.class})`);
    }));
  }

  await check('hovering over a point says what it is', () => within(browser, report, {}, async (page) => {
    const point = page.locator('.wide .point[data-rank="0"]');
    await point.hover();
    const tip = page.locator('.hint');
    assert(await tip.isVisible(), 'no tooltip');
    const score = await page.locator('#table tr[data-rank="0"] td').first().textContent();
    const said = await tip.textContent();
    assert(said.includes('rank 0') && said.includes(score), said);
    assert(await page.locator('#table tr[data-rank="0"].near').count() === 1, 'its row is not marked');
    await page.keyboard.press('Escape');
    assert(!(await tip.isVisible()), 'Escape leaves the tooltip');
  }));

  await check('choosing a point chooses its row and opens its part', () => within(browser, report, {}, async (page) => {
    await page.locator('.wide .point[data-rank="1"]').click();
    assert(await page.locator('#table tr[data-rank="1"].chosen').count() === 1, 'the row is not chosen');
    assert(await page.locator('details.member[data-rank="1"]').evaluate((e) => e.open), 'the part is closed');
    assert(page.url().endsWith('#rank-1'), page.url());
    await page.locator('#choice a').click();
    const top = await page.locator('details.member[data-rank="1"]').evaluate(async (e) => {
      await new Promise((done) => setTimeout(done, 800));
      return e.getBoundingClientRect().top;
    });
    assert(top > -50 && top < 450, `the part stands at ${top}`);
    await page.locator('#table tr[data-rank="0"] td').first().click();
    assert(!(await page.locator('details.member[data-rank="1"]').evaluate((e) => e.open)), 'two parts are open');
  }));

  await check('a diff opens: both sides, marks, shapes on demand, costs', () => within(browser, report, {}, async (page) => {
    const part = page.locator('details.member[data-rank="0"]');
    await part.locator('> summary').click();
    assert(await part.locator('[data-side="before"] .removed').count() > 0, 'nothing removed');
    assert(await part.locator('[data-side="after"] .added').count() > 0, 'nothing added');
    const shape = part.locator('.n:not(.fold) .s').first();
    assert(!(await shape.isVisible()), 'shapes are shown from the start');
    await part.locator('.shapes').check();
    assert(await shape.isVisible() && /^\d+×\d+×\d+$/.test(await shape.textContent()), 'no shapes');
    await part.locator('.costs > summary').click();
    assert(await part.locator('.costs tfoot').isVisible(), 'no costs');
  }));

  await check('what both graphs have stands at one height', () => within(browser, report, {}, async (page) => {
    const wrong = await page.evaluate(() => {
      document.querySelectorAll('details').forEach((d) => { d.open = true; });
      let bad = 0, seen = 0;
      for (const svg of document.querySelectorAll('.sketch')) {
        const kept = (side) => Array.from(svg.querySelectorAll(`[data-side="${side}"] .n:not(.removed):not(.added)`))
          .map((n) => `${n.querySelector('.l').textContent} at ${Math.round(n.getBoundingClientRect().top)}`).sort();
        const [before, after] = [kept('before'), kept('after')];
        seen += before.length;
        bad += before.join() !== after.join();
      }
      return seen > 0 ? bad : -1;
    });
    assert(wrong === 0, `${wrong} drawings`);
  }));

  await check('boxes look and stand as they do without scripts', () => within(browser, report, {}, async (page) => {
    const part = page.locator('details.member[data-rank="0"]');
    // One drawing alone on the page, as it is written and as the script leaves it; what it does to folds does not count.
    const alone = async (copy) => {
      await part.locator('.sketch').first().evaluate((svg, cloned) => {
        const holder = document.getElementById('alone') || document.body.appendChild(document.createElement('div'));
        holder.id = 'alone';
        holder.style.cssText = 'position: fixed; inset: 0; z-index: 9; background: var(--paper)';
        holder.replaceChildren(cloned ? svg.cloneNode(true) : svg);
        for (const fold of holder.querySelectorAll('.fold')) fold.style.display = 'none';
      }, copy);
      return page.screenshot();
    };
    const written = await alone(true);
    assert(await page.locator('#alone use').count() > 0, 'no boxes');
    await page.evaluate(() => document.getElementById('alone').remove());
    await part.locator('> summary').click();
    await page.waitForFunction(() => document.querySelector('details.member[data-rank="0"] .sketch [data-node] rect'));
    assert(written.equals(await alone(false)), 'they differ');
    const said = await page.locator('#alone .removed title').first().textContent();
    const position = await page.locator('#alone .removed').first().getAttribute('data-node');
    assert(said.startsWith(`removed\n${position}: `), said);
  }));

  // Nodes and edges as the files of the search have them, against what an open fold shows.
  await check('a fold opens to the nodes and edges that it stands for, by keyboard and by mouse', () => within(browser, report, {}, async (page) => {
    const read = (name) => JSON.parse(fs.readFileSync(path.join(path.dirname(report), name), 'utf8')).nodes;
    const graphs = { before: read('input.json'), after: read('rank_00.json') };
    const part = page.locator('details.member[data-rank="0"]');
    await part.locator('> summary').click();
    const folds = part.locator('[data-side="before"] .fold');
    const count = await folds.count();
    assert(count > 1, `${count} folds`);
    for (let i = 0; i < count; i++) {
      const fold = folds.nth(i);
      assert(await fold.getAttribute('aria-expanded') === 'false', 'a fold is open from the start');
      if (i === 0) await fold.locator('.grip').click();
      else await fold.press(i % 2 ? 'Enter' : ' ');
      assert(await fold.getAttribute('aria-expanded') === 'true', `fold ${i} stays closed`);
    }
    const shown = await part.locator('.hunks').evaluate(describeOpenFolds);
    assert(shown.length === 2 * count, `${shown.length} open folds of ${2 * count}`);
    for (const one of shown) {
      const nodes = graphs[one.side];
      assert(one.nodes.length === one.promised, `${one.promised} nodes promised, ${one.nodes.length} drawn`);
      const inside = new Set(one.nodes.map((node) => node.position));
      assert(inside.size === one.nodes.length, 'a node is drawn twice');
      const edges = new Set();
      for (const { position, label, shape } of one.nodes) {
        const node = nodes[position];
        assert(label.split(' ')[0] === node.op, `${label} for ${node.op}`);
        assert(shape === node.out.join('×'), `${shape} for ${node.out}`);
        for (const operand of node.operands) if (inside.has(operand)) edges.add(`${operand}>${position}`);
      }
      const drawn = one.edges.filter(([from]) => inside.has(from)).map((edge) => edge.join('>'));
      assert(drawn.length === edges.size && drawn.every((edge) => edges.has(edge)), `edges ${drawn} for ${[...edges]}`);
      assert(one.overlaps === 0, `${one.overlaps} boxes overlap`);
    }
    const [before, after] = ['before', 'after'].map((side) => shown.filter((one) => one.side === side).map((one) => one.tops.join()).join('|'));
    assert(before === after, 'both sides do not stand at one height');
    await folds.first().press('Enter');
    assert(await part.locator('.unfolded').count() === 2 * count - 2, 'a fold does not close');
  }));

  await check('filters hide what is outside, and show it again', () => within(browser, report, {}, async (page) => {
    const count = await page.locator('#table tbody tr').count();
    const slider = page.locator('.filters fieldset').first().locator('input').first();
    await slider.fill('190');
    const left = await page.locator('#table tbody tr:not(.out)').count();
    assert(left >= 1 && left < count, `${left} of ${count} rows`);
    assert(await page.locator('.wide .point:not(.out)').count() === left, 'points and rows differ');
    assert((await page.locator('#shown').textContent()) === `${left} of ${count} shown`, 'the count is wrong');
    await page.locator('.filters button').click();
    await page.waitForFunction((n) => document.querySelectorAll('#table tbody tr:not(.out)').length === n, count);
  }));

  await check('columns sort both ways', () => within(browser, report, {}, async (page) => {
    for (const column of [1, 3]) {
      const head = page.locator('#table thead th').nth(column);
      for (const sign of [1, -1]) {
        await head.locator('button').click();
        const values = await page.locator(`#table tbody tr`).evaluateAll((rows, c) => rows.map((r) => Number(r.cells[c].dataset.v)), column);
        assert(values.every((v, i) => i === 0 || sign * (v - values[i - 1]) >= 0), `column ${column}: ${values}`);
        assert(await head.getAttribute('aria-sort') === (sign > 0 ? 'ascending' : 'descending'), 'aria-sort');
      }
    }
  }));

  await check('everything can be reached and used by keyboard', () => within(browser, report, {}, async (page) => {
    const reached = new Set();
    let ring = true;
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press('Tab');
      const what = await page.evaluate(() => {
        const e = document.activeElement, style = getComputedStyle(e);
        const dot = e.querySelector && e.querySelector('.dot');
        return {
          name: e.matches('.point') ? 'point' : e.matches('.filters input') ? 'filter' : e.matches('thead button') ? 'sort'
            : e.matches('.member > summary') ? 'part' : e.matches('.skip') ? 'skip' : e.matches('tbody a') ? 'row' : e.tagName,
          ring: style.outlineStyle !== 'none' || (dot && parseFloat(getComputedStyle(dot).strokeWidth) > 1.5),
        };
      });
      reached.add(what.name);
      ring = ring && (what.ring || what.name === 'BODY');
    }
    for (const name of ['skip', 'point', 'filter', 'sort', 'row', 'part']) assert(reached.has(name), `${name} is not reached`);
    assert(ring, 'something has no focus ring');
    await page.locator('.wide .point[data-rank="0"]').focus();
    assert(await page.locator('.hint').isVisible(), 'focus shows no tooltip');
    await page.keyboard.press('Enter');
    assert(await page.locator('details.member[data-rank="0"]').evaluate((e) => e.open), 'Enter opens nothing');
  }));

  await check('it reads without scripts', () => within(browser, report, { javaScriptEnabled: false }, async (page) => {
    assert(await page.locator('#table tbody tr').count() > 0, 'no table');
    assert(!(await page.locator('.filters').isVisible()), 'filters that do nothing');
    const part = page.locator('details.member').first();
    await part.locator('> summary').click();
    assert(await part.locator('.sketch').first().isVisible(), 'no drawing');
    const drawing = part.locator('.sketch').first(), plain = await drawing.screenshot();
    await part.locator('.shapes').check();
    assert(!plain.equals(await drawing.screenshot()), 'no shapes');
    assert(/^… \d+ nodes? …$/.test(await part.locator('.fold .l').first().textContent()), 'folds that promise to open');
    assert(await part.locator('[role=button]').count() === 0, 'buttons that do nothing');
  }));

  await check('several objectives stand in pairs that are chosen together', () => within(browser, many, {}, async (page) => {
    const charts = await page.locator('#front ~ .multiples .chart').count();
    assert(charts === 6, `${charts} charts`);
    await page.locator('.point[data-rank="0"]').first().click();
    assert(await page.locator('.point.chosen').count() === charts, 'not in all');
  }));

  await check('names that want to run scripts are only shown', () => within(browser, names, {}, async (page) => {
    assert((await page.locator('h1').textContent()).includes('<script>'), 'the name is not shown');
    await page.locator('.point').first().hover();
    await page.locator('details.member > summary').first().click();
    assert(await page.evaluate(() => window.pwned === undefined), 'a script ran');
    assert(await page.locator('main script, main img').count() === 0, 'markup from a name');
  }));

  await check('it prints', () => within(browser, report, {}, async (page) => {
    await page.emulateMedia({ media: 'print' });
    assert(!(await page.locator('.filters').isVisible()), 'sliders on paper');
    const tallest = await page.evaluate(() => {
      document.querySelectorAll('details.member').forEach((part) => { part.open = true; });
      return Math.max(...Array.from(document.querySelectorAll('.sketch'), (svg) => svg.getBoundingClientRect().height));
    });
    assert(tallest > 100 && tallest < 230 / 25.4 * 96, `a drawing is ${Math.round(tallest)} px high, more than a page`);
    assert((await page.pdf({ format: 'A4' })).length > 10000, 'no pages');
  }));

  await browser.close();
}

main().catch((error) => { console.log(`not ok the browser: ${error.message}`); process.exit(1); });
