/* The tiles of a product. Candidates are powers of two and the whole extent, a set that depends on
 * neither the buffers nor the array: a larger buffer only makes more of it legal, and a smaller
 * array moves as much (a tile may hold part of what the array takes at a time, but a whole granule
 * must fit). Of the legal ones that which keeps the DMA busy for the least time is taken, and that
 * which takes least energy for the energy.
 *
 * A tile of outputs is a rectangle of height x width pixels and some channels. Tiles of one column
 * strip follow each other downwards and the rows they share stay in the buffer, unless the inputs
 * of a pixel are cut too (depth): then the halo is read again. Source: hardware.md 3.1 to 3.3. */
#include <stdio.h>

#include "engine/hardware/npu_internal.h"

ag_refetch ag_tiling_refetch(ag_dataflow order, int64_t m, int64_t n, int64_t k) {
  enum { M = 1, N = 2, K = 4 };
  static const int loops[][3] = {{M, N, K}, {N, K, M}, {M, K, N}};
  static const int tensors[] = {M | K, K | N, M | N};
  int64_t times[3];
  for (int t = 0; t < 3; t++) {
    int64_t product = 1, outside = 1;
    for (int i = 0; i < 3; i++) {
      int dim = loops[order][i];
      int64_t trips = dim == M ? m : dim == N ? n : k;
      if (tensors[t] & dim) {
        if (trips > 1) outside = product;
      } else {
        product = ag_times(product, trips);
      }
    }
    times[t] = outside;
  }
  return (ag_refetch){times[0], times[1], times[2]};
}

/* A node as windows over a plane. */
struct layer {
  const ag_device *device;
  const ag_gemm *gemm;
  int64_t out_h, out_w, in_h, in_w;
  int64_t reach_h, reach_w; /* of a window, minus one */
  int64_t step_h, step_w;
  int64_t channels, depth; /* outputs and inputs per group; depthwise: all of them, and 1 */
  int64_t in_channels;     /* all */
  int64_t weights, out_elements;
  bool in_resident, out_resident;
};

struct granule {
  int64_t m, n, k;
};

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static int64_t most(int64_t a, int64_t b) {
  return a > b ? a : b;
}

bool ag_is_resident(const ag_device *d, int64_t bytes) {
  return d->resident > 0 && bytes <= d->resident;
}

double ag_dma_ns(const ag_device *d, int64_t dram, int64_t shared) {
  double ns = (double)dram / d->dram_gbps;
  return d->shared_gbps > 0 ? ns + (double)shared / d->shared_gbps : ns;
}

static struct granule granule_of(const ag_device *d) {
  const int32_t *a = d->array;
  switch (d->engine) {
  case AG_ENGINE_CUBE:
    return (struct granule){a[0], a[1], a[2]};
  case AG_ENGINE_SYSTOLIC:
    if (d->dataflow == AG_FLOW_OS) return (struct granule){a[0], a[1], 1};
    if (d->dataflow == AG_FLOW_WS) return (struct granule){1, a[1], a[0]};
    return (struct granule){a[1], 1, a[0]};
  case AG_ENGINE_BLOCK_DOT:
    return (struct granule){(int64_t)a[0] * a[1], a[2], a[3]};
  default:
    return (struct granule){1, a[1], a[0]};
  }
}

static struct layer layer_of(const ag_device *d, const ag_node *n, const ag_gemm *g) {
  struct layer l = {.device = d, .gemm = g, .in_h = n->in.h, .in_w = n->in.w};
  bool transposed = n->op == AG_OP_TRANSPOSED_CONV, product = n->op == AG_OP_MATMUL;
  l.out_h = transposed || product ? n->in.h : n->out.h;
  l.out_w = transposed || product ? n->in.w : n->out.w;
  int64_t kh = product ? 1 : n->kernel[0], kw = product ? 1 : n->kernel[1];
  l.step_h = transposed || product ? 1 : n->stride[0];
  l.step_w = transposed || product ? 1 : n->stride[1];
  if (transposed) {
    kh = ag_ceil_div(kh, n->stride[0]);
    kw = ag_ceil_div(kw, n->stride[1]);
  }
  l.reach_h = (kh - 1) * (product ? 1 : n->dilation[0]);
  l.reach_w = (kw - 1) * (product ? 1 : n->dilation[1]);
  l.channels = g->depthwise ? g->groups : g->n;
  l.depth = g->depthwise ? 1 : g->k / g->taps;
  l.in_channels = n->in.c;
  l.weights = ag_node_params(n);
  l.out_elements = ag_shape_size(n->out);
  l.in_resident = ag_is_resident(d, ag_shape_size(n->in) * d->element_bytes);
  l.out_resident = ag_is_resident(d, l.out_elements * d->element_bytes);
  return l;
}

