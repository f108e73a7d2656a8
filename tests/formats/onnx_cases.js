// Small ONNX models, one quirk each, through `autogo convert` and back into ONNX Runtime: the function
// must be the same. Covers op versions, patterns of several nodes, forms of padding, opaque nodes.
//
//   node onnx_cases.js AUTOGO FOLDER       prints "ok NAME" or "not ok NAME: reason" per model
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const ort = require('onnxruntime-node');
const { cases, build, random } = require('./onnx_model.js');
require('./onnx_cases_moves.js');
require('./onnx_cases_layers.js');
require('./onnx_cases_graphs.js');

const TOLERANCE = 1e-4;

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
  fs.writeFileSync(before, build(name, folder));
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
    const reason = await check(name, autogo, folder).catch((error) => error.message);
    console.log(reason ? `not ok ${name}: ${reason}` : `ok ${name}`);
    if (reason) process.exitCode = 1;
  }
}

main(process.argv.slice(2));
