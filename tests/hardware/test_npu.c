/* The cost of networks: sums and bounds over random graphs, what fusion and residency may do, and
 * that more work or less hardware never gets cheaper. */
#include "tests/hardware/support.h"
#include "tests/support/random_graph.h"

static void check_bounds(const ag_device *d, const ag_graph *g) {
  ag_npu_node *nodes = AG_ARRAY(ag_npu_node, g->size);
  ag_npu_cost cost = cost_of(d, g, nodes);
  double ms = 0, mj = 0;
  int64_t macs = 0;
  for (int i = 0; i < g->size; i++) {
    const ag_npu_node *n = &nodes[i];
    macs += ag_node_macs(&g->nodes[i]);
    if (n->group != i) {
      assert_true(n->group < i && (n->group < 0 || nodes[n->group].group == n->group));
      assert_int_equal(n->counts.macs, 0);
      continue;
    }
    double busy = fmax((double)n->counts.array, (double)n->counts.vector);
    double slack = 1e-4 + 1e-9 * n->cycles; /* times are multiples of 2^-16 ns */
    double start = d->start + d->dram_latency;
    assert_true(n->cycles + slack >= fmax(busy, n->memory));
    assert_true(n->cycles <= busy + n->memory + start + slack);
    assert_true(n->exposed >= 0 && n->exposed <= n->cycles);
    assert_true(n->utilisation >= 0 && n->utilisation <= 1);
    if (n->counts.macs) assert_true(n->utilisation > 0);
    if (n->counts.array) assert_true(n->counts.slots >= n->counts.macs);
    ms += n->ms;
    mj += n->mj;
  }
  assert_int_equal(cost.counts.macs, macs);
  assert_true(fabs(ms - cost.ms) <= 1e-9 * ms && fabs(mj - cost.mj) <= 1e-6 * mj);
  assert_true(cost.ms > 0 && cost.mj > cost.static_mj && cost.mj_system >= cost.mj);
  assert_true(fabs(cost.mw * cost.ms * 1e-3 - cost.mj) <= 1e-9 * cost.mj);
  double fps = 0.5e3 / cost.ms, dynamic = cost.mj - cost.static_mj;
  assert_true(fabs(ag_npu_power_at(&cost, d, fps) - (d->static_mw + fps * dynamic)) < 1e-6);
  assert_true(isnan(ag_npu_power_at(&cost, d, 1.01e3 / cost.ms)));
  free(nodes);
}

static void sums_and_bounds(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 60; seed++) {
    const ag_graph *g = random_graph(seed, 60);
    for (int i = 0; i < DEVICES; i++) {
      ag_device d = bundled(device_names[i]);
      check_bounds(&d, g);
    }
    ag_graph_release(g);
  }
}

static void any_order_gives_the_same_bits(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 200; seed++) {
    ag_device d = bundled(device_names[seed % DEVICES]);
    const ag_graph *g = random_graph(seed, 70), *h = renumbered_graph(g, seed + 1, NULL);
    ag_npu_cost a = cost_of(&d, g, NULL), b = cost_of(&d, h, NULL);
    assert_int_equal(a.time, b.time);
    assert_int_equal(a.energy, b.energy);
    assert_memory_equal(&a.counts, &b.counts, sizeof a.counts);
    ag_graph_release(g);
    ag_graph_release(h);
  }
}

/* --- traffic -------------------------------------------------------------------------------- */

static ag_node random_layer(ag_random *r) {
  static const ag_op ops[] = {
      AG_OP_CONV,    AG_OP_CONV, AG_OP_DEPTHWISE, AG_OP_MATMUL, AG_OP_TRANSPOSED_CONV,
      AG_OP_MAXPOOL, AG_OP_ADD};
  ag_op op = ops[below(r, 6)];
  return layer(op, below(r, 70) + 8, below(r, 70) + 8, below(r, 300) + 1, below(r, 300) + 1,
               below(r, 5) + 1, below(r, 2) + 1);
}

