/* Matching: one to one, of one kind, without a circle, and in full where graphs are equal. What it
 * says is compared with a slow matcher in tests/lua/diff_spec.lua. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/random.h"
#include "tests/support/random_graph.h"

enum { CASES = 300, NODES = 60 };

static bool alike(const ag_node *p, const ag_node *q) {
  return p->op == q->op && p->bias == q->bias && p->groups == q->groups &&
         memcmp(p->kernel, q->kernel, sizeof p->kernel) == 0 &&
         memcmp(p->stride, q->stride, sizeof p->stride) == 0 &&
         memcmp(p->dilation, q->dilation, sizeof p->dilation) == 0;
}

/* Each node of `a` at most once, and only for one that is alike; returns how many are matched. */
static int check_pairs(const ag_graph *a, const ag_graph *b, const int32_t *origin) {
  bool *taken = AG_ARRAY(bool, a->size);
  int matched = 0;
  for (int j = 0; j < b->size; j++) {
    if (origin[j] == -1) continue;
    assert_in_range(origin[j], 0, a->size - 1);
    assert_false(taken[origin[j]]);
    assert_true(alike(&a->nodes[origin[j]], &b->nodes[j]));
    taken[origin[j]] = true;
    matched++;
  }
  free(taken);
  return matched;
}

/* Both graphs laid on top of each other: node j of `b` is vertex at[j]. Rows grow along the edges
 * of either until nothing moves; with a circle they would grow for ever. */
static void check_no_circle(const ag_graph *a, const ag_graph *b, const int32_t *origin) {
  int count = a->size;
  int32_t *at = AG_ARRAY(int32_t, b->size), *row = AG_ARRAY(int32_t, a->size + b->size);
  for (int j = 0; j < b->size; j++) at[j] = origin[j] >= 0 ? origin[j] : count++;
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = 0; i < a->size + b->size; i++) {
      bool first = i < a->size;
      const ag_graph *g = first ? a : b;
      int node = first ? i : i - a->size, v = first ? i : at[node];
      for (int k = 0; k < ag_graph_arity(g, node); k++) {
        int operand = ag_graph_operands(g, node)[k], u = first ? operand : at[operand];
        if (row[u] < row[v]) continue;
        row[v] = row[u] + 1;
        assert_in_range(row[v], 0, count);
        moved = true;
      }
    }
  }
  free(at);
  free(row);
}

static void matches_are_pairs_without_a_circle(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < CASES; seed++) {
    const ag_graph *a = random_graph(seed, 4 + (int)(seed % NODES));
    const ag_graph *b = random_graph(seed + CASES, 4 + (int)(seed * 7 % NODES));
    int32_t *origin = AG_ARRAY(int32_t, b->size);
    ag_graph_match(a, b, origin);
    check_pairs(a, b, origin);
    check_no_circle(a, b, origin);
    free(origin);
    ag_graph_release(a);
    ag_graph_release(b);
  }
}

static void a_graph_matches_itself_in_place(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < CASES; seed++) {
    const ag_graph *g = random_graph(seed, NODES);
    int32_t *origin = AG_ARRAY(int32_t, g->size);
    ag_graph_match(g, g, origin);
    assert_int_equal(check_pairs(g, g, origin), g->size);
    check_no_circle(g, g, origin);
    free(origin);
    ag_graph_release(g);
  }
}

/* A node that was put before the output is new, all others are not. */
static void what_was_added_is_new(void **state) {
  (void)state;
  ag_builder *builders[2] = {ag_builder_new("without"), ag_builder_new("with")};
  const ag_graph *graphs[2];
  for (int k = 0; k < 2; k++) {
    ag_node input = ag_node_make(AG_OP_INPUT), conv = ag_node_make(AG_OP_CONV);
    input.out = (ag_shape){8, 8, 3};
    conv.kernel[0] = conv.kernel[1] = 3;
    conv.out.c = 4;
    int x = ag_builder_add(builders[k], input, NULL, 0, NULL);
    x = ag_builder_add(builders[k], conv, &x, 1, NULL);
    if (k == 1) x = ag_builder_add(builders[k], ag_node_make(AG_OP_RELU), &x, 1, NULL);
    ag_builder_add(builders[k], ag_node_make(AG_OP_OUTPUT), &x, 1, NULL);
    assert_int_equal(ag_builder_finish(builders[k], &graphs[k], NULL), AG_OK);
  }
  int32_t origin[4], back[3];
  ag_graph_match(graphs[0], graphs[1], origin);
  assert_memory_equal(origin, ((int32_t[]){0, 1, -1, 2}), sizeof origin);
  ag_graph_match(graphs[1], graphs[0], back);
  assert_memory_equal(back, ((int32_t[]){0, 1, 3}), sizeof back);
  for (int k = 0; k < 2; k++) ag_graph_release(graphs[k]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(matches_are_pairs_without_a_circle),
                                     cmocka_unit_test(a_graph_matches_itself_in_place),
                                     cmocka_unit_test(what_was_added_is_new)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
