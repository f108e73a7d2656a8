/* Isomorphism: against the slow matcher on small graphs, under renumbering, after
 * single changes, and on the shapes that lead a naive search astray. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "autogo/segment.h"
#include "engine/base/alloc.h"
#include "engine/base/random.h"
#include "tests/support/random_graph.h"
#include "tests/support/slow_match.h"

/* --- helpers ------------------------------------------------------------------------------ */

static ag_segment *cut(const ag_graph *g, int first, int last) {
  ag_segment *s = NULL;
  assert_int_equal(ag_segment_cut(g, first, last, &s, NULL, NULL, NULL), AG_OK);
  return s;
}

static const ag_graph *finish(ag_builder *b) {
  const ag_graph *g = NULL;
  ag_error err;
  char text[1024];
  if (ag_builder_finish(b, &g, &err)) fail_msg("%s", ag_error_text(&err, text, sizeof text));
  return g;
}

/* Is `map` an isomorphism, by the definition? */
static void check_map(const ag_graph *a, const ag_graph *b, const int32_t *map) {
  bool *taken = AG_ARRAY(bool, b->size);
  for (int v = 0; v < a->size; v++) {
    int w = map[v], count = ag_graph_arity(a, v);
    assert_true(w >= 0 && w < b->size && !taken[w]);
    taken[w] = true;
    assert_int_equal(a->nodes[v].op, b->nodes[w].op);
    assert_int_equal(count, ag_graph_arity(b, w));
    bool ordered = a->nodes[v].op != AG_OP_ADD && a->nodes[v].op != AG_OP_MUL;
    for (int k = 0; k < count; k++) {
      int32_t want = map[ag_graph_operands(a, v)[k]], mine = 0, theirs = 0;
      if (ordered) assert_int_equal(want, ag_graph_operands(b, w)[k]);
      for (int j = 0; j < count; j++) {
        mine += map[ag_graph_operands(a, v)[j]] == want;
        theirs += ag_graph_operands(b, w)[j] == want;
      }
      assert_int_equal(mine, theirs);
    }
  }
  free(taken);
}

/* --- tests -------------------------------------------------------------------------------- */

static void renumbered_graphs_are_isomorphic(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 300; seed++) {
    const ag_graph *g = random_graph(seed, 6 + (int)(seed % 120));
    const ag_graph *other = renumbered_graph(g, seed, NULL);
    int32_t *map = AG_ARRAY(int32_t, g->size);
    for (ag_equality e = AG_EQUAL_KIND; e <= AG_EQUAL_SHAPES; e++) {
      assert_true(ag_graph_isomorphic(g, other, e, map));
      check_map(g, other, map);
    }
    free(map);
    ag_graph_release(g);
    ag_graph_release(other);
  }
}

enum { CHANGES = 5 };

/* Change one attribute so that the graph stays valid; false if the node has none such. */
static bool change_node(ag_node *n, uint64_t what) {
  switch (what) {
  case 0: /* another activation */
    if (n->op != AG_OP_RELU && n->op != AG_OP_RELU6) return false;
    n->op = n->op == AG_OP_RELU ? AG_OP_RELU6 : AG_OP_RELU;
    return true;
  case 1:
    if (n->op != AG_OP_CONV) return false;
    n->bias = !n->bias;
    return true;
  case 2: /* a larger kernel, same output */
    if (n->op != AG_OP_CONV && n->op != AG_OP_DEPTHWISE) return false;
    if (n->padding != AG_PAD_SAME) return false;
    n->kernel[1] += 2;
    return true;
  case 3:
    if (n->op != AG_OP_MAXPOOL && n->op != AG_OP_AVGPOOL) return false;
    n->op = n->op == AG_OP_MAXPOOL ? AG_OP_AVGPOOL : AG_OP_MAXPOOL;
    return true;
  default:
    if (n->op != AG_OP_ADD && n->op != AG_OP_MUL) return false;
    n->op = n->op == AG_OP_ADD ? AG_OP_MUL : AG_OP_ADD;
    return true;
  }
}

