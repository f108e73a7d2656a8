/* The kernels for one width of vector registers; kernels.c includes this once per variant, with
 *
 *   VARIANT(name)        its name of a function
 *   TARGET               attribute of its functions
 *   LANES, vec           numbers in a register
 *   QUARTERS(x)          four numbers: x folded in halves until so many are left
 *   SPLAT(x)             x in all lanes
 *   FMA(a, b, c)         a * b + c, rounded once
 *   AT_MOST(a, b)        a < b ? a : b
 *   AT_LEAST(a, b)       a > b ? a : b
 *   ROWS                 rows whose 32 sums fit the registers at once
 *
 * Nothing here may be contracted, reassociated or replaced by a library's variant: the order is the
 * result. */

typedef vec VARIANT(unaligned) __attribute__((aligned(4), may_alias));
enum { VARIANT(VECTORS) = AG_WIDTH / LANES };

#define HELPER TARGET static inline __attribute__((always_inline))
#define LOAD(from) (*(const VARIANT(unaligned) *)(from))
#define STORE(to, value) (*(VARIANT(unaligned) *)(to) = (value))
#define N VARIANT(VECTORS)

/* 32 columns for a few rows: a loaded column serves them all, and their sums, each in its own
 * order, run side by side. */
HELPER void VARIANT(tile)(const float *matrix, const float *bias, int depth, int width,
                          const float *x, const int rows, float *out) {
  vec sum[ROWS][N];
  for (int r = 0; r < rows; r++) {
    for (int v = 0; v < N; v++) sum[r][v] = LOAD(bias + v * LANES);
  }
  for (int i = 0; i < depth; i++) {
    vec column[N];
    for (int v = 0; v < N; v++) column[v] = LOAD(matrix + i * width + v * LANES);
    for (int r = 0; r < rows; r++) {
      vec own = SPLAT(x[r * depth + i]);
      for (int v = 0; v < N; v++) sum[r][v] = FMA(column[v], own, sum[r][v]);
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int v = 0; v < N; v++) STORE(out + r * width + v * LANES, sum[r][v]);
  }
}

/* Up to ROWS rows; their number is a constant in each call. */
TARGET static void VARIANT(rows)(const float *matrix, const float *bias, int depth, int width,
                                 const float *x, int rows, float *out) {
#define CASE(count)                                                                                \
  case count:                                                                                      \
    VARIANT(tile)(m, b, depth, width, x, count, to);                                               \
    break
  for (int at = 0; at < width; at += AG_WIDTH) {
    const float *m = matrix + at, *b = bias + at;
    float *to = out + at;
    switch (rows) {
#if ROWS == 8
      CASE(8);
      CASE(7);
      CASE(6);
      CASE(5);
      CASE(4);
#endif
#if ROWS >= 3
      CASE(3);
      CASE(2);
#endif
      CASE(1);
    }
  }
#undef CASE
}

TARGET static void VARIANT(affine)(const float *matrix, const float *bias, int depth, int width,
                                   const float *x, int rows, float *out) {
  for (int r = 0; r < rows; r += ROWS) {
    int count = rows - r < ROWS ? rows - r : ROWS;
    VARIANT(rows)(matrix, bias, depth, width, x + r * depth, count, out + r * width);
  }
}

/* tanh on the range where it is not yet 1 in float: x P(x^2) / Q(x^2), degrees 13 and 6.
 * Coefficients: Eigen's generic_fast_tanh_float. */
