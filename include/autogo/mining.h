/* autogo/mining.h - labels, byte-pair encoding, the segment database, a baseline.
 *
 * A graph in canonical order (ag_graph_canonical) is a string with one symbol per node. Byte-pair
 * encoding learns which runs of symbols recur; their occurrences, cut out of the graphs and freed
 * of isomorphic duplicates, are the segment database that a search draws replacements from.
 *
 *   ag_tokenizer_options options = ag_tokenizer_defaults();
 *   ag_tokenizer_train(graphs, count, &options, &tokenizer, &err);
 *   ag_database_mine(tokenizer, graphs, count, &database, &err);
 *
 * Graphs are taken in the order they stand in; canonicalise them first. Nothing here depends on
 * the order of the graphs, on threads or on the machine.
 * Source: algorithm.md section 3, families.md 1.8, dependencies.md (BPE). */
#ifndef AUTOGO_MINING_H
#define AUTOGO_MINING_H

#include "autogo/segment.h"

/* --- labels --------------------------------------------------------------------------- */

/* "op[,kernel],in,<ops of operands>,out,<ops of users>" of a node, e.g.
 * "conv,3,in,add,out,batchnorm"; into `buffer`, cut off like snprintf; returns `buffer`.
 *
 * Ops go by their names in ops.def, sorted; each distinct neighbour counts once (x + x lists x
 * once, two different relus list relu twice). The kernel of any op that has one (pools too) is
 * "3" when square, else "1x3" (height x width). relu and relu6 are different labels, where the
 * published tokeniser makes one of them. O(d log d) in the node's degree d. */
const char *ag_node_token_label(const ag_graph *graph, int node, char *buffer, size_t size);

/* --- tokenizer ------------------------------------------------------------------------ */

/* The alphabet of node labels and the merges learned over them. Tokens 0 .. symbols-1 are single
 * labels, most frequent first (ties by label); the rest are merges in the order learned.
 * Immutable; any number of threads may encode with one tokenizer. */
typedef struct ag_tokenizer ag_tokenizer;

enum { AG_MAX_TOKEN_LENGTH = 64, AG_MAX_TOKENS = 1 << 17 };

typedef struct ag_tokenizer_options {
  int vocabulary; /* symbols + merges at most, 1 .. AG_MAX_TOKENS (published: 2000) */
  int max_length; /* symbols in a token at most, 1 .. AG_MAX_TOKEN_LENGTH (published: 16) */
} ag_tokenizer_options;

ag_tokenizer_options ag_tokenizer_defaults(void); /* as published */

/* Learn a tokenizer. Merges are those of SentencePiece: the most frequent adjacent pair first, then
 * the one that makes the shorter token, then the lexicographically smaller one by symbol number
 * (that is, by UTF-8 if symbol i is written as the character U+4E00 + i), and a pair that spells
 * an existing token is never merged. Overlapping pairs count once (as in
 * SentencePiece up to 0.1.98): two in a a a a a.
 * Learning ends early when no pair occurs twice: what occurs once is no pattern.
 * Errors: AG_INVALID for options out of range; AG_LIMIT past 2^31 nodes or AG_MAX_TOKENS labels.
 * O(N log N) in the nodes of all graphs. */
ag_status ag_tokenizer_train(const ag_graph *const *graphs, int count,
                             const ag_tokenizer_options *options, ag_tokenizer **tokenizer,
                             ag_error *err);

/* The same, graph by graph, so that a corpus need never be in memory as a whole: it keeps four
 * bytes per node. */
typedef struct ag_corpus ag_corpus;
ag_corpus *ag_corpus_new(void);
void ag_corpus_free(ag_corpus *corpus);
ag_status ag_corpus_add(ag_corpus *corpus, const ag_graph *graph, ag_error *err);
ag_status ag_corpus_train(const ag_corpus *corpus, const ag_tokenizer_options *options,
                          ag_tokenizer **tokenizer, ag_error *err);

void ag_tokenizer_free(ag_tokenizer *tokenizer); /* NULL is allowed */
int ag_tokenizer_symbols(const ag_tokenizer *tokenizer);
int ag_tokenizer_tokens(const ag_tokenizer *tokenizer);
/* Symbols that a token spells, and the symbols themselves (owned by the tokenizer). */
int ag_tokenizer_length(const ag_tokenizer *tokenizer, int token);
const int32_t *ag_tokenizer_spelling(const ag_tokenizer *tokenizer, int token);
const char *ag_tokenizer_label(const ag_tokenizer *tokenizer, int symbol);
/* The symbol of a label, -1 if it is not in the alphabet. */
int ag_tokenizer_find(const ag_tokenizer *tokenizer, const char *label);

/* A line-oriented text: header, one label per line, one merge "left right" per line. Same
 * tokenizer, same bytes. Loading checks everything; errors name file and byte. */
