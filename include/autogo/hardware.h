/* autogo/hardware.h - what a network costs on an accelerator that exists as a JSON file.
 *
 *   ag_device device;
 *   ag_error err;
 *   if (ag_device_load("lua/autogo/devices/mobile-npu.json", &device, &err)) ...
 *   ag_npu *npu = ag_npu_new(&device);
 *   ag_npu_cost cost;
 *   if (ag_npu_graph(npu, graph, &cost, NULL, &err)) ...   // err: the node that does not fit
 *   printf("%.3f ms, %.3f mJ, %.0f mW\n", cost.ms, cost.mj, cost.mw);
 *   ag_npu_free(npu);
 *
 * The machine
 *
 *                    +--------------------------- chip ----------------------------+
 *   DRAM <-- DMA --> | shared buffer <--> operand buffers --> array --> out buffer |
 *    bandwidth       |  whole tensors      tiles, two halves     \--> vector unit  |
 *    latency         +-------------------------------------------------------------+
 *
 * The array multiplies and accumulates; its kind decides the cycles (ag_array_cycles). The vector
 * unit does everything else and the output stage of the array. DMA moves tiles of operands while
 * the array works on the ones before.
 *
 * A network runs one *group* at a time: a node and what is fused into it. A node is fused into the
 * group of its operand when it is the only user and is an activation or norm ("activation"), an
 * address change such as depth-to-space ("remap"), a pool ("pool", only its output is written), or
 * an addition or product of equal tensors ("add", one more operand to read; of several operands
 * that it could follow, those that make the network quickest). A tensor of at most shared.resident
 * bytes stays in the shared buffer; a larger one is written to DRAM and read back by every user.
 * Both rules look at a node, its operands and the number of their users only, so the cost of a
 * child of a search is a sum over remembered numbers.
 *
 * Where the tensors that stay and are still needed (skip connections wait for long) are at one
 * moment more than shared.bytes, bytes are written to DRAM once and read back for every use before
 * which they were away; they go by without the shared buffer. How many are written and how many
 * read is each the least that any plan can reach (residency.c). The moments are those of a
 * schedule: operands before their users, in the order in which they are named. Both ways cost their
 * energy; they use the time in which the DMA is idle, and where there is too little of it the
 * network takes as long as its DMA.
 *
 * Time of a group, with A cycles of the array, V of the vector unit, D of the DMA:
 *
 *   min(A' + D, max(A', D) + fill) + start + latency       A' = max(A, V)
 *
 * where fill is the first load and the last store of `chunk` bytes, which nothing hides.
 * Array cycles do not depend on the tiles (these are cut at granules, and streams go on over their
 * edges), so the tiling of least time is the one of least traffic, and it costs least energy too.
 * Only where the shared buffer has a bandwidth ("gbps") and an energy of its own may the two
 * differ: latency is then that of the one, energy that of the other, and the bytes shown are of the
 * quicker one.
 *
 * Latency and energy are monotone: more work, smaller buffers, a smaller array, a slower vector
 * unit, less bandwidth or a slower clock never make either cheaper. All that is chosen is the least
 * of a set that only more hardware enlarges, and what stays where costs no less where it is slower.
 * That takes an array that ends folds at their edge ("fill": "edge", hardware.md 2.3), idle slots
 * that cost nothing, and a shared buffer neither slower nor dearer than DRAM; the depth of a cube
 * is the layout of channels rather than an amount. Average power is not monotone: a badly filled
 * array draws little.
 *
 * Energy is linear in counts: MACs, idle MAC slots, bytes at each level, elements of the vector
 * unit, plus static power for the whole time. Two scopes of DRAM: its interface on the chip, and
 * the system with the memory device.
 *
 * Sums are whole numbers (units of 2^-16 ns and 2^-10 pJ), so they do not depend on the order of
 * the nodes, nor on how a child of a search was put together. Where bytes leave the shared buffer
 * they depend on the order in which an addition names its operands.
 *
 * Source: hardware.md sections 1 to 4. Assumed, not measured: see the "sources" of a device file.
 */
#ifndef AUTOGO_HARDWARE_H
#define AUTOGO_HARDWARE_H

#include "autogo/graph.h"

/* --- devices -------------------------------------------------------------------------------- */

