/* What the graphs of a training had in common: the least and most of their sizes, their ops and
 * kernels. */
#ifndef AG_PREDICT_RANGE_H
#define AG_PREDICT_RANGE_H

#include "autogo/predict.h"

enum { AG_RANGE_SIZES = 4 /* height, width, channels, nodes */, AG_RANGE_KERNELS = 64 };

typedef struct ag_range_kernel {
  uint8_t op;
  int32_t h, w;
} ag_range_kernel;

typedef struct ag_range {
  bool known; /* false: nothing else holds */
  int32_t least[AG_RANGE_SIZES], most[AG_RANGE_SIZES];
  bool op[AG_OP_COUNT];
  int kernels;
  ag_range_kernel kernel[AG_RANGE_KERNELS]; /* ascending */
} ag_range;                                 /* {0} is unknown */

struct ag_st_file;
struct ag_st_writer;

/* Widen a range by a graph; an unknown one becomes that of the graph. O(nodes). */
void ag_range_add(ag_range *range, const ag_graph *graph);
/* Narrow a range to what is in both; unknown if either is. */
void ag_range_meet(ag_range *range, const ag_range *other);
/* Of a training: that of the weights it starts from, if any, and of its samples. Unknown where
 * that of the weights is. */
ag_range ag_range_of_training(const ag_sample *train, int count, const ag_predictor *from);

void ag_range_put(const ag_range *range, struct ag_st_writer *writer);
/* Unknown if the file does not say. Errors: AG_FORMAT, naming the metadata. */
ag_status ag_range_read(const struct ag_st_file *file, ag_range *range, ag_error *err);

#endif