static const ag_graph *changed_graph(const ag_graph *g, int node, uint64_t what) {
  ag_builder *b = ag_builder_new("changed");
  int row[256];
  for (int i = 0; i < g->size; i++) {
    ag_node n = g->nodes[i];
    if (i == node && !change_node(&n, what)) {
      ag_builder_free(b);
      return NULL;
    }
    for (int k = 0; k < ag_graph_arity(g, i); k++) row[k] = ag_graph_operands(g, i)[k];
    ag_builder_add(b, n, row, ag_graph_arity(g, i), NULL);
  }
  return finish(b);
}

static void a_single_change_is_seen(void **state) {
  (void)state;
  ag_random random = ag_random_stream(5, 0, 0, 0, 0);
  int seen = 0;
  for (uint64_t seed = 0; seed < 200; seed++) {
    const ag_graph *g = random_graph(seed, 40);
    const ag_graph *other = NULL;
    for (int attempt = 0; attempt < 20 && !other; attempt++) {
      int node = (int)ag_random_below(&random, (uint64_t)g->size);
      other = changed_graph(g, node, ag_random_below(&random, CHANGES));
    }
    if (other) {
      seen++;
      assert_false(ag_hash_equal(ag_graph_hash(g), ag_graph_hash(other)));
      assert_false(ag_graph_isomorphic(g, other, AG_EQUAL_KIND, NULL));
      assert_false(ag_graph_isomorphic(g, other, AG_EQUAL_SHAPES, NULL));
      ag_graph_release(other);
    }
    ag_graph_release(g);
  }
  assert_true(seen > 150);
}

/* Another operand of the same shape for one slot of one node, or NULL if there is none. */
static const ag_graph *rewired_graph(const ag_graph *g, ag_random *random, int *was, int *is) {
  int slot = (int)ag_random_below(random, (uint64_t)g->operand_start[g->size]), user = 0;
  while (g->operand_start[user + 1] <= slot) user++;
  *was = g->operands[slot];
  *is = (int)ag_random_below(random, (uint64_t)user);
  bool lonely = g->user_start[*was + 1] - g->user_start[*was] == 1;
  if (lonely || *is == *was || !ag_shape_equal(g->nodes[*is].out, g->nodes[*was].out)) return NULL;
  ag_builder *b = ag_builder_new("rewired");
  int row[256];
  for (int i = 0; i < g->size; i++) {
    for (int k = g->operand_start[i]; k < g->operand_start[i + 1]; k++)
      row[k - g->operand_start[i]] = k == slot ? *is : g->operands[k];
    ag_builder_add(b, g->nodes[i], row, ag_graph_arity(g, i), NULL);
  }
  return finish(b);
}

/* Whether two nodes of a graph have equal ancestors: the known blind spot of the graph hash. */
static bool look_alike(const ag_graph *g, int a, int b) {
  ag_hash *forward = AG_ARRAY(ag_hash, g->size), row[256];
  for (int i = 0; i < g->size; i++) {
    for (int k = 0; k < ag_graph_arity(g, i); k++) row[k] = forward[ag_graph_operands(g, i)[k]];
    forward[i] = ag_node_hash_forward(&g->nodes[i], row, ag_graph_arity(g, i));
  }
  bool same = ag_hash_equal(forward[a], forward[b]);
  free(forward);
  return same;
}

/* A moved edge changes the hash unless both producers look alike from the inputs; it may even
 * give an isomorphic graph, so the slow matcher is asked. */
static void a_moved_edge_is_seen(void **state) {
  (void)state;
  ag_random random = ag_random_stream(6, 0, 0, 0, 0);
  int seen = 0;
  for (uint64_t seed = 0; seed < 3000; seed++) {
    const ag_graph *g = random_graph(seed, 22);
    int was, is;
    const ag_graph *other = rewired_graph(g, &random, &was, &is);
    if (other) {
      ag_segment *a = cut(g, 0, g->size), *b = cut(other, 0, g->size);
      bool same = slow_isomorphic(a, b, AG_EQUAL_SHAPES);
      seen += !same;
      assert_int_equal(ag_graph_isomorphic(g, other, AG_EQUAL_SHAPES, NULL), same);
      bool blind = look_alike(g, was, is);
      if (!blind) assert_false(same);
      assert_int_equal(ag_hash_equal(ag_graph_hash(g), ag_graph_hash(other)), same || blind);
      ag_segment_free(a);
      ag_segment_free(b);
      ag_graph_release(other);
    }
    ag_graph_release(g);
  }
  assert_true(seen > 100);
}

