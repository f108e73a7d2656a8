/* autogo/onnx.h - ONNX models in and out.
 * Source: interop.md section 1. */
#ifndef AUTOGO_ONNX_H
#define AUTOGO_ONNX_H

#include "autogo/graph.h"

/* What an import did with the nodes of the file. Each list holds malloc'd lines of the form
 * "NAME (OpType): reason". */
typedef struct ag_import_report {
  int kept;                          /* CG nodes made from nodes of the file */
  int merged, folded, opaque;        /* counts of the lists */
  char **merged_lines, **folded_lines, **opaque_lines;
} ag_import_report;

void ag_import_report_free(ag_import_report *report);

/* Read a model. `bind` gives the input's H, W, C where the file leaves them open (0 = as in
 * the file); `report` may be NULL. Weights, where present, go to the graph's store.
 * Nodes keep the file's order if it is topological. */
ag_status ag_onnx_load(const char *path, ag_shape bind, const ag_graph **graph,
                       ag_import_report *report, ag_error *err);
ag_status ag_onnx_parse(const void *data, size_t size, ag_shape bind, const ag_graph **graph,
                        ag_import_report *report, ag_error *err);

typedef struct ag_onnx_options {
  uint64_t seed;  /* of the initialisation of nodes without weights (He) */
  bool weights;   /* false: weights as typed inputs, no values */
} ag_onnx_options;

/* Write a model that the ONNX checker and ONNX Runtime accept; atomically. */
ag_status ag_onnx_save(const ag_graph *graph, const char *path, const ag_onnx_options *options,
                       ag_error *err);

#endif