/* Inputs along one axis that `tile` outputs use: a window smaller than its step skips some. */
static int64_t extent(int64_t tile, int64_t step, int64_t reach, int64_t in) {
  if (reach + 1 < step) return least(ag_times(tile, reach + 1), in);
  return least(ag_plus(ag_times(tile - 1, step), reach + 1), in);
}

/* Inputs along one axis that all outputs together use; rows at the end that no window reaches are
 * moved all the same. */
static int64_t used(int64_t out, int64_t step, int64_t reach, int64_t in) {
  return reach + 1 < step ? extent(out, step, reach, in) : in;
}

/* The same read tile by tile, overlaps twice. */
static int64_t tiled(int64_t out, int64_t tile, int64_t step, int64_t reach, int64_t in) {
  int64_t once = used(out, step, reach, in);
  if (tile >= out) return once;
  int64_t sum = ag_times(out / tile, extent(tile, step, reach, in));
  if (out % tile) sum = ag_plus(sum, extent(out % tile, step, reach, in));
  return most(once, sum);
}

/* --- legality ------------------------------------------------------------------------------- */

struct bytes {
  int64_t input, weight, output;
};

static struct bytes tile_bytes(const struct layer *l, const ag_tiling *t) {
  const ag_device *d = l->device;
  int64_t pixels = ag_times(extent(t->height, l->step_h, l->reach_h, l->in_h),
                            extent(t->width, l->step_w, l->reach_w, l->in_w));
  int64_t depth = l->gemm->depthwise ? t->channels : t->depth;
  int64_t taps = t->split ? 1 : l->gemm->taps;
  int64_t weights = ag_times(taps, ag_times(t->depth, t->channels));
  int64_t outputs = ag_times((int64_t)t->height * t->width, t->channels);
  return (struct bytes){ag_times(ag_times(pixels, depth), d->element_bytes),
                        ag_times(weights, d->element_bytes),
                        ag_times(outputs, d->accumulator_bytes)};
}

static bool exceeds(ag_traffic *traffic, const char *buffer, int64_t needs, int64_t offers) {
  if (needs <= offers) return false;
  traffic->buffer = buffer;
  traffic->needs = needs;
  traffic->offers = offers;
  return true;
}

/* Two halves of everything must fit; says which buffer is too small. */
static bool fits(const struct layer *l, const ag_tiling *t, ag_traffic *why) {
  const ag_device *d = l->device;
  struct bytes b = tile_bytes(l, t);
  if (d->output_buffer > 0 && exceeds(why, "output", ag_times(2, b.output), d->output_buffer))
    return false;
  if (d->operand_buffer == 0)
    return !exceeds(why, "input", ag_times(2, b.input), d->input_buffer) &&
           !exceeds(why, "weight", ag_times(2, b.weight), d->weight_buffer);
  int64_t sum = ag_plus(b.input, ag_plus(b.weight, d->output_buffer > 0 ? 0 : b.output));
  return !exceeds(why, "operand", ag_times(2, sum), d->operand_buffer);
}

/* The array's own registers, whatever the tile. */
static bool granule_fits(const ag_device *d, struct granule g, ag_traffic *why) {
  int64_t b = 2 * (int64_t)d->element_bytes;
  return !(d->left_buffer && exceeds(why, "left", b * g.m * g.k, d->left_buffer)) &&
         !(d->right_buffer && exceeds(why, "right", b * g.k * g.n, d->right_buffer)) &&
         !(d->vector_buffer && exceeds(why, "vector", b * g.m * g.n, d->vector_buffer));
}

/* --- traffic -------------------------------------------------------------------------------- */

static ag_traffic traffic_of(const struct layer *l, const ag_tiling *t) {
  const ag_device *d = l->device;
  int64_t nm = ag_times(ag_ceil_div(l->out_h, t->height), ag_ceil_div(l->out_w, t->width));
  int64_t nn = ag_ceil_div(l->channels, t->channels), nd = ag_ceil_div(l->depth, t->depth);
  int64_t nk = t->split ? ag_times(nd, l->gemm->taps) : nd;
  ag_refetch whole = ag_tiling_refetch(t->order, nm, nn, nk);
  int64_t input_times = ag_tiling_refetch(t->order, nm, nn, nd).input;
  if (l->gemm->depthwise) { /* inputs and outputs go together */
    input_times = whole.visits = 1;
    whole.weight = nn > 1 && t->order == AG_FLOW_OS ? nm : 1;
  }
  int64_t rows = nk > 1 ? tiled(l->out_h, t->height, l->step_h, l->reach_h, l->in_h)
                        : used(l->out_h, l->step_h, l->reach_h, l->in_h);
  int64_t columns = tiled(l->out_w, t->width, l->step_w, l->reach_w, l->in_w);
  int64_t input = ag_times(ag_times(rows, columns), ag_times(l->in_channels, d->element_bytes));
  int64_t written = ag_times(l->out_elements, d->element_bytes);
  int64_t partial = ag_times(l->out_elements, ag_times(whole.visits - 1, d->accumulator_bytes));
  input = ag_times(input, input_times);
  ag_traffic traffic = {.tiling = *t};
  traffic.used = ag_times(ag_times(used(l->out_h, l->step_h, l->reach_h, l->in_h),
                                   used(l->out_w, l->step_w, l->reach_w, l->in_w)),
                          ag_times(l->in_channels, d->element_bytes));
  traffic.dram_read = ag_times(ag_times(l->weights, d->element_bytes), whole.weight);
  if (l->in_resident)
    traffic.shared = input;
  else
    traffic.dram_read = ag_plus(traffic.dram_read, input);
  if (l->out_resident) {
    traffic.shared = ag_plus(traffic.shared, ag_plus(written, ag_times(2, partial)));
  } else {
    traffic.dram_written = ag_plus(written, partial);
    traffic.dram_read = ag_plus(traffic.dram_read, partial);
  }
  return traffic;
}

