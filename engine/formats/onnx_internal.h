/* What the parts of the ONNX reader and writer share.
 *
 * Reading is one pass over the nodes of the file. Each tensor of the file is a *value*: a constant
 * (shape, type, perhaps data) or an activation. Each node either folds into constants or
 * becomes a *draft*, a CG node that is not yet in the builder. Patterns of several nodes are
 * recognised at their last node by looking back at drafts; what they replace is then dead, and
 * only live drafts are built. Each node of the file ends with one *fate*. */
#ifndef AG_FORMATS_ONNX_INTERNAL_H
#define AG_FORMATS_ONNX_INTERNAL_H

#include "autogo/onnx.h"
#include "engine/base/alloc.h"
#include "engine/base/map.h"
#include "onnx.pb-c.h"

typedef Ag__Onnx__Model ag_onnx_model;
typedef Ag__Onnx__Graph ag_onnx_graph;
typedef Ag__Onnx__Node ag_onnx_node;
typedef Ag__Onnx__Attribute ag_onnx_attribute;
typedef Ag__Onnx__Tensor ag_onnx_tensor;
typedef Ag__Onnx__ValueInfo ag_onnx_value_info;
typedef Ag__Onnx__Origin ag_onnx_origin;

enum {
  AG_ONNX_ATTRIBUTE_FLOAT = 1,
  AG_ONNX_ATTRIBUTE_INT = 2,
  AG_ONNX_ATTRIBUTE_STRING = 3,
  AG_ONNX_ATTRIBUTE_TENSOR = 4,
  AG_ONNX_ATTRIBUTE_GRAPH = 5,
  AG_ONNX_ATTRIBUTE_FLOATS = 6,
  AG_ONNX_ATTRIBUTE_INTS = 7,
  AG_ONNX_ATTRIBUTE_GRAPHS = 10
};

/* ONNX multiplies two tensors. The writer splits longer products and marks the names of the inner
 * nodes so that the reader puts them together again, and only those. */
#define AG_ONNX_PARTIAL "/partial product"

/* --- reading ---------------------------------------------------------------------- */

typedef enum ag_onnx_kind { AG_ONNX_NONE, AG_ONNX_CONSTANT, AG_ONNX_ACTIVATION } ag_onnx_kind;

typedef struct ag_onnx_value {
  const char *name;
  ag_onnx_kind kind;
  int producer;      /* node of the file, -1 = input or initializer */
  int uses;          /* by live nodes, once per operand slot, and as graph output */
  bool used_as_data; /* by some node at an operand that is not a weight */
  bool graph_input;
  uint64_t batch;                 /* constants: bit i = element i depends on the open batch size */
  bool filled;                    /* constants: every element is `fill`, data made on demand */
  uint64_t fill;                  /* element bytes, little endian */
  ag_tensor tensor;               /* activations: shape in ONNX order, with batch, and type */
  const ag_onnx_value_info *info; /* what the file says of its shape, or NULL */
  int draft;                      /* activations */
  int sliced_from;                /* activations: the first channels of that value, or -1 */
} ag_onnx_value;

typedef struct ag_onnx_draft {
  ag_node node;
  int first_operand, operands; /* in draft_operands */
  int value;                   /* the value it was made for */
  int source;                  /* node of the file, -1 = none */
  bool live;
  int built; /* position in the builder */
} ag_onnx_draft;

typedef enum ag_onnx_fate {
  AG_ONNX_UNSEEN,
  AG_ONNX_KEPT,
  AG_ONNX_MERGED,
  AG_ONNX_FOLDED,
  AG_ONNX_OPAQUE
} ag_onnx_fate;

/* An element of a file in another format, which a reader translated into nodes. */
typedef struct ag_onnx_source {
  const char *name, *type;
  ag_onnx_fate fate; /* UNSEEN: what became of its nodes, the least familiar first */
  const char *reason;
} ag_onnx_source;

/* A model in memory that stands for a file in another format. Messages and the report speak of
 * the file's elements. */
typedef struct ag_onnx_translation {
  const char *format; /* also the domain of nodes that ONNX has no op for */
  ag_onnx_model *model;
  const int32_t *node_source; /* per node of the model, into sources */
  const ag_onnx_source *sources;
  int source_count;
  size_t file_size;
  void *memory; /* what the model consists of; the graph's store takes it over */
  void (*release)(void *memory, size_t size);
} ag_onnx_translation;

