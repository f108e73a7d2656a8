/* Element-wise ops of GraphDefs on two operands. Where both are constants the node is computed in
 * the order of the source, and no layout plays a part. */
#include <string.h>

#include "engine/formats/graphdef_ops.h"

/* Constants without elements: the shape that comes out, and no elements either. */
static bool combine_shapes(ag_tf_op *op, const ag_tf_value *a, const ag_tf_value *b,
                           ag_tf_value *out) {
  ag_tensor x = *ag_tf_tensor_of(op, a), y = *ag_tf_tensor_of(op, b), t = {.dtype = x.dtype};
  if ((x.data && y.data) || !ag_onnx_broadcast(&x, &y, &t)) return false;
  *out = (ag_tf_value){.constant = true};
  out->value = ag_neutral_constant(op->n, op->name, &t, true);
  return true;
}

static ag_status both_constant(ag_tf_op *op, const char *type) {
  int operands[2] = {op->in[0].value, op->in[1].value};
  if (combine_shapes(op, &op->in[0], &op->in[1], op->out)) return AG_OK;
  *op->out = (ag_tf_value){.constant = true};
  ag_status status = ag_neutral_apply(op->n, type, op->name, operands, 2, &op->out->value);
  if (!status && !ag_neutral_is_constant(op->n, op->out->value))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "constants of these types are not combined");
  return status;
}

static bool is_scalar(const ag_tf_op *op, const ag_tf_value *v) {
  return ag_onnx_elements(ag_tf_tensor_of(op, v)) == 1;
}

/* One number per channel, for x of two or four dimensions with channels second. */
static bool is_per_channel(const ag_tf_op *op, int constant, const ag_tf_value *x) {
  const ag_tensor *c = ag_neutral_tensor(op->n, constant), *t = ag_tf_tensor_of(op, x);
  return (t->rank == 2 || t->rank == 4) && c->rank == t->rank && c->dims[1] == t->dims[1] &&
         ag_onnx_elements(c) == t->dims[1] && c->dtype == AG_F32;
}

/* x * c per channel is a batch norm of scale c, mean 0, variance 1: so an unfused one, whose shift
 * follows as an addition, becomes whole again. */
static ag_status scale_channels(ag_tf_op *op, const ag_tf_value *x, int constant,
                                ag_tf_value *out) {
  ag_tensor scale = *ag_neutral_tensor(op->n, constant), plain;
  int64_t channels = ag_tf_tensor_of(op, x)->dims[1];
  scale.rank = 1;
  scale.dims[0] = channels;
  plain = scale;
  plain.bytes = (size_t)channels * sizeof(float);
  int operands[5] = {x->value, ag_neutral_constant(op->n, op->name, &scale, false)};
  for (int k = 2; k < 5; k++) {
    float *data = ag_neutral_alloc(op->n, plain.bytes);
    for (int64_t i = 0; i < channels; i++) data[i] = k == 4;
    plain.data = data;
    operands[k] = ag_neutral_constant(op->n, op->name, &plain, true);
  }
  ag_onnx_node *node = ag_neutral_begin(op->n, "BatchNormalization", op->name);
  ag_neutral_float(op->n, node, "epsilon", 0);
  *out = *x;
  return ag_neutral_end(op->n, node, operands, 5, &out->value);
}

static ag_status with_constant(ag_tf_op *op, const char *type, const ag_tf_value *x,
                               const ag_tf_value *constant, bool first, ag_tf_value *out) {
  int c;
  ag_tf_value y = *x;
  bool elsewhere =
      y.flat[0] &&
      ag_onnx_elements(ag_tf_tensor_of(op, constant)) != ag_tf_tensor_of(op, &y)->dims[1] &&
      !is_scalar(op, constant);
  ag_status status = elsewhere ? ag_tf_unflatten(op, &y) : AG_OK;
  if (!status) status = ag_tf_match(op, constant, &y, &c);
  if (status) return status;
  if (strcmp(type, "Mul") == 0 && is_per_channel(op, c, &y) && !is_scalar(op, constant))
    return scale_channels(op, &y, c, out);
  int operands[2] = {first ? c : y.value, first ? y.value : c};
  *out = y;
  return ag_neutral_apply(op->n, type, op->name, operands, 2, &out->value);
}

