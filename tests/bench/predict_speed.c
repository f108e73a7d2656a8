/* How much processor time inference takes: the score of a graph over all its cuts from nothing, a
 * place, and one candidate in it.
 *
 *   predict_speed graph.json weights.safetensors */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "autogo/predict.h"
#include "engine/base/alloc.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Microseconds per call of `statement`, best of 40 runs of `count`: a process begins slower. */
#define TIME(count, statement)                                                                     \
  __extension__({                                                                                  \
    double best = 1e9;                                                                             \
    for (int run = 0; run < 40; run++) {                                                           \
      double start = now();                                                                        \
      for (int i = 0; i < (count); i++) {                                                          \
        statement;                                                                                 \
      }                                                                                            \
      double took = (now() - start) / (count)*1e6;                                                 \
      best = took < best ? took : best;                                                            \
    }                                                                                              \
    best;                                                                                          \
  })

int main(int argc, char **argv) {
  const ag_graph *g;
  ag_predictor *p;
  ag_error err;
  if (argc < 3) return 2;
  if (ag_graph_load_json(argv[1], &g, &err) || ag_predictor_load(argv[2], &p, &err)) {
    fprintf(stderr, "%s: %s\n", err.file, err.message);
    return 1;
  }
  int32_t *bounds = AG_ARRAY(int32_t, g->size + 1);
  int count = 0, first = g->size / 2, last = first + 5;
  while (bounds[count] < g->size) {
    bounds[count + 1] = bounds[count] + 5 < g->size ? bounds[count] + 5 : g->size;
    count++;
  }
  double value;
  printf("%d nodes, %d cuts\n", g->size, count);
  printf("score      %8.2f us\n", TIME(50, ag_predict_score(p, g, bounds, count, &value, NULL)));
  printf("place      %8.2f us\n", TIME(50, ag_place_free(ag_place_new(p, g, first, last))));
  ag_segment *s;
  ag_segment_cut(g, first, last, &s, NULL, NULL, NULL);
  int32_t *map = AG_ARRAY(int32_t, g->size);
  for (int i = 0; i < g->size; i++) map[i] = i;
  ag_place *place = ag_place_new(p, g, first, last);
  printf("candidate  %8.2f us\n", TIME(5000, ag_place_predict(place, s, map, map)));
  ag_place_free(place);
  ag_segment_free(s);
  free(map);
  free(bounds);
  ag_predictor_free(p);
  ag_graph_release(g);
  return 0;
}
