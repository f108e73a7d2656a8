/* The canonical order: one sequence for all numberings, branches in one piece, the same block in
 * the same order wherever it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/graph.h"
#include "autogo/mining.h"
#include "engine/base/alloc.h"
#include "tests/support/random_graph.h"

static const ag_graph *finish(ag_builder *b) {
  const ag_graph *g = NULL;
  ag_error err;
  char text[1024];
  if (ag_builder_finish(b, &g, &err)) fail_msg("%s", ag_error_text(&err, text, sizeof text));
  return g;
}

static int unary(ag_builder *b, ag_op op, int kernel, int channels, int operand) {
  ag_node n = ag_node_make(op);
  if (op == AG_OP_CONV) n.kernel[0] = n.kernel[1] = kernel, n.out.c = channels;
  return ag_builder_add(b, n, &operand, 1, NULL);
}

static int conv(ag_builder *b, int kernel, int channels, int x) {
  return unary(b, AG_OP_BATCHNORM, 0, 0, unary(b, AG_OP_CONV, kernel, channels, x));
}

static int sum(ag_builder *b, int x, int y) {
  return ag_builder_add(b, ag_node_make(AG_OP_ADD), (int[]){x, y}, 2, NULL);
}

static int start(ag_builder *b, int channels) {
  ag_node input = ag_node_make(AG_OP_INPUT);
  input.out = (ag_shape){16, 16, channels};
  return ag_builder_add(b, input, NULL, 0, NULL);
}

/* "conv3 batchnorm relu ..." of nodes [first, last). */
static char *spell(const ag_graph *g, int first, int last, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (int i = first; i < last && used < size; i++) {
    const ag_node *n = &g->nodes[i];
    const char *name = ag_op_get(n->op)->name;
    used += (size_t)(n->op == AG_OP_CONV
                         ? snprintf(text + used, size - used, "%s%d ", name, n->kernel[0])
                         : snprintf(text + used, size - used, "%s ", name));
  }
  return text;
}

static void assert_same_graph(const ag_graph *a, const ag_graph *b) {
  assert_int_equal(a->size, b->size);
  for (int i = 0; i < a->size; i++) {
    char x[4096], y[4096];
    assert_true(ag_hash_equal(ag_node_hash(&a->nodes[i], AG_EQUAL_SHAPES),
                              ag_node_hash(&b->nodes[i], AG_EQUAL_SHAPES)));
    assert_string_equal(ag_node_token_label(a, i, x, sizeof x),
                        ag_node_token_label(b, i, y, sizeof y));
  }
}

static void all_numberings_give_one_sequence(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 400; seed++) {
    const ag_graph *g = random_graph(seed, 6 + (int)(seed % 150));
    const ag_graph *want = ag_graph_canonical(g, NULL);
    assert_int_equal(ag_graph_check(want, NULL), AG_OK);
    for (uint64_t k = 0; k < 3; k++) {
      const ag_graph *other = renumbered_graph(g, 3 * seed + k, NULL);
      const ag_graph *got = ag_graph_canonical(other, NULL);
      assert_same_graph(want, got);
      ag_graph_release(got);
      ag_graph_release(other);
    }
    ag_graph_release(want);
    ag_graph_release(g);
  }
}

static void it_is_the_same_graph(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 100; seed++) {
    const ag_graph *g = random_graph(seed, 60);
    int32_t *order = AG_ARRAY(int32_t, g->size);
    const ag_graph *c = ag_graph_canonical(g, order), *again = ag_graph_canonical(c, NULL);
    assert_true(ag_graph_isomorphic(g, c, AG_EQUAL_SHAPES, NULL));
    assert_same_graph(c, again);
    const ag_graph *same = reordered_graph(g, order);
    assert_int_equal(memcmp(same->nodes, c->nodes, (size_t)c->size * sizeof *c->nodes), 0);
    size_t slots = (size_t)c->operand_start[c->size];
    assert_int_equal(memcmp(same->operands, c->operands, slots * sizeof *c->operands), 0);
    assert_int_equal(memcmp(same->users, c->users, slots * sizeof *c->users), 0);
    free(order);
    ag_graph_release(same);
    ag_graph_release(again);
    ag_graph_release(c);
    ag_graph_release(g);
  }
}

static void what_came_with_the_graph_stays(void **state) {
  (void)state;
  ag_builder *b = ag_builder_new("named");
  ag_builder_set_family(b, "nb201");
  ag_builder_set_normalisers(b, (ag_shape){256, 256, 512});
  ag_builder_set_dynamic_batch(b, true);
  ag_record record = {.transposed = true};
  ag_node input = ag_node_make(AG_OP_INPUT), dense = ag_node_make(AG_OP_MATMUL);
  input.out = (ag_shape){1, 1, 8};
  dense.out.c = 4, dense.record = ag_store_add(ag_builder_store(b), &record);
  int x = ag_builder_add(b, input, NULL, 0, "pixels");
  int brief = unary(b, AG_OP_RELU, 0, 0, ag_builder_add(b, dense, &x, 1, "short"));
  int lengthy = unary(b, AG_OP_TANH, 0, 0, ag_builder_add(b, dense, &x, 1, "long"));
  lengthy = unary(b, AG_OP_SIGMOID, 0, 0, lengthy);
  unary(b, AG_OP_OUTPUT, 0, 0, sum(b, brief, lengthy));
  const ag_graph *g = finish(b), *c = ag_graph_canonical(g, NULL);
  assert_string_equal(c->name, "named");
  assert_string_equal(c->family, "nb201");
  assert_int_equal(c->normalisers.c, 512);
  assert_true(c->dynamic_batch);
  assert_string_equal(c->names[1], "long"); /* the longer branch goes first */
  assert_true(ag_store_get(c->store, c->nodes[1].record)->transposed);
  ag_graph_release(g);
  ag_graph_release(c);
}

