/* Tensors that share the buffer on the chip: what leaves it against an exhaustive search, small
 * networks by hand, and that crowded networks too are monotone. */
#include "tests/hardware/support.h"
#include "tests/support/random_graph.h"

/* Groups are nodes, every tensor stays if it finds room, and a byte is an element. */
static ag_device crowded(int64_t room) {
  ag_device d = bundled("mobile-npu");
  d.fuse_activation = d.fuse_remap = d.fuse_add = d.fuse_pool = false;
  d.element_bytes = 1;
  d.shared_buffer = room;
  d.resident = INT64_C(1) << 20;
  return d;
}

/* --- by hand -------------------------------------------------------------------------------- */

/* x (4 channels) goes through a chain of 8 and 16 channels and is added to what comes out. */
static const ag_graph *with_skip(void) {
  ag_builder *b = ag_builder_new("skip");
  ag_node in = ag_node_make(AG_OP_INPUT), conv = ag_node_make(AG_OP_CONV);
  in.out = (ag_shape){10, 10, 4};
  conv.kernel[0] = conv.kernel[1] = 1;
  int x = ag_builder_add(b, in, NULL, 0, NULL), y = x;
  static const int32_t widths[] = {8, 16, 8, 4};
  for (int i = 0; i < 4; i++) {
    conv.out.c = widths[i];
    y = ag_builder_add(b, conv, &y, 1, NULL);
  }
  y = ag_builder_add(b, ag_node_make(AG_OP_ADD), (int[]){y, x}, 2, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &y, 1, NULL);
  const ag_graph *g;
  assert_int_equal(ag_builder_finish(b, &g, NULL), AG_OK);
  return g;
}

static void a_skip_connection_leaves_and_comes_back(void **state) {
  (void)state;
  const ag_graph *g = with_skip();
  /* Alive at the widest: 400 of the skip, 800 and 1600 of the chain. */
  static const struct {
    int64_t room, evicted, reread;
  } rows[] = {{2800, 0, 0},     {2799, 0, 1},      {2400, 0, 400},
              {2300, 100, 500}, {1600, 800, 1200}, {1200, 1200, 1600}};
  /* First the skip goes, which is the input and in DRAM already, then what is wanted next but one:
   * some of the 1600. */
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    ag_device d = crowded(rows[i].room);
    d.start = d.dram_latency = d.chunk = 0;
    ag_npu_node nodes[7];
    ag_npu_cost cost = cost_of(&d, g, nodes);
    assert_int_equal(cost.shared_peak, 2800);
    assert_int_equal(cost.evicted, rows[i].evicted);
    assert_int_equal(cost.reread, rows[i].reread);
    int64_t weights = 4 * 8 + 8 * 16 + 16 * 8 + 8 * 4;
    assert_int_equal(cost.counts.dram_read, weights + rows[i].reread);
    assert_int_equal(cost.counts.dram_written, rows[i].evicted);
    double dynamic = 0;
    for (int k = 0; k < g->size; k++)
      if (nodes[k].group == k) dynamic += nodes[k].mj - d.static_mw * nodes[k].ms * 1e-3;
    double moved = (double)(rows[i].evicted + rows[i].reread) * d.dram_pj * 1e-9;
    assert_true(fabs(cost.mj - cost.static_mj - dynamic - moved) < 1e-12);
    double dma = ((double)cost.counts.dram_read + (double)cost.counts.dram_written) / d.dram_gbps;
    assert_true(cost.ms * 1e6 >= dma * (1 - 1e-6));
    /* Without the DMA to wait for, what leaves costs no time. */
    ag_device fast = d;
    fast.dram_gbps = 1e6;
    assert_true(cost_of(&fast, g, NULL).evicted_ms == 0);
  }
  ag_graph_release(g);
}

static bool has_op(const ag_graph *g, ag_op op) {
  for (int i = 0; i < g->size; i++)
    if (g->nodes[i].op == op) return true;
  return false;
}

