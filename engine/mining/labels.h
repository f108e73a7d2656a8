/* Node labels in two forms: a hash for the hot path, a struct of counts for reading and writing
 * the text. Equal labels have equal keys; different ones collide only by 128-bit chance. */
#ifndef AG_MINING_LABELS_H
#define AG_MINING_LABELS_H

#include "autogo/graph.h"

typedef struct ag_label {
  ag_op op;
  int32_t kernel[2];                         /* 0 = none */
  int32_t in[AG_OP_COUNT], out[AG_OP_COUNT]; /* distinct neighbours by op */
} ag_label;

void ag_label_of_node(const ag_graph *graph, int node, ag_label *label);
/* The text, malloc'd. */
char *ag_label_text(const ag_label *label);
/* Read a text back; false unless it is exactly what ag_label_text writes. */
bool ag_label_parse(const char *text, ag_label *label);

/* What keys are summed from, by op; the same everywhere, made once by whoever makes many keys. */
typedef struct ag_label_terms {
  ag_hash seed[AG_OP_COUNT], own[AG_OP_COUNT]; /* to mix a kernel into; without a kernel */
  ag_hash in[AG_OP_COUNT], out[AG_OP_COUNT];   /* one neighbour */
} ag_label_terms;

ag_label_terms ag_label_terms_make(void);
ag_hash ag_label_key(const ag_label_terms *terms, const ag_label *label);
/* The keys of all nodes into keys[size], without building any label. O(nodes + edges). */
void ag_label_keys(const ag_label_terms *terms, const ag_graph *graph, ag_hash *keys);

#endif
