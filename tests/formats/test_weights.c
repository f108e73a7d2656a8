/* Weights of a graph as safetensors, read back by the reader of predictors' files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/formats/weights.h"
#include "engine/predict/safetensors.h"

static float kernel[3][2] = {{1, 2}, {3, 4}, {5, 6}}; /* in, out */
static float bias[2] = {7, 8};

static ag_tensor tensor(const void *data, int rank, int64_t a, int64_t b) {
  ag_tensor t = {.dtype = AG_F32, .rank = rank, .dims = {a, b}, .data = data};
  t.bytes = sizeof(float) * (size_t)(rank == 1 ? a : a * b);
  return t;
}

/* A product whose kernel is kept the other way round, then a norm without weights. */
static const ag_graph *make_graph(void) {
  ag_error err;
  const ag_graph *graph = NULL;
  ag_builder *b = ag_builder_new("weights");
  ag_record record = {.transposed = true};
  record.has[AG_ROLE_KERNEL] = record.has[AG_ROLE_BIAS] = true;
  record.tensor[AG_ROLE_KERNEL] = tensor(kernel, 2, 3, 2);
  record.tensor[AG_ROLE_BIAS] = tensor(bias, 1, 2, 0);
  ag_node in = ag_node_make(AG_OP_INPUT), product = ag_node_make(AG_OP_MATMUL);
  in.out = (ag_shape){1, 1, 3};
  product.out.c = 2;
  product.bias = 1;
  product.record = ag_store_add(ag_builder_store(b), &record);
  int x = ag_builder_add(b, in, NULL, 0, NULL);
  x = ag_builder_add(b, product, &x, 1, NULL);
  x = ag_builder_add(b, ag_node_make(AG_OP_BATCHNORM), &x, 1, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &x, 1, NULL);
  assert_int_equal(ag_builder_finish(b, &graph, &err), AG_OK);
  return graph;
}

static void check_floats(const ag_st_file *file, const char *name, int rank, int64_t a, int64_t b,
                         const float *expected) {
  ag_error err;
  float seen[6];
  int64_t dims[2] = {a, b};
  assert_int_equal(ag_st_floats(file, name, rank, dims, seen, &err), AG_OK);
  assert_memory_equal(seen, expected, sizeof(float) * (size_t)(rank == 1 ? a : a * b));
}

static void weights_read_back(void **state) {
  (void)state;
  static const char *const names[4] = {NULL, "fc", "stage.0.bn", NULL};
  ag_error err;
  const ag_graph *graph = make_graph();
  assert_int_equal(ag_weights_kept(graph), 8);
  assert_int_equal(ag_graph_params(graph), 12);
  char path[] = "/tmp/weights-XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  ag_weights_options options = {.names = names, .seed = 1};
  assert_int_equal(ag_weights_save(graph, path, &options, &err), AG_OK);
  char *data;
  size_t size;
  ag_st_file st = {0};
  assert_int_equal(ag_file_read(path, 1 << 20, &data, &size, &err), AG_OK);
  assert_int_equal(ag_st_parse(data, size, &st, &err), AG_OK);
  assert_int_equal(st.count, 6);
  check_floats(&st, "fc.weight", 2, 2, 3, (const float[]){1, 3, 5, 2, 4, 6});
  check_floats(&st, "fc.bias", 1, 2, 0, bias);
  check_floats(&st, "stage.0.bn.weight", 1, 2, 0, (const float[]){1, 1});
  check_floats(&st, "stage.0.bn.bias", 1, 2, 0, (const float[]){0, 0});
  check_floats(&st, "stage.0.bn.running_mean", 1, 2, 0, (const float[]){0, 0});
  check_floats(&st, "stage.0.bn.running_var", 1, 2, 0, (const float[]){1, 1});
  ag_st_free(&st);
  free(data);
  remove(path);
  ag_graph_release(graph);
}

static void bad_names_and_places_are_refused(void **state) {
  (void)state;
  static const char *const bad[4] = {NULL, "a\"b", NULL, NULL};
  static const char *const good[4] = {NULL, "fc", NULL, NULL};
  ag_error err;
  const ag_graph *graph = make_graph();
  ag_weights_options options = {.names = bad};
  assert_int_equal(ag_weights_save(graph, "/tmp/never", &options, &err), AG_INVALID);
  options.names = good;
  assert_int_equal(ag_weights_save(graph, "/nowhere/at/all", &options, &err), AG_IO);
  ag_weights_constant constant = {.node = 1, .index = 0, .name = "c"};
  options.constants = &constant;
  options.constant_count = 1;
  assert_int_equal(ag_weights_save(graph, "/tmp/never", &options, &err), AG_INVALID);
  ag_graph_release(graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(weights_read_back),
                                     cmocka_unit_test(bad_names_and_places_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
