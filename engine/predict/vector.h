/* Sums of vectors for training, in one order and without fused rounding: the same bits on every
 * processor, which no BLAS promises. */
#ifndef AG_PREDICT_VECTOR_H
#define AG_PREDICT_VECTOR_H

/* to[i] += times * from[i]. */
void ag_vector_add(float *to, float times, const float *from, int count);

/* The sum of a[i] * b[i]; 16 partial sums over every sixteenth product, then those in turn. */
float ag_vector_dot(const float *a, const float *b, int count);

/* Square matrices of `size` rows: out += matrix * x, out += transposed matrix * x, and
 * matrix += column * row. */
void ag_vector_through(float *out, const float *matrix, const float *x, int size);
void ag_vector_back(float *out, const float *matrix, const float *x, int size);
void ag_vector_outer(float *matrix, const float *column, const float *row, int size);

#endif
