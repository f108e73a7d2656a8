'use strict';
// Boxes put in their places, and folds that open: what a box "22 nodes" stands for is drawn in its place,
// before and after at once, and the rest of the drawing makes room. A fold is the first or the last row of
// its drawing, so what opens at the head moves all else down, and what opens at the foot only needs a longer
// drawing.
//
// #network has the input's nodes, data-after of a member's drawings what differs from them: see
// autogo.report.folds. Drawings are those of autogo.report.sketch, boxes those of autogo.report.boxes.
(function () {
  const place = document.getElementById('network');
  if (!place) return;
  const network = JSON.parse(place.dataset.nodes);

  const HEIGHT = 29, CHIP = 15, STRAIGHT = 9, SLANTED = 26, APART = 16, LINE = 10, PAD = 10, HEAD = 24, EDGE = 1, BETWEEN = 24;

  const all = (selector, root) => Array.from(root.querySelectorAll(selector));
  const round = (value) => Math.round(value * 10) / 10;
  const numbers = (line) => (line ? line.split(' ').map(Number) : []);

  // "3-5 9" is 3, 4, 5, 9.
  function positions(line) {
    const list = [];
    for (const part of line ? line.split(' ') : []) {
      const [first, last] = part.split('-').map(Number);
      for (let p = first; p <= (last === undefined ? first : last); p++) list.push(p);
    }
    return list;
  }

  // --- the nodes of both sides, all by their position in the input ---

  // What a fold stands for on one side: nodes, the members' operands, which of them are used elsewhere.
  function members(ids, own, differences) {
    const inside = new Set(ids), changed = new Map(), used = new Set(differences ? positions(differences.used) : []);
    for (const [id, shape, about, operands] of (differences && differences.nodes) || []) changed.set(id, { shape, about, operands });
    network.forEach((node, user) => {
      const other = changed.get(user);
      if (!inside.has(user)) for (const id of numbers(other ? other.operands : node[4])) used.add(id);
    });
    return {
      used,
      nodes: new Map(ids.map((id, k) => {
        const [label, shape, width, about, operands] = network[id], other = changed.get(id);
        const reshaped = other !== undefined && other.shape !== shape;
        return [id, {
          id, label, reshaped, width: width + (reshaped ? CHIP : 0), position: own[k], shape: other ? other.shape : shape,
          about: other ? other.about : about, operands: numbers(other ? other.operands : operands),
        }];
      })),
    };
  }

  // --- layout: rows by the longest path, lines as chains of points through the rows ---

  // One row for each node that suits both sides.
  function rowsOf(ids, sides) {
    const row = new Map(ids.map((id) => [id, 0]));
    for (let changed = true, left = ids.length; changed && left > 0; left--) {
      changed = false;
      for (const side of sides) {
        for (const node of side.nodes.values()) {
          for (const operand of node.operands) {
            if (row.has(operand) && row.get(operand) >= row.get(node.id)) {
              row.set(node.id, row.get(operand) + 1);
              changed = true;
            }
          }
        }
      }
    }
    return row;
  }

  // Rows of items: nodes, and points of the lines that pass. `above` of an item are those it hangs on.
  function arrange(side, row, count) {
    const rows = Array.from({ length: count }, () => []), nets = new Map();
    const add = (r, item) => { Object.assign(item, { above: [], below: [], row: r }); rows[r].push(item); return item; };
    const link = (from, to) => { from.below.push(to); to.above.push(from); };
    function net(id) {
      if (!nets.has(id)) nets.set(id, { from: row.has(id) ? row.get(id) : -1, last: -1, at: new Map(), out: false });
      return nets.get(id);
    }
    for (const node of side.nodes.values()) {
      for (const id of node.operands) net(id).last = Math.max(net(id).last, row.get(node.id) - 1);
      if (side.used.has(node.id)) Object.assign(net(node.id), { last: count - 1, out: true });
    }
    for (const node of side.nodes.values()) {
      node.item = add(row.get(node.id), { node, width: node.width });
      if (nets.has(node.id)) nets.get(node.id).at.set(row.get(node.id), node.item);
    }
    for (const line of nets.values()) {
      for (let r = line.from + 1; r <= line.last; r++) {
        const point = add(r, { width: LINE });
        if (line.at.has(r - 1)) link(line.at.get(r - 1), point);
        line.at.set(r, point);
      }
    }
    for (const node of side.nodes.values()) {
      for (const id of new Set(node.operands)) {
        const from = nets.get(id).at.get(row.get(node.id) - 1);
        if (from) link(from, node.item);
      }
    }
    return { rows, nets };
  }

  const mean = (list, value) => list.reduce((sum, item) => sum + value(item), 0) / list.length;

  // Each row in the order of what it hangs on, then of what hangs on it.
  function order(rows) {
    const number = (items) => items.forEach((item, i) => { item.at = i; });
    rows.forEach(number);
    for (const toward of ['above', 'below', 'above']) {
      for (const items of toward === 'above' ? rows : [...rows].reverse()) {
        const key = new Map(items.map((item) => [item, item[toward].length ? mean(item[toward], (other) => other.at) : item.at]));
        items.sort((a, b) => key.get(a) - key.get(b) || a.at - b.at);
        number(items);
      }
    }
  }

  // Places of a row as near as can be to those wished for, in order and apart. Of those that wish for the
  // same place the first node gets it: so the trunk of a network runs straight down, branches beside it.
  // Pools of items that touch (isotonic regression).
  function settle(items, wish) {
    const pools = [], taken = new Set();
    let offset = 0;
    items.forEach((item, i) => {
      if (i > 0) offset += (items[i - 1].width + item.width) / 2 + APART;
      item.offset = offset;
      const wished = wish(item), weight = item.node && !taken.has(wished) ? 1000 : 1;
      if (item.node) taken.add(wished);
      let pool = { weight, sum: weight * (wished - offset), items: [item] };
      for (let last = pools[pools.length - 1]; last && last.sum / last.weight > pool.sum / pool.weight; last = pools[pools.length - 1]) {
        pools.pop();
        pool = { weight: last.weight + pool.weight, sum: last.sum + pool.sum, items: [...last.items, ...pool.items] };
      }
      pools.push(pool);
    });
    for (const pool of pools) for (const item of pool.items) item.x = pool.sum / pool.weight + item.offset;
  }

  function spread(rows) {
    for (const items of rows) {
      settle(items, (item) => {
        const nodes = item.above.filter((other) => other.node), from = item.node && nodes.length ? nodes : item.above;
        return from.length ? Math.round(Math.min(...from.map((other) => other.x))) : 0;
      });
    }
  }

  // Upper edge of each row; rows between which a line slants stand farther apart.
  function heights(pictures, count) {
    const y = [HEAD];
    for (let r = 1; r <= count; r++) {
      const slants = pictures.some(({ rows }) => (rows[r] || []).some((item) => item.above.some((other) => Math.abs(other.x - item.x) > 1)));
      y.push(y[r - 1] + HEIGHT + (slants ? SLANTED : STRAIGHT));
    }
    return y;
  }

  // Where lines enter a node: side by side in the order in which they come.
  function ports(node, nets, row) {
    const ids = Array.from(new Set(node.operands));
    const from = new Map(ids.map((id) => {
      const item = nets.get(id).at.get(row - 1);
      return [id, item ? item.x : node.item.x];
    }));
    ids.sort((a, b) => from.get(a) - from.get(b));
    let middle = ids.findIndex((id) => Math.abs(from.get(id) - node.item.x) < 1);
    if (middle < 0) middle = (ids.length - 1) / 2;
    const gap = Math.min(12, (node.width / 2 - 8) / Math.max(1, ids.length));
    return new Map(ids.map((id, i) => [id, node.item.x + (i - middle) * gap]));
  }

  // --- drawing ---

  function element(name, attributes, ...children) {
    const made = document.createElementNS(document.querySelector('svg').namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const curve = (x, y, to, below) => (Math.abs(x - to) < 0.25 ? `V${round(below)}`
    : `C${round(x)} ${round((y + below) / 2)} ${round(to)} ${round((y + below) / 2)} ${round(to)} ${round(below)}`);

  // A net down to its item of a row, or to the foot of that row.
  function trunk({ from, at }, last, y) {
    const first = at.get(Math.max(from, 0));
    let d = from < 0 ? `M${round(first.x)} ${HEAD - 6}V${round(y[0] + HEIGHT)}` : `M${round(first.x)} ${round(y[from] + HEIGHT)}`;
    let x = first.x;
    for (let r = Math.max(from, 0) + 1; r <= last; r++) {
      const to = at.get(r).x;
      d += `${curve(x, y[r - 1] + HEIGHT, to, y[r])}V${round(y[r] + HEIGHT)}`;
      x = to;
    }
    return { d, x };
  }

  function drawLines({ nets }, side, row, y, bottom) {
    const lines = element('g', { class: 'e' });
    let tips = '';
    for (const node of side.nodes.values()) {
      const r = row.get(node.id);
      for (const [id, port] of ports(node, nets, r)) {
        const net = nets.get(id);
        let d = `M${round(port)} ${HEAD - 6}V${round(y[0])}`;
        if (r > 0) {
          const above = trunk(net, r - 1, y);
          d = above.d + curve(above.x, y[r - 1] + HEIGHT, port, y[r]);
        }
        lines.append(element('path', { 'data-from': id, 'data-to': node.id, d }));
        tips += `M${round(port)} ${round(y[r])}l-2.6 -5h5.2z`;
      }
    }
    for (const [id, net] of nets) {
      if (net.out) lines.append(element('path', { 'data-from': id, d: `${trunk(net, net.last, y).d}V${bottom}` }));
    }
    return [lines, element('path', { class: 'tip', d: tips })];
  }

  function drawNode({ item, label, shape, about, position, reshaped, width }, y) {
    const box = element('g', {
      class: reshaped ? 'n reshaped' : 'n', 'data-node': position, transform: `translate(${round(item.x - width / 2)} ${round(y)})`,
    });
    const title = element('title', {}, `${reshaped ? 'reshaped\n' : ''}${position}: ${about}`);
    box.append(title, element('rect', { width, height: HEIGHT, rx: 3 }));
    if (reshaped) {
      box.append(element('path', { class: 'k', d: `M0 3q0-3 3-3H${CHIP}V${HEIGHT}H3q-3 0-3-3z` }),
        element('text', { class: 'k', x: CHIP / 2, y: 18.5 }, '~'));
    }
    const middle = (width + (reshaped ? CHIP : 0)) / 2;
    box.append(element('text', { class: 'l', x: middle, y: 18.5 }, label), element('text', { class: 's', x: middle, y: 24.5 }, shape));
    return box;
  }

  // The folds of one end of a drawing, drawn in full: { content, left, width, height } per side, the
  // content's upper edge at 0, its left one at `left`.
  function unfold(folds, differences) {
    const ids = positions(folds[0].dataset.nodes);
    const sides = folds.map((fold, k) => members(ids, positions(fold.dataset.nodes), k > 0 && differences));
    const row = rowsOf(ids, sides), count = Math.max(...row.values()) + 1;
    const pictures = sides.map((side) => arrange(side, row, count));
    for (const { rows } of pictures) { order(rows); spread(rows); }
    const y = heights(pictures, count), bottom = y[count - 1] + HEIGHT + PAD;
    return pictures.map((picture, k) => {
      const items = picture.rows.flat(), left = Math.min(...items.map((item) => item.x - item.width / 2)) - PAD;
      const content = element('g', { class: 'unfolded', 'data-input': ids.join(' ') },
        ...drawLines(picture, sides[k], row, y, bottom),
        ...Array.from(sides[k].nodes.values(), (node) => drawNode(node, y[node.item.row])));
      return { content, width: Math.max(...items.map((item) => item.x + item.width / 2)) + PAD - left, height: bottom, left };
    });
  }

  // --- boxes ---

  // Boxes of nodes themselves in the places where they are shown, with the positions that they have there.
  function placeBoxes(root) {
    for (const shown of all('use', root)) {
      const box = document.querySelector(shown.getAttribute('href')).cloneNode(true), title = box.querySelector('title');
      const { node } = shown.dataset, marked = box.querySelector('.k') !== null;
      box.removeAttribute('id');
      box.dataset.node = node;
      box.setAttribute('transform', `translate(${shown.getAttribute('x')} ${shown.getAttribute('y')})`);
      title.textContent = marked ? title.textContent.replace('\n', `\n${node}: `) : `${node}: ${title.textContent}`;
      shown.replaceWith(box);
    }
  }

  // --- one drawing ---

  // The folds of one end of a drawing and what they need to open and close.
  function end(folds) {
    return {
      open: false, drawn: null,
      folds: folds.map((fold) => {
        const [x, y] = fold.getAttribute('transform').match(/-?[\d.]+/g).map(Number);
        const grip = fold.insertBefore(element('path', { class: 'grip' }), fold.querySelector('text'));
        return { group: fold, x, y, grip, width: Number(fold.querySelector('rect').getAttribute('width')), label: fold.querySelector('text') };
      }),
    };
  }

  // All but the fold of the head in a group of its own, that moves.
  function movable(side) {
    const rest = element('g', {});
    rest.append(...all(':scope > *', side).filter((child) => child.dataset.fold !== 'head'));
    side.append(rest);
    return rest;
  }

  function prepare(svg, differences) {
    const ends = ['head', 'foot'].map((where) => all(`[data-fold=${where}]`, svg)).map((folds) => (folds.length === 2 ? end(folds) : null));
    const middle = Number(svg.dataset.middle), width = Number(svg.getAttribute('width')), height = Number(svg.getAttribute('height'));
    const sides = all('[data-side]', svg), rests = sides.map(movable), titles = all('.t', svg), split = svg.querySelector('.split');
    const bounds = [[EDGE, middle - BETWEEN], [middle, width - EDGE]];

    // The box of a fold, or the frame around what it stands for; returns by how much it exceeds its side.
    function draw(one, k) {
      const { group, x, y, grip, width: closed, label } = one.folds[k], rect = group.querySelector('rect');
      const picture = one.open ? one.drawn[k] : { width: closed, height: HEIGHT };
      const breadth = Math.max(closed, picture.width), [first, last] = bounds[k];
      const left = Math.min(x, Math.max(first, Math.min(x + (closed - breadth) / 2, last - breadth)));
      group.classList.toggle('open', one.open);
      group.setAttribute('transform', `translate(${round(left)} ${y})`);
      rect.setAttribute('width', round(breadth));
      rect.setAttribute('height', round(picture.height));
      grip.setAttribute('d', `M0 0h${round(breadth)}v${HEAD}h-${round(breadth)}z`);
      label.textContent = `${one.open ? '▾' : '▸'} ${one.words}`;
      label.setAttribute('x', one.open ? 8 : closed / 2);
      label.setAttribute('y', one.open ? 16 : 18.5);
      if (one.open) {
        picture.content.setAttribute('transform', `translate(${round(left + (breadth - picture.width) / 2 - picture.left)} ${y})`);
        group.after(picture.content);
      } else if (one.drawn) {
        one.drawn[k].content.remove();
      }
      return Math.max(0, left + breadth - last);
    }

    function show() {
      const [head, foot] = ends, excess = [0, 0];
      for (const one of ends) if (one) for (const k of [0, 1]) excess[k] = Math.max(excess[k], draw(one, k));
      const down = head && head.open ? Math.max(...head.drawn.map((picture) => picture.height)) - HEIGHT : 0;
      for (const rest of rests) rest.setAttribute('transform', `translate(0 ${round(down)})`);
      for (const part of [sides[1], titles[1]]) part.setAttribute('transform', `translate(${round(excess[0])} 0)`);
      let tall = height + down;
      if (foot && foot.open) for (const k of [0, 1]) tall = Math.max(tall, down + foot.folds[k].y + foot.drawn[k].height + EDGE);
      const broad = width + excess[0] + excess[1];
      split.setAttribute('d', `M${round(middle - BETWEEN / 2 + excess[0])} 0V${round(tall)}`);
      svg.setAttribute('viewBox', `0 0 ${round(broad)} ${round(tall)}`);
      svg.setAttribute('width', round(broad));
      svg.setAttribute('height', round(tall));
    }

    function toggle(one) {
      one.open = !one.open;
      one.drawn = one.drawn || unfold(one.folds.map((fold) => fold.group), differences);
      one.folds[0].group.setAttribute('aria-expanded', one.open);
      show();
    }

    for (const one of ends.filter(Boolean)) {
      one.words = one.folds[0].label.textContent.replace(/…/g, '').trim();
      for (const { group } of one.folds) group.addEventListener('click', () => toggle(one));
      const button = one.folds[0].group;
      for (const [name, value] of [['role', 'button'], ['tabindex', '0'], ['aria-expanded', 'false'], ['aria-label', `${one.words}, before and after`]]) {
        button.setAttribute(name, value);
      }
      button.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        toggle(one);
      });
    }
    svg.setAttribute('role', 'group');
    svg.classList.add('unfolds');
    show();
  }

  // Drawings of closed parts wait: a page may have hundreds.
  function prepareIn(hunks) {
    const differences = JSON.parse(hunks.dataset.after);
    placeBoxes(hunks);
    for (const svg of all('.sketch', hunks)) if (svg.querySelector('[data-fold]')) prepare(svg, differences);
  }

  for (const hunks of all('.hunks', document)) {
    const part = hunks.closest('details');
    if (!part || part.open) prepareIn(hunks);
    else part.addEventListener('toggle', () => prepareIn(hunks), { once: true });
  }
}());
