/* Products of Keras, along the last dimension of whatever they read. Over an image, and over rows
 * of features, they are convolutions of 1 x 1. */
#include "engine/formats/keras_layer.h"

typedef struct dense {
  int64_t units;
  bool bias;
} dense;

static ag_status convolve_cells(ag_keras_layer *l, const dense *d, int x, int *value) {
  ag_keras_convolution c = {.filters = d->units,
                            .per_group = ag_neutral_tensor(l->n, x)->dims[1],
                            .groups = 1,
                            .kernel = {1, 1},
                            .bias = d->bias};
  return ag_keras_convolve(l, &c, l->name, x, value);
}

static ag_status multiply_image(ag_keras_layer *l, const dense *d, int *value) {
  if (l->im->channels_first)
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it works along the width of an image");
  return convolve_cells(l, d, l->in[0], value);
}

static ag_status multiply_vector(ag_keras_layer *l, const dense *d, int *value) {
  int64_t dims[2] = {ag_keras_input(l)->dims[1], d->units};
  int operands[3] = {l->in[0], ag_keras_weight(l, "kernel", 2, dims)};
  if (d->bias) operands[2] = ag_keras_weight(l, "bias", 1, &d->units);
  return ag_neutral_apply(l->n, "Gemm", l->name, operands, 2 + d->bias, value);
}

static ag_status reshape(ag_keras_layer *l, int x, const int64_t *dims, int rank, int *value) {
  int operands[2] = {x, ag_neutral_ints_value(l->n, dims, rank)};
  return ag_neutral_apply(l->n, "Reshape", l->name, operands, 2, value);
}

/* N, T, F by way of N, F, 1, T. */
static ag_status multiply_rows(ag_keras_layer *l, const dense *d, int *value) {
  static const int64_t perm[] = {0, 2, 1};
  const ag_tensor t = *ag_keras_input(l);
  int64_t image[4] = {0, t.dims[2], 1, t.dims[1]}, rows[3] = {0, d->units, t.dims[1]};
  int x;
  ag_status status = ag_keras_transpose(l, l->in[0], perm, 3, &x);
  if (!status) status = reshape(l, x, image, 4, &x);
  if (!status) status = convolve_cells(l, d, x, &x);
  if (!status) status = reshape(l, x, rows, 3, &x);
  return status ? status : ag_keras_transpose(l, x, perm, 3, value);
}

ag_status ag_keras_dense(ag_keras_layer *l) {
  static ag_status (*const by_rank[])(ag_keras_layer *, const dense *, int *) = {
      [2] = multiply_vector, [3] = multiply_rows, [4] = multiply_image};
  dense d = {ag_keras_int(l, "units|output_dim", 0), ag_keras_bool(l, "use_bias|bias", true)};
  int y, rank = ag_keras_input(l)->rank;
  if (d.units < 1) return ag_keras_malformed(l, "units");
  if (rank < 2 || rank > 4)
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it reads a tensor of %d dimensions", rank);
  ag_status status = by_rank[rank](l, &d, &y);
  return status ? status : ag_keras_activated(l, y);
}