/* With no room at all every tensor is written once and read by all its users, in parts if they read
 * parts: as on a device on which none stays. (Under two names it would be read twice there.) */
static void no_room_is_as_no_buffer(void **state) {
  (void)state;
  int compared = 0;
  for (uint64_t seed = 0; seed < 600; seed++) {
    const ag_graph *g = random_graph(seed, 60);
    ag_device none = bundled(device_names[seed % DEVICES]), spilled = none;
    unlimited(&none);
    unlimited(&spilled);
    none.resident = INT64_C(1) << 40;
    none.shared_buffer = spilled.resident = spilled.shared_buffer = 0;
    if (!has_op(g, AG_OP_IDENTITY)) {
      ag_npu_cost a = cost_of(&none, g, NULL), b = cost_of(&spilled, g, NULL);
      assert_int_equal(a.counts.dram_read, b.counts.dram_read);
      assert_int_equal(a.counts.dram_written, b.counts.dram_written);
      assert_int_equal(a.counts.shared, 0);
      compared++;
    }
    ag_graph_release(g);
  }
  assert_true(compared > 100);
}

/* --- against an exhaustive search ----------------------------------------------------------- */

enum { NODES = 7, GAPS = 10 };

struct gap {
  int64_t size;
  int from, to; /* moments of the schedule, both included */
};

struct search {
  struct gap gap[GAPS];
  int count, moments;
  int64_t left[GAPS]; /* bytes that leave */
  int64_t room, unit, best;
};

static bool has_room(const struct search *s) {
  for (int at = 0; at < s->moments; at++) {
    int64_t there = 0;
    for (int i = 0; i < s->count; i++)
      if (s->gap[i].from <= at && at <= s->gap[i].to) there += s->gap[i].size - s->left[i];
    if (there > s->room) return false;
  }
  return true;
}

static void try_all(struct search *s, int gap, int64_t sum) {
  if (sum >= s->best) return;
  if (gap == s->count) {
    if (has_room(s)) s->best = sum;
    return;
  }
  for (int64_t bytes = 0; bytes <= s->gap[gap].size; bytes += s->unit) {
    s->left[gap] = bytes;
    try_all(s, gap + 1, sum + bytes);
  }
}

static void place(const ag_graph *g, int node, int *moment, int *done) {
  if (moment[node] >= 0) return;
  for (int k = 0; k < ag_graph_arity(g, node); k++)
    place(g, ag_graph_operands(g, node)[k], moment, done);
  moment[node] = (*done)++;
}

/* Gaps that end with a read, or whole lives of what is not in DRAM from the start. */
static void add_intervals(struct search *s, const ag_graph *g, int node, const int *moment,
                          bool lives) {
  bool used[NODES + 1] = {false};
  int from = moment[node], last = -1;
  int64_t bytes = ag_shape_size(g->nodes[node].out);
  for (int k = g->user_start[node]; k < g->user_start[node + 1]; k++) {
    int at = moment[g->users[k]];
    used[at] = g->nodes[g->users[k]].op != AG_OP_OUTPUT;
    if (at > last) last = at;
  }
  if (lives && last >= 0 && g->nodes[node].op != AG_OP_INPUT)
    s->gap[s->count++] = (struct gap){bytes, from, last};
  for (int at = 0; at <= NODES && !lives; at++) {
    if (!used[at]) continue;
    s->gap[s->count++] = (struct gap){bytes, from, at};
    from = at + 1;
  }
}

/* The least bytes that must go, of gaps or of lives. */
static int64_t least(const ag_graph *g, const int *moment, int moments, int64_t room, int64_t unit,
                     bool lives) {
  struct search s = {.moments = moments, .room = room, .unit = unit, .best = INT64_MAX};
  for (int i = 0; i < g->size; i++) add_intervals(&s, g, i, moment, lives);
  try_all(&s, 0, 0);
  return s.best;
}

