/* How many children a search sees per second: generations of mutation with the published settings
 * and the bundled assets, each from the ten most promising children of the one before.
 *
 *   search threads generations graph.json ...
 *
 * `scored` counts candidates that are valid, new to their source and predicted; `kept` the children
 * that a batch holds. Rates are by the clock, `cpu` is processor time per scored child. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "autogo/search.h"
#include "engine/base/alloc.h"

enum { PARENTS = 10 };

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(ag_status status, const ag_error *err) {
  if (!status) return;
  fprintf(stderr, "%s %s\n", err->file, err->message);
  exit(1);
}

static ag_space_options load_assets(int threads) {
  ag_tokenizer *tokenizer;
  ag_database *database;
  ag_predictor *predictor;
  ag_error err;
  check(ag_tokenizer_load("lua/autogo/assets/tokenizer.txt", &tokenizer, &err), &err);
  check(ag_database_load("lua/autogo/assets/segments.agdb", &database, &err), &err);
  check(ag_predictor_load("lua/autogo/assets/predictor.safetensors", &predictor, &err), &err);
  return (ag_space_options){.tokenizer = tokenizer,
                            .database = database,
                            .predictor = predictor,
                            .threads = threads,
                            .seed = 1};
}

static void permit_ops_of(const ag_graph *g, ag_space_options *options) {
  static const ag_op always[] = {AG_OP_CONV, AG_OP_BATCHNORM, AG_OP_RELU, AG_OP_ADD,
                                 AG_OP_IDENTITY};
  memset(options->permitted, 0, sizeof options->permitted);
  for (int i = 0; i < g->size; i++) options->permitted[g->nodes[i].op] = true;
  for (int k = 0; k < 5; k++) options->permitted[always[k]] = true;
}

struct rank {
  double gain;
  int child;
};

static int by_gain(const void *x, const void *y) {
  const struct rank *a = x, *b = y;
  if (a->gain != b->gain) return a->gain > b->gain ? -1 : 1;
  return (a->child > b->child) - (a->child < b->child);
}

/* Replace the parents by the best children within the FLOPs band of the input. */
static int next_parents(const ag_batch *batch, int64_t flops, const ag_graph **parents, int count) {
  struct rank *ranks = AG_ARRAY(struct rank, batch->size);
  int ranked = 0;
  for (int i = 0; i < batch->size; i++) {
    const ag_child *c = &batch->children[i];
    if ((double)c->flops > 1.1 * (double)flops || (double)c->flops < 0.8 * (double)flops) continue;
    ranks[ranked++] = (struct rank){c->predicted - c->baseline, i};
  }
  if (ranked) qsort(ranks, (size_t)ranked, sizeof *ranks, by_gain);
  if (ranked > PARENTS) ranked = PARENTS;
  const ag_graph *made[PARENTS];
  for (int k = 0; k < ranked; k++) {
    const ag_graph *g;
    ag_error err;
    check(ag_batch_graph(batch, ranks[k].child, &g, &err), &err);
    made[k] = ag_graph_canonical(g, NULL);
    ag_graph_release(g);
  }
  free(ranks);
  if (ranked == 0) return count;
  for (int p = 0; p < count; p++) ag_graph_release(parents[p]);
  memcpy(parents, made, (size_t)ranked * sizeof *parents);
  return ranked;
}

static void run(ag_space_options options, int generations, const char *path) {
  const ag_graph *parents[PARENTS];
  const ag_graph *read;
  ag_error err;
  check(ag_graph_load_json(path, &read, &err), &err);
  parents[0] = ag_graph_canonical(read, NULL);
  int count = 1, nodes = read->size;
  int64_t flops = ag_graph_flops(read), tried = 0, feasible = 0, scored = 0, kept = 0;
  permit_ops_of(read, &options);
  ag_graph_release(read);
  ag_space *space = ag_space_new(&options);
  double wall = 0, cpu = 0;
  for (int g = 1; g <= generations; g++) {
    ag_mutation_options o = ag_mutation_defaults();
    o.generation = (uint64_t)g;
    ag_batch *batch;
    double wall_start = seconds(CLOCK_MONOTONIC), cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    check(ag_space_mutate(space, parents, count, &o, &batch, &err), &err);
    wall += seconds(CLOCK_MONOTONIC) - wall_start;
    cpu += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
    tried += batch->tried;
    feasible += batch->feasible;
    scored += batch->scored;
    kept += batch->size;
    count = next_parents(batch, flops, parents, count);
    ag_batch_free(batch);
  }
  const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  printf("%-24s %5d %7d %9lld %9lld %9lld %9lld %9.0f %9.0f %7.2f\n", name, nodes, options.threads,
         (long long)tried, (long long)feasible, (long long)scored, (long long)kept,
         (double)scored / wall, (double)kept / wall, 1e6 * cpu / (double)scored);
  for (int p = 0; p < count; p++) ag_graph_release(parents[p]);
  ag_space_free(space);
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: %s threads generations graph.json ...\n", argv[0]);
    return 2;
  }
  ag_space_options options = load_assets(atoi(argv[1]));
  printf("%-24s %5s %7s %9s %9s %9s %9s %9s %9s %7s\n", "graph", "nodes", "threads", "tried",
         "feasible", "scored", "kept", "scored/s", "kept/s", "cpu us");
  for (int i = 3; i < argc; i++) run(options, atoi(argv[2]), argv[i]);
  return 0;
}
