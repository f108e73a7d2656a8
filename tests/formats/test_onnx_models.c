/* The small models go in, out and in again; with `--write DIR` the program writes them, for ONNX
 * Runtime to compare before and after (tests/e2e/onnx.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "autogo/onnx.h"
#include "engine/base/file.h"
#include "tests/formats/onnx_small_models.h"

static const ag_graph *parse(const char *bytes, size_t size, const char *name) {
  const ag_graph *g;
  ag_error err;
  char text[1024];
  if (ag_onnx_parse(bytes, size, (ag_shape){0, 0, 0}, &g, NULL, &err))
    fail_msg("%s: %s", name, ag_error_text(&err, text, sizeof text));
  return g;
}

static const ag_graph *round_trip(const ag_graph *g, const char *path, const char *name) {
  ag_onnx_options options = {.seed = 1, .weights = true};
  ag_error err;
  char text[1024], *bytes;
  size_t size;
  if (ag_onnx_save(g, path, &options, &err))
    fail_msg("%s: %s", name, ag_error_text(&err, text, sizeof text));
  assert_int_equal(ag_file_read(path, 1 << 24, &bytes, &size, NULL), AG_OK);
  const ag_graph *back = parse(bytes, size, name);
  free(bytes);
  return back;
}

/* Once more in any case: what was written is in a form that does not change again. */
static void check_model(int index, const char *path) {
  const char *name;
  size_t size;
  char *bytes = model_bytes(index, &name, &size);
  const ag_graph *g = parse(bytes, size, name);
  const ag_graph *back = round_trip(g, path, name), *again = round_trip(back, path, name);
  bool rewritten = is_rewritten(index);
  if (!rewritten && !ag_graph_isomorphic(g, back, AG_EQUAL_SHAPES, NULL))
    fail_msg("%s: %d nodes became %d others", name, g->size, back->size);
  if (!ag_graph_isomorphic(back, again, AG_EQUAL_SHAPES, NULL))
    fail_msg("%s: %d nodes became %d others the second time", name, back->size, again->size);
  free(bytes);
  ag_graph_release(again);
  ag_graph_release(back);
  ag_graph_release(g);
}

static void small_models_read_back(void **state) {
  (void)state;
  char path[] = "/tmp/autogo-onnx-XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  for (int i = 0; i < SMALL_MODELS; i++) check_model(i, path);
  remove(path);
}

static int write_all(const char *folder) {
  for (int i = 0; i < SMALL_MODELS; i++) {
    const char *name;
    size_t size;
    char *bytes = model_bytes(i, &name, &size), path[600];
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    ag_status status = ag_file_write(path, bytes, size, NULL);
    free(bytes);
    if (status) return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--write") == 0) return write_all(argv[2]);
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_models_read_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