/* Seven nodes, each a 1x1 convolution to one to three channels or a concat of two; sizes are
 * multiples of `unit`. */
static const ag_graph *small_graph(ag_random *r, int64_t *unit) {
  ag_builder *b = ag_builder_new("small");
  ag_node in = ag_node_make(AG_OP_INPUT), conv = ag_node_make(AG_OP_CONV);
  in.out = (ag_shape){4, 4, 1 + below(r, 2)};
  *unit = 16;
  conv.kernel[0] = conv.kernel[1] = 1;
  int made[NODES], channels[NODES] = {in.out.c};
  made[0] = ag_builder_add(b, in, NULL, 0, NULL);
  for (int i = 1; i < NODES - 1; i++) {
    int a = below(r, i), c = i - 1;
    if (below(r, 3) == 0 && a != c && channels[a] + channels[c] <= 4) {
      channels[i] = channels[a] + channels[c];
      made[i] = ag_builder_add(b, ag_node_make(AG_OP_CONCAT), (int[]){made[a], made[c]}, 2, NULL);
    } else {
      conv.out.c = channels[i] = 1 + below(r, 3);
      made[i] = ag_builder_add(b, conv, &made[below(r, 2) ? a : c], 1, NULL);
    }
  }
  /* What nobody uses goes into the end. */
  int ends[NODES], count = 0;
  for (int i = 0; i < NODES - 1; i++) ends[count++] = made[i];
  int first = below(r, NODES - 2);
  int end = ag_builder_add(b, ag_node_make(AG_OP_CONCAT), ends + first, count - first, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &end, 1, NULL);
  const ag_graph *g = NULL;
  if (ag_builder_finish(b, &g, NULL)) return NULL;
  return g;
}

static void as_few_bytes_leave_as_can(void **state) {
  (void)state;
  ag_random r = ag_random_stream(97, 0, 0, 0, 0);
  int crowds = 0;
  for (int round = 0; round < 1000; round++) {
    int64_t unit;
    const ag_graph *g = small_graph(&r, &unit);
    if (!g) continue;
    int moment[NODES + 1], done = 0, gaps = 0;
    memset(moment, -1, sizeof moment);
    for (int i = 0; i < g->size; i++) gaps += g->user_start[i + 1] - g->user_start[i];
    if (g->size <= NODES + 1 && gaps <= GAPS) {
      for (int i = 0; i < g->size; i++)
        if (g->user_start[i + 1] == g->user_start[i]) place(g, i, moment, &done);
      int64_t room = unit * (2 + below(&r, 12));
      ag_device d = crowded(room);
      ag_npu_cost cost = cost_of(&d, g, NULL);
      assert_int_equal(cost.evicted, least(g, moment, done, room, unit, true));
      assert_int_equal(cost.reread, least(g, moment, done, room, unit, false));
      crowds += cost.evicted > 0;
    }
    ag_graph_release(g);
  }
  assert_true(crowds > 60);
}

/* --- properties ----------------------------------------------------------------------------- */

/* A device on which most random graphs are crowded. */
static ag_device narrow(ag_random *r, const ag_graph *g) {
  ag_device d = bundled(below(r, 2) ? "mobile-npu" : "ethos-u55-256");
  d.shared_gbps = d.shared_pj = 0;
  int64_t largest = 0;
  for (int i = 0; i < g->size; i++) {
    int64_t bytes = ag_shape_size(g->nodes[i].out) * d.element_bytes;
    if (bytes > largest) largest = bytes;
  }
  d.resident = largest / (1 + below(r, 3));
  d.shared_buffer = 1 + d.resident * (2 + below(r, 6)) / 2;
  d.dram_gbps *= pow(2, below(r, 8) - 4);
  return d;
}

