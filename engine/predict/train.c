/* Training: shuffled batches of graphs with a few random cuts each, the weights of the best epoch
 * on the validation part kept. Every random choice is a stream keyed by (seed, purpose, epoch,
 * ...), so that a run repeats bit for bit on one machine whatever its threads. Source:
 * predictor.md, recipe X; algorithm.md section 6 (published settings). */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/alloc.h"
#include "engine/base/random.h"
#include "engine/predict/optimizer.h"
#include "engine/predict/target.h"
#include "engine/predict/trainer.h"

enum { STREAM_INITIAL = 1, STREAM_ORDER, STREAM_CUTS };
enum { SCORED_GRAPHS = 64 /* per batch */ };

typedef struct training {
  const ag_train_options *options;
  ag_config config;
  ag_range range;         /* of what is learnt from */
  ag_training_set corpus; /* training graphs, then validation graphs */
  int train, valid;
  ag_target *targets;
  int families; /* targets */
  ag_trainer *trainer;
  ag_hash key; /* of samples and options */
  ag_train_state state;
  float *gradient;
  int64_t steps;
  int32_t *order;
  ag_item *items;
} training;

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
      t->state.params[p->offset + k] = (float)value;
    }
  }
}

static void mix_number(ag_hash *key, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  *key = ag_hash_mix(*key, bits);
}

/* What a run depends on: a checkpoint may go on only where all of it is equal. */
static ag_hash training_key(const training *t) {
  const ag_train_options *o = t->options;
  const ag_training_set *c = &t->corpus;
  ag_hash key = ag_hash_bytes(c->states.feature, (size_t)c->states.features * sizeof(ag_feature));
  const double numbers[] = {o->model,         o->epochs,      o->batch,        o->splits,
                            o->learning_rate, o->warmup,      o->final_rate,   o->hinge,
                            o->clip,          o->patience,    o->transform,    o->residual,
                            o->log_features,  o->sum_pooling, o->from != NULL, t->train,
                            t->valid,         o->consistency, o->huber,        o->flatten,
                            o->backward};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) mix_number(&key, numbers[i]);
  key = ag_hash_mix(key, o->seed);
  for (int i = 0; i < c->graphs; i++) {
    mix_number(&key, c->graph[i].label);
    mix_number(&key, c->graph[i].family);
    mix_number(&key, c->graph[i].cuts);
    const int32_t *ids = c->ids + c->graph[i].whole;
    for (int k = 0; k < c->graph[i].size; k++) key = ag_hash_mix(key, (uint64_t)ids[k]);
  }
  if (o->from) {
    size_t bytes = (size_t)t->state.size * sizeof *o->from->params;
    key = ag_hash_mix_hash(key, ag_hash_bytes(o->from->params, bytes));
  }
  return key;
}

static ag_status prepare(training *t, const ag_sample *train, const ag_sample *valid,
                         ag_error *err) {
  const ag_train_options *o = t->options;
  t->corpus.config = &t->config;
  ag_status s = ag_training_set_add(&t->corpus, train, t->train, o->family_count, err);
  if (!s) s = ag_training_set_add(&t->corpus, valid, t->valid, o->family_count, err);
  if (s) return s;
  t->targets = ag_targets_fit(&t->corpus, t->train, o->transform, o->families, o->family_count);
  t->families = o->family_count;
  t->trainer = ag_trainer_new(&t->config, &t->corpus, o->threads);
  int size = ag_trainer_layout(t->trainer)->size;
  ag_train_state_init(&t->state, size);
  t->gradient = AG_ARRAY(float, size);
  t->order = AG_ARRAY(int32_t, t->train);
  t->steps = (int64_t)o->epochs * ((t->train + o->batch - 1) / o->batch);
  if (o->from)
    memcpy(t->state.params, o->from->params, (size_t)size * sizeof *o->from->params);
  else
    initialise(t);
  t->key = training_key(t);
  return AG_OK;
}

static void finish(training *t) {
  ag_trainer_free(t->trainer);
  ag_training_set_free(&t->corpus);
  ag_targets_free(t->targets, t->families);
  ag_train_state_free(&t->state);
  free(t->gradient);
  free(t->order);
  free(t->items);
}

