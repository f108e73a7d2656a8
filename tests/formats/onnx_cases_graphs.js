// Cases of more than one layer: heads, gates, what is carried as it is, open batches, new versions.
'use strict';
const { INT64, X, f, add, moved } = require('./onnx_model.js');

// Vectors and planes.
const pooled = (m) => m.op('GlobalAveragePool', [m.conv()]);
add('classifier', 13, (m) => m.gemm(m.op('Flatten', [m.conv()]), 480, 7, 1), [1, 7]);
add('two products', 13, (m) => m.gemm(m.op('Relu',
  [m.gemm(m.op('Reshape', [m.conv(), m.ints(1, -1)]), 480, 9, 0)]), 9, 7, 0), [1, 7]);
add('scaled product', 13, (m) => m.gemm(m.op('Flatten', [m.conv()]), 480, 7, 1,
  { alpha: f(0.5), beta: f(2) }), [1, 7]);
add('product and sum', 13, (m) => m.op('Softmax', [m.op('Add', [m.weight([1, 5]),
  m.op('MatMul', [m.op('Squeeze', [pooled(m), m.ints(2, 3)]), m.weight([8, 5])])])]), [1, 5]);
add('product of sequences', 13, (m) => m.op('MatMul',
  [m.op('Reshape', [m.conv(), m.ints(0, 8, 60)]), m.weight([60, 4])]), [1, 8, 4]);
add('vector back to a plane', 13, (m) => m.conv(m.op('Unsqueeze',
  [m.gemm(m.op('Flatten', [pooled(m)]), 8, 8, 1), m.ints(2, 3)]), { k: 1 }), [1, 8, 1, 1]);
add('batch norm of vectors', 13,
  (m) => m.norm(m.gemm(m.op('Flatten', [pooled(m)]), 8, 8, 1)), [1, 8]);
add('mean over height and width', 13,
  (m) => m.op('ReduceMean', [m.conv()], { axes: [2, 3], keepdims: 0 }), [1, 8]);
add('mean over height and width, v18', 18,
  (m) => m.op('ReduceMean', [m.conv(), m.ints(-1, -2)]), [1, 8, 1, 1]);
add('mean over channels', 13, (m) => m.op('ReduceMean', [m.conv()], { axes: [1] }), [1, 1, 6, 10]);
add('squeeze and excitation', 13, (m) => m.op('Mul',
  ['x', m.op('HardSigmoid', [m.conv(m.op('GlobalAveragePool', ['x']), { k: 1 })])]));
add('gate before the plane', 13, (m) => m.op('Mul', [pooled(m), 'x']));
add('gate per pixel', 13, (m) => m.op('Mul', ['x', m.op('Sigmoid', [m.conv('x', { o: 1 })])]));
add('three factors', 13, (m) => m.op('Mul', [m.op('Mul', ['x', m.conv()]), m.conv()]));
add('times zero', 13, (m) => m.op('Add', [m.op('Mul', [m.conv(), m.scalar(0)]), 'x']));
add('a tensor twice', 13, (m) => m.op('Add', ['x', 'x']));
add('sum of three', 9, (m) => m.op('Sum', [m.conv(), 'x', m.conv()]));
add('concatenation from behind', 13,
  (m) => m.op('Concat', [m.conv(), 'x'], { axis: -3 }), [1, 16, 6, 10]);
add('concatenation of rows', 13, (m) => m.op('Concat', [m.conv(), 'x'], { axis: 2 }), [1, 8, 12, 10]);
add('dropout', 9, (m) => m.op('Dropout', [m.conv()], { ratio: f(0.5) }));
add('two results', 13, (m) => { const y = m.conv(); return [y, m.op('Relu', [y])]; });
add('the input as a result', 13, (m) => [m.op('Relu', ['x']), m.op('Identity', ['x'])]);
add('two inputs', 13, (m) => m.op('Add', [m.conv(), m.conv('y')]), X, { inputs: { x: X, y: X } });
add('bytes as input', 13, (m) => m.conv(m.op('Cast', ['x'], { to: 1 })), X, { type: 2 });

// Carried as they are.
add('LRN', 9, (m) => m.op('LRN', [m.conv()], { size: 5, alpha: f(0.1), beta: f(0.75), bias: f(1) }));
add('instance norm', 13,
  (m) => m.op('InstanceNormalization', [m.conv(), m.weight([8]), m.weight([8])]));
add('layer norm, v17', 17, (m) => m.op('Transpose', [m.op('LayerNormalization', [m.op('Transpose',
  [m.conv()], { perm: [0, 2, 3, 1] }), m.weight([8]), m.weight([8])])], { perm: [0, 3, 1, 2] }));
add('normalised input', 13, (m) => m.conv(m.op('Div',
  [m.op('Sub', ['x', m.weight([1, 8, 1, 1])]), m.positive([1, 8, 1, 1])])));
