/* Building a graph node by node. The builder keeps growing arrays in the layout of the finished
 * graph; finishing copies them into one block. Operands must exist before their users, so the
 * order is topological by construction and cycles cannot be written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/graph/graph_internal.h"

struct ag_builder {
  char *name, *family;
  ag_shape normalisers;
  bool dynamic_batch, named;
  ag_store *store;
  ag_node *nodes;
  const char **names; /* in the store */
  int32_t *operand_start;
  int count, node_capacity, name_capacity, start_capacity;
  int32_t *operands;
  int operand_count, operand_capacity;
  ag_shape *shapes; /* scratch: operand shapes of the node being added */
  int shape_capacity;
  ag_error error;
};

ag_builder *ag_builder_new(const char *name) {
  ag_builder *b = AG_NEW(ag_builder);
  b->name = ag_strdup(name);
  b->family = ag_strdup("");
  b->store = ag_store_new();
  AG_GROW(b->operand_start, b->count, b->start_capacity);
  b->operand_start[0] = 0;
  return b;
}

void ag_builder_free(ag_builder *b) {
  if (!b) return;
  ag_store_release(b->store);
  free(b->name);
  free(b->family);
  free(b->nodes);
  free(b->names);
  free(b->operand_start);
  free(b->operands);
  free(b->shapes);
  free(b);
}

/* Remember the first error with the node's name; later calls do nothing. */
static int stick(ag_builder *b, const ag_error *err, const ag_node *node, const char *name) {
  b->error = *err;
  char label[128];
  const char *op = node->op < AG_OP_COUNT ? ag_op_get(node->op)->name : "?";
  if (!name || !name[0]) snprintf(label, sizeof label, "node %d (%s)", b->count, op);
  ag_error_at_node(&b->error, err->code, name && name[0] ? name : label);
  return -1;
}

static ag_status collect_shapes(ag_builder *b, const int *operands, int count, ag_error *err) {
  if (count < 0) return ag_fail(err, AG_INVALID, "a negative number of operands");
  if (count > b->shape_capacity) {
    b->shape_capacity = count;
    b->shapes = ag_resize(b->shapes, (size_t)count, sizeof *b->shapes);
  }
  for (int k = 0; k < count; k++) {
    if (operands[k] < 0 || operands[k] >= b->count)
      return ag_fail(err, AG_INVALID, "operand %d does not exist yet", operands[k]);
    if (b->nodes[operands[k]].op == AG_OP_OUTPUT)
      return ag_fail(err, AG_INVALID, "operand %d is an output", operands[k]);
    b->shapes[k] = b->nodes[operands[k]].out;
  }
  return AG_OK;
}

static void append(ag_builder *b, const ag_node *node, const int *operands, int count,
                   const char *name) {
  AG_GROW(b->nodes, b->count, b->node_capacity);
  AG_GROW(b->names, b->count, b->name_capacity);
  b->nodes[b->count] = *node;
  b->names[b->count] = name && name[0] ? ag_store_string(b->store, name) : NULL;
  b->named = b->named || b->names[b->count];
  for (int k = 0; k < count; k++) {
    AG_GROW(b->operands, b->operand_count, b->operand_capacity);
    b->operands[b->operand_count++] = operands[k];
  }
  b->count++;
  AG_GROW(b->operand_start, b->count, b->start_capacity);
  b->operand_start[b->count] = b->operand_count;
}

enum { MAX_NODES = 1 << 24 };

int ag_builder_add(ag_builder *b, ag_node node, const int *operands, int count, const char *name) {
  if (b->error.code) return -1;
  ag_error err;
  if (b->count == MAX_NODES) {
    ag_fail(&err, AG_LIMIT, "more than %d nodes", MAX_NODES);
    return stick(b, &err, &node, name);
  }
  if (collect_shapes(b, operands, count, &err) || ag_node_infer(&node, b->shapes, count, &err) ||
      ag_node_check_counts(&node, count, &err))
    return stick(b, &err, &node, name);
  append(b, &node, operands, count, name);
  return b->count - 1;
}

const ag_node *ag_builder_node(const ag_builder *b, int node) {
  return node >= 0 && node < b->count ? &b->nodes[node] : NULL;
}

ag_shape ag_builder_shape(const ag_builder *b, int node) {
  const ag_node *n = ag_builder_node(b, node);
  return n ? n->out : (ag_shape){0, 0, 0};
}

ag_store *ag_builder_store(ag_builder *b) {
  return b->store;
}

void ag_builder_set_family(ag_builder *b, const char *family) {
  free(b->family);
  b->family = ag_strdup(family);
}

void ag_builder_set_normalisers(ag_builder *b, ag_shape normalisers) {
  b->normalisers = normalisers;
}

void ag_builder_set_dynamic_batch(ag_builder *b, bool dynamic) {
  b->dynamic_batch = dynamic;
}

static ag_graph *assemble(const ag_builder *b) {
  ag_graph *g =
      ag_graph_allocate(b->count, b->operand_count, b->named, b->name, b->family, b->store);
  size_t n = (size_t)b->count;
  if (n) memcpy(ag_graph_nodes_mut(g), b->nodes, n * sizeof *b->nodes);
  memcpy(ag_graph_starts_mut(g), b->operand_start, (n + 1) * sizeof *b->operand_start);
  if (b->operand_count)
    memcpy(ag_graph_operands_mut(g), b->operands, (size_t)b->operand_count * sizeof *b->operands);
  if (b->named) memcpy(ag_graph_names_mut(g), b->names, n * sizeof *b->names);
  g->normalisers = b->normalisers;
  g->dynamic_batch = b->dynamic_batch;
  ag_graph_index_users(g);
  return g;
}

ag_status ag_builder_finish(ag_builder *b, const ag_graph **graph, ag_error *err) {
  ag_status status = b->error.code;
  if (status) {
    if (err) *err = b->error;
    ag_builder_free(b);
    return status;
  }
  ag_graph *g = assemble(b);
  ag_builder_free(b);
  status = ag_graph_check(g, err);
  if (status)
    ag_graph_release(g);
  else
    *graph = g;
  return status;
}
