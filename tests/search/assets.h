/* The bundled assets, for the tests of a search. */
#ifndef TESTS_SEARCH_ASSETS_H
#define TESTS_SEARCH_ASSETS_H

#include "autogo/search.h"
#include "engine/base/alloc.h"

static ag_tokenizer *tokenizer;
static ag_database *database;
static ag_predictor *predictor;

static int load_assets(void **state) {
  (void)state;
  return ag_tokenizer_load("lua/autogo/assets/tokenizer.txt", &tokenizer, NULL) ||
         ag_database_load("lua/autogo/assets/segments.agdb", &database, NULL) ||
         ag_predictor_load("lua/autogo/assets/predictor.safetensors", &predictor, NULL);
}

static int free_assets(void **state) {
  (void)state;
  ag_tokenizer_free(tokenizer);
  ag_database_free(database);
  ag_predictor_free(predictor);
  return 0;
}

#endif