add('attention', 13, (m) => {
  const q = m.op('Reshape', [m.conv(), m.ints(1, 8, 60)]);
  const turned = () => m.op('Transpose', [q], { perm: [0, 2, 1] });
  const weights = m.op('Softmax', [m.op('MatMul', [turned(), q])], { axis: 2 });
  return m.op('Reshape', [m.op('MatMul', [weights, turned()]), m.ints(1, 6, 10, 8)]);
}, [1, 6, 10, 8]);
add('norm over channels', 13, (m) => {
  const y = m.conv();
  return m.op('Div', [y, m.op('Sqrt', [m.op('ReduceSum', [m.op('Mul', [y, y]), m.ints(1)])])]);
});
add('where', 13,
  (m) => m.op('Where', [m.op('Greater', ['x', m.scalar(0)]), m.conv(), 'x']));
add('expanded constant', 13,
  (m) => m.op('Add', [m.conv(), m.op('Expand', [m.weight([1, 8, 1, 1]), m.ints(...X)])]));
add('global maximum', 13, (m) => m.op('GlobalMaxPool', [m.conv()]), [1, 8, 1, 1]);
add('gathered channels', 13,
  (m) => m.op('Gather', [m.conv(), m.ints(3, 1, 2)], { axis: 1 }), [1, 3, 6, 10]);
add('flattened from axis 2', 13, (m) => m.op('Flatten', [m.conv()], { axis: 2 }), [8, 60]);

// Open batches stay open through shape arithmetic.
const open = { inputs: { x: ['N', 8, 6, 10] } };
add('head by shape arithmetic, open batch', 13, (m) => {
  const g = pooled(m);
  const batch = m.op('Slice', [m.op('Shape', [g]), m.ints(0), m.ints(1), m.ints(0)]);
  const shape = m.op('Concat', [batch, m.ints(-1)], { axis: 0 });
  return m.gemm(m.op('Reshape', [g, shape]), 8, 5, 1);
}, ['N', 5], open);
add('sequence by shape arithmetic, open batch', 13, (m) => {
  const y = m.conv();
  const shape = m.op('Shape', [y]);
  const batch = m.op('Gather', [shape, m.constant([], [0], INT64)], { axis: 0 });
  const rows = m.op('Concat', [m.op('Unsqueeze', [batch, m.ints(0)]), m.ints(8, 60)], { axis: 0 });
  const flat = m.op('Softmax', [m.op('Reshape', [y, rows])], { axis: 2 });
  return m.op('Reshape', [flat, shape]);
}, ['N', 8, 6, 10], open);
add('channel shuffle, open batch', 13,
  (m) => moved(m, [-1, 4, 2, 6, 10], [0, 2, 1, 3, 4], [-1, 8, 6, 10]), ['N', 8, 6, 10], open);

// Version 22, the newest there is: what it and those since 13 have changed.
const network22 = (m) => {
  let x = m.norm(m.conv('x', { bias: true }));
  x = m.op('HardSwish', [x]);
  x = m.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] });
  x = m.op('Gelu', [m.conv(x, { group: 8 })]);
  x = m.op('Pad', [x, m.ints(0, 0, 1, 1, 0, 0, 1, 1), m.scalar(0)]);
  x = m.op('AveragePool', [x], { kernel_shape: [3, 3], ceil_mode: 1 });
  const [a, b] = m.op('Split', [x], { axis: 1, num_outputs: 2 }, 2);
  x = m.op('Concat', [m.op('Mish', [a]), b], { axis: 1 });
  x = m.op('Reshape', [m.op('GlobalAveragePool', [x]), m.ints(1, -1)]);
  return m.gemm(m.op('Dropout', [x]), 8, 5, 1);
};
add('a network, v22', 22, network22, [1, 5]);
add('a network with its weights in a file beside it, v22', 22, network22, [1, 5], { external: true });
add('weights in a file beside it, v13', 13, (m) => m.norm(m.conv('x', { bias: true })), X,
  { external: true });
add('mean over axes counted from the front, v18', 18,
  (m) => m.op('ReduceMean', [m.conv(), m.ints(2, 3)]), [1, 8, 1, 1]);
add('resize by sizes of some axes, v19', 19, (m) => m.op('Resize',
  [m.conv(), '', '', m.ints(12, 20)], { mode: 'linear', axes: [2, 3] }), [1, 8, 12, 20]);
add('resize by scales of some axes, before a product, v18', 18, (m) => m.op('MatMul', [m.op('Resize',
  [m.conv(), '', m.floats(2, 2)], { mode: 'linear', axes: [2, -1] }), m.weight([20, 4])]), [1, 8, 12, 4]);
add('pad some axes, before a product, v18', 18, (m) => m.op('MatMul', [m.op('Pad',
  [m.conv(), m.ints(1, 2), '', m.ints(-1)], { mode: 'edge' }), m.weight([13, 4])]), [1, 8, 6, 4]);
add('pad some axes, v19', 19, (m) => m.op('Pad',
  [m.conv(), m.ints(1, 2), m.scalar(0), m.ints(3)]), [1, 8, 6, 13]);
add('group normalisation, v21', 21, (m) => m.op('GroupNormalization',
  [m.conv(), m.positive([8]), m.weight([8])], { num_groups: 2 }));
add('layer normalisation, v17', 17, (m) => m.op('LayerNormalization',
  [m.conv(), m.positive([10]), m.weight([10])]));
