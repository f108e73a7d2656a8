/* What all readers of graphs and segments in JSON share: a text becomes a tree within limits, an
 * object the attributes of a node. */
#ifndef AG_GRAPH_JSON_NODE_H
#define AG_GRAPH_JSON_NODE_H

#include <cJSON.h>

#include "autogo/graph.h"

enum { AG_JSON_MAX_FILE = 1 << 28 };

/* AG_LIMIT, and the byte, where a text nests deeper than `depth` or has more than `values` values:
 * what a parser that calls itself, and the memory for its tree, may be asked to bear. */
ag_status ag_json_measure(const char *text, size_t length, int depth, int64_t values,
                          ag_error *err);

/* Parse the whole text; the caller deletes *root. AG_FORMAT with the byte, AG_LIMIT past 8,000,000
 * values or depth 64. */
ag_status ag_json_parse(const char *text, size_t length, cJSON **root, ag_error *err);

const cJSON *ag_json_field(const cJSON *object, const char *key); /* NULL where absent */

/* Whether the item is a whole number in [low, high], or [H, W, C] of sizes in [1, 2^31): then it is
 * stored. */
bool ag_json_whole(const cJSON *item, double low, double high, int64_t *value);
bool ag_json_shape(const cJSON *array, ag_shape *shape);

/* The attributes and shapes of a node made by ag_node_make: kernel, strides, padding, dilations,
 * pads, groups, bias, flags, alpha, each optional, and "in" and "out". Attributes that its op does
 * not have are dropped. Returns NULL, or what is wrong. */
const char *ag_json_attributes(const cJSON *object, ag_node *node, ag_shape *in, ag_shape *out);

#endif
