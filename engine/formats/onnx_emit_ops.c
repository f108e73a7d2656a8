/* One ONNX node, or a few, for each CG node. */
#include <stdio.h>
#include <string.h>

#include "engine/formats/onnx_export.h"

/* --- operands
 * --------------------------------------------------------------------------------------- */

static const ag_node *cg_node(const ag_onnx_export *x, int node) {
  return &x->graph->nodes[node];
}

static int operand(const ag_onnx_export *x, int node, int slot) {
  return ag_graph_operands(x->graph, node)[slot];
}

/* NB-101: the first `channels` of a tensor. */
static char *emit_slice(ag_onnx_export *x, char *name, ag_onnx_result_tensor *form,
                        int32_t channels) {
  int64_t zero = 0, end = channels, axis = 1;
  char *output = ag_onnx_fresh(x);
  ag_onnx_node *slice = ag_onnx_emit(x, "Slice", 4, output);
  ag_onnx_emit_input(slice, name);
  ag_onnx_emit_input(slice, ag_onnx_emit_int_list(x, &zero, 1));
  ag_onnx_emit_input(slice, ag_onnx_emit_int_list(x, &end, 1));
  ag_onnx_emit_input(slice, ag_onnx_emit_int_list(x, &axis, 1));
  form->dims[1] = channels;
  return output;
}

/* Operand `slot`, in a form of that rank (0 = as it is), sliced if the node reads part of it. */
static char *read_operand(ag_onnx_export *x, int node, int slot, int rank) {
  const ag_node *n = cg_node(x, node);
  const ag_node *source = cg_node(x, operand(x, node, slot));
  ag_onnx_result_tensor form = x->results[operand(x, node, slot)];
  char *name = form.name;
  if ((n->flags & AG_FLAG_SLICE) && form.rank >= 2 && source->out.c > n->in.c)
    name = emit_slice(x, name, &form, n->in.c);
  if (rank == 0 || rank == form.rank) return name;
  ag_onnx_result_tensor to = form;
  to.rank = rank;
  to.dims[1] = rank == 2 ? ag_shape_size(source->out) : source->out.c;
  if (rank == 4) {
    to.dims[1] = (n->flags & AG_FLAG_SLICE) && source->out.c > n->in.c ? n->in.c : source->out.c;
    to.dims[2] = source->out.h;
    to.dims[3] = source->out.w;
  }
  return ag_onnx_emit_reshape(x, name, &form, &to, NULL);
}

/* The main ONNX node of a CG node, with its first operand; it carries the CG node's name. */
static ag_onnx_node *emit_main(ag_onnx_export *x, int node, const char *type, int inputs,
                               int rank) {
  char *first = read_operand(x, node, 0, rank);
  ag_onnx_node *main_node = ag_onnx_emit(x, type, inputs, x->results[node].name);
  ag_onnx_name_node(x, main_node, x->graph->names ? x->graph->names[node] : NULL);
  ag_onnx_emit_input(main_node, first);
  return main_node;
}

/* An intermediate node over one or two tensors. */
static char *emit_step(ag_onnx_export *x, const char *type, char *a, char *b) {
  char *output = ag_onnx_fresh(x);
  ag_onnx_node *step = ag_onnx_emit(x, type, 2, output);
  ag_onnx_emit_input(step, a);
  if (b) ag_onnx_emit_input(step, b);
  return output;
}

static char *scalar(ag_onnx_export *x, float value) {
  return ag_onnx_emit_float_list(x, &value, 1, true);
}

/* --- windows
 * ---------------------------------------------------------------------------------------------- */

/* The odd cell of SAME padding goes to the end, of SAME_LOWER to the beginning. */
static void split_pad(const ag_node *n, int d, int64_t total, int64_t *pads) {
  if (total < 0) total = 0;
  pads[d] = n->padding == AG_PAD_SAME_LOWER ? total - total / 2 : total / 2;
  pads[d + 2] = total - pads[d];
}

