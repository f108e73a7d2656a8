// Layers of random networks that combine tensors or move their elements.
'use strict';
const { INT64 } = require('./onnx_model.js');
const { layers, elements } = require('./onnx_random_net.js');

// --- joins
const JOINS = ['Add', 'Add', 'Mul', 'Mul', 'Sub', 'Max', 'Min', 'Sum'];
const equal = (a, b) => a.dims.join() === b.dims.join();
const broadcast = (a, b) => {
  const rank = Math.max(a.length, b.length);
  const at = (dims, i) => (i < rank - dims.length ? 1 : dims[i - rank + dims.length]);
  const out = [];
  for (let i = 0; i < rank; i++) {
    const [x, y] = [at(a, i), at(b, i)];
    if (x !== y && x !== 1 && y !== 1) return null;
    out.push(Math.max(x, y));
  }
  return out;
};
layers.join = (net) => {
  const x = net.tensor();
  const others = net.tensors.filter((t) => equal(t, x));
  const type = net.pick(JOINS);
  const many = ['Max', 'Min', 'Sum'].includes(type) && (net.opset >= 8);
  const operands = [x, net.pick(others)];
  if (many && net.chance(0.3)) operands.push(net.pick(others));
  if (['Max', 'Min', 'Sum'].includes(type) && net.opset >= 8 && net.chance(0.1)) operands.length = 1;
  return net.op(type, operands, {}, x.dims);
};
layers.join_again = layers.join;
layers.join_unequal = (net) => {
  const x = net.tensor();
  const others = net.tensors.filter((t) => !equal(t, x) && broadcast(t.dims, x.dims));
  if (!others.length) return null;
  const y = net.pick(others);
  const out = broadcast(x.dims, y.dims);
  if (net.open && (x.dims.length !== y.dims.length)) return null;
  return net.op(net.pick(['Add', 'Mul', 'Mul', 'Sub']), net.chance(0.5) ? [x, y] : [y, x], {}, out);
};
layers.constant = (net) => {
  const x = net.tensor();
  const ones = x.dims.map(() => 1);
  const channel = x.dims.length > 1 ? ones.map((_, i) => (i === 1 ? x.dims[1] : 1)) : ones;
  const shape = net.pick([[], [1], ones, channel, channel, channel.slice(1), channel.slice(1),
    x.dims.slice(1), x.dims.slice(-1)]);
  const type = net.pick(['Add', 'Add', 'Mul', 'Mul', 'Sub', 'Div', 'Pow']);
  if (type === 'Pow') return net.op('Pow', [x, net.m.scalar(2)], {}, x.dims);
  const c = net.m.constant(shape, net.m.draw(shape, () => net.int(1, 8) / 4));
  const swapped = type !== 'Div' && net.chance(0.4);
  return net.op(type, swapped ? [c, x] : [x, c], {}, x.dims);
};
layers.concat = (net) => {
  const x = net.tensor();
  const axis = net.chance(0.6) && x.dims.length > 1 ? 1 : net.int(net.open ? 1 : 0, x.dims.length - 1);
  if (axis >= x.dims.length) return null;
  const rest = (t) => t.dims.map((d, i) => (i === axis ? '' : d)).join();
  const fit = net.tensors.filter((t) => rest(t) === rest(x));
  const operands = [x];
  while (net.chance(0.7) && operands.length < 4) operands.push(net.pick(fit));
  const dims = [...x.dims];
  dims[axis] = operands.reduce((sum, t) => sum + t.dims[axis], 0);
  const signed = net.opset >= 11 && net.chance(0.3) ? axis - x.dims.length : axis;
  return net.op('Concat', operands, { axis: signed }, dims);
};
layers.excite = (net) => {
  const x = net.tensor(4);
  if (!x) return null;
  const c = x.dims[1];
  const g = net.op('GlobalAveragePool', [x], {}, [...x.dims.slice(0, 2), 1, 1]);
  const s = net.op('Conv', [g, net.m.weight([c, c, 1, 1])], {}, g.dims, c * c);
  const gate = net.op('Sigmoid', [s], {}, s.dims);
  return net.op('Mul', net.chance(0.5) ? [gate, x] : [x, gate], {}, x.dims);
};

