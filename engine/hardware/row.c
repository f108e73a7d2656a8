/* A node as the leader of a group: which unit does what, what moves, and what that takes. */
#include <math.h>

#include "engine/hardware/npu_internal.h"

static enum ag_run run_of(uint8_t op) {
  switch (op) {
  case AG_OP_INPUT:
  case AG_OP_OUTPUT:
    return AG_RUN_FREE;
  case AG_OP_IDENTITY:
  case AG_OP_FLATTEN:
    return AG_RUN_ALIAS;
  case AG_OP_ADD:
  case AG_OP_MUL:
    return AG_RUN_JOIN;
  case AG_OP_MAXPOOL:
  case AG_OP_AVGPOOL:
  case AG_OP_MEAN:
  case AG_OP_GLOBAL:
    return AG_RUN_POOL;
  case AG_OP_DEPTH_TO_SPACE:
  case AG_OP_SPACE_TO_DEPTH:
    return AG_RUN_REMAP;
  case AG_OP_BATCHNORM:
  case AG_OP_RELU:
  case AG_OP_RELU6:
  case AG_OP_LEAKYRELU:
  case AG_OP_PRELU:
  case AG_OP_SIGMOID:
  case AG_OP_TANH:
  case AG_OP_SWISH:
  case AG_OP_GELU:
  case AG_OP_HARDSWISH:
  case AG_OP_HARDSIGMOID:
    return AG_RUN_ACTIVATION;
  default:
    return AG_RUN_LEAD;
  }
}

/* Ops that read whatever their operands are. */
static bool reads_operands(uint8_t op) {
  return op == AG_OP_ADD || op == AG_OP_MUL || op == AG_OP_CONCAT || op == AG_OP_OPAQUE;
}

static int64_t vector_cycles(const ag_device *d, int64_t elements) {
  double cycles = ceil((double)elements * d->element_bytes / d->vector_bytes);
  return cycles < 9e18 ? (int64_t)cycles : INT64_MAX;
}

/* --- time and energy ------------------------------------------------------------------------ */

/* llround, without the call. */
static int64_t fixed(double value) {
  if (!(value < 9.2e18)) return INT64_MAX;
  int64_t whole = (int64_t)value;
  double rest = value - (double)whole;
  return whole + (rest >= 0.5) - (rest <= -0.5);
}

int64_t ag_time_of_ns(double ns) {
  return fixed(65536 * ns);
}

int64_t ag_energy_of_pj(double pj) {
  return fixed(1024 * pj);
}

int64_t ag_row_time(const ag_device *d, const ag_row *row, const ag_added *added) {
  int64_t vector = ag_plus(row->counts.vector, added->vector);
  int64_t busy = row->counts.array > vector ? row->counts.array : vector;
  int64_t dram = ag_plus(ag_plus(row->counts.dram_read, row->counts.dram_written),
                         ag_plus(added->dram, added->written));
  double c = (double)busy / d->clock_ghz;
  double m = ag_dma_ns(d, dram, ag_plus(row->counts.shared, added->shared));
  double together = fmin(c + m, fmax(c, m) + row->fill_ns);
  return ag_time_of_ns(together + row->start_ns + (dram > 0 ? row->latency_ns : 0));
}

ag_added ag_added_sum(const ag_added *a, const ag_added *b) {
  return (ag_added){.vector = ag_plus(a->vector, b->vector),
                    .elements = ag_plus(a->elements, b->elements),
                    .operand = ag_plus(a->operand, b->operand),
                    .output = ag_plus(a->output, b->output),
                    .dram = ag_plus(a->dram, b->dram),
                    .written = ag_plus(a->written, b->written),
                    .shared = ag_plus(a->shared, b->shared)};
}

ag_counts ag_added_counts(const ag_added *a) {
  return (ag_counts){.vector = a->vector,
                     .elements = a->elements,
                     .operand = a->operand,
                     .output = a->output,
                     .shared = a->shared,
                     .dram_read = a->dram,
                     .dram_written = a->written};
}

