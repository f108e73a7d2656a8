/* Layers: convolutions, products, norms, pools, activations, joins. One function per op type, found
 * through a table. Each either makes a draft or declines with a reason, and the node becomes
 * opaque. */
#include <math.h>
#include <string.h>

#include "engine/formats/onnx_internal.h"

/* --- weighted layers -------------------------------------------------------------- */

static bool set_weight(ag_onnx_import *im, ag_record *record, int role, ag_onnx_value *v) {
  if (v->tensor.dtype != AG_F32) return false;
  ag_onnx_constant_data(im, v);
  record->has[role] = true;
  record->tensor[role] = v->tensor;
  return true;
}

/* The optional bias of `channels` elements; false if there is something else. */
static bool read_bias(ag_onnx_import *im, const ag_onnx_op *op, int64_t channels, ag_node *n,
                      ag_record *record) {
  ag_onnx_value *b = ag_onnx_operand(im, op, 2);
  if (!b) return true;
  int rank = b->tensor.rank;
  if (b->kind != AG_ONNX_CONSTANT || rank < 1 || ag_onnx_elements(&b->tensor) != channels ||
      b->tensor.dims[rank - 1] != channels || !set_weight(im, record, AG_ROLE_BIAS, b))
    return false;
  record->tensor[AG_ROLE_BIAS].rank = 1;
  record->tensor[AG_ROLE_BIAS].dims[0] = channels;
  n->bias = 1;
  return true;
}

static ag_onnx_result translate_conv(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *x = ag_onnx_activation(im, op, 0), *w = ag_onnx_constant(im, op, 1);
  if (!x || !w) return ag_onnx_decline(im, "its kernel is not constant");
  if (x->tensor.rank != 4 || w->tensor.rank != 4)
    return ag_onnx_decline(im, "only convolutions over two dimensions are CG ops");
  int64_t group = ag_onnx_attr_int(op->node, "group", 1);
  int64_t in = x->tensor.dims[1], out = w->tensor.dims[0];
  if (group < 1 || group > in || in % group || w->tensor.dims[1] != in / group || out < 1 ||
      out > INT32_MAX || out % group)
    return ag_onnx_decline(im, "its kernel does not fit %d input channels", (int)in);
  bool depthwise = group == in && out == in && group > 1;
  ag_node n = ag_node_make(depthwise ? AG_OP_DEPTHWISE : AG_OP_CONV);
  n.groups = (int32_t)group;
  n.out.c = (int32_t)out;
  ag_record record = {0};
  if (!set_weight(im, &record, AG_ROLE_KERNEL, w) ||
      !ag_onnx_read_window(op->node, w->tensor.dims + 2, &n, ag_onnx_shape(&x->tensor)) ||
      !read_bias(im, op, out, &n, &record))
    return ag_onnx_decline(im, "its window or bias is malformed");
  n.record = ag_store_add(im->store, &record);
  return ag_onnx_make(im, op, n, op->in, 1, 4);
}

static ag_onnx_result translate_conv_transpose(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *x = ag_onnx_activation(im, op, 0), *w = ag_onnx_constant(im, op, 1);
  if (!x || !w || x->tensor.rank != 4 || w->tensor.rank != 4)
    return ag_onnx_decline(im, "its kernel is not constant, or it is not two-dimensional");
  int64_t group = ag_onnx_attr_int(op->node, "group", 1), in = x->tensor.dims[1];
  if (group < 1 || group > in || in % group || w->tensor.dims[0] != in || w->tensor.dims[1] < 1 ||
      w->tensor.dims[1] > INT32_MAX / group)
    return ag_onnx_decline(im, "its kernel does not fit %d input channels", (int)in);
  ag_node n = ag_node_make(AG_OP_TRANSPOSED_CONV);
  n.groups = (int32_t)group;
  n.out.c = (int32_t)(w->tensor.dims[1] * group);
  for (int d = 0; d < 2; d++) {
    if (w->tensor.dims[2 + d] < 1 || w->tensor.dims[2 + d] > AG_ONNX_MAX_WINDOW)
      return ag_onnx_decline(im, "its kernel is too large");
    n.kernel[d] = (int32_t)w->tensor.dims[2 + d];
  }
  ag_record record = {0};
  if (!set_weight(im, &record, AG_ROLE_KERNEL, w) ||
      !ag_onnx_read_pair(op->node, "strides", 1, n.stride) ||
      !ag_onnx_read_pair(op->node, "dilations", 1, n.dilation) ||
      !ag_onnx_read_transposed_padding(op->node, &n) || !read_bias(im, op, n.out.c, &n, &record))
    return ag_onnx_decline(im, "its result is not a whole multiple of its input");
  n.record = ag_store_add(im->store, &record);
  return ag_onnx_make(im, op, n, op->in, 1, 4);
}