struct plans {
  bool found;
  ag_traffic time, energy; /* of least */
};

static double traffic_ns(const ag_device *d, const ag_traffic *t) {
  return ag_dma_ns(d, ag_plus(t->dram_read, t->dram_written), t->shared);
}

static double traffic_pj(const ag_device *d, const ag_traffic *t) {
  return d->dram_pj * ((double)t->dram_read + (double)t->dram_written) +
         d->shared_pj * (double)t->shared;
}

static void consider(const ag_device *d, const ag_traffic *t, struct plans *best) {
  double ns = traffic_ns(d, t), least_ns = traffic_ns(d, &best->time);
  bool quicker = ns < least_ns || (ns == least_ns && t->shared < best->time.shared);
  if (!best->found || quicker) best->time = *t;
  if (!best->found || traffic_pj(d, t) < traffic_pj(d, &best->energy)) best->energy = *t;
  best->found = true;
}

/* --- search --------------------------------------------------------------------------------- */

/* The next smaller candidate: the whole, then powers of two; 0 after 1. */
static int64_t next_smaller(int64_t size) {
  if (size <= 1) return 0;
  int64_t candidate = 1;
  while (candidate < size - candidate) candidate *= 2;
  return candidate;
}

/* Traffic falls with the height, so only the largest legal one counts. */
static bool find_height(const struct layer *l, ag_tiling *t) {
  ag_traffic ignored;
  for (int64_t h = l->out_h; h > 0; h = next_smaller(h)) {
    t->height = (int32_t)h;
    if (fits(l, t, &ignored)) return true;
  }
  return false;
}

static void try_orders(const struct layer *l, ag_tiling t, struct plans *best) {
  for (int order = AG_FLOW_OS; order <= (t.split ? AG_FLOW_OS : AG_FLOW_IS); order++) {
    t.order = (ag_dataflow)order;
    ag_traffic traffic = traffic_of(l, &t);
    consider(l->device, &traffic, best);
  }
}

static bool compulsory(const struct layer *l, const struct plans *best) {
  const ag_traffic *a = &best->time;
  ag_tiling whole = {(int32_t)l->out_h, (int32_t)l->out_w, l->channels, l->depth, false,
                     AG_FLOW_OS};
  ag_traffic least_possible = traffic_of(l, &whole);
  return best->found && a->dram_read == least_possible.dram_read &&
         a->dram_written == least_possible.dram_written && a->shared == least_possible.shared;
}

static void search(const struct layer *l, bool split, struct plans *best) {
  ag_tiling t = {.split = split};
  for (t.channels = l->channels; t.channels > 0; t.channels = next_smaller(t.channels))
    for (t.depth = l->depth; t.depth > 0; t.depth = next_smaller(t.depth))
      for (int64_t w = l->out_w; w > 0; w = next_smaller(w)) {
        t.width = (int32_t)w;
        if (!find_height(l, &t)) continue;
        try_orders(l, t, best);
        if (compulsory(l, best)) return;
      }
}

/* What must fit at least. */
static bool least_fits(const struct layer *l, struct granule g, ag_traffic *why) {
  ag_tiling smallest = {1,
                        (int32_t)least(l->out_w, g.m),
                        least(l->channels, g.n),
                        least(l->depth, g.k),
                        l->gemm->taps > 1,
                        AG_FLOW_OS};
  return granule_fits(l->device, g, why) && fits(l, &smallest, why);
}

void ag_tile_node(const ag_device *d, const ag_node *n, const ag_gemm *gemm, ag_traffic *least_time,
                  ag_traffic *least_energy) {
  struct layer l = layer_of(d, n, gemm);
  struct plans best = {0};
  if (least_fits(&l, granule_of(d), &best.time)) {
    search(&l, false, &best);
    if (gemm->taps > 1 && !compulsory(&l, &best)) search(&l, true, &best);
  }
  *least_time = best.time;
  *least_energy = best.energy;
}
