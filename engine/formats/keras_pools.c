/* Pools of Keras, over windows and over everything. */
#include <string.h>

#include "engine/formats/keras_layer.h"

ag_status ag_keras_pool(ag_keras_layer *l) {
  int64_t size[2], stride[2];
  const char *padding = ag_keras_text(l, "padding|border_mode", "valid");
  ag_status status = ag_keras_need_image(l);
  if (status) return status;
  if (!ag_keras_pair(l, "pool_size", 2, size) || !size[0] || !size[1])
    return ag_keras_malformed(l, "pool_size");
  if (!ag_keras_field(l->config, "strides"))
    memcpy(stride, size, sizeof size);
  else if (!ag_keras_pair(l, "strides", 1, stride))
    return ag_keras_malformed(l, "strides");
  ag_onnx_node *node =
      ag_neutral_begin(l->n, l->type[0] == 'A' ? "AveragePool" : "MaxPool", l->name);
  ag_neutral_ints(l->n, node, "kernel_shape", size, 2);
  ag_neutral_ints(l->n, node, "strides", stride, 2);
  if (strcmp(padding, "same") == 0) ag_neutral_text(l->n, node, "auto_pad", "SAME_UPPER");
  return ag_neutral_end(l->n, node, l->in, 1, &l->out);
}

ag_status ag_keras_global_pool(ag_keras_layer *l) {
  static const int64_t axes[] = {2, 3};
  ag_status status = ag_keras_need_image(l);
  if (status) return status;
  bool average = strncmp(l->type, "GlobalAv", 8) == 0;
  ag_onnx_node *node = ag_neutral_begin(l->n, average ? "ReduceMean" : "ReduceMax", l->name);
  ag_neutral_ints(l->n, node, "axes", axes, 2);
  ag_neutral_int(l->n, node, "keepdims", ag_keras_bool(l, "keepdims", false));
  return ag_neutral_end(l->n, node, l->in, 1, &l->out);
}
