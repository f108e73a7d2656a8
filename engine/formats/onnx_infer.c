/* Shapes of nodes that become opaque: by a rule for the op types that occur around networks, else
 * from what the file itself says of the tensor. */
#include <string.h>

#include "engine/formats/onnx_internal.h"

typedef bool (*infer_function)(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t);

static const ag_tensor *tensor(ag_onnx_import *im, const ag_onnx_op *op, int slot) {
  const ag_onnx_value *v = ag_onnx_operand(im, op, slot);
  return v ? &v->tensor : NULL;
}

static bool infer_same(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 0);
  if (!x || output > 0) return false;
  *t = *x;
  return true;
}

static bool infer_cast(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  if (!infer_same(im, op, output, t)) return false;
  t->dtype = ag_onnx_cast_type(op->node);
  return true;
}

static bool infer_broadcast(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  if (op->inputs < 1 || !infer_same(im, op, output, t)) return false;
  for (int k = 1; k < op->inputs; k++) {
    ag_tensor sum = *t;
    const ag_tensor *x = tensor(im, op, k);
    if (!x || !ag_onnx_broadcast(t, x, &sum)) return false;
    *t = sum;
  }
  return true;
}

static bool infer_compare(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  if (!infer_broadcast(im, op, output, t)) return false;
  t->dtype = AG_BOOL;
  return true;
}

static bool infer_where(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 1);
  if (!x || !infer_broadcast(im, op, output, t)) return false;
  t->dtype = x->dtype;
  return true;
}

static bool infer_reshape(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  (void)output;
  return ag_onnx_reshaped(im, op, t);
}
static bool infer_reduce(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  (void)output;
  return ag_onnx_reduced(im, op, t);
}
static bool infer_resize(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  (void)output;
  return ag_onnx_resized(im, op, t);
}
static bool infer_slice(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  int64_t start[AG_MAX_RANK], step[AG_MAX_RANK];
  (void)output;
  return ag_onnx_sliced(im, op, t, start, step);
}

static bool infer_transpose(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 0);
  int perm[AG_MAX_RANK];
  if (!infer_same(im, op, output, t) || !ag_onnx_permutation(op->node, x->rank, perm)) return false;
  for (int d = 0; d < t->rank; d++) t->dims[d] = x->dims[perm[d]];
  return true;
}

int ag_onnx_axis(const ag_onnx_op *op, int rank, int64_t otherwise) {
  int64_t axis = ag_onnx_attr_int(op->node, "axis", otherwise);
  if (axis < 0) axis += rank;
  return axis < 0 || axis >= rank ? -1 : (int)axis;
}

static bool infer_concat(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  if (!infer_same(im, op, output, t)) return false;
  int axis = ag_onnx_axis(op, t->rank, 1);
  for (int k = 1; k < op->inputs; k++) {
    const ag_tensor *x = tensor(im, op, k);
    if (!x || x->rank != t->rank || axis < 0) return false;
    t->dims[axis] += x->dims[axis];
  }
  return axis >= 0;
}

/* Equal parts, or the sizes of `split`. */
static bool infer_split(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  int64_t sizes[2 * AG_MAX_RANK];
  int count;
  if (!infer_same(im, op, 0, t) || !ag_onnx_list(im, op, "split", 1, sizes, &count)) return false;
  int axis = ag_onnx_axis(op, t->rank, 0);
  if (axis < 0 || (count && output >= count)) return false;
  int64_t part = (t->dims[axis] + op->outputs - 1) / op->outputs;
  int64_t last = t->dims[axis] - part * (op->outputs - 1);
  t->dims[axis] = count ? sizes[output] : output == op->outputs - 1 ? last : part;
  return true;
}

static bool infer_pad(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  int64_t pads[2 * AG_MAX_RANK];
  if (!infer_same(im, op, output, t) || !ag_onnx_pads(im, op, t->rank, pads)) return false;
  for (int d = 0; d < t->rank; d++) {
    if (pads[d] < -INT32_MAX || pads[d] > INT32_MAX || pads[d + t->rank] < -INT32_MAX ||
        pads[d + t->rank] > INT32_MAX)
      return false;
    t->dims[d] += pads[d] + pads[d + t->rank];
  }
  return true;
}

static bool infer_matmul(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *a = tensor(im, op, 0), *b = tensor(im, op, 1);
  if (!a || !b || a->rank < 2 || b->rank < 2 || output > 0) return false;
  if (a->dims[a->rank - 1] != b->dims[b->rank - 2]) return false;
  ag_tensor left = *a, right = *b;
  left.rank -= 2;
  right.rank -= 2;
  *t = (ag_tensor){.dtype = a->dtype};
  if (!ag_onnx_broadcast(&left, &right, t)) return false;
  t->dims[t->rank++] = a->dims[a->rank - 2];
  t->dims[t->rank++] = b->dims[b->rank - 1];
  return true;
}

