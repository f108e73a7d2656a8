// Layers of random networks that have windows, weights or act on each element.
'use strict';
const { layers, elements, f } = require('./onnx_random_net.js');

// --- windows
// Kernel, strides, dilations and padding over n dimensions, and the sizes that come out.
function window(net, sizes, { dilate = true, ceil = false, wide = false } = {}) {
  const n = sizes.length;
  const draw = (low, high) => (n === 2 ? net.pair(low, high) : sizes.map(() => net.int(low, high)));
  const kernel = draw(1, net.chance(0.2) ? 5 : 3);
  const attributes = { kernel_shape: kernel };
  let strides = sizes.map(() => 1);
  let dilations = sizes.map(() => 1);
  if (net.chance(0.5)) attributes.strides = strides = draw(1, 3);
  if (dilate && net.chance(0.25)) attributes.dilations = dilations = draw(1, 3);
  if (ceil && net.chance(0.4)) attributes.ceil_mode = 1;
  const spans = () => kernel.map((k, i) => dilations[i] * (k - 1) + 1);
  const kind = net.pick(['none', 'none', 'pads', 'pads', 'half', 'SAME_UPPER', 'SAME_LOWER', 'VALID',
    'NOTSET']);
  let pads = new Array(2 * n).fill(0);
  let span = spans();
  if (kind === 'pads' || kind === 'half') {
    const most = (i) => (wide ? span[i] : Math.min(kernel[i] - 1, 2));
    const half = (i) => Math.min(most(i), (span[i] - 1) >> 1);
    pads = pads.map((_, i) => (kind === 'half' ? half(i % n) : net.int(0, most(i % n))));
    attributes.pads = pads;
  } else if (kind !== 'none') attributes.auto_pad = kind;
  const same = kind.startsWith('SAME');
  if (same && dilations.some((d) => d > 1)) { // ONNX Runtime does not dilate such windows
    dilations = sizes.map(() => 1);
    delete attributes.dilations;
    span = spans();
  }
  const out = sizes.map((size, i) => {
    if (same) return Math.ceil(size / strides[i]);
    const room = size + pads[i] + pads[i + n] - span[i];
    if (room < 0) return 0;
    if (!attributes.ceil_mode) return Math.floor(room / strides[i]) + 1;
    let count = Math.ceil(room / strides[i]) + 1;
    if ((count - 1) * strides[i] >= size + pads[i]) count--;
    return count;
  });
  return { attributes, out, kernel };
}

function convolve(net, x, { group, out }) {
  const [batch, channels, ...sizes] = x.dims;
  const w = window(net, sizes, { wide: true });
  const operands = [x, net.m.weight([out, channels / group, ...w.kernel])];
  if (net.chance(0.5)) operands.push(net.m.weight([out]));
  if (net.chance(0.2)) delete w.attributes.kernel_shape;
  if (group > 1 || net.chance(0.3)) w.attributes.group = group;
  const macs = (elements(w.kernel) * channels * out * elements(w.out)) / group;
  return net.op('Conv', operands, w.attributes, [batch, out, ...w.out], macs);
}
layers.conv = (net) => {
  const x = net.tensor(4);
  if (!x) return null;
  const groups = [1, 1, 2, 3, 4].filter((g) => x.dims[1] % g === 0);
  const group = net.pick(groups);
  return convolve(net, x, { group, out: group * net.int(1, Math.ceil(9 / group)) });
};
layers.conv_again = layers.conv;
layers.depthwise = (net) => {
  const x = net.tensor(4);
  return x && convolve(net, x, { group: x.dims[1], out: x.dims[1] * net.pick([1, 1, 2]) });
};
layers.conv_line = (net) => {
  const x = net.tensor(3);
  return x && convolve(net, x, { group: 1, out: net.int(1, 6) });
};
layers.transposed = (net) => {
  const x = net.tensor(4);
  if (!x) return null;
  const [batch, channels, ...sizes] = x.dims;
  const group = net.pick([1, 1, 2, channels].filter((g) => channels % g === 0));
  const out = net.int(1, 4);
  const kernel = net.pair(1, 4);
  const strides = net.pair(1, 3);
  const a = { kernel_shape: kernel, strides, group };
  let dilations = [1, 1];
  let pads = [0, 0, 0, 0];
  let extra = [0, 0];
  if (net.chance(0.2)) a.dilations = dilations = net.pair(1, 2);
  if (net.chance(0.5)) a.pads = pads = net.chance(0.6) ? [1, 1, 1, 1] : pads.map(() => net.int(0, 2));
  const roomy = strides.every((s, i) => Math.max(s, dilations[i]) > 1);
  const spare = (s, i) => net.int(0, Math.max(s, dilations[i]) - 1);
  if (roomy && net.chance(0.4)) a.output_padding = extra = strides.map(spare);
  let result = sizes.map((n, i) => strides[i] * (n - 1) + extra[i] + dilations[i] * (kernel[i] - 1) + 1 -
    pads[i] - pads[i + 2]);
  const kind = net.int(0, 7);
  if (kind === 0) {
    delete a.pads;
    a.auto_pad = net.pick(['SAME_UPPER', 'SAME_LOWER']);
    delete a.output_padding;
    result = sizes.map((n, i) => n * strides[i]);
    if (kernel.some((k, i) => dilations[i] * (k - 1) + 1 < strides[i])) return null;
  } else if (kind === 1 && !a.output_padding) {
    delete a.pads;
    result = sizes.map((n, i) => strides[i] * (n - 1) + dilations[i] * (kernel[i] - 1) + 1 - net.int(0, 2));
    a.output_shape = result;
    if (net.chance(0.3)) a.auto_pad = net.pick(['SAME_UPPER', 'SAME_LOWER']);
  }
  const operands = [x, net.m.weight([channels, out, ...kernel])];
  if (net.chance(0.5)) operands.push(net.m.weight([out * group]));
  return net.op('ConvTranspose', operands, a, [batch, out * group, ...result],
    elements(kernel) * channels * out * elements(sizes));
};
layers.max_pool = (net) => {
  const x = net.tensor(4, 4, 4, 3);
  if (!x) return null;
  const w = window(net, x.dims.slice(2), { dilate: net.opset >= 10, ceil: net.opset >= 10 });
  return net.op('MaxPool', [x], w.attributes, [...x.dims.slice(0, 2), ...w.out]);
};
layers.average_pool = (net) => {
  const x = net.tensor(4, 4, 4, 3);
  if (!x) return null;
  const w = window(net, x.dims.slice(2), { dilate: net.opset >= 19, ceil: net.opset >= 10 });
  if (net.chance(0.4)) w.attributes.count_include_pad = net.int(0, 1);
  return net.op('AveragePool', [x], w.attributes, [...x.dims.slice(0, 2), ...w.out]);
};
layers.global = (net) => {
  const x = net.tensor(4, 4, 4, 3);
  return x && net.op(net.pick(['GlobalAveragePool', 'GlobalAveragePool', 'GlobalMaxPool']), [x], {},
    [...x.dims.slice(0, 2), ...x.dims.slice(2).map(() => 1)]);
};

