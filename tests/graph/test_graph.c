/* Shapes, costs, building, cutting and splicing against slow definitions: windows counted one by
 * one, reachability by search, splices that put back what was cut. */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/segment.h"
#include "engine/base/alloc.h"
#include "engine/base/random.h"
#include "tests/support/random_graph.h"

/* --- shapes -------------------------------------------------------------------------------- */

/* Count the positions of a window whose cells all lie inside the padded input (or, rounding up,
 * that start inside the input or its begin padding). */
static int count_windows(const ag_node *n, int dim, int in) {
  int begin = n->padding == AG_PAD_EXPLICIT ? n->pads[dim] : 0;
  int end = n->padding == AG_PAD_EXPLICIT ? n->pads[dim + 2] : 0;
  int window = n->dilation[dim] * (n->kernel[dim] - 1) + 1, count = 0;
  for (int start = 0;; start += n->stride[dim]) {
    bool inside = start + window <= begin + in + end;
    bool cut_off = (n->flags & AG_FLAG_CEIL) && count > 0 && start < begin + in &&
                   start - n->stride[dim] + window < begin + in + end;
    if (!inside && !cut_off) return count;
    count++;
  }
}

static void window_sizes_match_counting(void **state) {
  (void)state;
  ag_random random = ag_random_stream(21, 0, 0, 0, 0);
  for (int round = 0; round < 20000; round++) {
    ag_node n = ag_node_make(AG_OP_MAXPOOL);
    n.padding = ag_random_below(&random, 2) ? AG_PAD_EXPLICIT : AG_PAD_VALID;
    n.kernel[0] = n.kernel[1] = (int32_t)ag_random_below(&random, 5) + 1;
    n.stride[0] = (int32_t)ag_random_below(&random, 3) + 1;
    n.dilation[0] = (int32_t)ag_random_below(&random, 2) + 1;
    if (n.padding == AG_PAD_EXPLICIT) {
      n.pads[0] = (int32_t)ag_random_below(&random, (uint64_t)n.kernel[0]);
      n.pads[2] = (int32_t)ag_random_below(&random, (uint64_t)n.kernel[0]);
    }
    if (ag_random_below(&random, 2)) n.flags = AG_FLAG_CEIL;
    int in = (int)ag_random_below(&random, 20) + 1;
    assert_int_equal(ag_strided_size(&n, 0, in), count_windows(&n, 0, in));
  }
}

static void same_padding_divides_rounding_up(void **state) {
  (void)state;
  ag_node n = ag_node_make(AG_OP_CONV);
  for (int stride = 1; stride <= 4; stride++)
    for (int in = 1; in <= 30; in++) {
      n.kernel[1] = 3;
      n.stride[1] = stride;
      int expected = 0;
      for (int start = 0; start < in; start += stride) expected++;
      assert_int_equal(ag_strided_size(&n, 1, in), expected);
    }
}

static ag_status infer(ag_node *n, int count, const ag_shape *operands, const char *reason) {
  ag_error err;
  ag_status status = ag_node_infer(n, operands, count, &err);
  if (status && reason && !strstr(err.message, reason)) fail_msg("%s", err.message);
  return status;
}

static void attributes_that_are_none_are_refused(void **state) {
  (void)state;
  const ag_shape a = {8, 8, 16};
  static const float slopes[] = {NAN, INFINITY, -INFINITY, 1e30f};
  for (size_t k = 0; k < sizeof slopes / sizeof *slopes; k++) {
    ag_node leaky = ag_node_make(AG_OP_LEAKYRELU);
    leaky.alpha = slopes[k];
    assert_int_equal(infer(&leaky, 1, &a, "alpha"), AG_INVALID);
  }
  ag_node pool = ag_node_make(AG_OP_MAXPOOL);
  pool.kernel[0] = pool.kernel[1] = 3;
  pool.padding = AG_PAD_SAME_LOWER + 1;
  assert_int_equal(infer(&pool, 1, &a, "padding"), AG_INVALID);
}

