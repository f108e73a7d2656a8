/* A corpus of graphs and the tokenizer trained on it, for the tests of both. */
#ifndef TESTS_MINING_TOKENIZED_H
#define TESTS_MINING_TOKENIZED_H

#include "tests/mining/support.h"

enum { CORPUS = 24 };

static const ag_graph *graphs[CORPUS];
static ag_tokenizer *tokenizer;

/* Even ones are cell networks, odd ones anything. */
static int make_corpus(void **state) {
  (void)state;
  for (int i = 0; i < CORPUS; i++)
    graphs[i] = i % 2 ? random_graph((uint64_t)i, 120) : cell_graph((uint64_t)i, 3, "cells");
  ag_tokenizer_options options = {.vocabulary = 1600, .max_length = 16};
  return ag_tokenizer_train(graphs, CORPUS, &options, &tokenizer, NULL) != AG_OK;
}

static int free_corpus(void **state) {
  (void)state;
  for (int i = 0; i < CORPUS; i++) ag_graph_release(graphs[i]);
  ag_tokenizer_free(tokenizer);
  return 0;
}

#endif