static void window_pads(const ag_node *n, int64_t *pads) {
  for (int d = 0; d < 2; d++) {
    int64_t in = d ? n->in.w : n->in.h, out = d ? n->out.w : n->out.h;
    if (n->padding == AG_PAD_SAME || n->padding == AG_PAD_SAME_LOWER)
      split_pad(n, d, (out - 1) * n->stride[d] + ag_onnx_window(n, d) - in, pads);
    else if (n->padding == AG_PAD_EXPLICIT)
      pads[d] = n->pads[d], pads[d + 2] = n->pads[d + 2];
    else
      pads[d] = pads[d + 2] = 0;
  }
}

static void emit_pair(ag_onnx_export *x, ag_onnx_node *node, const char *name,
                      const int32_t *pair) {
  ag_onnx_emit_ints(x, node, name, (int64_t[2]){pair[0], pair[1]}, 2);
}

static void emit_window(ag_onnx_export *x, ag_onnx_node *node, const ag_node *n) {
  emit_pair(x, node, "kernel_shape", n->kernel);
  emit_pair(x, node, "strides", n->stride);
  if (n->dilation[0] != 1 || n->dilation[1] != 1) emit_pair(x, node, "dilations", n->dilation);
}

/* Explicit pads, unless they would read back as another kind of padding. */
static void emit_pads(ag_onnx_export *x, ag_onnx_node *node, const ag_node *n,
                      const int64_t *pads) {
  static const char *const kind[] = {
      [AG_PAD_SAME] = "SAME_UPPER", [AG_PAD_VALID] = "VALID", [AG_PAD_SAME_LOWER] = "SAME_LOWER"};
  ag_node read = *n;
  int32_t narrow[4];
  for (int i = 0; i < 4; i++) narrow[i] = (int32_t)pads[i];
  ag_onnx_settle_padding(&read, n->in, narrow);
  if (read.padding == n->padding || n->padding == AG_PAD_EXPLICIT)
    ag_onnx_emit_ints(x, node, "pads", pads, 4);
  else
    ag_onnx_emit_text(x, node, "auto_pad", kind[n->padding]);
}

static void emit_bias(ag_onnx_export *x, int node, ag_onnx_node *to) {
  const ag_node *n = cg_node(x, node);
  int64_t channels = n->out.c;
  if (n->bias) ag_onnx_emit_input(to, ag_onnx_emit_weight(x, node, AG_ROLE_BIAS, &channels, 1));
}

static ag_status emit_conv(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  int64_t groups = n->op == AG_OP_DEPTHWISE ? n->in.c : n->groups, pads[4];
  int64_t dims[4] = {n->out.c, n->in.c / groups, n->kernel[0], n->kernel[1]};
  ag_onnx_node *conv = emit_main(x, node, "Conv", 3, 4);
  ag_onnx_emit_input(conv, ag_onnx_emit_weight(x, node, AG_ROLE_KERNEL, dims, 4));
  emit_bias(x, node, conv);
  window_pads(n, pads);
  emit_window(x, conv, n);
  emit_pads(x, conv, n, pads);
  ag_onnx_emit_int(x, conv, "group", groups);
  return AG_OK;
}

/* The result is exactly stride times as large: what the pads leave over is output padding. */
static ag_status emit_transposed_conv(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  int64_t pads[4], extra[2];
  int64_t dims[4] = {n->in.c, n->out.c / n->groups, n->kernel[0], n->kernel[1]};
  for (int d = 0; d < 2; d++) {
    if (n->padding == AG_PAD_EXPLICIT)
      pads[d] = n->pads[d], pads[d + 2] = n->pads[d + 2];
    else
      split_pad(n, d, ag_onnx_window(n, d) - n->stride[d], pads);
    extra[d] = n->stride[d] - ag_onnx_window(n, d) + pads[d] + pads[d + 2];
    if (extra[d] < 0)
      return ag_fail(x->err, AG_UNSUPPORTED, "its pads do not give %d times its input",
                     n->stride[d]);
  }
  ag_onnx_node *conv = emit_main(x, node, "ConvTranspose", 3, 4);
  ag_onnx_emit_input(conv, ag_onnx_emit_weight(x, node, AG_ROLE_KERNEL, dims, 4));
  emit_bias(x, node, conv);
  emit_window(x, conv, n);
  ag_onnx_emit_ints(x, conv, "pads", pads, 4);
  ag_onnx_emit_ints(x, conv, "output_padding", extra, 2);
  ag_onnx_emit_int(x, conv, "group", n->groups);
  return AG_OK;
}

