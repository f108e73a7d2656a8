'use strict';
// What a report does beyond being read: tooltips, selection, filters, sorting. All figures come from the
// page: a row of the table has its rank and its values, a point of a chart its rank.
(function () {
  const table = document.getElementById('table');
  if (!table) return;
  const rows = Array.from(table.tBodies[0].rows);
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  const rowOf = new Map(rows.map((row) => [row.dataset.rank, row]));
  const withRank = (rank) => all(`[data-rank="${CSS.escape(rank)}"]`);

  // --- tooltip ---

  const tip = document.createElement('div');
  tip.className = 'hint';
  tip.hidden = true;
  tip.setAttribute('aria-hidden', 'true');
  document.body.append(tip);

  function line(name, value) {
    const span = document.createElement('span'), label = document.createElement('i');
    label.textContent = name;
    span.append(label, value);
    return span;
  }

  // The cells of the rank's row under the names of their columns.
  function fillTip(rank) {
    const row = rowOf.get(rank), heads = table.tHead.rows[0].cells;
    const title = document.createElement('b');
    title.textContent = `rank ${rank}`;
    tip.replaceChildren(title);
    for (let i = 1; i < heads.length - 1; i++) {
      const name = heads[i].textContent, next = heads[i + 1];
      let value = row.cells[i].textContent;
      if (next.textContent === 'change') value += `  ${row.cells[++i].textContent}`;
      tip.append(line(name, value));
    }
  }

  function showTip(point) {
    fillTip(point.dataset.rank);
    tip.hidden = false;
    const box = point.querySelector('.dot').getBoundingClientRect();
    const left = Math.min(box.right + 10, document.documentElement.clientWidth - tip.offsetWidth - 8);
    let top = box.top - tip.offsetHeight - 8;
    if (top < 4) top = box.bottom + 8;
    tip.style.left = `${Math.max(8, left) + window.scrollX}px`;
    tip.style.top = `${top + window.scrollY}px`;
  }

  function near(rank, on) {
    for (const element of withRank(rank)) element.classList.toggle('near', on);
  }

  for (const point of all('.point')) {
    const title = point.querySelector('title');
    if (title) title.remove(); // it would show beside the tooltip; the label says the same
    const enter = () => { near(point.dataset.rank, true); showTip(point); };
    const leave = () => { near(point.dataset.rank, false); tip.hidden = true; };
    point.addEventListener('pointerenter', enter);
    point.addEventListener('pointerleave', leave);
    point.addEventListener('focus', enter);
    point.addEventListener('blur', leave);
  }
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') tip.hidden = true; });

  // --- selection ---

  const choice = document.getElementById('choice');
  let opened = null; // by us, and closed by us when the choice moves on

  // Say below the charts what is chosen and lead to it.
  function say(rank, heading) {
    const link = document.createElement('a');
    link.href = `#rank-${rank}`;
    link.textContent = 'see what changed';
    choice.replaceChildren(heading, ' – ', link);
    choice.hidden = false;
  }

  function choose(rank, scroll) {
    for (const element of all('.chosen')) element.classList.remove('chosen');
    for (const element of withRank(rank)) element.classList.add('chosen');
    for (const row of rows) row.toggleAttribute('aria-current', row.dataset.rank === rank);
    const part = document.querySelector(`details.member[data-rank="${CSS.escape(rank)}"]`);
    if (!part) return;
    if (opened && opened !== part) opened.open = false;
    if (!part.open) opened = part;
    part.open = true;
    const facts = all('.rank, .fact', part.querySelector('summary')).map((fact) => fact.textContent);
    say(rank, facts.join(', '));
    if (scroll) part.scrollIntoView({ block: 'start' });
  }

  function chooseFromAddress(scroll) {
    const match = /^#rank-(\d+)$/.exec(location.hash);
    if (match) choose(match[1], scroll);
  }

  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#rank-"]');
    if (!link) return;
    event.preventDefault();
    const rank = link.getAttribute('href').slice(6);
    history.replaceState(null, '', `#rank-${rank}`);
    // A point only selects: the eye stays on the chart, the part below stands open.
    choose(rank, !link.classList.contains('point'));
  });
  for (const row of rows) {
    row.addEventListener('click', (event) => {
      if (!event.target.closest('a')) choose(row.dataset.rank, false);
    });
    row.addEventListener('pointerenter', () => near(row.dataset.rank, true));
    row.addEventListener('pointerleave', () => near(row.dataset.rank, false));
  }
  window.addEventListener('hashchange', () => chooseFromAddress(true));

  // --- filters ---

  const form = document.querySelector('.filters');
  const sets = all('fieldset', form).map((set) => {
    const [low, high] = all('input', set);
    const from = Number(set.dataset.low), to = Number(set.dataset.high);
    const at = (input) => from + (to - from) * Number(input.value) / Number(input.max);
    return { set, low, high, at, index: Number(set.dataset.key) - 1, unit: set.dataset.unit, decimals: set.dataset.decimals, output: set.querySelector('output') };
  });

  // As the rest of the page writes it.
  function short(value, { unit, decimals }) {
    if (decimals) return value.toFixed(decimals).replace('-', '−');
    for (const [size, prefix] of [[1e18, 'E'], [1e15, 'P'], [1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
      if (Math.abs(value) >= size) return `${(value / size).toPrecision(4)} ${prefix}${unit}`;
    }
    return `${Number.isInteger(value) ? value : value.toPrecision(4)} ${unit}`.trim();
  }

  function passes(values, set) {
    const value = Number(values[set.index]);
    if (values[set.index] === '') return true;
    const slack = 1e-9 * Math.max(Math.abs(set.at(set.low)), Math.abs(set.at(set.high)));
    return value >= set.at(set.low) - slack && value <= set.at(set.high) + slack;
  }

  // The part of a track between its thumbs, and what it stands for in words.
  function showRange(range) {
    const { set, low, high, at, output } = range, [from, to] = [low, high].map((input) => short(at(input), range));
    const unit = / .*/.exec(to);
    output.textContent = `${unit && from.endsWith(unit[0]) ? from.slice(0, -unit[0].length) : from} to ${to}`;
    for (const [name, input] of [['--low', low], ['--high', high]]) set.style.setProperty(name, `${100 * input.value / input.max}%`);
    low.setAttribute('aria-valuetext', from);
    high.setAttribute('aria-valuetext', to);
    low.style.zIndex = Number(low.value) === Number(low.max) ? 1 : ''; // or it could not be moved back
  }

  function filter() {
    let shown = 0;
    sets.forEach(showRange);
    for (const row of rows) {
      const values = row.dataset.values.split(' ');
      const stays = sets.every((set) => passes(values, set));
      shown += stays;
      for (const element of withRank(row.dataset.rank)) {
        element.classList.toggle('out', !stays);
        if (element.matches('.point')) element.setAttribute('tabindex', stays ? 0 : -1);
      }
    }
    document.getElementById('shown').textContent = `${shown} of ${rows.length} shown`;
  }

  if (sets.length > 0) {
    form.hidden = false;
    for (const set of sets) {
      set.low.addEventListener('input', () => {
        if (Number(set.low.value) > Number(set.high.value)) set.high.value = set.low.value;
        filter();
      });
      set.high.addEventListener('input', () => {
        if (Number(set.high.value) < Number(set.low.value)) set.low.value = set.high.value;
        filter();
      });
    }
    form.addEventListener('reset', () => setTimeout(filter));
    form.addEventListener('submit', (event) => event.preventDefault());
    filter();
  }

  // --- sorting ---

  function sort(index, descending) {
    const key = (row) => {
      const text = row.cells[index].dataset.v;
      return text === '' ? (descending ? -Infinity : Infinity) : Number(text);
    };
    rows.sort((a, b) => (descending ? key(b) - key(a) : key(a) - key(b)) || a.dataset.rank - b.dataset.rank);
    table.tBodies[0].append(...rows);
  }

  Array.from(table.tHead.rows[0].cells).forEach((head, index) => {
    if ('plain' in head.dataset) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const descending = head.getAttribute('aria-sort') === 'ascending';
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      sort(index, descending);
    });
  });

  // --- the command ---

  const command = document.getElementById('command');
  if (command && navigator.clipboard) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'copy';
    button.addEventListener('click', () => {
      navigator.clipboard.writeText(command.textContent).then(() => { button.textContent = 'copied'; }, () => {});
    });
    command.after(button);
  }

  chooseFromAddress(true);
}());
