/* Exact isomorphism of two labelled DAGs: refine both, match what refinement tells apart, and
 * decide the rest by individualisation.
 *
 * Colours are values, so both sides are refined equally often and compared as sorted arrays: a
 * difference proves them not isomorphic. When all classes are singletons the match is forced.
 * Otherwise the first vertex of a smallest class on one side is tried with each of the class on
 * the other: both get a fresh colour and refinement goes on. Equal branches need one choice
 * each and never a second, since any choice among them leads on. When a choice has failed, a
 * further candidate that is equivalent to it (an automorphism takes one to the other) must fail
 * too and is skipped; so k copies of a pattern cost k choices, not k! of them.
 *
 * Whole networks are first matched along their canonical orders, which settles nearly all
 * isomorphic pairs without any choice. Every match is verified edge by edge before it counts. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/map.h"
#include "engine/graph/canonical.h"
#include "engine/graph/refine.h"

typedef struct side {
  const ag_structure *structure;
  ag_hash *colours;
} side;

/* --- verification ------------------------------------------------------------------- */

/* Do the operands of vertex v of `a`, mapped, make up those of its image? `pending` is zero
 * before and after. */
static bool same_operands(const ag_structure *a, const ag_structure *b, int v, const int32_t *map,
                          int32_t *pending) {
  const int32_t *mine = a->operands + a->operand_start[v];
  const int32_t *theirs = b->operands + b->operand_start[map[v]];
  int count = a->operand_start[v + 1] - a->operand_start[v];
  if (b->operand_start[map[v] + 1] - b->operand_start[map[v]] != count) return false;
  bool same = true;
  if (a->ordered[v]) {
    for (int k = 0; k < count && same; k++) same = map[mine[k]] == theirs[k];
    return same;
  }
  for (int k = 0; k < count; k++) pending[theirs[k]]++;
  for (int k = 0; k < count; k++) pending[map[mine[k]]]--;
  for (int k = 0; k < count; k++) same = same && pending[theirs[k]] == 0;
  for (int k = 0; k < count; k++) pending[theirs[k]] = pending[map[mine[k]]] = 0;
  return same;
}

/* `map` is a bijection; is it an isomorphism? O(vertices + edges). */
static bool verify(const ag_structure *a, const ag_structure *b, const int32_t *map) {
  int32_t *pending = AG_ARRAY(int32_t, a->size);
  bool good = true;
  for (int v = 0; v < a->size && good; v++)
    good = ag_hash_equal(a->labels[v], b->labels[map[v]]) && same_operands(a, b, v, map, pending);
  free(pending);
  return good;
}

/* --- refinement of both sides ------------------------------------------------------------ */

typedef struct coloured {
  ag_hash colour;
  int32_t vertex;
} coloured;

static int compare_coloured(const void *x, const void *y) {
  const coloured *a = x, *b = y;
  int by_colour = ag_hash_compare(a->colour, b->colour);
  return by_colour ? by_colour : (a->vertex > b->vertex) - (a->vertex < b->vertex);
}

static coloured *sort_side(const side *s) {
  coloured *sorted = AG_ARRAY(coloured, s->structure->size);
  for (int v = 0; v < s->structure->size; v++) sorted[v] = (coloured){s->colours[v], v};
  qsort(sorted, (size_t)s->structure->size, sizeof *sorted, compare_coloured);
  return sorted;
}

/* Sweep both sides until no class splits. False when their colours differ. */
static bool refine_both(side a, side b) {
  int n = a.structure->size, classes = 0, before;
  ag_hash *mine = AG_ARRAY(ag_hash, n), *theirs = AG_ARRAY(ag_hash, n);
  bool same;
  do {
    before = classes;
    classes = ag_colours_sort(a.colours, n, mine);
    ag_colours_sort(b.colours, n, theirs);
    same = memcmp(mine, theirs, (size_t)n * sizeof *mine) == 0;
    if (!same || classes == before || classes == n) break;
    ag_refine_sweep(a.structure, a.colours, mine);
    ag_refine_sweep(b.structure, b.colours, theirs);
  } while (true);
  free(mine);
  free(theirs);
  return same;
}

/* --- search -------------------------------------------------------------------------------- */

static bool match(side a, side b, int32_t *map);

