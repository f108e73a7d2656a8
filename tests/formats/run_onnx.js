// Run ONNX models in ONNX Runtime, an implementation that knows nothing of ours.
//
//   node run_onnx.js [--like REFERENCE.onnx] MODEL...   each loads, runs and gives finite numbers;
//                                                       with outputs shaped as the reference's
//   node run_onnx.js --same A.onnx B.onnx               both compute the same function, to 1e-4
//
// Inputs are random with a fixed seed; sizes that a model leaves open are 1, or what the model beside
// it says. Models without weights take them as inputs: these get small positive numbers, so that
// variances are valid, and only shapes are looked at. onnxruntime-node is found through NODE_PATH.
'use strict';
const ort = require('onnxruntime-node');
const generator = require('./random.js');

const TOLERANCE = 1e-4;
const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array,
  uint8: Uint8Array, int8: Int8Array };

// Open sizes come from the input at the same place of another model, else they are 1.
function shapeOf(meta, hint) {
  return meta.shape.map((size, i) => {
    if (typeof size === 'number' && size > 0) return size;
    return hint && hint.length === meta.shape.length ? hint[i] : 1;
  });
}

function tensorOf(type, shape, random, positive) {
  const count = shape.reduce((product, size) => product * size, 1);
  if (type === 'int64') return new ort.Tensor(type, new BigInt64Array(count), shape);
  if (type === 'bool') return new ort.Tensor(type, new Uint8Array(count), shape);
  if (!arrays[type]) throw new Error(`inputs of type ${type} are not handled`);
  const data = new arrays[type](count);
  for (let i = 0; i < count; i++) data[i] = positive ? 0.1 * random() : 2 * random() - 1;
  return new ort.Tensor(type, data, shape);
}

// { shapes of inputs, outputs in the model's order, whether weights came as inputs }
async function run(path, hints) {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 3 });
  try {
    const feeds = {};
    const shapes = [];
    const weights = session.inputNames.length > 1;
    session.inputMetadata.forEach((meta, i) => {
      const shape = shapeOf(meta, hints && hints[i]);
      shapes.push(shape);
      feeds[meta.name] = tensorOf(meta.type, shape, generator(i + 1), weights);
    });
    const results = await session.run(feeds);
    return { shapes, weights, outputs: session.outputNames.map((name) => results[name]) };
  } finally {
    await session.release();
  }
}

function checkFinite(result) {
  if (result.weights) return;
  for (const output of result.outputs) {
    if (output.type !== 'float32') continue;
    if (!output.data.every(Number.isFinite)) throw new Error('an output is not finite');
  }
}

function checkShapes(result, reference) {
  const text = (r) => r.outputs.map((output) => output.dims.join('x')).join(', ');
  if (text(result) !== text(reference))
    throw new Error(`outputs are ${text(result)}, the reference's ${text(reference)}`);
}

function difference(a, b) {
  let largest = 0;
  a.outputs.forEach((output, k) => {
    for (let i = 0; i < output.data.length; i++) {
      const d = Math.abs(Number(output.data[i]) - Number(b.outputs[k].data[i]));
      if (!(d <= largest)) largest = d; // also when d is not a number
    }
  });
  return largest;
}

async function like(reference, models) {
  let failures = 0;
  let expected = null;
  for (const path of models) {
    try {
      const result = await run(path);
      checkFinite(result);
      if (reference && !expected) expected = await run(reference, result.shapes);
      if (reference) checkShapes(result, expected);
      console.log(`${path}: ${result.outputs.map((o) => o.dims.join('x')).join(', ')}`);
    } catch (error) {
      failures++;
      console.log(`${path}: ${error.message}`);
    }
  }
  return failures === 0;
}

async function same(first, second) {
  const b = await run(second);
  const a = await run(first, b.shapes);
  if (a.weights || b.weights) throw new Error('a model without weights computes no function');
  checkFinite(a);
  checkShapes(b, a);
  const d = difference(a, b);
  console.log(`${first}, ${second}: largest difference ${d}`);
  return d <= TOLERANCE;
}

async function main(args) {
  if (args[0] === '--same' && args.length === 3) return same(args[1], args[2]);
  const reference = args[0] === '--like' ? args[1] : null;
  const models = args.slice(reference ? 2 : 0);
  if (models.length === 0 || models[0].startsWith('--')) {
    console.error('usage: run_onnx.js [--like REFERENCE] MODEL... | --same A B');
    process.exit(2);
  }
  return like(reference, models);
}

main(process.argv.slice(2)).then(
  (passed) => { process.exitCode = passed ? 0 : 1; },
  (error) => { console.log(error.message); process.exitCode = 1; });
