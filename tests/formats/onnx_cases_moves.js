// Cases of ops that move elements, in several versions.
'use strict';
const { X, f, add, moved } = require('./onnx_model.js');

// Bounds, pads, bounds of slices, axes: attributes first, operands later.
add('clip to 0..6, v9', 9, (m) => m.op('Clip', [m.op('Mul', [m.conv(), m.scalar(9)])],
  { min: f(0), max: f(6) }));
add('clip to other bounds, v9', 9, (m) => m.op('Clip', [m.conv()], { min: f(-0.5), max: f(0.5) }));
add('clip to other bounds, v13', 13,
  (m) => m.op('Clip', [m.conv(), m.scalar(-0.5), m.scalar(0.5)]));
add('clip from above, v9', 9, (m) => m.op('Clip', [m.conv()], { max: f(0.2) }));
const PADS = [0, 0, 1, 2, 0, 0, 2, 1];
add('pad by reflection, v9', 9, (m) => m.op('Pad', [m.conv()], { mode: 'reflect', pads: PADS }),
  [1, 8, 9, 13]);
add('pad with a value, v9', 9, (m) => m.op('Pad', [m.conv()], { value: f(1.5), pads: PADS }),
  [1, 8, 9, 13]);
add('pad with zeros, v9', 9, (m) => m.op('Pad', [m.conv()], { pads: PADS }), [1, 8, 9, 13]);
add('pad with zeros before a convolution, v13', 13, (m) => m.conv(
  m.op('Pad', ['x', m.ints(...PADS), m.scalar(0)]), { pads: [0, 0, 0, 0] }), [1, 8, 7, 11]);
add('slice of rows, v9', 9,
  (m) => m.op('Slice', [m.conv()], { starts: [1], ends: [5], axes: [2] }), [1, 8, 4, 10]);
add('slice with steps, v13', 13, (m) => m.op('Slice',
  [m.conv(), m.ints(0, 1), m.ints(6, 10), m.ints(2, 3), m.ints(2, 3)]), [1, 8, 3, 3]);
const firstChannels = (m, x) => m.op('Slice', [x, m.ints(0), m.ints(5), m.ints(1)]);
add('first channels into a convolution', 13, (m) => m.conv(firstChannels(m, 'x'), { i: 5 }));
add('first channels into a sum', 13,
  (m) => m.op('Add', [firstChannels(m, 'x'), m.conv('x', { o: 5 })]), [1, 5, 6, 10]);
add('first channels into a softmax', 13,
  (m) => m.op('Softmax', [firstChannels(m, 'x')], { axis: 1 }), [1, 5, 6, 10]);
add('first channels as the result', 13, (m) => firstChannels(m, m.conv()), [1, 5, 6, 10]);
add('squeeze and unsqueeze, v9', 9, (m) => m.op('Squeeze',
  [m.op('Mul', [m.op('Unsqueeze', [m.conv()], { axes: [0] }), m.scalar(2)])], { axes: [0] }));
add('squeeze and unsqueeze, v13', 13, (m) => m.op('Squeeze',
  [m.op('Mul', [m.op('Unsqueeze', [m.conv(), m.ints(2)]), m.scalar(2)]), m.ints(2)]));
const halves = (m, operands, attributes) => {
  const [a, b] = m.op('Split', [m.conv(), ...operands], { axis: 1, ...attributes }, 2);
  return m.op('Concat', [b, a], { axis: 1 });
};
add('split, v9', 9, (m) => halves(m, [], { split: [3, 5] }));
add('split, v13', 13, (m) => halves(m, [m.ints(3, 5)], {}));
add('sum over channels, v9', 9,
  (m) => m.op('ReduceSum', [m.conv()], { axes: [1], keepdims: 0 }), [1, 6, 10]);
add('sum over channels, v13', 13,
  (m) => m.op('ReduceSum', [m.conv(), m.ints(1)], { keepdims: 0 }), [1, 6, 10]);

