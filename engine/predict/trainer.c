/* A batch is cut into AG_SHARDS parts by whole graphs, always in the same way; threads take
 * shards, the loss couples their predictions, and their gradients are added in order of shard.
 * So the number of threads changes who computes, never what. */
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/trainer.h"

struct ag_trainer {
  const ag_config *config;
  const ag_training_set *corpus;
  ag_layout layout;
  ag_pool *pool;
  ag_step_weights weights;
  ag_shard shard[AG_SHARDS];
  int capacity;
  ag_loss_batch batch;
  float *grad; /* of its raw */
};

ag_trainer *ag_trainer_new(const ag_config *config, const ag_training_set *corpus, int threads) {
  openblas_set_num_threads(1); /* parallelism is over shards */
  ag_trainer *t = AG_NEW(ag_trainer);
  t->config = config;
  t->corpus = corpus;
  ag_layout_make(config, &t->layout);
  t->pool = ag_pool_new(threads < AG_SHARDS ? threads : AG_SHARDS);
  for (int i = 0; i < AG_SHARDS; i++) ag_shard_init(&t->shard[i], corpus, &t->layout);
  return t;
}

void ag_trainer_free(ag_trainer *t) {
  if (!t) return;
  for (int i = 0; i < AG_SHARDS; i++) ag_shard_free(&t->shard[i]);
  ag_pool_free(t->pool);
  free(t->batch.raw);
  free(t->batch.target);
  free(t->batch.family);
  free(t->batch.graph);
  free(t->grad);
  free(t);
}

const ag_layout *ag_trainer_layout(const ag_trainer *t) {
  return &t->layout;
}

/* Deal graphs out to shards in runs of about equal numbers of items. */
static void deal(ag_trainer *t, const ag_item *items, int count) {
  for (int s = 0, from = 0; s < AG_SHARDS; s++) {
    int to = (int)((int64_t)count * (s + 1) / AG_SHARDS);
    to = to < from ? from : to;
    while (to > from && to < count && items[to].graph == items[to - 1].graph) to++;
    ag_shard_set_items(&t->shard[s], items + from, to - from);
    from = to;
  }
}

static void forward_shard(void *context, int64_t index, int worker) {
  ag_trainer *t = context;
  (void)worker;
  ag_shard_forward(&t->shard[index], &t->weights);
}

static void backward_shard(void *context, int64_t index, int worker) {
  ag_trainer *t = context;
  (void)worker;
  ag_shard_backward(&t->shard[index], &t->weights);
}

void ag_trainer_predict(ag_trainer *t, const float *params, const ag_item *items, int count,
                        float *raw) {
  ag_step_weights_make(&t->weights, t->config, &t->layout, params);
  deal(t, items, count);
  ag_pool_run(t->pool, AG_SHARDS, forward_shard, t);
  for (int s = 0; s < AG_SHARDS; s++) {
    if (t->shard[s].items) memcpy(raw, t->shard[s].raw, (size_t)t->shard[s].items * sizeof *raw);
    raw += t->shard[s].items;
  }
}

static void reserve(ag_trainer *t, int count) {
  if (count <= t->capacity) return;
  t->capacity = 2 * count;
  size_t n = (size_t)t->capacity;
  ag_loss_batch *b = &t->batch;
  b->raw = ag_resize(b->raw, n, sizeof *b->raw);
  b->target = ag_resize(b->target, n, sizeof *b->target);
  b->family = ag_resize(b->family, n, sizeof *b->family);
  b->graph = ag_resize(b->graph, n, sizeof *b->graph);
  t->grad = ag_resize(t->grad, n, sizeof *t->grad);
}

/* Sums of two (alpha = 1) are rounded once, alike in every kernel of a BLAS; sums of many products
 * are not, and are left to vector.c and product.c. */
static void add_gradient(ag_gradient *to, const ag_gradient *from, const ag_layout *layout) {
  int d = layout->joined;
  cblas_saxpy(layout->size, 1, from->params, 1, to->params, 1);
  cblas_saxpy(d * d, 1, from->head, 1, to->head, 1);
  cblas_saxpy(d, 1, from->head_bias, 1, to->head_bias, 1);
  cblas_saxpy(d, 1, from->head_weight, 1, to->head_weight, 1);
  to->head_offset += from->head_offset;
}

double ag_trainer_gradient(ag_trainer *t, const float *params, const ag_item *items, int count,
                           const ag_loss_weights *weights, float *gradient) {
  reserve(t, count);
  t->batch.count = count;
  for (int i = 0; i < count; i++) {
    const ag_graph_states *graph = &t->corpus->graph[items[i].graph];
    t->batch.target[i] = (float)graph->target;
    t->batch.family[i] = graph->family;
    t->batch.graph[i] = items[i].graph;
  }
  ag_trainer_predict(t, params, items, count, t->batch.raw);
  double loss = ag_loss(&t->batch, weights, t->grad);
  for (int s = 0, from = 0; s < AG_SHARDS; from += t->shard[s++].items) {
    if (t->shard[s].items == 0) continue;
    memcpy(t->shard[s].raw_grad, t->grad + from, (size_t)t->shard[s].items * sizeof *t->grad);
  }
  ag_pool_run(t->pool, AG_SHARDS, backward_shard, t);
  ag_gradient *sum = &t->shard[0].gradient;
  for (int s = 1; s < AG_SHARDS; s++) add_gradient(sum, &t->shard[s].gradient, &t->layout);
  ag_gradient_unfold(sum, &t->weights);
  memcpy(gradient, sum->params, (size_t)t->layout.size * sizeof *gradient);
  return loss;
}
