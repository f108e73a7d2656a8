/* Cycles of the arrays: the 24 layers that SCALE-Sim v2 was run on, wavefronts simulated cell by
 * cell, totals of ResNet-50, and properties over random layers. */
#include <cJSON.h>

#include "engine/base/file.h"
#include "tests/hardware/support.h"

static ag_device systolic(int32_t rows, int32_t columns, ag_dataflow flow, bool edge) {
  ag_device d = bundled("systolic-16");
  d.array[0] = rows;
  d.array[1] = columns;
  d.dataflow = flow;
  d.edge = edge;
  unlimited(&d);
  return d;
}

/* --- the table ------------------------------------------------------------------------------ */

static int64_t number(const cJSON *object, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  if (!cJSON_IsNumber(item)) fail_msg("%s is missing", name);
  return (int64_t)item->valuedouble;
}

static ag_node node_of(const cJSON *layer_json) {
  ag_node n = ag_node_make(AG_OP_CONV);
  ag_shape in = {(int32_t)number(layer_json, "input_h"), (int32_t)number(layer_json, "input_w"),
                 (int32_t)number(layer_json, "in_channels")};
  n.kernel[0] = (int32_t)number(layer_json, "kernel_h");
  n.kernel[1] = (int32_t)number(layer_json, "kernel_w");
  n.stride[0] = n.stride[1] = (int32_t)number(layer_json, "stride");
  n.padding = AG_PAD_EXPLICIT;
  for (int i = 0; i < 4; i++) n.pads[i] = (int32_t)number(layer_json, "pad");
  n.groups = (int32_t)number(layer_json, "groups");
  n.out.c = (int32_t)number(layer_json, "out_channels");
  assert_int_equal(ag_node_infer(&n, &in, 1, NULL), AG_OK);
  return n;
}

static void check_layer(const cJSON *layer_json) {
  static const char *const flows[] = {"os", "ws", "is"};
  ag_node n = node_of(layer_json);
  ag_gemm g;
  assert_true(ag_gemm_of(&n, &g));
  assert_int_equal(g.m, number(layer_json, "M"));
  assert_int_equal(g.n, number(layer_json, "N"));
  assert_int_equal(g.k, number(layer_json, "K"));
  assert_int_equal(g.macs, number(layer_json, "macs"));
  for (int32_t size = 16; size <= 32; size *= 2)
    for (int flow = AG_FLOW_OS; flow <= AG_FLOW_IS; flow++) {
      const cJSON *arrays = cJSON_GetObjectItemCaseSensitive(layer_json, "arrays");
      const cJSON *array = cJSON_GetObjectItemCaseSensitive(arrays, size == 16 ? "16" : "32");
      const cJSON *row = cJSON_GetObjectItemCaseSensitive(array, flows[flow]);
      const cJSON *simulator = cJSON_GetObjectItemCaseSensitive(row, "simulator");
      ag_device full = systolic(size, size, (ag_dataflow)flow, false);
      ag_device edge = systolic(size, size, (ag_dataflow)flow, true);
      assert_int_equal(ag_array_cycles(&full, &n), number(row, "cycles_layer"));
      assert_int_equal(ag_array_cycles(&full, &n) / g.groups,
                       number(simulator, "total_cycles_reported") + 1);
      assert_int_equal(ag_array_cycles(&edge, &n), number(row, "cycles_edge_per_group") * g.groups);
      ag_npu_cost cost = cost_of_node(&full, &n);
      assert_int_equal(cost.counts.array, number(row, "cycles_layer"));
    }
}

static void every_count_of_scale_sim(void **state) {
  (void)state;
  const char *shared = getenv("AUTOGO_SHARED");
  char path[1024], *text;
  size_t size;
  if (!shared) {
    print_message("skipped: AUTOGO_SHARED is not set\n");
    skip();
  }
  snprintf(path, sizeof path, "%s/data/hardware/systolic_layers.json", shared);
  assert_int_equal(ag_file_read(path, 1 << 24, &text, &size, NULL), AG_OK);
  cJSON *root = cJSON_ParseWithLength(text, size);
  const cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, "layers"), *item;
  assert_int_equal(cJSON_GetArraySize(layers), 24);
  cJSON_ArrayForEach(item, layers) check_layer(item);
  cJSON_Delete(root);
  free(text);
}

