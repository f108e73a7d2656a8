/* Mutation: one task per source, on any thread, each with its own list of drafts; the lists
 * are merged in the order of the sources, and only there is it decided which of two equal
 * children counts. A task reads the space (the visited set too) and never writes it, so the
 * batch is the same for any number of threads. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/search/search_internal.h"

ag_mutation_options ag_mutation_defaults(void) {
  return (ag_mutation_options){.sources = 10, .replacements = 100, .segments = 3, .keep = 0.5};
}

/* A child under construction; `segment` and `maps` are its own. */
struct draft {
  ag_child child;
  ag_segment *segment;
  int32_t *maps; /* input_map, then output_map */
};

struct task {
  const struct source *source;
  struct tail tail;
  struct marks *marks;
  struct draft *drafts;
  int count, capacity;
  int64_t tried, feasible, scored, most; /* `most` that may be scored */
};

struct mutation {
  ag_space *space;
  const ag_mutation_options *options;
  struct parent *parents;
  struct task *tasks;
  int first_parent, first_task; /* of the parents that are encoded */
};

static void free_draft(struct draft *d) {
  ag_segment_free(d->segment);
  free(d->maps);
}

/* --- mapping ports -------------------------------------------------------------------- */

static void random_permutation(ag_random *random, int32_t *map, int count) {
  for (int i = 0; i < count; i++) map[i] = i;
  ag_random_shuffle(random, map, count);
}

/* Rearrange `order` (a permutation of the open ports) so that port i gets an open port of its
 * own shape, preferring those that come first. False if the shapes are not the same multiset. */
static bool match_shapes(int32_t *order, const ag_shape *own, const ag_shape *open, int count) {
  for (int i = 0; i < count; i++) {
    int k = i;
    while (k < count && !ag_shape_equal(own[i], open[order[k]])) k++;
    if (k == count) return false;
    int32_t taken = order[k];
    memmove(order + i + 1, order + i, (size_t)(k - i) * sizeof *order);
    order[i] = taken;
  }
  return true;
}

/* order[i] = cut port that replacement port i stands for; output_map is its inverse. */
static void invert(const int32_t *order, int32_t *map, int count) {
  for (int i = 0; i < count; i++) map[order[i]] = i;
}

static void draw_maps(const ag_segment *s, ag_random *random, struct draft *d,
                      int32_t *output_order) {
  d->maps = AG_ARRAY(int32_t, s->inputs + s->outputs);
  random_permutation(random, d->maps, s->inputs);
  random_permutation(random, output_order, s->outputs);
}

static void set_maps(struct draft *d, const ag_segment *s, const int32_t *output_order) {
  invert(output_order, d->maps + s->inputs, s->outputs);
  d->child.input_map = d->maps;
  d->child.output_map = d->maps + s->inputs;
}

/* --- making one child ------------------------------------------------------------------- */

/* Map a variant whose port shapes are those of the source. */
static bool fit_variant(const struct source *source, const ag_segment *s, struct draft *d,
                        ag_random *random) {
  int32_t *order = AG_ARRAY(int32_t, s->outputs);
  ag_shape *own = AG_ARRAY(ag_shape, s->outputs);
  draw_maps(s, random, d, order);
  for (int q = 0; q < s->outputs; q++) own[q] = s->nodes[s->output_nodes[q]].out;
  bool fits = match_shapes(d->maps, s->input_shapes, source->inputs, s->inputs) &&
              match_shapes(order, own, source->outputs, s->outputs);
  set_maps(d, s, order);
  if (fits) d->segment = ag_segment_copy(s);
  free(own);
  free(order);
  return fits;
}

static bool outputs_as_required(const ag_segment *s, const ag_shape *required) {
  for (int q = 0; q < s->outputs; q++)
    if (!ag_shape_equal(s->nodes[s->output_nodes[q]].out, required[q])) return false;
  return true;
}

/* Map a variant at random and solve its shapes. The solution is proved by inferring the
 * segment anew from its inputs. */
static bool solve_variant(ag_solver *solver, const struct source *source, const ag_segment *s,
                          struct draft *d, ag_random *random) {
  int32_t *order = AG_ARRAY(int32_t, s->outputs);
  ag_shape *shapes = AG_ARRAY(ag_shape, s->inputs + s->outputs);
  draw_maps(s, random, d, order);
  set_maps(d, s, order);
  for (int p = 0; p < s->inputs; p++) shapes[p] = source->inputs[d->maps[p]];
  for (int q = 0; q < s->outputs; q++) shapes[s->inputs + q] = source->outputs[order[q]];
  ag_resolve_problem problem = {s, shapes, shapes + s->inputs, AG_RESOLVE_OURS};
  ag_resolve_result result;
  bool solved = ag_resolve(solver, &problem, &result, NULL) == AG_OK;
  if (solved) {
    d->segment = ag_segment_copy(s);
    ag_resolve_apply(&problem, &result, d->segment);
    solved = ag_segment_infer(d->segment, shapes, NULL) == AG_OK &&
             outputs_as_required(d->segment, shapes + s->inputs);
  }
  free(shapes);
  free(order);
  return solved;
}

