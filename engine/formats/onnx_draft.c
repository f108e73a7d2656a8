/* Helpers of the import: operands of a node of the file, drafts, fates, texts. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/formats/onnx_internal.h"

const char *ag_onnx_print(ag_onnx_import *im, const char *format, ...) {
  char buffer[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return ag_arena_strdup(&im->arena, buffer);
}

/* The node's name, else that of its first output. */
bool ag_onnx_standard_domain(const ag_onnx_node *n) {
  return !n->domain || !n->domain[0] || strcmp(n->domain, "ai.onnx") == 0;
}

const char *ag_onnx_label(const ag_onnx_import *im, int node) {
  const ag_onnx_node *n = im->graph->node[node];
  if (n->name && n->name[0]) return n->name;
  return n->n_output ? n->output[0] : "";
}

const char *ag_onnx_place(ag_onnx_import *im, int node) {
  if (!im->translation) return ag_onnx_label(im, node);
  const ag_onnx_source *s = &im->translation->sources[im->translation->node_source[node]];
  return ag_onnx_print(im, "%s (%s)", s->name, s->type);
}

void ag_onnx_set_fate(ag_onnx_import *im, int node, ag_onnx_fate fate, const char *reason) {
  im->fate[node] = (uint8_t)fate;
  im->reason[node] = reason;
}

ag_onnx_result ag_onnx_decline(ag_onnx_import *im, const char *format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  im->why = ag_arena_strdup(&im->arena, buffer);
  return AG_ONNX_DECLINED;
}

ag_onnx_value *ag_onnx_operand(ag_onnx_import *im, const ag_onnx_op *op, int slot) {
  return slot < op->inputs && op->in[slot] >= 0 ? &im->values[op->in[slot]] : NULL;
}

static ag_onnx_value *of_kind(ag_onnx_value *v, ag_onnx_kind kind) {
  return v && v->kind == kind ? v : NULL;
}

ag_onnx_value *ag_onnx_activation(ag_onnx_import *im, const ag_onnx_op *op, int slot) {
  return of_kind(ag_onnx_operand(im, op, slot), AG_ONNX_ACTIVATION);
}

ag_onnx_value *ag_onnx_constant(ag_onnx_import *im, const ag_onnx_op *op, int slot) {
  return of_kind(ag_onnx_operand(im, op, slot), AG_ONNX_CONSTANT);
}

bool ag_onnx_list(ag_onnx_import *im, const ag_onnx_op *op, const char *attribute, int slot,
                  int64_t *out, int *count) {
  const ag_onnx_attribute *a = ag_onnx_attr(op->node, attribute);
  if (a) {
    if (a->n_ints > AG_MAX_RANK * 2) return false;
    *count = (int)a->n_ints;
    for (int i = 0; i < *count; i++) out[i] = a->ints[i];
    return true;
  }
  const ag_onnx_value *v = slot < 0 ? NULL : ag_onnx_operand(im, op, slot);
  *count = 0;
  return !v || ag_onnx_constant_ints(v, out, AG_MAX_RANK * 2, count);
}

/* H, W and C of an ONNX shape: channels second, where there are that many dimensions. No more
 * than 2^40 elements, so that products of sizes stay in 64 bits. */
ag_shape ag_onnx_shape(const ag_tensor *t) {
  int64_t h = 1, w = 1, c = 1, elements = 1;
  const int64_t *d = t->dims;
  for (int i = 0; i < t->rank; i++) {
    if (d[i] < 1 || elements > (INT64_C(1) << 40) / d[i]) return (ag_shape){0, 0, 0};
    elements *= d[i];
  }
  if (t->rank == 1) c = d[0];
  if (t->rank >= 2) c = d[1];
  if (t->rank == 3) w = d[2];
  if (t->rank >= 4) h = d[2];
  for (int i = 3; i < t->rank; i++) w *= d[i];
  if (h > INT_MAX || w > INT_MAX || c > INT_MAX) return (ag_shape){0, 0, 0};
  return (ag_shape){(int32_t)h, (int32_t)w, (int32_t)c};
}

