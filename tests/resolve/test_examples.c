/* Moves whose outcome can be told by hand: the worked example of algorithm.md section 5, a
 * bottleneck moved to another width, blocks of several families moved between stages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/resolve.h"

/* A segment under construction; operands are node numbers, or ~port. */
typedef struct draft {
  ag_segment *s;
  int slots;
} draft;

static draft begin(int inputs, const ag_shape *mined) {
  draft d = {.s = ag_segment_new(24, 64, inputs, 24)};
  d.s->size = d.s->outputs = 0;
  memcpy(d.s->input_shapes, mined, (size_t)inputs * sizeof *mined);
  return d;
}

static int put(draft *d, ag_node n, int count, const int *operands) {
  ag_segment *s = d->s;
  s->nodes[s->size] = n;
  for (int k = 0; k < count; k++) s->operands[d->slots++] = operands[k];
  s->operand_start[++s->size] = d->slots;
  return s->size - 1;
}

static int conv(draft *d, int from, int kernel, int stride, int channels) {
  ag_node n = ag_node_make(AG_OP_CONV);
  n.kernel[0] = n.kernel[1] = kernel;
  n.stride[0] = n.stride[1] = stride;
  n.out.c = channels;
  return put(d, n, 1, &from);
}

static int unary(draft *d, ag_op op, int from) {
  return put(d, ag_node_make(op), 1, &from);
}

static int join(draft *d, ag_op op, int a, int b) {
  return put(d, ag_node_make(op), 2, (int[]){a, b});
}

static void leave(draft *d, int node) {
  d->s->output_nodes[d->s->outputs++] = node;
}

/* Infer the mined shapes. */
static ag_segment *finish(draft *d) {
  ag_error err;
  ag_shape inputs[8];
  memcpy(inputs, d->s->input_shapes, (size_t)d->s->inputs * sizeof *inputs);
  if (ag_segment_infer(d->s, inputs, &err)) fail_msg("%s: %s", err.node, err.message);
  return d->s;
}

/* Solve by all three, which must agree; a copy of the segment with the exact solution, NULL if
 * infeasible. */
static ag_segment *move(const ag_segment *s, const ag_shape *inputs, const ag_shape *outputs) {
  ag_resolve_problem p = {s, inputs, outputs, AG_RESOLVE_OURS};
  ag_segment *moved = NULL;
  ag_status first = AG_OK;
  double objective = 0;
  for (int m = AG_RESOLVE_EXACT; m <= AG_RESOLVE_EXHAUSTIVE; m++) {
    ag_solver *solver = ag_solver_new((ag_method)m);
    ag_resolve_result r;
    ag_error err;
    ag_status status = ag_resolve(solver, &p, &r, &err);
    if (m == AG_RESOLVE_EXACT) {
      first = status;
      if (!status) {
        objective = r.objective;
        moved = ag_segment_copy(s);
        ag_resolve_apply(&p, &r, moved);
      }
    }
    assert_int_equal(status, first);
    if (!status) {
      assert_int_equal(ag_resolve_check(&p, &r, &err), AG_OK);
      assert_true(r.objective == objective);
    }
    ag_solver_free(solver);
  }
  return moved;
}

static void expect(const ag_segment *s, int node, int h, int w, int c) {
  ag_shape out = s->nodes[node].out;
  if (!ag_shape_equal(out, (ag_shape){h, w, c}))
    fail_msg("node %d is %dx%dx%d, not %dx%dx%d", node, out.h, out.w, out.c, h, w, c);
}

/* A conv and a batch norm at (32,32,16); the add must give (16,16,32): both convs adapt. */
static void test_worked_example(void **state) {
  (void)state;
  ag_shape mined[2] = {{32, 32, 16}, {32, 32, 16}};
  draft d = begin(2, mined);
  int a = conv(&d, ~0, 3, 1, 16);
  int b = unary(&d, AG_OP_BATCHNORM, ~1);
  int c = conv(&d, b, 1, 1, 16);
  leave(&d, join(&d, AG_OP_ADD, a, c));
  ag_segment *s = finish(&d);
  ag_segment *moved = move(s, mined, &(ag_shape){16, 16, 32});
  assert_non_null(moved);
  expect(moved, a, 16, 16, 32);
  expect(moved, c, 16, 16, 32);
  assert_int_equal(moved->nodes[a].stride[0], 2);
  assert_int_equal(moved->nodes[c].stride[1], 2);
  ag_segment_free(moved);
  /* With a batch norm alone on the second branch nothing can adapt there. */
  d = begin(2, mined);
  a = conv(&d, ~0, 3, 1, 16);
  b = unary(&d, AG_OP_BATCHNORM, ~1);
  leave(&d, join(&d, AG_OP_ADD, a, b));
  ag_segment *stuck = finish(&d);
  assert_null(move(stuck, mined, &(ag_shape){16, 16, 32}));
  ag_segment_free(stuck);
  ag_segment_free(s);
}