static int64_t dram(const ag_npu_cost *c) {
  return c->counts.dram_read + c->counts.dram_written;
}

/* A product never moves less than every operand once, nor than the red-blue pebble bound. */
static void traffic_keeps_to_lower_bounds(void **state) {
  (void)state;
  ag_random r = ag_random_stream(91, 0, 0, 0, 0);
  for (int round = 0; round < 400; round++) {
    ag_device d = bundled(round % 2 ? "systolic-16" : "nvdla-large");
    if (round % 3 == 0) d.input_buffer = d.weight_buffer = d.input_buffer ? 4096 : 0;
    if (round % 3 == 0 && d.operand_buffer) d.operand_buffer = 16384;
    ag_node n = layer(AG_OP_MATMUL, below(&r, 60) + 1, below(&r, 60) + 1, below(&r, 900) + 1,
                      below(&r, 900) + 1, 0, 0);
    ag_npu_cost c = cost_of_node(&d, &n);
    double m = (double)n.in.h * n.in.w, k = n.in.c, out = n.out.c;
    double compulsory = (m * k + k * out + m * out) * d.element_bytes;
    double room = (double)(d.operand_buffer + d.input_buffer + d.weight_buffer + d.output_buffer);
    double bound = 2 * m * k * out / sqrt(room) - 2 * room;
    assert_true((double)dram(&c) >= compulsory && (double)dram(&c) >= bound);
  }
}

static void unlimited_buffers_move_everything_once(void **state) {
  (void)state;
  ag_random r = ag_random_stream(92, 0, 0, 0, 0);
  for (int round = 0; round < 300; round++) {
    ag_device d = bundled(device_names[round % DEVICES]);
    unlimited(&d);
    d.resident = 0;
    ag_node n = layer(AG_OP_CONV, below(&r, 50) + 8, below(&r, 50) + 8, below(&r, 90) + 1,
                      below(&r, 90) + 1, below(&r, 5) + 1, 1);
    ag_npu_cost c = cost_of_node(&d, &n);
    int64_t elements = ag_shape_size(n.in) + ag_node_params(&n) + ag_shape_size(n.out);
    assert_int_equal(dram(&c), elements * d.element_bytes);
  }
}

/* --- less hardware -------------------------------------------------------------------------- */

static void shrink(ag_device *d, ag_random *r, int what) {
  double share = 0.3 + 0.1 * below(r, 7);
  switch (what) {
  case 0:
    d->operand_buffer = (int64_t)((double)d->operand_buffer * share);
    d->input_buffer = (int64_t)((double)d->input_buffer * share);
    return;
  case 1:
    d->weight_buffer = (int64_t)((double)d->weight_buffer * share);
    return;
  case 2:
    d->output_buffer = (int64_t)((double)d->output_buffer * share);
    return;
  case 3:
    d->dram_gbps *= share;
    return;
  case 4:
    d->clock_ghz *= share;
    return;
  case 5:
    d->resident = (int64_t)((double)d->resident * share);
    return;
  case 6:
    d->vector_bytes *= share;
    return;
  default:
    for (int i = 0; i < 2; i++)
      if (below(r, 2) && d->array[i] > 1) d->array[i] /= 2;
  }
}

static void less_hardware_is_never_cheaper(void **state) {
  (void)state;
  ag_random r = ag_random_stream(93, 0, 0, 0, 0);
  for (int round = 0; round < 700; round++) {
    ag_device d = bundled(device_names[below(&r, DEVICES)]), small = d;
    if (d.shared_gbps > 0) d.shared_gbps = small.shared_gbps = d.shared_pj = small.shared_pj = 0;
    d.edge = true;
    small.edge = true;
    if (round % 8 == 7) { /* the granule of tiles changes with the array */
      unlimited(&d);
      unlimited(&small);
    }
    shrink(&small, &r, round % 8);
    ag_node n = random_layer(&r);
    ag_npu_cost a = cost_of_node(&d, &n), b = cost_of_node(&small, &n);
    if (b.time < a.time || b.mj < a.mj || dram(&b) < dram(&a))
      fail_msg("%s, less of %d: %s of %dx%dx%d to %d, kernel %d: %g ms, %g mJ to %g ms, %g mJ",
               d.name, round % 8, ag_op_get((ag_op)n.op)->name, n.in.h, n.in.w, n.in.c, n.out.c,
               n.kernel[0], a.ms, a.mj, b.ms, b.mj);
  }
}

