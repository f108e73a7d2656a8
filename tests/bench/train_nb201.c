/* Train a predictor on NAS-Bench-201 and say how well it ranks cells it has not seen.
 *
 *   train_nb201 labels.csv [psc|gnn] [epochs] [threads] [seed] [weights.safetensors]
 *
 * The 4,096 cells without `none`, split 80/10/10 with isomorphic cells together; segments are
 * random runs of 1 to 16 nodes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "autogo/predict.h"
#include "engine/base/alloc.h"
#include "engine/base/random.h"

typedef struct cell {
  const ag_graph *graph;
  int32_t *bounds;
  int segments;
  double accuracy;
  ag_hash hash;
} cell;

static int add(ag_builder *b, ag_op op, int x) {
  return ag_builder_add(b, ag_node_make(op), &x, 1, NULL);
}

static int conv(ag_builder *b, int x, int k, int stride, int channels) {
  ag_node node = ag_node_make(AG_OP_CONV);
  node.kernel[0] = node.kernel[1] = k;
  node.stride[0] = node.stride[1] = stride;
  node.out.c = channels;
  return ag_builder_add(b, node, &x, 1, NULL);
}

static int pool(ag_builder *b, int x, int k, int stride) {
  ag_node node = ag_node_make(AG_OP_AVGPOOL);
  node.kernel[0] = node.kernel[1] = k;
  node.stride[0] = node.stride[1] = stride;
  return ag_builder_add(b, node, &x, 1, NULL);
}

static int sum(ag_builder *b, int x, int y) {
  return ag_builder_add(b, ag_node_make(AG_OP_ADD), (int[]){x, y}, 2, NULL);
}

static int edge(ag_builder *b, char op, int x, int channels) {
  if (op == 's') return x;
  if (op == 'a') return add(b, AG_OP_BATCHNORM, pool(b, x, 3, 1));
  return add(b, AG_OP_BATCHNORM, conv(b, add(b, AG_OP_RELU, x), op - '0', 1, channels));
}

static int build_cell(ag_builder *b, const char *op, int x, int c) {
  int e1 = edge(b, op[0], x, c), e2 = edge(b, op[1], x, c), e3 = edge(b, op[2], e1, c);
  int e4 = edge(b, op[3], x, c), e5 = edge(b, op[4], e1, c);
  int e6 = edge(b, op[5], sum(b, e2, e3), c);
  return sum(b, sum(b, e6, e5), e4);
}

static int reduce(ag_builder *b, int x, int c) {
  int main_path = conv(b, add(b, AG_OP_RELU, conv(b, x, 3, 1, c)), 3, 2, 2 * c);
  return add(b, AG_OP_RELU, sum(b, main_path, conv(b, pool(b, x, 3, 2), 1, 1, 2 * c)));
}

static const ag_graph *build(const char *op) {
  ag_builder *b = ag_builder_new("nb201");
  ag_node input = ag_node_make(AG_OP_INPUT);
  input.out = (ag_shape){32, 32, 3};
  int x = ag_builder_add(b, input, NULL, 0, NULL);
  x = add(b, AG_OP_BATCHNORM, conv(b, x, 3, 1, 16));
  for (int stage = 0, c = 16; stage < 3; stage++, c *= 2) {
    if (stage > 0) x = reduce(b, x, c / 2);
    for (int i = 0; i < 5; i++) x = build_cell(b, op, x, c);
  }
  x = add(b, AG_OP_IDENTITY, add(b, AG_OP_MEAN, x));
  ag_node fc = ag_node_make(AG_OP_MATMUL);
  fc.out.c = 10;
  fc.bias = 1;
  x = ag_builder_add(b, fc, &x, 1, NULL);
  add(b, AG_OP_OUTPUT, x);
  const ag_graph *graph;
  ag_error err;
  if (ag_builder_finish(b, &graph, &err)) {
    fprintf(stderr, "%s\n", err.message);
    exit(1);
  }
  const ag_graph *canonical = ag_graph_canonical(graph, NULL);
  ag_graph_release(graph);
  return canonical;
}

/* The six ops of an architecture string as letters; false if one is `none`. */
static bool parse(const char *arch, char *op) {
  for (int i = 0; i < 6; i++) {
    arch += strspn(arch, "|+");
    if (strncmp(arch, "skip", 4) == 0)
      op[i] = 's';
    else if (strncmp(arch, "avg", 3) == 0)
      op[i] = 'a';
    else if (strncmp(arch, "nor_conv_1", 10) == 0)
      op[i] = '1';
    else if (strncmp(arch, "nor_conv_3", 10) == 0)
      op[i] = '3';
    else
      return false;
    arch += strcspn(arch, "|");
  }
  return true;
}

