/* Activations, joins and ops that move elements; and which function writes which op. */
#include <stdio.h>
#include <string.h>

#include "engine/formats/onnx_export.h"

static const ag_node *cg_node(const ag_onnx_export *x, int node) {
  return &x->graph->nodes[node];
}

/* --- activations ------------------------------------------------------------------ */

static ag_status emit_unary(ag_onnx_export *x, int node) {
  static const char *const types[AG_OP_COUNT] = {[AG_OP_RELU] = "Relu",
                                                 [AG_OP_SIGMOID] = "Sigmoid",
                                                 [AG_OP_TANH] = "Tanh",
                                                 [AG_OP_IDENTITY] = "Identity"};
  ag_onnx_emit_main(x, node, types[cg_node(x, node)->op], 1, 0);
  return AG_OK;
}

static ag_status emit_relu6(ag_onnx_export *x, int node) {
  ag_onnx_node *clip = ag_onnx_emit_main(x, node, "Clip", 3, 0);
  ag_onnx_emit_setting(x, clip, "min", 0);
  ag_onnx_emit_setting(x, clip, "max", 6);
  return AG_OK;
}

static ag_status emit_hard_sigmoid(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  ag_onnx_node *hard = ag_onnx_emit_main(x, node, "HardSigmoid", 1, 0);
  ag_onnx_emit_float(x, hard, "alpha", n->alpha > 0 ? n->alpha : 1.0f / 6);
  ag_onnx_emit_float(x, hard, "beta", 0.5f);
  return AG_OK;
}

/* x * f(x); the node of f. */
static ag_onnx_node *emit_gated(ag_onnx_export *x, int node, const char *gate) {
  char *input = ag_onnx_read_operand(x, node, 0, 0), *factor = ag_onnx_fresh(x);
  ag_onnx_node *f = ag_onnx_emit(x, gate, 1, factor);
  ag_onnx_emit_input(f, input);
  ag_onnx_emit_input(ag_onnx_emit_main(x, node, "Mul", 2, 0), factor);
  return f;
}

static ag_status emit_swish(ag_onnx_export *x, int node) {
  emit_gated(x, node, "Sigmoid");
  return AG_OK;
}

static ag_status emit_hard_swish(ag_onnx_export *x, int node) {
  ag_onnx_node *f = emit_gated(x, node, "HardSigmoid");
  ag_onnx_emit_float(x, f, "alpha", 1.0f / 6);
  ag_onnx_emit_float(x, f, "beta", 0.5f);
  return AG_OK;
}

/* x * (1 + erf(x / sqrt 2)) / 2 */
static ag_status emit_gelu(ag_onnx_export *x, int node) {
  char *input = ag_onnx_read_operand(x, node, 0, 0);
  char *t = ag_onnx_emit_step(x, "Div", input, ag_onnx_emit_scalar(x, 1.41421356f));
  t = ag_onnx_emit_step(x, "Erf", t, NULL);
  t = ag_onnx_emit_step(x, "Add", t, ag_onnx_emit_scalar(x, 1));
  t = ag_onnx_emit_step(x, "Mul", t, ag_onnx_emit_scalar(x, 0.5f));
  ag_onnx_emit_input(ag_onnx_emit_main(x, node, "Mul", 2, 0), t);
  return AG_OK;
}

static ag_status emit_leaky_relu(ag_onnx_export *x, int node) {
  float alpha = cg_node(x, node)->alpha;
  ag_onnx_emit_float(x, ag_onnx_emit_main(x, node, "LeakyRelu", 1, 0), "alpha",
                     alpha != 0 ? alpha : 0.01f);
  return AG_OK;
}

/* Before version 13 it ran over everything from `axis` on: channels then must come last. */
static ag_status emit_old_softmax(ag_onnx_export *x, int node, int rank) {
  int64_t last[AG_MAX_RANK] = {0}, back[AG_MAX_RANK] = {0, rank - 1};
  for (int d = 1; d < rank - 1; d++) {
    last[d] = d + 1;
    back[d + 1] = d;
  }
  last[rank - 1] = 1;
  char *moved = ag_onnx_emit_step(x, "Transpose", ag_onnx_read_operand(x, node, 0, 0), NULL);
  ag_onnx_emit_ints(x, x->nodes[x->node_count - 1], "perm", last, rank);
  char *soft = ag_onnx_emit_step(x, "Softmax", moved, NULL);
  ag_onnx_emit_int(x, x->nodes[x->node_count - 1], "axis", rank - 1);
  ag_onnx_node *end = ag_onnx_emit(x, "Transpose", 1, x->results[node].name);
  ag_onnx_emit_input(end, soft);
  ag_onnx_emit_ints(x, end, "perm", back, rank);
  return AG_OK;
}

static ag_status emit_softmax(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  if (x->opset < 13 && (n->in.h > 1 || n->in.w > 1) && x->results[node].rank > 2)
    return emit_old_softmax(x, node, x->results[node].rank);
  ag_onnx_emit_int(x, ag_onnx_emit_main(x, node, "Softmax", 1, 0), "axis", 1);
  return AG_OK;
}