// --- shapes
// Sizes as Reshape takes them: some as 0 (as before) or -1 (what is left).
function written(net, from, to) {
  const sizes = to.map((d, i) => (d === from[i] && net.chance(0.4) ? 0 : d));
  if (net.open) sizes[0] = 0;
  const free = net.int(net.open ? 1 : 0, sizes.length - 1);
  if (net.chance(0.4) && sizes.length > 1) sizes[free] = -1;
  return sizes;
}
const reshape = (net, x, dims) => net.op('Reshape', [x, net.m.ints(...written(net, x.dims, dims))], {}, dims);
layers.reshape = (net) => {
  const x = net.tensor();
  const [batch, ...rest] = x.dims;
  const count = elements(rest);
  const divisors = [1, 2, 3, 4, 5, 6, 8].filter((d) => count % d === 0);
  const a = net.pick(divisors);
  const b = net.pick(divisors.filter((d) => (count / a) % d === 0));
  return reshape(net, x, net.pick([[batch, count], [batch, a, count / a], [batch, a, b, count / a / b],
    [batch, a, count / a / b, b]]));
};
layers.flatten = (net) => {
  const x = net.tensor();
  if (x.dims.length < 2) return null;
  const axis = net.chance(0.7) || net.open ? 1 : net.int(0, x.dims.length);
  const dims = [elements(x.dims.slice(0, axis)), elements(x.dims.slice(axis))];
  return net.op('Flatten', [x], net.chance(0.3) && axis === 1 ? {} : { axis }, dims);
};
layers.transpose = (net) => {
  const x = net.tensor(3, 4);
  if (!x) return null;
  const perm = x.dims.map((_, i) => i);
  for (let i = perm.length - 1; i > (net.chance(0.9) || net.open ? 1 : 0); i--) {
    const j = net.int(net.open ? 1 : 0, i);
    [perm[i], perm[j]] = [perm[j], perm[i]];
  }
  if (net.open && perm[0] !== 0) return null;
  return net.op('Transpose', [x], { perm }, perm.map((i) => x.dims[i]));
};
// Axes, an attribute before `version` and an operand since.
const axes = (net, x, list, version, attributes = {}) => (net.opset < version
  ? [[x], { axes: list, ...attributes }] : [[x, net.m.ints(...list)], attributes]);
layers.squeeze = (net) => {
  const x = net.tensor();
  const list = x.dims.map((d, i) => (d === 1 && i > 0 ? i : -1)).filter((i) => i > 0 && net.chance(0.7));
  if (!list.length) return null;
  const dims = x.dims.filter((_, i) => !list.includes(i));
  const some = net.opset >= 11 && net.chance(0.3) ? list.map((i) => i - x.dims.length) : list;
  return net.op('Squeeze', ...axes(net, x, some, 13), dims);
};
layers.unsqueeze = (net) => {
  const x = net.tensor(2, 3);
  if (!x) return null;
  const axis = net.int(net.open ? 1 : 0, x.dims.length);
  const dims = [...x.dims.slice(0, axis), 1, ...x.dims.slice(axis)];
  return net.op('Unsqueeze', ...axes(net, x, [axis], 13), dims);
};
layers.reduce = (net) => {
  const x = net.tensor();
  const type = net.pick(['ReduceMean', 'ReduceMean', 'ReduceMean', 'ReduceMax', 'ReduceSum', 'ReduceMin',
    'ReduceL2']);
  const list = net.pick([[1], [x.dims.length - 1], [2, 3], [2, 3], [3, 2]])
    .filter((i) => i < x.dims.length && i > 0);
  if (!list.length) return null;
  const keep = net.int(0, 1);
  const dims = x.dims.map((d, i) => (!list.includes(i) ? d : keep ? 1 : null)).filter((d) => d !== null);
  const signed = net.opset >= 11 && net.chance(0.3) ? list.map((i) => i - x.dims.length) : list;
  const version = type === 'ReduceSum' ? 13 : 18;
  const attributes = keep && net.chance(0.5) ? {} : { keepdims: keep };
  return net.op(type, ...axes(net, x, signed, version, attributes), dims);
};

