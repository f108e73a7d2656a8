/* Mutation: one task per source, on any thread, each with its own list of drafts (child.c), which
 * are merged in the order of the sources (batch.c). A task reads the space (the visited set too)
 * and never writes it, so the batch is the same for any number of threads. */
#include <limits.h>
#include <stdlib.h>

#include "engine/search/mutation.h"

ag_mutation_options ag_mutation_defaults(void) {
  return (ag_mutation_options){.sources = 10, .replacements = 100, .segments = 3, .keep = 0.5};
}

/* --- one source ---------------------------------------------------------------------------- */

static int compare_predicted(const void *x, const void *y) {
  const ag_child *a = x, *b = y;
  if (a->predicted != b->predicted) return a->predicted > b->predicted ? -1 : 1;
  return ag_hash_compare(a->hash, b->hash);
}

/* Keep the `wanted` best of drafts[from ..]. */
static void keep_best(struct task *task, int from, int wanted) {
  int count = task->count - from;
  if (count <= wanted) return;
  qsort(task->drafts + from, (size_t)count, sizeof *task->drafts, compare_predicted);
  task->dropped = count - wanted;
  task->count = from + wanted;
}

/* Up to half of the budget for variants that fit as they are. */
static void try_fitting(const struct mutation *m, struct task *task) {
  struct fit *candidates;
  int count = ag_fitting_candidates(m, task, &candidates), wanted = m->options->replacements / 2;
  for (int i = 0; i < count && ag_task_has_room(m, task, wanted); i++)
    ag_try_candidate(m, task, NULL, candidates[i]);
  ag_complete_pending(m, task);
  free(candidates);
}

/* Solving is cheap enough to look at several times as many candidates as are kept. */
enum { TRIES_PER_KEPT = 4 };

/* The rest for segments whose shapes must be solved, the best predicted of those tried. */
static void try_adaptable(const struct mutation *m, struct task *task, ag_solver *solver) {
  struct fit *candidates;
  int count = ag_adaptable_candidates(m, task, &candidates), fitted = task->count;
  int wanted = m->options->replacements - fitted;
  int tries = wanted > count / TRIES_PER_KEPT ? count : TRIES_PER_KEPT * wanted;
  for (int i = 0; i < tries && ag_task_has_room(m, task, INT_MAX); i++)
    ag_try_candidate(m, task, solver, candidates[i]);
  ag_complete_pending(m, task);
  free(candidates);
  keep_best(task, fitted, wanted);
}

/* What the predictor says of the parent itself at this cut. */
static double baseline(const struct task *task) {
  const ag_segment *cut = task->source->cut;
  int ports = cut->inputs > cut->outputs ? cut->inputs : cut->outputs;
  int32_t *identity = AG_ARRAY(int32_t, ports);
  for (int i = 0; i < ports; i++) identity[i] = i;
  double value = ag_place_predict(task->place, cut, identity, identity);
  free(identity);
  return value;
}

static void run_source(const struct mutation *m, struct task *task, int worker) {
  const struct source *source = task->source;
  const struct parent *parent = &m->parents[source->parent];
  task->random =
      ag_random_stream(m->space->options.seed, m->options->generation, (uint64_t)source->parent,
                       (uint64_t)source->first, 3 + (uint64_t)source->last);
  task->place = ag_encoding_place(parent->encoding, source->first, source->last);
  task->marks = &m->space->marks[worker];
  ag_tail_init(&task->tail, parent, source);
  try_fitting(m, task);
  try_adaptable(m, task, m->space->solvers[worker]);
  double value = baseline(task);
  for (int i = 0; i < task->count; i++) task->drafts[i].baseline = value;
  ag_settle_drafts(task);
  ag_deal_drafts(task);
  ag_tail_free(&task->tail);
  ag_place_free(task->place);
}

/* --- all sources --------------------------------------------------------------------------- */

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
  run_source(m, m->queue[m->first_task + index], worker);
}

/* The longest first, so that no thread begins a long one when the others are about to end: fewer
 * ports have more candidates, and a cut further to the front has more behind it. */
static int compare_work(const void *x, const void *y) {
  const struct source *a = (*(struct task *const *)x)->source;
  const struct source *b = (*(struct task *const *)y)->source;
  int ports = a->cut->inputs + a->cut->outputs - (b->cut->inputs + b->cut->outputs);
  return ports ? ports : a->last - b->last;
}

static void run_tasks(struct mutation *m, int parents, int tasks) {
  for (int first = 0, begin = 0; first < parents; first += AG_ENCODED_AT_ONCE) {
    int last = first + AG_ENCODED_AT_ONCE < parents ? first + AG_ENCODED_AT_ONCE : parents,
        end = begin;
    while (end < tasks && m->tasks[end].source->parent < last) end++;
    m->first_parent = first;
    m->first_task = begin;
    ag_pool_run(m->space->pool, last - first, encode_parent, m);
    qsort(m->queue + begin, (size_t)(end - begin), sizeof *m->queue, compare_work);
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
  m->queue = AG_ARRAY(struct task *, count);
  struct task *task = m->tasks;
  for (int p = 0; p < parents; p++)
    for (int i = 0; i < m->parents[p].source_count; i++)
      (task++)->source = &m->parents[p].sources[i];
  for (int t = 0; t < count; t++) m->queue[t] = &m->tasks[t];
  return count;
}

ag_status ag_space_mutate(ag_space *space, const ag_graph *const *parents, int count,
                          const ag_mutation_options *options, ag_batch **batch, ag_error *err) {
  ag_status status = check_options(options, count, err);
  if (status) return status;
  struct mutation m = {.space = space, .options = options};
  m.parents = AG_ARRAY(struct parent, count);
  for (int p = 0; p < count; p++) m.parents[p].graph = parents[p];
  ag_pool_run(space->pool, count, prepare_parent, &m);
  for (int p = 0; p < count; p++) ag_visited_add(&space->visited, m.parents[p].hash);
  int tasks = make_tasks(&m, count);
  share_budget(m.tasks, tasks, options->children);
  run_tasks(&m, count, tasks);
  if (ag_space_stopped(space)) {
    ag_tasks_discard(m.tasks, tasks);
    status = ag_fail(err, AG_INTERRUPTED, "interrupted");
  } else if (tasks == 0 && count == 1)
    status = ag_fail(err, AG_INVALID, "%s has no segment that could be replaced", parents[0]->name);
  else
    *batch = ag_batch_make(&m, tasks, parents, count);
  for (int p = 0; p < count; p++) ag_parent_free(&m.parents[p]);
  free(m.queue);
  free(m.tasks);
  free(m.parents);
  return status;
}
