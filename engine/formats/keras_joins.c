/* Layers of Keras that join tensors. */
#include <string.h>

#include "engine/formats/keras_layer.h"

static ag_status join(ag_keras_layer *l, const char *type) {
  for (int k = 1; k < l->count; k++)
    if (ag_neutral_tensor(l->n, l->in[k])->rank != ag_keras_input(l)->rank)
      return ag_neutral_fail(l->n, AG_UNSUPPORTED, "its operands differ in rank");
  if (l->count < 2) return ag_neutral_fail(l->n, AG_FORMAT, "it joins fewer than two tensors");
  return ag_neutral_apply(l->n, type, l->name, l->in, l->count, &l->out);
}

/* ONNX multiplies and subtracts two. */
static ag_status join_pairs(ag_keras_layer *l, const char *type) {
  ag_status status = AG_OK;
  int pair[2] = {l->in[0]};
  if (l->count < 2) return ag_neutral_fail(l->n, AG_FORMAT, "it joins fewer than two tensors");
  for (int k = 1; k < l->count && !status; k++) {
    bool last = k == l->count - 1;
    pair[1] = l->in[k];
    status = ag_neutral_apply(
        l->n, type, last ? l->name : ag_neutral_print(l->n, "%s" AG_ONNX_PARTIAL, l->name), pair, 2,
        &l->out);
    pair[0] = l->out;
  }
  return status;
}

static ag_status concatenate(ag_keras_layer *l, int64_t axis) {
  int where = ag_keras_axis(l, axis, ag_keras_input(l)->rank);
  if (where < 0) return ag_keras_malformed(l, "axis");
  if (l->count == 1) return l->out = l->in[0], AG_OK;
  ag_onnx_node *node = ag_neutral_begin(l->n, "Concat", l->name);
  ag_neutral_int(l->n, node, "axis", where);
  return ag_neutral_end(l->n, node, l->in, l->count, &l->out);
}

ag_status ag_keras_join(ag_keras_layer *l) {
  static const struct {
    const char *name, *type;
    bool pairs;
  } kinds[] = {
      {"Add", "Sum", false},     {"sum", "Sum", false},     {"Multiply", "Mul", true},
      {"mul", "Mul", true},      {"Subtract", "Sub", true}, {"Average", "Mean", false},
      {"ave", "Mean", false},    {"Maximum", "Max", false}, {"max", "Max", false},
      {"Minimum", "Min", false},
  };
  bool merge = strcmp(l->type, "Merge") == 0;
  const char *kind = merge ? ag_keras_text(l, "mode", "") : l->type;
  if (strcmp(kind, "concat") == 0 || strcmp(kind, "Concatenate") == 0)
    return concatenate(l, ag_keras_int(l, "axis|concat_axis", -1));
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, kind) == 0)
      return kinds[i].pairs ? join_pairs(l, kinds[i].type) : join(l, kinds[i].type);
  return ag_neutral_fail(l->n, AG_UNSUPPORTED, "mode '%s' is not known", kind);
}
