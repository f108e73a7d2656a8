/* What the files of search/ share: the space, the sources of a parent, the index of fitting
 * variants, and the incremental identity of a child. */
#ifndef AG_SEARCH_INTERNAL_H
#define AG_SEARCH_INTERNAL_H

#include "autogo/search.h"
#include "engine/base/map.h"
#include "engine/base/random.h"
#include "engine/search/visited.h"

/* A variant of a database entry whose ports have the shapes that `key` stands for. */
struct fit {
  ag_hash key;
  int32_t entry, variant;
};

/* A thread's working memory for hashes of children. */
struct marks {
  struct ag_mark *row;
  int capacity;
};

struct ag_space {
  ag_space_options options;
  ag_pool *pool;
  ag_solver **solvers;    /* one per thread */
  struct marks *marks;    /* one per thread */
  struct visited visited; /* ag_graph_hash of every graph seen */
  int32_t *usable;        /* entries whose ops are permitted, ascending */
  int usable_count;
  struct fit *fits; /* of the usable entries, sorted by key, entry, variant */
  int fit_count;
};

/* True once the search was asked to stop. */
static inline bool ag_space_stopped(const ag_space *space) {
  return space->options.stop && space->options.stop(space->options.stop_context);
}

/* Key of a set of port shapes: a multiset per side, for ports are mapped in any order. */
ag_hash ag_ports_key(const ag_shape *inputs, int input_count, const ag_shape *outputs,
                     int output_count);

/* The fits of a key: first one and number, by binary search. */
const struct fit *ag_space_fits(const ag_space *space, ag_hash key, int *count);

/* A range of a parent chosen for replacement, with its ports. */
struct source {
  int parent, first, last;
  ag_segment *cut;
  int32_t *entering, *leaving; /* tensors of the parent behind the ports */
  ag_shape *inputs, *outputs;  /* their shapes */
  int64_t flops;               /* of the cut */
};
void ag_source_free(struct source *source);

/* An encoding is the largest thing a parent has: only so many exist at once. */
enum { AG_ENCODED_AT_ONCE = 64 };

/* Facts of a parent that all its children share. */
struct parent {
  const ag_graph *graph;
  ag_hash hash; /* ag_graph_hash */
  int64_t flops;
  ag_hash *own;          /* per node: the constant part of its forward hash */
  struct ag_mark *marks; /* per node: its forward hash, and that as a term of a multiset */
  struct source *sources;
  int source_count;
  ag_encoding *encoding; /* while its sources are at work */
};
/* The first five; the others are ag_choose_sources' and the mutation's. */
void ag_parent_init(struct parent *parent, const ag_graph *graph);
void ag_parent_free(struct parent *parent);

/* True if a search may replace this node: not an end, a head or a node whose shapes cannot be
 * solved. */
bool ag_node_replaceable(const ag_graph *graph, int node);

/* Choose the sources of parent number `index` (algorithm.md section 4, step 2). */
void ag_choose_sources(const ag_space *space, const ag_mutation_options *options, int index,
                       struct parent *parent);

/* Put candidates into the order in which they are tried; entries of weight 0 are dropped.
 * Returns how many are left. */
int ag_order_candidates(struct fit *fits, int count, const double *weights, ag_random *random);

/* What of C follows from the cut, as a program over hashes (identity.c). */
struct tail {
  struct ag_step *steps;
  int32_t *codes;
  int count;
  ag_hash sum, outputs; /* over the nodes of P and C that no child changes */
};
void ag_tail_init(struct tail *tail, const struct parent *parent, const struct source *source);
void ag_tail_free(struct tail *tail);

enum { AG_LANES = 4 }; /* children hashed side by side */

/* Set the hash of up to AG_LANES children of a source, of which segment and maps are set:
 * ag_graph_hash of the graphs ag_batch_graph would make, without making them. */
void ag_hash_children(const struct parent *parent, const struct source *source,
                      const struct tail *tail, ag_child *children, int count,
                      struct marks *scratch);

#endif
