/* What the parts of the GraphDef reader share.
 *
 * TensorFlow's images are N, H, W, C, the neutral model's N, C, H, W. No tensor is transposed for
 * that: each activation remembers its *layout*, the source dimension that each of its dimensions
 * is, and ops map axes, kernels and constants through it. A Transpose of the file only changes the
 * layout; a transposition is made where an op cannot do with the layout it meets.
 *
 * Constants stay in the order of the source until a layer takes them. */
#ifndef AG_FORMATS_GRAPHDEF_H
#define AG_FORMATS_GRAPHDEF_H

#include "engine/formats/neutral.h"
#include "tensorflow.pb-c.h"

typedef Ag__Tf__Graph ag_tf_graph;
typedef Ag__Tf__Node ag_tf_node;
typedef Ag__Tf__Value ag_tf_attribute;
typedef Ag__Tf__Tensor ag_tf_tensor;

/* A result of a node. */
typedef struct ag_tf_value {
  int value; /* of the neutral model; -1 = nobody can read it */
  bool constant;
  uint8_t layout[AG_MAX_RANK]; /* activations: source dimension of each dimension */
  int32_t flat[3];             /* H, W, C of a flattened image whose elements stand in the order
                                  C, H, W; 0 = in the source's order */
  int row, image;              /* if flat: that value when flattened, and what was */
} ag_tf_value;

/* A dilated convolution in three nodes (graphdef_dilation.c). */
typedef struct ag_tf_dilation {
  int64_t block[2]; /* the dilation */
  int64_t pads[4];  /* top, left, bottom, right, less what is cropped again */
} ag_tf_dilation;

typedef struct ag_tf_import {
  const ag_tf_graph *graph;
  const ag_import_options *options;
  bool weightless; /* constants without elements are weights that lie elsewhere */
  ag_neutral *n;
  ag_error *err;
  ag_arena arena;
  ag_map names; /* hash of a name -> node */
  int nodes;
  int32_t *input_start, *inputs, *ports; /* nodes + 1; data operands: node and its result */
  int32_t *order;                        /* topological */
  bool *live;                            /* needed for an output */
  int start, stop;                       /* nodes, -1 = as the file says */
  const ag_tf_dilation **dilation;       /* of each node that is part of one; NULL = of none */
  bool channels_first;                   /* the convolutions of the file are */
  ag_tf_value **results;                 /* of each node, and how many */
  int *result_count;
  size_t filled_bytes; /* of constants that repeat an element */
  size_t file_size;
} ag_tf_import;

/* A node under translation. */
typedef struct ag_tf_op {
  ag_tf_import *im;
  ag_neutral *n;
  const ag_tf_node *node;
  const char *name;
  const char *onnx; /* type that corresponds, by the table */
  int index, count; /* of operands */
  const ag_tf_value *in;
  ag_tf_value *out; /* one result; translators of several set them by ag_tf_set_results */
} ag_tf_op;

/* graphdef_read.c */
ag_status ag_tf_import_graph(const ag_tf_graph *graph, size_t file_size, bool weightless,
                             const ag_import_options *options, const ag_graph **result,
                             ag_import_report *report, ag_error *err);
ag_tf_value *ag_tf_set_results(ag_tf_op *op, int count);

/* graphdef_order.c: names, operands, order, what is needed */
ag_status ag_tf_index(ag_tf_import *im);
bool ag_tf_is_front_end(const char *type); /* decoders of sound and pictures */
/* The node's operand is a constant list of integers, or a list of lists: at most `limit` into
 * `out`. */
bool ag_tf_constant_list(ag_tf_import *im, int node, int slot, int64_t *out, int limit, int *count);

void ag_tf_find_dilations(ag_tf_import *im); /* graphdef_dilation.c; before nodes are translated */

/* graphdef_tensor.c: attributes and constants */
const ag_tf_attribute *ag_tf_attr(const ag_tf_node *node, const char *name);
int64_t ag_tf_attr_int(const ag_tf_node *node, const char *name, int64_t otherwise);
float ag_tf_attr_float(const ag_tf_node *node, const char *name, float otherwise);
bool ag_tf_attr_bool(const ag_tf_node *node, const char *name, bool otherwise);
bool ag_tf_attr_is(const ag_tf_node *node, const char *name, const char *text,
                   const char *otherwise);
/* Integers of a list attribute; the count, or -1 if it is absent or longer than `limit`. */
int ag_tf_attr_ints(const ag_tf_node *node, const char *name, int64_t *out, int limit);
/* Dimensions of a shape message, -1 = open. False when the rank is unknown or too large. */
bool ag_tf_shape(const Ag__Tf__Shape *shape, ag_tensor *to);
/* The tensor of a Const node; integers become 64 bits wide, floats 32. Data in im->arena. */
ag_status ag_tf_read_tensor(ag_tf_import *im, const ag_tf_tensor *from, ag_tensor *to);

/* graphdef_layout.c: values and their layouts */
void ag_tf_identity_layout(ag_tf_value *v);
void ag_tf_default_layout(const ag_tf_import *im, ag_tf_value *v, int rank); /* of images */
const ag_tensor *ag_tf_tensor_of(const ag_tf_op *op, const ag_tf_value *v);
/* Shape in the order of the source. */
void ag_tf_source_shape(const ag_tf_op *op, const ag_tf_value *v, ag_tensor *shape);
int ag_tf_axis(const ag_tf_op *op, const ag_tf_value *v, int64_t axis); /* of the model, or -1 */
/* The value in a layout. */
ag_status ag_tf_arrange(ag_tf_op *op, const ag_tf_value *v, const uint8_t *layout, int *value);
ag_status ag_tf_unflatten(ag_tf_op *op, ag_tf_value *v); /* flattened elements in source order */
/* Operand `slot` as an image N, C, H, W by the op's data_format. */
ag_status ag_tf_image(ag_tf_op *op, int slot, ag_tf_value *x);
bool ag_tf_channels_first(const ag_tf_op *op);
/* A constant with its dimensions permuted; *value receives it. */
ag_status ag_tf_permuted(ag_tf_op *op, const ag_tf_value *constant, int rank, const int *perm,
                         const int64_t *dims, int dims_count, int *value);
/* A constant operand as it must be to meet `x` element-wise. */
ag_status ag_tf_match(ag_tf_op *op, const ag_tf_value *constant, const ag_tf_value *x, int *value);
ag_status ag_tf_reshape(ag_tf_op *op, const ag_tf_value *x, const ag_tensor *shape,
                        ag_tf_value *out);

/* Operands; the errors name what is wrong. */
ag_status ag_tf_need(ag_tf_op *op, int count);
ag_status ag_tf_activation(ag_tf_op *op, int slot, ag_tf_value *x); /* unflattened */
ag_status ag_tf_ints(ag_tf_op *op, int slot, int64_t *out, int limit, int *count);

/* What there is for an op type. */
typedef struct ag_tf_rule {
  const char *type;
  ag_status (*translate)(ag_tf_op *op);
  const char *onnx; /* the ONNX op that corresponds, where one does */
} ag_tf_rule;
const ag_tf_rule *ag_tf_find(const char *type); /* graphdef_ops.c; NULL = there is no rule */

/* One op by its rule, into im->results[op->index]. Readers whose files hold such ops among others
 * come in here, with an import that has no graph. */
ag_status ag_tf_translate(ag_tf_op *op, const ag_tf_rule *rule);

#endif
