/* ONNX in, real files: the networks of torchvision with the MACs and parameters torchvision itself
 * states, none of them by a flag but the size of an input that the file leaves open; an account
 * that adds up. */
#include <cJSON.h>

#include "tests/formats/onnx_support.h"
#include "tests/formats/onnx_reader.h"

static const ag_graph *load(const char *name, ag_shape bind, ag_import_report *report) {
  char path[600], text[1024];
  ag_error err;
  const ag_graph *g;
  snprintf(path, sizeof path, "%s/%s", models_folder(), name);
  if (ag_onnx_load(path, bind, &g, report, &err))
    fail_msg("%s", ag_error_text(&err, text, sizeof text));
  assert_int_equal(ag_graph_check(g, &err), AG_OK);
  return g;
}

static double number(const cJSON *object, const char *key) {
  return cJSON_GetObjectItemCaseSensitive(object, key)->valuedouble;
}

static void check_truth(const cJSON *truth) {
  const ag_graph *g = load(truth->string, as_in_file, NULL);
  int64_t conv = 0, linear = 0;
  for (int i = 0; i < g->size; i++) {
    int64_t macs = ag_node_macs(&g->nodes[i]);
    *(g->nodes[i].op == AG_OP_MATMUL ? &linear : &conv) += macs;
  }
  if ((double)conv != number(truth, "conv_macs") ||
      (double)linear != number(truth, "linear_macs") ||
      (double)ag_graph_params(g) != number(truth, "params"))
    fail_msg("%s: %lld conv MACs, %lld linear MACs, %lld parameters", truth->string,
             (long long)conv, (long long)linear, (long long)ag_graph_params(g));
  ag_graph_release(g);
}

static void counts_are_those_torchvision_states(void **state) {
  (void)state;
  skip_without_models();
  char path[600], *text;
  size_t size;
  snprintf(path, sizeof path, "%s/torchvision_truth.json", models_folder());
  assert_int_equal(ag_file_read(path, 1 << 20, &text, &size, NULL), AG_OK);
  cJSON *root = cJSON_Parse(text), *truth;
  assert_non_null(root);
  assert_int_equal(cJSON_GetArraySize(root), 11);
  cJSON_ArrayForEach(truth, root) check_truth(truth);
  cJSON_Delete(root);
  free(text);
}

/* Nodes of the file, counted on its bytes alone. */
static int count_nodes(const void *data, size_t size) {
  bytes whole = {data, (const uint8_t *)data + size}, graph = find_field(whole, MODEL_GRAPH);
  field f;
  int nodes = 0;
  assert_non_null(graph.at);
  while (next_field(&graph, &f)) nodes += f.number == GRAPH_NODE;
  return nodes;
}

static const struct {
  const char *name;
  ag_shape bind;
  int opaque;
} all_models[] = {
    {"light_inception_v1.onnx", {0, 0, 0}, 2}, /* LRN */
    {"light_resnet50.onnx", {0, 0, 0}, 0},
    {"light_shufflenet.onnx", {0, 0, 0}, 0},
    {"light_squeezenet.onnx", {0, 0, 0}, 0},
    {"ppocr_mobile_cls.onnx", {48, 192, 3}, 0},
    {"torchvision_deeplabv3_mobilenet_v3_large_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_densenet121_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_efficientnet_b0_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_mobilenet_v2_bn_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_mobilenet_v2_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_mobilenet_v3_small_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_resnet18_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_resnet50_bn_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_resnet50_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_squeezenet1_1.onnx", {0, 0, 0}, 0},
    {"torchvision_vgg16_bn_noweights.onnx", {0, 0, 0}, 0},
};

static int nodes_of_file(const char *name) {
  char path[600];
  void *data;
  size_t size;
  snprintf(path, sizeof path, "%s/%s", models_folder(), name);
  assert_int_equal(ag_file_map(path, &data, &size, NULL), AG_OK);
  int nodes = count_nodes(data, size);
  ag_file_unmap(data, size);
  return nodes;
}

static void the_account_adds_up(void **state) {
  (void)state;
  skip_without_models();
  for (size_t i = 0; i < sizeof all_models / sizeof *all_models; i++) {
    ag_import_report r;
    const ag_graph *g = load(all_models[i].name, all_models[i].bind, &r);
    int nodes = nodes_of_file(all_models[i].name), made = 0;
    if (r.kept + r.merged + r.folded + r.opaque != nodes || r.opaque != all_models[i].opaque)
      fail_msg("%s: %d + %d + %d + %d of %d nodes", all_models[i].name, r.kept, r.merged, r.folded,
               r.opaque, nodes);
    for (int k = 0; k < g->size; k++)
      made += g->nodes[k].op != AG_OP_INPUT && g->nodes[k].op != AG_OP_OUTPUT;
    assert_int_equal(made, r.kept + r.opaque);
    ag_import_report_free(&r);
    ag_graph_release(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_are_those_torchvision_states),
      cmocka_unit_test(the_account_adds_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