static void clock_and_bandwidth_scale_time(void **state) {
  (void)state;
  ag_random r = ag_random_stream(94, 0, 0, 0, 0);
  for (int round = 0; round < 200; round++) {
    ag_device d = bundled(device_names[round % DEVICES]), fast = d;
    fast.clock_ghz *= 2;
    fast.dram_gbps *= 2;
    fast.shared_gbps *= 2;
    ag_node n = random_layer(&r);
    ag_npu_cost a = cost_of_node(&d, &n), b = cost_of_node(&fast, &n);
    assert_true(llabs(a.time - 2 * b.time) <= 1); /* rounded once each */
    assert_int_equal(a.energy, b.energy);
  }
}

/* --- more work ------------------------------------------------------------------------------ */

static void more_work_is_never_cheaper(void **state) {
  (void)state;
  ag_random r = ag_random_stream(95, 0, 0, 0, 0);
  static const ag_op ops[] = {AG_OP_CONV, AG_OP_DEPTHWISE, AG_OP_MATMUL, AG_OP_TRANSPOSED_CONV,
                              AG_OP_MAXPOOL};
  for (int round = 0; round < 1500; round++) {
    ag_device d = bundled(device_names[below(&r, DEVICES)]);
    ag_op op = ops[below(&r, 5)];
    int32_t h = below(&r, 80) + 1, w = below(&r, 80) + 1, in = below(&r, 100) + 1;
    int32_t out = below(&r, 100) + 1, kernel = below(&r, 6) + 1;
    bool deeper = below(&r, 2);
    ag_node n = layer(op, h, w, in, out, kernel, 1);
    ag_node more =
        layer(op, h + below(&r, 9) * !deeper, w + below(&r, 9) * !deeper,
              in + below(&r, 20) * deeper, out + below(&r, 20) * deeper, kernel + below(&r, 2), 1);
    ag_npu_cost a = cost_of_node(&d, &n), b = cost_of_node(&d, &more);
    if (b.time < a.time || b.energy < a.energy)
      fail_msg("%s, %s of %dx%dx%d to %d, kernel %d: %lld, %lld to %lld, %lld", d.name,
               ag_op_get(op)->name, h, w, in, out, kernel, (long long)a.time, (long long)a.energy,
               (long long)b.time, (long long)b.energy);
  }
}

/* The graph with `extra` after one node, for all who used it. */
static const ag_graph *with_layer(const ag_graph *g, int after, ag_node extra) {
  ag_builder *b = ag_builder_new("longer");
  int *place = AG_ARRAY(int, g->size), operands[64];
  for (int i = 0; i < g->size; i++) {
    int count = ag_graph_arity(g, i);
    assert_true(count <= 64);
    for (int k = 0; k < count; k++) operands[k] = place[ag_graph_operands(g, i)[k]];
    place[i] = ag_builder_add(b, g->nodes[i], operands, count, NULL);
    if (i == after) place[i] = ag_builder_add(b, extra, &place[i], 1, NULL);
  }
  free(place);
  const ag_graph *longer;
  ag_error err;
  if (ag_builder_finish(b, &longer, &err)) fail_msg("%s", err.message);
  return longer;
}