static int64_t segment_flops(const ag_segment *s) {
  int64_t flops = 0;
  for (int i = 0; i < s->size; i++)
    flops += ag_node_flops(&s->nodes[i], ag_segment_predecessors(s, i));
  return flops;
}

static bool seen_in_task(const struct task *task, ag_hash hash) {
  for (int i = 0; i < task->count; i++)
    if (ag_hash_equal(task->drafts[i].child.hash, hash)) return true;
  return false;
}

/* Identity, cost and prediction of a draft with shapes; false if the graph is known. */
static bool complete(const struct mutation *m, struct task *task, const ag_place *place,
                     struct draft *d) {
  const struct source *source = task->source;
  const struct parent *parent = &m->parents[source->parent];
  ag_child *c = &d->child;
  c->hash = ag_child_hash(parent, source, &task->tail, d->segment, c->input_map, c->output_map,
                          task->marks);
  if (ag_map_get(&m->space->visited, c->hash) || seen_in_task(task, c->hash)) return false;
  c->parent = source->parent;
  c->first = source->first;
  c->last = source->last;
  c->segment = d->segment;
  c->flops = parent->flops - source->flops + segment_flops(d->segment);
  c->predicted = ag_place_predict(place, d->segment, c->input_map, c->output_map);
  task->scored++;
  AG_GROW(task->drafts, task->count, task->capacity);
  task->drafts[task->count++] = *d;
  return true;
}

static bool try_candidate(const struct mutation *m, struct task *task, const ag_place *place,
                          ag_solver *solver, struct fit candidate, ag_random *random) {
  if (ag_space_stopped(m->space)) return false;
  const ag_entry *entry = ag_database_get(m->space->options.database, candidate.entry);
  const ag_segment *s = entry->variant[candidate.variant];
  struct draft d = {.child = {.entry = candidate.entry,
                              .variant = candidate.variant,
                              .resolved = solver != NULL}};
  task->tried++;
  bool valid = solver ? solve_variant(solver, task->source, s, &d, random)
                      : fit_variant(task->source, s, &d, random);
  task->feasible += valid;
  if (valid && complete(m, task, place, &d)) return true;
  free_draft(&d);
  return false;
}

/* --- candidates of one source ------------------------------------------------------------ */

static bool size_allowed(const struct mutation *m, int32_t entry) {
  if (!m->options->operations) return true;
  return ag_database_get(m->space->options.database, entry)->variant[0]->size == 1;
}

/* Variants that fit as they are, in random order. */
static int fitting(const struct mutation *m, const struct source *source, ag_random *random,
                   struct fit **candidates) {
  int found, count = 0;
  ag_hash key =
      ag_ports_key(source->inputs, source->cut->inputs, source->outputs, source->cut->outputs);
  const struct fit *fits = ag_space_fits(m->space, key, &found);
  *candidates = AG_ARRAY(struct fit, found);
  for (int i = 0; i < found; i++)
    if (size_allowed(m, fits[i].entry)) (*candidates)[count++] = fits[i];
  return ag_order_candidates(*candidates, count, m->options->weights, random);
}

/* Entries with as many ports, each with a variant drawn at random, in random order. */
static int adaptable(const struct mutation *m, const struct source *source, ag_random *random,
                     struct fit **candidates) {
  const ag_space *space = m->space;
  int count = 0;
  *candidates = AG_ARRAY(struct fit, space->usable_count);
  for (int i = 0; i < space->usable_count; i++) {
    int32_t e = space->usable[i];
    const ag_entry *entry = ag_database_get(space->options.database, e);
    const ag_segment *s = entry->variant[0];
    if (s->inputs != source->cut->inputs || s->outputs != source->cut->outputs) continue;
    if (!size_allowed(m, e)) continue;
    int32_t v = (int32_t)ag_random_below(random, (uint64_t)entry->variants);
    (*candidates)[count++] = (struct fit){.entry = e, .variant = v};
  }
  return ag_order_candidates(*candidates, count, m->options->weights, random);
}

static int compare_predicted(const void *x, const void *y) {
  const struct draft *a = x, *b = y;
  if (a->child.predicted != b->child.predicted)
    return a->child.predicted > b->child.predicted ? -1 : 1;
  return ag_hash_compare(a->child.hash, b->child.hash);
}

