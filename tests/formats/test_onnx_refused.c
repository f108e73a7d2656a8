/* ONNX in: bad files are refused with a reason. */
#include <unistd.h>

#include "tests/formats/onnx_support.h"

static void assert_refused(const void *bytes, size_t size, ag_shape bind, const char *reason) {
  const ag_graph *g = NULL;
  ag_error err;
  char text[1024];
  if (ag_onnx_parse(bytes, size, bind, &g, NULL, &err) == AG_OK)
    fail_msg("accepted what should fail with: %s", reason);
  if (!strstr(ag_error_text(&err, text, sizeof text), reason))
    fail_msg("expected: %s\n  said: %s", reason, text);
  assert_null(g);
}

static void assert_model_refused(model *m, ag_shape bind, const char *reason) {
  size_t size;
  char *bytes = finish(m, 13, &size);
  assert_refused(bytes, size, bind, reason);
  free(bytes);
}

static void bad_models_are_refused_with_a_reason(void **state) {
  (void)state;
  assert_refused("", 0, as_in_file, "empty");
  assert_refused("\xff\xff\xff", 3, as_in_file, "not a protobuf message");

  model m = image_model();
  node(&m, "Relu", "z", "y", NULL);
  assert_model_refused(&m, as_in_file, "node0: reads 'z', which nothing defines");

  m = image_model();
  node(&m, "Add", "x,b", "a", NULL);
  node(&m, "Relu", "a", "b", NULL);
  node(&m, "Relu", "b", "y", NULL);
  assert_model_refused(&m, as_in_file, "cycle");

  m = image_model();
  node(&m, "Relu", "x", "a", NULL);
  assert_model_refused(&m, as_in_file, "'y'");

  m = image_model();
  node(&m, "Relu", "x", "y", NULL);
  ag_text nameless = {0};
  put_message(&m.graph, OUTPUT_FIELD, &nameless);
  assert_model_refused(&m, as_in_file, "an output has no name");

  m = image_model();
  attributes a = {0};
  attribute_int(&a, "axis", -9);
  node(&m, "LayerNormalization", "x", "n,mean", &a);
  node(&m, "Add", "n,mean", "y", NULL);
  assert_model_refused(&m, as_in_file, "node0: LayerNormalization: ");

  m = image_model();
  node(&m, "Mystery", "x", "y", NULL);
  assert_model_refused(&m, as_in_file, "node0: Mystery: ");
}

static model open_sizes(void) {
  model m = {0};
  value_info(&m, INPUT_FIELD, "x", 4, (int64_t[]){0, 3, 0, 0});
  output(&m, "y");
  node(&m, "Relu", "x", "y", NULL);
  return m;
}

static void open_sizes_are_bound_by_the_caller(void **state) {
  (void)state;
  model m = open_sizes();
  assert_model_refused(&m, as_in_file,
                       "height open (dimension 2, open); give it with --input HxWxC");
  m = open_sizes();
  assert_model_refused(&m, (ag_shape){32, 48, 4}, "channels 3, not 4");
  m = open_sizes();
  size_t size;
  char *bytes = finish(&m, 13, &size);
  const ag_graph *g;
  assert_int_equal(ag_onnx_parse(bytes, size, (ag_shape){32, 48, 3}, &g, NULL, NULL), AG_OK);
  assert_true(ag_shape_equal(g->nodes[0].out, ((ag_shape){32, 48, 3})));
  ag_graph_release(g);
  free(bytes);
}

static void errors_name_the_file(void **state) {
  (void)state;
  char path[] = "/tmp/autogo-onnx-XXXXXX", text[1024];
  int file = mkstemp(path);
  assert_true(file >= 0);
  model m = image_model();
  node(&m, "Relu", "z", "y", NULL);
  size_t size;
  char *bytes = finish(&m, 13, &size);
  assert_int_equal(ag_file_write(path, bytes, size, NULL), AG_OK);
  const ag_graph *g;
  ag_error err;
  assert_int_equal(ag_onnx_load(path, as_in_file, &g, NULL, &err), AG_FORMAT);
  assert_string_equal(err.file, path);
  assert_string_equal(err.node, "node0");
  assert_ptr_equal(strstr(ag_error_text(&err, text, sizeof text), path), text);
  remove(path);
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_models_are_refused_with_a_reason),
      cmocka_unit_test(open_sizes_are_bound_by_the_caller),
      cmocka_unit_test(errors_name_the_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
