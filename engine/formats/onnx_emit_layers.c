/* Layers with windows or weights: convolutions, pools, products, norms. */
#include <string.h>

#include "engine/formats/onnx_export.h"

static const ag_node *cg_node(const ag_onnx_export *x, int node) {
  return &x->graph->nodes[node];
}

/* --- windows ---------------------------------------------------------------------- */

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

ag_status ag_onnx_emit_conv(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  int64_t groups = n->op == AG_OP_DEPTHWISE ? n->in.c : n->groups, pads[4];
  int64_t dims[4] = {n->out.c, n->in.c / groups, n->kernel[0], n->kernel[1]};
  ag_onnx_node *conv = ag_onnx_emit_main(x, node, "Conv", 3, 4);
  ag_onnx_emit_input(conv, ag_onnx_emit_weight(x, node, AG_ROLE_KERNEL, dims, 4));
  emit_bias(x, node, conv);
  window_pads(n, pads);
  emit_window(x, conv, n);
  emit_pads(x, conv, n, pads);
  ag_onnx_emit_int(x, conv, "group", groups);
  return AG_OK;
}

/* The result is exactly stride times as large: what the pads leave over is output padding. */
ag_status ag_onnx_emit_transposed_conv(ag_onnx_export *x, int node) {
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
  ag_onnx_node *conv = ag_onnx_emit_main(x, node, "ConvTranspose", 3, 4);
  ag_onnx_emit_input(conv, ag_onnx_emit_weight(x, node, AG_ROLE_KERNEL, dims, 4));
  emit_bias(x, node, conv);
  emit_window(x, conv, n);
  ag_onnx_emit_ints(x, conv, "pads", pads, 4);
  ag_onnx_emit_ints(x, conv, "output_padding", extra, 2);
  ag_onnx_emit_int(x, conv, "group", n->groups);
  return AG_OK;
}

/* Before version 10 pools rounded down: what rounding up needs is padded at the end. */
static void extend_pads(const ag_node *n, int64_t *pads) {
  for (int d = 0; d < 2; d++) {
    int64_t in = d ? n->in.w : n->in.h, out = d ? n->out.w : n->out.h;
    int64_t end = (out - 1) * n->stride[d] + ag_onnx_window(n, d) - in - pads[d];
    if (end > pads[d + 2]) pads[d + 2] = end;
  }
}

ag_status ag_onnx_emit_pool(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  bool average = n->op == AG_OP_AVGPOOL;
  bool fixed = n->padding == AG_PAD_SAME || n->padding == AG_PAD_SAME_LOWER;
  bool rounds_up = (n->flags & AG_FLAG_CEIL) && !fixed;
  int64_t pads[4];
  window_pads(n, pads);
  ag_onnx_node *pool = ag_onnx_emit_main(x, node, average ? "AveragePool" : "MaxPool", 1, 4);
  emit_window(x, pool, n);
  if (rounds_up && x->opset < 10) {
    extend_pads(n, pads);
    ag_onnx_emit_ints(x, pool, "pads", pads, 4);
  } else {
    emit_pads(x, pool, n, pads);
    if (rounds_up) ag_onnx_emit_int(x, pool, "ceil_mode", 1);
  }
  if (average && (n->flags & AG_FLAG_COUNT_PADS)) ag_onnx_emit_int(x, pool, "count_include_pad", 1);
  return AG_OK;
}

/* --- products and norms ----------------------------------------------------------- */

static bool kernel_is_transposed(const ag_onnx_export *x, int node) {
  const ag_record *record = ag_store_get(x->graph->store, cg_node(x, node)->record);
  return record && record->has[AG_ROLE_KERNEL] && record->transposed;
}

