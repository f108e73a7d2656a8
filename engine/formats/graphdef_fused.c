/* Nodes of GraphDefs that are several layers in one, as optimisers of graphs write them. */
#include <stdio.h>
#include <string.h>

#include "engine/formats/graphdef_ops.h"

/* The sum with operand *slot. */
static ag_status add_operand(ag_tf_op *op, int *slot, const ag_tf_value *x, ag_tf_value *y) {
  ag_tf_value other;
  int operands[2] = {x->value}, bias = (*slot)++;
  ag_status status = ag_tf_need(op, bias + 1);
  if (status) return status;
  if (op->in[bias].constant) return ag_tf_add_constant(op, x, &op->in[bias], y);
  status = ag_tf_activation(op, bias, &other);
  if (!status) status = ag_tf_arrange(op, &other, x->layout, &operands[1]);
  *y = *x;
  return status ? status : ag_neutral_apply(op->n, "Add", op->name, operands, 2, &y->value);
}

static ag_status normalise(ag_tf_op *op, int *slot, const ag_tf_value *x, ag_tf_value *y) {
  int slots[4] = {*slot, *slot + 1, *slot + 2, *slot + 3};
  *slot += 4;
  ag_status status = ag_tf_need(op, *slot);
  return status ? status
                : ag_tf_normalise(op, x, slots, ag_tf_attr_float(op->node, "epsilon", 1e-4f), y);
}

/* fused_ops says what follows the convolution or product; each takes the next operands. */
static ag_status apply_fused(ag_tf_op *op, const char *type, int *slot, ag_tf_value *x) {
  ag_tf_value y = {.value = -1};
  ag_status status;
  if (strcmp(type, "BiasAdd") == 0 || strcmp(type, "Add") == 0)
    status = add_operand(op, slot, x, &y);
  else if (strcmp(type, "FusedBatchNorm") == 0)
    status = normalise(op, slot, x, &y);
  else if (ag_tf_is_activation(type))
    status = ag_tf_activate(op, type, x, &y);
  else
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "'%s' as a fused op is not handled", type);
  *x = y;
  return status;
}

static ag_status apply_all_fused(ag_tf_op *op, ag_tf_value *x) {
  const ag_tf_attribute *a = ag_tf_attr(op->node, "fused_ops");
  int slot = 2;
  ag_status status = AG_OK;
  for (size_t i = 0; a && a->list && i < a->list->n_s && !status; i++) {
    const ProtobufCBinaryData *s = &a->list->s[i];
    char type[64];
    snprintf(type, sizeof type, "%.*s", s->len > 60 ? 60 : (int)s->len, (const char *)s->data);
    status = apply_fused(op, type, &slot, x);
  }
  *op->out = *x;
  return status;
}

ag_status ag_tf_fused_conv_op(ag_tf_op *op) {
  ag_tf_value x = {.value = -1};
  ag_status status = ag_tf_convolve(op, strstr(op->node->op, "Depthwise") != NULL, &x);
  return status ? status : apply_all_fused(op, &x);
}

ag_status ag_tf_fused_matmul_op(ag_tf_op *op) {
  ag_tf_value x = {.value = -1};
  ag_status status = ag_tf_multiply(op, &x);
  return status ? status : apply_all_fused(op, &x);
}
