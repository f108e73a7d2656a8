/* Hashes: equal under renumbering, different after any single change, composable from parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/segment.h"
#include "engine/base/alloc.h"
#include "tests/support/random_graph.h"

static void node_attributes_count(void **state) {
  (void)state;
  ag_node base = ag_node_make(AG_OP_CONV), changed[16];
  base.kernel[0] = base.kernel[1] = 3;
  base.in = base.out = (ag_shape){8, 8, 16};
  int kinds = 0, all = 0;
  for (int i = 0; i < 16; i++) changed[i] = base;
  /* Changes of kind come first. */
  changed[kinds++].op = AG_OP_TRANSPOSED_CONV;
  changed[kinds++].kernel[0] = 5;
  changed[kinds++].kernel[1] = 5;
  changed[kinds++].dilation[1] = 2;
  changed[kinds++].bias = 1;
  changed[kinds++].padding = AG_PAD_VALID;
  changed[kinds++].flags = AG_FLAG_CEIL;
  changed[kinds++].groups = 4;
  all = kinds;
  changed[all++].stride[0] = 2;
  changed[all++].stride[1] = 2;
  changed[all++].in.c = 32;
  changed[all++].in.h = 9;
  changed[all++].out.w = 4;
  changed[all++].out.c = 4;
  changed[all++].pads[2] = 1;
  for (int i = 0; i < all; i++) {
    bool same_kind =
        ag_hash_equal(ag_node_hash(&changed[i], AG_EQUAL_KIND), ag_node_hash(&base, AG_EQUAL_KIND));
    assert_int_equal(same_kind, i >= kinds);
    assert_false(ag_hash_equal(ag_node_hash(&changed[i], AG_EQUAL_SHAPES),
                               ag_node_hash(&base, AG_EQUAL_SHAPES)));
    assert_false(ag_hash_equal(ag_node_signature(&changed[i], 1), ag_node_signature(&base, 1)));
  }
  assert_false(ag_hash_equal(ag_node_signature(&base, 1), ag_node_signature(&base, 2)));
  ag_node weights = base;
  weights.record = 7;
  assert_true(
      ag_hash_equal(ag_node_hash(&weights, AG_EQUAL_SHAPES), ag_node_hash(&base, AG_EQUAL_SHAPES)));
}

static void groups_of_a_depthwise_are_shape(void **state) {
  (void)state;
  ag_node a = ag_node_make(AG_OP_DEPTHWISE), b = a;
  a.groups = 1, b.groups = 32;
  assert_true(ag_hash_equal(ag_node_hash(&a, AG_EQUAL_KIND), ag_node_hash(&b, AG_EQUAL_KIND)));
}

static void slope_counts_and_epsilon_does_not(void **state) {
  (void)state;
  ag_node a = ag_node_make(AG_OP_LEAKYRELU), b = a;
  a.alpha = 0.1f, b.alpha = 0.2f;
  assert_false(ag_hash_equal(ag_node_hash(&a, AG_EQUAL_SHAPES), ag_node_hash(&b, AG_EQUAL_SHAPES)));
  a.op = b.op = AG_OP_BATCHNORM;
  assert_true(ag_hash_equal(ag_node_hash(&a, AG_EQUAL_SHAPES), ag_node_hash(&b, AG_EQUAL_SHAPES)));
}

static void renumbering_keeps_the_graph_hash(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 300; seed++) {
    const ag_graph *g = random_graph(seed, 8 + (int)(seed % 90));
    const ag_graph *other = renumbered_graph(g, seed, NULL);
    assert_true(ag_hash_equal(ag_graph_hash(g), ag_graph_hash(other)));
    ag_graph_release(other);
    ag_graph_release(g);
  }
}

static void different_graphs_differ(void **state) {
  (void)state;
  enum { GRAPHS = 400 };
  ag_hash *hashes = AG_ARRAY(ag_hash, GRAPHS);
  for (int i = 0; i < GRAPHS; i++) {
    const ag_graph *g = random_graph((uint64_t)i, 30);
    hashes[i] = ag_graph_hash(g);
    for (int k = 0; k < i; k++) assert_false(ag_hash_equal(hashes[i], hashes[k]));
    ag_graph_release(g);
  }
  free(hashes);
}

