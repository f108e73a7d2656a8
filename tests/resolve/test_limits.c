/* Problems made to be hard, up to 40 nodes: the exact solver finishes each within its bound on
 * counted work and agrees with lp_solve. */
#include "tests/resolve/draft.h"

/* Exact must finish; lp_solve may give up, but not differ. */
static void settle(const char *name, ag_segment *s, ag_shape to) {
  ag_shape outputs[NODES];
  for (int q = 0; q < s->outputs; q++) outputs[q] = to;
  ag_resolve_problem p = {s, s->input_shapes, outputs, AG_RESOLVE_OURS};
  ag_solver *exact = ag_solver_new(AG_RESOLVE_EXACT), *milp = ag_solver_new(AG_RESOLVE_MILP);
  ag_resolve_result a, b;
  ag_error err;
  ag_status x = ag_resolve(exact, &p, &a, &err);
  if (x == AG_LIMIT) fail_msg("%s to %dx%dx%d: %s", name, to.h, to.w, to.c, err.message);
  if (!x) assert_int_equal(ag_resolve_check(&p, &a, &err), AG_OK);
  ag_status y = ag_resolve(milp, &p, &b, &err);
  if (y != AG_LIMIT) {
    assert_int_equal(x, y);
    if (!x) assert_true(a.objective == b.objective);
  }
  ag_solver_free(exact);
  ag_solver_free(milp);
}

/* To several targets: the same size, a quarter, odd channels, and one that cannot be met. */
static void settle_all(const char *name, draft *d) {
  ag_segment *s = finish(d);
  ag_shape out = s->nodes[s->output_nodes[0]].out;
  settle(name, s, out);
  settle(name, s, (ag_shape){(out.h + 1) / 2, (out.w + 1) / 2, out.c});
  settle(name, s, (ag_shape){(out.h + 3) / 4, (out.w + 3) / 4, 2 * out.c});
  settle(name, s, (ag_shape){(out.h + 3) / 4, (out.w + 3) / 4, 2 * out.c + 1});
  settle(name, s, (ag_shape){(out.h + 1) / 2 - 1, (out.w + 1) / 2, out.c});
  ag_segment_free(s);
}

static void test_chains(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; kind++) {
    draft d = begin(1, (ag_shape){128, 128, 64});
    int x = ~0;
    for (int k = 0; k < NODES; k++) {
      ag_node n = make(kind == 3 && k % 2 ? AG_OP_MAXPOOL : AG_OP_CONV, 3, 64);
      if (kind == 1) n.padding = AG_PAD_VALID;
      if (kind == 2 && k == 0) n.stride[0] = 2;
      x = put(&d, n, 1, &x);
    }
    leave(&d, x);
    settle_all("chain", &d);
  }
}

/* Valid windows with two strides: the most candidates a size can have. */
static void test_uneven_strides(void **state) {
  (void)state;
  draft d = begin(1, (ag_shape){200, 200, 8});
  int x = ~0;
  for (int k = 0; k < 12; k++) {
    ag_node n = make(AG_OP_CONV, 3, 8);
    n.padding = AG_PAD_VALID;
    n.stride[k % 2] = k < 4 ? 2 : 1;
    x = put(&d, n, 1, &x);
  }
  leave(&d, x);
  settle_all("uneven strides", &d);
}

static void test_residual_chain(void **state) {
  (void)state;
  draft d = begin(1, (ag_shape){64, 64, 64});
  int x = ~0;
  for (int k = 0; k < 10; k++) {
    int a = conv(&d, conv(&d, x, 16), 64);
    x = join(&d, AG_OP_ADD, a, conv(&d, x, 64));
  }
  leave(&d, x);
  settle_all("residual chain", &d);
}

static void test_parallel_branches(void **state) {
  (void)state;
  for (int concat = 0; concat < 2; concat++) {
    draft d = begin(1, (ag_shape){64, 64, 16});
    int ends[8];
    for (int k = 0; k < 8; k++) {
      ends[k] = ~0;
      for (int j = 0; j < 4; j++) ends[k] = conv(&d, ends[k], concat ? 8 + k : 16);
    }
    int x = put(&d, ag_node_make(concat ? AG_OP_CONCAT : AG_OP_ADD), 8, ends);
    leave(&d, conv(&d, x, 16));
    settle_all("parallel branches", &d);
  }
}

/* Rails that all feed each other at every rung: not series-parallel, so search must branch. */
static void test_ladders(void **state) {
  (void)state;
  for (int rails = 2; rails <= 3; rails++) {
    draft d = begin(rails, (ag_shape){64, 64, 16});
    int x[3] = {~0, ~1, ~2};
    while (d.s->size + rails * (rails + 1) + 1 <= NODES) {
      int next[3];
      for (int r = 0; r < rails; r++) {
        int ends[3];
        for (int k = 0; k < rails; k++) ends[k] = conv(&d, x[k], 16);
        next[r] = put(&d, ag_node_make(AG_OP_ADD), rails, ends);
      }
      memcpy(x, next, sizeof x);
    }
    leave(&d, put(&d, ag_node_make(AG_OP_ADD), rails, x));
    settle_all("ladder", &d);
  }
}