static ag_onnx_result make_matmul(ag_onnx_import *im, const ag_onnx_op *op, ag_onnx_value *w,
                                  bool transposed, bool bias) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  if (!x || !w || x->tensor.rank != 2 || w->tensor.rank != 2)
    return ag_onnx_decline(im, "not the product of a batch of vectors and a weight matrix");
  int64_t in = w->tensor.dims[!transposed], out = w->tensor.dims[transposed];
  if (in != x->tensor.dims[1] || out < 1 || out > INT32_MAX)
    return ag_onnx_decline(im, "its weights do not fit %d inputs", (int)x->tensor.dims[1]);
  ag_node n = ag_node_make(AG_OP_MATMUL);
  ag_record record = {.transposed = transposed};
  n.out.c = (int32_t)out;
  if (!set_weight(im, &record, AG_ROLE_KERNEL, w))
    return ag_onnx_decline(im, "its weights are not single precision");
  if (bias && !read_bias(im, op, out, &n, &record))
    return ag_onnx_decline(im, "its third operand is not a bias");
  n.record = ag_store_add(im->store, &record);
  return ag_onnx_make(im, op, n, op->in, 1, 2);
}

static ag_onnx_result translate_gemm(ag_onnx_import *im, const ag_onnx_op *op) {
  bool scaled = ag_onnx_attr_float(op->node, "alpha", 1) != 1 ||
                (ag_onnx_operand(im, op, 2) && ag_onnx_attr_float(op->node, "beta", 1) != 1);
  if (scaled || ag_onnx_attr_int(op->node, "transA", 0))
    return ag_onnx_decline(im, "it is scaled or its first operand transposed");
  return make_matmul(im, op, ag_onnx_constant(im, op, 1), !ag_onnx_attr_int(op->node, "transB", 0),
                     true);
}

static ag_onnx_result translate_matmul(ag_onnx_import *im, const ag_onnx_op *op) {
  return make_matmul(im, op, ag_onnx_constant(im, op, 1), true, false);
}

static ag_onnx_result translate_batchnorm(ag_onnx_import *im, const ag_onnx_op *op) {
  static const int roles[] = {AG_ROLE_SCALE, AG_ROLE_SHIFT, AG_ROLE_MEAN, AG_ROLE_VARIANCE};
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  if (!x || (x->tensor.rank != 4 && x->tensor.rank != 2) ||
      ag_onnx_attr_int(op->node, "training_mode", 0) || !ag_onnx_attr_int(op->node, "spatial", 1))
    return ag_onnx_decline(im, "not batch normalisation per channel at inference");
  ag_node n = ag_node_make(AG_OP_BATCHNORM);
  n.alpha = ag_onnx_attr_float(op->node, "epsilon", 1e-5f);
  ag_record record = {0};
  for (int k = 0; k < 4; k++) {
    ag_onnx_value *w = ag_onnx_constant(im, op, k + 1);
    if (!w || w->tensor.rank != 1 || w->tensor.dims[0] != x->tensor.dims[1] ||
        !set_weight(im, &record, roles[k], w))
      return ag_onnx_decline(im, "operand %d is not one constant per channel", k + 1);
  }
  n.record = ag_store_add(im->store, &record);
  return ag_onnx_make(im, op, n, op->in, 1, 0);
}

