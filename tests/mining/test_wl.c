/* Rooted subgraphs against an enumeration that writes every unfolding down as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/mining.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "tests/support/cell_graph.h"
#include "tests/support/random_graph.h"

enum { DEPTH = 5, CELL_GRAPHS = 12, RANDOM_GRAPHS = 40, GRAPHS = CELL_GRAPHS + RANDOM_GRAPHS };
static const size_t PLENTY = (size_t)1 << 30;

static void make_corpus(const ag_graph *graphs[GRAPHS]) {
  for (int i = 0; i < CELL_GRAPHS; i++) graphs[i] = cell_graph((uint64_t)i, 2, "cells");
  for (int i = CELL_GRAPHS; i < GRAPHS; i++) graphs[i] = random_graph((uint64_t)i, 60);
}

static void free_corpus(const ag_graph *graphs[GRAPHS]) {
  for (int i = 0; i < GRAPHS; i++) ag_graph_release(graphs[i]);
}

/* --- the slow enumeration ----------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The unfolding of a node as text, operands of sums and products sorted; *nodes counts. */
static char *unfold(const ag_graph *g, int node, int depth, int64_t *nodes) {
  const ag_node *n = &g->nodes[node];
  bool sorted = n->op == AG_OP_ADD || n->op == AG_OP_MUL;
  int arity = depth > 0 ? ag_graph_arity(g, node) : 0;
  char **below = AG_ARRAY(char *, arity);
  for (int k = 0; k < arity; k++)
    below[k] = unfold(g, ag_graph_operands(g, node)[k], depth - 1, nodes);
  if (sorted) qsort(below, (size_t)arity, sizeof *below, compare_texts);
  ag_text text = {0};
  ag_text_add(&text, "%s %d %d(", ag_op_get(n->op)->name, n->kernel[0], n->kernel[1]);
  for (int k = 0; k < arity; k++) {
    ag_text_add(&text, "%s,", below[k]);
    free(below[k]);
  }
  ag_text_add(&text, ")");
  free(below);
  ++*nodes;
  return ag_text_take(&text);
}

static int longest_chain(const ag_graph *g, int node) {
  int longest = 0;
  for (int k = 0; k < ag_graph_arity(g, node); k++) {
    int above = 1 + longest_chain(g, ag_graph_operands(g, node)[k]);
    if (above > longest) longest = above;
    if (longest > DEPTH) break;
  }
  return longest;
}

typedef struct found {
  char *text;
  int32_t number;
} found;

typedef struct slow {
  found *list;
  int64_t count, capacity;
  ag_wl_level level[DEPTH + 1];
} slow;

/* The unfolding's number in ag_wl, known from its first occurrence. */
static int32_t look_up(slow *s, char *text, int depth, int32_t number) {
  int64_t i = 0;
  while (i < s->count && strcmp(s->list[i].text, text)) i++;
  if (i < s->count) {
    free(text);
    return s->list[i].number;
  }
  for (i = 0; i < s->count; i++) assert_int_not_equal(s->list[i].number, number);
  AG_GROW(s->list, s->count, s->capacity);
  s->list[s->count++] = (found){text, number};
  s->level[depth].subgraphs++;
  return number;
}

static void compare_graph(slow *s, const ag_graph *g, const int32_t *subgraphs) {
  for (int v = 0; v < g->size; v++)
    for (int d = 0; d <= DEPTH; d++) {
      int32_t number = subgraphs[v * (DEPTH + 1) + d];
      if (d > longest_chain(g, v)) {
        assert_int_equal(number, -1);
        continue;
      }
      char *text = unfold(g, v, d, &s->level[d].nodes);
      assert_int_equal(look_up(s, text, d, number), number);
      s->level[d].occurrences++;
    }
}

static void assert_levels_equal(ag_wl_level a, ag_wl_level b) {
  assert_int_equal(a.subgraphs, b.subgraphs);
  assert_int_equal(a.occurrences, b.occurrences);
  assert_int_equal(a.nodes, b.nodes);
}

