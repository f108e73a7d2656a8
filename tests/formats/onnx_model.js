// ONNX models written by hand, field by field, so that no encoder of ours or theirs stands between, and the
// list of those that are compared before and after.
'use strict';
const fs = require('fs');
const path = require('path');
const generator = require('./random.js');

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
  if (cases[name]) throw new Error(`two cases are called ${name}`);
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
// Elements moved by reshape, transpose, reshape.
const moved = (m, middle, perm, out) => m.op('Reshape', [m.op('Transpose',
  [m.op('Reshape', [m.conv(), m.ints(...middle)])], { perm }), m.ints(...out)]);

// The bytes of a case; its weights are drawn from the same numbers each time.
function build(name, folder) {
  random = generator(1);
  return cases[name](folder);
}

// The same for a model that is no case.
function seed(number) {
  random = generator(number);
}

module.exports = { FLOAT, INT64, X, f, add, moved, cases, build, seed, Model, random: () => random() };