/* The same with concats for rungs: channels of all rails depend on each other. */
static void test_concat_ladder(void **state) {
  (void)state;
  draft d = begin(2, (ag_shape){64, 64, 16});
  int x[2] = {~0, ~1};
  while (d.s->size + 7 <= NODES) {
    int a = join(&d, AG_OP_CONCAT, conv(&d, x[0], 7), conv(&d, x[1], 5));
    x[1] = join(&d, AG_OP_CONCAT, conv(&d, x[0], 11), conv(&d, x[1], 3));
    x[0] = a;
  }
  leave(&d, join(&d, AG_OP_CONCAT, x[0], x[1]));
  settle_all("concat ladder", &d);
}

/* A dense block: every layer's input is the concat of all layers before. */
static void test_dense_block(void **state) {
  (void)state;
  draft d = begin(1, (ag_shape){32, 32, 24});
  int x = ~0;
  for (int k = 0; k < 13; k++) {
    int bottleneck = put(&d, make(AG_OP_CONV, 1, 48), 1, &x);
    x = join(&d, AG_OP_CONCAT, x, conv(&d, bottleneck, 12 + k % 3));
  }
  leave(&d, x);
  settle_all("dense block", &d);
}

/* All three solvers on one problem. */
static void expect_status(const ag_segment *s, const ag_shape *outputs, ag_status expected) {
  ag_resolve_problem p = {s, s->input_shapes, outputs, AG_RESOLVE_OURS};
  double objective = 0;
  for (int m = AG_RESOLVE_EXACT; m <= AG_RESOLVE_EXHAUSTIVE; m++) {
    ag_solver *solver = ag_solver_new((ag_method)m);
    ag_resolve_result r;
    assert_int_equal(ag_resolve(solver, &p, &r, NULL), expected);
    if (!expected && m == AG_RESOLVE_EXACT) objective = r.objective;
    if (!expected) assert_true(r.objective == objective);
    ag_solver_free(solver);
  }
}

/* a + b = b + c = c + a = 20 with each of them 4 or 16: every pair fits, the three do not. */
static void test_odd_cycle(void **state) {
  (void)state;
  draft d = begin(1, (ag_shape){8, 8, 8});
  int x[3];
  for (int k = 0; k < 3; k++) {
    ag_node n = make(AG_OP_CONV, 3, 8);
    n.groups = 4;
    x[k] = put(&d, n, 1, (int[]){~0});
  }
  for (int k = 0; k < 3; k++) leave(&d, join(&d, AG_OP_CONCAT, x[k], x[(k + 1) % 3]));
  ag_segment *s = finish(&d);
  ag_shape want[3] = {{8, 8, 20}, {8, 8, 20}, {8, 8, 20}};
  expect_status(s, want, AG_INFEASIBLE);
  want[2].c = 32;
  expect_status(s, want, AG_OK);
  ag_segment_free(s);
}

/* Many channel counts of a concat, passed on by a ratio and by a slice. */
static void test_counts_pass_on(void **state) {
  (void)state;
  draft d = begin(1, (ag_shape){16, 16, 8});
  static const int widths[4] = {5, 7, 11, 13};
  int x[4];
  for (int k = 0; k < 4; k++) x[k] = conv(&d, ~0, widths[k]);
  int all = put(&d, ag_node_make(AG_OP_CONCAT), 4, x);
  ag_node fold = ag_node_make(AG_OP_SPACE_TO_DEPTH);
  fold.stride[0] = fold.stride[1] = 2;
  int folded = put(&d, fold, 1, &all);
  ag_node slice = make(AG_OP_MAXPOOL, 3, 0);
  slice.flags = AG_FLAG_SLICE;
  slice.in.c = 100;
  leave(&d, conv(&d, put(&d, slice, 1, &folded), 8));
  leave(&d, conv(&d, all, 8));
  ag_segment *s = finish(&d);
  ag_shape want[2] = {{4, 4, 16}, {8, 8, 16}};
  expect_status(s, want, AG_OK);
  ag_segment_free(s);
}

/* Widths of 2 * 5^k: no two combinations have the same sum. */
static void test_too_many_sums(void **state) {
  (void)state;
  draft d = begin(1, (ag_shape){8, 8, 8});
  int x[8];
  for (int k = 0, width = 2; k < 8; k++, width *= 5) x[k] = conv(&d, ~0, width);
  leave(&d, conv(&d, put(&d, ag_node_make(AG_OP_CONCAT), 8, x), 8));
  ag_segment *s = finish(&d);
  ag_solver *solver = ag_solver_new(AG_RESOLVE_EXACT);
  ag_resolve_problem p = {s, s->input_shapes, &(ag_shape){8, 8, 8}, AG_RESOLVE_OURS};
  ag_resolve_result r;
  assert_int_equal(ag_resolve(solver, &p, &r, NULL), AG_LIMIT);
  ag_solver_free(solver);
  ag_segment_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_chains),         cmocka_unit_test(test_uneven_strides),
      cmocka_unit_test(test_residual_chain), cmocka_unit_test(test_parallel_branches),
      cmocka_unit_test(test_ladders),        cmocka_unit_test(test_concat_ladder),
      cmocka_unit_test(test_dense_block),    cmocka_unit_test(test_odd_cycle),
      cmocka_unit_test(test_counts_pass_on), cmocka_unit_test(test_too_many_sums),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