static ag_onnx_result translate_prelu(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  ag_onnx_value *w = ag_onnx_constant(im, op, 1);
  ag_record record = {0};
  int channel = w ? w->tensor.rank - (x ? x->tensor.rank - 1 : 0) : -1;
  if (!x || !w || x->tensor.rank < 2 || channel < 0 || w->tensor.rank == 0 ||
      w->tensor.dims[channel] != x->tensor.dims[1] ||
      ag_onnx_elements(&w->tensor) != x->tensor.dims[1] ||
      !set_weight(im, &record, AG_ROLE_SCALE, w))
    return ag_onnx_decline(im, "its slopes are not one per channel");
  ag_node n = ag_node_make(AG_OP_PRELU);
  record.tensor[AG_ROLE_SCALE].rank = 1;
  record.tensor[AG_ROLE_SCALE].dims[0] = x->tensor.dims[1];
  n.record = ag_store_add(im->store, &record);
  return ag_onnx_make(im, op, n, op->in, 1, 0);
}

/* --- pools ------------------------------------------------------------------------ */

static ag_onnx_result translate_pool(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  if (!x || x->tensor.rank != 4) return ag_onnx_decline(im, "not a pool over two dimensions");
  bool average = op->node->op_type[0] == 'A';
  ag_node n = ag_node_make(average ? AG_OP_AVGPOOL : AG_OP_MAXPOOL);
  if (ag_onnx_attr_int(op->node, "ceil_mode", 0)) n.flags |= AG_FLAG_CEIL;
  if (!ag_onnx_read_window(op->node, NULL, &n, ag_onnx_shape(&x->tensor)))
    return ag_onnx_decline(im, "its window is malformed");
  if (average && n.padding != AG_PAD_VALID && ag_onnx_attr_int(op->node, "count_include_pad", 0))
    n.flags |= AG_FLAG_COUNT_PADS;
  return ag_onnx_make(im, op, n, op->in, 1, 4);
}

static ag_onnx_result translate_global_pool(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  if (!x || x->tensor.rank != 4) return ag_onnx_decline(im, "not a pool over two dimensions");
  return ag_onnx_make(im, op, ag_node_make(AG_OP_MEAN), op->in, 1, 4);
}

static ag_onnx_result translate_reduce_mean(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  ag_tensor shape, kept = {.rank = 4};
  if (!x || x->tensor.rank != 4 || !ag_onnx_reduced(im, op, &shape))
    return ag_onnx_decline(im, "not the mean over height and width");
  kept.dims[0] = x->tensor.dims[0];
  kept.dims[1] = x->tensor.dims[1];
  kept.dims[2] = kept.dims[3] = 1;
  ag_tensor flat = kept;
  flat.rank = 2;
  bool spatial = ag_onnx_same_dims(&shape, &kept) || ag_onnx_same_dims(&shape, &flat);
  if (!spatial) return ag_onnx_decline(im, "not the mean over height and width");
  return ag_onnx_make(im, op, ag_node_make(AG_OP_MEAN), op->in, 1, shape.rank);
}

/* --- activations ------------------------------------------------------------------ */

static const struct {
  const char *type;
  ag_op op;
} element_wise[] = {
    {"Relu", AG_OP_RELU},           {"Sigmoid", AG_OP_SIGMOID},   {"Tanh", AG_OP_TANH},
    {"HardSwish", AG_OP_HARDSWISH}, {"Identity", AG_OP_IDENTITY}, {"Dropout", AG_OP_IDENTITY},
};

static ag_onnx_result translate_element_wise(ag_onnx_import *im, const ag_onnx_op *op) {
  if (!ag_onnx_activation(im, op, 0)) return ag_onnx_decline(im, "its operand is constant");
  for (size_t i = 0; i < sizeof element_wise / sizeof *element_wise; i++)
    if (strcmp(element_wise[i].type, op->node->op_type) == 0)
      return ag_onnx_make(im, op, ag_node_make(element_wise[i].op), op->in, 1, 0);
  return ag_onnx_decline(im, "no CG op corresponds");
}

