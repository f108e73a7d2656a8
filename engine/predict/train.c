/* Training: shuffled batches of graphs with a few random cuts each, Adam with linear warm-up and
 * cosine decay, the weights of the best epoch on the validation part kept. Every random choice is
 * a stream keyed by (seed, purpose, epoch, ...), so that a run repeats bit for bit on one machine
 * whatever its threads.
 * Source: predictor.md, recipe X; algorithm.md section 6 (published settings). */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/alloc.h"
#include "engine/base/random.h"
#include "engine/predict/target.h"
#include "engine/predict/trainer.h"

enum { STREAM_INITIAL = 1, STREAM_ORDER, STREAM_CUTS };
enum { VALIDATION_GRAPHS = 64 /* per batch */, MAX_BATCH = 8192 };

ag_train_options ag_train_defaults(ag_model model) {
  static const char *const unnamed[] = {""};
  return (ag_train_options){.model = model,
                            .epochs = 100,
                            .batch = 32,
                            .splits = 8,
                            .learning_rate = 3e-3,
                            .warmup = 100,
                            .hinge = 1,
                            .rank_normal = true,
                            .residual = true,
                            .log_features = true,
                            .seed = 1,
                            .threads = 1,
                            .families = unnamed,
                            .family_count = 1};
}

typedef struct training {
  const ag_train_options *options;
  ag_config config;
  ag_training_set corpus; /* training graphs, then validation graphs */
  int train, valid;
  ag_target *targets;
  ag_trainer *trainer;
  int size; /* parameters */
  float *params, *best, *gradient;
  float *first_moment, *second_moment;
  int64_t step, steps;
  int32_t *order;
  ag_item *items;
  double best_srcc;
} training;

static ag_status check_options(const ag_train_options *o, int train_count, ag_error *err) {
  if (train_count < 1) return ag_fail(err, AG_INVALID, "there is no training sample");
  if (o->epochs < 1 || o->threads < 1) {
    return ag_fail(err, AG_INVALID, "epochs and threads must be at least 1");
  }
  if (o->batch < 1 || o->batch > MAX_BATCH || o->splits < 1 || o->splits > MAX_BATCH) {
    return ag_fail(err, AG_INVALID, "batch and splits must be from 1 to %d", MAX_BATCH);
  }
  if (!(o->learning_rate > 0) || !(o->warmup >= 0) || !(o->hinge >= 0)) {
    return ag_fail(err, AG_INVALID,
                   "the learning rate must be positive, warm-up and hinge not "
                   "negative");
  }
  if (o->family_count < 1 || o->family_count > AG_MAX_FAMILIES) {
    return ag_fail(err, AG_INVALID, "%d families; 1 to %d can be told apart", o->family_count,
                   AG_MAX_FAMILIES);
  }
  return AG_OK;
}

static void initialise(training *t) {
  const ag_layout *layout = ag_trainer_layout(t->trainer);
  for (int i = 0; i < layout->params; i++) {
    const ag_param *p = &layout->param[i];
    ag_random random = ag_random_stream(t->options->seed, STREAM_INITIAL, (uint64_t)i, 0, 0);
    double bound = 1 / sqrt((double)p->inputs);
    for (int k = 0; k < p->size; k++) {
      double value = p->initial == AG_INITIAL_ONE ? 1 : 0;
      if (p->initial == AG_INITIAL_NORMAL) value = ag_random_normal(&random);
      if (p->initial == AG_INITIAL_UNIFORM) value = bound * (2 * ag_random_unit(&random) - 1);
      t->params[p->offset + k] = (float)value;
    }
  }
}

static ag_status prepare(training *t, const ag_sample *train, const ag_sample *valid,
                         ag_error *err) {
  const ag_train_options *o = t->options;
  t->corpus.config = &t->config;
  ag_status s = ag_training_set_add(&t->corpus, train, t->train, o->family_count, err);
  if (!s) s = ag_training_set_add(&t->corpus, valid, t->valid, o->family_count, err);
  if (s) return s;
  t->targets = ag_targets_fit(&t->corpus, t->train, o->rank_normal, o->families, o->family_count);
  t->trainer = ag_trainer_new(&t->config, &t->corpus, o->threads);
  t->size = ag_trainer_layout(t->trainer)->size;
  t->params = AG_ARRAY(float, t->size);
  t->best = AG_ARRAY(float, t->size);
  t->gradient = AG_ARRAY(float, t->size);
  t->first_moment = AG_ARRAY(float, t->size);
  t->second_moment = AG_ARRAY(float, t->size);
  t->order = AG_ARRAY(int32_t, t->train);
  t->steps = (int64_t)o->epochs * ((t->train + o->batch - 1) / o->batch);
  t->best_srcc = -2;
  initialise(t);
  return AG_OK;
}

