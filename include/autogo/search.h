/* autogo/search.h - mutation, batches of children, prices, Pareto fronts.
 *
 * The C side of a search; which parents to mutate and which children to keep is policy,
 * written in Lua over these calls:
 *
 *   ag_space_mutate    parents -> a batch of distinct, valid, predicted children
 *   ag_batch_cost      a column of costs from per-node prices
 *   ag_batch_graph     one child as a graph of its own
 *   ag_space_make      many of them, scored
 *   ag_pareto_front    which rows of a table are not dominated
 *
 * Source: algorithm.md section 4, design.md (Cost, Determinism, Threads). */
#ifndef AUTOGO_SEARCH_H
#define AUTOGO_SEARCH_H

#include "autogo/hardware.h"
#include "autogo/mining.h"
#include "autogo/predict.h"
#include "autogo/resolve.h"

/* --- the space ---------------------------------------------------------------------- */

/* What mutation draws on. The parts stay the caller's and must outlive the space. */
typedef struct ag_space_options {
  const ag_tokenizer *tokenizer;
  const ag_database *database;
  const ag_predictor *predictor;
  bool permitted[AG_OP_COUNT]; /* ops a replacement may contain */
  ag_method solver;
  int threads;
  uint64_t seed;
  bool (*stop)(void *context); /* asked now and then, on any thread; true ends ag_space_mutate
                                  with AG_INTERRUPTED; NULL: never */
  void *stop_context;
} ag_space_options;

/* A space remembers the hash of every graph it has seen, so that no child comes twice. */
typedef struct ag_space ag_space;
ag_space *ag_space_new(const ag_space_options *options);
void ag_space_free(ag_space *space);

/* The threads of a space, for work on its batches. */
ag_pool *ag_space_pool(const ag_space *space);

/* Number of entries of the space's database. */
int ag_space_entries(const ag_space *space);

/* Mark a graph as seen. True if it was new. */
bool ag_space_visit(ag_space *space, const ag_graph *graph);

/* The memory of a space as a list that only grows, so that a journal needs to keep only what is
 * new: the hashes number `first` and later, in the order in which they were first seen, into
 * hashes[ag_space_visited(space) - first]. O(their number). */
int64_t ag_space_visited(const ag_space *space);
void ag_space_visited_since(const ag_space *space, int64_t first, ag_hash *hashes);

/* Mark hashes as seen, as if their graphs had been visited in this order. */
void ag_space_visit_hashes(ag_space *space, const ag_hash *hashes, int64_t count);

/* The predictor's score of an architecture: the mean over all cuts of its full segmentation
 * (PSC) or its one number (GNN). `graph` must be in canonical order. */
ag_status ag_space_score(const ag_space *space, const ag_graph *graph, double *score,
                         ag_error *err);

/* --- mutation ------------------------------------------------------------------------ */

typedef struct ag_mutation_options {
  int sources;           /* source segments per parent (published: 10) */
  int replacements;      /* children per source at most (published: 100) */
  int segments;          /* contiguous segments in a source at most (published: 3) */
  double keep;           /* share of the multi-node tokens in a parent's V' (published: 0.5) */
  bool operations;       /* single nodes as sources and replacements: the ablation */
  int64_t children;      /* most children that may be scored, shared by the sources; 0: no limit */
  const double *weights; /* per entry of the database, how readily it is drawn; 0: not at all;
                            NULL: all alike */
  uint64_t generation;   /* part of the key of every random draw */
} ag_mutation_options;

/* The published settings, as the fields say them. */
ag_mutation_options ag_mutation_defaults(void);

/* One child: `segment` in the place of nodes [first, last) of parent number `parent`. */
typedef struct ag_child {
  int32_t parent, first, last;
  int32_t entry, variant;    /* of the database; the segment before its shapes were solved */
  const ag_segment *segment; /* with solved shapes; owned by the batch or the database */
  const int32_t *input_map;  /* as ag_graph_splice takes them; owned by the batch */
  const int32_t *output_map;
  bool resolved; /* false: a mined variant fitted as it was */
  ag_hash hash;  /* ag_graph_hash of the child */
  int64_t flops;
  double predicted; /* raw prediction with the replacement in place ... */
  double baseline;  /* ... and with the parent's own segment at the same cut */
} ag_child;

typedef struct ag_batch {
  int size;
  const ag_child *children; /* by parent, source, candidate */
  int parents;
  const ag_graph *const *parent;
  int64_t tried;    /* candidates taken from the database */
  int64_t feasible; /* of these, with a solution for their shapes */
  int64_t scored;   /* of these, distinct, not seen before and predicted */
} ag_batch;

/* Mutate `parents` (canonical order), each as algorithm.md section 4 says: a fresh sparse V'
 * per parent; the cheapest half of the sources by FLOPs, the rest at random; for each source,
 * half of the budget to mined variants that fit as they are, the rest to segments whose
 * shapes must be solved, best prediction first. Children already seen (the parents too) are
 * dropped; all others that were predicted are marked as seen, those that were not kept too. The
 * result is the same for any number of threads. Errors: AG_INTERRUPTED when options.stop said so:
 * no child is marked as seen; AG_INVALID for options out of range or a parent in which nothing can
 * be replaced when it is the only one. The batch retains the parents and must not outlive the
 * database; free it with ag_batch_free. */
