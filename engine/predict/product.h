/* Matrix products of training. */
#ifndef AG_PREDICT_PRODUCT_H
#define AG_PREDICT_PRODUCT_H

/* out[m][n] += sum over k < depth of left[m * across + k * along] * right[k * width + n],
 * for m < rows and n < width; width is a multiple of 32, `out` has rows of that width. The strides
 * make `left` a matrix or a transposed one. Sums run over k in a fixed order, the same on every
 * processor. O(rows * depth * width). */
typedef struct ag_product {
  int rows, depth, width;
  const float *left;
  int across, along;
  const float *right;
  float *out;
} ag_product;

void ag_product_add(const ag_product *product);
/* The same, but every row of `out` is first set to `row`. */
void ag_product_set(const ag_product *product, const float *row);

/* to[j * rows + i] = from[i * columns + j]. */
void ag_transpose(const float *from, int rows, int columns, float *to);

#endif
