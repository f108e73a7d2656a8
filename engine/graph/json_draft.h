/* What lies between a JSON file and a graph (json_read.c, json_build.c): one draft per node of the
 * file, with attributes and shapes as the file says them and operands as indices of drafts. */
#ifndef AG_GRAPH_JSON_DRAFT_H
#define AG_GRAPH_JSON_DRAFT_H

#include <cJSON.h>

#include "autogo/graph.h"
#include "engine/base/map.h"

struct json_draft {
  ag_node node;
  ag_shape in, out; /* as in the file */
  const char *name; /* in the cJSON tree, or NULL */
  const char *source_op;
  char label[32]; /* how messages call it */
  bool has_operands;
  int32_t *operands; /* indices of drafts */
  int count, capacity;
  bool used;
};

struct json_reader {
  const cJSON *root;
  struct json_draft *drafts;
  int size;
  ag_map ids;                       /* id -> index of the draft */
  ag_map pairs;                     /* (producer, consumer) of all "operands" lists */
  const struct json_draft *refused; /* the builder's first error is about this one */
  ag_error *err;
};

/* AG_FORMAT about a draft, named by its name or by its id in the file. */
ag_status ag_json_fail_at(const struct json_reader *reader, const struct json_draft *draft,
                          const char *reason);
const char *ag_json_label(const struct json_draft *draft);

/* Put the drafts in topological order and build the graph of them; `builder` comes with name and
 * properties set and is freed in any case. */
ag_status ag_json_build(struct json_reader *reader, ag_builder *builder, const ag_graph **graph);

#endif