/* All pairs of small segments cut out of random graphs: the answers agree, and equal means
 * equal hashes. */
static void small_segments_agree_with_the_slow_matcher(void **state) {
  (void)state;
  enum { SEGMENTS = 260 };
  ag_random random = ag_random_stream(7, 0, 0, 0, 0);
  ag_segment *segments[SEGMENTS];
  for (int i = 0; i < SEGMENTS; i++) {
    const ag_graph *g = random_graph((uint64_t)i % 40, 30);
    int size = 1 + (int)ag_random_below(&random, 5);
    int first = (int)ag_random_below(&random, (uint64_t)(g->size - size));
    segments[i] = cut(g, first, first + size);
    ag_graph_release(g);
  }
  int equal = 0;
  for (int i = 0; i < SEGMENTS; i++)
    for (int k = 0; k < SEGMENTS; k++)
      for (ag_equality e = AG_EQUAL_KIND; e <= AG_EQUAL_SHAPES; e++) {
        bool same = slow_isomorphic(segments[i], segments[k], e);
        assert_int_equal(ag_segment_isomorphic(segments[i], segments[k], e), same);
        assert_int_equal(
            ag_hash_equal(ag_segment_hash(segments[i], e), ag_segment_hash(segments[k], e)), same);
        equal += same && i != k;
      }
  assert_true(equal > 200);
  for (int i = 0; i < SEGMENTS; i++) ag_segment_free(segments[i]);
}

static int unary(ag_builder *b, ag_op op, int operand) {
  ag_node n = ag_node_make(op);
  if (op == AG_OP_CONV) n.kernel[0] = n.kernel[1] = 3, n.out.c = 8;
  return ag_builder_add(b, n, &operand, 1, NULL);
}

static int start(ag_builder *b) {
  ag_node input = ag_node_make(AG_OP_INPUT);
  input.out = (ag_shape){8, 8, 8};
  return ag_builder_add(b, input, NULL, 0, NULL);
}

static int sum(ag_builder *b, int x, int y) {
  return ag_builder_add(b, ag_node_make(AG_OP_ADD), (int[]){x, y}, 2, NULL);
}

/* `count` equal branches of conv, batchnorm, relu; the last with relu6 if `odd`; summed at once. */
static const ag_graph *fan(int count, bool odd) {
  ag_builder *b = ag_builder_new("fan");
  int x = start(b), *ends = AG_ARRAY(int, count);
  for (int i = 0; i < count; i++) {
    ends[i] = unary(b, AG_OP_BATCHNORM, unary(b, AG_OP_CONV, x));
    ends[i] = unary(b, odd && i == count - 1 ? AG_OP_RELU6 : AG_OP_RELU, ends[i]);
  }
  unary(b, AG_OP_OUTPUT, ag_builder_add(b, ag_node_make(AG_OP_ADD), ends, count, NULL));
  free(ends);
  return finish(b);
}

static void equal_branches_do_not_blow_up(void **state) {
  (void)state;
  const ag_graph *even = fan(132, false), *odd = fan(132, true);
  const ag_graph *other = renumbered_graph(even, 1, NULL), *twin = renumbered_graph(odd, 2, NULL);
  assert_true(even->size > 390);
  clock_t begin = clock();
  assert_true(ag_graph_isomorphic(even, other, AG_EQUAL_SHAPES, NULL));
  assert_true(ag_graph_isomorphic(odd, twin, AG_EQUAL_SHAPES, NULL));
  assert_false(ag_graph_isomorphic(even, odd, AG_EQUAL_SHAPES, NULL));
  ag_segment *a = cut(even, 1, even->size - 1), *b = cut(other, 1, other->size - 1);
  assert_true(ag_segment_isomorphic(a, b, AG_EQUAL_SHAPES));
  assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 20);
  ag_segment_free(a);
  ag_segment_free(b);
  ag_graph_release(even);
  ag_graph_release(other);
  ag_graph_release(odd);
  ag_graph_release(twin);
}

