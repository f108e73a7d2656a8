/* The segment database against one counted by hand: every piece of every forest is cut, judged and
 * assigned by a matcher of this test's own, which tries node maps one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "autogo/mining.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/map.h"
#include "engine/base/random.h"
#include "tests/support/cell_graph.h"
#include "tests/support/random_graph.h"

enum { CORPUS = 18 };

static const ag_graph *graphs[CORPUS];
static ag_tokenizer *tokenizer;
static ag_database *database;

static const ag_graph *in_order(const ag_graph *g) {
  const ag_graph *canonical = ag_graph_canonical(g, NULL);
  ag_graph_release(g);
  return canonical;
}

/* Cell networks of two families, and random graphs of none. */
static int make_corpus(void **state) {
  (void)state;
  for (int i = 0; i < CORPUS; i++)
    graphs[i] = in_order(i % 3 == 2 ? random_graph((uint64_t)i, 60)
                                    : cell_graph((uint64_t)i, 2, i % 3 ? "wide" : "narrow"));
  ag_tokenizer_options options = {.vocabulary = 900, .max_length = 16};
  ag_status status = ag_tokenizer_train(graphs, CORPUS, &options, &tokenizer, NULL);
  return status || ag_database_mine(tokenizer, graphs, CORPUS, &database, NULL);
}

static int free_corpus(void **state) {
  (void)state;
  for (int i = 0; i < CORPUS; i++) ag_graph_release(graphs[i]);
  ag_database_free(database);
  ag_tokenizer_free(tokenizer);
  return 0;
}

/* --- a matcher ------------------------------------------------------------------------ */

typedef struct matching {
  const ag_segment *a, *b;
  bool shapes;
  int node[64], port[64]; /* images; -1 = not yet */
  bool node_taken[64], port_taken[64];
} matching;

static bool same_node(const ag_node *x, const ag_node *y, bool shapes) {
  bool kind = x->op == y->op && x->padding == y->padding && x->bias == y->bias &&
              x->flags == y->flags && !memcmp(x->kernel, y->kernel, sizeof x->kernel) &&
              !memcmp(x->dilation, y->dilation, sizeof x->dilation) &&
              (x->groups > 1) == (y->groups > 1);
  if (!kind || !shapes) return kind;
  return !memcmp(x->stride, y->stride, sizeof x->stride) &&
         !memcmp(x->pads, y->pads, sizeof x->pads) && x->groups == y->groups &&
         ag_shape_equal(x->in, y->in) && ag_shape_equal(x->out, y->out);
}

static int compare_ints(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}

/* The operands of a node of `a`, mapped, against those of its image. Ports count as -100 - port, or
 * all as -100 while they have no images yet. */
static bool same_operands(const matching *m, int i, bool ports) {
  int x[256], y[256], n = ag_segment_arity(m->a, i), j = m->node[i];
  if (n != ag_segment_arity(m->b, j)) return false;
  for (int k = 0; k < n; k++) {
    int p = m->a->operands[m->a->operand_start[i] + k];
    int q = m->b->operands[m->b->operand_start[j] + k];
    x[k] = p >= 0 ? m->node[p] : ports ? -100 - m->port[~p] : -100;
    y[k] = q >= 0 ? q : ports ? -100 - ~q : -100;
  }
  int op = m->a->nodes[i].op;
  if (op == AG_OP_ADD || op == AG_OP_MUL) {
    qsort(x, (size_t)n, sizeof *x, compare_ints);
    qsort(y, (size_t)n, sizeof *y, compare_ints);
  }
  return !memcmp(x, y, (size_t)n * sizeof *x);
}

static bool match_ports(matching *m, int p) {
  if (p == m->a->inputs) {
    for (int i = 0; i < m->a->size; i++)
      if (!same_operands(m, i, true)) return false;
    return true;
  }
  for (int q = 0; q < m->b->inputs; q++) {
    if (m->port_taken[q] ||
        (m->shapes && !ag_shape_equal(m->a->input_shapes[p], m->b->input_shapes[q])))
      continue;
    m->port[p] = q;
    m->port_taken[q] = true;
    if (match_ports(m, p + 1)) return true;
    m->port_taken[q] = false;
  }
  return false;
}