// --- moves
layers.pad = (net) => {
  const x = net.tensor(4, 4, 3, 2);
  if (!x) return null;
  const rank = x.dims.length;
  const mode = net.pick(['constant', 'constant', 'constant', 'reflect', 'edge']);
  const deep = net.chance(0.2) ? 1 : 2;
  const pads = [...x.dims, ...x.dims].map((d, i) => (i % rank < deep ? 0
    : net.int(net.chance(0.1) ? -1 : 0, mode === 'reflect' ? Math.min(2, d - 1) : 2)));
  if (mode !== 'constant' && pads.some((p) => p < 0)) return null;
  const dims = x.dims.map((d, i) => d + pads[i] + pads[i + rank]);
  const value = net.pick([0, 0, 0.5]);
  if (net.opset < 11) return net.op('Pad', [x], { mode, pads, value: { f: value } }, dims);
  if (net.opset >= 18 && net.chance(0.3)) { // of the dimensions after the channels
    const some = pads.filter((_, i) => i % rank >= 2);
    const axes = x.dims.map((_, i) => i - (net.chance(0.5) ? rank : 0)).slice(2);
    const whole = pads.every((p, i) => p === 0 || i % rank >= 2);
    if (whole && rank > 2)
      return net.op('Pad', [x, net.m.ints(...some), '', net.m.ints(...axes)], { mode }, dims);
  }
  const operands = [x, net.m.ints(...pads)];
  if (mode === 'constant' && (value || net.chance(0.5))) operands.push(net.m.scalar(value));
  return net.op('Pad', operands, mode === 'constant' && net.chance(0.5) ? {} : { mode }, dims);
};
layers.slice = (net) => {
  const x = net.tensor();
  const axis = net.int(net.open ? 1 : 0, x.dims.length - 1);
  if (axis >= x.dims.length) return null;
  const size = x.dims[axis];
  const back = net.opset >= 10 && net.chance(0.2);
  const step = net.opset >= 10 && net.chance(0.3) ? net.int(1, 3) : 1;
  const from = net.chance(0.4) ? 0 : net.int(0, size - 1);
  const to = net.chance(0.3) ? size : net.int(from + 1, size);
  const signed = (i) => {
    if (i < size) return net.chance(0.2) ? i - size : i;
    return net.chance(0.1) ? 2147483647 : i;
  };
  let [start, end, by, count] = [signed(from), signed(to), step, Math.ceil((to - from) / step)];
  if (back) [start, end, by] = [to - 1, from === 0 ? -2147483648 : from - 1, -step];
  const dims = x.dims.map((d, i) => (i === axis ? count : d));
  if (net.opset < 10) return net.op('Slice', [x], { starts: [start], ends: [end], axes: [axis] }, dims);
  const along = net.chance(0.3) ? axis - x.dims.length : axis;
  const operands = [x, net.m.ints(start), net.m.ints(end), net.m.ints(along)];
  if (by !== 1 || net.chance(0.3)) operands.push(net.m.ints(by));
  return net.op('Slice', operands, {}, dims);
};
layers.split = (net) => {
  const x = net.tensor();
  const axis = net.chance(0.7) ? 1 : net.int(net.open ? 1 : 0, x.dims.length - 1);
  const size = x.dims[axis];
  if (!(size > 1)) return null;
  const even = size % 2 === 0 && net.chance(0.5);
  const first = even ? size / 2 : net.int(1, size - 1);
  const parts = [first, size - first];
  const results = parts.map((d) => x.dims.map((e, i) => (i === axis ? d : e)));
  if (even && net.chance(0.6))
    return net.ops('Split', [x], net.opset < 18 ? { axis } : { axis, num_outputs: 2 }, results);
  if (net.opset < 13) return net.ops('Split', [x], { axis, split: parts }, results);
  return net.ops('Split', [x, net.m.ints(...parts)], { axis }, results);
};
layers.gather = (net) => {
  const x = net.tensor();
  const axis = net.int(1, x.dims.length - 1);
  if (axis >= x.dims.length) return null;
  const size = x.dims[axis];
  const index = () => net.int(net.opset >= 11 && net.chance(0.2) ? -size : 0, size - 1);
  if (net.chance(0.4) && x.dims.length > 2)
    return net.op('Gather', [x, net.m.constant([], [index()], INT64)], { axis },
      x.dims.filter((_, i) => i !== axis));
  const count = net.int(1, 4);
  const indices = Array.from({ length: count }, index);
  const dims = x.dims.map((d, i) => (i === axis ? count : d));
  return net.op('Gather', [x, net.m.ints(...indices)], { axis }, dims);
};
layers.depth_to_space = (net) => {
  const x = net.tensor(4);
  if (!x) return null;
  const [n, c, h, w] = x.dims;
  const block = net.int(2, 3);
  if (h % block === 0 && w % block === 0 && net.chance(0.5))
    return net.op('SpaceToDepth', [x], { blocksize: block },
      [n, c * block * block, h / block, w / block]);
  if (c % (block * block)) return null;
  const mode = net.opset >= 11 && net.chance(0.7) ? { mode: net.pick(['DCR', 'CRD']) } : {};
  return net.op('DepthToSpace', [x], { blocksize: block, ...mode },
    [n, c / block / block, h * block, w * block]);
};
layers.shuffle = (net) => {
  const x = net.tensor(4);
  if (!x) return null;
  const [n, c, h, w] = x.dims;
  const group = net.pick([2, 3, 4].filter((g) => c % g === 0).concat(0));
  if (!group) return null;
  const first = net.open ? -1 : n;
  const split = net.op('Reshape', [x, net.m.ints(first, group, c / group, h, w)], {},
    [n, group, c / group, h, w]);
  const turned = net.op('Transpose', [split], { perm: [0, 2, 1, 3, 4] }, [n, c / group, group, h, w]);
  return net.op('Reshape', [turned, net.m.ints(first, c, h, w)], {}, x.dims);
};
layers.tile = (net) => {
  const x = net.tensor();
  const times = x.dims.map((_, i) => (i > 0 && net.chance(0.3) ? 2 : 1));
  return net.chance(0.4) && net.op('Tile', [x, net.m.ints(...times)], {}, x.dims.map((d, i) => d * times[i]));
};

