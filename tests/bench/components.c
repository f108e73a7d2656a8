/* What each part of a search costs on a network, a line of CSV per part:
 *
 *   components quick|full graph.json ...
 *
 *   graph,component,count,median_us,p99_us,max_us
 *
 * Times of single calls; short ones are the least of several passes. `sources` and `segmentation`
 * are per parent with a fresh sparse vocabulary, `mutation` per parent, all the others per call. A
 * solver that gives up is counted apart. */
#include <stdio.h>
#include <string.h>

#include "engine/search/search_internal.h"
#include "tests/bench/samples.h"
#include "tests/support/problem_mix.h"

enum { PASSES = 3, PART_COUNT = 14 };

static const char *const PARTS[PART_COUNT] = {"segmentation",        "sources",
                                              "exact feasible",      "exact infeasible",
                                              "milp feasible",       "milp infeasible",
                                              "exhaustive feasible", "exhaustive infeasible",
                                              "exhaustive gave up",  "prediction encoding",
                                              "prediction place",    "prediction candidate",
                                              "cost graph",          "cost candidate"};
enum {
  SEGMENTATION,
  SOURCES,
  SOLVERS,
  GAVE_UP = 8,
  ENCODING,
  PLACE,
  CANDIDATE,
  COST_GRAPH,
  COST_CANDIDATE
};

typedef struct amounts {
  int parents, exact, milp, exhaustive, mutations;
} amounts;

static const amounts FULL = {50, 10000, 5000, 300, 10}, QUICK = {5, 300, 100, 10, 2};

/* Results of what is timed go here, so that no call is optimised away. */
static volatile double sink;

static void time_segmentation(const ag_space *space, const ag_graph *g, int parents, samples *s) {
  const ag_tokenizer *tokenizer = space->options.tokenizer;
  uint8_t *mask = AG_ARRAY(uint8_t, ag_tokenizer_tokens(tokenizer));
  int32_t *bounds = AG_ARRAY(int32_t, g->size + 1);
  for (int k = 0; k < parents; k++)
    samples_add(s, BENCH_LEAST(PASSES, {
                  ag_tokenizer_sparse(tokenizer, 0.5, (uint64_t)k, mask);
                  ag_segmentation *segmentation = ag_tokenizer_encode(tokenizer, g);
                  sink = ag_segmentation_bounds(segmentation, mask, bounds);
                  ag_segmentation_free(segmentation);
                }));
  free(mask);
  free(bounds);
}

static void time_sources(const ag_space *space, const ag_graph *g, int parents, samples *s) {
  for (int k = 0; k < parents; k++) {
    ag_mutation_options options = ag_mutation_defaults();
    options.generation = (uint64_t)k;
    samples_add(s, BENCH_LEAST(PASSES, {
                  struct parent parent = {.graph = g};
                  ag_parent_init(&parent, g);
                  ag_choose_sources(space, &options, 0, &parent);
                  sink = parent.source_count;
                  ag_parent_free(&parent);
                }));
  }
}

static void time_solver(const problem_mix *mix, ag_method method, samples *parts) {
  ag_solver *solver = ag_solver_new(method);
  int passes = method == AG_RESOLVE_EXHAUSTIVE ? 1 : PASSES;
  for (int i = 0; i < mix->count; i++) {
    ag_resolve_result r;
    ag_status status = AG_OK;
    double us = BENCH_LEAST(passes, status = ag_resolve(solver, &mix->problem[i], &r, NULL));
    int part = status == AG_LIMIT ? GAVE_UP : SOLVERS + 2 * (int)method + (status != AG_OK);
    samples_add(&parts[part], us);
  }
  ag_solver_free(solver);
}

static void time_candidate(const ag_place *place, const ag_child *c, samples *parts) {
  const ag_segment *s = c->segment;
  samples_add(&parts[CANDIDATE],
              BENCH_LEAST(PASSES, sink = ag_place_predict(place, s, c->input_map, c->output_map)));
  samples_add(&parts[COST_CANDIDATE], BENCH_LEAST(PASSES, {
    int64_t flops = 0;
    for (int i = 0; i < s->size; i++)
      flops += ag_node_flops(&s->nodes[i], ag_segment_predecessors(s, i));
    sink = (double)flops;
  }));
}