static ag_onnx_result translate_gelu(ag_onnx_import *im, const ag_onnx_op *op) {
  if (!ag_onnx_activation(im, op, 0) || !ag_onnx_attr_is(op->node, "approximate", "none", "none"))
    return ag_onnx_decline(im, "only the exact GELU is a CG op");
  return ag_onnx_make(im, op, ag_node_make(AG_OP_GELU), op->in, 1, 0);
}

/* alpha is kept (0 would mean 1/6); beta must be 1/2. */
static ag_onnx_result translate_hard_sigmoid(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_node n = ag_node_make(AG_OP_HARDSIGMOID);
  n.alpha = ag_onnx_attr_float(op->node, "alpha", 0.2f);
  if (n.alpha == 0) return ag_onnx_decline(im, "its slope is 0");
  if (fabsf(n.alpha - 1.0f / 6) < 1e-6f) n.alpha = 0;
  if (!ag_onnx_activation(im, op, 0) || ag_onnx_attr_float(op->node, "beta", 0.5f) != 0.5f)
    return ag_onnx_decline(im, "its beta is not 0.5");
  return ag_onnx_make(im, op, n, op->in, 1, 0);
}

static ag_onnx_result translate_leaky_relu(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_node n = ag_node_make(AG_OP_LEAKYRELU);
  n.alpha = ag_onnx_attr_float(op->node, "alpha", 0.01f);
  if (!ag_onnx_activation(im, op, 0)) return ag_onnx_decline(im, "its operand is constant");
  if (n.alpha == 0) n = ag_node_make(AG_OP_RELU);
  return ag_onnx_make(im, op, n, op->in, 1, 0);
}

bool ag_onnx_clip_bounds(const ag_onnx_node *node, const ag_onnx_value *low,
                         const ag_onnx_value *high, double *min, double *max) {
  *min = (double)ag_onnx_attr_float(node, "min", -INFINITY);
  *max = (double)ag_onnx_attr_float(node, "max", INFINITY);
  if (low && !ag_onnx_constant_float(low, min)) return false;
  if (high && !ag_onnx_constant_float(high, max)) return false;
  return true;
}

static ag_onnx_result translate_clip(ag_onnx_import *im, const ag_onnx_op *op) {
  double min, max;
  if (!ag_onnx_activation(im, op, 0) ||
      !ag_onnx_clip_bounds(op->node, ag_onnx_operand(im, op, 1), ag_onnx_operand(im, op, 2), &min,
                           &max))
    return ag_onnx_decline(im, "its bounds are not constant");
  if (min != 0 || (max != 6 && max < 3e38))
    return ag_onnx_decline(im, "clipping to [%g, %g] is not a CG op", min, max);
  return ag_onnx_make(im, op, ag_node_make(max == 6 ? AG_OP_RELU6 : AG_OP_RELU), op->in, 1, 0);
}

/* Over channels only. Before version 13 softmax ran over everything from `axis` on. */
static ag_onnx_result translate_softmax(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  if (!x || x->tensor.rank < 2) return ag_onnx_decline(im, "not a softmax over channels");
  int64_t axis = ag_onnx_attr_int(op->node, "axis", im->opset < 13 ? 1 : -1), plane = 1;
  if (axis < 0) axis += x->tensor.rank;
  for (int d = 2; d < x->tensor.rank; d++) plane *= x->tensor.dims[d];
  if (axis != 1 || (im->opset < 13 && plane != 1) || (x->tensor.rank != 4 && x->tensor.rank != 2))
    return ag_onnx_decline(im, "not a softmax over channels");
  return ag_onnx_make(im, op, ag_node_make(AG_OP_SOFTMAX), op->in, 1, 0);
}

/* --- joins ------------------------------------------------------------------------ */

