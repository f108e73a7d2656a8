// Random networks through the program and back into ONNX Runtime: the function, the MACs and the size of
// every result must be the same, in the file's operator set and in newer ones.
//
//   node onnx_random.js AUTOGO FOLDER FIRST COUNT     networks FIRST, FIRST + 1, ...
//
// Prints "not ok" and a reason for each that differs, then how many there were. Those that can be written as
// PyTorch source stay in FOLDER as run_torch.py wants them, with what ONNX Runtime computes.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const ort = require('onnxruntime-node');
const generator = require('./random.js');
const { Net } = require('./onnx_random_net.js');
require('./onnx_random_layers.js');
require('./onnx_random_moves.js');

const TOLERANCE = 2e-4; // of the largest number of an output
const [autogo, folder, first, count] = process.argv.slice(2);
const run = (...args) => spawnSync(autogo, args, { encoding: 'utf8' });
const options = { logSeverityLevel: 4 };

function networkOf(number) {
  const net = new Net(number);
  const image = () => [net.batch, net.int(1, 8), net.int(3, 10), net.int(3, 10)];
  net.input('x', image());
  if (net.chance(0.15)) net.input('z', image());
  net.grow(net.int(2, 9));
  net.finish();
  return net;
}

function feedsOf(session, net, batch) {
  const random = generator(7 * batch + 1);
  const feeds = {};
  for (const meta of session.inputMetadata) {
    const dims = meta.shape.map((d) => (typeof d === 'number' ? d : batch));
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1)).map(() => 2 * random() - 1);
    feeds[meta.name] = new ort.Tensor('float32', data, dims);
  }
  return feeds;
}

function difference(expected, seen) {
  for (const name of Object.keys(expected)) {
    const [a, b] = [expected[name], seen[name]];
    if (!b) return `lost its output ${name}`;
    if (a.dims.join() !== b.dims.join()) return `${name} became ${b.dims}, was ${a.dims}`;
    let [largest, scale] = [0, 1];
    a.data.forEach((x, i) => {
      const d = Math.abs(x - b.data[i]);
      if (Number.isFinite(x)) scale = Math.max(scale, Math.abs(x));
      if (Number.isFinite(x) && !(d <= largest)) largest = d;
    });
    if (!(largest <= TOLERANCE * scale)) return `${name} differs by ${largest}`;
  }
  return null;
}

// The network itself in ONNX Runtime; null where it is not valid, or not to be run.
async function original(net, file) {
  fs.writeFileSync(file, net.m.bytes());
  if (!net.outputs.length) return null;
  try {
    const session = await ort.InferenceSession.create(file, options);
    const results = await session.run(feedsOf(session, net, net.batch));
    const wrong = net.outputs.some((t) => results[t.name].dims.join() !== t.dims.join());
    return wrong ? null : { session, results };
  } catch (error) {
    return null;
  }
}

async function again(net, before, after, opset) {
  const convert = run('convert', before, after, ...(opset ? ['--opset', `${opset}`] : []));
  if (convert.status !== 0) return convert.stderr.trim();
  const { session, results } = net.original;
  const copy = await ort.InferenceSession.create(after, options);
  let reason = difference(results, await copy.run(feedsOf(session, net, net.batch)));
  if (!reason && net.open) { // sizes of some networks hold for one image only, and they say so
    const more = await session.run(feedsOf(session, net, 3)).catch(() => null);
    if (more) reason = difference(more, await copy.run(feedsOf(session, net, 3)));
  }
  await copy.release();
  return reason;
}

// For run_torch.py; whether there is a module.
function source(net, number, info) {
  const file = path.join(folder, `net${number}`);
  if (run('convert', `${file}.onnx`, `${file}.py`).status !== 0) return false;
  const { session, results } = net.original;
  const feeds = feedsOf(session, net, net.batch);
  const inputs = session.inputNames.filter((name) => net.needed.has(name)).map((name) => feeds[name]);
  const outputs = session.outputNames.map((name) => results[name]);
  const shapes = (tensors) => tensors.map((tensor) => tensor.dims);
  const header = JSON.stringify({ inputs: shapes(inputs), outputs: shapes(outputs) });
  const parts = inputs.concat(outputs).map((tensor) => Buffer.from(tensor.data.buffer));
  fs.writeFileSync(`${file}.onnx.values`, Buffer.concat([Buffer.from(`${header}\n`), ...parts]));
  const sizes = shapes(outputs).map((dims) => dims.join('x')).join(' ');
  fs.appendFileSync(path.join(folder, 'list'), `net${number} ${info.params} ${sizes}\n`);
  return true;
}

async function check(net, number, file) {
  const told = run('info', file, '--json');
  if (told.status !== 0) return told.stderr.trim();
  const info = JSON.parse(told.stdout);
  const macs = info.macs.conv + info.macs.depthwise + info.macs.matmul;
  if (net.multiplications !== null && macs !== net.multiplications) return `${macs} MACs, not ${net.multiplications}`;
  const opset = number % 3 === 0 && net.opset < 22 ? net.int(net.opset + 1, 22) : null;
  const reason = await again(net, file, path.join(folder, 'again.onnx'), opset);
  return reason || (source(net, number, info) ? null : 'no module');
}

async function main() {
  const counts = { good: 0, modules: 0 };
  for (let number = Number(first); number < Number(first) + Number(count); number++) {
    const net = networkOf(number);
    const file = path.join(folder, `net${number}.onnx`);
    net.original = await original(net, file);
    if (!net.original) continue;
    const reason = await check(net, number, file).catch((error) => error.message);
    if (reason && reason !== 'no module') console.log(`not ok network ${number}: ${reason}`);
    else counts.good++;
    counts.modules += !reason;
    await net.original.session.release();
  }
  console.log(`${counts.good} networks are the same, ${counts.modules} of them have modules`);
  if (counts.good < 0.9 * Number(count)) console.log('not ok: too few networks could be compared');
}

main();
