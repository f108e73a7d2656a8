/* What the parts of the ONNX writer share.
 *
 * Writing has three steps: *plan* gives every CG node the ONNX shape of its result (a vector may be
 * (N, C) or (N, C, 1, 1); exporters and readers care) and a tensor name; *emit* makes the node
 * messages in order, converting between the two forms where a consumer needs the other; *pack*
 * writes the file. All messages live in one arena; weights are referenced, not copied. */
#ifndef AG_FORMATS_ONNX_EXPORT_H
#define AG_FORMATS_ONNX_EXPORT_H

#include "engine/formats/onnx_internal.h"

typedef struct ag_onnx_result_tensor {
  char *name;
  int dtype;
  int rank;
  int64_t dims[AG_MAX_RANK]; /* dims[0] = -1 where the batch is open */
} ag_onnx_result_tensor;

typedef struct ag_onnx_export {
  const ag_graph *graph;
  const ag_onnx_options *options;
  ag_arena arena;
  ag_map used;                    /* tensor names taken */
  ag_map used_nodes;              /* node names taken */
  ag_onnx_result_tensor *results; /* per CG node */
  ag_onnx_origin **origins;       /* per CG node, NULL where there is none of ours */
  int64_t opset;
  ag_error *err;

  ag_onnx_node **nodes;
  size_t node_count, node_capacity;
  ag_onnx_tensor **initializers;
  size_t initializer_count, initializer_capacity;
  ag_onnx_value_info **inputs;
  size_t input_count, input_capacity;
  Ag__Onnx__OperatorSet **domains; /* besides the standard one */
  size_t domain_count, domain_capacity;
} ag_onnx_export;

/* onnx_emit.c: messages. A node takes up to `inputs` inputs and eight attributes. */
ag_onnx_node *ag_onnx_emit(ag_onnx_export *x, const char *type, int inputs, char *output);
void ag_onnx_emit_input(ag_onnx_node *node, char *name);
void ag_onnx_emit_int(ag_onnx_export *x, ag_onnx_node *node, const char *name, int64_t value);
void ag_onnx_emit_ints(ag_onnx_export *x, ag_onnx_node *node, const char *name,
                       const int64_t *values, int count);
void ag_onnx_emit_float(ag_onnx_export *x, ag_onnx_node *node, const char *name, float value);
void ag_onnx_emit_floats(ag_onnx_export *x, ag_onnx_node *node, const char *name,
                         const float *values, int count);
void ag_onnx_emit_text(ag_onnx_export *x, ag_onnx_node *node, const char *name, const char *value);
char *ag_onnx_emit_tensor(ag_onnx_export *x, const char *name, const ag_tensor *tensor);
char *ag_onnx_emit_int_list(ag_onnx_export *x, const int64_t *values, int count);
char *ag_onnx_emit_float_list(ag_onnx_export *x, const float *values, int count, bool scalar);
void ag_onnx_emit_graph_input(ag_onnx_export *x, char *name, int dtype, const int64_t *dims,
                              int rank);
ag_onnx_value_info *ag_onnx_emit_value_info(ag_onnx_export *x, char *name, int dtype,
                                            const int64_t *dims, int rank);
/* The name itself, or with a suffix if it is taken. */
char *ag_onnx_unique(ag_onnx_export *x, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *ag_onnx_fresh(ag_onnx_export *x); /* of an intermediate tensor */
/* Name a node; with a suffix if another has the name (an opaque node is written once for each of
 * its outputs that is read, and runtimes refuse equal names). NULL and "" name nothing. */
void ag_onnx_name_node(ag_onnx_export *x, ag_onnx_node *node, const char *name);
/* The CG node's name, or one made of op and position. */
void ag_onnx_node_label(const ag_onnx_export *x, int node, char *label, size_t size);
char *ag_onnx_keep(ag_onnx_export *x, const char *text);
/* `name`, of a tensor of shape `from`, reshaped to `to`; `name` itself if they agree. If `output`
 * is not NULL the result gets that name, through an Identity if nothing else. */
char *ag_onnx_emit_reshape(ag_onnx_export *x, char *name, const ag_onnx_result_tensor *from,
                           const ag_onnx_result_tensor *to, char *output);

/* onnx_emit_versions.c */
/* A setting that is an attribute in some operator sets and an operand in others. Settings of one
 * node in the order of its operands. */
void ag_onnx_emit_setting(ag_onnx_export *x, ag_onnx_node *node, const char *name, float value);
void ag_onnx_emit_int_setting(ag_onnx_export *x, ag_onnx_node *node, const char *name,
                              const int64_t *values, int count);
/* Resize's region of interest, left out; it could not be before version 13. */
char *ag_onnx_emit_no_region(ag_onnx_export *x);
int ag_onnx_needed_opset(const ag_node *n); /* the oldest set that can say it */
/* A node of a source's operator set, of which `node` is a copy with room for operands up to slot 3,
 * in ours; its result has that shape. It is the node emitted last. */
ag_status ag_onnx_emit_version(ag_onnx_export *x, ag_onnx_node *node, int64_t version,
                               const ag_onnx_result_tensor *shape);

/* onnx_init.c: the weight of that role of a CG node, from its record or initialised; its name. */
char *ag_onnx_emit_weight(ag_onnx_export *x, int node, int role, const int64_t *dims, int rank);
/* A constant operand of an opaque node. */
char *ag_onnx_emit_constant(ag_onnx_export *x, int node, int index);

/* onnx_emit_operand.c */
/* Operand `slot`, in a form of that rank (0 = as it is), sliced if the node reads part of it. */
char *ag_onnx_read_operand(ag_onnx_export *x, int node, int slot, int rank);
/* The main ONNX node of a CG node, with its first operand; it carries the CG node's name. */
ag_onnx_node *ag_onnx_emit_main(ag_onnx_export *x, int node, const char *type, int inputs,
                                int rank);
/* An intermediate node over one or two tensors; its output. */
char *ag_onnx_emit_step(ag_onnx_export *x, const char *type, char *a, char *b);
char *ag_onnx_emit_scalar(ag_onnx_export *x, float value);

/* onnx_emit_layers.c */
ag_status ag_onnx_emit_conv(ag_onnx_export *x, int node);
ag_status ag_onnx_emit_transposed_conv(ag_onnx_export *x, int node);
ag_status ag_onnx_emit_pool(ag_onnx_export *x, int node);
ag_status ag_onnx_emit_matmul(ag_onnx_export *x, int node);
ag_status ag_onnx_emit_batchnorm(ag_onnx_export *x, int node);
ag_status ag_onnx_emit_prelu(ag_onnx_export *x, int node);

/* onnx_emit_ops.c: any CG node but opaque ones goes to its function. */
ag_status ag_onnx_emit_node(ag_onnx_export *x, int node);

/* onnx_emit_opaque.c */
ag_onnx_origin *ag_onnx_read_origin(const ag_graph *graph, int node); /* NULL = none of ours */
void ag_onnx_free_origin(ag_onnx_origin *origin);
ag_status ag_onnx_emit_opaque(ag_onnx_export *x, int node);

#endif
