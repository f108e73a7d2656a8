/* Costs of children on a device, against the graphs made of them: bit for bit, whatever the number
 * of threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/search/assets.h"
#include "tests/support/random_graph.h"

static const char *const files[] = {"mobile-npu", "systolic-16", "nvdla-large", "ethos-u55-256"};

static ag_device bundled(const char *name) {
  char path[128];
  ag_device d;
  snprintf(path, sizeof path, "lua/autogo/devices/%s.json", name);
  assert_int_equal(ag_device_load(path, &d, NULL), AG_OK);
  return d;
}

static void check_batch(const ag_batch *batch, const ag_device *device) {
  double *values = AG_ARRAY(double, 4 * batch->size + 4);
  double *ms = values, *mj = ms + batch->size, *ms4 = mj + batch->size, *mj4 = ms4 + batch->size;
  ag_npu *npu = ag_npu_new(device), *other = ag_npu_new(device);
  bool *odd = AG_ARRAY(bool, batch->size);
  for (int i = 0; i < batch->size; i++) odd[i] = i % 2;
  ag_pool *pool = ag_pool_new(4);
  ag_batch_npu(batch, npu, NULL, NULL, ms, mj);
  ag_batch_npu(batch, other, pool, odd, ms4, mj4);
  for (int i = 0; i < batch->size; i++) {
    if (odd[i]) {
      assert_memory_equal(&ms[i], &ms4[i], sizeof *ms);
      assert_memory_equal(&mj[i], &mj4[i], sizeof *mj);
    } else {
      assert_true(ms4[i] == 0 && mj4[i] == 0); /* not touched */
    }
  }
  ag_batch_npu(batch, other, pool, NULL, ms4, mj4);
  if (batch->size) assert_memory_equal(ms, ms4, 2 * (size_t)batch->size * sizeof *ms);
  ag_pool_free(pool);
  free(odd);
  for (int i = 0; i < batch->size; i++) {
    const ag_graph *made;
    ag_npu_cost cost;
    assert_int_equal(ag_batch_graph(batch, i, &made, NULL), AG_OK);
    if (ag_npu_graph(npu, made, &cost, NULL, NULL)) {
      assert_true(isnan(ms[i]) && isnan(mj[i]));
    } else {
      assert_true(ms[i] == cost.ms && mj[i] == cost.mj);
    }
    ag_graph_release(made);
  }
  ag_npu_free(npu);
  ag_npu_free(other);
  free(values);
}

static void children_cost_what_their_graphs_cost(void **state) {
  (void)state;
  int children = 0;
  for (uint64_t seed = 0; seed < 8; seed++) {
    const ag_graph *parents[2];
    for (int p = 0; p < 2; p++) {
      const ag_graph *g = random_graph(2 * seed + (uint64_t)p, 50);
      parents[p] = ag_graph_canonical(g, NULL);
      ag_graph_release(g);
    }
    ag_space_options options = {tokenizer, database, predictor, .threads = 2, .seed = seed};
    for (int op = 0; op < AG_OP_COUNT; op++) options.permitted[op] = true;
    ag_space *space = ag_space_new(&options);
    ag_mutation_options few = ag_mutation_defaults();
    few.replacements = 20;
    ag_batch *batch;
    assert_int_equal(ag_space_mutate(space, parents, 2, &few, &batch, NULL), AG_OK);
    children += batch->size;
    ag_device device = bundled(files[seed % 4]);
    if (seed >= 4) device.operand_buffer = device.operand_buffer ? 20000 : 0; /* some do not fit */
    if (seed % 2) { /* and on some not all that stays finds room */
      device.resident = 20000;
      device.shared_buffer = 24000;
    }
    check_batch(batch, &device);
    ag_batch_free(batch);
    ag_space_free(space);
    for (int p = 0; p < 2; p++) ag_graph_release(parents[p]);
  }
  assert_true(children > 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(children_cost_what_their_graphs_cost)};
  return cmocka_run_group_tests(tests, load_assets, free_assets);
}