/* --- one epoch -------------------------------------------------------------------------------- */

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
    loss +=
        ag_trainer_gradient(t->trainer, t->state.params, t->items, count,
                            &(ag_loss_weights){o->hinge, o->consistency, o->huber}, t->gradient);
    ag_optimizer_step(&t->state, t->gradient, o, t->steps);
    *samples += count;
  }
  return loss / batches;
}

/* --- validation ------------------------------------------------------------------------------- */

/* Mean prediction over all cuts of graphs [from, to) of the corpus. */
static void score_graphs(training *t, int from, int to, ag_item *items, float *raw, double *score) {
  int count = 0, at = 0;
  for (int g = from; g < to; g++) {
    int cuts = t->corpus.graph[g].cuts;
    for (int c = 0; c < cuts; c++) items[count++] = (ag_item){g, c};
    if (cuts == 0) items[count++] = (ag_item){g, -1};
  }
  ag_trainer_predict(t->trainer, t->state.params, items, count, raw);
  for (int g = from; g < to; g++) {
    double sum = 0;
    int first = at;
    for (; at < count && items[at].graph == g; at++) sum += (double)raw[at];
    *score++ = sum / (at - first);
  }
}

/* Scores of graphs [first, last) of the corpus, in batches. */
static void score_range(training *t, int first, int last, double *score) {
  int most = 0;
  for (int g = first; g < last; g++) {
    most = t->corpus.graph[g].cuts > most ? t->corpus.graph[g].cuts : most;
  }
  ag_item *items = AG_ARRAY(ag_item, SCORED_GRAPHS * (most + 1));
  float *raw = AG_ARRAY(float, SCORED_GRAPHS *(most + 1));
  for (int from = first; from < last; from += SCORED_GRAPHS) {
    int to = from + SCORED_GRAPHS < last ? from + SCORED_GRAPHS : last;
    score_graphs(t, from, to, items, raw, score + (from - first));
  }
  free(items);
  free(raw);
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
  double *score = AG_ARRAY(double, t->valid);
  score_range(t, t->train, t->train + t->valid, score);
  double srcc = correlate(t, score);
  free(score);
  return srcc;
}

/* --- fine-tuning ------------------------------------------------------------------------------ */

/* Move a family's targets to mean and deviation of what the weights say now. */
static void rescale_family(training *t, const double *score, int family) {
  double sum = 0, squares = 0;
  int count = 0;
  for (int i = 0; i < t->train; i++) {
    if (t->corpus.graph[i].family != family) continue;
    count++;
    sum += score[i];
    squares += score[i] * score[i];
  }
  if (count == 0) return;
  double mean = sum / count, variance = squares / count - mean * mean;
  double deviation = variance > 1e-12 ? sqrt(variance) : 1;
  ag_target_rescale(&t->corpus, t->train, family, mean, deviation, &t->targets[family]);
}

static bool retrained(const training *t, const char *family) {
  for (int f = 0; f < t->options->family_count; f++) {
    if (strcmp(t->options->families[f], family) == 0) return true;
  }
  return false;
}

/* The way back to labels that the weights knew for other families stays. */
static void keep_families(training *t) {
  const ag_predictor *from = t->options->from;
  t->targets = ag_resize(t->targets, AG_FAMILIES_MAX, sizeof *t->targets);
  for (int i = 0; i < from->families && t->families < AG_FAMILIES_MAX; i++) {
    const ag_target *old = &from->target[i];
    if (retrained(t, old->family)) continue;
    ag_target *kept = &t->targets[t->families++];
    *kept = *old;
    kept->family = ag_strdup(old->family);
    kept->table = ag_memdup(old->table, 2 * (size_t)old->rows, sizeof *old->table);
  }
}

static void adapt_targets(training *t) {
  double *score = AG_ARRAY(double, t->train);
  score_range(t, 0, t->train, score);
  for (int f = 0; f < t->options->family_count; f++) rescale_family(t, score, f);
  free(score);
  keep_families(t);
}

/* --- the whole -------------------------------------------------------------------------------- */

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void keep_best(training *t, double srcc) {
  ag_train_state *s = &t->state;
  s->idle++;
  if (t->valid > 0 && srcc <= s->best_srcc) return;
  s->idle = 0;
  s->best_srcc = srcc;
  memcpy(s->best, s->params, (size_t)s->size * sizeof *s->best);
}

