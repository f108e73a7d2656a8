/* Survivors: children that a policy has chosen become graphs in canonical order with a score over
 * all their cuts. Each is independent of the others and has a slot of its own, so they are made on
 * all threads in any order. */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/search/search_internal.h"

struct making {
  const ag_space *space;
  const ag_batch *batch;
  const int32_t *rows;
  ag_made *made;
  ag_error *errors; /* one per row: which of several counts must not depend on threads */
};

static void make_row(void *context, int64_t index, int worker) {
  (void)worker;
  const struct making *m = context;
  ag_made *made = &m->made[index];
  ag_error *err = &m->errors[index];
  const ag_graph *spliced;
  if (ag_batch_graph(m->batch, m->rows[index], &spliced, err)) return;
  made->graph = ag_graph_canonical(spliced, made->order);
  ag_graph_release(spliced);
  ag_space_score(m->space, made->graph, &made->score, err);
}

ag_status ag_space_make(const ag_space *space, const ag_batch *batch, const int32_t *rows,
                        int count, ag_made *made, ag_error *err) {
  struct making m = {space, batch, rows, made, AG_ARRAY(ag_error, count)};
  for (int i = 0; i < count; i++) made[i].graph = NULL;
  ag_pool_run(space->pool, count, make_row, &m);
  ag_status status = AG_OK;
  for (int i = 0; i < count && !status; i++) {
    status = m.errors[i].code;
    if (status && err) *err = m.errors[i];
  }
  for (int i = 0; i < count && status; i++) {
    ag_graph_release(made[i].graph);
    made[i].graph = NULL;
  }
  free(m.errors);
  return status;
}