static ag_status emit_pool(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  bool average = n->op == AG_OP_AVGPOOL;
  int64_t pads[4];
  window_pads(n, pads);
  ag_onnx_node *pool = emit_main(x, node, average ? "AveragePool" : "MaxPool", 1, 4);
  emit_window(x, pool, n);
  emit_pads(x, pool, n, pads);
  bool fixed = n->padding == AG_PAD_SAME || n->padding == AG_PAD_SAME_LOWER;
  if ((n->flags & AG_FLAG_CEIL) && !fixed) ag_onnx_emit_int(x, pool, "ceil_mode", 1);
  if (average && (n->flags & AG_FLAG_COUNT_PADS)) ag_onnx_emit_int(x, pool, "count_include_pad", 1);
  return AG_OK;
}

/* --- products and norms
 * ------------------------------------------------------------------------------------- */

static bool kernel_is_transposed(const ag_onnx_export *x, int node) {
  const ag_record *record = ag_store_get(x->graph->store, cg_node(x, node)->record);
  return record && record->has[AG_ROLE_KERNEL] && record->transposed;
}

/* A product over a plane is applied to its pixels as rows. */
static ag_status emit_matmul_plane(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  bool transposed = kernel_is_transposed(x, node);
  int64_t dims[2] = {transposed ? n->in.c : n->out.c, transposed ? n->out.c : n->in.c};
  char *rows = ag_onnx_fresh(x);
  ag_onnx_node *last = ag_onnx_emit(x, "Transpose", 1, rows);
  ag_onnx_emit_input(last, read_operand(x, node, 0, 4));
  ag_onnx_emit_ints(x, last, "perm", (int64_t[4]){0, 2, 3, 1}, 4);
  char *kernel = ag_onnx_emit_weight(x, node, AG_ROLE_KERNEL, dims, 2);
  if (!transposed) {
    char *turned = ag_onnx_fresh(x);
    ag_onnx_node *turn = ag_onnx_emit(x, "Transpose", 1, turned);
    ag_onnx_emit_input(turn, kernel);
    ag_onnx_emit_ints(x, turn, "perm", (int64_t[2]){1, 0}, 2);
    kernel = turned;
  }
  char *product = emit_step(x, "MatMul", rows, kernel);
  int64_t channels = n->out.c;
  if (n->bias)
    product =
        emit_step(x, "Add", product, ag_onnx_emit_weight(x, node, AG_ROLE_BIAS, &channels, 1));
  last = ag_onnx_emit(x, "Transpose", 1, x->results[node].name);
  ag_onnx_emit_input(last, product);
  ag_onnx_emit_ints(x, last, "perm", (int64_t[4]){0, 3, 1, 2}, 4);
  return AG_OK;
}

static ag_status emit_matmul(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  if (n->in.h != 1 || n->in.w != 1) return emit_matmul_plane(x, node);
  bool transposed = kernel_is_transposed(x, node);
  int64_t dims[2] = {transposed ? n->in.c : n->out.c, transposed ? n->out.c : n->in.c};
  ag_onnx_node *gemm = emit_main(x, node, "Gemm", 3, 2);
  ag_onnx_emit_input(gemm, ag_onnx_emit_weight(x, node, AG_ROLE_KERNEL, dims, 2));
  emit_bias(x, node, gemm);
  if (!transposed) ag_onnx_emit_int(x, gemm, "transB", 1);
  return AG_OK;
}

static ag_status emit_batchnorm(ag_onnx_export *x, int node) {
  static const int roles[] = {AG_ROLE_SCALE, AG_ROLE_SHIFT, AG_ROLE_MEAN, AG_ROLE_VARIANCE};
  const ag_node *n = cg_node(x, node);
  int64_t channels = n->in.c;
  ag_onnx_node *norm = emit_main(x, node, "BatchNormalization", 5, 0);
  for (int k = 0; k < 4; k++)
    ag_onnx_emit_input(norm, ag_onnx_emit_weight(x, node, roles[k], &channels, 1));
  ag_onnx_emit_float(x, norm, "epsilon", n->alpha > 0 ? n->alpha : 1e-5f);
  return AG_OK;
}

