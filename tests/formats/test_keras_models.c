/* Real models of Keras, with the counts of their papers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/formats/keras_maker.h"

static char *read_model(const char *name, size_t *size) {
  char path[600], *text;
  const char *shared = getenv("AUTOGO_SHARED");
  snprintf(path, sizeof path, "%s/models/keras/%s", shared ? shared : "../shared", name);
  if (ag_file_read(path, 1 << 24, &text, size, NULL) == AG_OK) return text;
  puts("skipped: no Keras models");
  skip();
  return NULL;
}

static void expect_macs(const char *name, int64_t conv, int64_t linear, int64_t params) {
  size_t size;
  int64_t seen[2] = {0, 0};
  char *text = read_model(name, &size);
  ag_import_report report = {0};
  const ag_graph *g = parse(text, NULL, &report);
  for (int i = 0; i < g->size; i++)
    seen[g->nodes[i].op == AG_OP_MATMUL] += ag_node_macs(&g->nodes[i]);
  assert_int_equal(seen[0], conv);
  assert_int_equal(seen[1], linear);
  assert_int_equal(ag_graph_params(g), params);
  assert_int_equal(report.opaque, 0);
  ag_import_report_free(&report);
  ag_graph_release(g);
  free(text);
}

/* He et al. 2015, table 1, 50 layers; as Keras has it: the first 1x1 of a stage has its stride, and
 * the pool after the stem is not padded, so that 55 x 55 comes out. */
static void resnet50(void **state) {
  (void)state;
  static const int widths[] = {64, 128, 256, 512}, blocks[] = {3, 4, 6, 3};
  int64_t macs = 112 * 112 * 7 * 7 * 3 * 64, in = 64, side = (112 - 3) / 2 + 1;
  int64_t params = 7 * 7 * 3 * 64 + 64 + 2 * 64;
  for (int s = 0; s < 4; s++) {
    int64_t w = widths[s], out = 4 * w;
    if (s) side = (side + 1) / 2;
    for (int b = 0; b < blocks[s]; b++, in = out) {
      int64_t kernels = in * w + 9 * w * w + w * out + (b ? 0 : in * out);
      macs += side * side * kernels;
      params += kernels + 3 * (2 * w + out + (b ? 0 : out)); /* biases and norms */
    }
  }
  expect_macs("keras1_resnet50.json", macs, 2048 * 1000, params + 2048 * 1000 + 1000);
}

/* Sandler et al. 2018, table 2, with a head of 256, 128 and 5 units. */
static void mobilenet_v2(void **state) {
  (void)state;
  static const int rows[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  int64_t in = 32, side = 112, macs = side * side * 27 * 32, params = 27 * 32 + 64;
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
    for (int b = 0; b < rows[r][2]; b++) {
      int64_t t = rows[r][0], wide = in * t, out = rows[r][1], before = side;
      if (b == 0) side /= rows[r][3];
      if (t > 1) macs += before * before * in * wide, params += in * wide + 2 * wide;
      macs += side * side * (9 * wide + wide * out);
      params += 9 * wide + 2 * wide + wide * out + 2 * out;
      in = out;
    }
  macs += side * side * in * 1280;
  params += in * 1280 + 2 * 1280 + 1280 * 256 + 256 + 256 * 128 + 128 + 128 * 5 + 5;
  expect_macs("keras2_tfjs_layers_mobilenet_v2.json", macs, 1280 * 256 + 256 * 128 + 128 * 5,
              params);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resnet50),
      cmocka_unit_test(mobilenet_v2),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