void ag_counts_add(ag_counts *to, const ag_counts *c) {
  to->macs = ag_plus(to->macs, c->macs);
  to->slots = ag_plus(to->slots, c->slots);
  to->array = ag_plus(to->array, c->array);
  to->vector = ag_plus(to->vector, c->vector);
  to->operand = ag_plus(to->operand, c->operand);
  to->output = ag_plus(to->output, c->output);
  to->shared = ag_plus(to->shared, c->shared);
  to->dram_read = ag_plus(to->dram_read, c->dram_read);
  to->dram_written = ag_plus(to->dram_written, c->dram_written);
  to->elements = ag_plus(to->elements, c->elements);
}

int64_t ag_counts_energy(const ag_device *d, const ag_counts *c) {
  double pj = d->mac_pj * (double)c->macs + d->pad_pj * (double)(c->slots - c->macs) +
              d->operand_pj * (double)c->operand + d->output_pj * (double)c->output +
              d->shared_pj * (double)c->shared + d->vector_pj * (double)c->elements +
              d->dram_pj * ((double)c->dram_read + (double)c->dram_written);
  return ag_energy_of_pj(pj);
}

/* --- the array ------------------------------------------------------------------------------ */

/* Bytes that the array reads of inputs and weights; hardware.md 2.2 and, for a cube, 4.4. */
static int64_t array_reads(const ag_device *d, const ag_gemm *g) {
  int64_t r = d->array[0], c = d->array[1], b = ag_times(g->groups, d->element_bytes);
  int64_t inputs = ag_times(g->m, g->k), weights = ag_times(g->k, g->n);
  switch (d->engine) {
  case AG_ENGINE_CUBE:
    return ag_times(b, ag_times(g->m, g->depthwise ? g->taps : ag_blocked_depth(d, g)));
  case AG_ENGINE_SYSTOLIC:
    if (d->dataflow == AG_FLOW_OS) {
      inputs = ag_times(inputs, ag_ceil_div(g->n, c));
      weights = ag_times(weights, ag_ceil_div(g->m, r));
    } else if (d->dataflow == AG_FLOW_WS) {
      inputs = ag_times(inputs, ag_ceil_div(g->n, c));
    } else {
      weights = ag_times(weights, ag_ceil_div(g->m, c));
    }
    break;
  case AG_ENGINE_BLOCK_DOT: /* weights stay for a block of outputs, 256 at most */
    inputs = ag_times(inputs, ag_ceil_div(g->n, d->array[2]));
    weights = ag_times(weights, ag_ceil_div(g->m, 256));
    break;
  default:
    inputs = ag_times(inputs, ag_ceil_div(g->n, c));
  }
  return ag_times(b, ag_plus(inputs, weights));
}

/* Bytes of partial sums that a stationary operand sends out and takes back. */
static int64_t partial_sums(const ag_device *d, const ag_gemm *g) {
  if (d->engine != AG_ENGINE_SYSTOLIC || d->dataflow == AG_FLOW_OS) return 0;
  int64_t outputs = ag_times(g->groups, ag_times(g->m, g->n));
  int64_t extra = ag_ceil_div(g->k, d->array[0]) - 1;
  return ag_times(2 * (int64_t)d->accumulator_bytes, ag_times(outputs, extra));
}

static void on_array(const ag_device *d, const ag_node *n, const ag_gemm *g, ag_counts *c) {
  c->array = ag_array_cycles(d, n);
  c->slots = ag_times(c->array, ag_device_peak(d));
  c->vector = vector_cycles(d, ag_shape_size(n->out));
  int64_t by_vector = vector_cycles(d, g->macs);
  bool lanes = d->engine == AG_ENGINE_CUBE && g->depthwise;
  if (lanes && by_vector < (c->array > c->vector ? c->array : c->vector)) {
    c->array = 0;
    c->vector = by_vector;
    c->slots = g->macs; /* lanes of the vector unit, none of them idle */
  }
}

static void set_traffic(ag_counts *c, const ag_traffic *t) {
  c->shared = t->shared;
  c->dram_read = t->dram_read;
  c->dram_written = t->dram_written;
}