/* The kernel with a row for each input, as MatMul wants it. */
static char *kernel_rows(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  bool transposed = kernel_is_transposed(x, node);
  int64_t dims[2] = {transposed ? n->in.c : n->out.c, transposed ? n->out.c : n->in.c};
  char *kernel = ag_onnx_emit_weight(x, node, AG_ROLE_KERNEL, dims, 2);
  if (transposed) return kernel;
  char *turned = ag_onnx_emit_step(x, "Transpose", kernel, NULL);
  ag_onnx_emit_ints(x, x->nodes[x->node_count - 1], "perm", (int64_t[2]){1, 0}, 2);
  return turned;
}

/* A product over a plane is applied to its pixels as rows. */
static ag_status emit_matmul_plane(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  char *rows = ag_onnx_fresh(x);
  ag_onnx_node *last = ag_onnx_emit(x, "Transpose", 1, rows);
  ag_onnx_emit_input(last, ag_onnx_read_operand(x, node, 0, 4));
  ag_onnx_emit_ints(x, last, "perm", (int64_t[4]){0, 2, 3, 1}, 4);
  char *product = ag_onnx_emit_step(x, "MatMul", rows, kernel_rows(x, node));
  int64_t channels = n->out.c;
  if (n->bias)
    product = ag_onnx_emit_step(x, "Add", product,
                                ag_onnx_emit_weight(x, node, AG_ROLE_BIAS, &channels, 1));
  last = ag_onnx_emit(x, "Transpose", 1, x->results[node].name);
  ag_onnx_emit_input(last, product);
  ag_onnx_emit_ints(x, last, "perm", (int64_t[4]){0, 3, 1, 2}, 4);
  return AG_OK;
}

ag_status ag_onnx_emit_matmul(ag_onnx_export *x, int node) {
  const ag_node *n = cg_node(x, node);
  if (n->in.h != 1 || n->in.w != 1) return emit_matmul_plane(x, node);
  if (!n->bias && x->opset < 11) { /* Gemm's bias was not optional */
    char *kernel = kernel_rows(x, node);
    ag_onnx_emit_input(ag_onnx_emit_main(x, node, "MatMul", 2, 2), kernel);
    return AG_OK;
  }
  bool transposed = kernel_is_transposed(x, node);
  int64_t dims[2] = {transposed ? n->in.c : n->out.c, transposed ? n->out.c : n->in.c};
  ag_onnx_node *gemm = ag_onnx_emit_main(x, node, "Gemm", 3, 2);
  ag_onnx_emit_input(gemm, ag_onnx_emit_weight(x, node, AG_ROLE_KERNEL, dims, 2));
  emit_bias(x, node, gemm);
  if (!transposed) ag_onnx_emit_int(x, gemm, "transB", 1);
  return AG_OK;
}

ag_status ag_onnx_emit_batchnorm(ag_onnx_export *x, int node) {
  static const int roles[] = {AG_ROLE_SCALE, AG_ROLE_SHIFT, AG_ROLE_MEAN, AG_ROLE_VARIANCE};
  const ag_node *n = cg_node(x, node);
  int64_t channels = n->in.c;
  ag_onnx_node *norm = ag_onnx_emit_main(x, node, "BatchNormalization", 5, 0);
  for (int k = 0; k < 4; k++)
    ag_onnx_emit_input(norm, ag_onnx_emit_weight(x, node, roles[k], &channels, 1));
  ag_onnx_emit_float(x, norm, "epsilon", n->alpha > 0 ? n->alpha : 1e-5f);
  return AG_OK;
}

ag_status ag_onnx_emit_prelu(ag_onnx_export *x, int node) {
  int64_t channels = cg_node(x, node)->in.c, broadcast[AG_MAX_RANK] = {channels};
  char *slope = ag_onnx_emit_weight(x, node, AG_ROLE_SCALE, &channels, 1);
  int rank = x->results[node].rank - 1;
  for (int d = 1; d < rank; d++) broadcast[d] = 1;
  if (rank > 1)
    slope = ag_onnx_emit_step(x, "Reshape", slope, ag_onnx_emit_int_list(x, broadcast, rank));
  ag_onnx_emit_input(ag_onnx_emit_main(x, node, "PRelu", 2, 0), slope);
  return AG_OK;
}
