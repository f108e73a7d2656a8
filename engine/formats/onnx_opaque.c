/* Opaque nodes: a node of the file carried as it is. Its record holds the node's own message, its
 * constant operands, and the ONNX shapes of its result and its other operands, so that the writer
 * can put it back whatever has become of its surroundings. */
#include <string.h>

#include "engine/formats/onnx_internal.h"

/* --- the Origin message ----------------------------------------------------------- */

static void put_shape(const ag_onnx_import *im, const ag_tensor *t, int64_t *out) {
  for (int d = 0; d < t->rank; d++) out[d] = t->dims[d];
  if (im->dynamic_batch && t->rank && t->dims[0] == 1) out[0] = -1;
}

static void set_operand_shapes(const ag_onnx_import *im, const ag_onnx_op *op,
                               ag_onnx_origin *origin, ag_arena *arena) {
  int64_t *at = ag_arena_alloc(arena, (size_t)op->inputs * (AG_MAX_RANK + 1) * sizeof *at);
  origin->operand_shape = at;
  for (int k = 0; k < op->inputs; k++) {
    const ag_onnx_value *v = op->in[k] >= 0 ? &im->values[op->in[k]] : NULL;
    if (!v || v->kind != AG_ONNX_ACTIVATION) continue;
    *at++ = v->tensor.rank;
    put_shape(im, &v->tensor, at);
    at += v->tensor.rank;
  }
  origin->n_operand_shape = (size_t)(at - origin->operand_shape);
}

/* Readers of other formats speak one operator set, and use a few ops that are younger. */
static int64_t translated_version(const char *type, int64_t version) {
  static const struct {
    const char *type;
    int64_t since;
  } younger[] = {{"LayerNormalization", 17}, {"Mish", 18}};
  for (size_t i = 0; i < sizeof younger / sizeof *younger; i++)
    if (strcmp(younger[i].type, type) == 0) return younger[i].since;
  return version;
}

/* The version of the operator set that the node's op belongs to. */
static int64_t version_of(const ag_onnx_import *im, const ag_onnx_op *op) {
  const char *domain = op ? op->node->domain : NULL;
  if (op && im->translation && ag_onnx_standard_domain(op->node))
    return translated_version(op->node->op_type, im->opset);
  for (size_t i = 0; domain && domain[0] && i < im->model->n_opset_import; i++) {
    const Ag__Onnx__OperatorSet *set = im->model->opset_import[i];
    if (set->domain && strcmp(set->domain, domain) == 0) return set->version;
  }
  return im->opset;
}

/* Nodes that only another format has an op for carry that format's name as their domain. */
static bool is_foreign(const ag_onnx_import *im, const ag_onnx_op *op) {
  const char *domain = op ? op->node->domain : NULL;
  return im->translation && domain && strcmp(domain, im->translation->format) == 0;
}

void ag_onnx_set_origin(ag_onnx_import *im, const ag_onnx_op *op, const ag_tensor *t,
                        ag_record *record) {
  ag_onnx_origin origin = AG__ONNX__ORIGIN__INIT;
  ag_arena arena = {0};
  int64_t shape[AG_MAX_RANK];
  const char *format = is_foreign(im, op) ? im->translation->format : "onnx";
  put_shape(im, t, shape);
  origin.format = (char *)(uintptr_t)format;
  origin.shape = shape;
  origin.n_shape = (size_t)t->rank;
  origin.has_elem_type = origin.has_opset = 1;
  origin.elem_type = (int32_t)t->dtype;
  origin.opset = version_of(im, op);
  if (op) {
    origin.node = (ag_onnx_node *)(uintptr_t)op->node;
    set_operand_shapes(im, op, &origin, &arena);
  }
  record->attributes_size = ag__onnx__origin__get_packed_size(&origin);
  uint8_t *bytes = ag_store_alloc(im->store, record->attributes_size);
  ag__onnx__origin__pack(&origin, bytes);
  im->origin_bytes += record->attributes_size; /* several results repeat their node's message */
  record->attributes = bytes;
  ag_arena_free(&arena);
}

/* --- drafts ----------------------------------------------------------------------- */

/* A constant that was computed from an open batch, which was taken to be 1. A Reshape can say
 * "as many as there are" (0) in first place; elsewhere the batch is no longer open. */
static void keep_batch_open(ag_onnx_import *im, const ag_onnx_op *op, int slot, ag_tensor *t) {
  const ag_onnx_value *v = &im->values[op->in[slot]], *x = ag_onnx_activation(im, op, 0);
  if (!v->batch || !im->dynamic_batch) return;
  bool first = slot == 1 && v->batch == 1 && strcmp(op->node->op_type, "Reshape") == 0 &&
               !ag_onnx_attr_int(op->node, "allowzero", 0) && t->dtype == AG_I64 && x &&
               x->tensor.rank && x->tensor.dims[0] == 1;
  if (!first) {
    im->dynamic_batch = false;
    return;
  }
  int64_t *sizes = ag_store_alloc(im->store, t->bytes);
  memcpy(sizes, t->data, t->bytes);
  sizes[0] = 0;
  t->data = sizes;
}