ag_status ag_tokenizer_save(const ag_tokenizer *tokenizer, const char *path, ag_error *err);
ag_status ag_tokenizer_load(const char *path, ag_tokenizer **tokenizer, ag_error *err);

/* Draw a sparse vocabulary V' into mask[tokens]: single symbols are always kept, any other token
 * with probability `keep`; the choice is a pure function of (key, token). */
void ag_tokenizer_sparse(const ag_tokenizer *tokenizer, double keep, uint64_t key, uint8_t *mask);

/* --- segmentation --------------------------------------------------------------------- */

/* The full segmentation of a graph as a forest of merges: each root is a token of the full
 * vocabulary, each inner piece a merge of two neighbours. A sparse vocabulary only un-merges, so
 * segmenting with one is a walk. Unknown labels are single-node segments.
 * Encoding repeats SentencePiece's rule: of all neighbours that spell a token, join those of the
 * lowest token, leftmost first. O(n log n), about 10 us for 300 nodes, two allocations. */
typedef struct ag_segmentation ag_segmentation;

typedef struct ag_piece {
  int32_t token;       /* -1 = unknown label */
  int32_t first, last; /* nodes [first, last) */
  int32_t left, right; /* pieces it was merged from; -1 for single nodes */
} ag_piece;

ag_segmentation *ag_tokenizer_encode(const ag_tokenizer *tokenizer, const ag_graph *graph);
void ag_segmentation_free(ag_segmentation *segmentation); /* NULL is allowed */

/* All pieces: the nodes' own at 0 .. nodes-1, then merges, children before parents. Owned by the
 * segmentation; *count receives their number. */
const ag_piece *ag_segmentation_pieces(const ag_segmentation *segmentation, int *count);

/* Segment boundaries under the tokens marked in keep[tokens] (NULL = all; single symbols
 * are always kept): bounds[0] = 0 < bounds[1] < ... < bounds[count] = nodes. `bounds` needs
 * room for nodes + 1. Returns count. O(count). */
int ag_segmentation_bounds(const ag_segmentation *segmentation, const uint8_t *keep,
                           int32_t *bounds);
/* The same with the token of each segment (-1 = unknown label) into tokens[nodes]. */
int ag_segmentation_tokens(const ag_segmentation *segmentation, const uint8_t *keep,
                           int32_t *bounds, int32_t *tokens);

/* --- segment database ----------------------------------------------------------------- */

/* One segment up to isomorphism (AG_EQUAL_KIND, ports included), with the distinct shape
 * assignments (AG_EQUAL_SHAPES) it was seen with, most frequent first. Variants of an entry may
 * number their nodes and ports differently. Nodes have no records. An entry of size 1 is a single
 * operation, the unit of the "operation" ablation. */
typedef struct ag_entry {
  ag_hash hash;              /* AG_EQUAL_KIND */
  int64_t count;             /* occurrences in the corpus */
  uint32_t families;         /* bit i: seen in family i of ag_database_family */
  int size, inputs, outputs; /* nodes and ports, the same in all variants */
  uint64_t ops;              /* bit op: contains that ag_op */
  int variants;              /* at least 1 */
  const ag_segment *const *variant;
  const int64_t *variant_count; /* their sum is at most `count` (see max_variants) */
} ag_entry;

enum { AG_MAX_FAMILIES = 32 };

typedef struct ag_database ag_database;

/* Every occurrence of every token in the encoded graphs becomes a segment: each piece of the
 * forest, that is also the tokens inside tokens, and each single node. Left out are segments with
 * a node that is never replaced (input, output, mean, global, matmul, flatten, softmax, opaque) or
 * that resolution cannot carry to other shapes (a broadcasting add or mul, a node that reads only
 * part of its operand).
 * Entries stand by size, then hash; families by name; variants by count, then hash.
 * Errors: AG_LIMIT past AG_MAX_FAMILIES families. About 0.3 us per node of the corpus; memory grows
 * with the distinct shape variants only. */
ag_status ag_database_mine(const ag_tokenizer *tokenizer, const ag_graph *const *graphs, int count,
                           ag_database **database, ag_error *err);

/* The same, graph by graph. The tokenizer must outlive the miner; ag_miner_finish frees the miner
 * in any case. */
typedef struct ag_miner ag_miner;
ag_miner *ag_miner_new(const ag_tokenizer *tokenizer);
void ag_miner_free(ag_miner *miner);
ag_status ag_miner_add(ag_miner *miner, const ag_graph *graph, ag_error *err);
ag_status ag_miner_finish(ag_miner *miner, ag_database **database, ag_error *err);

