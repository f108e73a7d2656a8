/* The array's side of a node: its view as a product of matrices, and the cycles each kind of array
 * takes for it. Counts saturate instead of wrapping. */
#include "engine/hardware/npu_internal.h"

static int64_t at_least(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static void view_conv(const ag_node *n, ag_gemm *g) {
  g->m = (int64_t)n->out.h * n->out.w;
  g->groups = n->op == AG_OP_DEPTHWISE ? n->in.c : n->groups;
  g->n = n->out.c / g->groups;
  g->taps = (int64_t)n->kernel[0] * n->kernel[1];
  g->k = g->taps * (n->in.c / g->groups);
}

/* Every stride x stride block of outputs is one pixel of a convolution over the inputs. */
static void view_transposed(const ag_node *n, ag_gemm *g) {
  int64_t taps_h = ag_ceil_div(n->kernel[0], n->stride[0]);
  int64_t taps_w = ag_ceil_div(n->kernel[1], n->stride[1]);
  g->m = (int64_t)n->in.h * n->in.w;
  g->groups = n->groups;
  g->n = (int64_t)n->stride[0] * n->stride[1] * (n->out.c / g->groups);
  g->taps = taps_h * taps_w;
  g->k = g->taps * (n->in.c / g->groups);
}

static void view_matmul(const ag_node *n, ag_gemm *g) {
  g->m = (int64_t)n->in.h * n->in.w;
  g->groups = g->taps = 1;
  g->n = n->out.c;
  g->k = n->in.c;
}

bool ag_gemm_of(const ag_node *n, ag_gemm *g) {
  switch (n->op) {
  case AG_OP_CONV:
  case AG_OP_DEPTHWISE:
    view_conv(n, g);
    break;
  case AG_OP_TRANSPOSED_CONV:
    view_transposed(n, g);
    break;
  case AG_OP_MATMUL:
    view_matmul(n, g);
    break;
  default:
    return false;
  }
  g->macs = ag_node_macs(n);
  g->depthwise = g->n == 1 && g->k == g->taps;
  return true;
}

int64_t ag_blocked_depth(const ag_device *d, const ag_gemm *g) {
  int64_t channels = g->k / g->taps, block = d->array[2];
  if (channels <= 4 && block > 4) return ag_times(g->taps, 4);
  return ag_times(g->taps, ag_times(block, ag_ceil_div(channels, block)));
}

/* A depthwise convolution fills the diagonal of the blocks, or runs channel after channel. */
static int64_t cube(const ag_device *d, const ag_gemm *g) {
  int64_t rows = ag_ceil_div(g->m, d->array[0]);
  int64_t depth = ag_ceil_div(ag_blocked_depth(d, g), d->array[2]);
  int64_t dense =
      ag_times(g->groups, ag_times(rows, ag_times(ag_ceil_div(g->n, d->array[1]), depth)));
  if (!g->depthwise) return dense;
  int64_t diagonal = ag_times(ag_times(ag_ceil_div(g->groups, d->array[1]), rows), g->taps);
  return diagonal < dense ? diagonal : dense;
}

/* One group: `held` are the sizes along rows and columns, `streamed` the third; `load` is what a
 * stationary tile costs to bring in, in rows. */
static int64_t folds(const ag_device *d, int64_t rows, int64_t columns, int64_t streamed,
                     int64_t load) {
  int64_t R = d->array[0], C = d->array[1];
  int64_t fr = ag_ceil_div(rows, R), fc = ag_ceil_div(columns, C);
  if (!d->edge) return ag_times(ag_times(fr, fc), streamed + load * R + C - 2);
  int64_t stream = ag_times(ag_times(fr, fc), at_least(streamed - 2, 0));
  int64_t edges = ag_plus(ag_times(fc, load * rows), ag_times(fr, columns));
  int64_t total = ag_plus(stream, edges);
  return streamed < 2 ? total - fr * fc : total; /* streamed - 2 is -1 then */
}

static int64_t systolic(const ag_device *d, const ag_gemm *g) {
  int64_t one = d->dataflow == AG_FLOW_OS   ? folds(d, g->m, g->n, g->k, 1)
                : d->dataflow == AG_FLOW_WS ? folds(d, g->k, g->n, g->m, 2)
                                            : folds(d, g->k, g->m, g->n, 2);
  return ag_times(g->groups, one);
}

static int64_t atomic(const ag_device *d, const ag_gemm *g) {
  int64_t channels =
      ag_times(ag_ceil_div(g->k / g->taps, d->array[0]), ag_ceil_div(g->n, d->array[1]));
  return ag_times(g->groups, ag_times(ag_times(g->m, g->taps), channels));
}

/* --- block-dot ------------------------------------------------------------------------------ */

enum {
  DECODER_FLOOR = 32, /* cycles per block that the weight decoder takes at least */
  BLOCK = 64 /* micro-blocks of a block at most: 16 x 16 outputs of 2 x 2, whose accumulators and
                inputs fit into 48 KiB twice */
};

/* Passes over a micro-block column: depth-first or part-kernel, whichever takes fewer. (Vela
 * chooses by how well each fills the dot products, which is nearly the same, but can take longer
 * for less work.) */
static int64_t dot_passes(const ag_device *d, const ag_gemm *g) {
  int64_t taps = g->taps, channels = g->k / g->taps, step = 4 * (int64_t)d->array[3];
  int64_t deep = ag_times(taps, ag_ceil_div(channels, step));
  int64_t slice = ag_ceil_div(channels < 16 ? channels : 16, 8) * 8;
  int64_t part = ag_times(ag_times(ag_ceil_div(taps, 4), slice / 8), ag_ceil_div(channels, slice));
  return part < deep ? part : deep;
}

struct block_grid {
  int64_t h, w, ublocks_z, passes;
};

/* Blocks of height bh and width bw, no larger than the plane; the last ones take as long as all. */
static int64_t grid_cycles(const ag_device *d, const struct block_grid *b, int64_t bh, int64_t bw) {
  int64_t h = bh < b->h ? bh : b->h, w = bw < b->w ? bw : b->w;
  int64_t ublocks = ag_ceil_div(h, d->array[0]) * ag_ceil_div(w, d->array[1]);
  int64_t block = ag_times(at_least(DECODER_FLOOR, 4 * ublocks), ag_times(b->passes, b->ublocks_z));
  return ag_times(ag_ceil_div(b->h, bh) * ag_ceil_div(b->w, bw), block);
}

static int64_t block_dot(const ag_device *d, const ag_node *n, const ag_gemm *g) {
  bool transposed = n->op == AG_OP_TRANSPOSED_CONV;
  struct block_grid b = {.h = transposed ? n->in.h : n->out.h,
                         .w = transposed ? n->in.w : n->out.w};
  b.ublocks_z = ag_ceil_div(g->depthwise ? g->groups : g->n, d->array[2]);
  b.passes = g->depthwise && g->groups > 1
                 ? ag_ceil_div(g->taps, 4) * (d->element_bytes > 1 ? 2 : 1)
                 : dot_passes(d, g);
  int64_t best = INT64_MAX;
  for (int64_t high = 1; high <= BLOCK; high *= 2)
    for (int64_t wide = 1; high * wide <= BLOCK; wide *= 2) {
      int64_t bh = high * d->array[0], bw = wide * d->array[1];
      int64_t cycles = grid_cycles(d, &b, bh, bw);
      if (cycles < best) best = cycles;
    }
  return g->depthwise ? best : ag_times(g->groups, best);
}

int64_t ag_array_cycles(const ag_device *d, const ag_node *n) {
  ag_gemm g;
  if (!ag_gemm_of(n, &g)) return 0;
  switch (d->engine) {
  case AG_ENGINE_CUBE:
    return cube(d, &g);
  case AG_ENGINE_SYSTOLIC:
    return systolic(d, &g);
  case AG_ENGINE_BLOCK_DOT:
    return block_dot(d, n, &g);
  default:
    return atomic(d, &g);
  }
}
