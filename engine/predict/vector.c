#include "engine/predict/vector.h"

#include "engine/predict/kernels.h"

enum { LANES = 16 };

AG_VECTOR void ag_vector_add(float *to, float times, const float *from, int count) {
  for (int i = 0; i < count; i++) to[i] += times * from[i];
}

AG_VECTOR float ag_vector_dot(const float *a, const float *b, int count) {
  float part[LANES] = {0}, sum = 0;
  int i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int k = 0; k < LANES; k++) part[k] += a[i + k] * b[i + k];
  for (int k = 0; k < LANES; k++) sum += part[k];
  for (; i < count; i++) sum += a[i] * b[i];
  return sum;
}

void ag_vector_through(float *out, const float *matrix, const float *x, int size) {
  for (int i = 0; i < size; i++) out[i] += ag_vector_dot(matrix + i * size, x, size);
}

void ag_vector_back(float *out, const float *matrix, const float *x, int size) {
  for (int i = 0; i < size; i++) ag_vector_add(out, x[i], matrix + i * size, size);
}

void ag_vector_outer(float *matrix, const float *column, const float *row, int size) {
  for (int i = 0; i < size; i++) ag_vector_add(matrix + i * size, column[i], row, size);
}