void ag_database_free(ag_database *database); /* NULL is allowed */
int ag_database_size(const ag_database *database);
const ag_entry *ag_database_get(const ag_database *database, int index);
int ag_database_families(const ag_database *database);
const char *ag_database_family(const ag_database *database, int index);
/* The entry with that AG_EQUAL_KIND hash and size, -1 if there is none. O(log size). */
int ag_database_find(const ag_database *database, int size, ag_hash hash);

/* What ag_database_select keeps. A zeroed filter keeps everything. */
typedef struct ag_database_filter {
  uint64_t ops;           /* permitted ops, bit op; 0 = all */
  uint32_t families;      /* seen in one of them; 0 = all */
  int min_size, max_size; /* nodes; max_size 0 = no upper bound */
  int64_t min_count;
  int max_variants; /* the most frequent ones; 0 = all */
} ag_database_filter;

/* The bit of an operation in a set of operations. */
static inline uint64_t ag_op_bit(ag_op op) {
  return UINT64_C(1) << op;
}

/* A new database of the entries that pass. Counts and families stay what they were. */
ag_database *ag_database_select(const ag_database *database, const ag_database_filter *filter);

/* The union of two databases, as if their corpora had been mined together with one tokenizer:
 * counts add up. Errors: AG_LIMIT past AG_MAX_FAMILIES families. */
ag_status ag_database_merge(const ag_database *a, const ag_database *b, ag_database **merged,
                            ag_error *err);

/* A compact binary: magic, version, size, checksum, then variable-length integers. Same database,
 * same bytes. Loading checks everything and re-infers all shapes; errors name file and byte:
 * AG_FORMAT for a damaged file, AG_UNSUPPORTED for another version. */
ag_status ag_database_save(const ag_database *database, const char *path, ag_error *err);
ag_status ag_database_load(const char *path, ag_database **database, ag_error *err);

/* --- Weisfeiler-Leman baseline --------------------------------------------------------- */

/* The other way to find recurring pieces, for comparison: all rooted subgraphs up to a depth.
 *
 * The rooted subgraph of node v at depth 0 is its op and kernel; at depth d it is that and the
 * rooted subgraphs of v's operands at depth d - 1, in order, for add and mul in any order. It is an
 * unfolding: what is reached along two paths stands in it twice. It looks against the edges only,
 * as the predictor does. A node has one for every depth up to its longest chain of operands; where
 * shorter chains end at the input, the unfolding ends too. Two are the same if these trees are.
 *
 * Every distinct one is kept, as its root and the numbers of the ones below it, so that a
 * subgraph that others contain is kept once. Memory grows with the distinct ones, and they with the
 * corpus: hence the budget. Source: appendix A.3 of the publication; algorithm.md section 7. */
typedef struct ag_wl ag_wl;

enum { AG_WL_MAX_DEPTH = 16 };

typedef struct ag_wl_level {
  int64_t subgraphs;   /* distinct ones of this depth */
  int64_t occurrences; /* nodes of the corpus that have one */
  int64_t nodes;       /* of all occurrences unfolded, what an enumeration that shares nothing
                          would hold; INT64_MAX = at least that many */
} ag_wl_level;

typedef struct ag_rooted {
  ag_op op; /* of the root */
  int32_t kernel[2];
  int depth;
  int64_t count;           /* occurrences */
  int64_t nodes;           /* of the tree; INT64_MAX = at least that many */
  int arity;               /* 0 at depth 0 */
  const int32_t *operands; /* numbers of rooted subgraphs, sorted for add and mul; owned by the
                              ag_wl, until the next ag_wl_add */
} ag_rooted;

/* depth 0 .. AG_WL_MAX_DEPTH (published: 5); budget: bytes at most, growing included. */
ag_wl *ag_wl_new(int depth, size_t budget);
void ag_wl_free(ag_wl *wl); /* NULL is allowed */

/* Count the rooted subgraphs of a graph. `subgraphs`, if not NULL, receives the number of the one
 * of node v at depth d at [v * (depth + 1) + d], -1 where there is none; they are numbered from 0
 * in the order of discovery.
 * Errors: AG_LIMIT where the graph might not fit into the budget, saying how far it got; it is
 * not counted then, and all that was before stays. O(depth * (nodes + edges)). */
ag_status ag_wl_add(ag_wl *wl, const ag_graph *graph, int32_t *subgraphs, ag_error *err);

int ag_wl_depth(const ag_wl *wl);
int64_t ag_wl_graphs(const ag_wl *wl); /* counted so far */
int64_t ag_wl_size(const ag_wl *wl);   /* distinct rooted subgraphs of all depths */
size_t ag_wl_bytes(const ag_wl *wl);   /* held now */
ag_wl_level ag_wl_at(const ag_wl *wl, int depth);
ag_rooted ag_wl_get(const ag_wl *wl, int64_t number);

#endif