/* fork -> (conv3 bn relu conv3 bn | conv1 bn) -> add relu, in any numbering. */
static int block(ag_builder *b, int channels, int x) {
  int side = conv(b, 1, channels, x);
  int main_path = conv(b, 3, channels, unary(b, AG_OP_RELU, 0, 0, conv(b, 3, channels, x)));
  return unary(b, AG_OP_RELU, 0, 0, sum(b, side, main_path));
}

static void branches_stay_in_one_piece(void **state) {
  (void)state;
  ag_builder *b = ag_builder_new("blocks");
  int x = start(b, 8);
  for (int i = 0; i < 5; i++) x = block(b, 8 << i, x);
  unary(b, AG_OP_OUTPUT, 0, 0, x);
  const ag_graph *g = finish(b);
  for (uint64_t seed = 0; seed < 20; seed++) {
    const ag_graph *other = renumbered_graph(g, seed, NULL), *c = ag_graph_canonical(other, NULL);
    char text[256];
    for (int i = 0; i < 5; i++)
      assert_string_equal(spell(c, 1 + 9 * i, 10 + 9 * i, text, sizeof text),
                          "conv3 batchnorm relu conv3 batchnorm conv1 batchnorm add relu ");
    ag_graph_release(c);
    ag_graph_release(other);
  }
  ag_graph_release(g);
}

/* A cell of NB-201 with its four kinds of branches, each of its siblings of equal length told
 * apart only four nodes further on, and the channel counts changing from cell to cell. */
static int cell(ag_builder *b, int channels, int x, bool mirrored) {
  int branch[2];
  for (int i = 0; i < 2; i++) {
    int end = conv(b, 3, channels, x);
    end = unary(b, AG_OP_RELU, 0, 0, end);
    branch[i] = conv(b, i == (int)mirrored ? 3 : 1, channels, end);
  }
  return sum(b, branch[0], branch[1]);
}

static void equal_blocks_are_ordered_equally_everywhere(void **state) {
  (void)state;
  ag_builder *b = ag_builder_new("cells");
  int x = start(b, 8), size = 11;
  for (int i = 0; i < 12; i++) x = cell(b, 8 * (1 + i * i % 7), x, i % 3 == 0);
  for (int i = 0; i < 3; i++) x = unary(b, AG_OP_TANH, 0, 0, x);
  unary(b, AG_OP_OUTPUT, 0, 0, x);
  const ag_graph *g = finish(b), *c = ag_graph_canonical(g, NULL);
  char first[256], text[256];
  spell(c, 1, 1 + size, first, sizeof first);
  for (int i = 1; i < 12; i++)
    assert_string_equal(spell(c, 1 + size * i, 1 + size * (i + 1), text, sizeof text), first);
  ag_graph_release(c);
  ag_graph_release(g);
}

/* Branches alike in kind are put in order by stride, which a scaled copy of the block shares. */
static void strides_break_ties_equally_at_every_scale(void **state) {
  (void)state;
  ag_builder *b = ag_builder_new("strides");
  int x = start(b, 4);
  for (int i = 0; i < 3; i++) {
    int ends[2];
    for (int k = 0; k < 2; k++) {
      ends[k] = x;
      for (int step = 0; step < 2; step++) {
        ag_node n = ag_node_make(AG_OP_CONV);
        n.kernel[0] = n.kernel[1] = 3, n.out.c = 8 << i;
        n.stride[0] = n.stride[1] = (step == k) != (i == 1) ? 2 : 1;
        ends[k] = ag_builder_add(b, n, &ends[k], 1, NULL);
      }
    }
    x = sum(b, ends[0], ends[1]);
  }
  unary(b, AG_OP_OUTPUT, 0, 0, x);
  const ag_graph *g = finish(b), *c = ag_graph_canonical(g, NULL);
  for (int i = 1; i < 3; i++)
    for (int k = 0; k < 5; k++)
      assert_int_equal(c->nodes[1 + k].stride[0], c->nodes[1 + 5 * i + k].stride[0]);
  ag_graph_release(c);
  ag_graph_release(g);
}

/* Joins wait for their branches: nothing stands between the last branch and its join. */
static void a_join_follows_its_last_operand(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 100; seed++) {
    const ag_graph *g = random_graph(seed, 60), *c = ag_graph_canonical(g, NULL);
    for (int i = 1; i < c->size; i++) {
      int last = -1;
      for (int k = 0; k < ag_graph_arity(c, i); k++)
        if (ag_graph_operands(c, i)[k] > last) last = ag_graph_operands(c, i)[k];
      /* Between a node and the operand that made it ready lie only nodes that this operand, or
       * one of those, made ready before it. */
      for (int between = last + 1; between < i; between++) {
        int newest = -1;
        for (int k = 0; k < ag_graph_arity(c, between); k++)
          if (ag_graph_operands(c, between)[k] > newest) newest = ag_graph_operands(c, between)[k];
        assert_true(newest >= last);
      }
    }
    ag_graph_release(c);
    ag_graph_release(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_numberings_give_one_sequence),
      cmocka_unit_test(it_is_the_same_graph),
      cmocka_unit_test(what_came_with_the_graph_stays),
      cmocka_unit_test(branches_stay_in_one_piece),
      cmocka_unit_test(equal_blocks_are_ordered_equally_everywhere),
      cmocka_unit_test(strides_break_ties_equally_at_every_scale),
      cmocka_unit_test(a_join_follows_its_last_operand),
  };
  return cmocka_run_group_tests_name("canonical", tests, NULL, NULL);
}