static ag_predictor *best_predictor(const training *t) {
  float *params = ag_memdup(t->state.best, (size_t)t->state.size, sizeof *params);
  ag_predictor *best =
      ag_predictor_make(&t->config, params, ag_targets_copy(t->targets, t->families), t->families);
  best->range = t->range;
  return best;
}

static ag_status write_checkpoint(const training *t, ag_error *err) {
  if (!t->options->checkpoint) return AG_OK;
  ag_predictor *best = best_predictor(t);
  ag_status s = ag_checkpoint_write(&t->state, best, t->key, t->options->checkpoint, err);
  ag_predictor_free(best);
  return s;
}

typedef struct listener {
  bool (*progress)(void *, const ag_train_progress *);
  void *context;
} listener;

/* One more epoch; *go_on says whether the listener wants another. */
static ag_status advance(training *t, const listener *l, bool *go_on, ag_error *err) {
  ag_train_state *s = &t->state;
  const ag_train_options *o = t->options;
  int64_t samples = 0;
  double start = seconds(), loss = run_epoch(t, s->epoch, &samples), end = seconds();
  if (!isfinite(loss)) {
    return ag_fail(err, AG_INVALID,
                   "the loss is not finite in epoch %d; a lower learning rate or "
                   "clipping may help",
                   s->epoch + 1);
  }
  double srcc = t->valid ? validate(t) : 0;
  s->epoch++;
  keep_best(t, srcc);
  ag_train_progress now = {.epoch = s->epoch,
                           .epochs = o->epochs,
                           .loss = loss,
                           .srcc = srcc,
                           .samples_per_second = (double)samples / fmax(end - start, 1e-9),
                           .seconds_left = (seconds() - start) * (o->epochs - s->epoch)};
  *go_on = !l->progress || l->progress(l->context, &now);
  bool due = o->checkpoint && (!*go_on || s->epoch % o->checkpoint_every == 0);
  return due ? write_checkpoint(t, err) : AG_OK;
}

static bool exhausted(const training *t) {
  const ag_train_options *o = t->options;
  return t->state.epoch >= o->epochs ||
         (o->patience > 0 && t->valid > 0 && t->state.idle >= o->patience);
}

static ag_status run(training *t, const listener *l, ag_error *err) {
  const ag_train_options *o = t->options;
  int per_graph = t->config.model == AG_MODEL_PSC ? o->splits : 1;
  t->items = ag_alloc((size_t)o->batch * (size_t)per_graph, sizeof *t->items);
  if (o->from) adapt_targets(t);
  ag_status s = o->resume ? ag_checkpoint_read(&t->state, t->key, o->resume, err) : AG_OK;
  if (s) return s;
  while (!exhausted(t)) {
    bool go_on = true;
    s = advance(t, l, &go_on, err);
    if (s) return s;
    if (go_on) continue;
    return ag_fail(err, AG_INTERRUPTED, "stopped after %d of %d epochs", t->state.epoch, o->epochs);
  }
  return AG_OK;
}

static ag_config config_of(const ag_train_options *o) {
  if (o->from) return o->from->config;
  return (ag_config){.model = o->model,
                     .layers = 6,
                     .residual = o->residual,
                     .log_features = o->log_features,
                     .flatten = o->flatten,
                     .backward = o->backward,
                     .sum_pooling = o->sum_pooling};
}

ag_status ag_train(const ag_sample *train, int train_count, const ag_sample *valid, int valid_count,
                   const ag_train_options *options,
                   bool (*progress)(void *context, const ag_train_progress *progress),
                   void *context, ag_predictor **predictor, ag_error *err) {
  ag_status s = ag_train_check(options, train, train_count, err);
  if (s) return s;
  training t = {.options = options, .train = train_count, .valid = valid_count};
  t.config = config_of(options);
  t.range = ag_range_of_training(train, train_count, options->from);
  s = prepare(&t, train, valid, err);
  if (!s) {
    s = run(&t, &(listener){progress, context}, err);
    if (t.state.epoch > 0 && (!s || s == AG_INTERRUPTED)) *predictor = best_predictor(&t);
  }
  finish(&t);
  return s;
}