static void make_product(const ag_device *d, const ag_node *n, const ag_gemm *g, ag_row *row) {
  ag_counts *c = &row->counts;
  int64_t b = d->element_bytes;
  ag_traffic least_energy;
  on_array(d, n, g, c);
  ag_tile_node(d, n, g, &row->traffic, &least_energy);
  c->macs = g->macs;
  c->operand =
      ag_plus(array_reads(d, g), ag_times(b, ag_plus(ag_shape_size(n->in), ag_node_params(n))));
  c->output = ag_plus(ag_times(2 * b, ag_shape_size(n->out)), partial_sums(d, g));
  c->elements = ag_shape_size(n->out);
  row->in_bytes = row->traffic.used;
  set_traffic(c, &row->traffic);
  ag_counts thrifty = *c;
  set_traffic(&thrifty, &least_energy);
  row->energy = ag_counts_energy(d, &thrifty);
}

/* --- the vector unit ------------------------------------------------------------------------ */

/* Elements the vector unit handles. Joins count one pass; further operands are added. */
static int64_t vector_elements(const ag_node *n) {
  int64_t in = ag_shape_size(n->in), out = ag_shape_size(n->out);
  switch (n->op) {
  case AG_OP_MAXPOOL:
  case AG_OP_AVGPOOL:
    return ag_times(out, (int64_t)n->kernel[0] * n->kernel[1]);
  case AG_OP_SOFTMAX:
    return ag_times(3, out); /* maximum, sum of exponentials, quotient */
  case AG_OP_RESIZE:
    return n->flags & AG_FLAG_LINEAR ? ag_times(4, out) : out;
  case AG_OP_MEAN:
  case AG_OP_GLOBAL:
    return in;
  case AG_OP_OPAQUE:
    return in > out ? in : out;
  default:
    return out;
  }
}

static void make_vector(const ag_device *d, const ag_node *n, ag_row *row) {
  ag_counts *c = &row->counts;
  int64_t in = row->reads || n->op == AG_OP_ZERO ? 0 : row->in_bytes, out = row->out_bytes;
  bool joins = n->op == AG_OP_ADD || n->op == AG_OP_MUL; /* the first operand takes no pass */
  c->elements = joins ? 0 : vector_elements(n);
  c->vector = vector_cycles(d, c->elements);
  c->operand = in;
  c->output = ag_times(2, out);
  *(ag_is_resident(d, in) ? &c->shared : &c->dram_read) = in;
  if (ag_is_resident(d, out))
    c->shared = ag_plus(c->shared, out);
  else
    c->dram_written = out;
  row->energy = ag_counts_energy(d, c);
}

void ag_row_make(const ag_device *d, const ag_node *n, ag_row *row) {
  *row = (ag_row){.run = (uint8_t)run_of(n->op), .reads = reads_operands(n->op)};
  row->out_bytes = ag_times(ag_shape_size(n->out), d->element_bytes);
  bool whole = n->op == AG_OP_CONCAT || n->op == AG_OP_OPAQUE; /* `in` is the first operand's */
  row->in_bytes = whole ? INT64_MAX : ag_times(ag_shape_size(n->in), d->element_bytes);
  if (row->run == AG_RUN_FREE || row->run == AG_RUN_ALIAS) return;
  ag_gemm g;
  if (ag_gemm_of(n, &g))
    make_product(d, n, &g, row);
  else
    make_vector(d, n, row);
  const ag_counts *c = &row->counts;
  row->fill_ns = (fmin(d->chunk, (double)c->dram_read) + fmin(d->chunk, (double)c->dram_written)) /
                 d->dram_gbps;
  row->start_ns = d->start / d->clock_ghz;
  row->latency_ns = d->dram_latency / d->clock_ghz;
  row->time = ag_row_time(d, row, &(ag_added){0});
  row->follow_elements = row->run == AG_RUN_ACTIVATION ? ag_shape_size(n->out) : 0;
  row->follow_energy = ag_counts_energy(d, &(ag_counts){.elements = row->follow_elements});
}