static ag_status emit_prelu(ag_onnx_export *x, int node) {
  int64_t channels = cg_node(x, node)->in.c, broadcast[AG_MAX_RANK] = {channels};
  char *slope = ag_onnx_emit_weight(x, node, AG_ROLE_SCALE, &channels, 1);
  int rank = x->results[node].rank - 1;
  for (int d = 1; d < rank; d++) broadcast[d] = 1;
  if (rank > 1) slope = emit_step(x, "Reshape", slope, ag_onnx_emit_int_list(x, broadcast, rank));
  ag_onnx_emit_input(emit_main(x, node, "PRelu", 2, 0), slope);
  return AG_OK;
}

/* --- activations
 * ------------------------------------------------------------------------------------------------
 */

static ag_status emit_unary(ag_onnx_export *x, int node, const char *type) {
  emit_main(x, node, type, 1, 0);
  return AG_OK;
}

static ag_status emit_relu6(ag_onnx_export *x, int node) {
  ag_onnx_node *clip = emit_main(x, node, "Clip", 3, 0);
  ag_onnx_emit_input(clip, scalar(x, 0));
  ag_onnx_emit_input(clip, scalar(x, 6));
  return AG_OK;
}

static ag_status emit_hard_sigmoid(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  ag_onnx_node *hard = emit_main(x, node, "HardSigmoid", 1, 0);
  ag_onnx_emit_float(x, hard, "alpha", n->alpha > 0 ? n->alpha : 1.0f / 6);
  ag_onnx_emit_float(x, hard, "beta", 0.5f);
  return AG_OK;
}

/* x * f(x), f being the sigmoid or its piecewise linear form. */
static ag_status emit_gated(ag_onnx_export *x, int node, const char *gate) {
  char *input = read_operand(x, node, 0, 0), *factor = ag_onnx_fresh(x);
  ag_onnx_node *f = ag_onnx_emit(x, gate, 1, factor);
  ag_onnx_emit_input(f, input);
  if (strcmp(gate, "HardSigmoid") == 0) {
    ag_onnx_emit_float(x, f, "alpha", 1.0f / 6);
    ag_onnx_emit_float(x, f, "beta", 0.5f);
  }
  ag_onnx_emit_input(emit_main(x, node, "Mul", 2, 0), factor);
  return AG_OK;
}

/* x * (1 + erf(x / sqrt 2)) / 2 */
static ag_status emit_gelu(ag_onnx_export *x, int node) {
  char *input = read_operand(x, node, 0, 0);
  char *t = emit_step(x, "Div", input, scalar(x, 1.41421356f));
  t = emit_step(x, "Erf", t, NULL);
  t = emit_step(x, "Add", t, scalar(x, 1));
  t = emit_step(x, "Mul", t, scalar(x, 0.5f));
  ag_onnx_emit_input(emit_main(x, node, "Mul", 2, 0), t);
  return AG_OK;
}

static ag_status emit_leaky_relu(ag_onnx_export *x, int node) {
  ag_onnx_emit_float(x, emit_main(x, node, "LeakyRelu", 1, 0), "alpha", cg_node(x, node)->alpha);
  return AG_OK;
}

static ag_status emit_softmax(ag_onnx_export *x, int node) {
  ag_onnx_emit_int(x, emit_main(x, node, "Softmax", 1, 0), "axis", 1);
  return AG_OK;
}

static ag_status emit_zero(ag_onnx_export *x, int node) {
  ag_onnx_emit_input(emit_main(x, node, "Mul", 2, 0), scalar(x, 0));
  return AG_OK;
}

/* --- joins and moves
 * ------------------------------------------------------------------------------------------------
 */

static char **read_operands(ag_onnx_export *x, int node) {
  int count = ag_graph_arity(x->graph, node);
  char **operands = ag_arena_alloc(&x->arena, (size_t)count * sizeof *operands);
  for (int k = 0; k < count; k++) operands[k] = read_operand(x, node, k, x->results[node].rank);
  return operands;
}