static bool leaves(const ag_segment *s, int node) {
  for (int q = 0; q < s->outputs; q++)
    if (s->output_nodes[q] == node) return true;
  return false;
}

static bool match_nodes(matching *m, int i) {
  if (i == m->a->size) return match_ports(m, 0);
  for (int j = 0; j < m->b->size; j++) {
    if (m->node_taken[j] || leaves(m->a, i) != leaves(m->b, j) ||
        !same_node(&m->a->nodes[i], &m->b->nodes[j], m->shapes))
      continue;
    m->node[i] = j;
    m->node_taken[j] = true;
    if (same_operands(m, i, false) && match_nodes(m, i + 1)) return true;
    m->node_taken[j] = false;
  }
  return false;
}

static bool isomorphic(const ag_segment *a, const ag_segment *b, bool shapes) {
  if (a->size != b->size || a->inputs != b->inputs || a->outputs != b->outputs) return false;
  matching m = {.a = a, .b = b, .shapes = shapes};
  return match_nodes(&m, 0);
}

/* --- counting by hand ----------------------------------------------------------------- */

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
    if (e->size != s->size || !isomorphic(e->variant[0], s, false)) continue;
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
    if (isomorphic(e->variant[v], s, true)) t->variant[found][v]++, variants++;
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
      assert_false(isomorphic(e->variant[0], ag_database_get(db, k)->variant[0], false));
    for (int v = 0; v < e->variants; v++) {
      assert_true(isomorphic(e->variant[0], e->variant[v], false));
      for (int w = v + 1; w < e->variants; w++)
        assert_false(isomorphic(e->variant[v], e->variant[w], true));
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

/* --- files ---------------------------------------------------------------------------- */

static void temporary(char path[64]) {
  strcpy(path, "/tmp/autogo-database-XXXXXX");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
}

static void bytes_of(const ag_database *d, char **data, size_t *size) {
  char path[64];
  temporary(path);
  assert_int_equal(ag_database_save(d, path, NULL), AG_OK);
  assert_int_equal(ag_file_read(path, 1 << 28, data, size, NULL), AG_OK);
  unlink(path);
}

static void assert_same_bytes(const ag_database *a, const ag_database *b) {
  char *x, *y;
  size_t x_size, y_size;
  bytes_of(a, &x, &x_size);
  bytes_of(b, &y, &y_size);
  assert_int_equal(x_size, y_size);
  assert_memory_equal(x, y, x_size);
  free(x);
  free(y);
}

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

static ag_status load_bytes(const char *data, size_t size, ag_error *err) {
  char path[64];
  temporary(path);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  fwrite(data, 1, size, file);
  fclose(file);
  ag_database *d = NULL;
  ag_status status = ag_database_load(path, &d, err);
  if (status) {
    assert_null(d);
    assert_string_equal(err->file, path);
  }
  for (int i = 0; d && i < ag_database_size(d); i++) { /* what passes can be used */
    const ag_entry *e = ag_database_get(d, i);
    for (int v = 0; v < e->variants; v++) ag_segment_free(ag_segment_copy(e->variant[v]));
  }
  ag_database_free(d);
  unlink(path);
  return status;
}

static void test_saved_and_loaded(void **state) {
  (void)state;
  char path[64];
  ag_error err;
  ag_database *loaded;
  temporary(path);
  assert_int_equal(ag_database_save(database, path, &err), AG_OK);
  assert_int_equal(ag_database_load(path, &loaded, &err), AG_OK);
  assert_same_bytes(database, loaded);
  assert_int_equal(ag_database_size(loaded), ag_database_size(database));
  for (int i = 0; i < ag_database_size(database); i++) {
    const ag_entry *a = ag_database_get(database, i), *b = ag_database_get(loaded, i);
    assert_true(ag_hash_equal(a->hash, b->hash));
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->families, b->families);
    assert_int_equal(a->ops, b->ops);
    assert_int_equal(a->variants, b->variants);
    for (int v = 0; v < a->variants; v++)
      assert_true(isomorphic(a->variant[v], b->variant[v], true));
  }
  ag_database_free(loaded);
  unlink(path);
  assert_int_equal(ag_database_load(path, &loaded, &err), AG_IO);

  ag_database *empty;
  assert_int_equal(ag_database_mine(tokenizer, NULL, 0, &empty, &err), AG_OK);
  char *data;
  size_t size;
  bytes_of(empty, &data, &size);
  assert_int_equal(load_bytes(data, size, &err), AG_OK);
  ag_database_free(empty);
  free(data);
}

