/* Products of thin matrices: one side is 32 to 96 wide, the other as long as a batch. A tile of
 * eight rows by 32 columns stays in registers while the sum runs; it is cut into slices, so that
 * what a tile reads of both factors stays in the first-level cache, whichever of them is long.
 * OpenBLAS would do, but for two things: it rounds in another order on every processor, and on
 * processors newer than itself it takes its slowest kernels. */
#include "engine/predict/product.h"

#include <stddef.h>

#include "engine/predict/kernels.h"

enum { TILE_ROWS = 8, TILE_WIDTH = 32, SLICE = 128 };

/* 16 numbers at once; the compiler splits them where registers are narrower. */
typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));
enum { VECTORS = TILE_WIDTH / 16 };

/* One tile's sum over `depth`; `left` and `right` begin at it. Its first row starts as `from`, the
 * others `stride` behind each other. */
AG_INLINE void tile(const ag_product *p, const float *left, const float *right, int depth,
                    const float *from, int stride, float *out, const int rows) {
  lanes sum[TILE_ROWS][VECTORS];
  for (int r = 0; r < rows; r++) {
    for (int v = 0; v < VECTORS; v++) sum[r][v] = ((const lanes *)(from + r * stride))[v];
  }
  for (int k = 0; k < depth; k++, left += p->along, right += p->width) {
    for (int r = 0; r < rows; r++) {
      float x = left[r * p->across];
      for (int v = 0; v < VECTORS; v++) sum[r][v] += ((const lanes *)right)[v] * x;
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int v = 0; v < VECTORS; v++) ((lanes *)(out + r * p->width))[v] = sum[r][v];
  }
}

/* Every row of `out` starts as `row`, or as it is if that is NULL. */
AG_VECTOR static void multiply(const ag_product *p, const float *row) {
  for (int k = 0; k < p->depth; k += SLICE) {
    int depth = p->depth - k < SLICE ? p->depth - k : SLICE;
    const float *left = p->left + k * p->along;
    bool set = row && k == 0;
    int stride = set ? 0 : p->width;
    for (int n = 0; n < p->width; n += TILE_WIDTH) {
      const float *right = p->right + k * p->width + n, *from = (set ? row : p->out) + n;
      float *out = p->out + n;
      int m = 0;
      for (; m + TILE_ROWS <= p->rows; m += TILE_ROWS) {
        tile(p, left + m * p->across, right, depth, from + m * stride, stride, out + m * p->width,
             TILE_ROWS);
      }
      for (; m < p->rows; m++) {
        tile(p, left + m * p->across, right, depth, from + m * stride, stride, out + m * p->width,
             1);
      }
    }
  }
}

void ag_product_add(const ag_product *p) {
  multiply(p, NULL);
}

void ag_product_set(const ag_product *p, const float *row) {
  multiply(p, row);
}

void ag_transpose(const float *from, int rows, int columns, float *to) {
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < columns; j++) to[j * rows + i] = from[i * columns + j];
  }
}
