/* The weights of a graph's nodes, for the writers of all formats: those of a node's record where
 * they still fit the node, others drawn anew.
 *
 * Kernels are drawn from He's uniform distribution (He et al. 2015: variance 2 / fan in, so
 * +-sqrt(6 / fan in)); a stream per node position and role makes each tensor independent of the
 * others, and every format of one graph and seed holds the same numbers. Uniform rather than
 * normal, because it needs no logarithm: the same bits everywhere. */
#ifndef AG_FORMATS_WEIGHTS_H
#define AG_FORMATS_WEIGHTS_H

#include "autogo/graph.h"

/* Shape of the weight of that role, in the layout of the records; false if the node has none. */
bool ag_weight_shape(const ag_graph *graph, int node, int role, ag_tensor *shape);

/* The record's weight of that role if it has that shape and, unless `shape` alone is asked for
 * (values = false), values; NULL otherwise. */
const ag_tensor *ag_weight_kept(const ag_graph *graph, int node, int role, const ag_tensor *shape,
                                bool values);

/* Draw the values of a float32 tensor of a role (or of a constant, role >= AG_ROLE_COUNT). */
void ag_weight_draw(const ag_graph *graph, int node, int role, const ag_tensor *shape,
                    uint64_t seed, float *out);

/* How many trainable parameters the records still hold, of ag_graph_params altogether. */
int64_t ag_weights_kept(const ag_graph *graph);

/* --- safetensors ---------------------------------------------------------------------- */

typedef struct ag_weights_constant {
  int node, index;  /* constant of an opaque node's record */
  const char *name; /* in the file */
} ag_weights_constant;

typedef struct ag_weights_options {
  const char *const *names; /* per node: the module it is in the file, or NULL = not written */
  const ag_weights_constant *constants;
  int constant_count;
  uint64_t seed;
} ag_weights_options;

/* Write NAME.weight, NAME.bias, NAME.running_mean and NAME.running_var of every named node as
 * PyTorch lays them out (matmul: out, in), and the constants. Tensors are written one by one from
 * where they lie. Errors: AG_IO; AG_INVALID for a name that no module can have. O(weights). */
ag_status ag_weights_save(const ag_graph *graph, const char *path,
                          const ag_weights_options *options, ag_error *err);

#endif