typedef struct ag_onnx_import {
  const ag_onnx_model *model;
  const ag_onnx_graph *graph;
  const ag_onnx_translation *translation; /* NULL = the file is ONNX */
  const char *directory;                  /* of the file, for external data; NULL = none */
  int64_t opset;
  ag_shape bind;
  bool dynamic_batch;
  ag_builder *builder;
  ag_store *store; /* the builder's */
  ag_arena arena;  /* texts that die with the import */
  ag_error *err;

  ag_map names; /* hash of a name -> value */
  ag_onnx_value *values;
  int value_count, value_capacity;

  int nodes;
  int32_t *input_start, *inputs; /* nodes + 1; values, -1 = left out */
  int32_t *output_start, *outputs;
  int32_t *order; /* topological */
  bool *live;     /* contributes to an output */
  uint8_t *fate;  /* ag_onnx_fate */
  const char **reason;
  const char *why; /* of the last AG_ONNX_DECLINED */

  ag_onnx_draft *drafts;
  int draft_count, draft_capacity;
  int *draft_operands;
  int operand_count, operand_capacity;

  struct ag_onnx_mapping *mappings; /* external files in use */
  ag_map fills;                     /* (element, size) -> struct ag_onnx_fill */
  size_t filled_bytes;              /* of all fills */
  size_t folded_bytes;              /* of all results of folding and merging */
  size_t origin_bytes;              /* of all Origin messages */
  size_t file_size;
} ag_onnx_import;

/* One node of the file under translation. */
typedef struct ag_onnx_op {
  int index;
  const ag_onnx_node *node;
  int inputs, outputs;
  const int32_t *in, *out;
} ag_onnx_op;

typedef enum ag_onnx_result {
  AG_ONNX_DONE,
  AG_ONNX_DECLINED, /* not expressible: becomes opaque; `why` says the reason */
  AG_ONNX_FAILED    /* im->err is filled */
} ag_onnx_result;

/* onnx_read.c: messages, tensors, attributes */
ag_status ag_onnx_unpack(const void *data, size_t size, ag_onnx_model **model, ag_error *err);
void ag_onnx_free_model(void *model, size_t size); /* as ag_store_adopt wants it */
ag_status ag_onnx_read_tensor(ag_onnx_import *im, const ag_onnx_tensor *from, ag_tensor *to);
bool ag_onnx_is_half(int dtype);        /* becomes single precision when read */
size_t ag_onnx_element_size(int dtype); /* 0 = unknown */
int64_t ag_onnx_elements(const ag_tensor *tensor);
float ag_onnx_half_value(uint16_t bits, bool brain); /* of half precision or bfloat16 */
bool ag_onnx_is_one_of(const char *type, const char *const *list); /* up to NULL */
const ag_onnx_attribute *ag_onnx_attr(const ag_onnx_node *node, const char *name);
int64_t ag_onnx_attr_int(const ag_onnx_node *node, const char *name, int64_t otherwise);
float ag_onnx_attr_float(const ag_onnx_node *node, const char *name, float otherwise);
bool ag_onnx_attr_is(const ag_onnx_node *node, const char *name, const char *text,
                     const char *otherwise);

ag_dtype ag_onnx_cast_type(const ag_onnx_node *node);

/* onnx_index.c: values, order, liveness */
ag_status ag_onnx_index(ag_onnx_import *im);
int ag_onnx_find(const ag_onnx_import *im, const char *name); /* value or -1 */

/* onnx_shape.c: shapes that ops give, from the first operand's shape and constant operands. All
 * return false where the shape does not follow or the node makes no sense. */
bool ag_onnx_reshaped(ag_onnx_import *im, const ag_onnx_op *op, ag_tensor *shape); /* Reshape,
                                                       Flatten, Squeeze, Unsqueeze */
bool ag_onnx_sliced(ag_onnx_import *im, const ag_onnx_op *op, ag_tensor *shape, int64_t *start,
                    int64_t *step);