static void test_the_same_subgraphs_as_written_out(void **state) {
  (void)state;
  const ag_graph *graphs[GRAPHS];
  make_corpus(graphs);
  ag_wl *wl = ag_wl_new(DEPTH, PLENTY);
  slow s = {0};
  for (int i = 0; i < GRAPHS; i++) {
    int32_t *subgraphs = AG_ARRAY(int32_t, graphs[i]->size * (DEPTH + 1));
    assert_int_equal(ag_wl_add(wl, graphs[i], subgraphs, NULL), AG_OK);
    compare_graph(&s, graphs[i], subgraphs);
    free(subgraphs);
  }
  assert_int_equal(ag_wl_graphs(wl), GRAPHS);
  assert_int_equal(ag_wl_size(wl), s.count);
  assert_true(s.count > 500);
  for (int d = 0; d <= DEPTH; d++) assert_levels_equal(ag_wl_at(wl, d), s.level[d]);
  for (int64_t i = 0; i < s.count; i++) free(s.list[i].text);
  free(s.list);
  ag_wl_free(wl);
  free_corpus(graphs);
}

/* --- what is kept ------------------------------------------------------------------------- */

/* The text of a kept subgraph, in the form of `unfold`. */
static char *read_back(const ag_wl *wl, int64_t number) {
  ag_rooted r = ag_wl_get(wl, number);
  char **below = AG_ARRAY(char *, r.arity);
  for (int k = 0; k < r.arity; k++) below[k] = read_back(wl, r.operands[k]);
  if (r.op == AG_OP_ADD || r.op == AG_OP_MUL)
    qsort(below, (size_t)r.arity, sizeof *below, compare_texts);
  ag_text text = {0};
  ag_text_add(&text, "%s %d %d(", ag_op_get(r.op)->name, r.kernel[0], r.kernel[1]);
  for (int k = 0; k < r.arity; k++) {
    ag_text_add(&text, "%s,", below[k]);
    free(below[k]);
  }
  ag_text_add(&text, ")");
  free(below);
  return ag_text_take(&text);
}

static void test_subgraphs_read_back(void **state) {
  (void)state;
  const ag_graph *graphs[GRAPHS];
  make_corpus(graphs);
  ag_wl *wl = ag_wl_new(DEPTH, PLENTY);
  int64_t counted = 0, occurrences = 0;
  for (int i = 0; i < GRAPHS; i++) {
    const ag_graph *g = graphs[i];
    int32_t *subgraphs = AG_ARRAY(int32_t, g->size * (DEPTH + 1));
    assert_int_equal(ag_wl_add(wl, g, subgraphs, NULL), AG_OK);
    for (int j = 0; j < g->size * (DEPTH + 1); j++) {
      if (subgraphs[j] < 0) continue;
      int64_t nodes = 0;
      char *expected = unfold(g, j / (DEPTH + 1), j % (DEPTH + 1), &nodes);
      char *kept = read_back(wl, subgraphs[j]);
      ag_rooted r = ag_wl_get(wl, subgraphs[j]);
      assert_string_equal(kept, expected);
      assert_int_equal(r.nodes, nodes);
      assert_int_equal(r.depth, j % (DEPTH + 1));
      occurrences++;
      free(kept);
      free(expected);
    }
    free(subgraphs);
  }
  for (int64_t i = 0; i < ag_wl_size(wl); i++) counted += ag_wl_get(wl, i).count;
  assert_int_equal(counted, occurrences);
  ag_wl_free(wl);
  free_corpus(graphs);
}

static void test_order_does_not_count(void **state) {
  (void)state;
  const ag_graph *graphs[GRAPHS];
  make_corpus(graphs);
  ag_wl *forth = ag_wl_new(DEPTH, PLENTY), *back = ag_wl_new(DEPTH, PLENTY);
  for (int i = 0; i < GRAPHS; i++) {
    const ag_graph *other = renumbered_graph(graphs[GRAPHS - 1 - i], (uint64_t)i, NULL);
    assert_int_equal(ag_wl_add(forth, graphs[i], NULL, NULL), AG_OK);
    assert_int_equal(ag_wl_add(back, other, NULL, NULL), AG_OK);
    ag_graph_release(other);
  }
  for (int d = 0; d <= DEPTH; d++) assert_levels_equal(ag_wl_at(forth, d), ag_wl_at(back, d));
  ag_wl_free(forth);
  ag_wl_free(back);
  free_corpus(graphs);
}