/* --- wavefronts ----------------------------------------------------------------------------- */

/* Cycles of one fold, cell by cell: cell (r, c) starts r + c cycles after the operands enter and
 * works for `stream` cycles; a stationary tile comes in first, a row per cycle. */
static int64_t simulate_fold(int rows, int columns, int64_t stream, bool stationary) {
  int64_t last = 0;
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < columns; c++) {
      int64_t start = (stationary ? rows : 0) + r + c;
      if (start + stream > last) last = start + stream;
    }
  return last;
}

static int64_t simulate(const ag_device *d, int64_t on_rows, int64_t on_columns, int64_t stream) {
  int64_t cycles = 0;
  bool stationary = d->dataflow != AG_FLOW_OS;
  for (int64_t r = 0; r < on_rows; r += d->array[0])
    for (int64_t c = 0; c < on_columns; c += d->array[1]) {
      int64_t rows = on_rows - r < d->array[0] ? on_rows - r : d->array[0];
      int64_t columns = on_columns - c < d->array[1] ? on_columns - c : d->array[1];
      cycles += simulate_fold(d->edge ? (int)rows : d->array[0],
                              d->edge ? (int)columns : d->array[1], stream, stationary);
    }
  return cycles;
}

static void counts_are_those_of_wavefronts(void **state) {
  (void)state;
  ag_random r = ag_random_stream(81, 0, 0, 0, 0);
  for (int round = 0; round < 3000; round++) {
    ag_device d =
        systolic(below(&r, 12) + 1, below(&r, 12) + 1, (ag_dataflow)below(&r, 3), round % 2);
    int32_t m = below(&r, 60) + 1, n = below(&r, 40) + 1, k = below(&r, 50) + 1;
    ag_node node = layer(AG_OP_MATMUL, 1, m, k, n, 0, 0);
    int64_t expected = d.dataflow == AG_FLOW_OS   ? simulate(&d, m, n, k)
                       : d.dataflow == AG_FLOW_WS ? simulate(&d, k, n, m)
                                                  : simulate(&d, k, m, n);
    assert_int_equal(ag_array_cycles(&d, &node), expected);
  }
}

/* --- totals --------------------------------------------------------------------------------- */

struct total {
  ag_device device;
  int64_t cycles, macs;
};

static void add_cycles(void *context, const ag_node *node) {
  struct total *t = context;
  t->cycles += ag_array_cycles(&t->device, node);
  t->macs += ag_node_macs(node);
}

static void totals_of_resnet50(void **state) {
  (void)state;
  struct total nvdla = {.device = bundled("nvdla-large")};
  resnet50_convolutions(add_cycles, &nvdla);
  assert_int_equal(nvdla.macs, 3855925248);
  assert_int_equal(nvdla.cycles, 3054464);
}

/* The formulas of Ethos-U for a convolution with blocks of height x width outputs, hardware.md 1.4:
 * depth first, or by its rule the kernel's taps first. */
static int64_t ethos_blocks(const ag_node *n, int64_t height, int64_t width, bool rule) {
  int64_t taps = n->kernel[0] * n->kernel[1], c = n->in.c;
  int64_t h = n->out.h < height ? n->out.h : height, w = n->out.w < width ? n->out.w : width;
  int64_t blocks = ((n->out.h + height - 1) / height) * ((n->out.w + width - 1) / width);
  int64_t ublocks = ((h + 1) / 2) * ((w + 1) / 2), deep = taps * ((c + 31) / 32);
  double by_taps =
      (double)c / (double)((c + 7) / 8 * 8) * (double)taps / (double)((taps + 3) / 4 * 4);
  if (rule && (c <= 8 || by_taps > (double)c / (double)((c + 31) / 32 * 32))) {
    int64_t slice = c <= 8 ? 8 : 16;
    deep = (taps + 3) / 4 * (slice / 8) * ((c + slice - 1) / slice);
  }
  return blocks * (4 * ublocks > 32 ? 4 * ublocks : 32) * deep * ((n->out.c + 7) / 8);
}

