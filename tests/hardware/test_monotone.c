/* More work or less hardware never gets cheaper, neither in time nor in energy: whole networks,
 * many of them with tensors of several users, on devices crowded enough that bytes leave the shared
 * buffer. */
#include "tests/hardware/support.h"
#include "tests/support/random_graph.h"

enum { ROUNDS = 4000 };

/* --- networks ------------------------------------------------------------------------------- */

enum { FORKS = 14 };

struct forks {
  ag_builder *builder;
  ag_random *random;
  int size;
  int made[FORKS], users[FORKS], channels[FORKS], halved[FORKS];
};

/* Another tensor that can be joined with `a`, or -1. */
static int partner(struct forks *f, int a, ag_op op) {
  for (int attempt = 0; attempt < 6; attempt++) {
    int b = below(f->random, f->size);
    bool fits = op == AG_OP_CONCAT ? f->channels[a] + f->channels[b] <= 60
                                   : f->channels[a] == f->channels[b];
    if (b != a && f->halved[a] == f->halved[b] && fits) return b;
  }
  return -1;
}

static void add_fork(struct forks *f, ag_node node, int a, int b) {
  int i = f->size++, operands[] = {f->made[a], b < 0 ? -1 : f->made[b]};
  f->made[i] = ag_builder_add(f->builder, node, operands, b < 0 ? 1 : 2, NULL);
  f->channels[i] = ag_builder_shape(f->builder, f->made[i]).c;
  f->halved[i] = f->halved[a] + (node.stride[0] > 1);
  f->users[a]++;
  if (b >= 0) f->users[b]++;
}

static ag_node fork_conv(struct forks *f, int a) {
  ag_node conv = ag_node_make(AG_OP_CONV);
  conv.kernel[0] = conv.kernel[1] = below(f->random, 2) ? 1 : 3;
  if (f->halved[a] == 0 && below(f->random, 5) == 0) conv.stride[0] = conv.stride[1] = 2;
  conv.out.c =
      below(f->random, 3) ? f->channels[below(f->random, f->size)] : 1 + below(f->random, 24);
  return conv;
}

/* Convolutions, activations and joins of tensors that are drawn again and again; what nobody uses
 * is averaged and concatenated in the end. */
static const ag_graph *forks(ag_random *r) {
  struct forks f = {.builder = ag_builder_new("forks"), .random = r, .size = 1};
  ag_node in = ag_node_make(AG_OP_INPUT);
  in.out = (ag_shape){8, 8, f.channels[0] = 1 + below(r, 12)};
  f.made[0] = ag_builder_add(f.builder, in, NULL, 0, NULL);
  while (f.size < FORKS) {
    int a = below(r, 2) ? below(r, f.size) : f.size - 1, kind = below(r, 6);
    ag_op join = kind == 0 ? AG_OP_ADD : AG_OP_CONCAT;
    int b = kind < 2 ? partner(&f, a, join) : -1;
    ag_node node = b >= 0      ? ag_node_make(join)
                   : kind == 2 ? ag_node_make(AG_OP_RELU)
                               : fork_conv(&f, a);
    add_fork(&f, node, a, b);
  }
  int ends[FORKS], count = 0;
  for (int i = 0; i < f.size; i++)
    if (!f.users[i])
      ends[count++] = ag_builder_add(f.builder, ag_node_make(AG_OP_MEAN), &f.made[i], 1, NULL);
  ag_node concat = ag_node_make(AG_OP_CONCAT);
  int last = count > 1 ? ag_builder_add(f.builder, concat, ends, count, NULL) : ends[0];
  ag_builder_add(f.builder, ag_node_make(AG_OP_OUTPUT), &last, 1, NULL);
  const ag_graph *g;
  ag_error err;
  if (ag_builder_finish(f.builder, &g, &err)) fail_msg("%s", err.message);
  return g;
}

/* --- more work ------------------------------------------------------------------------------ */

enum work { WIDER, WIDER_LAYER, LARGER_IMAGE, LARGER_KERNEL, ANOTHER_LAYER, WORKS };
static const char *const works[] = {"wider", "a wider layer", "a larger image", "a larger kernel",
                                    "another layer"};

struct change {
  enum work work;
  int node;           /* of a layer */
  int channels, h, w; /* more of */
  double share;       /* of more channels everywhere */
  ag_op op;           /* of another layer */
};

static struct change draw_change(ag_random *r, const ag_graph *g, enum work work) {
  static const ag_op ops[] = {AG_OP_CONV, AG_OP_RELU, AG_OP_DEPTHWISE, AG_OP_SOFTMAX};
  return (struct change){.work = work,
                         .node = below(r, g->size),
                         .channels = 1 + below(r, 40),
                         .h = below(r, 9),
                         .w = below(r, 9),
                         .share = 1.125 + below(r, 8) / 8.0,
                         .op = ops[below(r, 4)]};
}

static bool applies(const struct change *c, const ag_node *n) {
  bool conv = n->op == AG_OP_CONV;
  switch (c->work) {
  case WIDER_LAYER:
    return conv;
  case LARGER_KERNEL:
    return conv && n->padding != AG_PAD_VALID;
  case ANOTHER_LAYER:
    return n->op != AG_OP_OUTPUT;
  default:
    return true;
  }
}