/* Keep the `wanted` best of drafts[from ..]. */
static void keep_best(struct task *task, int from, int wanted) {
  int count = task->count - from;
  if (count <= wanted) return;
  qsort(task->drafts + from, (size_t)count, sizeof *task->drafts, compare_predicted);
  for (int i = from + wanted; i < task->count; i++) free_draft(&task->drafts[i]);
  task->count = from + wanted;
}

/* Solving is cheap enough to look at several times as many candidates as are kept. */
enum { TRIES_PER_KEPT = 4 };

static void run_source(const struct mutation *m, struct task *task, int worker) {
  const struct source *source = task->source;
  const struct parent *parent = &m->parents[source->parent];
  int budget = m->options->replacements;
  ag_random random =
      ag_random_stream(m->space->options.seed, m->options->generation, (uint64_t)source->parent,
                       (uint64_t)source->first, 3 + (uint64_t)source->last);
  ag_place *place = ag_encoding_place(parent->encoding, source->first, source->last);
  ag_tail_init(&task->tail, parent, source);
  task->marks = &m->space->marks[worker];

  struct fit *candidates;
  int count = fitting(m, source, &random, &candidates);
  for (int i = 0; i < count && task->count < budget / 2 && task->scored < task->most; i++)
    try_candidate(m, task, place, NULL, candidates[i], &random);
  free(candidates);

  int fitted = task->count, tries = TRIES_PER_KEPT * (budget - fitted);
  count = adaptable(m, source, &random, &candidates);
  for (int i = 0; i < count && i < tries && task->scored < task->most; i++)
    try_candidate(m, task, place, m->space->solvers[worker], candidates[i], &random);
  free(candidates);
  keep_best(task, fitted, budget - fitted);

  int32_t *identity = AG_ARRAY(int32_t, source->cut->inputs + source->cut->outputs);
  for (int i = 0; i < source->cut->inputs || i < source->cut->outputs; i++) identity[i] = i;
  double baseline = ag_place_predict(place, source->cut, identity, identity);
  for (int i = 0; i < task->count; i++) task->drafts[i].child.baseline = baseline;
  free(identity);
  ag_place_free(place);
  ag_tail_free(&task->tail);
}

/* --- the batch ----------------------------------------------------------------------------- */

struct batch_block {
  ag_batch batch; /* must stay first */
  ag_child *children;
  const ag_graph **parents;
  struct draft *drafts; /* own the memory of the children */
};

static ag_batch *merge(struct mutation *m, int tasks, const ag_graph *const *parents, int count) {
  struct batch_block *b = AG_NEW(struct batch_block);
  int size = 0, total = 0;
  for (int t = 0; t < tasks; t++) total += m->tasks[t].count;
  b->drafts = AG_ARRAY(struct draft, total);
  b->children = AG_ARRAY(ag_child, total);
  b->parents = AG_ARRAY(const ag_graph *, count);
  for (int p = 0; p < count; p++) b->parents[p] = ag_graph_retain(parents[p]);
  for (int t = 0; t < tasks; t++) {
    struct task *task = &m->tasks[t];
    for (int i = 0; i < task->count; i++) {
      if (!ag_space_visit_hash(m->space, task->drafts[i].child.hash)) {
        free_draft(&task->drafts[i]);
        continue;
      }
      b->children[size] = task->drafts[i].child;
      b->drafts[size++] = task->drafts[i];
    }
    b->batch.tried += task->tried;
    b->batch.feasible += task->feasible;
    b->batch.scored += task->scored;
    free(task->drafts);
  }
  b->batch.size = size;
  b->batch.children = b->children;
  b->batch.parents = count;
  b->batch.parent = b->parents;
  return &b->batch;
}

static void discard(struct task *tasks, int count) {
  for (int t = 0; t < count; t++) {
    for (int i = 0; i < tasks[t].count; i++) free_draft(&tasks[t].drafts[i]);
    free(tasks[t].drafts);
  }
}

void ag_batch_free(ag_batch *batch) {
  if (!batch) return;
  struct batch_block *b = (struct batch_block *)(void *)batch;
  for (int i = 0; i < batch->size; i++) free_draft(&b->drafts[i]);
  for (int p = 0; p < batch->parents; p++) ag_graph_release(b->parents[p]);
  free(b->drafts);
  free(b->children);
  free(b->parents);
  free(b);
}

ag_status ag_batch_graph(const ag_batch *batch, int index, const ag_graph **graph, ag_error *err) {
  if (index < 0 || index >= batch->size)
    return ag_fail(err, AG_INVALID, "child %d of %d", index, batch->size);
  const ag_child *c = &batch->children[index];
  return ag_graph_splice(batch->parent[c->parent], c->first, c->last, c->segment, c->input_map,
                         c->output_map, graph, err);
}

