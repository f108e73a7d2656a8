// Small ONNX models, one quirk each, through `autogo convert` and back into ONNX Runtime: the function
// must be the same. Covers op versions, patterns of several nodes, forms of padding, opaque nodes.
//
//   node onnx_cases.js AUTOGO FOLDER       prints "ok NAME" or "not ok NAME: reason" per model
//
// Models are written by hand, field by field, so that no encoder of ours or theirs stands between.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const ort = require('onnxruntime-node');
const generator = require('./random.js');

const TOLERANCE = 1e-4;

// --- protobuf ------------------------------------------------------------------------------------
function varint(value) {
  let n = BigInt.asUintN(64, BigInt(value));
  const bytes = [];
  for (; n > 127n; n >>= 7n) bytes.push(Number(n & 127n) | 128);
  bytes.push(Number(n));
  return Buffer.from(bytes);
}
function field(number, value) {
  if (typeof value === 'number' || typeof value === 'bigint')
    return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}
function floatField(number, value) {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint((number << 3) | 5), bytes]);
}
const all = (parts) => Buffer.concat(parts);

// --- ONNX ----------------------------------------------------------------------------------------
const FLOAT = 1;
const INT64 = 7;
// A number written as { f: x } is a float attribute, else an integer.
function attribute(name, value) {
  const head = field(1, name);
  if (typeof value === 'string') return all([head, field(4, value), field(20, 3)]);
  if (typeof value === 'number') return all([head, field(3, value), field(20, 2)]);
  if (!Array.isArray(value)) return all([head, floatField(2, value.f), field(20, 1)]);
  if (typeof value[0] === 'object')
    return all([head, ...value.map((x) => floatField(7, x.f)), field(20, 6)]);
  return all([head, ...value.map((x) => field(8, x)), field(20, 7)]);
}
function valueInfo(name, dims, type) {
  const dimension = (d) => field(1, typeof d === 'string' ? field(2, d) : field(1, d));
  const tensor = all([field(1, type), field(2, all(dims.map(dimension)))]);
  return all([field(1, name), field(2, field(1, tensor))]);
}

let random = generator(1); // anew for each case

class Model {
  constructor(opset) {
    Object.assign(this, { opset, nodes: [], initializers: [], inputs: [], outputs: [], count: 0 });
  }
  name() { return `t${++this.count}`; }
  input(name, dims, type = FLOAT) { this.inputs.push(valueInfo(name, dims, type)); return name; }
  output(name, dims) { this.outputs.push(valueInfo(name, dims, FLOAT)); }
  constant(dims, values, type = FLOAT) {
    const data = type === FLOAT ? new Float32Array(values) : new BigInt64Array(values.map(BigInt));
    const name = this.name();
    this.initializers.push(all([...dims.map((d) => field(1, d)), field(2, type), field(8, name),
      this.contents(type, Buffer.from(data.buffer))]));
    return name;
  }
  // In the tensor; or, for floats once `external` is a list of buffers, in a file beside the model.
  contents(type, bytes) {
    if (!this.external || type !== FLOAT) return field(9, bytes);
    const offset = this.external.reduce((sum, buffer) => sum + buffer.length, 0);
    this.external.push(bytes, Buffer.alloc(64));
    const entry = (key, value) => field(13, all([field(1, key), field(2, `${value}`)]));
    return all([entry('location', 'weights.bin'), entry('offset', offset),
      entry('length', bytes.length), field(14, 1)]);
  }
  ints(...values) { return this.constant([values.length], values, INT64); }
  scalar(value) { return this.constant([], [value]); }
  floats(...values) { return this.constant([values.length], values); }
  weight(dims) { return this.constant(dims, this.draw(dims, () => 0.6 * random() - 0.3)); }
  positive(dims) { return this.constant(dims, this.draw(dims, () => 0.5 + random())); }
  draw(dims, sample) { return Array.from({ length: dims.reduce((a, b) => a * b, 1) }, sample); }
  op(type, inputs, attributes = {}, results = 1) {
    const outputs = Array.from({ length: results }, () => this.name());
    this.nodes.push(all([...inputs.map((x) => field(1, x)), ...outputs.map((x) => field(2, x)),
      field(4, type), ...Object.entries(attributes).map(([k, v]) => field(5, attribute(k, v)))]));
    return results === 1 ? outputs[0] : outputs;
  }
  conv(x = 'x', { k = 3, i = 8, o = 8, bias = false, ...attributes } = {}) {
    const pad = Math.floor(k / 2);
    if (!attributes.auto_pad && !attributes.pads) attributes.pads = [pad, pad, pad, pad];
    const weights = [this.weight([o, i / (attributes.group || 1), k, k])];
    if (bias) weights.push(this.weight([o]));
    return this.op('Conv', [x, ...weights], { kernel_shape: [k, k], ...attributes });
  }
  norm(x) {
    return this.op('BatchNormalization', [x, this.positive([8]), this.weight([8]), this.weight([8]),
      this.positive([8])], { epsilon: { f: 0.001 } });
  }
  gemm(x, i, o, transB, attributes = {}) {
    return this.op('Gemm', [x, this.weight(transB ? [o, i] : [i, o]), this.weight([o])],
      { transB, ...attributes });
  }
  bytes() {
    const graph = all([...this.nodes.map((n) => field(1, n)), field(2, 'case'),
      ...this.initializers.map((t) => field(5, t)), ...this.inputs.map((v) => field(11, v)),
      ...this.outputs.map((v) => field(12, v))]);
    const version = all([field(1, ''), field(2, this.opset)]);
    return all([field(1, this.opset < 15 ? 7 : this.opset < 21 ? 8 : 10), field(7, graph), field(8, version)]);
  }
}

