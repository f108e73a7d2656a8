/* autogo/mining.h - labels, byte-pair encoding and the segment database.
 * Source: algorithm.md section 3, families.md 1.8, dependencies.md (BPE). */
#ifndef AUTOGO_MINING_H
#define AUTOGO_MINING_H

#include "autogo/graph.h"

/* "op[,kernel],in,<ops of operands, sorted>,out,<ops of users, sorted>" of a node, e.g.
 * "conv,3,in,add,batchnorm,out,relu"; into `buffer`. Distinct neighbours only once per edge. */
const char *ag_node_token_label(const ag_graph *graph, int node, char *buffer, size_t size);

/* A tokenizer: the alphabet of node labels and the merges learned over them.
 * Tokens 0 .. symbols-1 are single labels, the rest are merges in the order learned. */
typedef struct ag_tokenizer ag_tokenizer;

typedef struct ag_tokenizer_options {
  int vocabulary; /* symbols + merges at most (published: 2000) */
  int max_length; /* symbols in a token at most (published: 16) */
} ag_tokenizer_options;

ag_status ag_tokenizer_train(const ag_graph *const *graphs, int count,
                             const ag_tokenizer_options *options, ag_tokenizer **tokenizer,
                             ag_error *err);
void ag_tokenizer_free(ag_tokenizer *tokenizer);
int ag_tokenizer_symbols(const ag_tokenizer *tokenizer);
int ag_tokenizer_tokens(const ag_tokenizer *tokenizer);
int ag_tokenizer_length(const ag_tokenizer *tokenizer, int token);
const char *ag_tokenizer_label(const ag_tokenizer *tokenizer, int symbol);
ag_status ag_tokenizer_save(const ag_tokenizer *tokenizer, const char *path, ag_error *err);
ag_status ag_tokenizer_load(const char *path, ag_tokenizer **tokenizer, ag_error *err);

/* The full segmentation of a graph as a forest of merges: each root is a token of the full
 * vocabulary, each inner node a merge. A sparse vocabulary only un-merges, so segmenting
 * with one is a walk. Unknown labels are single-node segments. */
typedef struct ag_segmentation ag_segmentation;
ag_segmentation *ag_tokenizer_encode(const ag_tokenizer *tokenizer, const ag_graph *graph);
void ag_segmentation_free(ag_segmentation *segmentation);

/* Segment boundaries under the tokens marked in keep[tokens] (NULL = all; single symbols
 * are always kept): bounds[0] = 0 < bounds[1] < ... < bounds[count] = nodes. `bounds` needs
 * room for nodes + 1. Returns count. */
int ag_segmentation_bounds(const ag_segmentation *segmentation, const uint8_t *keep,
                           int32_t *bounds);

/* Draw a sparse vocabulary V': every multi-symbol token is kept with probability `keep`;
 * the choice is a pure function of (key, token). */
void ag_tokenizer_sparse(const ag_tokenizer *tokenizer, double keep, uint64_t key, uint8_t *mask);

/* --- segment database --------------------------------------------------------------- */

/* One segment up to isomorphism (AG_EQUAL_KIND, ports included), with the distinct shape
 * assignments it was seen with, most frequent first. */
typedef struct ag_entry {
  ag_hash hash;                        /* AG_EQUAL_KIND */
  int64_t count;                       /* occurrences in the corpus */
  uint32_t families;                   /* bit i: seen in family i of ag_database_family */
  int variants;
  const ag_segment *const *variant;    /* never empty */
  const int64_t *variant_count;
} ag_entry;

typedef struct ag_database ag_database;

/* Every multi-symbol token's occurrences in the encoded graphs become segments (nodes
 * input, output, mean, matmul and ops unknown to the table never do). Deterministic and
 * independent of the order of the graphs. */
ag_status ag_database_mine(const ag_tokenizer *tokenizer, const ag_graph *const *graphs,
                           int count, ag_database **database, ag_error *err);
void ag_database_free(ag_database *database);
int ag_database_size(const ag_database *database);
const ag_entry *ag_database_get(const ag_database *database, int index);
int ag_database_families(const ag_database *database);
const char *ag_database_family(const ag_database *database, int index);
ag_status ag_database_save(const ag_database *database, const char *path, ag_error *err);
ag_status ag_database_load(const char *path, ag_database **database, ag_error *err);

#endif