static void numbering_does_not_matter(void **state) {
  (void)state;
  ag_random r = ag_random_stream(100, 0, 0, 0, 0);
  for (uint64_t seed = 0; seed < 300; seed++) {
    const ag_graph *g = random_graph(seed, 60);
    int32_t *order = AG_ARRAY(int32_t, g->size);
    ag_graph_release(renumbered_graph(g, seed + 1, order));
    const ag_graph *h = reordered_graph(g, order);
    ag_device d = narrow(&r, g);
    ag_npu_cost a = cost_of(&d, g, NULL), b = cost_of(&d, h, NULL);
    assert_int_equal(a.time, b.time);
    assert_int_equal(a.energy, b.energy);
    assert_int_equal(a.evicted, b.evicted);
    assert_int_equal(a.shared_peak, b.shared_peak);
    free(order);
    ag_graph_release(g);
    ag_graph_release(h);
  }
}

/* Skips of a U-Net: wider layers and larger images cost more, past the size at which tensors stay
 * too. */
static const ag_graph *hourglass(int32_t size, int32_t width) {
  ag_builder *b = ag_builder_new("hourglass");
  ag_node in = ag_node_make(AG_OP_INPUT), conv = ag_node_make(AG_OP_CONV);
  ag_node pool = ag_node_make(AG_OP_MAXPOOL), up = ag_node_make(AG_OP_DEPTH_TO_SPACE);
  in.out = (ag_shape){size, size, 3};
  conv.kernel[0] = conv.kernel[1] = 3;
  pool.kernel[0] = pool.kernel[1] = pool.stride[0] = pool.stride[1] = 2;
  up.stride[0] = up.stride[1] = 2;
  int x = ag_builder_add(b, in, NULL, 0, NULL), skips[3];
  for (int level = 0; level < 3; level++) {
    conv.out.c = width << level;
    x = skips[level] = ag_builder_add(b, conv, &x, 1, NULL);
    x = ag_builder_add(b, pool, &x, 1, NULL);
  }
  for (int level = 2; level >= 0; level--) {
    conv.out.c = 4 * (width << level);
    x = ag_builder_add(b, conv, &x, 1, NULL);
    x = ag_builder_add(b, up, &x, 1, NULL);
    x = ag_builder_add(b, ag_node_make(AG_OP_ADD), (int[]){x, skips[level]}, 2, NULL);
  }
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &x, 1, NULL);
  const ag_graph *g;
  ag_error err;
  if (ag_builder_finish(b, &g, &err)) fail_msg("%s", err.message);
  return g;
}

static void no_cheaper(const char *what, const ag_npu_cost *a, const ag_npu_cost *b) {
  if (b->time < a->time || b->energy < a->energy || b->mj < a->mj)
    fail_msg("%s: %g ms, %g mJ, %lld evicted to %g ms, %g mJ, %lld evicted", what, a->ms, a->mj,
             (long long)a->evicted, b->ms, b->mj, (long long)b->evicted);
}

static void larger_networks_are_never_cheaper(void **state) {
  (void)state;
  int crowds = 0;
  for (int wide = 0; wide < 2; wide++) {
    ag_npu_cost before = {0};
    for (int32_t step = 1; step <= 24; step++) {
      ag_device d = bundled("mobile-npu");
      const ag_graph *g = wide ? hourglass(64, 4 * step) : hourglass(8 * step, 32);
      d.shared_buffer = 600 << 10;
      d.resident = 500 << 10;
      ag_npu_cost cost = cost_of(&d, g, NULL);
      no_cheaper(wide ? "wider" : "larger", &before, &cost);
      crowds += cost.evicted > 0;
      before = cost;
      ag_graph_release(g);
    }
  }
  assert_true(crowds > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_skip_connection_leaves_and_comes_back),
      cmocka_unit_test(no_room_is_as_no_buffer),
      cmocka_unit_test(as_few_bytes_leave_as_can),
      cmocka_unit_test(numbering_does_not_matter),
      cmocka_unit_test(larger_networks_are_never_cheaper),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
