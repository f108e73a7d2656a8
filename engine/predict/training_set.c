/* Samples as lists of last-layer states. Each graph is walked once as a whole, once per segment
 * and once per cut over the window that the cut changes (whole.c explains the window); every
 * state met is interned. What remains is integers: a training step needs no graph. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/flat.h"
#include "engine/predict/states.h"

/* Scratch for one graph; states are kept as [layer][node]. */
typedef struct walk {
  ag_training_set *corpus;
  const ag_graph *graph;
  int32_t *whole; /* states in the whole graph */
  int32_t *here;  /* states in the piece at hand */
  int32_t *level; /* first layer at which a node differs from the whole graph; 0 = none */
  int32_t *preds;
} walk;

static size_t at(const walk *w, int layer, int node) {
  return (size_t)layer * (size_t)w->graph->size + (size_t)node;
}

static size_t reserve_ids(ag_training_set *c, size_t count) {
  if (c->id_count + count > c->id_capacity) {
    c->id_capacity = 2 * (c->id_count + count);
    c->ids = ag_resize(c->ids, c->id_capacity, sizeof *c->ids);
  }
  size_t from = c->id_count;
  c->id_count += count;
  return from;
}

static void walk_whole(walk *w) {
  const ag_graph *g = w->graph;
  ag_states *s = &w->corpus->states;
  ag_shape normalisers = ag_feature_normalisers(g);
  for (int i = 0; i < g->size; i++) {
    ag_feature f = ag_feature_make(w->corpus->config->log_features, &g->nodes[i], normalisers);
    w->whole[i] = ag_states_feature(s, &f);
  }
  for (int l = 1; l <= s->layers; l++) {
    for (int i = 0; i < g->size; i++) {
      int count = ag_graph_arity(g, i);
      for (int k = 0; k < count; k++) {
        w->preds[k] = w->whole[at(w, l - 1, ag_graph_operands(g, i)[k])];
      }
      w->whole[at(w, l, i)] = ag_states_find(s, l, w->whole[at(w, l - 1, i)], w->preds, count);
    }
  }
}

/* States of [first, last) by itself, into `here`; copies the last layer to the corpus. */
static size_t walk_segment(walk *w, int first, int last) {
  const ag_graph *g = w->graph;
  ag_states *s = &w->corpus->states;
  for (int i = first; i < last; i++) w->here[i] = w->whole[i];
  for (int l = 1; l <= s->layers; l++) {
    for (int i = first; i < last; i++) {
      int count = 0;
      for (int k = 0; k < ag_graph_arity(g, i); k++) {
        int32_t u = ag_graph_operands(g, i)[k];
        if (u >= first && u < last) w->preds[count++] = w->here[at(w, l - 1, u)];
      }
      w->here[at(w, l, i)] = ag_states_find(s, l, w->here[at(w, l - 1, i)], w->preds, count);
    }
  }
  size_t from = reserve_ids(w->corpus, (size_t)(last - first));
  memcpy(w->corpus->ids + from, w->here + at(w, s->layers, first),
         (size_t)(last - first) * sizeof *w->here);
  return from;
}

/* First layer at which node i of C differs from the whole graph; 0 if none up to the last. */
static int first_difference(const walk *w, int last, int i) {
  const ag_graph *g = w->graph;
  int best = w->corpus->states.layers + 1;
  for (int k = 0; k < ag_graph_arity(g, i); k++) {
    int32_t u = ag_graph_operands(g, i)[k];
    int level = u < last ? 1 : w->level[u] ? w->level[u] + 1 : best;
    best = level < best ? level : best;
  }
  return best <= w->corpus->states.layers ? best : 0;
}

/* States of node i of C from its first difference on, into `here`. */
static void walk_changed(walk *w, int last, int i) {
  const ag_graph *g = w->graph;
  ag_states *s = &w->corpus->states;
  for (int l = 0; l < w->level[i]; l++) w->here[at(w, l, i)] = w->whole[at(w, l, i)];
  for (int l = w->level[i]; l <= s->layers; l++) {
    int count = 0;
    for (int k = 0; k < ag_graph_arity(g, i); k++) {
      int32_t u = ag_graph_operands(g, i)[k];
      if (u < last) continue;
      w->preds[count++] = w->level[u] ? w->here[at(w, l - 1, u)] : w->whole[at(w, l - 1, u)];
    }
    w->here[at(w, l, i)] = ag_states_find(s, l, w->here[at(w, l - 1, i)], w->preds, count);
  }
}

static size_t walk_window(walk *w, int last, int32_t *window) {
  int layers = w->corpus->states.layers;
  size_t from = w->corpus->id_count;
  *window = 0;
  for (int i = last; i < w->graph->size; i++) {
    w->level[i] = first_difference(w, last, i);
    if (!w->level[i]) continue;
    walk_changed(w, last, i);
    size_t pair = reserve_ids(w->corpus, 2);
    w->corpus->ids[pair] = w->whole[at(w, layers, i)];
    w->corpus->ids[pair + 1] = w->here[at(w, layers, i)];
    ++*window;
  }
  return from;
}