/* relu -> add(x, x) -> output, with the operands of the add given. */
static const ag_graph *joined(ag_op join, int twins, int first, int second) {
  ag_builder *b = ag_builder_new("joined");
  ag_node input = ag_node_make(AG_OP_INPUT);
  input.out = (ag_shape){8, 8, 4};
  int x = ag_builder_add(b, input, NULL, 0, NULL), branch[2];
  for (int i = 0; i < twins; i++)
    branch[i] = ag_builder_add(b, ag_node_make(AG_OP_RELU), &x, 1, NULL);
  int operands[2] = {first < 0 ? x : branch[first], second < 0 ? x : branch[second]};
  int sum = ag_builder_add(b, ag_node_make(join), operands, 2, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &sum, 1, NULL);
  const ag_graph *g = NULL;
  ag_error err;
  assert_int_equal(ag_builder_finish(b, &g, &err), AG_OK);
  return g;
}

static void assert_hashes(const ag_graph *a, const ag_graph *b, bool equal) {
  assert_int_equal(ag_hash_equal(ag_graph_hash(a), ag_graph_hash(b)), equal);
  ag_graph_release(a);
  ag_graph_release(b);
}

static void multiplicity_and_order_of_operands(void **state) {
  (void)state;
  assert_hashes(joined(AG_OP_ADD, 1, 0, 0), joined(AG_OP_ADD, 2, 0, 1), false);
  assert_hashes(joined(AG_OP_ADD, 1, 0, 0), joined(AG_OP_ADD, 1, 0, -1), false);
  assert_hashes(joined(AG_OP_ADD, 1, -1, 0), joined(AG_OP_ADD, 1, 0, -1), true);
  assert_hashes(joined(AG_OP_MUL, 1, -1, 0), joined(AG_OP_MUL, 1, 0, -1), true);
  assert_hashes(joined(AG_OP_MUL, 1, -1, 0), joined(AG_OP_ADD, 1, 0, -1), false);
  assert_hashes(joined(AG_OP_CONCAT, 1, -1, 0), joined(AG_OP_CONCAT, 1, 0, -1), false);
}

/* What a search does: subtract the terms of what went, add those of what came. */
static void a_graph_hash_follows_from_its_parts(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 50; seed++) {
    const ag_graph *g = random_graph(seed, 40);
    ag_hash *forward = AG_ARRAY(ag_hash, g->size), row[64], all = {0, 0}, outputs = {0, 0};
    ag_hash detour = {seed, ~seed};
    for (int i = 0; i < g->size; i++) {
      for (int k = 0; k < ag_graph_arity(g, i); k++) row[k] = forward[ag_graph_operands(g, i)[k]];
      forward[i] = ag_node_hash_forward(&g->nodes[i], row, ag_graph_arity(g, i));
      all = ag_hash_add(all, ag_hash_multiset_term(forward[i]));
      if (g->nodes[i].op == AG_OP_OUTPUT)
        outputs = ag_hash_add(outputs, ag_hash_multiset_term(forward[i]));
    }
    all = ag_hash_subtract(ag_hash_add(all, detour), detour);
    assert_true(ag_hash_equal(ag_hash_finish_graph(outputs, all, g->size), ag_graph_hash(g)));
    free(forward);
    ag_graph_release(g);
  }
}

static ag_segment *cut(const ag_graph *g, int first, int last) {
  ag_segment *s = NULL;
  assert_int_equal(ag_segment_cut(g, first, last, &s, NULL, NULL, NULL), AG_OK);
  return s;
}

/* conv, relu and an add whose second operand is either the tensor that enters the conv or
 * another one: one port or two. */
