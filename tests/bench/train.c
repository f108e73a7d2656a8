/* Samples a second that training takes forward and back: shared, as ag_train does it, on one thread
 * and on two; and one cut at a time, as the tests' plain implementation does it, on one thread, in
 * float, compiled for speed (-Ofast).
 *
 *   train tokenizer.txt epochs graph.json... */
#ifndef __clang__
#pragma GCC optimize("Ofast")
#endif
#define PLAIN_REAL float
#include <stdio.h>

#include "autogo/mining.h"
#include "engine/base/random.h"
#include "tests/bench/samples.h"
#include "tests/predict/plain_training.h"

enum { BATCH = 64, CUTS = 8, PLAIN_GRAPHS = 8 };
static const ag_loss_weights weights = {.hinge = 1, .consistency = 2};

typedef struct corpus {
  ag_config config;
  ag_layout layout;
  ag_training_set set;
  int graphs;
  ag_sample *sample;
  float *params, *gradient;
} corpus;

static bool load(corpus *c, const char *tokenizer_path, char **paths) {
  ag_tokenizer *tokenizer;
  ag_error err;
  if (ag_tokenizer_load(tokenizer_path, &tokenizer, &err)) {
    fprintf(stderr, "%s: %s\n", err.file, err.message);
    return false;
  }
  ag_random random = ag_random_stream(1, 0, 0, 0, 0);
  for (int i = 0; i < c->graphs; i++) {
    const ag_graph *graph;
    if (ag_graph_load_json(paths[i], &graph, &err)) {
      fprintf(stderr, "%s: %s\n", err.file, err.message);
      return false;
    }
    ag_sample *s = &c->sample[i];
    s->graph = ag_graph_canonical(graph, NULL);
    ag_graph_release(graph);
    int32_t *bounds = AG_ARRAY(int32_t, s->graph->size + 1);
    ag_segmentation *cut = ag_tokenizer_encode(tokenizer, s->graph);
    s->segments = ag_segmentation_bounds(cut, NULL, bounds);
    s->bounds = bounds;
    s->target = ag_random_normal(&random);
    ag_segmentation_free(cut);
  }
  ag_tokenizer_free(tokenizer);
  return true;
}

static void initialise(corpus *c) {
  ag_random random = ag_random_stream(2, 0, 0, 0, 0);
  ag_layout_make(&c->config, &c->layout);
  c->params = AG_ARRAY(float, c->layout.size);
  c->gradient = AG_ARRAY(float, c->layout.size);
  for (int i = 0; i < c->layout.size; i++) c->params[i] = (float)(0.1 * ag_random_normal(&random));
}

/* Cuts of graph g, evenly spread, another start each epoch; returns how many. */
static int cuts_of(const corpus *c, int g, int epoch, ag_item *items) {
  int cuts = c->set.graph[g].cuts, count = cuts < CUTS ? cuts : CUTS;
  for (int i = 0; i < count; i++) items[i] = (ag_item){g, (i * cuts + epoch % cuts) / count};
  return count;
}

static int shared_epoch(corpus *c, ag_trainer *trainer, int epoch) {
  ag_item items[BATCH * CUTS];
  int done = 0;
  for (int from = 0; from < c->graphs; from += BATCH) {
    int count = 0;
    for (int g = from; g < c->graphs && g < from + BATCH; g++) {
      count += cuts_of(c, g, epoch, items + count);
    }
    ag_trainer_gradient(trainer, c->params, items, count, &weights, c->gradient);
    done += count;
  }
  return done;
}

/* Samples a second. */
static double measure_shared(corpus *c, int threads, int epochs) {
  ag_trainer *trainer = ag_trainer_new(&c->config, &c->set, threads);
  int done = shared_epoch(c, trainer, 0), epoch = 0; /* memory is taken in the first */
  double us = BENCH_LEAST(epochs, done = shared_epoch(c, trainer, ++epoch));
  ag_trainer_free(trainer);
  return done / us * 1e6;
}

static int plain_batch(corpus *c) {
  plain_trainer m = {&c->config, &c->layout, c->params, c->gradient};
  int done = 0;
  for (int g = 0; g < PLAIN_GRAPHS && g < c->graphs; g++) {
    ag_item items[CUTS];
    int count = cuts_of(c, g, 0, items);
    for (int i = 0; i < count; i++) {
      const ag_sample *s = &c->sample[g];
      plain_sample sample;
      float raw = plain_sample_forward(&m, s->graph, s->bounds[items[i].cut],
                                       s->bounds[items[i].cut + 1], &sample);
      plain_sample_backward(&m, &sample, raw - (float)s->target);
      plain_sample_close(&sample);
    }
    done += count;
  }
  return done;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  corpus c = {.graphs = argc - 3};
  c.config =
      (ag_config){.model = AG_MODEL_PSC, .layers = 6, .residual = true, .log_features = true};
  c.sample = AG_ARRAY(ag_sample, c.graphs);
  c.set.config = &c.config;
  if (!load(&c, argv[1], argv + 3)) return 1;
  initialise(&c);
  int epochs = atoi(argv[2]), done = 0;
  double interning =
      BENCH_LEAST(1, done = ag_training_set_add(&c.set, c.sample, c.graphs, 1, NULL) == AG_OK);
  if (!done) return 1;
  printf("training on %d graphs, interned in %.2f s\n", c.graphs, interning * 1e-6);
  double plain_us = BENCH_LEAST(epochs, done = plain_batch(&c)), plain = done / plain_us * 1e6;
  printf("one cut at a time     %10.0f samples/s\n", plain);
  for (int threads = 1; threads <= 2; threads++) {
    double shared = measure_shared(&c, threads, epochs);
    printf("shared, %d thread%s     %10.0f samples/s, %.0f times as many\n", threads,
           threads > 1 ? "s" : " ", shared, shared / plain);
  }
  return 0;
}
