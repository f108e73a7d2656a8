/* The space: what mutation draws on, indexed once. `fits` answers "which mined variants have
 * exactly these port shapes" by binary search over a multiset hash of the shapes. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/search/search_internal.h"

/* Slices keep a channel count that solving the shapes would change under them. */
static bool segment_usable(const ag_space *space, const ag_segment *s) {
  for (int i = 0; i < s->size; i++)
    if (!space->options.permitted[s->nodes[i].op] || s->nodes[i].flags & AG_FLAG_SLICE)
      return false;
  return true;
}

static ag_hash multiset(const ag_shape *shapes, int count) {
  ag_hash sum = {0, 0};
  for (int i = 0; i < count; i++) {
    ag_hash h = ag_hash_seed((uint64_t)shapes[i].h);
    h = ag_hash_mix(ag_hash_mix(h, (uint64_t)shapes[i].w), (uint64_t)shapes[i].c);
    sum.hi += h.hi;
    sum.lo += h.lo;
  }
  return sum;
}

ag_hash ag_ports_key(const ag_shape *inputs, int input_count, const ag_shape *outputs,
                     int output_count) {
  ag_hash h = ag_hash_mix(ag_hash_seed((uint64_t)input_count), (uint64_t)output_count);
  h = ag_hash_mix_hash(h, multiset(inputs, input_count));
  return ag_hash_mix_hash(h, multiset(outputs, output_count));
}

static ag_hash segment_key(const ag_segment *s) {
  ag_shape *outputs = AG_ARRAY(ag_shape, s->outputs);
  for (int q = 0; q < s->outputs; q++) outputs[q] = s->nodes[s->output_nodes[q]].out;
  ag_hash key = ag_ports_key(s->input_shapes, s->inputs, outputs, s->outputs);
  free(outputs);
  return key;
}

static int compare_fits(const void *x, const void *y) {
  const struct fit *a = x, *b = y;
  int order = ag_hash_compare(a->key, b->key);
  if (order) return order;
  if (a->entry != b->entry) return a->entry < b->entry ? -1 : 1;
  return (a->variant > b->variant) - (a->variant < b->variant);
}

static void index_database(ag_space *space) {
  const ag_database *database = space->options.database;
  int size = ag_database_size(database), capacity = 0;
  space->usable = AG_ARRAY(int32_t, size);
  for (int e = 0; e < size; e++) {
    const ag_entry *entry = ag_database_get(database, e);
    if (!segment_usable(space, entry->variant[0])) continue;
    space->usable[space->usable_count++] = e;
    for (int v = 0; v < entry->variants; v++) {
      AG_GROW(space->fits, space->fit_count, capacity);
      space->fits[space->fit_count++] = (struct fit){segment_key(entry->variant[v]), e, v};
    }
  }
  if (space->fit_count)
    qsort(space->fits, (size_t)space->fit_count, sizeof *space->fits, compare_fits);
}

ag_space *ag_space_new(const ag_space_options *options) {
  ag_space *space = AG_NEW(ag_space);
  space->options = *options;
  if (space->options.threads < 1) space->options.threads = 1;
  space->pool = ag_pool_new(space->options.threads);
  space->solvers = AG_ARRAY(ag_solver *, space->options.threads);
  space->marks = AG_ARRAY(struct marks, space->options.threads);
  for (int t = 0; t < space->options.threads; t++)
    space->solvers[t] = ag_solver_new(options->solver);
  for (int t = 0; options->stop && t < space->options.threads; t++)
    ag_solver_set_stop(space->solvers[t], options->stop, options->stop_context);
  index_database(space);
  return space;
}

void ag_space_free(ag_space *space) {
  if (!space) return;
  for (int t = 0; t < space->options.threads; t++) {
    ag_solver_free(space->solvers[t]);
    free(space->marks[t].row);
  }
  free(space->solvers);
  free(space->marks);
  ag_pool_free(space->pool);
  ag_visited_free(&space->visited);
  free(space->usable);
  free(space->fits);
  free(space);
}

ag_pool *ag_space_pool(const ag_space *space) {
  return space->pool;
}

int ag_space_entries(const ag_space *space) {
  return ag_database_size(space->options.database);
}

const struct fit *ag_space_fits(const ag_space *space, ag_hash key, int *count) {
  int low = 0, high = space->fit_count;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (ag_hash_compare(space->fits[middle].key, key) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  int n = 0;
  while (low + n < space->fit_count && ag_hash_equal(space->fits[low + n].key, key)) n++;
  *count = n;
  return space->fits + low;
}

bool ag_space_visit(ag_space *space, const ag_graph *graph) {
  return ag_visited_add(&space->visited, ag_graph_hash(graph));
}

int64_t ag_space_visited(const ag_space *space) {
  return space->visited.count;
}

void ag_space_visited_since(const ag_space *space, int64_t first, ag_hash *hashes) {
  size_t count = (size_t)(ag_space_visited(space) - first);
  if (count) memcpy(hashes, space->visited.list + first, count * sizeof *hashes);
}

void ag_space_visit_hashes(ag_space *space, const ag_hash *hashes, int64_t count) {
  for (int64_t i = 0; i < count; i++) ag_visited_add(&space->visited, hashes[i]);
}

ag_status ag_space_score(const ag_space *space, const ag_graph *graph, double *score,
                         ag_error *err) {
  ag_segmentation *segmentation = ag_tokenizer_encode(space->options.tokenizer, graph);
  int32_t *bounds = AG_ARRAY(int32_t, graph->size + 1);
  int count = ag_segmentation_bounds(segmentation, NULL, bounds);
  ag_status status = ag_predict_score(space->options.predictor, graph, bounds, count, score, err);
  free(bounds);
  ag_segmentation_free(segmentation);
  return status;
}