/* Gemm with scales or a transposed operand. */
static bool infer_gemm(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *a = tensor(im, op, 0), *b = tensor(im, op, 1);
  bool ta = ag_onnx_attr_int(op->node, "transA", 0), tb = ag_onnx_attr_int(op->node, "transB", 0);
  if (!a || !b || a->rank != 2 || b->rank != 2 || output > 0) return false;
  *t = (ag_tensor){.dtype = a->dtype, .rank = 2, .dims = {a->dims[ta], b->dims[!tb]}};
  return a->dims[!ta] == b->dims[tb];
}

static bool infer_global(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  if (!infer_same(im, op, output, t)) return false;
  for (int d = 2; d < t->rank; d++) t->dims[d] = 1;
  return t->rank > 2;
}

static bool infer_expand(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_onnx_value *sizes = ag_onnx_operand(im, op, 1);
  ag_tensor x, shape = {0};
  if (!sizes || !infer_same(im, op, output, &x) ||
      !ag_onnx_constant_ints(sizes, shape.dims, AG_MAX_RANK, &shape.rank))
    return false;
  *t = x;
  return ag_onnx_broadcast(&x, &shape, t);
}

static bool infer_tile(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_onnx_value *repeats = ag_onnx_operand(im, op, 1);
  int64_t times[AG_MAX_RANK];
  int count;
  if (!repeats || !infer_same(im, op, output, t) ||
      !ag_onnx_constant_ints(repeats, times, AG_MAX_RANK, &count) || count != t->rank)
    return false;
  for (int d = 0; d < count; d++) {
    if (times[d] < 0 || times[d] > INT32_MAX || t->dims[d] > INT32_MAX) return false;
    t->dims[d] *= times[d];
  }
  return true;
}

static bool infer_arg(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 0);
  int axis = x ? ag_onnx_axis(op, x->rank, 0) : -1;
  if (axis < 0 || output > 0) return false;
  bool keep = ag_onnx_attr_int(op->node, "keepdims", 1) != 0;
  *t = (ag_tensor){.dtype = AG_I64};
  for (int d = 0; d < x->rank; d++)
    if (d != axis || keep) t->dims[t->rank++] = d == axis ? 1 : x->dims[d];
  return true;
}

/* The mask of Dropout is as large as its result. */
static bool infer_dropout(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  if (output > 1 || !infer_same(im, op, 0, t)) return false;
  if (output == 1 && im->opset >= 10) t->dtype = AG_BOOL;
  return true;
}

/* In training there are statistics besides, one number per channel. */
static bool infer_batchnorm(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *scale = tensor(im, op, 1);
  if (output == 0) return infer_same(im, op, 0, t);
  if (!scale) return false;
  *t = *scale;
  return true;
}

/* Mean and deviation, where they are asked for, are of what stands behind the axis. */
static bool infer_layer_norm(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  if (!infer_same(im, op, 0, t)) return false;
  int axis = ag_onnx_axis(op, t->rank, -1);
  if (axis < 0) return false;
  for (int d = axis; output > 0 && d < t->rank; d++) t->dims[d] = 1;
  return true;
}

/* The type of the zero point, else unsigned bytes. */
static bool infer_quantise(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *zero = tensor(im, op, 2);
  if (!infer_same(im, op, output, t)) return false;
  t->dtype = zero ? zero->dtype : AG_U8;
  return true;
}

static bool infer_dequantise(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  if (!infer_same(im, op, output, t)) return false;
  t->dtype = AG_F32;
  return true;
}

static bool infer_test(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  if (!infer_same(im, op, output, t)) return false;
  t->dtype = AG_BOOL;
  return true;
}

