/* The sums of training against OpenBLAS's, and the one that OpenBLAS makes against C's own. */
#include <cblas.h>

#include "engine/predict/product.h"
#include "engine/predict/vector.h"
#include "tests/predict/random_model.h"

enum { ROWS = 70, DEPTH = 300, WIDTH = 96 };

static void fill(ag_random *random, float *v, int count) {
  for (int i = 0; i < count; i++) v[i] = (float)ag_random_normal(random);
}

/* Sums of up to DEPTH products of about 1: what rounding leaves, in another order, is far below
 * this. */
static void assert_same(const float *a, const float *b, int count) {
  for (int i = 0; i < count; i++) assert_near(a[i], b[i], 1e-4);
}

static void test_products(void **state) {
  (void)state;
  static float left[ROWS * DEPTH], right[DEPTH * WIDTH], ours[ROWS * WIDTH], theirs[ROWS * WIDTH];
  for (int round = 0; round < 200; round++) {
    ag_random random = ag_random_stream(21, (uint64_t)round, 0, 0, 0);
    int rows = 1 + below(&random, ROWS), depth = 1 + below(&random, DEPTH);
    int width = 32 * (1 + below(&random, WIDTH / 32));
    bool transposed = below(&random, 2);
    fill(&random, left, rows * depth);
    fill(&random, right, depth * width);
    fill(&random, ours, rows * width);
    memcpy(theirs, ours, sizeof theirs);
    ag_product_add(&(ag_product){rows, depth, width, left, transposed ? 1 : depth,
                                 transposed ? rows : 1, right, ours});
    cblas_sgemm(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, rows, width,
                depth, 1, left, transposed ? rows : depth, right, width, 1, theirs, width);
    assert_same(ours, theirs, rows * width);
  }
}

/* To begin with a row is to copy it into every row and then to add. */
static void test_products_from_a_row(void **state) {
  (void)state;
  static float left[ROWS * DEPTH], right[DEPTH * WIDTH], set[ROWS * WIDTH], added[ROWS * WIDTH];
  for (int round = 0; round < 50; round++) {
    ag_random random = ag_random_stream(21, (uint64_t)round, 1, 0, 0);
    int rows = 1 + below(&random, ROWS), depth = 1 + below(&random, DEPTH);
    int width = 32 * (1 + below(&random, WIDTH / 32));
    float row[WIDTH];
    fill(&random, left, rows * depth);
    fill(&random, right, depth * width);
    fill(&random, set, rows * width);
    fill(&random, row, width);
    for (int i = 0; i < rows * width; i++) added[i] = row[i % width];
    ag_product_set(&(ag_product){rows, depth, width, left, depth, 1, right, set}, row);
    ag_product_add(&(ag_product){rows, depth, width, left, depth, 1, right, added});
    assert_memory_equal(set, added, (size_t)(rows * width) * sizeof *set);
  }
}

static void test_vectors(void **state) {
  (void)state;
  float matrix[WIDTH * WIDTH] = {0}, theirs[WIDTH * WIDTH];
  float x[WIDTH] = {0}, y[WIDTH] = {0}, a[WIDTH], b[WIDTH];
  for (int round = 0; round < 200; round++) {
    ag_random random = ag_random_stream(22, (uint64_t)round, 0, 0, 0);
    int d = 1 + below(&random, WIDTH);
    fill(&random, matrix, d * d);
    fill(&random, x, d);
    fill(&random, y, d);
    assert_near(ag_vector_dot(x, y, d), cblas_sdot(d, x, 1, y, 1), 1e-4);
    memcpy(a, y, sizeof a), memcpy(b, y, sizeof b);
    ag_vector_through(a, matrix, x, d);
    cblas_sgemv(CblasRowMajor, CblasNoTrans, d, d, 1, matrix, d, x, 1, 1, b, 1);
    assert_same(a, b, d);
    ag_vector_back(a, matrix, x, d);
    cblas_sgemv(CblasRowMajor, CblasTrans, d, d, 1, matrix, d, x, 1, 1, b, 1);
    assert_same(a, b, d);
    memcpy(theirs, matrix, sizeof theirs);
    ag_vector_outer(matrix, x, y, d);
    cblas_sger(CblasRowMajor, d, d, 1, x, 1, y, 1, theirs, d);
    assert_same(matrix, theirs, d * d);
  }
}

/* Why gradients may be added by a BLAS and still be the same bits on every processor: a product
 * with 1 is exact, so that fused or not, an element is one rounded sum. */
static void test_sum_of_two(void **state) {
  (void)state;
  float from[1000], to[1000], sum[1000];
  ag_random random = ag_random_stream(23, 0, 0, 0, 0);
  fill(&random, from, 1000);
  fill(&random, to, 1000);
  for (int i = 0; i < 1000; i++) sum[i] = to[i] + from[i];
  cblas_saxpy(1000, 1, from, 1, to, 1);
  assert_memory_equal(to, sum, sizeof sum);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_products),
      cmocka_unit_test(test_products_from_a_row),
      cmocka_unit_test(test_vectors),
      cmocka_unit_test(test_sum_of_two),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