struct ethos {
  ag_device device;
  int64_t deep, by_rule, best, ours;
};

static void add_blocks(void *context, const ag_node *n) {
  struct ethos *e = context;
  int64_t best = INT64_MAX, ours = ag_array_cycles(&e->device, n);
  for (int64_t height = 2; height <= 32; height += 2)
    for (int64_t width = 2; height * width <= 256; width += 2) {
      int64_t cycles = ethos_blocks(n, height, width, true);
      if (cycles < best) best = cycles;
    }
  assert_true(ours >= best && ours >= ag_node_macs(n) / 256);
  e->deep += ethos_blocks(n, 16, 16, false);
  e->by_rule += ethos_blocks(n, 16, 16, true);
  e->best += best;
  e->ours += ours;
}

/* The 22.33 M cycles that hardware.md derives for the convolutions of ResNet-50 are those of one
 * block of 16 x 16 for all layers, all depth first; its own rule takes the first layer, of three
 * channels, by taps, and a compiler chooses the block for each layer. Our count is what is left:
 * no block, even or odd, does better. */
static void cycles_of_ethos_u55(void **state) {
  (void)state;
  struct ethos e = {.device = bundled("ethos-u55-256")};
  resnet50_convolutions(add_blocks, &e);
  assert_int_equal(e.deep, 22329344);
  assert_true(fabs(3855925248 / 256.0 / (double)e.deep - 0.675) < 0.0005);
  assert_true(fabs((double)e.deep / 0.5e6 - 44.7) < 0.05); /* ms at 0.5 GHz */
  assert_true(e.by_rule < e.deep && e.best < e.by_rule);
  assert_int_equal(e.ours, e.best);
}

/* --- properties ----------------------------------------------------------------------------- */

static ag_device random_array(ag_random *r) {
  ag_device d = bundled(device_names[below(r, DEVICES)]);
  if (d.engine == AG_ENGINE_SYSTOLIC) {
    d.dataflow = (ag_dataflow)below(r, 3);
    d.edge = true;
  }
  if (below(r, 2) && d.engine == AG_ENGINE_CUBE) {
    d.array[0] = 1 + below(r, 20);
    d.array[1] = 1 + below(r, 20);
  }
  return d;
}

static ag_node random_layer(ag_random *r) {
  static const ag_op ops[] = {AG_OP_CONV, AG_OP_CONV, AG_OP_DEPTHWISE, AG_OP_MATMUL,
                              AG_OP_TRANSPOSED_CONV};
  ag_op op = ops[below(r, 5)];
  int32_t kernel = below(r, 5) + 1, stride = below(r, 3) + 1;
  return layer(op, below(r, 40) + 8, below(r, 40) + 8, below(r, 90) + 1, below(r, 90) + 1, kernel,
               stride);
}

static void never_faster_than_the_peak(void **state) {
  (void)state;
  ag_random r = ag_random_stream(82, 0, 0, 0, 0);
  for (int round = 0; round < 3000; round++) {
    ag_device d = random_array(&r);
    ag_node n = random_layer(&r);
    double least = (double)ag_node_macs(&n) / (double)ag_device_peak(&d);
    if (d.engine == AG_ENGINE_BLOCK_DOT && n.op == AG_OP_TRANSPOSED_CONV) continue;
    assert_true((double)ag_array_cycles(&d, &n) >= least);
  }
}

