/* Rank metrics against their definitions, ties included, and kernels against libm. */
#include "engine/predict/kernels.h"
#include "tests/predict/random_model.h"

static double brute_rank(const double *v, int n, int i) {
  double rank = 1;
  for (int j = 0; j < n; j++) rank += v[j] < v[i] ? 1 : (j != i && v[j] == v[i]) ? 0.5 : 0;
  return rank;
}

static double brute_srcc(const double *a, const double *b, int n) {
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (int i = 0; i < n; i++) {
    double ra = brute_rank(a, n, i), rb = brute_rank(b, n, i);
    x += ra, y += rb, xx += ra * ra, yy += rb * rb, xy += ra * rb;
  }
  double va = xx - x * x / n, vb = yy - y * y / n;
  return va > 0 && vb > 0 ? (xy - x * y / n) / sqrt(va * vb) : 0;
}

static double brute_kendall(const double *a, const double *b, int n) {
  double score = 0, pairs_a = 0, pairs_b = 0;
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < i; j++) {
      int da = (a[i] > a[j]) - (a[i] < a[j]), db = (b[i] > b[j]) - (b[i] < b[j]);
      score += da * db;
      pairs_a += da != 0;
      pairs_b += db != 0;
    }
  }
  return pairs_a * pairs_b > 0 ? score / sqrt(pairs_a * pairs_b) : 0;
}

static void test_ranks(void **state) {
  (void)state;
  for (int round = 0; round < 300; round++) {
    ag_random random = ag_random_stream(4, (uint64_t)round, 0, 0, 0);
    double a[40], b[40];
    int n = below(&random, 40), values = 1 + below(&random, 30);
    for (int i = 0; i < n; i++) {
      a[i] = below(&random, values);
      b[i] = below(&random, 3) ? a[i] + below(&random, 5) : below(&random, values);
    }
    assert_near(ag_srcc(a, b, n), brute_srcc(a, b, n), 1e-12);
    assert_near(ag_kendall(a, b, n), brute_kendall(a, b, n), 1e-12);
  }
}

static void test_known_values(void **state) {
  (void)state;
  const double a[] = {1, 2, 3, 4}, b[] = {10, 20, 30, 40}, c[] = {4, 3, 2, 1}, d[] = {1, 1, 1, 1};
  assert_near(ag_srcc(a, b, 4), 1, 1e-12);
  assert_near(ag_srcc(a, c, 4), -1, 1e-12);
  assert_near(ag_kendall(a, c, 4), -1, 1e-12);
  assert_near(ag_srcc(a, d, 4), 0, 0);
  assert_near(ag_kendall(d, a, 4), 0, 0);
  assert_near(ag_mae(a, c, 4), 2, 1e-12);
  assert_near(ag_mae(a, b, 0), 0, 0);
}

static void test_elementary_functions(void **state) {
  (void)state;
  for (double x = -12; x < 12; x += 0.0007) {
    float narrow = (float)x;
    assert_near((double)ag_tanh(narrow), tanh((double)narrow), 4e-7);
    assert_near(ag_tanh_exact(x), tanh(x), 1e-14);
  }
  for (double x = 1; x < 1e6; x *= 1.01) assert_near(ag_log2_exact(x), log2(x), 1e-13);
}

/* The vector variants must give the bits of plain scalar code. */
static void test_layer_order(void **state) {
  (void)state;
  ag_random random = ag_random_stream(5, 0, 0, 0, 0);
  ag_layer_weights *w = AG_NEW(ag_layer_weights);
  float own[AG_WIDTH], sum[AG_WIDTH], out[AG_WIDTH];
  float *all = (float *)w;
  for (int i = 0; i < 2 * AG_WIDTH * AG_WIDTH + 3 * AG_WIDTH; i++) {
    all[i] = (float)ag_random_normal(&random) / 6;
  }
  for (int i = 0; i < AG_WIDTH; i++) {
    own[i] = (float)ag_random_normal(&random);
    sum[i] = (float)ag_random_normal(&random);
  }
  ag_kernel_layer(w, own, sum, out, 1);
  for (int o = 0; o < AG_WIDTH; o++) {
    volatile float a = w->bias[o], b = 0;
    for (int i = 0; i < AG_WIDTH; i++) {
      volatile float right = w->right[i * AG_WIDTH + o] * own[i];
      volatile float left = w->left[i * AG_WIDTH + o] * sum[i];
      a += right;
      b += left;
    }
    assert_true(out[o] == ag_tanh(a + b));
  }
  free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ranks),
      cmocka_unit_test(test_known_values),
      cmocka_unit_test(test_elementary_functions),
      cmocka_unit_test(test_layer_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
