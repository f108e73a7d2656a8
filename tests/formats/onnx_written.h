/* What the tests of the ONNX writer share: graphs to files and back. */
#ifndef AG_TESTS_ONNX_WRITTEN_H
#define AG_TESTS_ONNX_WRITTEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "autogo/onnx.h"
#include "engine/base/file.h"
#include "tests/formats/onnx_maker.h"
#include "tests/support/random_graph.h"

static const ag_shape as_in_file = {0, 0, 0};
static char folder[] = "/tmp/autogo-onnx-XXXXXX";

static inline int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}
static inline int remove_folder(void **state) {
  (void)state;
  return rmdir(folder);
}

/* The bytes of the file that `graph` becomes. */
static inline char *written(const ag_graph *g, uint64_t seed, bool weights, size_t *size) {
  char path[64], text[1024], *bytes;
  ag_error err;
  ag_onnx_options options = {.seed = seed, .weights = weights};
  snprintf(path, sizeof path, "%s/x.onnx", folder);
  if (ag_onnx_save(g, path, &options, &err)) fail_msg("%s", ag_error_text(&err, text, sizeof text));
  assert_int_equal(ag_file_read(path, (size_t)1 << 31, &bytes, size, &err), AG_OK);
  remove(path);
  return bytes;
}

static inline const ag_graph *parse(const char *bytes, size_t size, ag_import_report *report) {
  const ag_graph *g;
  ag_error err;
  char text[1024];
  if (ag_onnx_parse(bytes, size, as_in_file, &g, report, &err))
    fail_msg("%s", ag_error_text(&err, text, sizeof text));
  return g;
}

static inline const ag_graph *round_trip(const ag_graph *g, bool weights) {
  size_t size;
  char *bytes = written(g, 1, weights, &size);
  const ag_graph *back = parse(bytes, size, NULL);
  free(bytes);
  return back;
}

/* Says where the two differ first. */
static inline void assert_same(const ag_graph *a, const ag_graph *b, const char *what) {
  if (ag_graph_isomorphic(a, b, AG_EQUAL_SHAPES, NULL)) return;
  for (int i = 0; i < a->size && i < b->size; i++)
    if (!ag_hash_equal(ag_node_hash(&a->nodes[i], AG_EQUAL_SHAPES),
                       ag_node_hash(&b->nodes[i], AG_EQUAL_SHAPES)))
      fail_msg("%s: node %d was %s, is %s (padding %d, %d)", what, i,
               ag_op_get(a->nodes[i].op)->name, ag_op_get(b->nodes[i].op)->name,
               a->nodes[i].padding, b->nodes[i].padding);
  fail_msg("%s: %d nodes became %d, or edges moved", what, a->size, b->size);
}

/* A graph of one node, over the same operand `copies` times. */
static inline const ag_graph *around(ag_node node, ag_shape in, int copies) {
  ag_builder *b = ag_builder_new("one");
  ag_node x = ag_node_make(AG_OP_INPUT);
  x.out = in;
  int operands[4] = {ag_builder_add(b, x, NULL, 0, "x")};
  for (int i = 1; i < copies; i++) operands[i] = operands[0];
  int y = ag_builder_add(b, node, operands, copies, "middle");
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &y, 1, "y");
  const ag_graph *g;
  ag_error err;
  char text[1024];
  if (ag_builder_finish(b, &g, &err)) fail_msg("%s", ag_error_text(&err, text, sizeof text));
  return g;
}

static inline ag_node window(ag_op op, int kernel, int stride, ag_padding padding) {
  ag_node n = ag_node_make(op);
  n.kernel[0] = n.kernel[1] = kernel;
  n.stride[0] = n.stride[1] = stride;
  n.padding = (uint8_t)padding;
  n.out.c = 6;
  return n;
}

#endif