/* One node over all operands. */
static ag_onnx_node *emit_nary(ag_onnx_export *x, int node, const char *type) {
  char **operands = read_operands(x, node);
  int count = ag_graph_arity(x->graph, node);
  ag_onnx_node *join = ag_onnx_emit(x, type, count, x->results[node].name);
  const char *name = x->graph->names ? x->graph->names[node] : NULL;
  if (name) join->name = ag_onnx_keep(x, name);
  for (int k = 0; k < count; k++) ag_onnx_emit_input(join, operands[k]);
  return join;
}

static ag_status emit_add(ag_onnx_export *x, int node) {
  emit_nary(x, node, ag_graph_arity(x->graph, node) == 2 ? "Add" : "Sum");
  return AG_OK;
}

static ag_status emit_concat(ag_onnx_export *x, int node) {
  ag_onnx_emit_int(x, emit_nary(x, node, "Concat"), "axis", 1);
  return AG_OK;
}

static char *product_name(ag_onnx_export *x, const char *label, bool last) {
  char name[300];
  snprintf(name, sizeof name, "%s%s", label, last ? "" : AG_ONNX_PARTIAL);
  return ag_onnx_keep(x, name);
}

/* ((a * b) * c) * ... */
static ag_status emit_mul(ag_onnx_export *x, int node) {
  int count = ag_graph_arity(x->graph, node);
  if (count == 2) {
    emit_nary(x, node, "Mul");
    return AG_OK;
  }
  char **operands = read_operands(x, node), *product = operands[0], label[256];
  ag_graph_node_label(x->graph, node, label, sizeof label);
  for (int k = 1; k < count; k++) {
    bool last = k == count - 1;
    char *output = last ? x->results[node].name : ag_onnx_fresh(x);
    ag_onnx_node *mul = ag_onnx_emit(x, "Mul", 2, output);
    mul->name = product_name(x, label, last);
    ag_onnx_emit_input(mul, product);
    ag_onnx_emit_input(mul, operands[k]);
    product = output;
  }
  return AG_OK;
}

static ag_status emit_paddings(ag_onnx_export *x, int node) {
  const int32_t *p = cg_node(x, node)->pads;
  int64_t pads[8] = {0, 0, p[0], p[1], 0, 0, p[2], p[3]};
  ag_onnx_emit_input(emit_main(x, node, "Pad", 2, 4), ag_onnx_emit_int_list(x, pads, 8));
  return AG_OK;
}

static ag_status emit_resize(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  float scales[4] = {1, 1, (float)n->stride[0], (float)n->stride[1]};
  ag_onnx_node *resize = emit_main(x, node, "Resize", 3, 4);
  ag_onnx_emit_input(resize, ag_onnx_keep(x, ""));
  ag_onnx_emit_input(resize, ag_onnx_emit_float_list(x, scales, 4, false));
  bool linear = n->flags & AG_FLAG_LINEAR;
  ag_onnx_emit_text(x, resize, "mode", linear ? "linear" : "nearest");
  ag_onnx_emit_text(x, resize, "coordinate_transformation_mode",
                    !linear                    ? "asymmetric"
                    : n->flags & AG_FLAG_ALIGN ? "align_corners"
                                               : "half_pixel");
  if (!linear) ag_onnx_emit_text(x, resize, "nearest_mode", "floor");
  return AG_OK;
}

static ag_status emit_depth_space(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  bool unfold = n->op == AG_OP_DEPTH_TO_SPACE;
  if (n->stride[0] != n->stride[1])
    return ag_fail(x->err, AG_UNSUPPORTED, "ONNX has no %dx%d blocks", n->stride[0], n->stride[1]);
  ag_onnx_node *move = emit_main(x, node, unfold ? "DepthToSpace" : "SpaceToDepth", 1, 4);
  ag_onnx_emit_int(x, move, "blocksize", n->stride[0]);
  if (unfold) ag_onnx_emit_text(x, move, "mode", n->flags & AG_FLAG_ALIGN ? "CRD" : "DCR");
  return AG_OK;
}