/* conv 1x1 c -> m, conv 3x3 m -> m, conv 1x1 m -> c, added to the input. */
static ag_segment *bottleneck(int size, int wide, int narrow) {
  ag_shape mined = {size, size, wide};
  draft d = begin(1, &mined);
  int x = conv(&d, ~0, 1, 1, narrow);
  x = unary(&d, AG_OP_RELU, unary(&d, AG_OP_BATCHNORM, x));
  x = conv(&d, x, 3, 1, narrow);
  x = unary(&d, AG_OP_RELU, unary(&d, AG_OP_BATCHNORM, x));
  x = conv(&d, x, 1, 1, wide);
  x = unary(&d, AG_OP_BATCHNORM, x);
  leave(&d, join(&d, AG_OP_ADD, x, ~0));
  return finish(&d);
}

static void test_bottleneck(void **state) {
  (void)state;
  static const int widths[] = {128, 256, 512, 1024, 2048};
  ag_segment *s = bottleneck(56, 256, 64);
  for (int k = 0; k < 5; k++) {
    ag_shape place = {28, 28, widths[k]};
    ag_segment *moved = move(s, &place, &place);
    assert_non_null(moved);
    expect(moved, 0, 28, 28, widths[k] / 4);
    expect(moved, 3, 28, 28, widths[k] / 4);
    expect(moved, 6, 28, 28, widths[k]);
    ag_segment_free(moved);
  }
  ag_segment_free(s);
}

/* A single convolution reaches any width, and a stride of up to four. */
static void test_between_stages(void **state) {
  (void)state;
  ag_shape mined = {32, 32, 16};
  draft d = begin(1, &mined);
  int x = conv(&d, ~0, 3, 1, 16);
  leave(&d, unary(&d, AG_OP_RELU, x));
  ag_segment *s = finish(&d);
  static const ag_shape outs[] = {{32, 32, 128}, {16, 16, 128}, {8, 8, 512}, {32, 32, 3}};
  for (int k = 0; k < 4; k++) {
    ag_segment *moved = move(s, &mined, &outs[k]);
    assert_non_null(moved);
    expect(moved, 1, outs[k].h, outs[k].w, outs[k].c);
    ag_segment_free(moved);
  }
  assert_null(move(s, &mined, &(ag_shape){4, 4, 16}));
  assert_null(move(s, &mined, &(ag_shape){64, 64, 16}));
  ag_segment_free(s);
}

/* A segment that shrinks, put where nothing may shrink: its stride drops to one. */
static void test_stride_drops(void **state) {
  (void)state;
  ag_shape mined = {32, 32, 16};
  draft d = begin(1, &mined);
  int x = conv(&d, ~0, 3, 2, 32);
  leave(&d, conv(&d, unary(&d, AG_OP_RELU, x), 3, 1, 32));
  ag_segment *s = finish(&d);
  ag_segment *moved = move(s, &mined, &(ag_shape){32, 32, 16});
  assert_non_null(moved);
  assert_int_equal(moved->nodes[0].stride[0], 1);
  expect(moved, 2, 32, 32, 16);
  ag_segment_free(moved);
  ag_segment_free(s);
}

/* An inverted residual: the depthwise may stride, its groups follow the width. */
static void test_depthwise(void **state) {
  (void)state;
  ag_shape mined = {28, 28, 32};
  draft d = begin(1, &mined);
  int x = unary(&d, AG_OP_RELU6, conv(&d, ~0, 1, 1, 192));
  ag_node dw = ag_node_make(AG_OP_DEPTHWISE);
  dw.kernel[0] = dw.kernel[1] = 3;
  dw.groups = 192;
  int w = put(&d, dw, 1, &x);
  leave(&d, conv(&d, w, 1, 1, 32));
  ag_segment *s = finish(&d);
  ag_shape in = {56, 56, 24};
  ag_segment *moved = move(s, &in, &(ag_shape){28, 28, 48});
  assert_non_null(moved);
  assert_int_equal(moved->nodes[w].in.c, 144);
  assert_int_equal(moved->nodes[w].groups, 144);
  expect(moved, 3, 28, 28, 48);
  ag_segment_free(moved);
  ag_segment_free(s);
}