ag_status ag_space_mutate(ag_space *space, const ag_graph *const *parents, int count,
                          const ag_mutation_options *options, ag_batch **batch, ag_error *err);
void ag_batch_free(ag_batch *batch);

/* Child number `index` as a graph, in the order P, replacement, C. */
ag_status ag_batch_graph(const ag_batch *batch, int index, const ag_graph **graph, ag_error *err);
int ag_batch_graph_size(const ag_batch *batch, int index); /* its number of nodes */

/* A child made for good. */
typedef struct ag_made {
  const ag_graph *graph; /* in canonical order; the caller releases it */
  int32_t *order;        /* in: room for ag_batch_graph_size integers, or NULL; out: for each node
                            its position in ag_batch_graph's graph */
  double score;          /* ag_space_score */
} ag_made;

/* Make and score the children rows[0 .. count), on all threads. On an error, that of the first
 * row that has one, no graph is left. */
ag_status ag_space_make(const ag_space *space, const ag_batch *batch, const int32_t *rows,
                        int count, ag_made *made, ag_error *err);

/* The raw number of a whole-graph predictor for the wanted children (NULL: all), as ag_predict on
 * ag_batch_graph would give to 1e-5, without making the graphs; values[k] of other children stay.
 * Errors: AG_INVALID for a PSC predictor. The same for any pool (NULL: none). */
ag_status ag_batch_estimate(const ag_batch *batch, const ag_predictor *predictor, ag_pool *pool,
                            const bool *wanted, double *values, ag_error *err);

/* --- prices: per-node costs, remembered by node signature -------------------------------- */

/* A memo from ag_node_signature to a cost. NaN means "cannot be measured". */
typedef struct ag_prices ag_prices;
ag_prices *ag_prices_new(void);
void ag_prices_free(ag_prices *prices);
void ag_prices_set(ag_prices *prices, const ag_node *node, int predecessors, double price);

/* A node whose signature has no price yet. */
typedef struct ag_unpriced {
  ag_node node;
  int operands, predecessors;
} ag_unpriced;

/* The distinct unpriced signatures of a graph, or of the parents and the wanted children (NULL:
 * all) of a batch, in order of first appearance, as a malloc'd array; returns their number. */
int ag_prices_missing_batch(const ag_prices *prices, const ag_batch *batch, const bool *wanted,
                            ag_unpriced **nodes);
int ag_prices_missing_graph(const ag_prices *prices, const ag_graph *graph, ag_unpriced **nodes);

/* Sum of the prices of all nodes in order; NaN if one cannot be measured or has no price, or the
 * sum overflows. */
double ag_graph_cost(const ag_prices *prices, const ag_graph *graph);

/* The same of the wanted children of a batch; the sum runs over P, replacement, C: exactly that of
 * the graph ag_batch_graph makes. costs[k] of other children stay. Afterwards wanted[] marks the
 * children with a node that has no price: what to ask for, and to cost again. Returns how many they
 * are. The same for any pool (NULL: none). O(nodes of the replacements), but for the sums. */
int ag_batch_cost(const ag_prices *prices, const ag_batch *batch, ag_pool *pool, bool *wanted,
                  double *costs);

/* --- devices --------------------------------------------------------------------------------- */

/* Milliseconds and millijoules (interface scope, static included) of the wanted children (NULL:
 * all) on a device: bit for bit those of ag_npu_graph on the graph ag_batch_graph makes, without
 * making it; NaN for a child that does not fit. ms[k] and mj[k] of other children stay. The same
 * for any pool (NULL: none). O(nodes + edges) per child. */
void ag_batch_npu(const ag_batch *batch, ag_npu *npu, ag_pool *pool, const bool *wanted, double *ms,
                  double *mj);

/* --- Pareto fronts ------------------------------------------------------------------------ */

/* Mark the rows of values[count][objectives] (row-major) that no other row dominates, under
 * maximise[objective]. Of equal rows the first is marked. Rows with a NaN never are. With
 * `violations`, one per row (NULL: none), only the rows of the least one compete.
 * O(count) for two objectives, O(count * front * objectives) otherwise. */
void ag_pareto_front(const double *values, int count, int objectives, const bool *maximise,
                     const double *violations, bool *front);

/* Volume dominated by the rows above `reference` (rows beyond it in any objective add
 * nothing). Sweep for two objectives, slicing for more. */
double ag_hypervolume(const double *values, int count, int objectives, const bool *maximise,
                      const double *reference);

/* Sum over the objectives of each row's rank (0 = best; equal values share the lower rank).
 * O(count) per objective. Source: algorithm.md section 4, table 8. */
void ag_rank_sums(const double *values, int count, int objectives, const bool *maximise,
                  int32_t *sums);

/* The rows of the front, ascending; if they are fewer than `wanted`, others after them, by least
 * violation, least sum of ranks, number. Into rows[count]; returns how many they are. */
int ag_pareto_best(const double *values, int count, int objectives, const bool *maximise,
                   const double *violations, int wanted, int32_t *rows);

#endif
