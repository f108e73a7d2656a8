// Cases of layers: windows, activations, and the constants that belong to them.
'use strict';
const { FLOAT, INT64, X, f, add } = require('./onnx_model.js');

// Softmax over what is meant, before and after version 13.
for (const axis of [1, 2, 3]) {
  add(`softmax over axis ${axis}, v9`, 9, (m) => m.op('Softmax', [m.conv()], { axis }));
  add(`softmax over axis ${axis}, v13`, 13, (m) => m.op('Softmax', [m.conv()], { axis }));
}
add('log-softmax, v9', 9, (m) => m.op('LogSoftmax', [m.conv()]));

// Windows.
for (const auto_pad of ['SAME_UPPER', 'SAME_LOWER', 'VALID']) {
  const out = auto_pad === 'VALID' ? [1, 8, 2, 4] : [1, 8, 3, 5];
  add(`convolution ${auto_pad}`, 13,
    (m) => m.conv('x', { auto_pad, strides: [2, 2], bias: true }), out);
  for (const count_include_pad of [0, 1])
    add(`average pool ${auto_pad}, ${count_include_pad ? 'pads count' : 'pads do not count'}`, 13,
      (m) => m.op('AveragePool', [m.conv()],
        { kernel_shape: [3, 3], strides: [2, 2], auto_pad, count_include_pad }), out);
}
for (const ceil_mode of [0, 1])
  for (const type of ['MaxPool', 'AveragePool'])
    add(`${type}, ${ceil_mode ? 'rounded up' : 'rounded down'}`, 13, (m) => m.op(type, [m.conv()],
      { kernel_shape: [3, 3], strides: [2, 2], ceil_mode }), [1, 8, ceil_mode ? 3 : 2, ceil_mode ? 5 : 4]);
add('dilated pool', 13, (m) => m.op('MaxPool', [m.conv()],
  { kernel_shape: [2, 2], dilations: [2, 2], pads: [1, 1, 1, 1] }));
add('grouped convolution', 13, (m) => m.conv('x', { group: 4, o: 12 }), [1, 12, 6, 10]);
add('depthwise convolution', 13,
  (m) => m.conv('x', { group: 8, strides: [2, 1], bias: true }), [1, 8, 3, 10]);
add('depth multiplier', 13, (m) => m.conv('x', { group: 8, o: 16 }), [1, 16, 6, 10]);
add('dilated convolution', 13, (m) => m.conv('x', { dilations: [2, 2], pads: [2, 2, 2, 2] }));
const transposed = (m, dims, attributes, bias) => m.op('ConvTranspose',
  [m.conv(), m.weight(dims), ...(bias ? [m.weight([bias])] : [])], { strides: [2, 2], ...attributes });
add('transposed convolution', 13,
  (m) => transposed(m, [8, 5, 4, 4], { pads: [1, 1, 1, 1] }, 5), [1, 5, 12, 20]);
add('transposed convolution with output padding', 13, (m) => transposed(m, [8, 5, 3, 3],
  { pads: [1, 1, 1, 1], output_padding: [1, 1] }), [1, 5, 12, 20]);
add('grouped transposed convolution', 13,
  (m) => transposed(m, [8, 3, 2, 2], { group: 2 }), [1, 6, 12, 20]);
add('transposed convolution of odd size', 13,
  (m) => transposed(m, [8, 5, 3, 3], {}), [1, 5, 13, 21]);

// Activations, in one node and in several.
add('hard sigmoid', 13, (m) => m.op('HardSigmoid', [m.conv()]));
add('another hard sigmoid', 13,
  (m) => m.op('HardSigmoid', [m.conv()], { alpha: f(0.3), beta: f(0.4) }));
add('hard swish, v14', 14, (m) => m.op('HardSwish', [m.conv()]));
add('mish, v18', 18, (m) => m.op('Mish', [m.conv()]));
add('gelu, v20', 20, (m) => m.op('Gelu', [m.conv()]));
add('gelu by tanh, v20', 20, (m) => m.op('Gelu', [m.conv()], { approximate: 'tanh' }));
add('slopes per channel', 13, (m) => m.op('PRelu', [m.conv(), m.weight([8, 1, 1])]));
add('one slope', 13, (m) => m.op('PRelu', [m.conv(), m.weight([1])]));
for (const type of ['Elu', 'LeakyRelu', 'Tanh', 'Softplus'])
  add(type, 13, (m) => m.op(type, [m.conv()]));
