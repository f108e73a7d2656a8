// What ONNX Runtime computes, for other programs to compare with.
//
//   node onnx_values.js MODEL.onnx...   writes MODEL.onnx.values per model: a line of JSON,
//                                       { inputs: [shape, ...], outputs: [shape, ...] }, then all
//                                       their numbers as float32
//
// Inputs are random in [-1, 1) with a fixed seed; open sizes are 1.
'use strict';
const fs = require('fs');
const ort = require('onnxruntime-node');
const generator = require('./random.js');

function inputOf(meta, index) {
  const shape = meta.shape.map((size) => (typeof size === 'number' && size > 0 ? size : 1));
  const random = generator(index + 1);
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < data.length; i++) data[i] = 2 * random() - 1;
  return new ort.Tensor('float32', data, shape);
}

async function values(path) {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 3 });
  const feeds = {};
  session.inputMetadata.forEach((meta, i) => { feeds[meta.name] = inputOf(meta, i); });
  const results = await session.run(feeds);
  const inputs = session.inputNames.map((name) => feeds[name]);
  const outputs = session.outputNames.map((name) => results[name]);
  const shapes = (tensors) => tensors.map((tensor) => tensor.dims);
  const header = JSON.stringify({ inputs: shapes(inputs), outputs: shapes(outputs) });
  const parts = inputs.concat(outputs).map((tensor) => Buffer.from(Float32Array.from(tensor.data).buffer));
  fs.writeFileSync(`${path}.values`, Buffer.concat([Buffer.from(`${header}\n`), ...parts]));
  await session.release();
}

(async () => {
  for (const path of process.argv.slice(2)) await values(path);
})().catch((error) => { console.log(error.message); process.exitCode = 1; });
