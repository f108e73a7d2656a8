#include "tests/support/problem_mix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/search/search_internal.h"

static void need(ag_status status, const ag_error *err) {
  char text[1024];
  if (!status) return;
  fprintf(stderr, "%s\n", ag_error_text(err, text, sizeof text));
  exit(1);
}

ag_space_options problem_mix_assets(void) {
  ag_tokenizer *tokenizer;
  ag_database *database;
  ag_predictor *predictor;
  ag_error err;
  need(ag_tokenizer_load("lua/autogo/assets/tokenizer.txt", &tokenizer, &err), &err);
  need(ag_database_load("lua/autogo/assets/segments.agdb", &database, &err), &err);
  need(ag_predictor_load("lua/autogo/assets/predictor.safetensors", &predictor, &err), &err);
  return (ag_space_options){.tokenizer = tokenizer,
                            .database = database,
                            .predictor = predictor,
                            .threads = 1,
                            .seed = 1};
}

void problem_mix_free_assets(ag_space_options *options) {
  ag_tokenizer_free((ag_tokenizer *)options->tokenizer);
  ag_database_free((ag_database *)options->database);
  ag_predictor_free((ag_predictor *)options->predictor);
}

void problem_mix_permit(ag_space_options *options, const ag_graph *g) {
  static const ag_op always[] = {AG_OP_CONV, AG_OP_BATCHNORM, AG_OP_RELU, AG_OP_ADD,
                                 AG_OP_IDENTITY};
  memset(options->permitted, 0, sizeof options->permitted);
  for (int i = 0; i < g->size; i++) options->permitted[g->nodes[i].op] = true;
  for (int k = 0; k < 5; k++) options->permitted[always[k]] = true;
}

/* Shapes in a random order. */
static ag_shape *shuffled(const ag_shape *shapes, int count, ag_random *random) {
  ag_shape *result = ag_memdup(shapes, (size_t)count, sizeof *shapes);
  for (int i = count - 1; i > 0; i--) {
    int k = (int)ag_random_below(random, (uint64_t)i + 1);
    ag_shape t = result[i];
    result[i] = result[k];
    result[k] = t;
  }
  return result;
}

static void add_entries(problem_mix *mix, const ag_space *space, const struct source *source,
                        ag_random *random) {
  for (int k = 0; k < space->usable_count; k++) {
    const ag_entry *entry = ag_database_get(space->options.database, space->usable[k]);
    if (entry->inputs != source->cut->inputs || entry->outputs != source->cut->outputs) continue;
    uint64_t v = ag_random_below(random, (uint64_t)entry->variants);
    AG_GROW(mix->problem, mix->count, mix->capacity);
    mix->problem[mix->count++] =
        (ag_resolve_problem){.segment = entry->variant[v],
                             .inputs = shuffled(source->inputs, entry->inputs, random),
                             .outputs = shuffled(source->outputs, entry->outputs, random),
                             .formulation = AG_RESOLVE_OURS};
  }
}

void problem_mix_add(problem_mix *mix, const ag_space *space, const ag_graph *g, int generations) {
  for (int generation = 0; generation < generations; generation++) {
    ag_mutation_options options = ag_mutation_defaults();
    options.generation = (uint64_t)generation;
    struct parent parent = {.graph = g};
    ag_parent_init(&parent, g);
    ag_choose_sources(space, &options, 0, &parent);
    for (int s = 0; s < parent.source_count; s++) {
      ag_random random = ag_random_stream(1, (uint64_t)generation, (uint64_t)s, 0, 0);
      add_entries(mix, space, &parent.sources[s], &random);
    }
    ag_parent_free(&parent);
  }
}

static void free_problem(const ag_resolve_problem *p) {
  free((void *)p->inputs);
  free((void *)p->outputs);
}

void problem_mix_thin(problem_mix *mix, int count) {
  if (mix->count <= count) return;
  int kept = 0;
  for (int i = 0; i < mix->count; i++) {
    bool keep = (int64_t)(i + 1) * count / mix->count > (int64_t)i * count / mix->count;
    if (keep)
      mix->problem[kept++] = mix->problem[i];
    else
      free_problem(&mix->problem[i]);
  }
  mix->count = kept;
}

void problem_mix_free(problem_mix *mix) {
  for (int i = 0; i < mix->count; i++) free_problem(&mix->problem[i]);
  free(mix->problem);
  *mix = (problem_mix){0};
}
