/* A corpus of graphs, the tokenizer trained on it and the database mined from it. */
#ifndef TESTS_MINING_MINED_H
#define TESTS_MINING_MINED_H

#include "tests/mining/support.h"
#include "tests/support/slow_match.h"

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

/* --- as bytes ----------------------------------------------------------------------------- */

static void bytes_of(const ag_database *d, char **data, size_t *size) {
  char path[64];
  temporary(path);
  assert_int_equal(ag_database_save(d, path, NULL), AG_OK);
  read_all(path, data, size);
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

#endif