bool ag_onnx_permutation(const ag_onnx_node *node, int rank, int *perm);
bool ag_onnx_broadcast(const ag_tensor *a, const ag_tensor *b, ag_tensor *shape);
bool ag_onnx_reduced(ag_onnx_import *im, const ag_onnx_op *op, ag_tensor *shape);
/* Pads of all dimensions, those before and then those after, of a Pad. */
bool ag_onnx_pads(ag_onnx_import *im, const ag_onnx_op *op, int rank, int64_t *pads);
/* No negative size, and no more than 2^40 elements even if empty dimensions did not count: products
 * of sizes then stay in 64 bits. */
bool ag_onnx_bounded(const ag_tensor *t);
bool ag_onnx_same_dims(const ag_tensor *a, const ag_tensor *b);

bool ag_onnx_resized(ag_onnx_import *im, const ag_onnx_op *op,
                     ag_tensor *shape); /* onnx_shape_ops.c */

/* onnx_fold.c */
bool ag_onnx_fold(ag_onnx_import *im, const ag_onnx_op *op); /* true = all outputs are constants */

/* onnx_constant.c: elements. Types: is_float = 32 or 64 bits, is_integer includes bool. */
enum { AG_ONNX_MAX_FOLD = 1 << 24 }; /* elements of a constant that are looked at one by one */
bool ag_onnx_is_float(int dtype);
bool ag_onnx_is_integer(int dtype);
int64_t ag_onnx_get_int(const ag_tensor *t, int64_t i);
double ag_onnx_get_number(const ag_tensor *t, int64_t i);
void ag_onnx_put_int(ag_tensor *t, int64_t i, int64_t value);
void ag_onnx_put_float(ag_tensor *t, int64_t i, double value);
/* Account for memory and time that folding takes; false when a file asks for too much of it. */
bool ag_onnx_charge(ag_onnx_import *im, int64_t bytes);
bool ag_onnx_readable(ag_onnx_import *im,
                      ag_onnx_value *v); /* a constant with data, not too large */
bool ag_onnx_constant_ints(const ag_onnx_value *v, int64_t *out, int limit, int *count);
bool ag_onnx_constant_floats(const ag_onnx_value *v, double *out, int limit, int *count);
bool ag_onnx_constant_float(const ag_onnx_value *v, double *out);        /* one element */
const void *ag_onnx_constant_data(ag_onnx_import *im, ag_onnx_value *v); /* NULL = not known */