const wide = (m) => m.op('Mul', [m.conv(), m.scalar(4)]);
const relu6 = (m, x) => m.op('Clip', [m.op('Add', [x, m.scalar(3)]), m.scalar(0), m.scalar(6)]);
add('hard swish as (x * relu6) / 6', 13, (m) => {
  const x = wide(m);
  return m.op('Div', [m.op('Mul', [x, relu6(m, x)]), m.scalar(6)]);
});
add('hard swish as x * (relu6 / 6)', 13, (m) => {
  const x = wide(m);
  return m.op('Mul', [x, m.op('Div', [relu6(m, x), m.scalar(6)])]);
});
add('hard swish as (relu6 * x) * 1/6', 13, (m) => {
  const x = wide(m);
  return m.op('Mul', [m.op('Mul', [relu6(m, x), x]), m.scalar(1 / 6)]);
});
add('hard sigmoid as relu6 / 6', 13, (m) => m.op('Div', [relu6(m, wide(m)), m.scalar(6)]));
add('swish', 13, (m) => {
  const x = m.conv();
  return m.op('Mul', [m.op('Sigmoid', [x]), x]);
});
add('swish whose sigmoid is used again', 13, (m) => {
  const x = m.conv();
  const s = m.op('Sigmoid', [x]);
  return m.op('Add', [m.op('Mul', [s, x]), s]);
});
const erf = (m, x) => m.op('Add',
  [m.op('Erf', [m.op('Div', [x, m.scalar(Math.SQRT2)])]), m.scalar(1)]);
add('gelu as (x * e) / 2', 13, (m) => {
  const x = m.conv();
  return m.op('Mul', [m.op('Mul', [x, erf(m, x)]), m.scalar(0.5)]);
});
add('gelu as (x / 2) * e', 13, (m) => {
  const x = m.conv();
  return m.op('Mul', [m.op('Mul', [x, m.scalar(0.5)]), erf(m, x)]);
});
add('gelu as x * (e / 2)', 13, (m) => {
  const x = m.conv();
  return m.op('Mul', [x, m.op('Mul', [erf(m, x), m.scalar(0.5)])]);
});

// Constants that belong to the layer before.
add('batch norm', 13, (m) => m.norm(m.conv()));
add('scale and shift after batch norm, v9', 9, (m) => {
  const vector = () => m.op('Unsqueeze', [m.weight([8])], { axes: [1, 2] });
  return m.op('Add', [m.op('Mul', [m.norm(m.conv()), vector()]), vector()]);
});
add('scalar after batch norm', 9, (m) => m.op('Mul', [m.norm(m.conv()), m.scalar(2)]));
add('bias as a sum', 13, (m) => m.op('Add', [m.weight([1, 8, 1, 1]), m.conv()]));
add('second bias', 13, (m) => m.op('Add', [m.conv('x', { bias: true }), m.weight([8, 1, 1])]));
add('a constant that is no bias', 13, (m) => m.op('Add', [m.conv(), m.weight([10])]));
add('constant as a node', 13,
  (m) => m.op('Add', [m.conv(), m.op('Constant', [], { value_float: f(1.5) })]));
add('one kernel for two convolutions', 13, (m) => {
  const w = m.weight([8, 8, 3, 3]);
  const pads = [1, 1, 1, 1];
  return m.op('Conv', [m.op('Conv', ['x', w], { pads }), m.op('Identity', [w])], { pads });
});

// Windows that are no CG op's: uneven sizes, other numbers of dimensions, second results.
add('transposed convolution to an uneven size', 13, (m) => m.op('ConvTranspose',
  [m.conv(), m.weight([8, 4, 3, 3])], { strides: [2, 2] }), [1, 4, 13, 21]);
add('transposed convolution with output padding in groups', 13, (m) => m.op('ConvTranspose',
  [m.conv(), m.weight([8, 2, 3, 3])],
  { strides: [3, 2], group: 2, pads: [1, 0, 0, 1], output_padding: [1, 0] }), [1, 4, 19, 20]);
add('transposed convolution to a given size', 13, (m) => m.op('ConvTranspose',
  [m.conv(), m.weight([8, 4, 3, 3])], { strides: [2, 2], output_shape: [12, 21] }), [1, 4, 12, 21]);
const line = (m, x) => m.op('Reshape', [x, m.ints(1, 8, 60)]);
add('convolution and pool over one dimension', 13, (m) => m.op('MaxPool',
  [m.op('Conv', [line(m, m.conv()), m.weight([6, 8, 5])], { strides: [2], dilations: [3], pads: [2, 1] })],
  { kernel_shape: [4], strides: [3], ceil_mode: 1 }), [1, 6, 9]);
add('the places of maxima', 13, (m) => {
  const [y, where] = m.op('MaxPool', [m.conv()], { kernel_shape: [2, 2], strides: [2, 2] }, 2);
  return m.op('Add', [y, m.op('Cast', [where], { to: FLOAT })]);
}, [1, 8, 3, 5]);
add('the largest channels', 13, (m) => m.op('TopK', [m.conv(), m.ints(3)], { axis: 1 }, 2)[0],
  [1, 3, 6, 10]);
add('elements gathered', 13, (m) => m.op('GatherElements', [m.conv(),
  m.constant([1, 8, 6, 2], Array.from({ length: 96 }, (_, i) => i % 10), INT64)], { axis: 3 }),
  [1, 8, 6, 2]);
