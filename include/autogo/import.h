/* autogo/import.h - models of TensorFlow and Keras in.
 *
 *   ag_import_options options = {.start = "Reshape_1"};
 *   if (ag_tensorflow_load("speech.pb", &options, &g, &report, &err)) ...
 *
 * Readers translate: layouts become channels first, and what a node of the file became is told in
 * the report with the file's own names and types. Weights come along where the file has them.
 * Source: interop.md sections 2 and 3. */
#ifndef AUTOGO_IMPORT_H
#define AUTOGO_IMPORT_H

#include "autogo/onnx.h"

typedef struct ag_import_options {
  ag_shape bind;     /* H, W, C of the image input where the file leaves them open, 0 = as there */
  const char *start; /* the node whose result is the graph's input; NULL = the file's inputs */
  const char *stop;  /* the node whose result is the graph's output; NULL = the file's outputs */
} ag_import_options; /* {0} is the default */

/* A frozen GraphDef (binary protobuf), or a TF.js graph model (the same as JSON, its weights in
 * files beside it if they are there). `options` may be NULL. Graph, report and errors as
 * ag_onnx_load; AG_INVALID also for a start or stop node that the file does not have.
 * O(file size). */
ag_status ag_tensorflow_load(const char *path, const ag_import_options *options,
                             const ag_graph **graph, ag_import_report *report, ag_error *err);
ag_status ag_tensorflow_parse(const void *data, size_t size, const ag_import_options *options,
                              const ag_graph **graph, ag_import_report *report, ag_error *err);

/* A Keras model as JSON: model.to_json() of Keras 1, 2 or 3, or a TF.js layers model. Such files
 * hold no weights. Calls of TensorFlow's functions (TFOpLambda and its kin) and of Keras 3's are
 * read like its layers. Graph, report and errors as above; there are no start and stop nodes.
 * O(file size). */
ag_status ag_keras_load(const char *path, const ag_import_options *options, const ag_graph **graph,
                        ag_import_report *report, ag_error *err);
ag_status ag_keras_parse(const char *text, size_t length, const ag_import_options *options,
                         const ag_graph **graph, ag_import_report *report, ag_error *err);

/* Which reader a JSON text is for. O(length). Errors: AG_FORMAT where it is no JSON. */
typedef enum ag_json_kind { AG_JSON_GRAPH, AG_JSON_KERAS, AG_JSON_TENSORFLOW } ag_json_kind;
ag_status ag_import_json_kind(const char *text, size_t length, ag_json_kind *kind, ag_error *err);

#endif
