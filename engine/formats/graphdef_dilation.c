/* Dilated convolutions, as TensorFlow writes them where a kernel knows no dilation:
 *
 *   SpaceToBatchND   pads the image and deals it out, by the remainders of row and column, into
 *                    block x block smaller ones, which form the batch
 *   Conv2D           of stride 1 runs over each of these
 *   BatchToSpaceND   puts the results together again and crops
 *
 * Cells of one small image lie `block` apart in the whole, so this is one convolution dilated by
 * the block, padded by what is left of the pads after cropping. Ops that treat each channel's cells
 * alike may stand before BatchToSpaceND. The three nodes are found before any is translated; the
 * outer two then change nothing. */
#include <stdlib.h>
#include <string.h>

#include "engine/formats/graphdef_ops.h"
#include "engine/formats/wire.h"

/* Of each node the only live node that reads it, -1 = none, -2 = several. */
static int32_t *find_readers(const ag_tf_import *im) {
  int32_t *reader = AG_ARRAY(int32_t, im->nodes);
  for (int i = 0; i < im->nodes; i++) reader[i] = -1;
  for (int i = 0; i < im->nodes; i++)
    for (int k = im->input_start[i]; im->live[i] && k < im->input_start[i + 1]; k++)
      reader[im->inputs[k]] = reader[im->inputs[k]] == -1 ? i : -2;
  return reader;
}

static const char *type_of(const ag_tf_import *im, int node) {
  return ag_wire_text(im->graph->node[node]->op);
}

static bool is_ones(const ag_tf_node *node, const char *attribute) {
  int64_t four[4];
  int count = ag_tf_attr_ints(node, attribute, four, 4);
  for (int i = 0; i < count; i++)
    if (four[i] != 1) return false;
  return true;
}

static bool is_plain_convolution(const ag_tf_import *im, int node) {
  const ag_tf_node *n = im->graph->node[node];
  const ag_tf_rule *rule = ag_tf_find(ag_wire_text(n->op));
  return rule &&
         (rule->translate == ag_tf_conv_op || rule->translate == ag_tf_depthwise_op ||
          rule->translate == ag_tf_fused_conv_op) &&
         is_ones(n, "strides") && is_ones(n, "dilations") &&
         ag_tf_attr_is(n, "data_format", "NHWC", "NHWC");
}

static bool is_channel_wise(const char *type) {
  static const char *const list[] = {"BiasAdd",          "FusedBatchNorm", "FusedBatchNormV2",
                                     "FusedBatchNormV3", "Identity",       NULL};
  return ag_tf_is_activation(type) || ag_onnx_is_one_of(type, list);
}

/* The node that alone reads `node`, as its first operand, or -1. */
static int follow(const ag_tf_import *im, const int32_t *reader, int node) {
  int next = node < 0 ? -1 : reader[node];
  return next >= 0 && next != im->start && im->inputs[im->input_start[next]] == node ? next : -1;
}

/* Block and four numbers of SpaceToBatchND or BatchToSpaceND: top, bottom, left, right. */
static bool read_settings(ag_tf_import *im, int node, int64_t *block, int64_t *sides) {
  int blocks, count;
  if (!ag_tf_constant_list(im, node, 1, block, 2, &blocks) ||
      !ag_tf_constant_list(im, node, 2, sides, 4, &count) || blocks != 2 || count != 4)
    return false;
  for (int k = 0; k < 4; k++)
    if (block[k / 2] < 1 || block[k / 2] > 1 << 15 || sides[k] < 0 || sides[k] > 1 << 20)
      return false;
  return true;
}

static void mark(ag_tf_import *im, const int32_t *reader, int first) {
  int64_t block[2], again[2], pads[4], crops[4];
  int conv = follow(im, reader, first), last = conv;
  if (conv < 0 || !is_plain_convolution(im, conv)) return;
  for (int step = 0; step < im->nodes; step++) {
    last = follow(im, reader, last);
    if (last < 0 || !is_channel_wise(type_of(im, last))) break;
  }
  if (last < 0 || strcmp(type_of(im, last), "BatchToSpaceND") != 0 ||
      !read_settings(im, first, block, pads) || !read_settings(im, last, again, crops) ||
      block[0] != again[0] || block[1] != again[1])
    return;
  ag_tf_dilation *d = ag_arena_alloc(&im->arena, sizeof *d);
  memcpy(d->block, block, sizeof block);
  for (int k = 0; k < 4; k++) d->pads[k / 2 + k % 2 * 2] = pads[k] - crops[k];
  im->dilation[first] = im->dilation[conv] = im->dilation[last] = d;
}

void ag_tf_find_dilations(ag_tf_import *im) {
  int32_t *reader = NULL;
  for (int i = 0; i < im->nodes; i++) {
    if (!im->live[i] || i == im->start || strcmp(type_of(im, i), "SpaceToBatchND") != 0) continue;
    if (!reader) {
      reader = find_readers(im);
      im->dilation = ag_arena_alloc(&im->arena, (size_t)im->nodes * sizeof *im->dilation);
    }
    mark(im, reader, i);
  }
  free(reader);
}

const ag_tf_dilation *ag_tf_dilation_of(const ag_tf_op *op) {
  return op->im->dilation ? op->im->dilation[op->index] : NULL;
}

static ag_status pass_on(ag_tf_op *op) {
  if (!ag_tf_dilation_of(op))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED,
                           "it is handled only as part of a dilated convolution: SpaceToBatchND, a "
                           "convolution of stride 1, BatchToSpaceND; leave it out with --start or "
                           "--stop NODE, or convert the graph to ONNX with tf2onnx");
  ag_status status = ag_tf_activation(op, 0, op->out);
  ag_neutral_fate(op->n, AG_ONNX_MERGED, "the dilation of a convolution");
  return status;
}

ag_status ag_tf_space_to_batch_op(ag_tf_op *op) {
  return pass_on(op);
}

ag_status ag_tf_batch_to_space_op(ag_tf_op *op) {
  return pass_on(op);
}
