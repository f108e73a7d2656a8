/* The segment database against one counted by hand: every piece of every forest is cut, judged and
 * assigned by the slow matcher. Databases merged, and selected from. */
#include "tests/mining/mined.h"

static bool never_replaced(const ag_graph *g, int node) {
  const char *barred[] = {"input",  "output",         "mean",           "global",  "matmul",
                          "opaque", "spacetobatchnd", "batchtospacend", "flatten", "softmax"};
  const ag_node *n = &g->nodes[node];
  for (size_t i = 0; i < sizeof barred / sizeof *barred; i++)
    if (n->op == ag_op_find(barred[i])) return true;
  if (n->op == AG_OP_CONCAT) return false;
  for (int k = 0; k < ag_graph_arity(g, node); k++)
    if (!ag_shape_equal(g->nodes[ag_graph_operands(g, node)[k]].out, n->in)) return true;
  return false;
}

typedef struct tally {
  int64_t entry[8192], *variant[8192];
  uint32_t families[8192];
  int64_t skipped;
} tally;

static void count_segment(tally *t, const ag_segment *s, const char *family) {
  int found = -1;
  for (int i = 0; i < ag_database_size(database); i++) {
    const ag_entry *e = ag_database_get(database, i);
    if (e->size != s->size || !slow_isomorphic(e->variant[0], s, AG_EQUAL_KIND)) continue;
    if (found >= 0) fail_msg("a segment belongs to entries %d and %d", found, i);
    found = i;
  }
  if (found < 0) fail_msg("a segment belongs to no entry");
  t->entry[found]++;
  for (int f = 0; f < ag_database_families(database); f++)
    if (!strcmp(ag_database_family(database, f), family)) t->families[found] |= UINT32_C(1) << f;
  const ag_entry *e = ag_database_get(database, found);
  int variants = 0;
  for (int v = 0; v < e->variants; v++)
    if (slow_isomorphic(e->variant[v], s, AG_EQUAL_SHAPES)) t->variant[found][v]++, variants++;
  assert_int_equal(variants, 1);
}

static void count_graph(tally *t, const ag_graph *g) {
  ag_segmentation *segmentation = ag_tokenizer_encode(tokenizer, g);
  int count;
  const ag_piece *piece = ag_segmentation_pieces(segmentation, &count);
  for (int i = 0; i < count; i++) {
    bool barred = false;
    for (int k = piece[i].first; k < piece[i].last; k++) barred |= never_replaced(g, k);
    t->skipped += barred;
    if (barred) continue;
    ag_segment *s;
    assert_int_equal(ag_segment_cut(g, piece[i].first, piece[i].last, &s, NULL, NULL, NULL), AG_OK);
    count_segment(t, s, g->family);
    ag_segment_free(s);
  }
  ag_segmentation_free(segmentation);
}

static void test_counts_are_right(void **state) {
  (void)state;
  int size = ag_database_size(database);
  assert_in_range(size, 50, 8191);
  tally *t = AG_NEW(tally);
  for (int i = 0; i < size; i++)
    t->variant[i] = AG_ARRAY(int64_t, ag_database_get(database, i)->variants);
  for (int i = 0; i < CORPUS; i++) count_graph(t, graphs[i]);
  assert_true(t->skipped > 0);
  for (int i = 0; i < size; i++) {
    const ag_entry *e = ag_database_get(database, i);
    assert_int_equal(e->count, t->entry[i]);
    assert_int_equal(e->families, t->families[i]);
    assert_true(e->variants >= 1);
    for (int v = 0; v < e->variants; v++) {
      assert_int_equal(e->variant_count[v], t->variant[i][v]);
      assert_true(e->variant_count[v] > 0);
    }
    free(t->variant[i]);
  }
  free(t);
}

static void test_families(void **state) {
  (void)state;
  assert_int_equal(ag_database_families(database), 2);
  assert_string_equal(ag_database_family(database, 0), "narrow");
  assert_string_equal(ag_database_family(database, 1), "wide");
}

