/* Costs of a batch on a device, children not made. Children stand by parent and cut, so a run of
 * equal cuts shares the pass over what lies before; a child's operands are laid out as splicing
 * would, rows in the place of nodes, and the pass goes on over them. Signatures are taken and new
 * rows made on all threads; one thread enters them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/search.h"
#include "engine/base/alloc.h"
#include "engine/hardware/npu_internal.h"

/* A thread's child under construction. */
typedef struct desk {
  ag_pass pass;
  ag_pass_ending ending; /* of the parent */
  int32_t *uses;         /* its own, as the child at hand numbers them */
  int uses_capacity;
  const ag_row **rows;
  int32_t *start, *operands;
  int nodes, slots; /* room */
} desk;

/* A row that is still to be made. */
struct fresh {
  const ag_node *node;
  ag_row *row;
};

typedef struct costing {
  const ag_batch *batch;
  ag_npu *npu;
  const bool *wanted;      /* or NULL: all */
  int32_t *run;            /* runs + 1: first child of each run */
  int64_t *node_start;     /* children + 1: first entry of each child in the next two */
  ag_hash *signatures;     /* of the nodes of all segments */
  const ag_row **rows;     /* likewise */
  const ag_row ***parents; /* rows of each parent */
  struct fresh *fresh;
  int fresh_count, fresh_capacity;
  desk *desks; /* one per thread */
  double *ms, *mj;
} costing;

static bool is_wanted(const costing *c, int64_t k) {
  return !c->wanted || c->wanted[k];
}

/* --- rows ----------------------------------------------------------------------------------- */

static void sign_child(void *context, int64_t k, int worker) {
  costing *c = context;
  const ag_segment *s = c->batch->children[k].segment;
  (void)worker;
  if (!is_wanted(c, k)) return;
  for (int i = 0; i < s->size; i++)
    c->signatures[c->node_start[k] + i] = ag_node_signature(&s->nodes[i], 0);
}

static void make_row(void *context, int64_t i, int worker) {
  costing *c = context;
  (void)worker;
  ag_row_make(ag_npu_device(c->npu), c->fresh[i].node, c->fresh[i].row);
}

static const ag_row *enter(costing *c, const ag_node *node, ag_hash signature) {
  bool fresh;
  ag_row *row = ag_npu_row(c->npu, signature, &fresh);
  if (fresh) {
    AG_GROW(c->fresh, c->fresh_count, c->fresh_capacity);
    c->fresh[c->fresh_count++] = (struct fresh){node, row};
  }
  return row;
}

static void find_rows(costing *c, ag_pool *pool) {
  const ag_batch *b = c->batch;
  for (int k = 0; k < b->size; k++)
    c->node_start[k + 1] = c->node_start[k] + b->children[k].segment->size;
  c->signatures = AG_ARRAY(ag_hash, c->node_start[b->size]);
  c->rows = AG_ARRAY(const ag_row *, c->node_start[b->size]);
  ag_pool_run(pool, b->size, sign_child, c);
  for (int k = 0; k < b->size; k++) {
    const ag_segment *s = b->children[k].segment;
    if (!is_wanted(c, k)) continue;
    int64_t first = c->node_start[k];
    for (int i = 0; i < s->size; i++)
      c->rows[first + i] = enter(c, &s->nodes[i], c->signatures[first + i]);
  }
  c->parents = AG_ARRAY(const ag_row **, b->parents);
  for (int p = 0; p < b->parents; p++) {
    const ag_graph *g = b->parent[p];
    c->parents[p] = AG_ARRAY(const ag_row *, g->size);
    for (int i = 0; i < g->size; i++)
      c->parents[p][i] = enter(c, &g->nodes[i], ag_node_signature(&g->nodes[i], 0));
  }
  ag_pool_run(pool, c->fresh_count, make_row, c);
}

/* --- children ------------------------------------------------------------------------------- */

/* A cut and the tensors of the parent behind its ports. */
struct place {
  const ag_graph *parent;
  int first, last;
  ag_segment *cut;
  int32_t *entering, *leaving;
};

static void reserve(desk *d, int nodes, int slots) {
  if (nodes + 1 > d->nodes) {
    d->nodes = nodes + nodes / 2 + 1;
    d->rows = ag_resize(d->rows, (size_t)d->nodes, sizeof *d->rows);
    d->start = ag_resize(d->start, (size_t)d->nodes, sizeof *d->start);
  }
  if (slots > d->slots) {
    d->slots = slots + slots / 2;
    d->operands = ag_resize(d->operands, (size_t)d->slots, sizeof *d->operands);
  }
}

/* Where a tensor of the parent, read after the cut, stands in the child. */
static int32_t moved(const struct place *p, const ag_child *c, int32_t tensor) {
  if (tensor < p->first) return tensor;
  if (tensor >= p->last) return tensor + c->segment->size - (p->last - p->first);
  int q = 0;
  while (p->leaving[q] != tensor) q++;
  return p->first + c->segment->output_nodes[c->output_map[q]];
}

/* What all children of a place share: P, what the pass knows after it, and the ending of C. */
static void begin(const costing *c, desk *d, const struct place *p, const ag_row *const *rows) {
  const ag_graph *g = p->parent;
  ag_pass_graph view = {g->size, rows, g->operand_start, g->operands};
  ag_pass_find_ending(&d->pass, ag_npu_device(c->npu), &view, p->last, &d->ending);
  if (d->ending.use_count > d->uses_capacity) {
    d->uses_capacity = 2 * d->ending.use_count;
    d->uses = ag_resize(d->uses, (size_t)d->uses_capacity, sizeof *d->uses);
  }
  reserve(d, g->size, g->operand_start[g->size]);
  memcpy(d->rows, rows, (size_t)p->first * sizeof *d->rows);
  memcpy(d->start, g->operand_start, (size_t)p->first * sizeof *d->start);
  memcpy(d->operands, g->operands, (size_t)g->operand_start[p->first] * sizeof *d->operands);
  ag_pass_head(&d->pass, ag_npu_device(c->npu), &view, p->first);
}