int ag_onnx_add_draft(ag_onnx_import *im, const ag_node *node, const int *drafts, int count,
                      int value, int source) {
  AG_GROW(im->drafts, im->draft_count, im->draft_capacity);
  im->drafts[im->draft_count] = (ag_onnx_draft){.node = *node,
                                                .first_operand = im->operand_count,
                                                .operands = count,
                                                .value = value,
                                                .source = source};
  for (int i = 0; i < count; i++) {
    AG_GROW(im->draft_operands, im->operand_count, im->operand_capacity);
    im->draft_operands[im->operand_count++] = drafts[i];
  }
  return im->draft_count++;
}

void ag_onnx_define(ag_onnx_import *im, int value, int draft, const ag_tensor *shape) {
  ag_onnx_value *v = &im->values[value];
  v->kind = AG_ONNX_ACTIVATION;
  v->draft = draft;
  v->tensor = *shape;
  v->tensor.data = NULL;
  v->tensor.bytes = 0;
}

ag_onnx_result ag_onnx_alias(ag_onnx_import *im, const ag_onnx_op *op, const ag_onnx_value *of,
                             const ag_tensor *shape, const char *reason) {
  ag_onnx_define(im, op->out[0], of->draft, shape);
  im->values[op->out[0]].sliced_from = of->sliced_from;
  ag_onnx_set_fate(im, op->index, AG_ONNX_FOLDED, reason);
  return AG_ONNX_DONE;
}

/* NB-101 reads only the first channels of some tensors. Where the op can say so itself, the
 * operand is the tensor before the slice. */
static bool can_slice(const ag_node *node) {
  ag_rule rule = ag_op_get(node->op)->rule;
  return rule == AG_RULE_STRIDED || rule == AG_RULE_JOIN;
}

static void read_around_slices(ag_onnx_import *im, ag_node *node, const int32_t *values,
                               int *drafts, int count) {
  if (!can_slice(node)) return;
  for (int i = 0; i < count; i++) {
    const ag_onnx_value *v = &im->values[values[i]];
    if (v->sliced_from < 0) continue;
    node->flags |= AG_FLAG_SLICE;
    node->in.c = (int32_t)v->tensor.dims[1];
    drafts[i] = im->values[v->sliced_from].draft;
  }
}

/* The ONNX shape of a CG node's result at a rank; the batch is the first operand's. */
static ag_tensor result_shape(const ag_onnx_value *first, const ag_node *node, int rank) {
  ag_tensor t = first->tensor;
  if (rank == 0) return t;
  t.rank = rank;
  t.dims[1] = node->out.c;
  t.dims[2] = node->out.h;
  t.dims[3] = node->out.w;
  return t;
}

ag_onnx_result ag_onnx_make(ag_onnx_import *im, const ag_onnx_op *op, ag_node node,
                            const int32_t *values, int count, int rank) {
  int *drafts = ag_arena_alloc(&im->arena, (size_t)count * sizeof(int));
  ag_shape *shapes = ag_arena_alloc(&im->arena, (size_t)count * sizeof(ag_shape));
  for (int i = 0; i < count; i++) drafts[i] = im->values[values[i]].draft;
  read_around_slices(im, &node, values, drafts, count);
  for (int i = 0; i < count; i++) shapes[i] = im->drafts[drafts[i]].node.out;
  ag_error err;
  if (ag_node_infer(&node, shapes, count, &err)) return ag_onnx_decline(im, "%s", err.message);
  ag_tensor shape = result_shape(&im->values[values[0]], &node, rank);
  if (ag_onnx_shape(&shape).c == 0) return ag_onnx_decline(im, "its result is too large");
  int draft = ag_onnx_add_draft(im, &node, drafts, count, op->out[0], op->index);
  ag_onnx_define(im, op->out[0], draft, &shape);
  ag_onnx_set_fate(im, op->index, AG_ONNX_KEPT, NULL);
  return AG_ONNX_DONE;
}