static void add_cut(walk *w, int first, int last) {
  ag_training_set *c = w->corpus;
  ag_cut_states cut = {.first = first, .last = last};
  cut.segment = walk_segment(w, first, last);
  cut.changes = walk_window(w, last, &cut.window);
  AG_GROW(c->cuts, c->cut_count, c->cut_capacity);
  c->cuts[c->cut_count++] = cut;
}

static int largest_arity(const ag_graph *g) {
  int most = 0;
  for (int i = 0; i < g->size; i++) {
    if (ag_graph_arity(g, i) > most) most = ag_graph_arity(g, i);
  }
  return most;
}

static void add_nodes(ag_training_set *c, const ag_sample *sample, ag_graph_states *out) {
  const ag_graph *g = sample->graph;
  size_t all = (size_t)(c->states.layers + 1) * (size_t)g->size;
  walk w = {.corpus = c, .graph = g};
  w.whole = ag_alloc(all, sizeof *w.whole);
  w.here = ag_alloc(all, sizeof *w.here);
  w.level = AG_ARRAY(int32_t, g->size);
  w.preds = AG_ARRAY(int32_t, largest_arity(g));
  walk_whole(&w);
  *out = (ag_graph_states){.size = g->size, .family = sample->family, .label = sample->target};
  out->whole = reserve_ids(c, (size_t)g->size);
  memcpy(c->ids + out->whole, w.whole + at(&w, c->states.layers, 0),
         (size_t)g->size * sizeof *w.whole);
  out->cut = c->cut_count;
  out->cuts = c->config->model == AG_MODEL_PSC ? sample->segments : 0;
  for (int i = 0; i < out->cuts; i++) add_cut(&w, sample->bounds[i], sample->bounds[i + 1]);
  free(w.whole);
  free(w.here);
  free(w.level);
  free(w.preds);
}

/* The same for a graph as the model sees it, with its bounds where they then lie, the
 * last one first if it is turned round. False for too many terms. */
static bool add_flat(ag_training_set *c, const ag_sample *sample, ag_graph_states *out) {
  const ag_graph *g = sample->graph;
  ag_flat *flat = ag_flat_new(c->config, g->nodes, g->operand_start, g->operands, 0, g->size);
  if (!flat) return false;
  ag_graph kept = ag_flat_graph(flat, g->normalisers);
  ag_sample without = *sample;
  int bounds = c->config->model == AG_MODEL_PSC ? sample->segments + 1 : 0;
  int32_t *places = AG_ARRAY(int32_t, bounds);
  for (int i = 0; i < bounds; i++) {
    int from = flat->backward ? bounds - 1 - i : i;
    places[i] = ag_flat_boundary(flat, sample->bounds[from]);
  }
  without.graph = &kept;
  without.bounds = places;
  add_nodes(c, &without, out);
  free(places);
  ag_flat_free(flat);
  return true;
}

static bool add_graph(ag_training_set *c, const ag_sample *sample, ag_graph_states *out) {
  if (ag_flat_needed(c->config)) return add_flat(c, sample, out);
  add_nodes(c, sample, out);
  return true;
}

static ag_status check(const ag_sample *sample, int index, bool psc, int families, ag_error *err) {
  if (!isfinite(sample->target)) {
    return ag_fail(err, AG_INVALID, "sample %d: its target is not finite", index);
  }
  if (sample->family < 0 || sample->family >= families) {
    return ag_fail(err, AG_INVALID, "sample %d: family %d of %d", index, sample->family, families);
  }
  if (!psc) return AG_OK;
  const int32_t *bounds = sample->bounds;
  bool good =
      sample->segments > 0 && bounds[0] == 0 && bounds[sample->segments] == sample->graph->size;
  for (int i = 0; good && i < sample->segments; i++) good = bounds[i] < bounds[i + 1];
  if (good) return AG_OK;
  return ag_fail(err, AG_INVALID, "sample %d: its bounds are not a segmentation", index);
}

ag_status ag_training_set_add(ag_training_set *c, const ag_sample *samples, int count, int families,
                              ag_error *err) {
  bool psc = c->config->model == AG_MODEL_PSC;
  c->states.layers = c->config->layers;
  for (int i = 0; i < count; i++) {
    ag_status s = check(&samples[i], i, psc, families, err);
    if (s) return s;
  }
  c->graph = ag_resize(c->graph, (size_t)(c->graphs + count), sizeof *c->graph);
  for (int i = 0; i < count; i++) {
    if (add_graph(c, &samples[i], &c->graph[c->graphs++])) continue;
    return ag_fail(err, AG_LIMIT, "sample %d: its sums of sums have more than %d terms", i,
                   AG_FLAT_TERMS);
  }
  return AG_OK;
}

void ag_training_set_free(ag_training_set *c) {
  ag_states_free(&c->states);
  free(c->graph);
  free(c->cuts);
  free(c->ids);
  *c = (ag_training_set){0};
}