/* The children of one parent, predicted and priced again one by one. */
static void time_children(const ag_space *space, const ag_batch *batch, samples *parts) {
  double start = bench_now();
  ag_encoding *encoding = ag_encoding_new(space->options.predictor, batch->parent[0]);
  samples_add(&parts[ENCODING], bench_now() - start);
  ag_place *place = NULL;
  for (int i = 0; i < batch->size; i++) {
    const ag_child *c = &batch->children[i];
    if (i == 0 || c[-1].first != c->first || c[-1].last != c->last) {
      ag_place_free(place);
      start = bench_now();
      place = ag_encoding_place(encoding, c->first, c->last);
      samples_add(&parts[PLACE], bench_now() - start);
    }
    time_candidate(place, c, parts);
  }
  ag_place_free(place);
  ag_encoding_free(encoding);
}

static void print(const char *graph, const char *part, samples *s) {
  if (s->count)
    printf("%s,%s,%d,%.3f,%.3f,%.3f\n", graph, part, s->count, samples_quantile(s, 0.5),
           samples_quantile(s, 0.99), samples_quantile(s, 1));
  samples_free(s);
}

static void time_mutations(const char *name, ag_space *space, const ag_graph *g, int mutations,
                           samples *parts) {
  samples whole = {0}, per_child = {0};
  for (int k = 0; k < mutations; k++) {
    ag_mutation_options options = ag_mutation_defaults();
    options.generation = (uint64_t)k;
    ag_batch *batch;
    ag_error err;
    double start = bench_now();
    if (ag_space_mutate(space, &g, 1, &options, &batch, &err)) break;
    double took = bench_now() - start;
    samples_add(&whole, took);
    if (batch->scored) samples_add(&per_child, took / (double)batch->scored);
    time_children(space, batch, parts);
    ag_batch_free(batch);
  }
  print(name, "mutation", &whole);
  print(name, "mutation per child", &per_child);
}

static void time_resolution(const ag_space *space, const ag_graph *g, const amounts *n,
                            samples *parts) {
  problem_mix mix = {0};
  problem_mix_add(&mix, space, g, 10);
  problem_mix_thin(&mix, n->exact);
  time_solver(&mix, AG_RESOLVE_EXACT, parts);
  problem_mix_thin(&mix, n->milp);
  time_solver(&mix, AG_RESOLVE_MILP, parts);
  problem_mix_thin(&mix, n->exhaustive);
  time_solver(&mix, AG_RESOLVE_EXHAUSTIVE, parts);
  problem_mix_free(&mix);
}

static void time_network(const char *name, ag_space_options options, const ag_graph *g,
                         const amounts *n) {
  samples parts[PART_COUNT] = {{0}};
  problem_mix_permit(&options, g);
  ag_space *space = ag_space_new(&options);
  time_segmentation(space, g, n->parents, &parts[SEGMENTATION]);
  time_sources(space, g, n->parents, &parts[SOURCES]);
  time_resolution(space, g, n, parts);
  for (int k = 0; k < n->parents; k++)
    samples_add(&parts[COST_GRAPH], BENCH_LEAST(PASSES, sink = (double)ag_graph_flops(g)));
  time_mutations(name, space, g, n->mutations, parts);
  for (int k = 0; k < PART_COUNT; k++) print(name, PARTS[k], &parts[k]);
  ag_space_free(space);
}

/* The file's name without folder and extension; cuts the path off at the extension. */
static const char *name_of(char *path) {
  char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  char *dot = strrchr(name, '.');
  if (dot) *dot = '\0';
  return name;
}

int main(int argc, char **argv) {
  if (argc < 3 || (strcmp(argv[1], "quick") != 0 && strcmp(argv[1], "full") != 0)) {
    fprintf(stderr, "usage: %s quick|full graph.json ...\n", argv[0]);
    return 2;
  }
  ag_space_options options = problem_mix_assets();
  puts("graph,component,count,median_us,p99_us,max_us");
  for (int k = 2; k < argc; k++) {
    const ag_graph *read;
    ag_error err;
    char text[1024];
    if (ag_graph_load_json(argv[k], &read, &err)) {
      fprintf(stderr, "%s\n", ag_error_text(&err, text, sizeof text));
      return 1;
    }
    const ag_graph *g = ag_graph_canonical(read, NULL);
    time_network(name_of(argv[k]), options, g, argv[1][0] == 'q' ? &QUICK : &FULL);
    ag_graph_release(read);
    ag_graph_release(g);
  }
  problem_mix_free_assets(&options);
  return 0;
}
