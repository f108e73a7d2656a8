/* Inside a database, and the forms it is built from. */
#ifndef AG_MINING_DATABASE_H
#define AG_MINING_DATABASE_H

#include "autogo/mining.h"

struct ag_database {
  int size;
  ag_entry *entries; /* by (size, hash); each owns its arrays and segments */
  int families;
  char **family; /* sorted */
};

/* A form is a segment as it was cut: with its numbering of nodes and ports, and its shapes. Many
 * forms may be one variant. */
typedef struct ag_form {
  ag_segment *segment;
  ag_hash key;       /* ag_form_key */
  int64_t count;     /* occurrences */
  int64_t others;    /* occurrences of its entry whose variants are no longer kept */
  uint32_t families; /* bit i: family i of those handed to ag_database_build */
} ag_form;

enum { AG_MAX_PORTS = 64, AG_MAX_ARITY = 4096 }; /* of a segment, of a node in it */

/* Whether a node may be in a segment, by its op and the shapes of its operands. */
bool ag_node_minable(const ag_node *node, const ag_shape *operands, int count);
/* The node without what ag_node_infer derives: what the file stores of it. */
ag_node ag_node_skeleton(const ag_node *node);

/* All attributes of a node but its record, in one hash. */
ag_hash ag_form_node_key(const ag_node *node);
/* Everything about a segment: equal keys, equal segments, up to 128-bit chance. */
ag_hash ag_form_key(const ag_segment *segment);

/* Group forms into entries and variants. Takes over the segments and the names,
 * not the arrays. O(n log n) and one canonical hash per form. */
ag_database *ag_database_build(ag_form *forms, int64_t count, char **family, int families);

/* Fill in what follows from the variants: size, ports, ops. */
void ag_entry_describe(ag_entry *entry);
void ag_entry_clear(ag_entry *entry);

#endif
