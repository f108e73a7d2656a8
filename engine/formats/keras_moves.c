/* Layers of Keras that move, add or drop elements: borders, sizes, shapes. */
#include <string.h>

#include "engine/formats/keras_layer.h"

/* (t, b), (l, r) from one number, two, or two pairs. */
static bool read_borders(const ag_keras_layer *l, const char *name, int64_t *b) {
  const cJSON *item = ag_keras_field(l->config, name);
  int64_t pair[2], lines[2][2];
  if (ag_keras_pair(l, name, 1, pair)) {
    b[0] = b[1] = pair[0];
    b[2] = b[3] = pair[1];
    return true;
  }
  if (!cJSON_IsArray(item) || !item->child || !item->child->next) return false;
  if (ag_keras_list(item->child, lines[0], 2) == 2 &&
      ag_keras_list(item->child->next, lines[1], 2) == 2)
    memcpy(b, lines, sizeof lines);
  else if (ag_keras_list(item, b, 4) != 4)
    return false;
  for (int i = 0; i < 4; i++)
    if (b[i] < 0 || b[i] > 1 << 20) return false;
  return true;
}

ag_status ag_keras_padding(ag_keras_layer *l) {
  int64_t b[4];
  ag_status status = ag_keras_need_image(l);
  if (status) return status;
  if (!read_borders(l, "padding", b)) return ag_keras_malformed(l, "padding");
  int64_t pads[8] = {0, 0, b[0], b[2], 0, 0, b[1], b[3]};
  int operands[2] = {l->in[0], ag_neutral_ints_value(l->n, pads, 8)};
  return ag_neutral_apply(l->n, "Pad", l->name, operands, 2, &l->out);
}

ag_status ag_keras_cropping(ag_keras_layer *l) {
  int64_t b[4], axes[2] = {2, 3};
  ag_status status = ag_keras_need_image(l);
  if (status) return status;
  if (!read_borders(l, "cropping", b)) return ag_keras_malformed(l, "cropping");
  int64_t from[2] = {b[0], b[2]};
  int64_t to[2] = {ag_keras_input(l)->dims[2] - b[1], ag_keras_input(l)->dims[3] - b[3]};
  if (to[0] <= from[0] || to[1] <= from[1]) return ag_keras_malformed(l, "cropping");
  int operands[4] = {l->in[0], ag_neutral_ints_value(l->n, from, 2),
                     ag_neutral_ints_value(l->n, to, 2), ag_neutral_ints_value(l->n, axes, 2)};
  return ag_neutral_apply(l->n, "Slice", l->name, operands, 4, &l->out);
}

ag_status ag_keras_upsampling(ag_keras_layer *l) {
  int64_t ratio[2];
  const char *mode = ag_keras_text(l, "interpolation", "nearest");
  ag_status status = ag_keras_need_image(l);
  if (status) return status;
  if (!ag_keras_pair(l, "size", 2, ratio) || !ratio[0] || !ratio[1])
    return ag_keras_malformed(l, "size");
  bool nearest = strcmp(mode, "nearest") == 0;
  if (!nearest && strcmp(mode, "bilinear") != 0)
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "interpolation '%s' is not handled", mode);
  const int64_t *d = ag_keras_input(l)->dims;
  int64_t sizes[4] = {d[0], d[1], d[2] * ratio[0], d[3] * ratio[1]};
  int operands[4] = {l->in[0], -1, -1, ag_neutral_ints_value(l->n, sizes, 4)};
  ag_onnx_node *node = ag_neutral_begin(l->n, "Resize", l->name);
  ag_neutral_text(l->n, node, "mode", nearest ? "nearest" : "linear");
  ag_neutral_text(l->n, node, "coordinate_transformation_mode",
                  nearest ? "asymmetric" : "half_pixel");
  if (nearest) ag_neutral_text(l->n, node, "nearest_mode", "floor");
  return ag_neutral_end(l->n, node, operands, 4, &l->out);
}

ag_status ag_keras_flatten(ag_keras_layer *l) {
  return ag_neutral_apply(l->n, "Flatten", l->name, l->in, 1, &l->out);
}

/* The target without its batch; at most one size is open, and takes what remains. False if it does
 * not fit `total` elements. */
static bool read_target(const ag_keras_layer *l, int64_t total, ag_tensor *shape) {
  int64_t known = 1, *dims = shape->dims + 1;
  int open = -1,
      count = ag_keras_list(ag_keras_field(l->config, "target_shape"), dims, AG_MAX_RANK - 1);
  for (int d = 0; d < count; d++) {
    if (dims[d] < 0 && open < 0)
      open = d;
    else if (dims[d] < 1 || known > total / dims[d])
      return false;
    else
      known *= dims[d];
  }
  if (count < 1 || total % known || (open < 0 && known != total)) return false;
  if (open >= 0) dims[open] = total / known;
  shape->rank = count + 1;
  return true;
}

ag_status ag_keras_reshape(ag_keras_layer *l) {
  const ag_tensor *t = ag_keras_input(l);
  ag_tensor shape = {.dtype = t->dtype, .dims = {t->dims[0]}};
  ag_tf_op op = {.im = &l->im->functions, .n = l->n, .name = l->name};
  ag_tf_value x = ag_keras_value(l->im, l->in[0]), y;
  int64_t total = 1;
  for (int d = 1; d < t->rank; d++) total *= t->dims[d];
  if (!read_target(l, total, &shape)) return ag_keras_malformed(l, "target_shape");
  ag_status status = ag_tf_reshape(&op, &x, &shape, &y);
  return status ? status : ag_keras_arrange(l->im, l->name, &y, &l->out);
}

ag_status ag_keras_transpose(ag_keras_layer *l, int x, const int64_t *perm, int rank, int *value) {
  ag_onnx_node *node = ag_neutral_begin(l->n, "Transpose", l->name);
  ag_neutral_ints(l->n, node, "perm", perm, rank);
  return ag_neutral_end(l->n, node, &x, 1, value);
}

/* The settings count dimensions from 1, behind the batch. */
ag_status ag_keras_permute(ag_keras_layer *l) {
  int64_t dims[AG_MAX_RANK], perm[AG_MAX_RANK] = {0};
  int rank = ag_keras_input(l)->rank;
  if (ag_keras_list(ag_keras_field(l->config, "dims"), dims, AG_MAX_RANK) != rank - 1)
    return ag_keras_malformed(l, "dims");
  for (int d = 0; d + 1 < rank; d++) {
    int to = ag_keras_axis(l, d + 1, rank);
    int from = dims[d] < 1 ? -1 : ag_keras_axis(l, dims[d], rank);
    if (from < 0) return ag_keras_malformed(l, "dims");
    perm[to] = from;
  }
  return ag_keras_transpose(l, l->in[0], perm, rank, &l->out);
}