/* An inception cell of four branches at half the width: every branch at half its own. */
static void test_concat(void **state) {
  (void)state;
  ag_shape mined = {28, 28, 192};
  static const int widths[4] = {64, 128, 32, 32};
  draft d = begin(1, &mined);
  int ends[4];
  for (int k = 0; k < 4; k++) ends[k] = conv(&d, ~0, k % 2 ? 3 : 1, 1, widths[k]);
  leave(&d, put(&d, ag_node_make(AG_OP_CONCAT), 4, ends));
  ag_segment *s = finish(&d);
  ag_shape in = {14, 14, 480};
  ag_segment *moved = move(s, &in, &(ag_shape){14, 14, 128});
  assert_non_null(moved);
  for (int k = 0; k < 4; k++) expect(moved, ends[k], 14, 14, widths[k] / 2);
  ag_segment_free(moved);
  ag_segment_free(s);
}

/* ResNeXt: the number of groups stays, so widths stay multiples of it. */
static void test_groups(void **state) {
  (void)state;
  ag_shape mined = {14, 14, 128};
  draft d = begin(1, &mined);
  ag_node n = ag_node_make(AG_OP_CONV);
  n.kernel[0] = n.kernel[1] = 3;
  n.groups = 32;
  n.out.c = 128;
  leave(&d, put(&d, n, 1, (int[]){~0}));
  ag_segment *s = finish(&d);
  ag_shape in = {14, 14, 64};
  ag_segment *moved = move(s, &in, &(ag_shape){7, 7, 256});
  assert_non_null(moved);
  expect(moved, 0, 7, 7, 256);
  ag_segment_free(moved);
  in.c = 48;
  assert_null(move(s, &in, &(ag_shape){14, 14, 128}));
  in.c = 64;
  assert_null(move(s, &in, &(ag_shape){14, 14, 40}));
  ag_segment_free(s);
}

/* Squeeze and excitation with its gate from outside. */
static void test_gate(void **state) {
  (void)state;
  ag_shape mined[2] = {{16, 16, 32}, {1, 1, 32}};
  draft d = begin(2, mined);
  int x = conv(&d, ~0, 3, 1, 32);
  leave(&d, join(&d, AG_OP_MUL, x, ~1));
  ag_segment *s = finish(&d);
  ag_shape in[2] = {{16, 16, 64}, {1, 1, 48}};
  ag_segment *moved = move(s, in, &(ag_shape){8, 8, 48});
  assert_non_null(moved);
  expect(moved, x, 8, 8, 48);
  ag_segment_free(moved);
  in[1] = (ag_shape){8, 8, 48};
  assert_null(move(s, in, &(ag_shape){8, 8, 48}));
  ag_segment_free(s);
}

/* Upscaling by depth-to-space scales what it is given. */
static void test_fixed_ratio(void **state) {
  (void)state;
  ag_shape mined = {24, 24, 64};
  draft d = begin(1, &mined);
  int x = conv(&d, ~0, 3, 1, 256);
  ag_node up = ag_node_make(AG_OP_DEPTH_TO_SPACE);
  up.stride[0] = up.stride[1] = 2;
  leave(&d, put(&d, up, 1, &x));
  ag_segment *s = finish(&d);
  ag_shape in = {12, 20, 32};
  ag_segment *moved = move(s, &in, &(ag_shape){24, 40, 64});
  assert_non_null(moved);
  expect(moved, 0, 12, 20, 256);
  ag_segment_free(moved);
  assert_null(move(s, &in, &(ag_shape){25, 40, 64}));
  ag_segment_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_worked_example), cmocka_unit_test(test_bottleneck),
      cmocka_unit_test(test_between_stages), cmocka_unit_test(test_stride_drops),
      cmocka_unit_test(test_depthwise),      cmocka_unit_test(test_concat),
      cmocka_unit_test(test_groups),         cmocka_unit_test(test_gate),
      cmocka_unit_test(test_fixed_ratio),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