/* All operands are activations of one rank; equal shapes at any rank, or broadcast 1x1xC. */
static bool can_join(ag_onnx_import *im, const ag_onnx_op *op, int *rank) {
  const ag_onnx_value *first = ag_onnx_activation(im, op, 0);
  bool equal = true;
  for (int k = 0; k < op->inputs; k++) {
    const ag_onnx_value *v = ag_onnx_activation(im, op, k);
    if (!v || v->tensor.rank != first->tensor.rank) return false;
    equal = equal && ag_onnx_same_dims(&v->tensor, &first->tensor);
  }
  *rank = equal ? 0 : first->tensor.rank;
  return equal || *rank == 4;
}

static ag_onnx_result translate_join(ag_onnx_import *im, const ag_onnx_op *op) {
  if (ag_onnx_match_activation(im, op) || ag_onnx_merge_constant(im, op)) return AG_ONNX_DONE;
  if (op->node->op_type[0] == 'M' && ag_onnx_match_product(im, op)) return AG_ONNX_DONE;
  ag_onnx_value *first = ag_onnx_activation(im, op, 0);
  int rank;
  if (op->inputs == 1 && first)
    return ag_onnx_alias(im, op, first, &first->tensor, "has a single operand");
  if (op->inputs < 2 || !can_join(im, op, &rank))
    return ag_onnx_decline(im, "it combines a tensor with a constant or broadcasts unusually");
  return ag_onnx_make(im, op, ag_node_make(op->node->op_type[0] == 'M' ? AG_OP_MUL : AG_OP_ADD),
                      op->in, op->inputs, rank);
}

static ag_onnx_result translate_div(ag_onnx_import *im, const ag_onnx_op *op) {
  if (ag_onnx_match_activation(im, op)) return AG_ONNX_DONE;
  return ag_onnx_decline(im, "no CG op corresponds");
}

static ag_onnx_result translate_concat(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *first = ag_onnx_activation(im, op, 0);
  if (op->inputs == 1 && first)
    return ag_onnx_alias(im, op, first, &first->tensor, "has a single operand");
  for (int k = 0; k < op->inputs; k++) {
    const ag_onnx_value *v = ag_onnx_activation(im, op, k);
    if (!v || v->tensor.rank != first->tensor.rank)
      return ag_onnx_decline(im, "operand %d is not an activation of the same rank", k);
  }
  int64_t axis = ag_onnx_attr_int(op->node, "axis", im->opset < 4 ? 1 : 0);
  int rank = first ? first->tensor.rank : 0;
  if ((axis < 0 ? axis + rank : axis) != 1 || (rank != 4 && rank != 2))
    return ag_onnx_decline(im, "it does not concatenate channels");
  return ag_onnx_make(im, op, ag_node_make(AG_OP_CONCAT), op->in, op->inputs, rank);
}

/* --- the table -------------------------------------------------------------------- */

ag_onnx_translate ag_onnx_find_op(const char *op_type) {
  static const struct {
    const char *type;
    ag_onnx_translate translate;
  } table[] = {
      {"Conv", translate_conv},
      {"ConvTranspose", translate_conv_transpose},
      {"Gemm", translate_gemm},
      {"MatMul", translate_matmul},
      {"BatchNormalization", translate_batchnorm},
      {"PRelu", translate_prelu},
      {"MaxPool", translate_pool},
      {"AveragePool", translate_pool},
      {"GlobalAveragePool", translate_global_pool},
      {"ReduceMean", translate_reduce_mean},
      {"Relu", translate_element_wise},
      {"Sigmoid", translate_element_wise},
      {"Tanh", translate_element_wise},
      {"HardSwish", translate_element_wise},
      {"Identity", translate_element_wise},
      {"Dropout", translate_element_wise},
      {"Gelu", translate_gelu},
      {"HardSigmoid", translate_hard_sigmoid},
      {"LeakyRelu", translate_leaky_relu},
      {"Clip", translate_clip},
      {"Softmax", translate_softmax},
      {"Add", translate_join},
      {"Sum", translate_join},
      {"Mul", translate_join},
      {"Div", translate_div},
      {"Concat", translate_concat},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].type, op_type) == 0) return table[i].translate;
  return NULL;
}