static void change_node(const struct change *c, bool chosen, ag_node *n) {
  bool sized = n->op == AG_OP_CONV || n->op == AG_OP_INPUT;
  n->record = -1;
  if (c->work == WIDER && sized) n->out.c = (int32_t)(n->out.c * c->share);
  if (c->work == WIDER_LAYER && chosen) n->out.c += c->channels;
  if (c->work == LARGER_IMAGE && n->op == AG_OP_INPUT) n->out.h += c->h, n->out.w += c->w;
  if (c->work == LARGER_KERNEL && chosen) n->kernel[0] += 2, n->kernel[1] += 2;
}

static ag_node another_layer(ag_op op, int32_t channels) {
  ag_node n = ag_node_make(op);
  n.out.c = channels;
  if (op == AG_OP_CONV || op == AG_OP_DEPTHWISE) n.kernel[0] = n.kernel[1] = 3;
  return n;
}

/* NULL if the shapes do not fit together any more. */
static const ag_graph *changed(const ag_graph *g, const struct change *c) {
  ag_builder *b = ag_builder_new("more");
  int *place = AG_ARRAY(int, g->size), *operands = AG_ARRAY(int, g->operand_start[g->size]);
  const ag_graph *made = NULL;
  bool fits = true;
  for (int i = 0; i < g->size && fits; i++) {
    ag_node n = g->nodes[i];
    int count = ag_graph_arity(g, i);
    for (int k = 0; k < count; k++) operands[k] = place[ag_graph_operands(g, i)[k]];
    change_node(c, i == c->node, &n);
    place[i] = ag_builder_add(b, n, operands, count, NULL);
    if (c->work == ANOTHER_LAYER && i == c->node)
      place[i] = ag_builder_add(b, another_layer(c->op, n.out.c), &place[i], 1, NULL);
    fits = place[i] >= 0;
  }
  ag_error err;
  if (ag_builder_finish(b, &made, &err)) made = NULL;
  free(place);
  free(operands);
  return made;
}

static const ag_graph *more_of(const ag_graph *g, enum work work, ag_random *r) {
  for (int attempt = 0; attempt < 12; attempt++) {
    struct change c = draw_change(r, g, work);
    const ag_graph *h = applies(&c, &g->nodes[c.node]) ? changed(g, &c) : NULL;
    if (h) return h;
  }
  return NULL;
}

/* --- less hardware -------------------------------------------------------------------------- */

static void scale(int64_t *bytes, double share) {
  *bytes = (int64_t)((double)*bytes * share);
}

static void scale_buffers(ag_device *d, double share) {
  scale(&d->operand_buffer, share);
  scale(&d->input_buffer, share);
  scale(&d->weight_buffer, share);
  scale(&d->output_buffer, share);
}

/* Most graphs are crowded on it. The shared buffer is no slower than DRAM, an array ends folds at
 * their edge. */
static ag_device draw_device(ag_random *r, const ag_graph *g) {
  ag_device d = bundled(device_names[below(r, DEVICES)]);
  d.edge = true;
  d.fuse_pool = below(r, 2);
  int64_t largest = 0;
  for (int i = 0; i < g->size; i++) {
    int64_t bytes = ag_shape_size(g->nodes[i].out) * d.element_bytes;
    if (bytes > largest) largest = bytes;
  }
  if (below(r, 4)) {
    d.resident = largest / (1 + below(r, 3)) + below(r, 3);
    d.shared_buffer = d.resident * (2 + below(r, 6)) / 2;
  }
  d.dram_gbps *= pow(2, below(r, 8) - 4);
  if (d.shared_gbps > 0) d.shared_gbps = fmax(d.shared_gbps, d.dram_gbps);
  if (below(r, 3) == 0) scale_buffers(&d, 0.02 + 0.1 * below(r, 9));
  return d;
}

static void shrink_array(ag_device *d, ag_random *r) {
  for (int i = 0; i < 2; i++)
    if (below(r, 2)) d->array[i] -= below(r, 2) ? d->array[i] / 2 : below(r, d->array[i]);
}

enum { LESS = 10 };
static const char *const parts[] = {
    "operand buffer", "input buffer", "weight buffer", "output buffer", "bandwidth",
    "clock",          "resident",     "shared buffer", "vector unit",   "array"};

static ag_device less_of(const ag_device *device, int part, ag_random *r) {
  ag_device d = *device;
  double share = 0.3 + 0.1 * below(r, 7);
  int64_t *const bytes[] = {&d.operand_buffer, &d.input_buffer, &d.weight_buffer, &d.output_buffer};
  if (part < 4) scale(bytes[part], share);
  if (part == 4) d.dram_gbps *= share;
  if (part == 5) d.clock_ghz *= share;
  if (part == 6) scale(&d.resident, share);
  if (part == 7) scale(&d.shared_buffer, share);
  if (d.resident > d.shared_buffer) d.resident = d.shared_buffer;
  if (part == 8) d.vector_bytes *= share;
  if (part == 9) shrink_array(&d, r);
  return d;
}