/* The smallest class of more than one vertex: sorted[*first .. *first + size). 0 if none. */
static int smallest_class(const coloured *sorted, int n, int *first) {
  int best = 0;
  for (int i = 0, next; i < n; i = next) {
    for (next = i + 1; next < n && ag_hash_equal(sorted[next].colour, sorted[i].colour);) next++;
    if (next - i > 1 && (best == 0 || next - i < best)) {
      best = next - i;
      *first = i;
    }
  }
  return best;
}

enum { TAG_CHOSEN = 0x63686f73 };

static side individualise(side s, int32_t vertex) {
  size_t n = (size_t)s.structure->size;
  side copy = {s.structure, ag_memdup(s.colours, n, sizeof *s.colours)};
  copy.colours[vertex] = ag_hash_mix(copy.colours[vertex], TAG_CHOSEN);
  return copy;
}

static bool match_chosen(side a, int32_t v, side b, int32_t w, int32_t *map) {
  side x = individualise(a, v), y = individualise(b, w);
  bool found = match(x, y, map);
  free(x.colours);
  free(y.colours);
  return found;
}

static bool equivalent_to_failed(side b, const coloured *candidates, int i) {
  for (int k = 0; k < i; k++)
    if (match_chosen(b, candidates[k].vertex, b, candidates[i].vertex, NULL)) return true;
  return false;
}

/* Is there an isomorphism that keeps the colours? Refines the colours in place. */
static bool match(side a, side b, int32_t *map) {
  if (!refine_both(a, b)) return false;
  int n = a.structure->size, first = 0;
  coloured *mine = sort_side(&a), *theirs = sort_side(&b);
  int size = smallest_class(mine, n, &first);
  bool found = false;
  if (size == 0) {
    int32_t *image = AG_ARRAY(int32_t, n);
    for (int i = 0; i < n; i++) image[mine[i].vertex] = theirs[i].vertex;
    found = verify(a.structure, b.structure, image);
    if (found && map) memcpy(map, image, (size_t)n * sizeof *map);
    free(image);
  }
  for (int i = 0; i < size && !found; i++)
    if (!equivalent_to_failed(b, theirs + first, i))
      found = match_chosen(a, mine[first].vertex, b, theirs[first + i].vertex, map);
  free(mine);
  free(theirs);
  return found;
}

/* --- public ---------------------------------------------------------------------------- */

static side start(const ag_structure *s) {
  return (side){s, ag_memdup(s->labels, (size_t)s->size, sizeof *s->labels)};
}

static bool match_structures(const ag_structure *a, const ag_structure *b, int32_t *map) {
  side x = start(a), y = start(b);
  bool found = match(x, y, map);
  free(x.colours);
  free(y.colours);
  return found;
}

/* The map that takes the one canonical order to the other, if it is an isomorphism. */
static bool match_orders(const ag_graph *a, const ag_structure *sa, const ag_graph *b,
                         const ag_structure *sb, int32_t *map) {
  int n = a->size;
  int32_t *order_a = AG_ARRAY(int32_t, n), *order_b = AG_ARRAY(int32_t, n);
  int32_t *image = AG_ARRAY(int32_t, n);
  ag_canonical_order(a, order_a);
  ag_canonical_order(b, order_b);
  for (int i = 0; i < n; i++) image[order_a[i]] = order_b[i];
  bool good = verify(sa, sb, image);
  if (good && map) memcpy(map, image, (size_t)n * sizeof *map);
  free(order_a);
  free(order_b);
  free(image);
  return good;
}

bool ag_graph_isomorphic(const ag_graph *a, const ag_graph *b, ag_equality equality, int32_t *map) {
  if (a->size != b->size || a->operand_start[a->size] != b->operand_start[b->size]) return false;
  ag_structure sa = ag_structure_of_graph(a, equality), sb = ag_structure_of_graph(b, equality);
  bool found = match_orders(a, &sa, b, &sb, map) || match_structures(&sa, &sb, map);
  ag_structure_free(&sa);
  ag_structure_free(&sb);
  return found;
}

bool ag_segment_isomorphic(const ag_segment *a, const ag_segment *b, ag_equality equality) {
  if (a->size != b->size || a->inputs != b->inputs || a->outputs != b->outputs ||
      a->operand_start[a->size] != b->operand_start[b->size])
    return false;
  ag_structure sa = ag_structure_of_segment(a, equality);
  ag_structure sb = ag_structure_of_segment(b, equality);
  bool found = match_structures(&sa, &sb, NULL);
  ag_structure_free(&sa);
  ag_structure_free(&sb);
  return found;
}