static void finish(training *t) {
  ag_trainer_free(t->trainer);
  ag_training_set_free(&t->corpus);
  free(t->best);
  free(t->gradient);
  free(t->first_moment);
  free(t->second_moment);
  free(t->order);
  free(t->items);
}

/* --- one epoch -------------------------------------------------------------------------------- */

static double learning_rate(const training *t) {
  const ag_train_options *o = t->options;
  double warmup = fmin(o->warmup, (double)t->steps / 4), step = (double)t->step;
  if (step < warmup) return o->learning_rate * (step + 1) / warmup;
  double done = (step - warmup) / fmax(1, (double)t->steps - warmup);
  return o->learning_rate * (0.01 + 0.99 * (1 + cos(3.14159265358979323846 * done)) / 2);
}

AG_VECTOR static void adam(float *params, float *m, float *v, const float *gradient, int size,
                           float rate, float unbias_m, float unbias_v) {
  for (int i = 0; i < size; i++) {
    float g = gradient[i];
    m[i] = 0.9f * m[i] + 0.1f * g;
    v[i] = 0.999f * v[i] + 0.001f * g * g;
    params[i] -= rate * (m[i] * unbias_m) / (sqrtf(v[i] * unbias_v) + 1e-8f);
  }
}

static void update(training *t) {
  double rate = learning_rate(t), n = (double)++t->step;
  adam(t->params, t->first_moment, t->second_moment, t->gradient, t->size, (float)rate,
       (float)(1 / (1 - pow(0.9, n))), (float)(1 / (1 - pow(0.999, n))));
}

static int compare_cuts(const void *a, const void *b) {
  const ag_item *x = a, *y = b;
  return (x->cut > y->cut) - (x->cut < y->cut);
}

/* `wanted` different cuts of a graph, drawn evenly (selection by Floyd), in order. */
static int draw_cuts(const training *t, int32_t graph, int epoch, ag_item *items) {
  int cuts = t->corpus.graph[graph].cuts, wanted = t->options->splits, count = 0;
  if (t->config.model == AG_MODEL_GNN) {
    items[0] = (ag_item){graph, -1};
    return 1;
  }
  wanted = wanted < cuts ? wanted : cuts;
  ag_random random =
      ag_random_stream(t->options->seed, STREAM_CUTS, (uint64_t)epoch, (uint64_t)graph, 0);
  for (int last = cuts - wanted; last < cuts; last++) {
    int32_t cut = (int32_t)ag_random_below(&random, (uint64_t)last + 1);
    for (int i = 0; i < count; i++) {
      if (items[i].cut == cut) cut = last;
    }
    items[count++] = (ag_item){graph, cut};
  }
  qsort(items, (size_t)count, sizeof *items, compare_cuts);
  return count;
}

/* Mean loss over the epoch's batches. */
static double run_epoch(training *t, int epoch, int64_t *samples) {
  const ag_train_options *o = t->options;
  ag_random random = ag_random_stream(o->seed, STREAM_ORDER, (uint64_t)epoch, 0, 0);
  for (int i = 0; i < t->train; i++) t->order[i] = i;
  ag_random_shuffle(&random, t->order, t->train);
  double loss = 0;
  int batches = 0;
  for (int from = 0; from < t->train; from += o->batch, batches++) {
    int count = 0, to = from + o->batch < t->train ? from + o->batch : t->train;
    for (int i = from; i < to; i++) count += draw_cuts(t, t->order[i], epoch, t->items + count);
    loss += ag_trainer_gradient(t->trainer, t->params, t->items, count, o->hinge, t->gradient);
    update(t);
    *samples += count;
  }
  return loss / batches;
}

/* --- validation ------------------------------------------------------------------------------- */

