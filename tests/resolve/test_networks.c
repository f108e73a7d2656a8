/* Segments of the published networks in each other's places, as a search would put them: solvers
 * agree, and a solved segment splices into a valid graph. Needs the shared graphs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "autogo/resolve.h"
#include "engine/base/random.h"
#include "tests/support/cell_graph.h"
#include "tests/support/random_graph.h"

enum { CELLS = 4, RANDOM = 12, GRAPHS = CELLS + RANDOM, CASES = 3000, LENGTH = 12, PORTS = 16 };

static void make_graphs(const ag_graph **graphs) {
  for (int k = 0; k < CELLS; k++) graphs[k] = cell_graph((uint64_t)k, 2, "cells");
  for (int k = 0; k < RANDOM; k++) graphs[CELLS + k] = random_graph((uint64_t)k, 60);
}

static bool replaceable(const ag_graph *g, int first, int last) {
  for (int i = first; i < last; i++) {
    uint8_t op = g->nodes[i].op;
    if (op == AG_OP_INPUT || op == AG_OP_OUTPUT || op == AG_OP_MEAN || op == AG_OP_MATMUL ||
        op == AG_OP_OPAQUE || op == AG_OP_FLATTEN)
      return false;
  }
  return true;
}

typedef struct piece {
  const ag_graph *graph;
  int first, last;
  ag_segment *segment;
  int32_t *input_tensors, *output_tensors;
} piece;

static void free_piece(piece *p) {
  ag_segment_free(p->segment);
  free(p->input_tensors);
  free(p->output_tensors);
}

static piece draw_piece(const ag_graph *const *graphs, ag_random *random) {
  for (;;) {
    const ag_graph *g = graphs[ag_random_below(random, GRAPHS)];
    int length = 1 + (int)ag_random_below(random, LENGTH);
    if (g->size <= length) continue;
    int first = (int)ag_random_below(random, (uint64_t)(g->size - length));
    if (!replaceable(g, first, first + length)) continue;
    piece p = {.graph = g, .first = first, .last = first + length};
    assert_int_equal(
        ag_segment_cut(g, p.first, p.last, &p.segment, &p.input_tensors, &p.output_tensors, NULL),
        AG_OK);
    if (p.segment->inputs <= PORTS && p.segment->outputs <= PORTS) return p;
    free_piece(&p);
  }
}

static void splice(const piece *place, const ag_segment *s, const ag_resolve_problem *p,
                   const ag_resolve_result *r) {
  ag_segment *copy = ag_segment_copy(s);
  ag_resolve_apply(p, r, copy);
  int32_t identity[PORTS];
  for (int k = 0; k < PORTS; k++) identity[k] = k;
  const ag_graph *child;
  ag_error err;
  if (ag_graph_splice(place->graph, place->first, place->last, copy, identity, identity, &child,
                      &err))
    fail_msg("%s: %s", err.node, err.message);
  assert_int_equal(ag_graph_check(child, &err), AG_OK);
  ag_graph_release(child);
  ag_segment_free(copy);
}

/* `segment` in the place of `place`: 1 if feasible, 0 if not. */
static int try_swap(ag_solver *const *solvers, const piece *place, const ag_segment *segment) {
  ag_shape outputs[PORTS];
  for (int q = 0; q < place->segment->outputs; q++)
    outputs[q] = place->segment->nodes[place->segment->output_nodes[q]].out;
  ag_resolve_problem p = {segment, place->segment->input_shapes, outputs, AG_RESOLVE_OURS};
  ag_resolve_result r[3];
  ag_status status[3];
  ag_error err;
  for (int m = 0; m < 3; m++) {
    status[m] = ag_resolve(solvers[m], &p, &r[m], &err);
    if (status[m] && status[m] != AG_INFEASIBLE && status[m] != AG_LIMIT)
      fail_msg("%s: %s", err.node, err.message);
    if (status[m] == AG_LIMIT) continue;
    assert_int_equal(status[m], status[0]);
    if (status[m]) continue;
    assert_true(r[m].objective == r[0].objective);
    assert_int_equal(ag_resolve_check(&p, &r[m], &err), AG_OK);
    splice(place, segment, &p, &r[m]);
  }
  assert_true(status[0] != AG_LIMIT && status[1] != AG_LIMIT);
  return status[0] == AG_OK;
}

static void test_swaps(void **state) {
  (void)state;
  const ag_graph *graphs[GRAPHS];
  make_graphs(graphs);
  ag_solver *solvers[3];
  for (int m = 0; m < 3; m++) solvers[m] = ag_solver_new((ag_method)m);
  ag_random random = ag_random_stream(4, 0, 0, 0, 0);
  int tried = 0, feasible = 0;
  while (tried < CASES) {
    piece a = draw_piece(graphs, &random), b = draw_piece(graphs, &random);
    assert_true(try_swap(solvers, &a, a.segment)); /* everything fits where it was */
    if (a.segment->inputs == b.segment->inputs && a.segment->outputs == b.segment->outputs) {
      feasible += try_swap(solvers, &a, b.segment) + try_swap(solvers, &b, a.segment);
      tried += 2;
    }
    free_piece(&a);
    free_piece(&b);
  }
  print_message("%d swaps, %d feasible\n", tried, feasible);
  assert_true(feasible > tried / 4);
  for (int m = 0; m < 3; m++) ag_solver_free(solvers[m]);
  for (int k = 0; k < GRAPHS; k++) ag_graph_release(graphs[k]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_swaps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