static void operands_that_do_not_fit_are_refused(void **state) {
  (void)state;
  const ag_shape a = {8, 8, 16}, b = {8, 8, 32}, c = {4, 4, 16}, scale = {1, 1, 16};
  ag_node add = ag_node_make(AG_OP_ADD), concat = ag_node_make(AG_OP_CONCAT);
  ag_node conv = ag_node_make(AG_OP_CONV), relu = ag_node_make(AG_OP_RELU);
  ag_node unfold = ag_node_make(AG_OP_DEPTH_TO_SPACE);
  assert_int_equal(infer(&add, 2, (ag_shape[]){a, b}, "8x8x16"), AG_INVALID);
  assert_int_equal(infer(&add, 2, (ag_shape[]){a, c}, "do not fit"), AG_INVALID);
  assert_int_equal(infer(&add, 1, &a, "at least 2"), AG_INVALID);
  assert_int_equal(infer(&add, 2, (ag_shape[]){a, scale}, NULL), AG_OK);
  assert_int_equal(infer(&add, 2, (ag_shape[]){scale, a}, NULL), AG_OK);
  assert_true(ag_shape_equal(add.out, a));
  assert_int_equal(infer(&concat, 2, (ag_shape[]){a, c}, "concatenate"), AG_INVALID);
  assert_int_equal(infer(&concat, 2, (ag_shape[]){a, b}, NULL), AG_OK);
  assert_int_equal(concat.out.c, 48);
  assert_int_equal(concat.in.c, 16);
  assert_int_equal(infer(&relu, 2, (ag_shape[]){a, a}, "at most 1"), AG_INVALID);
  assert_int_equal(infer(&conv, 1, &a, "kernel"), AG_INVALID);
  conv.kernel[0] = conv.kernel[1] = 3;
  assert_int_equal(infer(&conv, 1, &a, "no output size"), AG_INVALID);
  conv.out.c = 24;
  conv.groups = 5;
  assert_int_equal(infer(&conv, 1, &a, "groups"), AG_INVALID);
  conv.groups = 1;
  conv.padding = AG_PAD_VALID;
  assert_int_equal(infer(&conv, 1, &scale, "does not fit"), AG_INVALID);
  unfold.stride[0] = unfold.stride[1] = 3;
  assert_int_equal(infer(&unfold, 1, &a, "divide"), AG_INVALID);
}

static void sizes_beyond_31_bits_are_refused(void **state) {
  (void)state;
  const ag_shape huge = {INT_MAX, INT_MAX, INT_MAX};
  ag_node flatten = ag_node_make(AG_OP_FLATTEN), resize = ag_node_make(AG_OP_RESIZE);
  ag_node concat = ag_node_make(AG_OP_CONCAT);
  resize.stride[0] = 2;
  assert_int_equal(infer(&flatten, 1, &huge, NULL), AG_INVALID);
  assert_int_equal(infer(&resize, 1, &huge, "range"), AG_INVALID);
  assert_int_equal(infer(&concat, 2, (ag_shape[]){huge, huge}, "channels"), AG_INVALID);
}

/* --- costs ---------------------------------------------------------------------------------- */

static void costs_follow_the_published_table(void **state) {
  (void)state;
  const ag_shape in = {10, 12, 8};
  ag_node conv = ag_node_make(AG_OP_CONV);
  conv.kernel[0] = 3, conv.kernel[1] = 5, conv.out.c = 6, conv.bias = 1, conv.stride[0] = 2;
  assert_int_equal(ag_node_infer(&conv, &in, 1, NULL), AG_OK);
  int64_t outputs = 5 * 12 * 6;
  assert_int_equal(ag_node_macs(&conv), 3 * 5 * 8 * outputs);
  assert_int_equal(ag_node_flops(&conv, 1), 2 * (3 * 5 * 8 * outputs + outputs));
  assert_int_equal(ag_node_params(&conv), 3 * 5 * 8 * 6 + 6);
  conv.groups = 2;
  assert_int_equal(ag_node_infer(&conv, &in, 1, NULL), AG_OK);
  assert_int_equal(ag_node_macs(&conv), 3 * 5 * 4 * outputs);
  assert_int_equal(ag_node_params(&conv), 3 * 5 * 4 * 6 + 6);

  ag_node norm = ag_node_make(AG_OP_BATCHNORM), add = ag_node_make(AG_OP_ADD);
  assert_int_equal(ag_node_infer(&norm, &in, 1, NULL), AG_OK);
  assert_int_equal(ag_node_flops(&norm, 1), 2 * 2 * 10 * 12 * 8);
  assert_int_equal(ag_node_params(&norm), 16);
  assert_int_equal(ag_node_infer(&add, (ag_shape[]){in, in}, 2, NULL), AG_OK);
  assert_int_equal(ag_node_flops(&add, 2), 2 * 2 * 10 * 12 * 8);
  assert_int_equal(ag_node_flops(&add, 1), 2 * 10 * 12 * 8); /* x + x has one predecessor */

  ag_node opaque = ag_node_make(AG_OP_OPAQUE);
  opaque.out = in, opaque.macs = 77;
  assert_int_equal(ag_node_infer(&opaque, &in, 1, NULL), AG_OK);
  assert_int_equal(ag_node_macs(&opaque), 77);
  assert_int_equal(ag_node_flops(&opaque, 2), 2 * 77 * 2);
  ag_hash before = ag_node_signature(&opaque, 2);
  opaque.macs = 78;
  assert_false(ag_hash_equal(before, ag_node_signature(&opaque, 2)));
  add.macs = 1;
  assert_int_equal(infer(&add, 2, (ag_shape[]){in, in}, "MACs of its own"), AG_INVALID);
}

