/* Life and checks of a graph. All arrays of a graph lie in one allocation behind its header:
 *
 *   graph_block | nodes | operand_start | operands | user_start | users | names | text
 *
 * so that making and dropping a graph, which a search does often, is one malloc and one free.
 * Node names live in the store, which graphs share. */
#include "engine/graph/graph_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

ag_graph *ag_graph_allocate(int size, int operand_count, bool named, const char *name,
                            const char *family, ag_store *store) {
  size_t n = (size_t)size, e = (size_t)operand_count;
  size_t name_size = strlen(name) + 1, family_size = strlen(family) + 1;
  size_t header = ag_align8(sizeof(struct graph_block));
  size_t nodes = ag_align8(n * sizeof(ag_node)), starts = ag_align8((n + 1) * sizeof(int32_t));
  size_t slots = ag_align8(e * sizeof(int32_t)), names = named ? n * sizeof(char *) : 0;
  char *block =
      ag_alloc(1, header + nodes + 2 * starts + 2 * slots + names + name_size + family_size);

  struct graph_block *owner = (struct graph_block *)(void *)block;
  atomic_init(&owner->references, 1);
  char *at = block + header;
  ag_graph *g = &owner->graph;
  g->size = size;
  g->nodes = (void *)at, at += nodes;
  g->operand_start = (void *)at, at += starts;
  g->operands = (void *)at, at += slots;
  g->user_start = (void *)at, at += starts;
  g->users = (void *)at, at += slots;
  g->names = named ? (void *)at : NULL, at += names;
  g->name = memcpy(at, name, name_size), at += name_size;
  g->family = memcpy(at, family, family_size);
  g->store = ag_store_retain(store);
  return g;
}

void ag_graph_index_users(ag_graph *g) {
  int32_t *start = (int32_t *)g->user_start, *users = (int32_t *)g->users;
  int slots = g->operand_start[g->size];
  for (int k = 0; k < slots; k++) start[g->operands[k] + 1]++;
  for (int i = 0; i < g->size; i++) start[i + 1] += start[i];
  /* Fill with start[i] as cursor, then shift the cursors back by one node. */
  for (int i = 0; i < g->size; i++)
    for (int k = g->operand_start[i]; k < g->operand_start[i + 1]; k++)
      users[start[g->operands[k]]++] = i;
  for (int i = g->size; i > 0; i--) start[i] = start[i - 1];
  start[0] = 0;
}

const ag_graph *ag_graph_retain(const ag_graph *graph) {
  struct graph_block *owner = (struct graph_block *)(uintptr_t)graph;
  atomic_fetch_add(&owner->references, 1);
  return graph;
}

void ag_graph_release(const ag_graph *graph) {
  if (!graph) return;
  struct graph_block *owner = (struct graph_block *)(uintptr_t)graph;
  if (atomic_fetch_sub(&owner->references, 1) > 1) return;
  ag_store_release(graph->store);
  free(owner);
}

const char *ag_graph_node_label(const ag_graph *g, int node, char *buffer, size_t size) {
  if (g->names && g->names[node] && g->names[node][0])
    snprintf(buffer, size, "%s", g->names[node]);
  else
    snprintf(buffer, size, "node %d (%s)", node, ag_op_get(g->nodes[node].op)->name);
  return buffer;
}

static bool same_result(const ag_node *stored, const ag_node *derived) {
  return ag_shape_equal(stored->in, derived->in) && ag_shape_equal(stored->out, derived->out) &&
         stored->groups == derived->groups;
}

static ag_status check_node(const ag_graph *g, int i, ag_shape *shapes, ag_error *err) {
  const int32_t *operands = ag_graph_operands(g, i);
  int count = ag_graph_arity(g, i);
  if (count < 0) return ag_fail(err, AG_INVALID, "the operand rows are out of order");
  for (int k = 0; k < count; k++) {
    if (operands[k] < 0 || operands[k] >= i)
      return ag_fail(err, AG_INVALID, "operand %d does not come before its user", operands[k]);
    shapes[k] = g->nodes[operands[k]].out;
  }
  ag_node derived = g->nodes[i];
  ag_status status = ag_node_infer(&derived, shapes, count, err);
  if (!status) status = ag_node_check_counts(&derived, count, err);
  if (status) return status;
  if (!same_result(&g->nodes[i], &derived))
    return ag_fail(err, AG_INVALID, "the stored shapes are not those the operands give");
  bool used = g->user_start[i + 1] > g->user_start[i];
  if (used != (g->nodes[i].op != AG_OP_OUTPUT))
    return ag_fail(err, AG_INVALID, used ? "an output has users" : "its tensor is not used");
  return AG_OK;
}

static ag_status check_ends(const ag_graph *g, ag_error *err) {
  int inputs = 0, outputs = 0;
  for (int i = 0; i < g->size; i++) {
    inputs += g->nodes[i].op == AG_OP_INPUT;
    outputs += g->nodes[i].op == AG_OP_OUTPUT;
  }
  if (inputs == 0) return ag_fail(err, AG_INVALID, "the graph has no input");
  if (outputs == 0) return ag_fail(err, AG_INVALID, "the graph has no output");
  return AG_OK;
}

ag_status ag_graph_check(const ag_graph *g, ag_error *err) {
  ag_status status = check_ends(g, err);
  ag_shape *shapes = AG_ARRAY(ag_shape, g->operand_start[g->size]);
  for (int i = 0; i < g->size && !status; i++) {
    status = check_node(g, i, shapes, err);
    char label[128];
    if (status) ag_error_at_node(err, status, ag_graph_node_label(g, i, label, sizeof label));
  }
  free(shapes);
  return status;
}