static ag_status emit_channel_shuffle(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  int64_t split[5] = {0, n->groups, n->in.c / n->groups, n->in.h, n->in.w};
  int64_t whole[4] = {0, n->in.c, n->in.h, n->in.w};
  if (n->groups < 1 || n->in.c % n->groups)
    return ag_fail(x->err, AG_INVALID, "%d groups do not divide %d channels", n->groups, n->in.c);
  char *input = read_operand(x, node, 0, 4);
  char *parts = emit_step(x, "Reshape", input, ag_onnx_emit_int_list(x, split, 5));
  char *swapped = emit_step(x, "Transpose", parts, NULL);
  ag_onnx_emit_ints(x, x->nodes[x->node_count - 1], "perm", (int64_t[5]){0, 2, 1, 3, 4}, 5);
  ag_onnx_node *last = ag_onnx_emit(x, "Reshape", 2, x->results[node].name);
  ag_onnx_emit_input(last, swapped);
  ag_onnx_emit_input(last, ag_onnx_emit_int_list(x, whole, 4));
  return AG_OK;
}

static ag_status emit_flatten(ag_onnx_export *x, int node) {
  ag_onnx_emit_int(x, emit_main(x, node, "Flatten", 1, 4), "axis", 1);
  return AG_OK;
}

/* --- dispatch
 * ------------------------------------------------------------------------------------------------------------
 */

ag_status ag_onnx_emit_node(ag_onnx_export *x, int node) {
  switch ((ag_op)cg_node(x, node)->op) {
  case AG_OP_INPUT:
  case AG_OP_OUTPUT:
    return AG_OK;
  case AG_OP_CONV:
  case AG_OP_DEPTHWISE:
    return emit_conv(x, node);
  case AG_OP_TRANSPOSED_CONV:
    return emit_transposed_conv(x, node);
  case AG_OP_MATMUL:
    return emit_matmul(x, node);
  case AG_OP_BATCHNORM:
    return emit_batchnorm(x, node);
  case AG_OP_PRELU:
    return emit_prelu(x, node);
  case AG_OP_MAXPOOL:
  case AG_OP_AVGPOOL:
    return emit_pool(x, node);
  case AG_OP_MEAN:
  case AG_OP_GLOBAL:
    emit_main(x, node, "GlobalAveragePool", 1, 4);
    return AG_OK;
  case AG_OP_RELU:
    return emit_unary(x, node, "Relu");
  case AG_OP_SIGMOID:
    return emit_unary(x, node, "Sigmoid");
  case AG_OP_TANH:
    return emit_unary(x, node, "Tanh");
  case AG_OP_IDENTITY:
    return emit_unary(x, node, "Identity");
  case AG_OP_RELU6:
    return emit_relu6(x, node);
  case AG_OP_SWISH:
    return emit_gated(x, node, "Sigmoid");
  case AG_OP_HARDSWISH:
    return emit_gated(x, node, "HardSigmoid");
  case AG_OP_HARDSIGMOID:
    return emit_hard_sigmoid(x, node);
  case AG_OP_GELU:
    return emit_gelu(x, node);
  case AG_OP_LEAKYRELU:
    return emit_leaky_relu(x, node);
  case AG_OP_SOFTMAX:
    return emit_softmax(x, node);
  case AG_OP_ZERO:
    return emit_zero(x, node);
  case AG_OP_ADD:
    return emit_add(x, node);
  case AG_OP_MUL:
    return emit_mul(x, node);
  case AG_OP_CONCAT:
    return emit_concat(x, node);
  case AG_OP_PADDINGS:
    return emit_paddings(x, node);
  case AG_OP_RESIZE:
    return emit_resize(x, node);
  case AG_OP_SPACE_TO_DEPTH:
  case AG_OP_DEPTH_TO_SPACE:
    return emit_depth_space(x, node);
  case AG_OP_CHANNEL_SHUFFLE:
    return emit_channel_shuffle(x, node);
  case AG_OP_FLATTEN:
    return emit_flatten(x, node);
  case AG_OP_OPAQUE:
  case AG_OP_SPACE_TO_BATCH:
  case AG_OP_BATCH_TO_SPACE:
  case AG_OP_COUNT:
    break;
  }
  return ag_onnx_emit_opaque(x, node);
}
