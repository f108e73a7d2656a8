/* Translators of GraphDefs by op type (graphdef_ops.c has the table), and what they share. */
#ifndef AG_FORMATS_GRAPHDEF_OPS_H
#define AG_FORMATS_GRAPHDEF_OPS_H

#include "engine/formats/graphdef.h"

/* graphdef_convolutions.c: two entries of a list of four, height's and width's (1 where it is
 * absent and not needed); strides, perhaps dilations, and padding; a convolution or depthwise one.
 */
ag_status ag_tf_window_pair(ag_tf_op *op, const char *name, bool needed, int64_t *pair);
ag_status ag_tf_convolve(ag_tf_op *op, bool depthwise, ag_tf_value *out);
ag_status ag_tf_conv_op(ag_tf_op *op);
ag_status ag_tf_depthwise_op(ag_tf_op *op);
ag_status ag_tf_transposed_op(ag_tf_op *op);
ag_status ag_tf_pool_op(ag_tf_op *op);

/* graphdef_dilation.c: what a convolution is part of, or NULL */
const ag_tf_dilation *ag_tf_dilation_of(const ag_tf_op *op);
ag_status ag_tf_space_to_batch_op(ag_tf_op *op);
ag_status ag_tf_batch_to_space_op(ag_tf_op *op);

/* graphdef_dense.c: the product of operands 0 and 1 */
ag_status ag_tf_multiply(ag_tf_op *op, ag_tf_value *out);
ag_status ag_tf_matmul_op(ag_tf_op *op);

/* graphdef_norms.c: of x by the operands that are scale, shift, mean and variance */
ag_status ag_tf_normalise(ag_tf_op *op, const ag_tf_value *x, const int *slots, float epsilon,
                          ag_tf_value *out);
ag_status ag_tf_batchnorm_op(ag_tf_op *op);
ag_status ag_tf_old_batchnorm_op(ag_tf_op *op);

/* graphdef_fused.c */
ag_status ag_tf_fused_conv_op(ag_tf_op *op);
ag_status ag_tf_fused_matmul_op(ag_tf_op *op);

/* graphdef_unary.c */
ag_status ag_tf_unary(ag_tf_op *op, const ag_tf_value *x, const char *onnx, ag_tf_value *out);
/* Relu, Relu6, ... by TensorFlow's name; false if it is none. */
bool ag_tf_is_activation(const char *type);
ag_status ag_tf_activate(ag_tf_op *op, const char *type, const ag_tf_value *x, ag_tf_value *out);
ag_status ag_tf_unary_op(ag_tf_op *op);
ag_status ag_tf_relu6_op(ag_tf_op *op);
ag_status ag_tf_leaky_relu_op(ag_tf_op *op);
ag_status ag_tf_clip_op(ag_tf_op *op);
ag_status ag_tf_rsqrt_op(ag_tf_op *op);
ag_status ag_tf_square_op(ag_tf_op *op);
ag_status ag_tf_alias_op(ag_tf_op *op);
ag_status ag_tf_cast_op(ag_tf_op *op);

/* graphdef_binary.c */
ag_status ag_tf_add_constant(ag_tf_op *op, const ag_tf_value *x, const ag_tf_value *constant,
                             ag_tf_value *out);
ag_status ag_tf_binary_op(ag_tf_op *op);
ag_status ag_tf_bias_op(ag_tf_op *op);
ag_status ag_tf_squared_difference_op(ag_tf_op *op);

/* graphdef_joins.c */
ag_status ag_tf_add_n_op(ag_tf_op *op);
ag_status ag_tf_concat_op(ag_tf_op *op);

/* graphdef_axes.c */
ag_status ag_tf_softmax_op(ag_tf_op *op);
ag_status ag_tf_reduction_op(ag_tf_op *op);
ag_status ag_tf_squeeze_op(ag_tf_op *op);
ag_status ag_tf_lrn_op(ag_tf_op *op);
/* The layout without the dimensions at `gone`, counted in the source. */
void ag_tf_drop_dimensions(ag_tf_value *v, int rank, const bool *gone);

/* graphdef_images.c */
ag_status ag_tf_pad_op(ag_tf_op *op);
ag_status ag_tf_resize_op(ag_tf_op *op);
ag_status ag_tf_depth_space_op(ag_tf_op *op);

/* graphdef_shape.c */
ag_status ag_tf_settle(ag_tf_op *op, ag_status status); /* a constant result, or an error */
ag_status ag_tf_reshape_op(ag_tf_op *op);
ag_status ag_tf_expand_op(ag_tf_op *op);
ag_status ag_tf_transpose_op(ag_tf_op *op);
ag_status ag_tf_shape_op(ag_tf_op *op);
ag_status ag_tf_pack_op(ag_tf_op *op);
ag_status ag_tf_fill_op(ag_tf_op *op);

/* graphdef_slices.c */
ag_status ag_tf_strided_slice_op(ag_tf_op *op);
ag_status ag_tf_slice_op(ag_tf_op *op);
ag_status ag_tf_split_op(ag_tf_op *op);
ag_status ag_tf_gather_op(ag_tf_op *op);

#endif
