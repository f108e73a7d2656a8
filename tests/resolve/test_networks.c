/* Segments of networks in each other's places, as a search would put them: solvers agree, and a
 * solved segment splices into a valid graph. First networks made here, then the published ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "autogo/resolve.h"
#include "engine/base/random.h"
#include "tests/support/cell_graph.h"
#include "tests/support/random_graph.h"

enum { CELLS = 4, RANDOM = 12, CASES = 1000, LENGTH = 12, PORTS = 16 };

static const char *const PUBLISHED[] = {
    "nb101_best", "nb201_best", "hiaml_best",  "inception_best", "two_path_best",
    "resnet50",   "vgg16_bn",   "edsr_base",   "edsr_arch1",     "resnet50_autogo_arch2",
    "fsrcnn3",    "fsrcnn4",    "unet_denoise"};
enum { PUBLISHED_COUNT = sizeof PUBLISHED / sizeof *PUBLISHED };

typedef struct networks {
  const ag_graph *graph[PUBLISHED_COUNT + CELLS + RANDOM];
  int count;
} networks;

static void make_networks(networks *n) {
  for (int k = 0; k < CELLS; k++) n->graph[n->count++] = cell_graph((uint64_t)k, 2, "cells");
  for (int k = 0; k < RANDOM; k++) n->graph[n->count++] = random_graph((uint64_t)k, 60);
}

/* Skips the test where the shared graphs are absent. */
static void load_networks(networks *n) {
  const char *shared = getenv("AUTOGO_SHARED");
  for (int k = 0; k < PUBLISHED_COUNT; k++) {
    char path[512];
    ag_error err;
    snprintf(path, sizeof path, "%s/data/cg/%s.json", shared ? shared : "../shared", PUBLISHED[k]);
    ag_status status = ag_graph_load_json(path, &n->graph[n->count], &err);
    if (status == AG_IO && k == 0) {
      print_message("the published graphs (data/cg) are not there\n");
      skip();
    }
    if (status) fail_msg("%s: %s: %s", path, err.node, err.message);
    n->count++;
  }
}

static void free_networks(networks *n) {
  for (int k = 0; k < n->count; k++) ag_graph_release(n->graph[k]);
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

static piece draw_piece(const networks *n, ag_random *random) {
  for (;;) {
    const ag_graph *g = n->graph[ag_random_below(random, (uint64_t)n->count)];
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

/* `segment` in the place of `place`, by the first `solvers` of exact, milp, exhaustive: 1 if
 * feasible, 0 if not. Only the exhaustive solver may give up. */
static int try_swap(ag_solver *const *solver, int solvers, const piece *place,
                    const ag_segment *segment) {
  ag_shape outputs[PORTS];
  for (int q = 0; q < place->segment->outputs; q++)
    outputs[q] = place->segment->nodes[place->segment->output_nodes[q]].out;
  ag_resolve_problem p = {segment, place->segment->input_shapes, outputs, AG_RESOLVE_OURS};
  ag_resolve_result r[3];
  ag_status status[3];
  ag_error err;
  for (int m = 0; m < solvers; m++) {
    status[m] = ag_resolve(solver[m], &p, &r[m], &err);
    if (status[m] == AG_LIMIT && m == AG_RESOLVE_EXHAUSTIVE) continue;
    if (status[m] && status[m] != AG_INFEASIBLE) fail_msg("%s: %s", err.node, err.message);
    assert_int_equal(status[m], status[0]);
    if (status[m]) continue;
    assert_true(r[m].objective == r[0].objective);
    if (ag_resolve_check(&p, &r[m], &err)) fail_msg("%s: %s", err.node, err.message);
    splice(place, segment, &p, &r[m]);
  }
  return status[0] == AG_OK;
}

static void swap_pieces(const networks *n, int solvers, int cases) {
  ag_solver *solver[3];
  for (int m = 0; m < solvers; m++) solver[m] = ag_solver_new((ag_method)m);
  ag_random random = ag_random_stream(4, 0, 0, 0, 0);
  int tried = 0, feasible = 0;
  while (tried < cases) {
    piece a = draw_piece(n, &random), b = draw_piece(n, &random);
    assert_true(try_swap(solver, solvers, &a, a.segment)); /* everything fits where it was */
    if (a.segment->inputs == b.segment->inputs && a.segment->outputs == b.segment->outputs) {
      feasible += try_swap(solver, solvers, &a, b.segment);
      feasible += try_swap(solver, solvers, &b, a.segment);
      tried += 2;
    }
    free_piece(&a);
    free_piece(&b);
  }
  print_message("%d swaps, %d feasible\n", tried, feasible);
  assert_true(feasible > tried / 10 && feasible < tried);
  for (int m = 0; m < solvers; m++) ag_solver_free(solver[m]);
}

static void test_made(void **state) {
  (void)state;
  networks n = {.count = 0};
  make_networks(&n);
  swap_pieces(&n, 3, CASES);
  free_networks(&n);
}

static void test_published(void **state) {
  (void)state;
  networks n = {.count = 0};
  load_networks(&n);
  swap_pieces(&n, 2, 2 * CASES);
  free_networks(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_made), cmocka_unit_test(test_published)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
