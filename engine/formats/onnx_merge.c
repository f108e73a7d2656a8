/* Constants that belong to the layer before them: Add of one number per channel after a
 * convolution or product is its bias, Mul and Add after a batch norm are its scale and shift
 * (Caffe2 writes them so). The layer's draft is changed in place, for nothing else reads it. */
#include <string.h>

#include "engine/formats/onnx_internal.h"

/* The draft whose result operand `slot` is, if that result is read here only. */
static ag_onnx_draft *sole_reader(ag_onnx_import *im, const ag_onnx_op *op, int slot) {
  ag_onnx_value *v = ag_onnx_activation(im, op, slot);
  if (!v || v->uses != 1 || v->draft < 0) return NULL;
  ag_onnx_draft *d = &im->drafts[v->draft];
  return d->value == op->in[slot] ? d : NULL;
}

/* A constant that, broadcast against x, has one element per channel. Before version 7 the
 * position was given by `axis`. */
static bool per_channel(const ag_onnx_import *im, const ag_onnx_op *op, const ag_onnx_value *c,
                        const ag_tensor *x) {
  int64_t axis = im->opset < 7 ? ag_onnx_attr_int(op->node, "axis", -1) : -1;
  int64_t first =
      axis >= 0 ? axis : x->rank - c->tensor.rank; /* dimension of x that dims[0] meets */
  int64_t channel = 1 - first;
  return x->rank >= 2 && channel >= 0 && channel < c->tensor.rank &&
         c->tensor.dims[channel] == x->dims[1] && ag_onnx_elements(&c->tensor) == x->dims[1];
}

/* Element-wise a + b or a * b of two vectors, in a; without data where either has none. */
static bool combine(ag_onnx_import *im, bool product, ag_tensor *a, const ag_tensor *b) {
  if (a->dtype != AG_F32 || b->dtype != AG_F32) return false;
  if (!a->data || !b->data) {
    a->data = NULL;
    a->bytes = 0;
    return true;
  }
  size_t n = (size_t)ag_onnx_elements(a);
  if (!ag_onnx_charge(im, (int64_t)(n * sizeof(float)))) return false;
  float *out = ag_store_alloc(im->store, n * sizeof *out);
  for (size_t i = 0; i < n; i++) {
    float x, y;
    memcpy(&x, (const char *)a->data + 4 * i, 4);
    memcpy(&y, (const char *)b->data + 4 * i, 4);
    out[i] = product ? x * y : x + y;
  }
  a->data = out;
  a->bytes = n * sizeof *out;
  return true;
}

static bool merge_into_norm(ag_onnx_import *im, bool product, ag_record *r, const ag_tensor *c) {
  return (!product || combine(im, true, &r->tensor[AG_ROLE_SCALE], c)) &&
         combine(im, product, &r->tensor[AG_ROLE_SHIFT], c);
}

static bool merge_bias(ag_onnx_import *im, ag_node *n, ag_record *r, const ag_tensor *c) {
  if (r->has[AG_ROLE_BIAS]) return combine(im, false, &r->tensor[AG_ROLE_BIAS], c);
  r->has[AG_ROLE_BIAS] = true;
  r->tensor[AG_ROLE_BIAS] = *c;
  r->tensor[AG_ROLE_BIAS].rank = 1;
  r->tensor[AG_ROLE_BIAS].dims[0] = ag_onnx_elements(c);
  n->bias = 1;
  return true;
}

static bool merge(ag_onnx_import *im, const ag_onnx_op *op, int slot) {
  bool product = op->node->op_type[0] == 'M';
  ag_onnx_draft *d = sole_reader(im, op, slot);
  ag_onnx_value *c = ag_onnx_constant(im, op, !slot);
  if (!d || !c || d->node.record < 0 || c->tensor.dtype != AG_F32) return false;
  const ag_tensor shape = im->values[op->in[slot]].tensor;
  bool norm = d->node.op == AG_OP_BATCHNORM;
  if (!(norm || (ag_op_weighted(d->node.op) && !product)) || !per_channel(im, op, c, &shape))
    return false;
  ag_onnx_constant_data(im, c);
  ag_record record = *ag_store_get(im->store, d->node.record);
  if (norm ? !merge_into_norm(im, product, &record, &c->tensor)
           : !merge_bias(im, &d->node, &record, &c->tensor))
    return false;
  d->node.record = ag_store_add(im->store, &record);
  d->value = op->out[0];
  ag_onnx_define(im, op->out[0], im->values[op->in[slot]].draft, &shape);
  ag_onnx_set_fate(im, op->index, AG_ONNX_MERGED,
                   ag_onnx_print(im, "%s of %s", norm ? (product ? "scale" : "shift") : "bias",
                                 ag_onnx_label(im, d->source)));
  return true;
}

bool ag_onnx_merge_constant(ag_onnx_import *im, const ag_onnx_op *op) {
  return op->inputs == 2 && (merge(im, op, 0) || merge(im, op, 1));
}
