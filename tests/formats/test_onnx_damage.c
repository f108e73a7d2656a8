/* ONNX in: damaged files do no harm, long ones take no long time. */
#include "engine/base/random.h"
#include "tests/formats/onnx_support.h"

/* Exactly `size` bytes, so that a sanitizer sees a read past them. */
static void try_bytes(const char *bytes, size_t size, ag_shape bind) {
  char *copy = malloc(size ? size : 1);
  memcpy(copy, bytes, size);
  const ag_graph *g;
  ag_import_report r;
  ag_error err;
  if (ag_onnx_parse(copy, size, bind, &g, &r, &err) == AG_OK) {
    assert_int_equal(ag_graph_check(g, NULL), AG_OK);
    ag_import_report_free(&r);
    ag_graph_release(g);
  } else {
    assert_true(err.message[0] != '\0');
  }
  free(copy);
}

static void damage(const char *bytes, size_t size, ag_shape bind, int flips) {
  for (size_t cut = 0; cut < size; cut += 97) try_bytes(bytes, cut, bind);
  ag_random random = ag_random_stream(11, size, 0, 0, 0);
  char *copy = malloc(size);
  for (int round = 0; round < flips; round++) {
    memcpy(copy, bytes, size);
    for (int k = 0; k < 1 + round % 3; k++)
      copy[ag_random_below(&random, size)] = (char)ag_random_below(&random, 256);
    try_bytes(copy, size, bind);
  }
  free(copy);
}

static void damaged_models_do_no_harm(void **state) {
  (void)state;
  skip_without_models();
  static const char *const names[] = {"torchvision_resnet18_noweights.onnx",
                                      "torchvision_vgg16_bn_noweights.onnx",
                                      "light_squeezenet.onnx"};
  for (int i = 0; i < 3; i++) {
    char path[600], *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", models_folder(), names[i]);
    assert_int_equal(ag_file_read(path, 1 << 20, &bytes, &size, NULL), AG_OK);
    damage(bytes, size, as_in_file, 500);
    free(bytes);
  }
}

/* Every byte of a small model that has a bit of everything, cut and flipped. */
static void a_small_model_survives_everything(void **state) {
  (void)state;
  model m = image_model();
  attributes a = {0}, b = {0}, c = {.packed = true};
  weight(&m, "w", 4, (int64_t[]){4, 8, 3, 3});
  integers(&m, "split", (int64_t[]){1, 2, 2, 4, 4}, 5);
  integers(&m, "join", (int64_t[]){0, 4, -1, 4}, 4);
  integers(&m, "pads", (int64_t[]){0, 0, 1, 1, 0, 0, 1, 1}, 8);
  attribute_ints(&a, "strides", (int64_t[]){1, 1}, 2);
  attribute_ints(&b, "perm", (int64_t[]){0, 2, 1, 3, 4}, 5);
  attribute_ints(&c, "kernel_shape", (int64_t[]){2, 2}, 2);
  node(&m, "Conv", "x,w", "a", &a);
  node(&m, "Reshape", "a,split", "b", NULL);
  node(&m, "Transpose", "b", "c", &b);
  node(&m, "Reshape", "c,join", "d", NULL);
  node(&m, "Pad", "d,pads", "e", NULL);
  node(&m, "Split", "e", "f,g", NULL);
  node(&m, "Concat", "g,f", "h", NULL);
  node(&m, "MaxPool", "h", "y", &c);
  size_t size;
  char *bytes = finish(&m, 13, &size);
  for (size_t cut = 0; cut <= size; cut++) try_bytes(bytes, cut, as_in_file);
  for (size_t i = 0; i < size; i++)
    for (int bit = 0; bit < 8; bit++) {
      if (i > 60 && i + 60 < size && i % 7) continue; /* the weights take most of it */
      bytes[i] = (char)(bytes[i] ^ 1 << bit);
      try_bytes(bytes, size, as_in_file);
      bytes[i] = (char)(bytes[i] ^ 1 << bit);
    }
  damage(bytes, size, as_in_file, 3000);
  free(bytes);
}

/* Quadratic work on this many nodes would take minutes. */
static void long_models_take_linear_time(void **state) {
  (void)state;
  enum { LENGTH = 50000 };
  model m = {0};
  char from[16] = "x", to[16];
  image(&m, "x", 8, 6, 6);
  for (int i = 0; i < LENGTH; i++) {
    snprintf(to, sizeof to, "t%d", i);
    node(&m, "Relu", from, to, NULL);
    memcpy(from, to, sizeof from);
  }
  output(&m, to);
  const ag_graph *g = parse(&m, 13, NULL);
  assert_int_equal(g->size, LENGTH + 2);
  ag_graph_release(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(damaged_models_do_no_harm),
      cmocka_unit_test(a_small_model_survives_everything),
      cmocka_unit_test(long_models_take_linear_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