/* Live tensors at each step, found by asking every tensor whether somebody still needs it. */
static int64_t slow_peak(const ag_graph *g) {
  int64_t peak = 0;
  for (int step = 0; step < g->size; step++) {
    int64_t live = 0;
    for (int i = 0; i <= step; i++) {
      bool needed = i == step;
      for (int k = g->user_start[i]; k < g->user_start[i + 1]; k++)
        needed = needed || g->users[k] >= step;
      if (needed) live += ag_shape_size(g->nodes[i].out);
    }
    if (live > peak) peak = live;
  }
  return 4 * peak;
}

static void peak_memory_matches_a_simulation(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 200; seed++) {
    const ag_graph *g = random_graph(seed, 40);
    assert_int_equal(ag_graph_peak_memory(g), slow_peak(g));
    ag_graph_release(g);
  }
}

/* --- building --------------------------------------------------------------------------------- */

static void users_mirror_operands(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 300; seed++) {
    const ag_graph *g = random_graph(seed, 60);
    assert_int_equal(g->user_start[g->size], g->operand_start[g->size]);
    for (int i = 0; i < g->size; i++)
      for (int other = 0; other < g->size; other++) {
        int uses = 0, listed = 0;
        for (int k = 0; k < ag_graph_arity(g, other); k++)
          uses += ag_graph_operands(g, other)[k] == i;
        for (int k = g->user_start[i]; k < g->user_start[i + 1]; k++)
          listed += g->users[k] == other;
        assert_int_equal(uses, listed);
      }
    assert_int_equal(ag_graph_check(g, NULL), AG_OK);
    ag_graph_release(g);
  }
}

static void the_first_building_error_is_reported(void **state) {
  (void)state;
  ag_builder *b = ag_builder_new("bad");
  ag_node input = ag_node_make(AG_OP_INPUT), relu = ag_node_make(AG_OP_RELU);
  input.out = (ag_shape){4, 4, 2};
  int x = ag_builder_add(b, input, NULL, 0, NULL), missing = 7;
  assert_int_equal(ag_builder_add(b, relu, &missing, 1, "first"), -1);
  assert_int_equal(ag_builder_add(b, relu, &x, 1, "second"), -1);
  const ag_graph *g;
  ag_error err;
  assert_int_equal(ag_builder_finish(b, &g, &err), AG_INVALID);
  assert_string_equal(err.node, "first");
}

static void graphs_need_ends_and_users(void **state) {
  (void)state;
  const ag_graph *g;
  ag_error err;
  assert_int_equal(ag_builder_finish(ag_builder_new("empty"), &g, &err), AG_INVALID);
  ag_builder *b = ag_builder_new("dangling");
  ag_node input = ag_node_make(AG_OP_INPUT);
  input.out = (ag_shape){4, 4, 2};
  int x = ag_builder_add(b, input, NULL, 0, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_RELU), &x, 1, "unused");
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &x, 1, NULL);
  assert_int_equal(ag_builder_finish(b, &g, &err), AG_INVALID);
  assert_string_equal(err.node, "unused");
}

/* --- segments ------------------------------------------------------------------------------ */

static bool reaches(const ag_segment *s, int from, int to) {
  for (int i = from + 1; i <= to; i++)
    for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++)
      if (s->operands[k] == from && (i == to || reaches(s, i, to))) return true;
  return false;
}

static void descendants_match_a_search(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 60; seed++) {
    const ag_graph *g = random_graph(seed, 18);
    ag_segment *s;
    assert_int_equal(ag_segment_cut(g, 0, g->size, &s, NULL, NULL, NULL), AG_OK);
    int32_t *reach = AG_ARRAY(int32_t, s->size);
    ag_segment_descendants(s, reach);
    for (int i = 0; i < s->size; i++) {
      int expected = 0;
      for (int k = i + 1; k < s->size; k++) expected += reaches(s, i, k);
      assert_int_equal(reach[i], expected);
    }
    free(reach);
    ag_segment_free(s);
    ag_graph_release(g);
  }
}