static void segment(cell *c, uint64_t number) {
  ag_random random = ag_random_stream(7, number, 0, 0, 0);
  c->bounds = AG_ARRAY(int32_t, c->graph->size + 1);
  while (c->bounds[c->segments] < c->graph->size) {
    int next = c->bounds[c->segments] + 1 + (int)ag_random_below(&random, 16) % 16;
    c->bounds[++c->segments] = next < c->graph->size ? next : c->graph->size;
  }
}

static cell *read_cells(const char *path, int *count) {
  FILE *f = fopen(path, "r");
  if (!f) {
    perror(path);
    exit(1);
  }
  char line[512], arch[400], op[6];
  cell *cells = NULL;
  int capacity = 0;
  *count = 0;
  while (fgets(line, sizeof line, f)) {
    double accuracy;
    if (sscanf(line, "%*d,%399[^,],%lf", arch, &accuracy) != 2 || !parse(arch, op)) continue;
    AG_GROW(cells, *count, capacity);
    cell c = {.graph = build(op), .accuracy = accuracy};
    c.hash = ag_graph_hash(c.graph);
    segment(&c, (uint64_t)*count);
    cells[(*count)++] = c;
  }
  fclose(f);
  return cells;
}

static int by_hash(const void *a, const void *b) {
  return ag_hash_compare(((const cell *)a)->hash, ((const cell *)b)->hash);
}

/* Hashes are as good as random: sorted by them, classes stand together in random order. */
static void split(const ag_sample *all, const cell *cells, int count, int *train, int *valid) {
  (void)all;
  *train = count * 8 / 10;
  while (*train < count && ag_hash_equal(cells[*train].hash, cells[*train - 1].hash)) ++*train;
  *valid = count * 9 / 10;
  while (*valid < count && ag_hash_equal(cells[*valid].hash, cells[*valid - 1].hash)) ++*valid;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool show(void *context, const ag_train_progress *p) {
  double *start = context;
  if (p->epoch % 5 == 0 || p->epoch == 1) {
    printf("epoch %3d  loss %.4f  valid SRCC %.4f  %.0f samples/s  %.0f s\n", p->epoch, p->loss,
           p->srcc, p->samples_per_second, now() - *start);
    fflush(stdout);
  }
  return true;
}

static void report(const ag_predictor *p, const char *part, const cell *cells, int count) {
  double *predicted = AG_ARRAY(double, count), *measured = AG_ARRAY(double, count);
  for (int i = 0; i < count; i++) {
    ag_predict_score(p, cells[i].graph, cells[i].bounds, cells[i].segments, &predicted[i], NULL);
    measured[i] = cells[i].accuracy;
  }
  printf("%s: %d cells, SRCC %.4f, Kendall %.4f\n", part, count,
         ag_srcc(predicted, measured, count), ag_kendall(predicted, measured, count));
  free(predicted);
  free(measured);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  int count, train, valid;
  double start = now();
  cell *cells = read_cells(argv[1], &count);
  qsort(cells, (size_t)count, sizeof *cells, by_hash);
  ag_sample *samples = AG_ARRAY(ag_sample, count);
  for (int i = 0; i < count; i++) {
    samples[i] =
        (ag_sample){cells[i].graph, cells[i].bounds, cells[i].segments, cells[i].accuracy, 0};
  }
  split(samples, cells, count, &train, &valid);
  printf("%d cells, read in %.1f s\n", count, now() - start);
  ag_train_options o =
      ag_train_defaults(argc > 2 && strcmp(argv[2], "gnn") == 0 ? AG_MODEL_GNN : AG_MODEL_PSC);
  if (argc > 3) o.epochs = atoi(argv[3]);
  if (argc > 4) o.threads = atoi(argv[4]);
  if (argc > 5) o.seed = (uint64_t)atoi(argv[5]);
  o.families = (const char *const[]){"nb201"};
  ag_predictor *p;
  ag_error err;
  start = now();
  if (ag_train(samples, train, samples + train, valid - train, &o, show, &start, &p, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  printf("trained in %.1f s\n", now() - start);
  report(p, "validation", cells + train, valid - train);
  report(p, "test", cells + valid, count - valid);
  if (argc > 6 && ag_predictor_save(p, argv[6], &err)) fprintf(stderr, "%s\n", err.message);
  ag_predictor_free(p);
  for (int i = 0; i < count; i++) {
    ag_graph_release(cells[i].graph);
    free(cells[i].bounds);
  }
  free(cells);
  free(samples);
  return 0;
}