// --- products
layers.gemm = (net) => {
  const x = net.tensor(2);
  if (!x) return null;
  const turned = net.chance(0.1);
  const [rows, inner] = turned ? [x.dims[1], x.dims[0]] : x.dims;
  if (turned && net.open) return null;
  const out = net.int(1, 12);
  const transB = net.int(0, 1);
  const operands = [x, net.m.weight(transB ? [out, inner] : [inner, out])];
  const addend = net.pick([[out], [out], [1, out], [1], [], [rows, 1], null]);
  if (addend && (addend.length < 2 || addend[0] === 1 || !net.open)) operands.push(net.m.weight(addend));
  else if (net.opset < 11) return null;
  const a = { transB, ...(turned ? { transA: 1 } : {}) };
  if (net.chance(0.2)) a.alpha = f(0.5);
  if (net.chance(0.2)) a.beta = f(1.5);
  return net.op('Gemm', operands, a, [rows, out], turned ? null : inner * out);
};
layers.matmul = (net) => {
  const x = net.tensor(2, 2, 3, 4);
  if (!x) return null;
  const inner = x.dims[x.dims.length - 1];
  const out = net.int(1, 10);
  const rows = elements(x.dims.slice(1, -1));
  return net.op('MatMul', [x, net.m.weight([inner, out])], {}, [...x.dims.slice(0, -1), out],
    inner * out * rows);
};
layers.attention = (net) => {
  const x = net.tensor(3);
  if (!x || net.chance(0.5)) return null;
  const turned = net.op('Transpose', [x], { perm: [0, 2, 1] }, [x.dims[0], x.dims[2], x.dims[1]]);
  return turned && net.op('MatMul', [x, turned], {}, [x.dims[0], x.dims[1], x.dims[1]],
    x.dims[1] * x.dims[1] * x.dims[2]);
};