static ag_segment *residual(bool one_port) {
  ag_segment *s = ag_segment_new(2, 3, one_port ? 1 : 2, 1);
  s->nodes[0] = ag_node_make(AG_OP_RELU);
  s->nodes[1] = ag_node_make(AG_OP_ADD);
  s->operand_start[1] = 1, s->operand_start[2] = 3;
  s->operands[0] = ~0, s->operands[1] = 0, s->operands[2] = one_port ? ~0 : ~1;
  for (int i = 0; i < 2; i++) s->nodes[i].in = s->nodes[i].out = (ag_shape){4, 4, 8};
  for (int p = 0; p < s->inputs; p++) s->input_shapes[p] = (ag_shape){4, 4, 8};
  s->output_nodes[0] = 1;
  return s;
}

static void segment_ports_count(void **state) {
  (void)state;
  ag_segment *one = residual(true), *two = residual(false);
  for (ag_equality e = AG_EQUAL_KIND; e <= AG_EQUAL_SHAPES; e++)
    assert_false(ag_hash_equal(ag_segment_hash(one, e), ag_segment_hash(two, e)));
  /* A tensor that leaves in the middle is another segment. */
  ag_segment *open = ag_segment_new(2, 3, 2, 2);
  ag_hash before = ag_segment_hash(two, AG_EQUAL_KIND);
  memcpy(open->nodes, two->nodes, 2 * sizeof *two->nodes);
  memcpy(open->operand_start, two->operand_start, 3 * sizeof(int32_t));
  memcpy(open->operands, two->operands, 3 * sizeof(int32_t));
  open->output_nodes[0] = 0, open->output_nodes[1] = 1;
  assert_false(ag_hash_equal(ag_segment_hash(open, AG_EQUAL_KIND), before));
  /* The numbering of ports is not. */
  two->operands[0] = ~1, two->operands[2] = ~0;
  assert_true(ag_hash_equal(ag_segment_hash(two, AG_EQUAL_KIND), before));
  ag_segment_free(one);
  ag_segment_free(two);
  ag_segment_free(open);
}

static void segment_kind_ignores_shapes(void **state) {
  (void)state;
  ag_segment *a = residual(false), *b = residual(false);
  for (int i = 0; i < 2; i++) b->nodes[i].in.c = b->nodes[i].out.c = b->input_shapes[i].c = 64;
  assert_true(ag_hash_equal(ag_segment_hash(a, AG_EQUAL_KIND), ag_segment_hash(b, AG_EQUAL_KIND)));
  assert_false(
      ag_hash_equal(ag_segment_hash(a, AG_EQUAL_SHAPES), ag_segment_hash(b, AG_EQUAL_SHAPES)));
  ag_segment_free(a);
  ag_segment_free(b);
}

/* A whole graph as a segment is the same under every numbering. */
static void renumbering_keeps_the_segment_hash(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 200; seed++) {
    const ag_graph *g = random_graph(seed, 24), *other = renumbered_graph(g, seed + 1, NULL);
    ag_segment *a = cut(g, 0, g->size), *b = cut(other, 0, other->size);
    for (ag_equality e = AG_EQUAL_KIND; e <= AG_EQUAL_SHAPES; e++)
      assert_true(ag_hash_equal(ag_segment_hash(a, e), ag_segment_hash(b, e)));
    ag_segment_free(a);
    ag_segment_free(b);
    ag_graph_release(g);
    ag_graph_release(other);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(node_attributes_count),
      cmocka_unit_test(groups_of_a_depthwise_are_shape),
      cmocka_unit_test(slope_counts_and_epsilon_does_not),
      cmocka_unit_test(renumbering_keeps_the_graph_hash),
      cmocka_unit_test(different_graphs_differ),
      cmocka_unit_test(multiplicity_and_order_of_operands),
      cmocka_unit_test(a_graph_hash_follows_from_its_parts),
      cmocka_unit_test(segment_ports_count),
      cmocka_unit_test(segment_kind_ignores_shapes),
      cmocka_unit_test(renumbering_keeps_the_segment_hash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