/* --- bounds ------------------------------------------------------------------------------- */

/* Stopping at any budget leaves the counts of the graphs before. */
static void test_the_budget_holds(void **state) {
  (void)state;
  const ag_graph *graphs[GRAPHS];
  make_corpus(graphs);
  int stopped = 0;
  for (size_t budget = 1 << 10; budget < (size_t)4 << 20; budget += budget / 2) {
    ag_wl *wl = ag_wl_new(DEPTH, budget), *before = ag_wl_new(DEPTH, PLENTY);
    ag_status status = AG_OK;
    for (int i = 0; i < GRAPHS && !status; i++) {
      ag_error err;
      status = ag_wl_add(wl, graphs[i], NULL, &err);
      assert_true(ag_wl_bytes(wl) <= budget);
      if (!status) assert_int_equal(ag_wl_add(before, graphs[i], NULL, NULL), AG_OK);
      if (status) assert_non_null(strstr(err.message, "rooted subgraphs"));
    }
    assert_true(status == AG_OK || status == AG_LIMIT);
    stopped += status == AG_LIMIT;
    assert_int_equal(ag_wl_graphs(wl), ag_wl_graphs(before));
    for (int d = 0; d <= DEPTH; d++) assert_levels_equal(ag_wl_at(wl, d), ag_wl_at(before, d));
    ag_wl_free(wl);
    ag_wl_free(before);
  }
  assert_true(stopped > 5);
  free_corpus(graphs);
}

static const ag_graph *doubling_chain(int sums, int arity) {
  ag_builder *b = ag_builder_new("chain");
  ag_node input = ag_node_make(AG_OP_INPUT);
  input.out = (ag_shape){8, 8, 4};
  int x = ag_builder_add(b, input, NULL, 0, NULL);
  int *operands = AG_ARRAY(int, arity);
  for (int i = 0; i < sums; i++) {
    for (int k = 0; k < arity; k++) operands[k] = x;
    x = ag_builder_add(b, ag_node_make(AG_OP_ADD), operands, arity, NULL);
  }
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &x, 1, NULL);
  free(operands);
  const ag_graph *graph;
  assert_int_equal(ag_builder_finish(b, &graph, NULL), AG_OK);
  return graph;
}

/* x + x + ... of x + x + ...: the trees outgrow any memory, what is kept does not. */
static void test_exponential_trees(void **state) {
  (void)state;
  const ag_graph *narrow = doubling_chain(40, 2), *wide = doubling_chain(40, 64);
  ag_wl *wl = ag_wl_new(AG_WL_MAX_DEPTH, (size_t)1 << 20);
  assert_int_equal(ag_wl_add(wl, narrow, NULL, NULL), AG_OK);
  ag_wl_level deepest = ag_wl_at(wl, AG_WL_MAX_DEPTH);
  /* add in the middle, add above 16 of them the input, output above all */
  assert_int_equal(deepest.subgraphs, 3);
  assert_int_equal(deepest.occurrences, 40 - 15 + 1);
  assert_int_equal(deepest.nodes, 25 * ((INT64_C(1) << 17) - 1) + (INT64_C(1) << 16));
  assert_int_equal(ag_wl_add(wl, wide, NULL, NULL), AG_OK);
  assert_true(ag_wl_at(wl, AG_WL_MAX_DEPTH).nodes == INT64_MAX);
  ag_wl_free(wl);
  ag_graph_release(narrow);
  ag_graph_release(wide);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_same_subgraphs_as_written_out),
      cmocka_unit_test(test_subgraphs_read_back),
      cmocka_unit_test(test_order_does_not_count),
      cmocka_unit_test(test_the_budget_holds),
      cmocka_unit_test(test_exponential_trees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
