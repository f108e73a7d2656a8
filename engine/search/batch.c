/* Batches: the drafts of all tasks, merged in the order of the sources, and only here is it decided
 * which of two equal children counts. Equal ones have equal hashes and so belong to one shard of
 * what the search has seen: shards are gone through on different threads, each in the order of the
 * sources. Then it is known where every child stands, and each task's are copied there. The
 * children's segments and maps lie in the arenas of the tasks they came from, which the batch
 * takes over. */
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

/* --- a task's drafts by shard ----------------------------------------------------------------- */

void ag_deal_drafts(struct task *task) {
  int all = task->count + task->dropped, *start = task->shard_start;
  task->by_shard = AG_ARRAY(int32_t, all);
  task->fresh = AG_ARRAY(bool, all);
  for (int i = 0; i < all; i++) start[ag_draft_part(task, i) + 1]++;
  for (int p = 0; p < AG_PARTS; p++) start[p + 1] += start[p];
  int next[AG_PARTS];
  memcpy(next, start, sizeof next);
  for (int i = 0; i < all; i++) task->by_shard[next[ag_draft_part(task, i)]++] = i;
}

/* --- merging ---------------------------------------------------------------------------------- */

struct merge {
  ag_space *space;
  struct task *tasks;
  int count;
  ag_child *children;
  ag_hash *seen; /* of the new ones, those of `children` first */
};

enum { AHEAD = 16 };

/* Visit the drafts of one part of a task; returns how many were new. */
static int visit_part(struct hash_set *seen, struct task *task, int part) {
  const int32_t *drafts = task->by_shard + task->shard_start[part];
  int count = task->shard_start[part + 1] - task->shard_start[part], fresh = 0;
  for (int k = 0; k < count; k++) {
    if (k + AHEAD < count) ag_set_prefetch(seen, task->drafts[drafts[k + AHEAD]].hash);
    bool is_new = ag_set_add(seen, task->drafts[drafts[k]].hash);
    task->fresh[drafts[k]] = is_new;
    fresh += is_new;
  }
  return fresh;
}

/* What was predicted but not kept is seen as well: it need not be predicted again. After all that
 * is kept, for another source may have kept it. */
static void visit_shard(void *context, int64_t shard, int worker) {
  const struct merge *m = context;
  struct hash_set *seen = &m->space->visited.shard[shard];
  size_t most = 0;
  (void)worker;
  for (int part = (int)shard; part < AG_PARTS; part += AG_SHARDS)
    for (int t = 0; t < m->count; t++)
      most += (size_t)(m->tasks[t].shard_start[part + 1] - m->tasks[t].shard_start[part]);
  ag_set_reserve(seen, most);
  for (int part = (int)shard; part < AG_PARTS; part += AG_SHARDS)
    for (int t = 0; t < m->count; t++)
      m->tasks[t].fresh_in[part] = visit_part(seen, &m->tasks[t], part);
}

static int fresh_of(const struct task *task, bool dropped) {
  int count = 0;
  for (int s = 0; s < AG_SHARDS; s++) count += task->fresh_in[dropped * AG_SHARDS + s];
  return count;
}

/* Say where the new drafts of all tasks go; returns how many of them are kept. */
static int place_drafts(struct task *tasks, int count, int *dropped) {
  int next = 0;
  for (int t = 0; t < count; t++) {
    tasks[t].kept_at = next;
    next += fresh_of(&tasks[t], false);
  }
  int kept = next;
  for (int t = 0; t < count; t++) {
    tasks[t].dropped_at = next;
    next += fresh_of(&tasks[t], true);
  }
  *dropped = next - kept;
  return kept;
}

static void copy_drafts(void *context, int64_t index, int worker) {
  const struct merge *m = context;
  struct task *task = &m->tasks[index];
  int kept = task->kept_at, dropped = task->dropped_at;
  (void)worker;
  for (int i = 0; i < task->count + task->dropped; i++) {
    if (!task->fresh[i]) continue;
    if (i >= task->count) {
      m->seen[dropped++] = task->drafts[i].hash;
      continue;
    }
    m->children[kept] = task->drafts[i];
    m->seen[kept++] = task->drafts[i].hash;
  }
}

static void free_drafts(struct task *task) {
  free(task->drafts);
  free(task->by_shard);
  free(task->fresh);
}

ag_batch *ag_batch_make(const struct mutation *m, int tasks, const ag_graph *const *parents,
                        int count) {
  struct batch_block *b = AG_NEW(struct batch_block);
  struct merge merge = {.space = m->space, .tasks = m->tasks, .count = tasks};
  int dropped;
  ag_pool_run(m->space->pool, AG_SHARDS, visit_shard, &merge);
  b->batch.size = place_drafts(m->tasks, tasks, &dropped);
  b->batch.scored = b->batch.size + dropped;
  merge.children = ag_resize(NULL, (size_t)b->batch.size, sizeof *merge.children);
  merge.seen = ag_visited_extend(&m->space->visited, b->batch.scored);
  ag_pool_run(m->space->pool, tasks, copy_drafts, &merge);
  b->arenas = AG_ARRAY(ag_arena, tasks);
  for (int t = 0; t < tasks; t++) {
    b->batch.tried += m->tasks[t].tried;
    b->batch.feasible += m->tasks[t].feasible;
    b->arenas[b->arena_count++] = m->tasks[t].kept;
    free_drafts(&m->tasks[t]);
  }
  b->parents = AG_ARRAY(const ag_graph *, count);
  for (int p = 0; p < count; p++) b->parents[p] = ag_graph_retain(parents[p]);
  b->children = merge.children;
  b->batch.children = b->children;
  b->batch.parents = count;
  b->batch.parent = b->parents;
  return &b->batch;
}

void ag_tasks_discard(struct task *tasks, int count) {
  for (int t = 0; t < count; t++) {
    ag_arena_free(&tasks[t].kept);
    free_drafts(&tasks[t]);
  }
}

/* --- batches ---------------------------------------------------------------------------------- */

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