typedef enum ag_engine {
  AG_ENGINE_CUBE,      /* m x n outputs, k deep, per cycle (Ascend) */
  AG_ENGINE_SYSTOLIC,  /* rows x columns of cells, operands skewed (TPU, SCALE-Sim) */
  AG_ENGINE_BLOCK_DOT, /* micro-blocks of outputs, dot products (Ethos-U) */
  AG_ENGINE_ATOMIC     /* Cin-atom x Cout-atom per cycle (NVDLA) */
} ag_engine;

typedef enum ag_dataflow { AG_FLOW_OS, AG_FLOW_WS, AG_FLOW_IS } ag_dataflow;

/* One field per number of a device file; ag_device_load says which are needed. */
typedef struct ag_device {
  char name[64];
  ag_engine engine;
  ag_dataflow dataflow; /* systolic */
  bool edge;            /* systolic: "fill": "edge", the last fold uses only what it needs */
  int32_t array[4];     /* cube m, n, k; systolic rows, columns; block-dot height, width,
                           channels, depth; atomic cin, cout; the rest 1 */
  double clock_ghz;
  int32_t element_bytes; /* 1 or 2, ... */
  int32_t accumulator_bytes;
  int64_t input_buffer; /* bytes, ping and pong; 0 = it is part of operand_buffer */
  int64_t weight_buffer;
  int64_t output_buffer;  /* accumulators */
  int64_t operand_buffer; /* what input and weight tiles (and accumulators) share; 0 = nothing */
  int64_t left_buffer;    /* cube: L0A and L0B hold a granule at least; 0 = not looked at */
  int64_t right_buffer;
  int64_t vector_buffer; /* holds a granule of outputs at least; 0 = not looked at */
  int64_t shared_buffer; /* bytes; 0 = none */
  int64_t resident;      /* tensors up to this size stay in it */
  double shared_gbps;    /* 0 = as fast as the array asks */
  double vector_bytes;   /* bytes per cycle of the vector unit */
  double dram_gbps;      /* 10^9 bytes per second */
  double dram_latency;   /* cycles, once per group that uses it */
  double chunk;          /* bytes */
  double start;          /* cycles per group */
  bool fuse_activation, fuse_remap, fuse_add, fuse_pool;
  double mac_pj, pad_pj; /* per useful MAC; per idle slot of a busy cycle */
  double operand_pj;     /* per byte */
  double output_pj;
  double shared_pj;
  double vector_pj;               /* per element */
  double dram_pj, dram_system_pj; /* per byte: interface; with the memory device */
  double static_mw;
} ag_device;

/* Read a device file: JSON as the bundled ones under lua/autogo/devices. Every number is needed but
 * those with a natural zero (manual, devices). Unknown fields are errors, so that a typing mistake
 * does not leave a default in force. Errors name file, field, value and what would do: AG_IO,
 * AG_FORMAT for what is no device file, AG_INVALID for a number out of range. */
ag_status ag_device_load(const char *path, ag_device *device, ag_error *err);
ag_status ag_device_parse(const char *text, size_t length, ag_device *device, ag_error *err);

/* The same checks for a device changed in memory. */
ag_status ag_device_check(const ag_device *device, ag_error *err);

/* MACs per cycle. */
int64_t ag_device_peak(const ag_device *device);

/* TOPS (2 per MAC) per watt at full use, static power counted: outside 0.1 to 10 a device file is
 * hardly right. */
double ag_device_tops_per_watt(const ag_device *device);

/* --- one node --------------------------------------------------------------------------------- */

/* A convolution as `groups` products of (m x k) and (k x n), one after another. */
typedef struct ag_gemm {
  int64_t m, n, k, groups;
  int64_t taps;   /* kh * kw of k = taps * channels */
  int64_t macs;   /* useful ones: m*n*k*groups but for transposed convolutions */
  bool depthwise; /* one channel in, one out per group, or in all */
} ag_gemm;

/* The view of conv, depthwise, matmul and transposed conv; false for other ops. */
bool ag_gemm_of(const ag_node *node, ag_gemm *gemm);

