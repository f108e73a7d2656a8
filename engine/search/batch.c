/* Batches: the drafts of all tasks, merged in the order of the sources, and only here is it decided
 * which of two equal children counts. The children's segments and maps lie in the arenas of the
 * tasks they came from, which the batch takes over. */
#include <stdlib.h>
#include <string.h>

#include "engine/search/mutation.h"

struct batch_block {
  ag_batch batch; /* must stay first */
  ag_child *children;
  const ag_graph **parents;
  ag_arena *arenas; /* own what the children point to */
  int arena_count;
};

enum { AHEAD = 16 };

/* Visit draft number i. True if it was new. */
static bool visit(ag_space *space, const struct task *task, int i) {
  int ahead = i + AHEAD;
  if (ahead < task->count + task->dropped)
    ag_map_prefetch(&space->visited, task->drafts[ahead].hash);
  return ag_space_visit_hash(space, task->drafts[i].hash);
}

static void add_task(ag_space *space, struct batch_block *b, struct task *task) {
  for (int i = 0; i < task->count; i++)
    if (visit(space, task, i)) b->children[b->batch.size++] = task->drafts[i];
  b->batch.tried += task->tried;
  b->batch.feasible += task->feasible;
  b->arenas[b->arena_count++] = task->kept;
}

/* What was predicted but not kept is seen as well: it need not be predicted again. After all that
 * is kept, for another source may have kept it. */
static void add_dropped(ag_space *space, struct task *task) {
  for (int i = task->count; i < task->count + task->dropped; i++) visit(space, task, i);
  free(task->drafts);
}

ag_batch *ag_batch_make(const struct mutation *m, int tasks, const ag_graph *const *parents,
                        int count) {
  struct batch_block *b = AG_NEW(struct batch_block);
  int total = 0;
  for (int t = 0; t < tasks; t++) total += m->tasks[t].count;
  b->children = AG_ARRAY(ag_child, total);
  b->arenas = AG_ARRAY(ag_arena, tasks);
  b->parents = AG_ARRAY(const ag_graph *, count);
  for (int p = 0; p < count; p++) b->parents[p] = ag_graph_retain(parents[p]);
  int64_t known = ag_space_visited(m->space);
  for (int t = 0; t < tasks; t++) add_task(m->space, b, &m->tasks[t]);
  for (int t = 0; t < tasks; t++) add_dropped(m->space, &m->tasks[t]);
  b->batch.scored = ag_space_visited(m->space) - known;
  b->batch.children = b->children;
  b->batch.parents = count;
  b->batch.parent = b->parents;
  return &b->batch;
}

void ag_tasks_discard(struct task *tasks, int count) {
  for (int t = 0; t < count; t++) {
    ag_arena_free(&tasks[t].kept);
    free(tasks[t].drafts);
  }
}

void ag_batch_free(ag_batch *batch) {
  if (!batch) return;
  struct batch_block *b = (struct batch_block *)(void *)batch;
  for (int i = 0; i < b->arena_count; i++) ag_arena_free(&b->arenas[i]);
  for (int p = 0; p < batch->parents; p++) ag_graph_release(b->parents[p]);
  free(b->arenas);
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
