/* From drafts to a graph. A builder infers the shapes, and what it infers must be what the file
 * said, so a file cannot smuggle in shapes that do not follow from its ops. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/base/order.h"
#include "engine/graph/json_draft.h"

/* order[position] = draft. */
static ag_status sort(struct json_reader *r, int32_t *order) {
  int32_t *start = AG_ARRAY(int32_t, r->size + 1);
  for (int i = 0; i < r->size; i++) start[i + 1] = start[i] + r->drafts[i].count;
  int32_t *operands = AG_ARRAY(int32_t, start[r->size]);
  for (int i = 0; i < r->size; i++)
    for (int k = 0; k < r->drafts[i].count; k++) operands[start[i] + k] = r->drafts[i].operands[k];
  int cycle = ag_topological_order(r->size, start, operands, order);
  free(start);
  free(operands);
  return cycle < 0 ? AG_OK : ag_json_fail_at(r, &r->drafts[cycle], "it is part of a cycle");
}

/* --- building ----------------------------------------------------------------------------- */

/* NB-101 consumers read only the first channels of an operand (families.md 4.4): seen in a file
 * by fewer input channels than the operands have. */
static void detect_slice(const ag_builder *b, struct json_draft *d, const int *operands) {
  ag_rule rule = ag_op_get(d->node.op)->rule;
  if (d->count == 0 || rule == AG_RULE_OPAQUE || rule == AG_RULE_CONCAT) return;
  int32_t least = INT_MAX, most = 0;
  for (int k = 0; k < d->count; k++) {
    ag_shape s = ag_builder_shape(b, operands[k]);
    if (s.h != d->in.h || s.w != d->in.w) return;
    if (s.c < least) least = s.c;
    if (s.c > most) most = s.c;
  }
  if (d->in.c == most || d->in.c > least) return;
  d->node.flags |= AG_FLAG_SLICE;
  d->node.in.c = d->in.c;
}

static ag_status check_shapes(const struct json_reader *r, const struct json_draft *d,
                              const ag_node *n) {
  if (ag_shape_equal(n->in, d->in) && ag_shape_equal(n->out, d->out)) return AG_OK;
  char reason[160];
  snprintf(reason, sizeof reason,
           "the file says %dx%dx%d -> %dx%dx%d, its operands give %dx%dx%d -> %dx%dx%d", d->in.h,
           d->in.w, d->in.c, d->out.h, d->out.w, d->out.c, n->in.h, n->in.w, n->in.c, n->out.h,
           n->out.w, n->out.c);
  return ag_json_fail_at(r, d, reason);
}

static ag_status add_node(struct json_reader *r, ag_builder *b, struct json_draft *d,
                          int *position) {
  int *operands = AG_ARRAY(int, d->count);
  for (int k = 0; k < d->count; k++) operands[k] = position[d->operands[k]];
  detect_slice(b, d, operands);
  if (d->node.op == AG_OP_OPAQUE) {
    ag_store *store = ag_builder_store(b);
    ag_record record = {.source_op = ag_store_string(store, d->source_op ? d->source_op : "?")};
    d->node.record = ag_store_add(store, &record);
    d->node.in = d->in;
  }
  const char *name = d->name && d->name[0] ? d->name : NULL;
  int added = ag_builder_add(b, d->node, operands, d->count, name);
  free(operands);
  if (added < 0) {
    r->refused = d;
    return AG_OK; /* ag_builder_finish says why */
  }
  position[d - r->drafts] = added;
  return check_shapes(r, d, ag_builder_node(b, added));
}

/* A tensor nobody uses, said with the file's id, not the builder's number. */
static ag_status check_used(const struct json_reader *r) {
  for (int i = 0; i < r->size; i++)
    if (!r->drafts[i].used && r->drafts[i].node.op != AG_OP_OUTPUT)
      return ag_json_fail_at(r, &r->drafts[i], "its tensor is not used");
  return AG_OK;
}

static ag_status finish(struct json_reader *r, ag_builder *b, const ag_graph **graph) {
  ag_status status = ag_builder_finish(b, graph, r->err);
  if (status && r->err && r->refused)
    snprintf(r->err->node, sizeof r->err->node, "%s", ag_json_label(r->refused));
  return status;
}

/* Frees the builder in any case. */
static ag_status build(struct json_reader *r, const int32_t *order, ag_builder *b,
                       const ag_graph **graph) {
  int *position = AG_ARRAY(int, r->size);
  ag_status status = AG_OK;
  for (int i = 0; i < r->size && !status && !r->refused; i++)
    status = add_node(r, b, &r->drafts[order[i]], position);
  free(position);
  if (!status && !r->refused) status = check_used(r);
  if (!status) return finish(r, b, graph);
  ag_builder_free(b);
  return status;
}

ag_status ag_json_build(struct json_reader *r, ag_builder *b, const ag_graph **graph) {
  int32_t *order = AG_ARRAY(int32_t, r->size);
  ag_status status = sort(r, order);
  if (status)
    ag_builder_free(b);
  else
    status = build(r, order, b, graph);
  free(order);
  return status;
}