HELPER void VARIANT(tanh)(vec *x) {
  vec above[N], below[N];
#define C(value) SPLAT(value)
  for (int v = 0; v < N; v++) {
    vec y = AT_LEAST(AT_MOST(x[v], C(TANH_LIMIT)), C(-TANH_LIMIT)), s = y * y;
    vec p = FMA(C(-2.76076847742355e-16f), s, C(2.00018790482477e-13f));
    p = FMA(p, s, C(-8.60467152213735e-11f));
    p = FMA(p, s, C(5.12229709037114e-08f));
    p = FMA(p, s, C(1.48572235717979e-05f));
    p = FMA(p, s, C(6.37261928875436e-04f));
    p = FMA(p, s, C(4.89352455891786e-03f));
    vec q = FMA(C(1.19825839466702e-06f), s, C(1.18534705686654e-04f));
    q = FMA(q, s, C(2.26843463243900e-03f));
    q = FMA(q, s, C(4.89352518554385e-03f));
    above[v] = y * p;
    below[v] = q;
  }
  for (int v = 0; v < N / 2; v++) {
    vec inverse = SPLAT(1) / (below[v] * below[v + N / 2]);
    x[v] = above[v] * (inverse * below[v + N / 2]);
    x[v + N / 2] = above[v + N / 2] * (inverse * below[v]);
  }
#undef C
}

/* Squares of a row's numbers, added up to four of them by the tree of ag_sum_lanes. */
HELPER quad VARIANT(squares)(const vec *x) {
  vec square[N];
  for (int v = 0; v < N; v++) square[v] = x[v] * x[v];
  for (int half = N / 2; half > 0; half /= 2) {
    for (int v = 0; v < half; v++) square[v] += square[v + half];
  }
  return QUARTERS(square[0]);
}

/* LayerNorm of rows whose mean is zero already: ag_layer_weights of residual layers are centred. */
HELPER void VARIANT(normalise)(const ag_layer_weights *w, vec (*x)[N], const int rows) {
  quad sum = {1, 1, 1, 1};
  for (int r = 0; r < rows; r++) {
    quad t = VARIANT(squares)(x[r]);
    sum[r] = (t[0] + t[2]) + (t[1] + t[3]);
  }
  quad scale = 1.0f / ROOTS(sum * (1.0f / AG_WIDTH) + AG_NORM_EPSILON);
  for (int r = 0; r < rows; r++) {
    for (int v = 0; v < N; v++) {
      vec weight = LOAD(w->norm_weight + v * LANES) * SPLAT(scale[r]);
      x[r][v] = FMA(x[r][v], weight, LOAD(w->norm_bias + v * LANES));
    }
  }
}

HELPER void VARIANT(add_row)(vec *x, const float *row) {
  for (int v = 0; v < N; v++) x[v] += LOAD(row + v * LANES);
}

HELPER void VARIANT(gather)(const ag_layer_input *in, int row, vec *x) {
  const float *said = ag_projected(in, in->own[row]);
  for (int v = 0; v < N; v++) x[v] = LOAD(said + v * LANES);
  for (int32_t e = in->start[row]; e < in->start[row + 1]; e++) {
    VARIANT(add_row)(x, ag_projected(in, in->refs[e]) + AG_WIDTH);
  }
}

HELPER void VARIANT(block)(const ag_layer_weights *w, const ag_layer_input *in, int first,
                           const int rows, float *out) {
  vec x[BLOCK][N];
  for (int r = 0; r < rows; r++) VARIANT(gather)(in, first + r, x[r]);
  if (w->residual) VARIANT(normalise)(w, x, rows);
  for (int r = 0; r < rows; r++) {
    VARIANT(tanh)(x[r]);
    if (w->residual) VARIANT(add_row)(x[r], ag_state(in, in->own[first + r]));
    for (int v = 0; v < N; v++) STORE(out + r * AG_WIDTH + v * LANES, x[r][v]);
  }
}

TARGET static void VARIANT(combine)(const ag_layer_weights *w, const ag_layer_input *in, int rows,
                                    float *out) {
  int r = 0;
  for (; r + BLOCK <= rows; r += BLOCK) VARIANT(block)(w, in, r, BLOCK, out + r * AG_WIDTH);
  for (; r < rows; r++) VARIANT(block)(w, in, r, 1, out + r * AG_WIDTH);
}

static const ag_kernels VARIANT(kernels) = {NAME, VARIANT(affine), VARIANT(combine)};

#undef HELPER
#undef LOAD
#undef STORE
#undef N
#undef VARIANT
#undef NAME
#undef TARGET
#undef LANES
#undef ROWS
#undef vec
#undef SPLAT
#undef QUARTERS
#undef FMA
#undef AT_MOST
#undef AT_LEAST