static void full_use_at_multiples_of_the_granule(void **state) {
  (void)state;
  ag_device cube = bundled("mobile-npu"), nvdla = bundled("nvdla-large");
  ag_node n = layer(AG_OP_CONV, 32, 32, 64, 128, 3, 1);
  assert_int_equal(ag_array_cycles(&cube, &n) * ag_device_peak(&cube), ag_node_macs(&n));
  assert_int_equal(ag_array_cycles(&nvdla, &n) * ag_device_peak(&nvdla), ag_node_macs(&n));
  ag_device os = systolic(16, 16, AG_FLOW_OS, false);
  ag_node deep = layer(AG_OP_MATMUL, 4, 4, 1 << 20, 16, 0, 0);
  double used = (double)ag_node_macs(&deep) / ((double)ag_array_cycles(&os, &deep) * 256);
  assert_true(used > 0.9999 && used <= 1);
}

static void edge_counts_are_monotone(void **state) {
  (void)state;
  ag_random r = ag_random_stream(83, 0, 0, 0, 0);
  for (int round = 0; round < 5000; round++) {
    ag_dataflow flow = (ag_dataflow)below(&r, 3);
    int32_t rows = below(&r, 40) + 1, columns = below(&r, 40) + 1;
    int32_t m = below(&r, 300) + 1, n = below(&r, 300) + 1, k = below(&r, 300) + 1;
    ag_device d = systolic(rows, columns, flow, true), full = systolic(rows, columns, flow, false);
    ag_device larger = systolic(rows + below(&r, 9), columns + below(&r, 9), flow, true);
    ag_node node = layer(AG_OP_MATMUL, 1, m, k, n, 0, 0);
    ag_node more =
        layer(AG_OP_MATMUL, 1, m + below(&r, 5), k + below(&r, 5), n + below(&r, 5), 0, 0);
    int64_t cycles = ag_array_cycles(&d, &node);
    assert_true(cycles <= ag_array_cycles(&full, &node));
    assert_true(ag_array_cycles(&larger, &node) <= cycles);
    assert_true(ag_array_cycles(&d, &more) >= cycles);
  }
}

static void the_same_work_costs_the_same(void **state) {
  (void)state;
  ag_random r = ag_random_stream(84, 0, 0, 0, 0);
  for (int round = 0; round < 500; round++) {
    ag_device d = random_array(&r);
    int32_t h = below(&r, 30) + 5, w = below(&r, 30) + 5, in = below(&r, 60) + 2;
    int32_t out = below(&r, 60) + 1, kernel = below(&r, 4) + 1;
    ag_node conv = layer(AG_OP_CONV, h, w, in, out, 1, 1);
    ag_node product = layer(AG_OP_MATMUL, h, w, in, out, 0, 0);
    if (d.engine != AG_ENGINE_BLOCK_DOT || h * w == 1)
      assert_int_equal(ag_array_cycles(&d, &conv), ag_array_cycles(&d, &product));
    ag_node plain = layer(AG_OP_CONV, h, w, in, out, kernel, 1);
    ag_node transposed = layer(AG_OP_TRANSPOSED_CONV, h, w, in, out, kernel, 1);
    assert_int_equal(ag_array_cycles(&d, &plain), ag_array_cycles(&d, &transposed));
    ag_node depthwise = layer(AG_OP_DEPTHWISE, h, w, in, in, kernel, 1), grouped = depthwise;
    grouped.op = AG_OP_CONV;
    assert_int_equal(ag_array_cycles(&d, &depthwise), ag_array_cycles(&d, &grouped));
    assert_int_equal(cost_of_node(&d, &depthwise).time, cost_of_node(&d, &grouped).time);
    assert_int_equal(cost_of_node(&d, &plain).energy, cost_of_node(&d, &transposed).energy);
  }
}

