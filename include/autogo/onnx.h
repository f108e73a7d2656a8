/* autogo/onnx.h - ONNX models in and out.
 *
 *   const ag_graph *g;
 *   ag_import_report report;
 *   if (ag_onnx_load("net.onnx", (ag_shape){0, 0, 0}, &g, &report, &err)) ...
 *   printf("%d kept, %d opaque\n", report.kept, report.opaque);
 *   ag_import_report_free(&report);
 *   ag_onnx_options options = {.seed = 1, .weights = true};
 *   ag_onnx_save(g, "again.onnx", &options, &err);
 *
 * Files are NCHW, graphs H, W, C; a vector (N, C) is 1x1xC. A node of the file becomes a CG node,
 * is merged into one (bias, batch-norm scale, swish and the like written as several nodes), folded
 * (constants, shape arithmetic, reshapes that change nothing) or opaque: carried as it is.
 * Half precision is carried in single precision.
 * Source: interop.md section 1; github.com/onnx/onnx, docs/Operators.md, versions 1 to 22. */
#ifndef AUTOGO_ONNX_H
#define AUTOGO_ONNX_H

#include "autogo/graph.h"

/* What an import did with the nodes of the file: kept + merged + folded + opaque are all of them.
 * Each list holds malloc'd lines of the form "NAME (OpType): reason", in file order. */
typedef struct ag_import_report {
  int kept;                   /* nodes of the file that CG nodes were made from, but opaque ones */
  int merged, folded, opaque; /* counts of the lists */
  char **merged_lines, **folded_lines, **opaque_lines;
} ag_import_report;

void ag_import_report_free(ag_import_report *report); /* the contents; all fields become 0 */

/* Read a model from a file, or from memory, which may go afterwards.
 *
 * bind    H, W, C of the image input where the file leaves them open (0 = as in the file)
 * graph   the caller releases it; nodes keep the file's order if it is topological; weights,
 *         where present, lie in its store (external ones as a mapping of their file)
 * report  may be NULL; freed with ag_import_report_free
 *
 * An input that only weights' places are fed from is a weight without values. Errors, naming
 * file and node: AG_FORMAT, with the byte offset where the file is damaged, or with what it is
 * where it is of another kind (a web page, a checkpoint, ...); AG_UNSUPPORTED for open sizes,
 * sub-graphs, and unknown ops whose result has no shape in the file; AG_INVALID if `bind`
 * contradicts the file; AG_LIMIT. O(file size). */
ag_status ag_onnx_load(const char *path, ag_shape bind, const ag_graph **graph,
                       ag_import_report *report, ag_error *err);
ag_status ag_onnx_parse(const void *data, size_t size, ag_shape bind, const ag_graph **graph,
                        ag_import_report *report, ag_error *err);

enum { AG_ONNX_OPSET_MIN = 7, AG_ONNX_OPSET_MAX = 22 };

typedef struct ag_onnx_options {
  uint64_t seed; /* of the initialisation of nodes without weights (He) */
  bool weights;  /* false: weights as typed inputs, no values */
  int opset; /* operator set, AG_ONNX_OPSET_MIN .. MAX; 0 = 13, or the newer one that a node needs
              */
} ag_onnx_options;

/* Write a model that the ONNX checker and ONNX Runtime accept; atomically.
 *
 * Operator set 13, or that of the opaque nodes if it is newer, or as asked for; sets before 9 list
 * the weights among the inputs. Inputs and outputs keep the names and shapes, and an open batch, of
 * the source. Weights that the graph has are written bit by bit, as long as they fit their node;
 * others are drawn from He's distribution, by a stream per node position, batch norms start at 1 0
 * 0 1, biases at 0. Same graph and seed, same bytes. Errors: AG_IO; AG_LIMIT at 2 GiB;
 * AG_UNSUPPORTED, naming the node, for opaque nodes newer than the operator set asked for and what
 * it or ONNX cannot say (GELU before 9, linear resizing before 11, opaque nodes of other formats,
 * blocks that are not square). O(nodes + weights). */
ag_status ag_onnx_save(const ag_graph *graph, const char *path, const ag_onnx_options *options,
                       ag_error *err);

#endif