static void set_constants(ag_onnx_import *im, const ag_onnx_op *op, ag_record *record) {
  int count = 0;
  for (int k = 0; k < op->inputs; k++)
    count += op->in[k] >= 0 && im->values[op->in[k]].kind == AG_ONNX_CONSTANT;
  int *position = ag_store_alloc(im->store, (size_t)count * sizeof *position);
  ag_tensor *constant = ag_store_alloc(im->store, (size_t)count * sizeof *constant);
  for (int k = 0; k < op->inputs; k++) {
    ag_onnx_value *v = op->in[k] >= 0 ? &im->values[op->in[k]] : NULL;
    if (!v || v->kind != AG_ONNX_CONSTANT) continue;
    ag_onnx_constant_data(im, v);
    ag_tensor t = v->tensor;
    keep_batch_open(im, op, k, &t);
    position[record->constants] = k;
    constant[record->constants++] = t;
  }
  record->constant_position = position;
  record->constant = constant;
}

static int *activation_drafts(ag_onnx_import *im, const ag_onnx_op *op, int *count) {
  int *drafts = ag_arena_alloc(&im->arena, (size_t)op->inputs * sizeof *drafts);
  *count = 0;
  for (int k = 0; k < op->inputs; k++)
    if (op->in[k] >= 0 && im->values[op->in[k]].kind == AG_ONNX_ACTIVATION)
      drafts[(*count)++] = im->values[op->in[k]].draft;
  return drafts;
}

/* Convolutions and products, whatever their rank or element type, and which operand is the kernel.
 */
static const struct {
  const char *type;
  int kernel;
} multiplying[] = {{"Conv", 1},   {"ConvTranspose", 1}, {"ConvInteger", 1},   {"QLinearConv", 3},
                   {"MatMul", 1}, {"Gemm", 1},          {"MatMulInteger", 1}, {"QLinearMatMul", 3}};

static int kernel_operand(const char *type) {
  for (size_t i = 0; i < sizeof multiplying / sizeof *multiplying; i++)
    if (strcmp(multiplying[i].type, type) == 0) return multiplying[i].kernel;
  return -1;
}

/* Images per run: the inputs' drafts come first. */
static double batch_size(const ag_onnx_import *im) {
  const ag_tensor *t = im->draft_count ? &im->values[im->drafts[0].value].tensor : NULL;
  return t && t->rank && t->dims[0] > 0 ? (double)t->dims[0] : 1;
}

/* What is multiplied per image: each element of the result, or of the operand where windows are
 * transposed, as often as a row or a kernel has elements. */
static int64_t count_macs(ag_onnx_import *im, const ag_onnx_op *op, const ag_tensor *out) {
  const char *type = op->node->op_type;
  int kernel = ag_onnx_standard_domain(op->node) ? kernel_operand(type) : -1;
  const ag_onnx_value *x = kernel < 0 ? NULL : ag_onnx_operand(im, op, 0);
  const ag_onnx_value *w = x ? ag_onnx_operand(im, op, kernel) : NULL;
  if (!w || x->tensor.rank < 1) return 0;
  double times = 1;
  if (strstr(type, "Conv"))
    for (int d = 1; d < w->tensor.rank; d++) times *= (double)w->tensor.dims[d];
  else
    times =
        (double)x->tensor.dims[ag_onnx_attr_int(op->node, "transA", 0) ? 0 : x->tensor.rank - 1];
  const ag_tensor *over = strcmp(type, "ConvTranspose") == 0 ? &x->tensor : out;
  double macs = times * (double)ag_onnx_elements(over) / batch_size(im);
  return macs < 17592186044416.0 ? (int64_t)macs : 0;
}

/* CG shapes ignore the layout of an unknown op's operands, so the first operand stands for `in`. */
static ag_status make_output(ag_onnx_import *im, const ag_onnx_op *op, int output,
                             const ag_record *common, const char *why) {
  ag_tensor t = {0};
  if (!ag_onnx_infer(im, op, output, &t))
    return ag_fail(im->err, AG_UNSUPPORTED,
                   "%s: %s, and the file does not say what shape comes out (onnx.shape_inference "
                   "can add it)",
                   op->node->op_type, why);
  ag_node node = ag_node_make(AG_OP_OPAQUE);
  node.out = ag_onnx_shape(&t);
  if (output == 0) node.macs = count_macs(im, op, &t);
  if (node.out.c == 0)
    return ag_fail(im->err, AG_UNSUPPORTED, "%s: its result is empty or too large",
                   op->node->op_type);
  ag_record record = *common;
  record.output_index = output;
  ag_onnx_set_origin(im, op, &t, &record);
  if (im->origin_bytes > 4 * im->file_size + (1 << 20))
    return ag_fail(im->err, AG_LIMIT, "%s: too many of its results are in use", op->node->op_type);
  node.record = ag_store_add(im->store, &record);
  int count, *drafts = activation_drafts(im, op, &count);
  node.in = count ? im->drafts[drafts[0]].node.out : node.out;
  int draft = ag_onnx_add_draft(im, &node, drafts, count, op->out[output], op->index);
  ag_onnx_define(im, op->out[output], draft, &t);
  return AG_OK;
}

ag_status ag_onnx_make_opaque(ag_onnx_import *im, const ag_onnx_op *op, const char *why) {
  ag_record common = {.source_op = op->node->op_type};
  bool open = im->dynamic_batch;
  set_constants(im, op, &common);
  if (open && !im->dynamic_batch) why = ag_onnx_print(im, "%s; it fixes the batch at 1", why);
  for (int k = 0; k < op->outputs; k++) {
    if (op->out[k] < 0 || !im->values[op->out[k]].uses) continue;
    ag_status status = make_output(im, op, k, &common, why);
    if (status) return status;
  }
  ag_onnx_set_fate(im, op->index, AG_ONNX_OPAQUE, why);
  return AG_OK;
}
