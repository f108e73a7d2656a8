// Run an ONNX model in ONNX Runtime on given numbers and compare with given results.
//
//   node run_reference.js MODEL.onnx INPUT EXPECTED     files of raw 32-bit floats; to 1e-4, relative
//                                                       to the largest number expected
'use strict';
const fs = require('fs');
const ort = require('onnxruntime-node');

const TOLERANCE = 1e-4;

function floats(path) {
  const bytes = fs.readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

async function main(model, input, expected) {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  const meta = session.inputMetadata[0];
  const shape = meta.shape.map((size) => (typeof size === 'number' && size > 0 ? size : 1));
  const feeds = { [meta.name]: new ort.Tensor('float32', floats(input), shape) };
  const result = (await session.run(feeds))[session.outputNames[0]];
  await session.release();
  const wanted = floats(expected);
  if (result.data.length !== wanted.length)
    throw new Error(`${result.data.length} numbers come out, not ${wanted.length}`);
  const scale = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  let largest = 0;
  wanted.forEach((x, i) => {
    const d = Math.abs(x - result.data[i]) / scale;
    if (!(d <= largest)) largest = d; // also when d is not a number
  });
  console.log(`${model}: largest difference ${largest}`);
  return largest <= TOLERANCE;
}

main(...process.argv.slice(2)).then(
  (passed) => { process.exitCode = passed ? 0 : 1; },
  (error) => { console.log(error.message); process.exitCode = 1; });