static void ports_are_the_tensors_that_cross(void **state) {
  (void)state;
  ag_random random = ag_random_stream(23, 0, 0, 0, 0);
  for (uint64_t seed = 0; seed < 300; seed++) {
    const ag_graph *g = random_graph(seed, 40);
    int first = (int)ag_random_below(&random, (uint64_t)g->size);
    int last = first + 1 + (int)ag_random_below(&random, (uint64_t)(g->size - first));
    ag_segment *s;
    int32_t *entering, *leaving;
    assert_int_equal(ag_segment_cut(g, first, last, &s, &entering, &leaving, NULL), AG_OK);
    int inputs = 0, outputs = 0;
    for (int i = 0; i < g->size; i++) {
      bool enters = false, leaves = false;
      for (int k = g->user_start[i]; k < g->user_start[i + 1]; k++) {
        enters = enters || (i < first && g->users[k] >= first && g->users[k] < last);
        leaves = leaves || (i >= first && i < last && g->users[k] >= last);
      }
      inputs += enters;
      outputs += leaves;
    }
    assert_int_equal(s->inputs, inputs);
    assert_int_equal(s->outputs, outputs);
    for (int p = 0; p < s->inputs; p++)
      assert_true(ag_shape_equal(s->input_shapes[p], g->nodes[entering[p]].out));
    for (int q = 0; q < s->outputs; q++) assert_int_equal(s->output_nodes[q], leaving[q] - first);
    assert_int_equal(ag_segment_infer(s, s->input_shapes, NULL), AG_OK);
    free(entering);
    free(leaving);
    ag_segment_free(s);
    ag_graph_release(g);
  }
}

static void putting_back_what_was_cut_changes_nothing(void **state) {
  (void)state;
  ag_random random = ag_random_stream(24, 0, 0, 0, 0);
  for (uint64_t seed = 0; seed < 300; seed++) {
    const ag_graph *g = random_graph(seed, 40), *child;
    int first = (int)ag_random_below(&random, (uint64_t)g->size);
    int last = first + 1 + (int)ag_random_below(&random, (uint64_t)(g->size - first));
    ag_segment *s;
    assert_int_equal(ag_segment_cut(g, first, last, &s, NULL, NULL, NULL), AG_OK);
    int32_t *identity = AG_ARRAY(int32_t, s->inputs + s->outputs + 1);
    for (int i = 0; i < s->inputs + s->outputs; i++) identity[i] = i;
    assert_int_equal(ag_graph_splice(g, first, last, s, identity, identity, &child, NULL), AG_OK);
    assert_int_equal(child->size, g->size);
    assert_memory_equal(child->operands, g->operands,
                        (size_t)g->operand_start[g->size] * sizeof *g->operands);
    assert_int_equal(ag_graph_flops(child), ag_graph_flops(g));
    assert_true(ag_hash_equal(ag_graph_hash(child), ag_graph_hash(g)));
    const ag_graph *none = NULL;
    identity[0] = s->inputs + s->outputs;
    if (s->inputs + s->outputs > 0)
      assert_int_equal(ag_graph_splice(g, first, last, s, identity, identity, &none, NULL),
                       AG_INVALID);
    assert_null(none);
    ag_graph_release(child);
    free(identity);
    ag_segment_free(s);
    ag_graph_release(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(window_sizes_match_counting),
      cmocka_unit_test(same_padding_divides_rounding_up),
      cmocka_unit_test(attributes_that_are_none_are_refused),
      cmocka_unit_test(operands_that_do_not_fit_are_refused),
      cmocka_unit_test(sizes_beyond_31_bits_are_refused),
      cmocka_unit_test(costs_follow_the_published_table),
      cmocka_unit_test(peak_memory_matches_a_simulation),
      cmocka_unit_test(users_mirror_operands),
      cmocka_unit_test(the_first_building_error_is_reported),
      cmocka_unit_test(graphs_need_ends_and_users),
      cmocka_unit_test(descendants_match_a_search),
      cmocka_unit_test(ports_are_the_tensors_that_cross),
      cmocka_unit_test(putting_back_what_was_cut_changes_nothing),
  };
  return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