/* onnx_draft.c: operands, drafts, fates */
ag_onnx_result ag_onnx_decline(ag_onnx_import *im, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
ag_onnx_value *ag_onnx_operand(ag_onnx_import *im, const ag_onnx_op *op, int slot);
ag_onnx_value *ag_onnx_activation(ag_onnx_import *im, const ag_onnx_op *op, int slot);
ag_onnx_value *ag_onnx_constant(ag_onnx_import *im, const ag_onnx_op *op, int slot);
/* Axis or element list given as an attribute (older) or as a constant operand (newer). */
bool ag_onnx_list(ag_onnx_import *im, const ag_onnx_op *op, const char *attribute, int slot,
                  int64_t *out, int *count);
/* A draft of `node` over the given values; becomes the node's first output, of that ONNX rank
 * (2 or 4; 0 = the first operand's very shape). Declines when the shapes do not fit. */
ag_onnx_result ag_onnx_make(ag_onnx_import *im, const ag_onnx_op *op, ag_node node,
                            const int32_t *operands, int count, int rank);
int ag_onnx_add_draft(ag_onnx_import *im, const ag_node *node, const int *drafts, int count,
                      int value, int source);
/* The node's first output is the tensor `of` itself, in another shape: the node is folded. */
ag_onnx_result ag_onnx_alias(ag_onnx_import *im, const ag_onnx_op *op, const ag_onnx_value *of,
                             const ag_tensor *shape, const char *reason);
void ag_onnx_define(ag_onnx_import *im, int value, int draft, const ag_tensor *shape);
void ag_onnx_set_fate(ag_onnx_import *im, int node, ag_onnx_fate fate, const char *reason);
ag_shape ag_onnx_shape(const ag_tensor *tensor); /* H, W, C of an ONNX shape; 0 if too large */
const char *ag_onnx_label(const ag_onnx_import *im, int node);
bool ag_onnx_standard_domain(const ag_onnx_node *node);
const char *ag_onnx_print(ag_onnx_import *im, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* onnx_window.c: kernel, stride, dilation, padding. Readers return false on malformed attributes.
 */
enum { AG_ONNX_MAX_WINDOW = 1 << 15 };
/* Two numbers of an attribute, `otherwise` where it is absent. */
bool ag_onnx_read_pair(const ag_onnx_node *node, const char *name, int32_t otherwise, int32_t *out);
/* Kernel (as given, or NULL = from the attribute), stride, dilation, padding on a size. */
bool ag_onnx_read_window(const ag_onnx_node *node, const int64_t *kernel, ag_node *n, ag_shape in);
/* Pads of a transposed convolution, such that its result is exactly stride times as large; what
 * is left over becomes output padding again on export. */
bool ag_onnx_read_transposed_padding(const ag_onnx_node *node, ag_node *n);
/* The padding kind that explicit pads (top, left, bottom, right) stand for. */
void ag_onnx_settle_padding(ag_node *n, ag_shape in, const int32_t *pads);
int64_t ag_onnx_window(const ag_node *n, int dim); /* cells it spans, dilation included */

/* onnx_ops.c, onnx_shape_ops.c: translation by op type */
typedef ag_onnx_result (*ag_onnx_translate)(ag_onnx_import *im, const ag_onnx_op *op);
ag_onnx_translate ag_onnx_find_op(const char *op_type);       /* layers */
ag_onnx_translate ag_onnx_find_shape_op(const char *op_type); /* reshaping */
bool ag_onnx_clip_bounds(const ag_onnx_node *node, const ag_onnx_value *low,
                         const ag_onnx_value *high, double *min, double *max);

/* onnx_patterns.c, onnx_merge.c: several nodes that are one CG op. Each returns true if it
 * defined the output of `op`, the last node of the pattern. */
bool ag_onnx_match_activation(ag_onnx_import *im, const ag_onnx_op *op); /* swish, gelu, ... */
bool ag_onnx_match_product(ag_onnx_import *im, const ag_onnx_op *op);    /* more than two factors */
bool ag_onnx_match_shuffle(ag_onnx_import *im, const ag_onnx_op *op);    /* Reshape last */
bool ag_onnx_merge_constant(ag_onnx_import *im, const ag_onnx_op *op);   /* bias, scale, shift */

/* onnx_import.c: what readers of other formats use */
/* A graph of the model; takes translation->memory over in any case. Errors and `report` as
 * ag_onnx_parse. */
ag_status ag_onnx_import_translation(const ag_onnx_translation *translation, const ag_graph **graph,
                                     ag_import_report *report, ag_error *err);
ag_status ag_onnx_import_node(ag_onnx_import *im, int index); /* node of im->graph */
const char *ag_onnx_place(ag_onnx_import *im, int node);      /* how errors call it */

/* onnx_report.c */
void ag_onnx_report(const ag_onnx_import *im, ag_import_report *report);

/* onnx_opaque.c */
ag_status ag_onnx_make_opaque(ag_onnx_import *im, const ag_onnx_op *op, const char *why);
/* Fill record->attributes with an Origin message for a tensor (of a node, or op = NULL). */
void ag_onnx_set_origin(ag_onnx_import *im, const ag_onnx_op *op, const ag_tensor *tensor,
                        ag_record *record);
/* onnx_infer_window.c: rules of onnx_infer.c */
bool ag_onnx_infer_pool(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *tensor);
bool ag_onnx_infer_conv(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *tensor);
bool ag_onnx_infer_conv_transpose(ag_onnx_import *im, const ag_onnx_op *op, int output,
                                  ag_tensor *tensor);
bool ag_onnx_infer_unpool(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *tensor);
/* onnx_infer_pick.c: rules of onnx_infer.c */
bool ag_onnx_infer_gather(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *tensor);
bool ag_onnx_infer_gather_elements(ag_onnx_import *im, const ag_onnx_op *op, int output,
                                   ag_tensor *tensor);
bool ag_onnx_infer_top_k(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *tensor);
bool ag_onnx_infer_grid_sample(ag_onnx_import *im, const ag_onnx_op *op, int output,
                               ag_tensor *tensor);
bool ag_onnx_infer_roi_align(ag_onnx_import *im, const ag_onnx_op *op, int output,
                             ag_tensor *tensor);
/* The axis attribute made absolute, or -1. */
int ag_onnx_axis(const ag_onnx_op *op, int rank, int64_t otherwise);
/* onnx_infer.c: shape and type of output k of any node, from its operands or the file. */
bool ag_onnx_infer(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *tensor);

#endif