static ag_status emit_mean(ag_onnx_export *x, int node) {
  ag_onnx_emit_main(x, node, "GlobalAveragePool", 1, 4);
  return AG_OK;
}

static ag_status emit_zero(ag_onnx_export *x, int node) {
  ag_onnx_emit_input(ag_onnx_emit_main(x, node, "Mul", 2, 0), ag_onnx_emit_scalar(x, 0));
  return AG_OK;
}

/* --- joins and moves -------------------------------------------------------------- */

static char **read_operands(ag_onnx_export *x, int node) {
  int count = ag_graph_arity(x->graph, node);
  char **operands = ag_arena_alloc(&x->arena, (size_t)count * sizeof *operands);
  for (int k = 0; k < count; k++)
    operands[k] = ag_onnx_read_operand(x, node, k, x->results[node].rank);
  return operands;
}

/* One node over all operands. */
static ag_onnx_node *emit_nary(ag_onnx_export *x, int node, const char *type) {
  char **operands = read_operands(x, node);
  int count = ag_graph_arity(x->graph, node);
  ag_onnx_node *join = ag_onnx_emit(x, type, count, x->results[node].name);
  ag_onnx_name_node(x, join, x->graph->names ? x->graph->names[node] : NULL);
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

static void name_product(ag_onnx_export *x, ag_onnx_node *mul, int node, int factors, bool last) {
  char label[256], name[300];
  ag_onnx_node_label(x, node, label, sizeof label);
  snprintf(name, sizeof name, "%s/%d%s", label, factors, AG_ONNX_PARTIAL);
  ag_onnx_name_node(x, mul, !last ? name : x->graph->names ? x->graph->names[node] : NULL);
}

/* ((a * b) * c) * ... */
static ag_status emit_mul(ag_onnx_export *x, int node) {
  int count = ag_graph_arity(x->graph, node);
  if (count == 2) {
    emit_nary(x, node, "Mul");
    return AG_OK;
  }
  char **operands = read_operands(x, node), *product = operands[0];
  for (int k = 1; k < count; k++) {
    bool last = k == count - 1;
    char *output = last ? x->results[node].name : ag_onnx_fresh(x);
    ag_onnx_node *mul = ag_onnx_emit(x, "Mul", 2, output);
    name_product(x, mul, node, k + 1, last);
    ag_onnx_emit_input(mul, product);
    ag_onnx_emit_input(mul, operands[k]);
    product = output;
  }
  return AG_OK;
}

static ag_status emit_paddings(ag_onnx_export *x, int node) {
  const int32_t *p = cg_node(x, node)->pads;
  int64_t pads[8] = {0, 0, p[0], p[1], 0, 0, p[2], p[3]};
  ag_onnx_emit_int_setting(x, ag_onnx_emit_main(x, node, "Pad", 2, 4), "pads", pads, 8);
  return AG_OK;
}

/* Upsample until 9, Resize from 10, which states its grid from 11: until then it was this one. */
static ag_status emit_resize(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  float scales[4] = {1, 1, (float)n->stride[0], (float)n->stride[1]};
  bool linear = n->flags & AG_FLAG_LINEAR;
  ag_onnx_node *resize = ag_onnx_emit_main(x, node, x->opset < 10 ? "Upsample" : "Resize", 3, 4);
  if (x->opset >= 11) ag_onnx_emit_input(resize, ag_onnx_emit_no_region(x));
  if (x->opset >= 9)
    ag_onnx_emit_input(resize, ag_onnx_emit_float_list(x, scales, 4, false));
  else
    ag_onnx_emit_floats(x, resize, "scales", scales, 4);
  ag_onnx_emit_text(x, resize, "mode", linear ? "linear" : "nearest");
  if (x->opset < 11) return AG_OK;
  ag_onnx_emit_text(x, resize, "coordinate_transformation_mode",
                    !linear                    ? "asymmetric"
                    : n->flags & AG_FLAG_ALIGN ? "align_corners"
                                               : "half_pixel");
  if (!linear) ag_onnx_emit_text(x, resize, "nearest_mode", "floor");
  return AG_OK;
}

/* The elements of `input` split into `split`, the dimensions permuted, and together again. */
static ag_status emit_rearrangement(ag_onnx_export *x, int node, const int64_t *split,
                                    const int64_t *perm, int rank, const int64_t *whole) {
  char *input = ag_onnx_read_operand(x, node, 0, 4);
  char *parts = ag_onnx_emit_step(x, "Reshape", input, ag_onnx_emit_int_list(x, split, rank));
  char *swapped = ag_onnx_emit_step(x, "Transpose", parts, NULL);
  ag_onnx_emit_ints(x, x->nodes[x->node_count - 1], "perm", perm, rank);
  ag_onnx_node *last = ag_onnx_emit(x, "Reshape", 2, x->results[node].name);
  ag_onnx_emit_input(last, swapped);
  ag_onnx_emit_input(last, ag_onnx_emit_int_list(x, whole, 4));
  return AG_OK;
}

/* DepthToSpace with the block innermost in the channels, which has a name from version 11 on. */
static ag_status emit_inner_depth_to_space(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  int64_t b = n->stride[0];
  int64_t split[6] = {0, n->out.c, b, b, n->in.h, n->in.w};
  int64_t whole[4] = {0, n->out.c, n->out.h, n->out.w};
  return emit_rearrangement(x, node, split, (int64_t[6]){0, 1, 4, 2, 5, 3}, 6, whole);
}

static ag_status emit_depth_space(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  bool unfold = n->op == AG_OP_DEPTH_TO_SPACE, inner = n->flags & AG_FLAG_ALIGN;
  if (n->stride[0] != n->stride[1])
    return ag_fail(x->err, AG_UNSUPPORTED, "ONNX has no %dx%d blocks", n->stride[0], n->stride[1]);
  if (unfold && inner && x->opset < 11) return emit_inner_depth_to_space(x, node);
  ag_onnx_node *move = ag_onnx_emit_main(x, node, unfold ? "DepthToSpace" : "SpaceToDepth", 1, 4);
  ag_onnx_emit_int(x, move, "blocksize", n->stride[0]);
  if (unfold && x->opset >= 11) ag_onnx_emit_text(x, move, "mode", inner ? "CRD" : "DCR");
  return AG_OK;
}

static ag_status emit_channel_shuffle(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  int64_t split[5] = {0, n->groups, n->in.c / n->groups, n->in.h, n->in.w};
  int64_t whole[4] = {0, n->in.c, n->in.h, n->in.w};
  if (n->groups < 1 || n->in.c % n->groups)
    return ag_fail(x->err, AG_INVALID, "%d groups do not divide %d channels", n->groups, n->in.c);
  return emit_rearrangement(x, node, split, (int64_t[5]){0, 2, 1, 3, 4}, 5, whole);
}

static ag_status emit_flatten(ag_onnx_export *x, int node) {
  ag_onnx_emit_int(x, ag_onnx_emit_main(x, node, "Flatten", 1, 4), "axis", 1);
  return AG_OK;
}

/* --- the table -------------------------------------------------------------------- */

static ag_status emit_nothing(ag_onnx_export *x, int node) {
  (void)x, (void)node;
  return AG_OK;
}

typedef ag_status (*emitter)(ag_onnx_export *x, int node);

/* Ops without a function are opaque, or have no kin in ONNX. */
static const emitter emitters[AG_OP_COUNT] = {
    [AG_OP_INPUT] = emit_nothing,
    [AG_OP_OUTPUT] = emit_nothing,
    [AG_OP_CONV] = ag_onnx_emit_conv,
    [AG_OP_DEPTHWISE] = ag_onnx_emit_conv,
    [AG_OP_TRANSPOSED_CONV] = ag_onnx_emit_transposed_conv,
    [AG_OP_MATMUL] = ag_onnx_emit_matmul,
    [AG_OP_BATCHNORM] = ag_onnx_emit_batchnorm,
    [AG_OP_PRELU] = ag_onnx_emit_prelu,
    [AG_OP_MAXPOOL] = ag_onnx_emit_pool,
    [AG_OP_AVGPOOL] = ag_onnx_emit_pool,
    [AG_OP_MEAN] = emit_mean,
    [AG_OP_GLOBAL] = emit_mean,
    [AG_OP_RELU] = emit_unary,
    [AG_OP_SIGMOID] = emit_unary,
    [AG_OP_TANH] = emit_unary,
    [AG_OP_IDENTITY] = emit_unary,
    [AG_OP_RELU6] = emit_relu6,
    [AG_OP_SWISH] = emit_swish,
    [AG_OP_HARDSWISH] = emit_hard_swish,
    [AG_OP_HARDSIGMOID] = emit_hard_sigmoid,
    [AG_OP_GELU] = emit_gelu,
    [AG_OP_LEAKYRELU] = emit_leaky_relu,
    [AG_OP_SOFTMAX] = emit_softmax,
    [AG_OP_ZERO] = emit_zero,
    [AG_OP_ADD] = emit_add,
    [AG_OP_MUL] = emit_mul,
    [AG_OP_CONCAT] = emit_concat,
    [AG_OP_PADDINGS] = emit_paddings,
    [AG_OP_RESIZE] = emit_resize,
    [AG_OP_SPACE_TO_DEPTH] = emit_depth_space,
    [AG_OP_DEPTH_TO_SPACE] = emit_depth_space,
    [AG_OP_CHANNEL_SHUFFLE] = emit_channel_shuffle,
    [AG_OP_FLATTEN] = emit_flatten,
};

ag_status ag_onnx_emit_node(ag_onnx_export *x, int node) {
  emitter emit = emitters[cg_node(x, node)->op];
  return emit ? emit(x, node) : ag_onnx_emit_opaque(x, node);
}