static void another_layer_is_never_free(void **state) {
  (void)state;
  static const ag_op ops[] = {AG_OP_CONV, AG_OP_RELU, AG_OP_DEPTHWISE, AG_OP_SOFTMAX};
  ag_random r = ag_random_stream(96, 0, 0, 0, 0);
  for (uint64_t seed = 0; seed < 200; seed++) {
    ag_device d = bundled(device_names[seed % DEVICES]);
    const ag_graph *g = random_graph(seed, 50);
    int after = below(&r, g->size);
    ag_node extra = ag_node_make(ops[below(&r, 4)]);
    if (extra.op == AG_OP_CONV || extra.op == AG_OP_DEPTHWISE)
      extra.kernel[0] = extra.kernel[1] = 3;
    extra.out.c = g->nodes[after].out.c;
    if (g->nodes[after].op != AG_OP_OUTPUT) {
      const ag_graph *longer = with_layer(g, after, extra);
      ag_npu_cost a = cost_of(&d, g, NULL), b = cost_of(&d, longer, NULL);
      assert_true(b.time >= a.time && b.energy >= a.energy);
      if (extra.op != AG_OP_RELU) assert_true(b.time > a.time && b.energy > a.energy);
      ag_graph_release(longer);
    }
    ag_graph_release(g);
  }
}

/* --- fusion --------------------------------------------------------------------------------- */

static void features_never_cost_more(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 200; seed++) {
    ag_device d = bundled(device_names[seed % DEVICES]), plain = d;
    const ag_graph *g = random_graph(seed, 60);
    plain.fuse_activation = plain.fuse_remap = plain.fuse_add = plain.fuse_pool = false;
    d.fuse_pool = true;
    ag_npu_cost a = cost_of(&d, g, NULL), b = cost_of(&plain, g, NULL);
    assert_true(a.time <= b.time && a.energy <= b.energy && dram(&a) <= dram(&b));
    assert_true(a.groups <= b.groups);
    plain.resident = plain.shared_buffer = 0;
    ag_npu_cost spilled = cost_of(&plain, g, NULL);
    if (d.shared_gbps == 0) assert_true(b.time <= spilled.time && b.energy <= spilled.energy);
    ag_graph_release(g);
  }
}

/* conv, batch norm and relu are the convolution alone; with two users of the convolution they are
 * not. An addition of two convolutions follows one of them and reads the other. */
static const ag_graph *residual(bool tap) {
  ag_builder *b = ag_builder_new("residual");
  ag_node in = ag_node_make(AG_OP_INPUT), conv = ag_node_make(AG_OP_CONV);
  in.out = (ag_shape){32, 32, 16};
  conv.kernel[0] = conv.kernel[1] = 3;
  conv.out.c = 32;
  int x = ag_builder_add(b, in, NULL, 0, NULL), left = ag_builder_add(b, conv, &x, 1, NULL);
  int norm = ag_builder_add(b, ag_node_make(AG_OP_BATCHNORM), &left, 1, NULL);
  int relu = ag_builder_add(b, ag_node_make(AG_OP_RELU), &norm, 1, NULL);
  int right = ag_builder_add(b, conv, &x, 1, NULL);
  int sum = ag_builder_add(b, ag_node_make(AG_OP_ADD), (int[]){tap ? left : relu, right}, 2, NULL);
  int out = ag_builder_add(b, ag_node_make(AG_OP_RELU), &sum, 1, NULL);
  if (tap) out = ag_builder_add(b, ag_node_make(AG_OP_MUL), (int[]){out, relu}, 2, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &out, 1, NULL);
  const ag_graph *g;
  assert_int_equal(ag_builder_finish(b, &g, NULL), AG_OK);
  return g;
}

static void groups_of_a_residual_block(void **state) {
  (void)state;
  ag_device d = bundled("nvdla-large");
  ag_npu_node nodes[9];
  const ag_graph *g = residual(false);
  ag_npu_cost cost = cost_of(&d, g, nodes);
  static const int32_t expected[] = {-1, 1, 1, 1, 4, 1, 1, -1};
  for (int i = 0; i < 8; i++) assert_int_equal(nodes[i].group, expected[i]);
  assert_int_equal(cost.groups, 2);
  /* two inputs, two kernels, two outputs, one of them read back */
  assert_int_equal(dram(&cost), 2 * 32 * 32 * 16 + 2 * 9 * 16 * 32 + 3 * 32 * 32 * 32);
  ag_graph_release(g);
  g = residual(true);
  cost_of(&d, g, nodes);
  static const int32_t tapped[] = {-1, 1, 2, 2, 4, 4, 4, 2, -1};
  assert_int_equal(nodes[1].group, tapped[1]);
  assert_int_equal(nodes[2].group, tapped[2]);
  assert_int_equal(nodes[3].group, tapped[3]);
  assert_int_equal(nodes[5].group, tapped[5]);
  ag_graph_release(g);
}