/* Cycles of the array on a node, memory unlimited; 0 for other ops.
 *
 *   cube       groups * ceil(m/M) * ceil(n/N) * ceil(kp/K), kp the k with channels in blocks of K
 *              (of 4 if there are at most 4); depthwise: the block diagonal
 *   systolic   per fold T + R + C - 2 (OS), T + 2R + C - 2 (WS, IS): SCALE-Sim v2's count plus one
 *   block-dot  the best block of outputs, up to 64 micro-blocks; the weight decoder wants 32 cycles
 *              per block, and a block at the edge takes as long as a whole one
 *   atomic     m * taps * ceil(cin/Ca) * ceil(cout/Ka)
 *
 * Saturates at INT64_MAX. Source: hardware.md 1.4, 2.2, 2.3. */
int64_t ag_array_cycles(const ag_device *device, const ag_node *node);

/* Counts of a node or a network. Bytes are what crosses the level's ports. */
typedef struct ag_counts {
  int64_t macs, slots;     /* useful; offered while the array was busy */
  int64_t array, vector;   /* busy cycles */
  int64_t operand, output; /* bytes: operand buffers, out buffer */
  int64_t shared;          /* bytes: shared buffer */
  int64_t dram_read, dram_written;
  int64_t elements; /* of the vector unit */
} ag_counts;

/* How a node's operands are cut into tiles, and in which order of loops. */
typedef struct ag_tiling {
  int32_t height, width;   /* of outputs */
  int64_t channels, depth; /* outputs per group; inputs per group */
  bool split;              /* one tap of the kernel at a time */
  ag_dataflow order;       /* OS: m n k, WS: n k m, IS: m k n */
} ag_tiling;

/* Traffic of a product under a tiling by hardware.md 3.2, elements counted as bytes: refetches of
 * input and weights, visits of the output. */
typedef struct ag_refetch {
  int64_t input, weight, visits;
} ag_refetch;
ag_refetch ag_tiling_refetch(ag_dataflow order, int64_t trips_m, int64_t trips_n, int64_t trips_k);

/* --- a network -------------------------------------------------------------------------------- */

typedef struct ag_npu_node {
  int32_t group;      /* the node that leads its group; -1: it costs nothing (input, output) */
  ag_counts counts;   /* leaders: of the whole group; others: zero */
  ag_tiling tiling;   /* leaders that use the array */
  double cycles;      /* of the group, all of it */
  double memory;      /* cycles of the DMA */
  double exposed;     /* cycles - max(array, vector) */
  double ms, mj;      /* mj: with its share of static power */
  double utilisation; /* macs / (cycles of the group * peak) */
} ag_npu_node;

typedef struct ag_npu_cost {
  ag_counts counts;
  int64_t time, energy; /* the exact sums: 2^-16 ns; 2^-10 pJ, static excluded */
  double cycles, memory, exposed;
  double ms, mj, mw; /* mj: interface scope, static included; mw: mj / ms */
  double mj_system, mw_system;
  double static_mj;
  double utilisation;            /* macs / (cycles * peak) */
  double mapping;                /* macs / slots */
  int64_t shared_peak;           /* bytes alive at once of tensors that stay by their size */
  int64_t evicted;               /* bytes of them that find no room, each written once more ... */
  int64_t reread;                /* ... and bytes read again for that */
  double evicted_ms, evicted_mj; /* of that; the totals are the sums over the nodes and this */
  int groups;
} ag_npu_cost;

/* A device with what it remembers of nodes by their signature. Not for use by several threads. */
typedef struct ag_npu ag_npu;
ag_npu *ag_npu_new(const ag_device *device);
void ag_npu_free(ag_npu *npu);
const ag_device *ag_npu_device(const ag_npu *npu);

/* Cost of a graph; `nodes`, if not NULL, receives one row per node. AG_INFEASIBLE when the least
 * tile of a node does not fit, with the node, the buffer, bytes needed and there. O(nodes +
 * edges) plus a search over tilings per new signature. */
ag_status ag_npu_graph(ag_npu *npu, const ag_graph *graph, ag_npu_cost *cost, ag_npu_node *nodes,
                       ag_error *err);

/* Power at a fixed frame rate: static + fps * dynamic energy, mW; NaN where a frame takes longer
 * than 1 / fps. Monotone in the work. */
double ag_npu_power_at(const ag_npu_cost *cost, const ag_device *device, double fps);

#endif