/* A small database's bytes. */
static void small_file(char **data, size_t *size) {
  ag_database_filter filter = {.max_size = 6, .min_count = 6, .max_variants = 2};
  ag_database *small = ag_database_select(database, &filter);
  assert_true(ag_database_size(small) > 10);
  bytes_of(small, data, size);
  ag_database_free(small);
}

static void test_damage_is_found(void **state) {
  (void)state;
  char *data;
  size_t size;
  ag_error err;
  small_file(&data, &size);
  assert_int_equal(load_bytes(data, size, &err), AG_OK);
  for (size_t cut = 0; cut < size; cut += 1 + size / 300)
    assert_int_equal(load_bytes(data, cut, &err), AG_FORMAT);
  ag_random random = ag_random_stream(3, 0, 0, 0, 0);
  for (int i = 0; i < 300; i++) {
    size_t at = (size_t)ag_random_below(&random, size);
    char bit = (char)(1 << ag_random_below(&random, 8));
    data[at] = (char)(data[at] ^ bit);
    ag_status status = load_bytes(data, size, &err);
    assert_int_equal(status, at >= 4 && at < 8 ? AG_UNSUPPORTED : AG_FORMAT);
    data[at] = (char)(data[at] ^ bit);
  }
  data[4] = 0; /* an older version */
  assert_int_equal(load_bytes(data, size, &err), AG_UNSUPPORTED);
  free(data);
}

static void forge_checksum(char *data, size_t size) {
  ag_hash checksum = ag_hash_bytes(data + 32, size - 32);
  for (int i = 0; i < 8; i++) {
    data[8 + i] = (char)((size - 32) >> (8 * i));
    data[16 + i] = (char)(checksum.hi >> (8 * i));
    data[24 + i] = (char)(checksum.lo >> (8 * i));
  }
}

/* With a valid checksum every number must stand for itself: refused or harmless. */
static void test_forged_files_do_no_harm(void **state) {
  (void)state;
  char *original;
  size_t size;
  ag_error err;
  int refused = 0;
  small_file(&original, &size);
  char *data = ag_alloc(size, 1);
  for (uint64_t seed = 0; seed < 3000; seed++) {
    ag_random random = ag_random_stream(seed, 1, 0, 0, 0);
    memcpy(data, original, size);
    size_t kept = size;
    for (uint64_t i = 0, n = 1 + ag_random_below(&random, 3); i < n; i++) {
      size_t at = 32 + (size_t)ag_random_below(&random, size - 32);
      uint64_t how = ag_random_below(&random, 4);
      data[at] = (char)(how == 0   ? 255
                        : how == 1 ? data[at] + 1
                        : how == 2 ? data[at] - 1
                                   : (int)ag_random_below(&random, 256));
    }
    if (seed % 8 == 0) kept = 32 + (size_t)ag_random_below(&random, size - 32);
    forge_checksum(data, kept);
    refused += load_bytes(data, kept, &err) != AG_OK;
  }
  assert_true(refused > 1500);
  free(data);
  free(original);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_families),
      cmocka_unit_test(test_counts_are_right),
      cmocka_unit_test(test_entries_are_distinct),
      cmocka_unit_test(test_bundled_entries_are_distinct),
      cmocka_unit_test(test_entries_describe_themselves),
      cmocka_unit_test(test_order_of_graphs_does_not_matter),
      cmocka_unit_test(test_merging_is_mining_together),
      cmocka_unit_test(test_too_many_families),
      cmocka_unit_test(test_selecting),
      cmocka_unit_test(test_saved_and_loaded),
      cmocka_unit_test(test_damage_is_found),
      cmocka_unit_test(test_forged_files_do_no_harm),
  };
  return cmocka_run_group_tests(tests, make_corpus, free_corpus);
}