int ag_batch_graph_size(const ag_batch *batch, int index) {
  const ag_child *c = &batch->children[index];
  return batch->parent[c->parent]->size - (c->last - c->first) + c->segment->size;
}

static ag_status check_options(const ag_mutation_options *o, int parents, ag_error *err) {
  if (parents < 1) return ag_fail(err, AG_INVALID, "there are no parents to mutate");
  if (o->sources < 1) return ag_fail(err, AG_INVALID, "sources must be at least 1");
  if (o->replacements < 1) return ag_fail(err, AG_INVALID, "replacements must be at least 1");
  if (o->segments < 1) return ag_fail(err, AG_INVALID, "segments must be at least 1");
  if (o->children < 0) return ag_fail(err, AG_INVALID, "children must not be negative");
  if (!(o->keep >= 0 && o->keep <= 1))
    return ag_fail(err, AG_INVALID, "keep must be between 0 and 1");
  return AG_OK;
}

/* Equal shares of the children that may be scored, the first sources getting what is over. */
static void share_budget(struct task *tasks, int count, int64_t children) {
  for (int t = 0; t < count; t++)
    tasks[t].most = children ? children / count + (t < children % count) : INT64_MAX;
}

/* Everything about a parent that needs no other: runs on any thread. */
static void prepare_parent(void *context, int64_t index, int worker) {
  (void)worker;
  struct mutation *m = context;
  struct parent *parent = &m->parents[index];
  ag_parent_init(parent, parent->graph);
  ag_choose_sources(m->space, m->options, (int)index, parent);
}

static void encode_parent(void *context, int64_t index, int worker) {
  (void)worker;
  struct mutation *m = context;
  struct parent *parent = &m->parents[m->first_parent + index];
  parent->encoding = ag_encoding_new(m->space->options.predictor, parent->graph);
}

static void run_task(void *context, int64_t index, int worker) {
  struct mutation *m = context;
  run_source(m, &m->tasks[m->first_task + index], worker);
}

/* An encoding is the largest thing a parent has: only so many exist at once. */
enum { ENCODED_AT_ONCE = 64 };

static void run_tasks(struct mutation *m, int parents, int tasks) {
  for (int first = 0, begin = 0; first < parents; first += ENCODED_AT_ONCE) {
    int last = first + ENCODED_AT_ONCE < parents ? first + ENCODED_AT_ONCE : parents, end = begin;
    while (end < tasks && m->tasks[end].source->parent < last) end++;
    m->first_parent = first;
    m->first_task = begin;
    ag_pool_run(m->space->pool, last - first, encode_parent, m);
    ag_pool_run(m->space->pool, end - begin, run_task, m);
    for (int p = first; p < last; p++) {
      ag_encoding_free(m->parents[p].encoding);
      m->parents[p].encoding = NULL;
    }
    begin = end;
  }
}

/* One task per source, in the order of parents and of their sources; returns their number. */
static int make_tasks(struct mutation *m, int parents) {
  int count = 0;
  for (int p = 0; p < parents; p++) count += m->parents[p].source_count;
  m->tasks = AG_ARRAY(struct task, count);
  struct task *task = m->tasks;
  for (int p = 0; p < parents; p++)
    for (int i = 0; i < m->parents[p].source_count; i++)
      (task++)->source = &m->parents[p].sources[i];
  return count;
}

ag_status ag_space_mutate(ag_space *space, const ag_graph *const *parents, int count,
                          const ag_mutation_options *options, ag_batch **batch, ag_error *err) {
  ag_status status = check_options(options, count, err);
  if (status) return status;
  struct mutation m = {.space = space, .options = options};
  m.parents = AG_ARRAY(struct parent, count);
  for (int p = 0; p < count; p++) {
    m.parents[p].graph = parents[p];
    ag_space_visit(space, parents[p]);
  }
  ag_pool_run(space->pool, count, prepare_parent, &m);
  int tasks = make_tasks(&m, count);
  share_budget(m.tasks, tasks, options->children);
  run_tasks(&m, count, tasks);
  if (ag_space_stopped(space)) {
    discard(m.tasks, tasks);
    status = ag_fail(err, AG_INTERRUPTED, "interrupted");
  } else if (tasks == 0 && count == 1)
    status = ag_fail(err, AG_INVALID, "%s has no segment that could be replaced", parents[0]->name);
  else
    *batch = merge(&m, tasks, parents, count);
  for (int p = 0; p < count; p++) ag_parent_free(&m.parents[p]);
  free(m.tasks);
  free(m.parents);
  return status;
}