/* Mean prediction over all cuts of validation graphs [from, to) (numbers in the corpus). */
static void score_graphs(training *t, int from, int to, ag_item *items, float *raw, double *score) {
  int count = 0, at = 0;
  for (int g = from; g < to; g++) {
    int cuts = t->corpus.graph[g].cuts;
    for (int c = 0; c < cuts; c++) items[count++] = (ag_item){g, c};
    if (cuts == 0) items[count++] = (ag_item){g, -1};
  }
  ag_trainer_predict(t->trainer, t->params, items, count, raw);
  for (int g = from; g < to; g++) {
    double sum = 0;
    int first = at;
    for (; at < count && items[at].graph == g; at++) sum += (double)raw[at];
    score[g - t->train] = sum / (at - first);
  }
}

/* Rank correlation on the validation part, averaged over the families it holds. */
static double correlate(const training *t, const double *score) {
  double *a = AG_ARRAY(double, t->valid), *b = AG_ARRAY(double, t->valid), sum = 0;
  int families = 0;
  for (int f = 0; f < t->options->family_count; f++) {
    int count = 0;
    for (int i = 0; i < t->valid; i++) {
      if (t->corpus.graph[t->train + i].family != f) continue;
      a[count] = score[i];
      b[count++] = t->corpus.graph[t->train + i].label;
    }
    if (count == 0) continue;
    sum += ag_srcc(a, b, count);
    families++;
  }
  free(a);
  free(b);
  return families ? sum / families : 0;
}

static double validate(training *t) {
  int most = 0;
  for (int g = t->train; g < t->train + t->valid; g++) {
    most = t->corpus.graph[g].cuts > most ? t->corpus.graph[g].cuts : most;
  }
  ag_item *items = AG_ARRAY(ag_item, VALIDATION_GRAPHS * (most + 1));
  float *raw = AG_ARRAY(float, VALIDATION_GRAPHS *(most + 1));
  double *score = AG_ARRAY(double, t->valid);
  for (int from = t->train; from < t->train + t->valid; from += VALIDATION_GRAPHS) {
    int to = from + VALIDATION_GRAPHS, end = t->train + t->valid;
    score_graphs(t, from, to < end ? to : end, items, raw, score);
  }
  double srcc = correlate(t, score);
  free(items);
  free(raw);
  free(score);
  return srcc;
}

/* --- the whole -------------------------------------------------------------------------------- */

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void keep_best(training *t, double srcc) {
  if (t->valid > 0 && srcc <= t->best_srcc) return;
  t->best_srcc = srcc;
  memcpy(t->best, t->params, (size_t)t->size * sizeof *t->best);
}

static ag_status run(training *t, bool (*progress)(void *, const ag_train_progress *),
                     void *context, ag_error *err) {
  int per_graph = t->config.model == AG_MODEL_PSC ? t->options->splits : 1;
  t->items = ag_alloc((size_t)t->options->batch * (size_t)per_graph, sizeof *t->items);
  for (int epoch = 0; epoch < t->options->epochs; epoch++) {
    int64_t samples = 0;
    double start = seconds(), loss = run_epoch(t, epoch, &samples), end = seconds();
    double srcc = t->valid ? validate(t) : 0;
    keep_best(t, srcc);
    ag_train_progress now = {.epoch = epoch + 1,
                             .epochs = t->options->epochs,
                             .loss = loss,
                             .srcc = srcc,
                             .samples_per_second = (double)samples / fmax(end - start, 1e-9)};
    if (progress && !progress(context, &now)) {
      return ag_fail(err, AG_INTERRUPTED, "stopped after %d of %d epochs", epoch + 1,
                     t->options->epochs);
    }
  }
  return AG_OK;
}

ag_status ag_train(const ag_sample *train, int train_count, const ag_sample *valid, int valid_count,
                   const ag_train_options *options,
                   bool (*progress)(void *context, const ag_train_progress *progress),
                   void *context, ag_predictor **predictor, ag_error *err) {
  ag_status s = check_options(options, train_count, err);
  if (s) return s;
  training t = {.options = options, .train = train_count, .valid = valid_count};
  t.config = (ag_config){.model = options->model,
                         .layers = 6,
                         .residual = options->residual,
                         .log_features = options->log_features};
  s = prepare(&t, train, valid, err);
  if (!s) {
    s = run(&t, progress, context, err);
    *predictor = ag_predictor_make(&t.config, ag_memdup(t.best, (size_t)t.size, sizeof *t.best),
                                   t.targets, options->family_count);
  }
  free(t.params);
  finish(&t);
  return s;
}