// --- sizes
layers.resize = (net) => {
  const x = net.tensor(4);
  if (!x) return null;
  const up = net.pick([[2, 2], [2, 2], [1, 2], [3, 2], [1.5, 1.5], [0.5, 0.5], [2, 0.5]]);
  const scales = [1, 1, ...up];
  const dims = x.dims.map((d, i) => Math.floor(d * scales[i]));
  const mode = net.pick(['nearest', 'nearest', 'linear']);
  const grows = up.every((s) => s >= 1);
  if (net.opset < 10 && !grows) return null;
  if (net.opset < 9) return net.op('Upsample', [x], { mode, scales: net.f(scales) }, dims);
  if (net.opset < 10) return net.op('Upsample', [x, net.m.floats(...scales)], { mode }, dims);
  if (net.opset < 11) return net.op('Resize', [x, net.m.floats(...scales)], { mode }, dims);
  const a = { mode };
  if (mode === 'linear' && net.chance(0.2)) a.mode = 'cubic';
  const grids = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'];
  if (net.chance(0.7)) a.coordinate_transformation_mode = net.pick(grids);
  const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'];
  if (mode === 'nearest' && net.chance(0.7)) a.nearest_mode = net.pick(roundings);
  const none = () => (net.opset < 13 ? net.m.floats() : '');
  if (net.opset >= 18 && net.chance(0.2))
    return net.op('Resize', [x, '', net.m.floats(...up)], { ...a, axes: [2, 3] }, dims);
  if (net.chance(0.5)) return net.op('Resize', [x, none(), net.m.floats(...scales)], a, dims);
  if (net.open) return null;
  const sizes = [...x.dims.slice(0, 2), ...x.dims.slice(2).map((d) => d + net.int(0, d))];
  return net.op('Resize', [x, none(), none(), net.m.ints(...sizes)], a, sizes);
};