/* Rings that refinement cannot tell apart. Lower nodes p_i (conv) and upper nodes (add) of two
 * neighbours each: one ring of `first` + `second` steps, or two rings. All nodes of a kind look
 * alike from everywhere; only the matcher sees how many rings there are. */
static void add_ring(ag_builder *b, int x, int steps, int *ends, int *count) {
  int *low = AG_ARRAY(int, steps);
  for (int i = 0; i < steps; i++) low[i] = unary(b, AG_OP_CONV, x);
  for (int i = 0; i < steps; i++) ends[(*count)++] = sum(b, low[i], low[(i + 1) % steps]);
  free(low);
}

static const ag_graph *rings(const int *steps, int count) {
  ag_builder *b = ag_builder_new("rings");
  int x = start(b), ends[256], total = 0;
  for (int i = 0; i < count; i++) add_ring(b, x, steps[i], ends, &total);
  unary(b, AG_OP_OUTPUT, ag_builder_add(b, ag_node_make(AG_OP_ADD), ends, total, NULL));
  return finish(b);
}

static void assert_rings(const int *a, int count_a, const int *b, int count_b, bool same) {
  const ag_graph *g = rings(a, count_a), *plain = rings(b, count_b);
  const ag_graph *h = renumbered_graph(plain, 11, NULL);
  assert_int_equal(ag_graph_isomorphic(g, h, AG_EQUAL_SHAPES, NULL), same);
  assert_int_equal(ag_graph_isomorphic(h, g, AG_EQUAL_KIND, NULL), same);
  ag_graph_release(g);
  ag_graph_release(h);
  ag_graph_release(plain);
}

static void what_refinement_cannot_tell_is_searched(void **state) {
  (void)state;
  assert_rings((int[]){6}, 1, (int[]){6}, 1, true);
  assert_rings((int[]){6}, 1, (int[]){3, 3}, 2, false);
  assert_rings((int[]){3, 4}, 2, (int[]){4, 3}, 2, true);
  assert_rings((int[]){3, 5}, 2, (int[]){4, 4}, 2, false);
  /* Many equal parts and one that differs: a plain search would try 10! ways. */
  int even[12], odd[12];
  for (int i = 0; i < 12; i++) even[i] = odd[i] = 4;
  odd[10] = 3, odd[11] = 5;
  assert_rings(even, 12, even, 12, true);
  assert_rings(odd, 12, odd, 12, true);
  assert_rings(even, 12, odd, 12, false);
}

static void one_used_twice_is_not_two_equal_ones(void **state) {
  (void)state;
  const ag_graph *g[3];
  for (int i = 0; i < 3; i++) {
    ag_builder *b = ag_builder_new("twice");
    int x = start(b), y = unary(b, AG_OP_RELU, x), z = i == 1 ? unary(b, AG_OP_RELU, x) : y;
    unary(b, AG_OP_OUTPUT, i == 2 ? sum(b, x, y) : sum(b, y, z));
    g[i] = finish(b);
  }
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 3; k++)
      assert_int_equal(ag_graph_isomorphic(g[i], g[k], AG_EQUAL_KIND, NULL), i == k);
  for (int i = 0; i < 3; i++) ag_graph_release(g[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(renumbered_graphs_are_isomorphic),
      cmocka_unit_test(a_single_change_is_seen),
      cmocka_unit_test(a_moved_edge_is_seen),
      cmocka_unit_test(small_segments_agree_with_the_slow_matcher),
      cmocka_unit_test(equal_branches_do_not_blow_up),
      cmocka_unit_test(what_refinement_cannot_tell_is_searched),
      cmocka_unit_test(one_used_twice_is_not_two_equal_ones),
  };
  return cmocka_run_group_tests_name("isomorphism", tests, NULL, NULL);
}