static void assert_entries_distinct(const ag_database *db) {
  for (int i = 0; i < ag_database_size(db); i++) {
    const ag_entry *e = ag_database_get(db, i);
    for (int k = i + 1; k < ag_database_size(db); k++)
      assert_false(
          slow_isomorphic(e->variant[0], ag_database_get(db, k)->variant[0], AG_EQUAL_KIND));
    for (int v = 0; v < e->variants; v++) {
      assert_true(slow_isomorphic(e->variant[0], e->variant[v], AG_EQUAL_KIND));
      for (int w = v + 1; w < e->variants; w++)
        assert_false(slow_isomorphic(e->variant[v], e->variant[w], AG_EQUAL_SHAPES));
    }
  }
}

static void test_entries_are_distinct(void **state) {
  (void)state;
  assert_entries_distinct(database);
}

static void test_bundled_entries_are_distinct(void **state) {
  (void)state;
  ag_database *bundled;
  assert_int_equal(ag_database_load("lua/autogo/assets/segments.agdb", &bundled, NULL), AG_OK);
  assert_true(ag_database_size(bundled) > 400);
  assert_entries_distinct(bundled);
  ag_database_free(bundled);
}

static void test_entries_describe_themselves(void **state) {
  (void)state;
  int single = 0, large = 0;
  for (int i = 0; i < ag_database_size(database); i++) {
    const ag_entry *e = ag_database_get(database, i);
    assert_int_equal(ag_database_find(database, e->size, e->hash), i);
    if (i) {
      const ag_entry *before = ag_database_get(database, i - 1);
      assert_true(before->size < e->size ||
                  (before->size == e->size && ag_hash_compare(before->hash, e->hash) < 0));
    }
    for (int v = 0; v < e->variants; v++) {
      const ag_segment *s = e->variant[v];
      uint64_t ops = 0;
      for (int k = 0; k < s->size; k++) {
        ops |= UINT64_C(1) << s->nodes[k].op;
        assert_int_equal(s->nodes[k].record, -1);
      }
      assert_int_equal(ops, e->ops);
      assert_int_equal(s->size, e->size);
      assert_int_equal(s->inputs, e->inputs);
      assert_int_equal(s->outputs, e->outputs);
      assert_true(ag_hash_equal(ag_segment_hash(s, AG_EQUAL_KIND), e->hash));
      if (v) assert_true(e->variant_count[v - 1] >= e->variant_count[v]);
    }
    single += e->size == 1;
    large += e->size > 5;
  }
  assert_true(single >= 5);
  assert_true(large >= 5);
  assert_int_equal(ag_database_find(database, 3, (ag_hash){1, 2}), -1);
}

/* --- several databases -------------------------------------------------------------------- */

static ag_database *mine_shuffled(const ag_graph *const *from, int count, uint64_t seed) {
  int32_t order[CORPUS];
  const ag_graph *shuffled[CORPUS];
  for (int i = 0; i < count; i++) order[i] = i;
  ag_random random = ag_random_stream(seed, 0, 0, 0, 0);
  ag_random_shuffle(&random, order, count);
  for (int i = 0; i < count; i++) shuffled[i] = from[order[i]];
  ag_database *mined;
  assert_int_equal(ag_database_mine(tokenizer, shuffled, count, &mined, NULL), AG_OK);
  return mined;
}

static void test_order_of_graphs_does_not_matter(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 6; seed++) {
    ag_database *other = mine_shuffled(graphs, CORPUS, seed);
    assert_same_bytes(database, other);
    ag_database_free(other);
  }
}