/* A concat reads all of each operand, whichever is named first. */
static void a_concat_reads_all_of_each_operand(void **state) {
  (void)state;
  ag_device d = bundled("nvdla-large");
  for (int first = 0; first < 2; first++) {
    ag_builder *b = ag_builder_new("concat");
    ag_node in = ag_node_make(AG_OP_INPUT), conv = ag_node_make(AG_OP_CONV);
    in.out = (ag_shape){8, 8, 4};
    conv.kernel[0] = conv.kernel[1] = 1;
    int x = ag_builder_add(b, in, NULL, 0, NULL), ends[2];
    for (int i = 0; i < 2; i++) {
      conv.out.c = i == first ? 4 : 60;
      ends[i] = ag_builder_add(b, conv, &x, 1, NULL);
    }
    x = ag_builder_add(b, ag_node_make(AG_OP_CONCAT), ends, 2, NULL);
    ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &x, 1, NULL);
    const ag_graph *g;
    ag_error err;
    if (ag_builder_finish(b, &g, &err)) fail_msg("%s", err.message);
    ag_npu_node nodes[5];
    cost_of(&d, g, nodes);
    assert_int_equal(nodes[3].counts.dram_read, 64 * 64);
    assert_int_equal(nodes[3].counts.dram_written, 64 * 64);
    ag_graph_release(g);
  }
}

/* --- what does not fit ---------------------------------------------------------------------- */

static void a_tile_that_cannot_fit(void **state) {
  (void)state;
  ag_device d = bundled("nvdla-large");
  d.operand_buffer = 1000;
  ag_node n = layer(AG_OP_CONV, 16, 16, 64, 64, 3, 1);
  const ag_graph *g = network_of(&n);
  ag_npu *npu = ag_npu_new(&d);
  ag_npu_cost cost;
  ag_error err;
  assert_int_equal(ag_npu_graph(npu, g, &cost, NULL, &err), AG_INFEASIBLE);
  /* least tile: 3x3x64 inputs, 64x32 weights of one tap, 32 sums of 4 bytes, two halves */
  int needed = 2 * (3 * 3 * 64 + 64 * 32 + 32 * 4);
  char expected[64];
  snprintf(expected, sizeof expected, "%d bytes are needed", needed);
  assert_non_null(strstr(err.message, expected));
  snprintf(expected, sizeof expected, "%d are missing", needed - 1000);
  assert_non_null(strstr(err.message, expected));
  assert_non_null(strstr(err.message, "a conv"));
  assert_string_equal(err.node, "node 1 (conv)");
  ag_npu_free(npu);
  d.operand_buffer = needed;
  cost_of(&d, g, NULL);
  ag_graph_release(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_and_bounds),
      cmocka_unit_test(any_order_gives_the_same_bits),
      cmocka_unit_test(traffic_keeps_to_lower_bounds),
      cmocka_unit_test(unlimited_buffers_move_everything_once),
      cmocka_unit_test(less_hardware_is_never_cheaper),
      cmocka_unit_test(clock_and_bandwidth_scale_time),
      cmocka_unit_test(more_work_is_never_cheaper),
      cmocka_unit_test(another_layer_is_never_free),
      cmocka_unit_test(features_never_cost_more),
      cmocka_unit_test(groups_of_a_residual_block),
      cmocka_unit_test(a_concat_reads_all_of_each_operand),
      cmocka_unit_test(a_tile_that_cannot_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
