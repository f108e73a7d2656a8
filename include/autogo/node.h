/* autogo/node.h - the operations of a computation graph: their shapes and their costs.
 *
 * ops.def is the table of all operations. A node is one of them with its attributes and shapes; its
 * kernel, bias and batch-norm statistics belong to it.
 *
 *   ag_node conv = ag_node_make(AG_OP_CONV);
 *   conv.kernel[0] = conv.kernel[1] = 3;  conv.out.c = 16;
 *   ag_shape in = {32, 32, 3};
 *   if (!ag_node_infer(&conv, &in, 1, &err)) macs = ag_node_macs(&conv);      // 32 * 32 * 16 * 27
 *
 * Source: algorithm.md section 2; families.md section 1. */
#ifndef AUTOGO_NODE_H
#define AUTOGO_NODE_H

#include "autogo/base.h"

/* --- ops ------------------------------------------------------------------------- */

typedef enum ag_op {
#define OP(id, name, feature, min, max, rule, mutable, macs) AG_OP_##id,
#include "autogo/ops.def"
#undef OP
  AG_OP_COUNT
} ag_op;

typedef enum ag_rule {
  AG_RULE_OPAQUE,   /* the shape is taken as given */
  AG_RULE_INPUT,    /* no operand; the shape is given */
  AG_RULE_SAME,     /* out = in */
  AG_RULE_STRIDED,  /* H and W by kernel, stride, padding, dilation */
  AG_RULE_DENSE,    /* H and W kept, channels free */
  AG_RULE_GLOBAL,   /* H = W = 1 */
  AG_RULE_JOIN,     /* equal operands, or some of them 1x1xC (broadcast) */
  AG_RULE_CONCAT,   /* equal H and W, channels add up */
  AG_RULE_PAD,      /* H and W grow by the pads */
  AG_RULE_FOLD,     /* H / s, W / s, C * s * s  (s = stride) */
  AG_RULE_UNFOLD,   /* H * s, W * s, C / (s * s) */
  AG_RULE_UPSAMPLE, /* H * s, W * s; channels free when weighted, else kept */
  AG_RULE_FLATTEN   /* 1 x 1 x H*W*C */
} ag_rule;

enum { AG_MUTABLE_NONE = 0, AG_MUTABLE_STRIDE = 1, AG_MUTABLE_BOTH = 3 };

typedef struct ag_op_info {
  const char *name;
  int feature; /* row of the predictor's op embedding */
  int min_operands;
  int max_operands; /* INT_MAX = any number */
  ag_rule rule;
  int mutable_dims; /* AG_MUTABLE_... */
} ag_op_info;

/* The row of the ops table. `op` must be valid. */
const ag_op_info *ag_op_get(ag_op op);

/* The op of that name, or -1. Accepts aliases seen in other tools' labels
 * ("conv2d", "fusedbatchnorm", "fusedbatchnormv3", "addn"). O(1). */
int ag_op_find(const char *name);

/* --- nodes ----------------------------------------------------------------------- */

typedef struct ag_shape {
  int32_t h, w, c;
} ag_shape;

/* The same in all three dimensions. */
static inline bool ag_shape_equal(ag_shape a, ag_shape b) {
  return a.h == b.h && a.w == b.w && a.c == b.c;
}
/* Number of elements. */
static inline int64_t ag_shape_size(ag_shape s) {
  return (int64_t)s.h * s.w * s.c;
}

typedef enum ag_padding {
  AG_PAD_SAME,      /* out = ceil(in / stride); the larger half at the end */
  AG_PAD_VALID,     /* none */
  AG_PAD_EXPLICIT,  /* as in `pads` */
  AG_PAD_SAME_LOWER /* as SAME, the larger half at the beginning */
} ag_padding;

enum {
  AG_FLAG_CEIL = 1,       /* pools: round the output size up */
  AG_FLAG_COUNT_PADS = 2, /* average pools: padded cells count */
  AG_FLAG_ALIGN = 4,      /* resize: align corners; depth-to-space: CRD order */
  AG_FLAG_LINEAR = 8,     /* resize: bilinear instead of nearest */
  AG_FLAG_SLICE = 16      /* reads only the first in.c channels of its operands (NB-101,
                             families.md 4.4); set in.c before ag_node_infer */
};

typedef struct ag_node {
  uint8_t op;        /* ag_op */
  uint8_t padding;   /* ag_padding; STRIDED and TRANSPOSED_CONV only */
  uint8_t bias;      /* 1 = weighted node with a bias */
  uint8_t flags;     /* AG_FLAG_... */
  int32_t kernel[2]; /* height, width; 0 where there is none */
  int32_t stride[2]; /* height, width; ratio of FOLD, UNFOLD, UPSAMPLE; 1 elsewhere */
  int32_t dilation[2];
  int32_t pads[4]; /* top, left, bottom, right; EXPLICIT and PADDINGS only, else 0 */
  int32_t groups;  /* conv: 1 = dense; depthwise: channels; channel shuffle: groups */
  ag_shape in;     /* of the first operand (of all, for JOIN) */
  ag_shape out;
  float alpha;    /* slope of leakyrelu and hardsigmoid, epsilon of batchnorm; 0 = default */
  int32_t record; /* weights and source attributes in the graph's store; -1 = none */
  int64_t macs;   /* of an opaque node, where its source says what it multiplies; else 0 */
} ag_node;

/* A node of `op` with stride, dilation and groups 1, SAME padding, no kernel, no bias,
 * shapes 0 and record -1. */
ag_node ag_node_make(ag_op op);

/* True if the op carries weights of its own (conv, depthwise, matmul, transposed conv). */
bool ag_op_weighted(ag_op op);

/* Output size of one dimension of a strided window op, by the true shape formula; 0 if
 * the window does not fit. dim: 0 = height, 1 = width. */
int32_t ag_strided_size(const ag_node *node, int dim, int32_t in);

/* Derive node->in and node->out from the operands' shapes.
 *
 * Set before the call: kernel, stride, padding, ...; out.c for conv, matmul and
 * transposed conv; out for INPUT and OPAQUE rules; in.c under AG_FLAG_SLICE (at most the
 * operand's channels). A depthwise gets groups = in.c.
 * Errors: AG_INVALID when operands do not fit, or a size would leave [1, 2^31). O(count). */
ag_status ag_node_infer(ag_node *node, const ag_shape *operands, int count, ag_error *err);

/* Multiply-accumulates of one execution, bias and repeated operands not counted
 * (grouped convolutions divided by groups). 0 for ops without weights; of opaque nodes node->macs.
 */
int64_t ag_node_macs(const ag_node *node);

/* FLOPs by the published rule: 2 x (MACs + bias term, or elements) x max(1, predecessors),
 * where predecessors counts *distinct* operands. Source: algorithm.md section 2. */
int64_t ag_node_flops(const ag_node *node, int predecessors);

/* Trainable parameters: kernel, bias, batch-norm scale and shift, slopes of prelu. */
int64_t ag_node_params(const ag_node *node);

/* Bytes moved: operands read, parameters read, output written, float32. */
int64_t ag_node_bytes(const ag_node *node, int operands);

/* The node's signature: everything a per-node cost can depend on (op, kernel, stride,
 * dilation, padding, groups, bias, flags, in, out, distinct operands); not its weights. */
ag_hash ag_node_signature(const ag_node *node, int predecessors);

#endif
