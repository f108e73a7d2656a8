/* An ONNX model under construction: the operation list all readers of other formats translate to.
 *
 *   ag_neutral_source(n, "conv1", "Conv2D");             whose nodes the next ones are
 *   ag_onnx_node *node = ag_neutral_begin(n, "Conv", "conv1");
 *   ag_neutral_ints(n, node, "strides", strides, 2);
 *   status = ag_neutral_end(n, node, (int[]){x, kernel}, 2, &y);
 *
 * Values are numbers. Each node passes through the ONNX importer as soon as it ends, so that the
 * shape of its result is known to the reader, which may depend on it; a node whose result is
 * constant is not put into the model, its value is. In the end the importer reads the whole
 * model: patterns of several nodes are then merged, and the graph is built. */
#ifndef AG_FORMATS_NEUTRAL_H
#define AG_FORMATS_NEUTRAL_H

#include "autogo/import.h"
#include "engine/formats/onnx_internal.h"

typedef struct ag_neutral ag_neutral;

/* `format`: the name of the format and of the domain of its own ops, static. `name`: of the graph.
 * `err` must not be NULL and receives all errors. */
ag_neutral *ag_neutral_new(const char *format, const char *name, size_t file_size, ag_error *err);
void ag_neutral_free(ag_neutral *n);
void *ag_neutral_alloc(ag_neutral *n, size_t size); /* as long as the graph */
const char *ag_neutral_print(ag_neutral *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An element of the file; texts are copied. Every element of the file must be announced, for the
 * account of the import. */
void ag_neutral_source(ag_neutral *n, const char *name, const char *type);
void ag_neutral_fate(ag_neutral *n, ag_onnx_fate fate, const char *reason); /* static text */
/* Error about the current element, "name (type): ...". */
ag_status ag_neutral_fail(ag_neutral *n, ag_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- values ------------------------------------------------------------------------------- */

/* An input of the graph; dims[0] = 0 is an open batch. */
int ag_neutral_input(ag_neutral *n, const char *name, const ag_tensor *shape);
/* A constant; data = NULL: a weight without values. The data is copied when a node of the model
 * comes to use it, unless `lasting`: from ag_neutral_alloc. */
int ag_neutral_constant(ag_neutral *n, const char *name, const ag_tensor *tensor, bool lasting);
int ag_neutral_ints_value(ag_neutral *n, const int64_t *values, int count); /* of rank 1 */
int ag_neutral_float_value(ag_neutral *n, float value);                     /* of rank 0 */
/* Shape (batch 1 if open), type, and elements of constants. Valid until the next value. */
const ag_tensor *ag_neutral_tensor(const ag_neutral *n, int value);
bool ag_neutral_is_constant(const ag_neutral *n, int value);
bool ag_neutral_open_batch(const ag_neutral *n);

/* --- nodes -------------------------------------------------------------------------------- */

/* A node of that ONNX type; with a '.' in the type, "format.Type", one of the format's own. */
ag_onnx_node *ag_neutral_begin(ag_neutral *n, const char *type, const char *name);
void ag_neutral_int(ag_neutral *n, ag_onnx_node *node, const char *name, int64_t value);
void ag_neutral_float(ag_neutral *n, ag_onnx_node *node, const char *name, float value);
void ag_neutral_text(ag_neutral *n, ag_onnx_node *node, const char *name, const char *value);
void ag_neutral_ints(ag_neutral *n, ag_onnx_node *node, const char *name, const int64_t *values,
                     int count);
/* Operands are values, -1 = left out. */
ag_status ag_neutral_end(ag_neutral *n, ag_onnx_node *node, const int *operands, int count,
                         int *result);
/* The same for several results, whose shapes the file may state (NULL, or rank < 0: it does not).
 */
ag_status ag_neutral_end_many(ag_neutral *n, ag_onnx_node *node, const int *operands, int count,
                              int *results, int result_count, const ag_tensor *declared);
/* Without attributes. */
ag_status ag_neutral_apply(ag_neutral *n, const char *type, const char *name, const int *operands,
                           int count, int *result);

/* Import the model with these outputs. Errors and report as ag_onnx_parse. */
ag_status ag_neutral_finish(ag_neutral *n, const int *outputs, int count, const ag_graph **graph,
                            ag_import_report *report);

#endif