// --- cases ---------------------------------------------------------------------------------------
const X = [1, 8, 6, 10];
const f = (x) => ({ f: x });
const cases = {};
// build(m) makes the network over input x and returns its result, of shape `out`.
function add(name, opset, build, out = X, { inputs = { x: X }, type = FLOAT, external } = {}) {
  cases[name] = (folder) => {
    const m = new Model(opset);
    if (external) m.external = [];
    for (const [input, dims] of Object.entries(inputs)) m.input(input, dims, type);
    const results = [build(m)].flat();
    for (const result of results) m.output(result, out);
    if (external) fs.writeFileSync(path.join(folder, 'weights.bin'), Buffer.concat(m.external));
    return m.bytes();
  };
}

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

// Elements moved by reshape, transpose, reshape.
const moved = (m, middle, perm, out) => m.op('Reshape', [m.op('Transpose',
  [m.op('Reshape', [m.conv(), m.ints(...middle)])], { perm }), m.ints(...out)]);
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
add('mean over height and width, v18', 18,
  (m) => m.op('ReduceMean', [m.conv(), m.ints(2, 3)]), [1, 8, 1, 1]);
add('resize by sizes of some axes, v19', 19, (m) => m.op('Resize',
  [m.conv(), '', '', m.ints(12, 20)], { mode: 'linear', axes: [2, 3] }), [1, 8, 12, 20]);
add('pad some axes, v19', 19, (m) => m.op('Pad',
  [m.conv(), m.ints(1, 2), m.scalar(0), m.ints(3)]), [1, 8, 6, 13]);
add('group normalisation, v21', 21, (m) => m.op('GroupNormalization',
  [m.conv(), m.positive([8]), m.weight([8])], { num_groups: 2 }));
add('layer normalisation, v17', 17, (m) => m.op('LayerNormalization',
  [m.conv(), m.positive([10]), m.weight([10])]));

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

// --- comparison ----------------------------------------------------------------------------------
function feed(session, batch) {
  const feeds = {};
  for (const meta of session.inputMetadata) {
    const dims = meta.shape.map((d) => (typeof d === 'number' ? d : batch));
    const count = dims.reduce((a, b) => a * b, 1);
    const bytes = meta.type === 'uint8';
    const data = bytes ? new Uint8Array(count) : new Float32Array(count);
    for (let i = 0; i < count; i++) data[i] = bytes ? 255 * random() : 2 * random() - 1;
    feeds[meta.name] = new ort.Tensor(meta.type, data, dims);
  }
  return feeds;
}

function compare(expected, seen) {
  for (const name of Object.keys(expected)) {
    if (!seen[name]) return `lost its output ${name}`;
    const [a, b] = [expected[name], seen[name]];
    if (a.dims.join() !== b.dims.join()) return `became ${b.dims}, was ${a.dims}`;
    let largest = 0;
    a.data.forEach((x, i) => {
      const d = Math.abs(Number(x) - Number(b.data[i]));
      if (!(d <= largest)) largest = d;
    });
    if (!(largest <= TOLERANCE)) return `differs by ${largest}`;
  }
  return null;
}

async function check(name, autogo, folder) {
  const [before, after] = ['before.onnx', 'after.onnx'].map((file) => path.join(folder, file));
  fs.writeFileSync(before, cases[name](folder));
  const convert = spawnSync(autogo, ['convert', before, after], { encoding: 'utf8' });
  if (convert.status !== 0) return (convert.stderr || convert.stdout || 'no answer').trim();
  const options = { logSeverityLevel: 4 };
  const a = await ort.InferenceSession.create(before, options);
  const b = await ort.InferenceSession.create(after, options);
  const isOpen = a.inputMetadata.some((meta) => meta.shape.some((d) => typeof d !== 'number'));
  for (const batch of isOpen ? [1, 3] : [1]) {
    const feeds = feed(a, batch);
    const reason = compare(await a.run(feeds), await b.run(feeds));
    if (reason) return `batch ${batch}: ${reason}`;
  }
  return null;
}

async function main([autogo, folder]) {
  if (!folder) {
    console.error('usage: onnx_cases.js AUTOGO FOLDER');
    process.exit(2);
  }
  for (const name of Object.keys(cases)) {
    random = generator(1);
    const reason = await check(name, autogo, folder).catch((error) => error.message);
    console.log(reason ? `not ok ${name}: ${reason}` : `ok ${name}`);
    if (reason) process.exitCode = 1;
  }
}

main(process.argv.slice(2));
