/* Ops of GraphDefs that change the size of images: pads, resizing, depth for space. */
#include <string.h>

#include "engine/formats/graphdef_ops.h"

ag_status ag_tf_pad_op(ag_tf_op *op) {
  int64_t pairs[2 * AG_MAX_RANK], pads[2 * AG_MAX_RANK];
  int count;
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 2);
  if (!status) status = ag_tf_ints(op, 1, pairs, 2 * AG_MAX_RANK, &count);
  if (!status) status = ag_tf_activation(op, 0, &x);
  if (status) return status;
  int rank = ag_tf_tensor_of(op, &x)->rank;
  if (count != 2 * rank)
    return ag_neutral_fail(op->n, AG_FORMAT, "its pads do not fit its operand");
  for (int d = 0; d < rank; d++) {
    pads[d] = pairs[2 * x.layout[d]];
    pads[d + rank] = pairs[2 * x.layout[d] + 1];
  }
  bool mirror = strcmp(op->node->op, "MirrorPad") == 0;
  if (mirror && !ag_tf_attr_is(op->node, "mode", "REFLECT", "REFLECT"))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "pads symmetrically");
  ag_onnx_node *node = ag_neutral_begin(op->n, "Pad", op->name);
  ag_neutral_text(op->n, node, "mode", mirror ? "reflect" : "constant");
  int operands[3] = {x.value, ag_neutral_ints_value(op->n, pads, 2 * rank)};
  bool valued = strcmp(op->node->op, "PadV2") == 0 && op->count > 2 && op->in[2].constant;
  if (valued) operands[2] = op->in[2].value;
  *op->out = x;
  return ag_neutral_end(op->n, node, operands, valued ? 3 : 2, &op->out->value);
}

/* Half-pixel centres, aligned corners, or the legacy grid of neither. */
ag_status ag_tf_resize_op(ag_tf_op *op) {
  bool nearest = strcmp(op->node->op, "ResizeNearestNeighbor") == 0;
  bool corners = ag_tf_attr_bool(op->node, "align_corners", false);
  bool half = ag_tf_attr_bool(op->node, "half_pixel_centers", false);
  ag_tf_value x;
  int64_t size[2];
  int count;
  ag_status status = ag_tf_image(op, 0, &x);
  if (!status) status = ag_tf_ints(op, 1, size, 2, &count);
  if (status) return status;
  if (count != 2) return ag_neutral_fail(op->n, AG_FORMAT, "its size is not two numbers");
  const ag_tensor *t = ag_tf_tensor_of(op, &x);
  int64_t sizes[4] = {t->dims[0], t->dims[1], size[0], size[1]};
  int operands[4] = {x.value, -1, -1, ag_neutral_ints_value(op->n, sizes, 4)};
  ag_onnx_node *node = ag_neutral_begin(op->n, "Resize", op->name);
  ag_neutral_text(op->n, node, "mode", nearest ? "nearest" : "linear");
  ag_neutral_text(op->n, node, "coordinate_transformation_mode",
                  corners ? "align_corners"
                  : half  ? "half_pixel"
                          : "asymmetric");
  if (nearest)
    ag_neutral_text(op->n, node, "nearest_mode", corners || half ? "round_prefer_ceil" : "floor");
  *op->out = x;
  return ag_neutral_end(op->n, node, operands, 4, &op->out->value);
}

ag_status ag_tf_depth_space_op(ag_tf_op *op) {
  ag_tf_value x;
  ag_status status = ag_tf_image(op, 0, &x);
  if (status) return status;
  ag_onnx_node *node = ag_neutral_begin(op->n, op->node->op, op->name);
  ag_neutral_int(op->n, node, "blocksize", ag_tf_attr_int(op->node, "block_size", 0));
  *op->out = x;
  return ag_neutral_end(op->n, node, &x.value, 1, &op->out->value);
}
