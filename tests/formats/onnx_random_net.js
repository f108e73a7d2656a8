// Random ONNX networks: what is known of a tensor while one grows, and draws. The layers are in
// onnx_random_layers.js and onnx_random_moves.js; each is a function of the network that adds nodes to
// it, or declines by giving nothing. Sizes are computed here by ONNX's definitions, without the engine,
// and ONNX Runtime confirms them.
'use strict';
const { Model, seed, random, f } = require('./onnx_model.js');

const MOST = 20000; // elements of a tensor
const layers = {};
const elements = (dims) => dims.reduce((a, b) => a * b, 1);

class Net {
  constructor(number) {
    seed(number);
    for (let i = 0; i < 20; i++) random(); // seeds that are near each other begin alike
    this.opset = this.int(7, 22);
    this.m = new Model(this.opset);
    this.macs = new Map(); // per result with weights: [names of operands, MACs]
    this.reads = new Map(); // result -> operands
    this.uneven = new Set(); // results whose first dimension is no longer the batch
    this.tensors = [];
    this.open = this.chance(0.25); // batch size left open in the file
    this.batch = this.open || this.chance(0.8) ? 1 : this.int(2, 3);
  }
  // --- draws
  int(low, high) { return low + Math.floor(random() * (high - low + 1)); }
  chance(p) { return random() < p; }
  pick(list) { return list[this.int(0, list.length - 1)]; }
  // A tensor of one of the ranks, the newest ones more often than others.
  tensor(...ranks) {
    const fit = this.tensors.filter((t) => !ranks.length || ranks.includes(t.dims.length));
    if (!fit.length) return null;
    return fit[Math.max(0, fit.length - 1 - Math.floor(random() ** 2 * fit.length))];
  }
  pair(low, high) {
    const a = this.int(low, high);
    return this.chance(0.6) ? [a, a] : [a, this.int(low, high)];
  }
  f(list) { return list.map(f); }
  // --- growing
  input(name, dims) {
    this.m.input(name, this.open ? ['N', ...dims.slice(1)] : dims);
    this.tensors.push({ name, dims });
  }
  // A node over tensors and constants (names) that gives one tensor; MACs are those of one image.
  op(type, operands, attributes, dims, macs = 0) {
    return this.ops(type, operands, attributes, [dims], macs);
  }
  ops(type, operands, attributes, results, macs = 0) {
    for (const dims of results)
      if (elements(dims) > MOST || dims.some((d) => !(d >= 1))) return null;
    const names = [].concat(this.m.op(type, operands.map((x) => (typeof x === 'string' ? x : x.name)),
      attributes, results.length));
    names.forEach((name, i) => {
      this.reads.set(name, operands.filter((x) => typeof x !== 'string').map((x) => x.name));
      this.macs.set(name, i ? 0 : macs);
      if (macs === null || (macs && operands[0].dims[0] !== this.batch)) this.uneven.add(name);
      this.tensors.push({ name, dims: results[i] });
    });
    return this.tensors[this.tensors.length - results.length];
  }
  grow(count) {
    const names = Object.keys(layers);
    for (let tries = 0; count > 0 && tries < 200; tries++)
      if (layers[this.pick(names)](this)) count--;
  }
  // Leaves become outputs, sometimes not all of them. Counts what these need, null if that is unclear.
  finish() {
    const read = new Set([...this.reads.values()].flat());
    let leaves = this.tensors.filter((t) => !read.has(t.name) && this.reads.has(t.name));
    if (leaves.length > 1 && this.chance(0.3)) leaves = leaves.slice(1);
    for (const t of leaves) this.m.output(t.name, this.open ? ['N', ...t.dims.slice(1)] : t.dims);
    this.outputs = leaves;
    const needed = (this.needed = new Set());
    const visit = (name) => {
      if (needed.has(name)) return;
      needed.add(name);
      (this.reads.get(name) || []).forEach(visit);
    };
    leaves.forEach((t) => visit(t.name));
    this.multiplications = [...needed].reduce((sum, name) => sum + (this.macs.get(name) || 0), 0);
    if ([...needed].some((name) => this.uneven.has(name))) this.multiplications = null;
  }
}

module.exports = { Net, layers, elements, f };