// --- norms
layers.batch_norm = (net) => {
  const x = net.tensor(2, 4, 4, 4, 3);
  if (!x) return null;
  const c = [x.dims[1]];
  const a = net.chance(0.5) ? { epsilon: f(net.pick([0.001, 0.01, 1e-5])) } : {};
  const operands = [x, net.m.positive(c), net.m.weight(c), net.m.weight(c), net.m.positive(c)];
  return net.op('BatchNormalization', operands, a, x.dims);
};
layers.instance_norm = (net) => {
  const x = net.tensor(3, 4);
  return x && elements(x.dims.slice(2)) > 1 && net.op('InstanceNormalization',
    [x, net.m.positive([x.dims[1]]), net.m.weight([x.dims[1]])], { epsilon: f(0.01) }, x.dims);
};
layers.group_norm = (net) => {
  const x = net.tensor(4);
  if (!x || net.opset < 18) return null;
  const groups = net.pick([1, 2, 3].filter((g) => x.dims[1] % g === 0));
  const size = [net.opset < 21 ? groups : x.dims[1]];
  return net.op('GroupNormalization', [x, net.m.positive(size), net.m.weight(size)],
    { num_groups: groups, epsilon: f(0.01) }, x.dims);
};
layers.layer_norm = (net) => {
  const x = net.tensor();
  if (net.opset < 17 || x.dims.length < 2) return null;
  const axis = net.int(1, x.dims.length - 1);
  const size = x.dims.slice(axis);
  return net.op('LayerNormalization', [x, net.m.positive(size), net.m.weight(size)],
    { axis: net.chance(0.5) ? axis : axis - x.dims.length, epsilon: f(0.01) }, x.dims);
};
layers.lrn = (net) => {
  const x = net.tensor(4);
  return x && net.chance(0.4) && net.op('LRN', [x], { size: net.pick([1, 3, 5]), alpha: f(0.1) }, x.dims);
};

// --- activations
const same = (net, type, attributes = {}, from = 7) => {
  const x = net.tensor();
  return net.opset >= from && net.op(type, [x], attributes, x.dims);
};
layers.activation = (net) => {
  const draws = [['Relu'], ['Relu'], ['Sigmoid'], ['Tanh'], ['Elu'], ['Selu'], ['Softplus'], ['Softsign'],
    ['LeakyRelu'], ['LeakyRelu', { alpha: f(net.pick([0.1, 0.25, 0])) }], ['HardSigmoid'],
    ['HardSigmoid', { alpha: f(net.pick([1 / 6, 0.3])), beta: f(net.pick([0.5, 0.4])) }],
    ['HardSwish', {}, 14],
    ['Elu', { alpha: f(0.5) }], ['ThresholdedRelu', { alpha: f(0.1) }, 10], ['Celu', { alpha: f(0.5) }, 12],
    ['Gelu', {}, 20], ['Gelu', { approximate: 'tanh' }, 20], ['Mish', {}, 18], ['Abs'], ['Neg'], ['Identity'],
    ['Dropout'], ['Erf', {}, 9], ['Sin'], ['Exp']];
  return same(net, ...net.pick(draws));
};
layers.activation_again = layers.activation;
layers.clip = (net) => {
  const [low, high] = net.pick([[0, 6], [0, 6], [0, null], [null, 0.5], [-0.5, 0.5], [0, 1], [-1, null]]);
  const x = net.tensor();
  if (net.opset < 11) {
    const a = {};
    if (low !== null) a.min = f(low);
    if (high !== null) a.max = f(high);
    return net.op('Clip', [x], a, x.dims);
  }
  const operands = [x, low === null ? '' : net.m.scalar(low)];
  if (high !== null) operands.push(net.m.scalar(high));
  return net.op('Clip', operands, {}, x.dims);
};
layers.prelu = (net) => {
  const x = net.tensor(2, 4, 4, 3);
  if (!x) return null;
  const [, c, ...rest] = x.dims;
  const slopes = net.pick([[c, ...rest.map(() => 1)], [c, ...rest.map(() => 1)], [1, c, ...rest.map(() => 1)],
    [1], [c, ...rest], rest.length ? [rest[rest.length - 1]] : [c]]);
  return net.op('PRelu', [x, net.m.weight(slopes)], {}, x.dims);
};
layers.softmax = (net) => {
  const x = net.tensor();
  const axis = net.int(1, x.dims.length - 1);
  if (x.dims.length < 2) return null;
  const a = net.chance(0.2) ? {} : { axis: net.opset >= 11 && net.chance(0.4) ? axis - x.dims.length : axis };
  return net.op(net.pick(['Softmax', 'Softmax', 'LogSoftmax']), [x], a, x.dims);
};
layers.swish = (net) => {
  const x = net.tensor();
  const s = net.op('Sigmoid', [x], {}, x.dims);
  return s && net.op('Mul', net.chance(0.5) ? [s, x] : [x, s], {}, x.dims);
};
layers.hard_swish = (net) => {
  const x = net.tensor();
  if (net.opset >= 11) return null;
  const plus = net.op('Add', [x, net.m.scalar(3)], {}, x.dims);
  const clipped = net.op('Clip', [plus], { min: f(0), max: f(6) }, x.dims);
  const product = net.op('Mul', net.chance(0.5) ? [clipped, x] : [x, clipped], {}, x.dims);
  return net.op('Div', [product, net.m.scalar(net.pick([6, 6, 5]))], {}, x.dims);
};

module.exports = { window };
