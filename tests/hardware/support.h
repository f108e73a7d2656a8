/* What the tests of hardware share: bundled devices, random layers, ResNet-50's convolutions. */
#ifndef TESTS_HARDWARE_SUPPORT_H
#define TESTS_HARDWARE_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/hardware.h"
#include "engine/base/alloc.h"
#include "engine/base/random.h"

static const char *const device_names[] = {"mobile-npu", "systolic-16", "systolic-128",
                                           "ethos-u55-256", "nvdla-large"};
enum { DEVICES = 5 };

static inline ag_device bundled(const char *name) {
  char path[128], text[1024];
  ag_device device;
  ag_error err;
  snprintf(path, sizeof path, "lua/autogo/devices/%s.json", name);
  if (ag_device_load(path, &device, &err)) fail_msg("%s", ag_error_text(&err, text, sizeof text));
  return device;
}

static inline void unlimited(ag_device *d) {
  d->operand_buffer = d->operand_buffer ? INT64_C(1) << 48 : 0;
  d->input_buffer = d->input_buffer ? INT64_C(1) << 48 : 0;
  d->weight_buffer = d->weight_buffer ? INT64_C(1) << 48 : 0;
  d->output_buffer = d->output_buffer ? INT64_C(1) << 48 : 0;
}

static inline int32_t below(ag_random *r, int32_t n) {
  return (int32_t)ag_random_below(r, (uint64_t)n);
}

/* A convolution whose attributes are set; shapes are inferred. */
static inline ag_node layer(ag_op op, int32_t h, int32_t w, int32_t in, int32_t out, int32_t kernel,
                            int32_t stride) {
  ag_node n = ag_node_make(op);
  ag_shape shape = {h, w, in};
  ag_error err;
  if (op != AG_OP_MATMUL) {
    n.kernel[0] = n.kernel[1] = kernel;
    n.stride[0] = n.stride[1] = stride;
  }
  n.out.c = out;
  if (ag_node_infer(&n, &shape, 1, &err)) fail_msg("%s", err.message);
  return n;
}

/* A network of one node. */
static inline const ag_graph *network_of(const ag_node *node) {
  ag_builder *b = ag_builder_new("one");
  ag_node in = ag_node_make(AG_OP_INPUT);
  ag_error err;
  const ag_graph *g;
  in.out = node->in;
  int x = ag_builder_add(b, in, NULL, 0, NULL);
  x = ag_builder_add(b, *node, &x, 1, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &x, 1, NULL);
  if (ag_builder_finish(b, &g, &err)) fail_msg("%s", err.message);
  return g;
}

static inline ag_npu_cost cost_of(const ag_device *device, const ag_graph *g, ag_npu_node *nodes) {
  ag_npu_cost cost;
  ag_error err;
  char text[1024];
  ag_npu *npu = ag_npu_new(device);
  if (ag_npu_graph(npu, g, &cost, nodes, &err))
    fail_msg("%s", ag_error_text(&err, text, sizeof text));
  ag_npu_free(npu);
  return cost;
}

static inline ag_npu_cost cost_of_node(const ag_device *device, const ag_node *node) {
  const ag_graph *g = network_of(node);
  ag_npu_cost cost = cost_of(device, g, NULL);
  ag_graph_release(g);
  return cost;
}

/* Call visit for the 53 convolutions of ResNet-50 v1 (stride in the first 1x1). */
static inline void resnet50_convolutions(void (*visit)(void *context, const ag_node *node),
                                         void *context) {
  static const int32_t depth[] = {3, 4, 6, 3};
  ag_node n = layer(AG_OP_CONV, 224, 224, 3, 64, 7, 2);
  visit(context, &n);
  int32_t size = 56, in = 64;
  for (int stage = 0; stage < 4; stage++)
    for (int32_t i = 0; i < depth[stage]; i++) {
      int32_t width = 64 << stage, stride = stage > 0 && i == 0 ? 2 : 1, out = size / stride;
      ag_node block[] = {layer(AG_OP_CONV, size, size, in, width, 1, stride),
                         layer(AG_OP_CONV, out, out, width, width, 3, 1),
                         layer(AG_OP_CONV, out, out, width, 4 * width, 1, 1),
                         layer(AG_OP_CONV, size, size, in, 4 * width, 1, stride)};
      for (int k = 0; k < (i == 0 ? 4 : 3); k++) visit(context, &block[k]);
      size = out;
      in = 4 * width;
    }
}

#endif