static void twice_the_rows_take_twice_the_cycles(void **state) {
  (void)state;
  ag_device cube = bundled("mobile-npu"), int8 = cube;
  int8.array[2] = 32;
  int8.element_bytes = 1;
  ag_random r = ag_random_stream(85, 0, 0, 0, 0);
  for (int round = 0; round < 500; round++) {
    int32_t h = below(&r, 60) + 4, w = below(&r, 60) + 4, in = below(&r, 90) + 5;
    ag_node n = layer(AG_OP_CONV, h, w, in, 32, 3, 1),
            twice = layer(AG_OP_CONV, 2 * h, w, in, 32, 3, 1);
    int64_t fold = ag_array_cycles(&cube, &n) * 8 / (h * w) + 1;
    int64_t difference = 2 * ag_array_cycles(&cube, &n) - ag_array_cycles(&cube, &twice);
    assert_true(difference >= 0 && difference <= 2 * fold);
    assert_true(2 * ag_array_cycles(&int8, &n) >= ag_array_cycles(&cube, &n));
    assert_true(ag_array_cycles(&int8, &n) <= ag_array_cycles(&cube, &n));
  }
}

static void large_layers_do_not_wrap(void **state) {
  (void)state;
  ag_node n = layer(AG_OP_CONV, 4320, 7680, 512, 32, 3, 1);
  assert_int_equal(ag_node_macs(&n), INT64_C(4320) * 7680 * 512 * 32 * 9);
  for (int i = 0; i < DEVICES; i++) {
    ag_device d = bundled(device_names[i]);
    double least = (double)ag_node_macs(&n) / (double)ag_device_peak(&d);
    int64_t cycles = ag_array_cycles(&d, &n);
    assert_true((double)cycles >= least && (double)cycles < 20 * least);
    ag_npu_cost cost = cost_of_node(&d, &n);
    assert_true(isfinite(cost.ms) && cost.ms * 1e6 * d.clock_ghz >= least);
    assert_true(isfinite(cost.mj) && cost.mj > 0);
  }
}

/* --- refetches ------------------------------------------------------------------------------ */

/* Bytes of a product of one-byte elements and four-byte sums, by hardware.md 3.2. */
static int64_t moved(ag_dataflow order, const int64_t tile[3], int64_t expected[3]) {
  int64_t m = 784, n = 128, k = 1152;
  ag_refetch f = ag_tiling_refetch(order, (m + tile[0] - 1) / tile[0], (n + tile[1] - 1) / tile[1],
                                   (k + tile[2] - 1) / tile[2]);
  expected[0] = m * k * f.input;
  expected[1] = k * n * f.weight;
  expected[2] = m * n * (1 + (f.visits - 1) * 8);
  return expected[0] + expected[1] + expected[2];
}

static void refetches_of_the_worked_example(void **state) {
  (void)state;
  static const int64_t narrow[] = {112, 64, 288}, wide[] = {98, 128, 192};
  int64_t b[3];
  assert_int_equal(moved(AG_FLOW_OS, narrow, b), 2938880);
  assert_int_equal(moved(AG_FLOW_WS, narrow, b), 4462592);
  assert_int_equal(moved(AG_FLOW_IS, narrow, b), 4444160);
  for (int order = AG_FLOW_OS; order <= AG_FLOW_IS; order += 2) {
    moved((ag_dataflow)order, wide, b);
    assert_int_equal(b[0], 903168);
    assert_int_equal(b[1], 1179648);
    assert_int_equal(b[2], 100352);
  }
  moved(AG_FLOW_WS, wide, b);
  assert_int_equal(b[1], 147456);
  assert_int_equal(b[2], 4114432);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_count_of_scale_sim),
      cmocka_unit_test(counts_are_those_of_wavefronts),
      cmocka_unit_test(totals_of_resnet50),
      cmocka_unit_test(cycles_of_ethos_u55),
      cmocka_unit_test(never_faster_than_the_peak),
      cmocka_unit_test(full_use_at_multiples_of_the_granule),
      cmocka_unit_test(edge_counts_are_monotone),
      cmocka_unit_test(the_same_work_costs_the_same),
      cmocka_unit_test(twice_the_rows_take_twice_the_cycles),
      cmocka_unit_test(large_layers_do_not_wrap),
      cmocka_unit_test(refetches_of_the_worked_example),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