ag_status ag_tf_add_constant(ag_tf_op *op, const ag_tf_value *x, const ag_tf_value *constant,
                             ag_tf_value *out) {
  return with_constant(op, "Add", x, constant, false, out);
}

/* x - c and x / c as x + -c and x * (1 / c), where these can merge into a layer. */
static ag_status inverse(ag_tf_op *op, const char *type, const ag_tf_value *c, ag_tf_value *out) {
  const ag_tensor *t = ag_tf_tensor_of(op, c);
  if (!t->data) return *out = *c, AG_OK;
  return ag_tf_unary(op, c, type, out);
}

static ag_status one_constant(ag_tf_op *op, const char *type) {
  bool first = op->in[0].constant;
  const ag_tf_value *x = &op->in[first], *c = &op->in[!first];
  ag_tf_value negated;
  bool integer = ag_tf_tensor_of(op, c)->dtype != AG_F32;
  bool subtracts = strcmp(type, "Sub") == 0, divides = strcmp(type, "Div") == 0;
  if (!first && !integer && (subtracts || (divides && !is_scalar(op, c)))) {
    ag_status status = inverse(op, subtracts ? "Neg" : "Reciprocal", c, &negated);
    if (status) return status;
    return with_constant(op, subtracts ? "Add" : "Mul", x, &negated, false, op->out);
  }
  return with_constant(op, type, x, c, first, op->out);
}

static ag_status two_activations(ag_tf_op *op, const char *type) {
  ag_tf_value a = op->in[0], b = op->in[1];
  int operands[2];
  bool alike = a.flat[0] == b.flat[0] && a.flat[1] == b.flat[1] && a.flat[2] == b.flat[2];
  ag_status status = alike ? AG_OK : ag_tf_unflatten(op, &a);
  if (!status && !alike) status = ag_tf_unflatten(op, &b);
  if (status) return status;
  int rank_a = ag_tf_tensor_of(op, &a)->rank, rank_b = ag_tf_tensor_of(op, &b)->rank;
  if (rank_a != rank_b)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its operands have %d and %d dimensions", rank_a,
                           rank_b);
  operands[0] = a.value;
  status = ag_tf_arrange(op, &b, a.layout, &operands[1]);
  *op->out = a;
  return status ? status : ag_neutral_apply(op->n, type, op->name, operands, 2, &op->out->value);
}

static ag_status combine(ag_tf_op *op, const char *type) {
  ag_status status = ag_tf_need(op, 2);
  if (status) return status;
  if (op->in[0].constant && op->in[1].constant) return both_constant(op, type);
  if (op->in[0].constant || op->in[1].constant) return one_constant(op, type);
  return two_activations(op, type);
}

ag_status ag_tf_binary_op(ag_tf_op *op) {
  return combine(op, op->onnx);
}

/* BiasAdd of channels-first images meets dimension 1. */
ag_status ag_tf_bias_op(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 2);
  if (status) return status;
  const ag_tensor *t = ag_tf_tensor_of(op, &op->in[1]);
  if (!ag_tf_channels_first(op) || !op->in[1].constant || t->rank != 1) return combine(op, "Add");
  ag_tf_value x, bias = op->in[1];
  status = ag_tf_image(op, 0, &x);
  if (status) return status;
  ag_tensor column = *t;
  column.rank = 3;
  column.dims[1] = column.dims[2] = 1;
  bias.value = ag_neutral_constant(op->n, op->name, &column, false);
  return ag_tf_add_constant(op, &x, &bias, op->out);
}

ag_status ag_tf_squared_difference_op(ag_tf_op *op) {
  ag_status status = combine(op, "Sub");
  if (status) return status;
  int operands[2] = {op->out->value, op->out->value};
  return ag_neutral_apply(op->n, "Mul", op->name, operands, 2, &op->out->value);
}