/* Behind P the replacement and, of C, the nodes before `end`, as in ag_graph_splice. */
static ag_pass_graph lay_out(desk *d, const struct place *p, const ag_child *c,
                             const ag_row *const *parent, const ag_row *const *segment, int end) {
  const ag_graph *g = p->parent;
  const ag_segment *s = c->segment;
  int tail = end - p->last, size = p->first + s->size + tail;
  int head_slots = g->operand_start[p->first], new_slots = s->operand_start[s->size];
  int tail_from = g->operand_start[p->last], shift = head_slots + new_slots - tail_from;
  reserve(d, size, g->operand_start[g->size] + new_slots);
  memcpy(d->rows + p->first, segment, (size_t)s->size * sizeof *d->rows);
  memcpy(d->rows + p->first + s->size, parent + p->last, (size_t)tail * sizeof *d->rows);
  for (int i = 0; i < s->size; i++) d->start[p->first + i] = head_slots + s->operand_start[i];
  for (int k = 0; k < new_slots; k++) {
    int32_t o = s->operands[k];
    d->operands[head_slots + k] = o < 0 ? p->entering[c->input_map[~o]] : p->first + o;
  }
  int32_t *start = d->start + p->first + s->size;
  for (int i = 0; i <= tail; i++) start[i] = g->operand_start[p->last + i] + shift;
  for (int k = tail_from; k < g->operand_start[end]; k++)
    d->operands[k + shift] = moved(p, c, g->operands[k]);
  return (ag_pass_graph){size, d->rows, d->start, d->operands};
}

static void cost_child(const costing *c, desk *d, const struct place *p, int32_t k) {
  const ag_child *child = &c->batch->children[k];
  const ag_device *device = ag_npu_device(c->npu);
  const ag_row *const *parent = c->parents[child->parent], *const *own = c->rows + c->node_start[k];
  const ag_pass_ending *e = &d->ending;
  ag_pass_sums sums;
  bool fits, done = false;
  if (e->from < p->parent->size) {
    ag_pass_graph middle = lay_out(d, p, child, parent, own, e->from);
    for (int i = 0; i < e->use_count; i++) d->uses[i] = moved(p, child, e->uses[i]);
    done = ag_pass_middle(&d->pass, device, &middle, e, d->uses, &sums, &fits);
  }
  if (!done) {
    ag_pass_graph whole = lay_out(d, p, child, parent, own, p->parent->size);
    fits = ag_pass_tail(&d->pass, device, &whole, &sums);
  }
  c->ms[k] = fits ? ag_npu_ms(sums.time) : NAN;
  c->mj[k] = fits ? ag_npu_mj(device, sums.time, sums.energy) : NAN;
}

static void cost_run(void *context, int64_t run, int worker) {
  const costing *c = context;
  int32_t first = c->run[run];
  const ag_child *child = &c->batch->children[first];
  struct place p = {c->batch->parent[child->parent], child->first, child->last, NULL, NULL, NULL};
  /* The cut was made once before, when the batch was; it cannot fail. */
  if (ag_segment_cut(p.parent, p.first, p.last, &p.cut, &p.entering, &p.leaving, NULL)) return;
  begin(c, &c->desks[worker], &p, c->parents[child->parent]);
  for (int32_t k = first; k < c->run[run + 1]; k++)
    if (is_wanted(c, k)) cost_child(c, &c->desks[worker], &p, k);
  ag_segment_free(p.cut);
  free(p.entering);
  free(p.leaving);
}

static int find_runs(costing *c) {
  const ag_child *a = c->batch->children;
  int runs = 0;
  for (int i = 0; i < c->batch->size; i++)
    if (i == 0 || a[i].parent != a[i - 1].parent || a[i].first != a[i - 1].first ||
        a[i].last != a[i - 1].last)
      c->run[runs++] = i;
  c->run[runs] = c->batch->size;
  return runs;
}

static void discard(costing *c, int threads) {
  for (int t = 0; t < threads; t++) {
    ag_pass_free(&c->desks[t].pass);
    free(c->desks[t].ending.uses);
    free(c->desks[t].uses);
    free(c->desks[t].rows);
    free(c->desks[t].start);
    free(c->desks[t].operands);
  }
  for (int p = 0; p < c->batch->parents; p++) free(c->parents[p]);
  free(c->parents);
  free(c->fresh);
  free(c->desks);
  free(c->rows);
  free(c->signatures);
  free(c->node_start);
  free(c->run);
}

void ag_batch_npu(const ag_batch *batch, ag_npu *npu, ag_pool *pool, const bool *wanted, double *ms,
                  double *mj) {
  costing c = {.batch = batch, .npu = npu, .wanted = wanted, .ms = ms, .mj = mj};
  int threads = ag_pool_threads(pool);
  c.run = AG_ARRAY(int32_t, batch->size + 1);
  c.node_start = AG_ARRAY(int64_t, batch->size + 1);
  c.desks = AG_ARRAY(desk, threads);
  find_rows(&c, pool);
  ag_pool_run(pool, find_runs(&c), cost_run, &c);
  discard(&c, threads);
}