/* --- tests ---------------------------------------------------------------------------------- */

/* False if a tile does not fit. */
static bool costs(const ag_device *d, const ag_graph *g, ag_npu_cost *cost) {
  ag_error err;
  ag_npu *npu = ag_npu_new(d);
  bool fits = ag_npu_graph(npu, g, cost, NULL, &err) == AG_OK;
  ag_npu_free(npu);
  return fits;
}

/* Energies are rounded node by node, to 2^-10 pJ. */
static void no_cheaper(const char *what, const ag_device *d, const ag_graph *g,
                       const ag_npu_cost *a, const ag_npu_cost *b) {
  if (b->time < a->time || b->energy < a->energy - g->size)
    fail_msg("%s, %s: time %lld to %lld, energy %lld to %lld, evicted %lld to %lld", d->name, what,
             (long long)a->time, (long long)b->time, (long long)a->energy, (long long)b->energy,
             (long long)a->evicted, (long long)b->evicted);
}

static const ag_graph *draw_graph(ag_random *r, int round) {
  return round % 2 ? forks(r) : random_graph((uint64_t)round, 20 + below(r, 50));
}

static void more_work_is_never_cheaper(void **state) {
  (void)state;
  ag_random r = ag_random_stream(111, 0, 0, 0, 0);
  int compared = 0, crowded = 0;
  for (int round = 0; round < ROUNDS; round++) {
    const ag_graph *g = draw_graph(&r, round), *h = NULL;
    ag_device d = draw_device(&r, g);
    ag_npu_cost a, b;
    if (costs(&d, g, &a)) h = more_of(g, (enum work)(round / 2 % WORKS), &r);
    if (h && costs(&d, h, &b)) {
      no_cheaper(works[round / 2 % WORKS], &d, h, &a, &b);
      compared++;
      crowded += a.evicted > 0;
    }
    ag_graph_release(g);
    if (h) ag_graph_release(h);
  }
  assert_true(compared > ROUNDS / 2 && crowded > ROUNDS / 8);
}

static void less_hardware_is_never_cheaper(void **state) {
  (void)state;
  ag_random r = ag_random_stream(112, 0, 0, 0, 0);
  int compared = 0, crowded = 0;
  for (int round = 0; round < ROUNDS; round++) {
    const ag_graph *g = draw_graph(&r, round);
    ag_device d = draw_device(&r, g), less = less_of(&d, round / 2 % LESS, &r);
    ag_npu_cost a, b;
    if (costs(&d, g, &a) && costs(&less, g, &b)) {
      no_cheaper(parts[round / 2 % LESS], &d, g, &a, &b);
      compared++;
      crowded += a.evicted > 0;
    }
    ag_graph_release(g);
  }
  assert_true(compared > ROUNDS / 2 && crowded > ROUNDS / 8);
}

/* A tensor with three users, of which others come between the first and the second, outgrows what
 * stays. */
static const ag_graph *outgrowing(int32_t channels) {
  ag_builder *b = ag_builder_new("outgrowing");
  ag_node in = ag_node_make(AG_OP_INPUT), conv = ag_node_make(AG_OP_CONV);
  in.out = (ag_shape){16, 16, 4};
  conv.kernel[0] = conv.kernel[1] = 1;
  int x = ag_builder_add(b, in, NULL, 0, NULL), ends[4];
  conv.out.c = channels;
  int shared = ag_builder_add(b, conv, &x, 1, NULL);
  conv.out.c = 48;
  int y = ag_builder_add(b, conv, &x, 1, NULL);
  for (int i = 0; i < 4; i++) {
    conv.out.c = 48;
    if (i < 2) y = ag_builder_add(b, conv, &y, 1, NULL);
    conv.out.c = 4;
    ends[i] = ag_builder_add(b, conv, i == 1 ? &y : &shared, 1, NULL);
  }
  y = ag_builder_add(b, ag_node_make(AG_OP_ADD), ends, 4, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &y, 1, NULL);
  const ag_graph *g;
  ag_error err;
  if (ag_builder_finish(b, &g, &err)) fail_msg("%s", err.message);
  return g;
}

static void outgrowing_the_buffer_is_never_cheaper(void **state) {
  (void)state;
  for (int device = 0; device < 2; device++) {
    ag_npu_cost before = {0};
    int64_t most = 0;
    for (int32_t channels = 16; channels <= 96; channels++) {
      ag_device d = bundled(device ? "mobile-npu" : "ethos-u55-256");
      const ag_graph *g = outgrowing(channels);
      d.resident = 64 * 256 * d.element_bytes;
      d.shared_buffer = d.resident * 5 / 4;
      ag_npu_cost cost = cost_of(&d, g, NULL);
      no_cheaper("one more channel", &d, g, &before, &cost);
      if (cost.evicted > most) most = cost.evicted;
      before = cost;
      ag_graph_release(g);
    }
    assert_true(most > before.evicted); /* it has outgrown it */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(more_work_is_never_cheaper),
      cmocka_unit_test(less_hardware_is_never_cheaper),
      cmocka_unit_test(outgrowing_the_buffer_is_never_cheaper),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
