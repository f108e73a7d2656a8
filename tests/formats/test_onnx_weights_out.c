/* Weights of what is written: the very bits that the graph has, and He-initialised ones where it
 * has none. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/formats/onnx_written.h"

static void weights_keep_their_bits(void **state) {
  (void)state;
  model m = {0};
  image(&m, "x", 8, 6, 6);
  output(&m, "y");
  const char *const vectors[] = {"scale", "shift", "mean", "variance"};
  weight(&m, "w", 4, (int64_t[]){8, 8, 3, 3});
  weight(&m, "b", 1, (int64_t[]){8});
  for (int i = 0; i < 4; i++) weight(&m, vectors[i], 1, (int64_t[]){8});
  weight(&m, "slope", 3, (int64_t[]){8, 1, 1});
  node(&m, "Conv", "x,w,b", "a", NULL);
  node(&m, "BatchNormalization", "a,scale,shift,mean,variance", "c", NULL);
  node(&m, "PRelu", "c,slope", "y", NULL);
  size_t size;
  char *bytes = finish(&m, 13, &size);
  const ag_graph *g = parse(bytes, size, NULL), *back = round_trip(g, true);
  free(bytes);
  assert_same(g, back, "weights");
  for (int i = 0; i < g->size; i++) {
    const ag_record *a = ag_store_get(g->store, g->nodes[i].record);
    const ag_record *b = ag_store_get(back->store, back->nodes[i].record);
    for (int role = 0; a && role < AG_ROLE_COUNT; role++) {
      assert_int_equal(a->has[role], b->has[role]);
      if (!a->has[role]) continue;
      assert_int_equal(a->tensor[role].bytes, b->tensor[role].bytes);
      assert_memory_equal(a->tensor[role].data, b->tensor[role].data, a->tensor[role].bytes);
    }
  }
  ag_graph_release(back);
  ag_graph_release(g);
}

static float element(const ag_tensor *t, int64_t i) {
  float value;
  memcpy(&value, (const char *)t->data + 4 * i, 4);
  return value;
}

static void assert_all(const ag_tensor *t, float expected) {
  for (size_t i = 0; i < t->bytes / 4; i++) assert_true(element(t, (int64_t)i) == expected);
}

/* He: normal, or at least of mean 0 and variance 2 / fan-in. */
static void new_weights_are_he_initialised(void **state) {
  (void)state;
  ag_node conv = window(AG_OP_CONV, 3, 1, AG_PAD_SAME);
  conv.out.c = 64;
  conv.bias = 1;
  const ag_graph *g = around(conv, (ag_shape){8, 8, 32}, 1), *back = round_trip(g, true);
  const ag_record *r = ag_store_get(back->store, back->nodes[1].record);
  const ag_tensor *kernel = &r->tensor[AG_ROLE_KERNEL];
  int64_t n = (int64_t)(kernel->bytes / 4);
  double sum = 0, squares = 0, variance = 2.0 / (9 * 32);
  assert_int_equal(n, 64 * 32 * 9);
  for (int64_t i = 0; i < n; i++) {
    double x = (double)element(kernel, i);
    sum += x;
    squares += x * x;
  }
  assert_true(fabs(sum / (double)n) < 5 * sqrt(variance / (double)n));
  assert_true(fabs(squares / (double)n / variance - 1) < 0.06);
  assert_all(&r->tensor[AG_ROLE_BIAS], 0);
  ag_graph_release(back);
  ag_graph_release(g);

  g = around(ag_node_make(AG_OP_BATCHNORM), (ag_shape){4, 4, 8}, 1);
  back = round_trip(g, true);
  r = ag_store_get(back->store, back->nodes[1].record);
  assert_all(&r->tensor[AG_ROLE_SCALE], 1);
  assert_all(&r->tensor[AG_ROLE_SHIFT], 0);
  assert_all(&r->tensor[AG_ROLE_MEAN], 0);
  assert_all(&r->tensor[AG_ROLE_VARIANCE], 1);
  ag_graph_release(back);
  ag_graph_release(g);
}

static void bytes_depend_on_graph_and_seed_alone(void **state) {
  (void)state;
  const ag_graph *g = random_graph(5, 40);
  size_t sizes[3];
  char *a = written(g, 7, true, &sizes[0]), *b = written(g, 7, true, &sizes[1]);
  char *c = written(g, 8, true, &sizes[2]);
  assert_int_equal(sizes[0], sizes[1]);
  assert_memory_equal(a, b, sizes[0]);
  assert_int_equal(sizes[0], sizes[2]);
  assert_true(memcmp(a, c, sizes[0]) != 0);
  free(a);
  free(b);
  free(c);
  ag_graph_release(g);
}

static void weights_can_be_left_to_the_user(void **state) {
  (void)state;
  ag_node conv = window(AG_OP_CONV, 3, 1, AG_PAD_SAME);
  conv.out.c = 256;
  const ag_graph *g = around(conv, (ag_shape){8, 8, 256}, 1), *back;
  size_t size;
  char *bytes = written(g, 1, false, &size);
  assert_true(size < 2000);
  back = parse(bytes, size, NULL);
  assert_same(g, back, "without weights");
  free(bytes);
  ag_graph_release(back);
  ag_graph_release(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weights_keep_their_bits),
      cmocka_unit_test(new_weights_are_he_initialised),
      cmocka_unit_test(bytes_depend_on_graph_and_seed_alone),
      cmocka_unit_test(weights_can_be_left_to_the_user),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
