/* At least 10,000 random children of real networks (the best graphs of five families, published
 * ones, ImageNet classifiers read from ONNX): what a batch says of a child must be true of the
 * graph made from it, and that graph must survive being written as ONNX and read again. Children of
 * children are among them. */
#include "tests/search/support.h"

#include <unistd.h>

#include "autogo/onnx.h"

#ifdef __SANITIZE_ADDRESS__
enum { CHECK_EVERY = 10, CHILDREN = 1000 };
#else
enum { CHECK_EVERY = 1, CHILDREN = 10000 };
#endif
enum { PARENTS = 2, EXPORT_EVERY = 150 };

static const char *const networks[] = {
    "data/cg/nb101_best.json",
    "data/cg/nb201_best.json",
    "data/cg/hiaml_best.json",
    "data/cg/inception_best.json",
    "data/cg/two_path_best.json",
    "data/cg/resnet50.json",
    "data/cg/edsr_base.json",
    "data/cg/fsrcnn3.json",
    "data/cg/vgg16_bn.json",
    "models/onnx/torchvision_resnet18_noweights.onnx",
    "models/onnx/torchvision_mobilenet_v2_bn_noweights.onnx",
    "models/onnx/torchvision_mobilenet_v3_small_noweights.onnx",
    "models/onnx/torchvision_efficientnet_b0_noweights.onnx",
    "models/onnx/torchvision_squeezenet1_1.onnx",
};
enum { NETWORKS = sizeof networks / sizeof *networks };

static bool have_shared(char *folder, size_t size) {
  const char *shared = getenv("AUTOGO_SHARED");
  snprintf(folder, size, "%s", shared ? shared : "../shared");
  return access(folder, R_OK) == 0;
}

static const ag_graph *load(const char *folder, const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  const ag_graph *read;
  ag_error err;
  bool onnx = strstr(name, ".onnx") != NULL;
  if (onnx ? ag_onnx_load(path, (ag_shape){0, 0, 0}, &read, NULL, &err)
           : ag_graph_load_json(path, &read, &err))
    fail_msg("%s: %s", name, err.message);
  const ag_graph *g = ag_graph_canonical(read, NULL);
  ag_graph_release(read);
  return g;
}

/* Written and read again it is the same graph. */
static void check_export(const ag_batch *batch, int index) {
  char path[] = "/tmp/autogo_child_XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  const ag_graph *made, *read;
  ag_error err;
  ag_onnx_options options = {.seed = 1, .weights = false};
  assert_int_equal(ag_batch_graph(batch, index, &made, NULL), AG_OK);
  if (ag_onnx_save(made, path, &options, &err)) fail_msg("%s %s", err.node, err.message);
  if (ag_onnx_load(path, (ag_shape){0, 0, 0}, &read, NULL, &err))
    fail_msg("%s %s", err.node, err.message);
  unlink(path);
  assert_true(ag_graph_isomorphic(made, read, AG_EQUAL_SHAPES, NULL));
  ag_graph_release(made);
  ag_graph_release(read);
}

static int check_batch(const ag_batch *batch, int *exported) {
  ag_prices *prices = price_everything(batch);
  double *costs = cost_everything(prices, batch, NULL);
  int checked = 0;
  for (int i = 0; i < batch->size; i += CHECK_EVERY, checked++) {
    check_child(batch, i, prices, costs[i]);
    if (i % EXPORT_EVERY) continue;
    check_export(batch, i);
    ++*exported;
  }
  free(costs);
  ag_prices_free(prices);
  return checked;
}

/* Survivors are what splicing, ordering and scoring one by one makes of them. */
static void check_made(const ag_space *space, const ag_batch *batch, int32_t *rows, int count,
                       const ag_graph **graphs) {
  ag_made made[PARENTS] = {0};
  assert_int_equal(ag_space_make(space, batch, rows, count, made, NULL), AG_OK);
  for (int k = 0; k < count; k++) {
    const ag_graph *spliced;
    double score;
    assert_int_equal(ag_batch_graph(batch, rows[k], &spliced, NULL), AG_OK);
    assert_true(ag_graph_isomorphic(spliced, made[k].graph, AG_EQUAL_SHAPES, NULL));
    assert_int_equal(ag_space_score(space, made[k].graph, &score, NULL), AG_OK);
    assert_memory_equal(&score, &made[k].score, sizeof score);
    ag_graph_release(spliced);
    graphs[k] = made[k].graph;
  }
}

static int check_network(const ag_graph *g, uint64_t seed, int *exported) {
  ag_space *space = make_space(2, seed);
  ag_batch *first = mutate(space, &g, 1, 48, 1);
  assert_true(first->size > 2 * PARENTS);
  int checked = check_batch(first, exported);
  int32_t rows[PARENTS];
  const ag_graph *parents[PARENTS];
  for (int k = 0; k < PARENTS; k++) rows[k] = (first->size - 1) / (k + 1);
  check_made(space, first, rows, PARENTS, parents);
  ag_batch *second = mutate(space, parents, PARENTS, 24, 2);
  checked += check_batch(second, exported);
  for (int k = 0; k < PARENTS; k++) ag_graph_release(parents[k]);
  ag_batch_free(first);
  ag_batch_free(second);
  ag_space_free(space);
  return checked;
}

static void children_of_real_networks_are_what_the_batch_says(void **state) {
  (void)state;
  char folder[256];
  if (!have_shared(folder, sizeof folder)) {
    print_message("skipped: the shared data (AUTOGO_SHARED) is absent\n");
    skip();
  }
  int checked = 0, exported = 0;
  for (int n = 0; n < NETWORKS; n++) {
    const ag_graph *g = load(folder, networks[n]);
    int more = check_network(g, (uint64_t)n, &exported);
    print_message("%s: %d children\n", networks[n], more);
    checked += more;
    ag_graph_release(g);
  }
  print_message("%d children checked, %d of them written and read as ONNX\n", checked, exported);
  assert_true(checked >= CHILDREN && exported >= NETWORKS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(children_of_real_networks_are_what_the_batch_says),
  };
  return cmocka_run_group_tests_name("children", tests, load_assets, free_assets);
}