static const struct {
  const char *type;
  infer_function infer;
} rules[] = {
    {"Conv", ag_onnx_infer_conv},
    {"ConvInteger", ag_onnx_infer_conv},
    {"QLinearConv", ag_onnx_infer_conv},
    {"ConvTranspose", ag_onnx_infer_conv_transpose},
    {"MaxPool", ag_onnx_infer_pool},
    {"AveragePool", ag_onnx_infer_pool},
    {"LpPool", ag_onnx_infer_pool},
    {"MaxUnpool", ag_onnx_infer_unpool},
    {"GlobalAveragePool", infer_global},
    {"LRN", infer_same},
    {"InstanceNormalization", infer_same},
    {"Elu", infer_same},
    {"Selu", infer_same},
    {"Celu", infer_same},
    {"Softplus", infer_same},
    {"Softsign", infer_same},
    {"Mish", infer_same},
    {"ThresholdedRelu", infer_same},
    {"PRelu", infer_same},
    {"Clip", infer_same},
    {"HardSigmoid", infer_same},
    {"Gelu", infer_same},
    {"Erf", infer_same},
    {"Exp", infer_same},
    {"Log", infer_same},
    {"Sqrt", infer_same},
    {"Neg", infer_same},
    {"Abs", infer_same},
    {"Sign", infer_same},
    {"Floor", infer_same},
    {"Ceil", infer_same},
    {"Round", infer_same},
    {"Reciprocal", infer_same},
    {"Sin", infer_same},
    {"Cos", infer_same},
    {"Not", infer_same},
    {"Softmax", infer_same},
    {"LogSoftmax", infer_same},
    {"Hardmax", infer_same},
    {"LpNormalization", infer_same},
    {"MeanVarianceNormalization", infer_same},
    {"LayerNormalization", infer_layer_norm},
    {"GroupNormalization", infer_same},
    {"BatchNormalization", infer_batchnorm},
    {"Identity", infer_same},
    {"Dropout", infer_dropout},
    {"CumSum", infer_same},
    {"Shrink", infer_same},
    {"LeakyRelu", infer_same},
    {"Relu", infer_same},
    {"Sigmoid", infer_same},
    {"Tanh", infer_same},
    {"Tan", infer_same},
    {"Atan", infer_same},
    {"Trilu", infer_same},
    {"ReverseSequence", infer_same},
    {"ScatterElements", infer_same},
    {"ScatterND", infer_same},
    {"Scatter", infer_same},
    {"RandomNormalLike", infer_same},
    {"RandomUniformLike", infer_same},
    {"Cast", infer_cast},
    {"QuantizeLinear", infer_quantise},
    {"DequantizeLinear", infer_dequantise},
    {"IsNaN", infer_test},
    {"IsInf", infer_test},
    {"Add", infer_broadcast},
    {"Sub", infer_broadcast},
    {"Mul", infer_broadcast},
    {"Div", infer_broadcast},
    {"Sum", infer_broadcast},
    {"Mean", infer_broadcast},
    {"Max", infer_broadcast},
    {"Min", infer_broadcast},
    {"Pow", infer_broadcast},
    {"Mod", infer_broadcast},
    {"And", infer_compare},
    {"Or", infer_compare},
    {"Equal", infer_compare},
    {"Less", infer_compare},
    {"Greater", infer_compare},
    {"LessOrEqual", infer_compare},
    {"GreaterOrEqual", infer_compare},
    {"Xor", infer_compare},
    {"Where", infer_where},
    {"Reshape", infer_reshape},
    {"Flatten", infer_reshape},
    {"Squeeze", infer_reshape},
    {"Unsqueeze", infer_reshape},
    {"Transpose", infer_transpose},
    {"Slice", infer_slice},
    {"Concat", infer_concat},
    {"Split", infer_split},
    {"Gather", ag_onnx_infer_gather},
    {"GatherElements", ag_onnx_infer_gather_elements},
    {"TopK", ag_onnx_infer_top_k},
    {"GridSample", ag_onnx_infer_grid_sample},
    {"RoiAlign", ag_onnx_infer_roi_align},
    {"Pad", infer_pad},
    {"MatMul", infer_matmul},
    {"Gemm", infer_gemm},
    {"GlobalMaxPool", infer_global},
    {"GlobalLpPool", infer_global},
    {"ReduceMean", infer_reduce},
    {"ReduceSum", infer_reduce},
    {"ReduceMax", infer_reduce},
    {"ReduceMin", infer_reduce},
    {"ReduceProd", infer_reduce},
    {"ReduceL1", infer_reduce},
    {"ReduceL2", infer_reduce},
    {"ReduceSumSquare", infer_reduce},
    {"ReduceLogSum", infer_reduce},
    {"ReduceLogSumExp", infer_reduce},
    {"ArgMax", infer_arg},
    {"ArgMin", infer_arg},
    {"Expand", infer_expand},
    {"Tile", infer_tile},
    {"Resize", infer_resize},
    {"Upsample", infer_resize},
};

/* What value_info or the graph's outputs say; only an open batch is tolerated. */
static bool declared(const ag_onnx_value *v, ag_tensor *t) {
  const Ag__Onnx__TensorType *type = v->info && v->info->type ? v->info->type->tensor_type : NULL;
  if (!type || !type->shape || type->shape->n_dim > AG_MAX_RANK) return false;
  *t = (ag_tensor){.dtype = type->has_elem_type ? (ag_dtype)type->elem_type : AG_F32,
                   .rank = (int)type->shape->n_dim};
  if (ag_onnx_is_half((int)t->dtype)) t->dtype = AG_F32;
  for (int d = 0; d < t->rank; d++) {
    const Ag__Onnx__Dimension *dim = type->shape->dim[d];
    t->dims[d] = dim->has_dim_value ? dim->dim_value : 0;
    if (d == 0 && t->dims[d] <= 0) t->dims[d] = 1;
    if (t->dims[d] <= 0) return false;
  }
  return true;
}

bool ag_onnx_infer(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  bool standard = ag_onnx_standard_domain(op->node);
  for (size_t i = 0; standard && i < sizeof rules / sizeof *rules; i++)
    if (strcmp(rules[i].type, op->node->op_type) == 0 && rules[i].infer(im, op, output, t))
      return true;
  return declared(&im->values[op->out[output]], t);
}