static void test_merging_is_mining_together(void **state) {
  (void)state;
  for (int cut = 0; cut <= CORPUS; cut += 6) {
    ag_database *a = mine_shuffled(graphs, cut, 1);
    ag_database *b = mine_shuffled(graphs + cut, CORPUS - cut, 2), *both;
    assert_int_equal(ag_database_merge(a, b, &both, NULL), AG_OK);
    assert_same_bytes(database, both);
    ag_database_free(both);
    assert_int_equal(ag_database_merge(b, a, &both, NULL), AG_OK);
    assert_same_bytes(database, both);
    ag_database_free(both);
    ag_database_free(a);
    ag_database_free(b);
  }
}

static void test_too_many_families(void **state) {
  (void)state;
  ag_miner *miner = ag_miner_new(tokenizer);
  ag_error err;
  for (int i = 0; i <= AG_MAX_FAMILIES; i++) {
    char name[24];
    snprintf(name, sizeof name, "family %d", i);
    const ag_graph *g = cell_graph(1, 1, name);
    assert_int_equal(ag_miner_add(miner, g, &err), i < AG_MAX_FAMILIES ? AG_OK : AG_LIMIT);
    ag_graph_release(g);
  }
  ag_database *full, *merged;
  assert_int_equal(ag_miner_finish(miner, &full, &err), AG_OK);
  assert_int_equal(ag_database_families(full), AG_MAX_FAMILIES);
  assert_int_equal(ag_database_get(full, 0)->families, UINT32_MAX);
  assert_int_equal(ag_database_merge(full, database, &merged, &err), AG_LIMIT);
  ag_database_free(full);
}

static void test_selecting(void **state) {
  (void)state;
  ag_database_filter filter = {0};
  ag_database *all = ag_database_select(database, &filter);
  assert_same_bytes(database, all);
  ag_database_free(all);

  filter = (ag_database_filter){.ops = ag_op_bit(AG_OP_CONV) | ag_op_bit(AG_OP_RELU) |
                                       ag_op_bit(AG_OP_BATCHNORM) | ag_op_bit(AG_OP_ADD),
                                .families = 1,
                                .min_size = 2,
                                .max_size = 9,
                                .min_count = 3,
                                .max_variants = 2};
  ag_database *some = ag_database_select(database, &filter);
  int expected = 0;
  for (int i = 0; i < ag_database_size(database); i++) {
    const ag_entry *e = ag_database_get(database, i);
    bool passes = e->size >= 2 && e->size <= 9 && e->count >= 3 && (e->families & 1);
    for (int k = 0; k < e->size; k++) {
      int op = e->variant[0]->nodes[k].op;
      passes &= op == AG_OP_CONV || op == AG_OP_RELU || op == AG_OP_BATCHNORM || op == AG_OP_ADD;
    }
    if (!passes) continue;
    assert_true(expected < ag_database_size(some));
    const ag_entry *kept = ag_database_get(some, expected++);
    assert_true(ag_hash_equal(kept->hash, e->hash));
    assert_int_equal(kept->count, e->count);
    assert_int_equal(kept->variants, e->variants < 2 ? e->variants : 2);
  }
  assert_int_equal(ag_database_size(some), expected);
  assert_true(expected > 5);
  ag_database *merged; /* counts of variants no longer kept are not lost */
  assert_int_equal(ag_database_merge(some, some, &merged, NULL), AG_OK);
  for (int i = 0; i < expected; i++)
    assert_int_equal(ag_database_get(merged, i)->count, 2 * ag_database_get(some, i)->count);
  ag_database_free(merged);
  ag_database_free(some);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_counts_are_right),
      cmocka_unit_test(test_families),
      cmocka_unit_test(test_entries_are_distinct),
      cmocka_unit_test(test_bundled_entries_are_distinct),
      cmocka_unit_test(test_entries_describe_themselves),
      cmocka_unit_test(test_order_of_graphs_does_not_matter),
      cmocka_unit_test(test_merging_is_mining_together),
      cmocka_unit_test(test_too_many_families),
      cmocka_unit_test(test_selecting),
  };
  return cmocka_run_group_tests(tests, make_corpus, free_corpus);
}
