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

/* A layer of random weights and rows that read each other and a base, in no order. */
enum { STATES = 13, ROWS = 11 };
typedef struct layer_case {
  ag_layer_weights weights;
  float states[STATES * AG_WIDTH];
  float projected[STATES * AG_PROJECTED], expected[STATES * AG_PROJECTED];
  int32_t own[ROWS], start[ROWS + 1], refs[4 * ROWS];
  float out[3][ROWS * AG_WIDTH];
} layer_case;

static layer_case *make_case(ag_random *random, bool residual) {
  layer_case *c = ag_alloc_aligned(1, sizeof *c, AG_ALIGNMENT);
  memset(c, 0, sizeof *c);
  c->weights.residual = residual;
  for (int i = 0; i < AG_WIDTH * AG_PROJECTED; i++) {
    c->weights.matrix[i] = (float)ag_random_normal(random) / 6;
  }
  for (int i = 0; i < AG_WIDTH; i++) {
    c->weights.bias[i] = (float)ag_random_normal(random) / 6;
    c->weights.norm_weight[i] = (float)ag_random_normal(random);
    c->weights.norm_bias[i] = (float)ag_random_normal(random);
  }
  for (int i = 0; i < STATES * AG_WIDTH; i++) c->states[i] = (float)ag_random_normal(random);
  for (int r = 0; r < ROWS; r++) {
    c->own[r] = (int32_t)ag_random_below(random, 2 * STATES) - STATES;
    c->start[r + 1] = c->start[r] + (int32_t)ag_random_below(random, 5);
    for (int32_t e = c->start[r]; e < c->start[r + 1]; e++) {
      c->refs[e] = (int32_t)ag_random_below(random, 2 * STATES) - STATES;
    }
  }
  return c;
}

static const float *at(const float *rows, int32_t ref, int width) {
  return rows + (ref < 0 ? ~ref : ref) * width;
}

/* A layer's output by its definition, in double from the projections. */
static void check_row(const layer_case *c, int row, const float *out) {
  const ag_layer_weights *w = &c->weights;
  double z[AG_WIDTH], square = 0;
  for (int j = 0; j < AG_WIDTH; j++) {
    z[j] = (double)at(c->expected, c->own[row], AG_PROJECTED)[j];
    for (int32_t e = c->start[row]; e < c->start[row + 1]; e++) {
      z[j] += (double)at(c->expected, c->refs[e], AG_PROJECTED)[AG_WIDTH + j];
    }
    square += z[j] * z[j] / AG_WIDTH;
  }
  for (int j = 0; j < AG_WIDTH; j++) {
    double own = (double)at(c->states, c->own[row], AG_WIDTH)[j];
    double normed = z[j] / sqrt(square + 1e-5) * (double)w->norm_weight[j];
    double expected = tanh(w->residual ? normed + (double)w->norm_bias[j] : z[j]);
    assert_near((double)out[j], w->residual ? own + expected : expected, 4e-6);
  }
}

/* Products are those of scalar code, in order and rounded once; all variants give the same bits. */
static void test_layer(void **state) {
  (void)state;
  const ag_kernels *variant[3];
  int variants = ag_kernels_list(variant);
  for (int round = 0; round < 20; round++) {
    ag_random random = ag_random_stream(5, (uint64_t)round, 0, 0, 0);
    layer_case *c = make_case(&random, round % 2);
    ag_layer_input in = {c->states, c->projected, c->states, c->projected,
                         c->own,    c->start,     c->refs};
    int states = 1 + round % STATES;
    for (int i = 0; i < STATES * AG_PROJECTED; i++) {
      c->expected[i] = c->weights.bias[i % AG_PROJECTED];
      for (int k = 0; k < AG_WIDTH; k++) {
        c->expected[i] = fmaf(c->weights.matrix[k * AG_PROJECTED + i % AG_PROJECTED],
                              c->states[i / AG_PROJECTED * AG_WIDTH + k], c->expected[i]);
      }
    }
    for (int v = 0; v < variants; v++) {
      memset(c->projected, 0, sizeof c->projected);
      ag_project(variant[v], &c->weights, c->states, states, c->projected);
      assert_memory_equal(c->projected, c->expected,
                          (size_t)(states * AG_PROJECTED) * sizeof(float));
      ag_project(variant[v], &c->weights, c->states, STATES, c->projected);
      variant[v]->combine(&c->weights, &in, ROWS, c->out[v]);
      for (int r = 0; r < ROWS; r++) check_row(c, r, c->out[v] + r * AG_WIDTH);
      assert_memory_equal(c->out[v], c->out[0], sizeof c->out[0]);
    }
    free(c);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ranks),
      cmocka_unit_test(test_known_values),
      cmocka_unit_test(test_elementary_functions),
      cmocka_unit_test(test_layer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
