/* Inside a mutation: tasks, one per source, and their children. */
#ifndef AG_SEARCH_MUTATION_H
#define AG_SEARCH_MUTATION_H

#include "engine/base/alloc.h"
#include "engine/search/search_internal.h"

/* A task's drafts by where they will be looked up: first those that stay, by shard, then the others
 * likewise. */
enum { AG_PARTS = 2 * AG_SHARDS };

/* Children of one source. `drafts` are as the batch will hold them; what they point to lies in
 * `trial` while they compete and is copied into `kept` for those that stay. Behind them stand those
 * that did not: only their hashes count. */
struct task {
  const struct source *source;
  ag_child *drafts;
  int count, dropped, capacity;
  struct hash_set seen; /* hashes of all drafts there have been */
  ag_arena trial, kept;
  int64_t tried, feasible, scored, most; /* `most` that may be scored */
  ag_child pending[AG_LANES];            /* valid, but not yet known to be new */
  int pending_count;

  /* for the merge */
  int32_t *by_shard; /* drafts by part, each part in their order */
  int shard_start[AG_PARTS + 1], fresh_in[AG_PARTS];
  bool *fresh; /* per draft: no other like it counts */
  int kept_at, dropped_at;

  /* of the thread that works on it */
  ag_place *place;
  struct tail tail;
  struct marks *marks;
  ag_random random;
};

struct mutation {
  ag_space *space;
  const ag_mutation_options *options;
  struct parent *parents;
  struct task *tasks;
  struct task **queue;          /* tasks in the order in which they are begun */
  int first_parent, first_task; /* of the parents that are encoded */
};

/* The candidates of a source in the order in which they are to be tried, as a malloc'd array;
 * returns their number. Fitting: variants with exactly its port shapes. Adaptable: entries with as
 * many ports, each with a variant drawn at random. */
int ag_fitting_candidates(const struct mutation *m, struct task *task, struct fit **candidates);
int ag_adaptable_candidates(const struct mutation *m, struct task *task, struct fit **candidates);

/* Try to make a child of a candidate; with a solver for its shapes, or NULL for a variant that
 * fits as it is. If it is valid it waits until it can be completed together with others. */
void ag_try_candidate(const struct mutation *m, struct task *task, ag_solver *solver,
                      struct fit candidate);

/* Complete the children that wait: those that are new become drafts. */
void ag_complete_pending(const struct mutation *m, struct task *task);

/* True if the task may try another candidate for one of `wanted` drafts. Completes what waits
 * if that decides it, so that waiting changes no outcome. */
bool ag_task_has_room(const struct mutation *m, struct task *task, int wanted);

/* Move what the drafts point to from `trial` to `kept`. */
void ag_settle_drafts(struct task *task);

/* Deal the drafts out by part. */
void ag_deal_drafts(struct task *task);

static inline int ag_draft_part(const struct task *task, int draft) {
  return (draft >= task->count) * AG_SHARDS + ag_shard_of(task->drafts[draft].hash);
}

/* The tasks' drafts as a batch, of equal ones the first. Takes over their memory. */
ag_batch *ag_batch_make(const struct mutation *m, int tasks, const ag_graph *const *parents,
                        int count);
void ag_tasks_discard(struct task *tasks, int count);

#endif
