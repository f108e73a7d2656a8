/* What the files of hardware/ share: counts that saturate, tiles, and the row that stands for a
 * node whatever network it is in. */
#ifndef AG_NPU_INTERNAL_H
#define AG_NPU_INTERNAL_H

#include "autogo/hardware.h"

static inline int64_t ag_ceil_div(int64_t a, int64_t b) {
  return a / b + (a % b != 0);
}
static inline int64_t ag_times(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}
static inline int64_t ag_plus(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* k with its channels in blocks, as a cube stores them: taps * channels rounded up to array[2], or
 * to 4 if there are at most 4. Source: hardware.md 1.1. */
int64_t ag_blocked_depth(const ag_device *device, const ag_gemm *gemm);

/* --- tiling.c ------------------------------------------------------------------------------- */

/* What moves for a node under its best tiling. Resident tensors count as shared. */
typedef struct ag_traffic {
  int64_t dram_read, dram_written, shared;
  int64_t used; /* bytes of the input that are used */
  ag_tiling tiling;
  const char *buffer;    /* NULL, or the buffer in which the least tile does not fit ... */
  int64_t needs, offers; /* ... and bytes */
} ag_traffic;

/* The tilings of least time and of least energy. They are one unless the shared buffer has a
 * bandwidth or an energy of its own. */
void ag_tile_node(const ag_device *device, const ag_node *node, const ag_gemm *gemm,
                  ag_traffic *least_time, ag_traffic *least_energy);

bool ag_is_resident(const ag_device *device, int64_t bytes);

/* A time in units of 2^-16 ns, an energy in units of 2^-10 pJ. */
int64_t ag_time_of_ns(double ns);
int64_t ag_energy_of_pj(double pj);

/* Nanoseconds of DMA for bytes of DRAM and of the shared buffer. */
double ag_dma_ns(const ag_device *device, int64_t dram, int64_t shared);

/* --- row.c ---------------------------------------------------------------------------------- */

enum ag_run {
  AG_RUN_FREE,       /* input, output: nothing runs */
  AG_RUN_ALIAS,      /* the operand under another name: nothing runs either */
  AG_RUN_LEAD,       /* always a group of its own */
  AG_RUN_ACTIVATION, /* may follow its operand's group */
  AG_RUN_REMAP,      /* likewise: an address change */
  AG_RUN_POOL,       /* likewise; what is written shrinks */
  AG_RUN_JOIN        /* add, mul: may follow one operand's group; reads the others */
};

/* A node as the leader of a group. Joins, concats and the like leave out the reading of their
 * operands, of which the graph says the number and sizes. */
typedef struct ag_row {
  uint8_t run;
  bool reads;        /* what its operands are is for the pass to add */
  int64_t out_bytes; /* of its output */
  int64_t in_bytes;  /* the most that is used of one operand */
  ag_counts counts;
  ag_traffic traffic;
  double fill_ns, start_ns, latency_ns;
  int64_t time;            /* of the group, if nothing is added to it */
  int64_t energy;          /* dynamic */
  int64_t follow_elements; /* of the vector unit, as a follower ... */
  int64_t follow_energy;
} ag_row;

/* What joins and pools add to a group, or operands to a leader that reads; a pool takes away the
 * writing of its operand. */
typedef struct ag_added {
  int64_t vector; /* cycles */
  int64_t elements;
  int64_t operand, output; /* bytes, as in ag_counts */
  int64_t dram, written, shared;
} ag_added;

void ag_row_make(const ag_device *device, const ag_node *node, ag_row *row);

/* Time of a group with what was added to it. */
int64_t ag_row_time(const ag_device *device, const ag_row *row, const ag_added *added);

ag_added ag_added_sum(const ag_added *a, const ag_added *b);
ag_counts ag_added_counts(const ag_added *added);
void ag_counts_add(ag_counts *to, const ag_counts *counts);

/* Dynamic energy of counts. */
int64_t ag_counts_energy(const ag_device *device, const ag_counts *counts);

/* --- pass.c --------------------------------------------------------------------------------- */

/* A graph as the pass sees it: rows by node, operands in compressed rows. */
typedef struct ag_pass_graph {
  int size;
  const ag_row *const *rows;
  const int32_t *operand_start, *operands;
} ag_pass_graph;

/* A group by its leader while it is open; group.c. */
typedef struct ag_strand {
  ag_added added; /* to it, if it is the one that goes on */
  int64_t time;   /* that it then takes */
  int64_t rest;   /* the least of those that then have ended */
  int64_t best;   /* of the head of a tree: the least of time + rest; of others 0 */
  int32_t next;   /* leader in the same tree, -1 */
} ag_strand;

/* Working memory of a pass, and what is known of the nodes before `first`. */
typedef struct ag_pass {
  int capacity;
  int32_t *users;
  int32_t *inner;    /* users before `first` */
  int32_t *group;    /* head of the tree the node is in, -1 */
  int32_t *follower; /* for a report: the node fused behind this one, -1 ... */
  int32_t *winner;   /* ... and, at a join, the best leader then */
  ag_strand *strand; /* by leader */
  int first;
  int64_t head_time, head_energy, head_held, head_dram, head_shared;
  bool head_fits;
  struct ag_undo *undo; /* what the rest changed of groups led before `first` */
  int undo_count, undo_capacity;
  struct ag_residency *residency; /* working memory of ag_pass_room */
} ag_pass;                        /* {0} is ready for use */

/* What a pass finds: the sums, and the bytes that leave the shared buffer for lack of room. */
typedef struct ag_pass_sums {
  int64_t time, energy;
  int64_t evicted, reread; /* bytes written, and read, for lack of room; in both */
  int64_t peak;            /* bytes alive at once that stay by their size; only with a report */
  int64_t waiting;         /* the time by which they lengthen that of the groups ... */
  int64_t moving;          /* ... and their dynamic energy */
} ag_pass_sums;

/* A group as a report has it. */
typedef struct ag_pass_group {
  ag_counts counts;
  int64_t time, energy;
  ag_added added;
} ag_pass_group;

void ag_pass_free(ag_pass *pass);

/* Group the nodes and sum time and dynamic energy; `report` receives the groups by leader (size
 * entries), and pass->group the leaders by node. False if a node does not fit.
 * O(nodes + edges), times the leaders that joins connect. */
bool ag_pass_run(ag_pass *pass, const ag_device *device, const ag_pass_graph *graph,
                 ag_pass_sums *sums, ag_pass_group *report);

/* The same in two steps, for many graphs that share their nodes before `first`: ag_pass_head on one
 * of them, then ag_pass_tail on each, which costs O(what follows). A tensor that is made before
 * `first` and used at or after it in one of them must be so in all. */
void ag_pass_head(ag_pass *pass, const ag_device *device, const ag_pass_graph *graph, int first);
bool ag_pass_tail(ag_pass *pass, const ag_device *device, const ag_pass_graph *graph,
                  ag_pass_sums *sums);

/* The nodes at the end that no change before them concerns: none is fused with a node before
 * `from`, and what they add to the sums is known. */
typedef struct ag_pass_ending {
  int32_t from;  /* size of the graph: there are none */
  int32_t *uses; /* tensors made before, once for each time they are named */
  int use_count, use_capacity;
  int64_t time, energy, held, dram, shared;
} ag_pass_ending; /* {0} is ready for use */

/* Find the ending of a graph of which the nodes before `last` may be replaced, so long as as many
 * tensors of the same sizes take the place of those that are used later. Overwrites the pass. */
void ag_pass_find_ending(ag_pass *pass, const ag_device *device, const ag_pass_graph *graph,
                         int last, ag_pass_ending *ending);

/* ag_pass_tail of a graph that has this ending, given what stands before, and `uses` as this graph
 * numbers them. False if it takes the whole graph to tell: where the shared buffer has no
 * room for all tensors at once. */
bool ag_pass_middle(ag_pass *pass, const ag_device *device, const ag_pass_graph *graph,
                    const ag_pass_ending *ending, const int32_t *uses, ag_pass_sums *sums,
                    bool *fits);

/* Whether a join may be fused with an operand: a group ends there, nobody else needs what it makes,
 * and the join makes as much. */
bool ag_pass_may_follow(const ag_pass *pass, const ag_pass_graph *graph, int32_t node,
                        int32_t operand);

/* --- residency.c ---------------------------------------------------------------------------- */

typedef struct ag_room {
  int64_t written, read; /* bytes that leave at all; that come back */
  int64_t peak;          /* bytes alive at once */
} ag_room;

/* Run the shared buffer along a graph whose nodes are in their groups. O(nodes + edges), times the
 * tensors alive at once where they are too many. */
ag_room ag_pass_room(ag_pass *pass, const ag_device *device, const ag_pass_graph *graph);
void ag_residency_free(struct ag_residency *residency);

/* --- npu.c ---------------------------------------------------------------------------------- */

/* The sums in milliseconds and, static power included, millijoules. */
double ag_npu_ms(int64_t time);
double ag_npu_mj(const ag_device *device, int64_t time, int64_t energy);

/* The row of a signature (ag_node_signature(node, 0)), owned by the npu and good for its life. A
 * new one is empty, and ag_row_make is for the caller to call. */
ag_row *ag_npu_row(ag_npu *npu, ag_hash signature, bool *fresh);

#endif
