// Time ONNX models in ONNX Runtime on the CPU; the program of autogo.hardware.measured.
//
//   node measure.js JOB.json
//
// The job is { models: [path, ...], reference: path or null, threads, warmup, window, steady, runs,
// seconds, most, group }. Answers are JSON lines on standard output: { runtime, node } first, then one
// per model in order, { model, median, p10, p90, mad, n } in milliseconds or { model, error }, and last
// { drift } with the reference's medians before and after.
//
// Every model is warmed up on its own, then the models take turns in windows of a few runs, so that a
// change of the machine's speed meets them all alike.
'use strict';
const fs = require('fs');

const say = (value) => fs.writeSync(1, JSON.stringify(value) + '\n');

let ort;
try {
  ort = require('onnxruntime-node');
} catch (error) {
  say({ missing: true, error: String(error.message).split('\n')[0] });
  process.exit(0);
}

const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array,
  int8: Int8Array, bool: Uint8Array, int64: BigInt64Array };

// Inputs are made once: small positive numbers, the same in every run.
function tensorOf(meta) {
  const shape = meta.shape.map((size) => (typeof size === 'number' && size > 0 ? size : 1));
  if (!ARRAYS[meta.type]) throw new Error(`inputs of type ${meta.type} are not handled`);
  const data = new ARRAYS[meta.type](shape.reduce((product, size) => product * size, 1));
  if (meta.type.startsWith('float')) for (let i = 0; i < data.length; i++) data[i] = (i % 97) / 97;
  return new ort.Tensor(meta.type, data, shape);
}

async function open(path, job) {
  const session = await ort.InferenceSession.create(path, {
    executionProviders: ['cpu'], graphOptimizationLevel: 'all', executionMode: 'sequential',
    intraOpNumThreads: job.threads, interOpNumThreads: 1, logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const feeds = {};
  for (const meta of session.inputMetadata) feeds[meta.name] = tensorOf(meta);
  return { session, feeds, times: [], total: 0 };
}

async function time(model) {
  const begin = process.hrtime.bigint();
  await model.session.run(model.feeds);
  return Number(process.hrtime.bigint() - begin) / 1e6;
}

const ordered = (values) => [...values].sort((a, b) => a - b);

function quantile(sorted, q) {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

const median = (values) => quantile(ordered(values), 0.5);

function summary(times) {
  const sorted = ordered(times);
  const middle = quantile(sorted, 0.5);
  return { median: middle, p10: quantile(sorted, 0.1), p90: quantile(sorted, 0.9),
    mad: median(times.map((t) => Math.abs(t - middle))), n: times.length };
}

// Until two windows in a row differ by less than `steady`, at least `warmup` runs, at most `most` seconds.
async function warm(model, job) {
  let before = null;
  let spent = 0;
  for (let runs = 0; ; ) {
    const window = [];
    for (let i = 0; i < job.window; i++) window.push(await time(model));
    runs += window.length;
    spent += window.reduce((sum, t) => sum + t, 0);
    const now = median(window);
    const still = before !== null && Math.abs(now / before - 1) < job.steady;
    if ((runs >= job.warmup && still) || spent > 1000 * job.most) return;
    before = now;
  }
}

const done = (model, job) =>
  (model.times.length >= job.runs && model.total >= 1000 * job.seconds) ||
  (model.total >= 1000 * job.most && model.times.length > 0);

async function turn(model, job) {
  for (let i = 0; i < job.window && !done(model, job); i++) {
    const t = await time(model);
    model.times.push(t);
    model.total += t;
  }
}

async function reference(path, job) {
  const model = await open(path, job);
  await warm(model, job);
  const times = [];
  for (let i = 0; i < Math.max(job.window, job.runs); i++) times.push(await time(model));
  await model.session.release();
  return median(times);
}

async function group(paths, job) {
  const models = [];
  for (const path of paths) {
    const entry = { path };
    try {
      entry.model = await open(path, job);
      await warm(entry.model, job);
    } catch (error) {
      entry.error = String(error.message).split('\n')[0];
      entry.model = null;
    }
    models.push(entry);
  }
  for (let open_ = models.filter((m) => m.model); open_.length; ) {
    for (const entry of open_) await turn(entry.model, job);
    open_ = open_.filter((m) => !done(m.model, job));
  }
  for (const entry of models) {
    if (entry.model) await entry.model.session.release();
    say(entry.model ? { model: entry.path, ...summary(entry.model.times) }
      : { model: entry.path, error: entry.error });
  }
}

async function main(path) {
  const job = JSON.parse(fs.readFileSync(path, 'utf8'));
  say({ runtime: ort.env.versions ? ort.env.versions.node || ort.env.versions.common : 'unknown',
    node: process.version });
  const before = job.reference ? await reference(job.reference, job) : null;
  for (let i = 0; i < job.models.length; i += job.group) await group(job.models.slice(i, i + job.group), job);
  const after = job.reference ? await reference(job.reference, job) : null;
  say({ drift: before === null ? null : [before, after] });
}

main(process.argv[2]).catch((error) => {
  say({ error: String(error.message).split('\n')[0] });
  process.exitCode = 1;
});