// Resizing.
const twice = (m) => m.floats(1, 1, 2, 2);
for (const mode of ['nearest', 'linear']) {
  add(`upsample ${mode}, v7`, 7,
    (m) => m.op('Upsample', [m.conv()], { mode, scales: [f(1), f(1), f(2), f(2)] }), [1, 8, 12, 20]);
  add(`upsample ${mode}, v9`, 9, (m) => m.op('Upsample', [m.conv(), twice(m)], { mode }),
    [1, 8, 12, 20]);
  add(`resize ${mode}, v10`, 10, (m) => m.op('Resize', [m.conv(), twice(m)], { mode }),
    [1, 8, 12, 20]);
}
add('shrink, v10', 10,
  (m) => m.op('Resize', [m.conv(), m.floats(1, 1, 0.5, 0.5)], { mode: 'nearest' }), [1, 8, 3, 5]);
add('resize by scales, v11', 11, (m) => m.op('Resize', [m.conv(), m.floats(), twice(m)]),
  [1, 8, 12, 20]);
add('resize by a fraction', 13,
  (m) => m.op('Resize', [m.conv(), '', '', m.ints(1, 8, 9, 11)], { mode: 'linear' }), [1, 8, 9, 11]);
for (const [mode, grid, rounding] of [['nearest', 'asymmetric', 'floor'],
  ['nearest', 'half_pixel', 'round_prefer_floor'], ['nearest', 'half_pixel', 'round_prefer_ceil'],
  ['nearest', 'half_pixel', 'floor'], ['nearest', 'asymmetric', 'round_prefer_floor'],
  ['linear', 'half_pixel'], ['linear', 'align_corners'], ['linear', 'asymmetric'],
  ['linear', 'pytorch_half_pixel'], ['cubic', 'half_pixel']]) {
  const attributes = { mode, coordinate_transformation_mode: grid };
  if (rounding) attributes.nearest_mode = rounding;
  add(`resize ${mode} ${grid} ${rounding || ''}`.trim(), 13,
    (m) => m.op('Resize', [m.conv(), '', '', m.ints(1, 8, 18, 20)], attributes), [1, 8, 18, 20]);
}

// Elements moved by reshape, transpose, reshape.
add('channel shuffle', 9, (m) => moved(m, [1, 4, 2, 6, 10], [0, 2, 1, 3, 4], X));
add('channel shuffle over flat planes', 9, (m) => moved(m, [1, 4, 2, 60], [0, 2, 1, 3], X));
add('depth to space, depth first', 9,
  (m) => moved(m, [1, 2, 2, 2, 6, 10], [0, 3, 4, 1, 5, 2], [1, 2, 12, 20]), [1, 2, 12, 20]);
add('depth to space, columns first', 9,
  (m) => moved(m, [1, 2, 2, 2, 6, 10], [0, 1, 4, 2, 5, 3], [1, 2, 12, 20]), [1, 2, 12, 20]);
add('space to depth', 9,
  (m) => moved(m, [1, 8, 3, 2, 5, 2], [0, 3, 5, 1, 2, 4], [1, 32, 3, 5]), [1, 32, 3, 5]);
add('a shuffle that is none', 9,
  (m) => moved(m, [1, 4, 2, 6, 10], [0, 1, 2, 4, 3], [1, 8, 10, 6]), [1, 8, 10, 6]);
for (const mode of ['DCR', 'CRD'])
  add(`DepthToSpace ${mode}`, 13,
    (m) => m.op('DepthToSpace', [m.conv()], { blocksize: 2, mode }), [1, 2, 12, 20]);
add('SpaceToDepth', 13, (m) => m.op('SpaceToDepth', [m.conv()], { blocksize: 2 }), [1, 32, 3, 5]);
add('channels last', 13, (m) => m.op('Transpose', [m.op('Relu', [m.conv(
  m.op('Transpose', ['x'], { perm: [0, 3, 1, 2] }))])], { perm: [0, 2, 3, 1] }),
  [1, 6, 10, 8], { inputs: { x: [1, 6, 10, 8] } });
