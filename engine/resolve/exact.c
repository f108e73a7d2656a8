/* The exact solver: the variables that propagation left open become a constraint network.
 *
 * The objective is a sum over nodes, and each node's charge splits into what depends on its spatial
 * input and output (shrinkage, and which pairs are possible), and on its spatial output and its
 * channels (deviation from the reference). So tables over pairs express all of it. */
#include <string.h>

#include "engine/resolve/network.h"

typedef struct builder {
  const ag_resolve_model *model;
  ag_network net;
  int32_t *local; /* variable of the network for a variable of the model; -1 = decided */
} builder;

/* Add cost[a][b] over two variables of the model, of which some may be decided or both the same. */
static void add_costs(builder *b, int x, int y, int64_t *cost) {
  int nx = b->model->var[x].count, ny = b->model->var[y].count;
  int lx = b->local[x], ly = b->local[y];
  bool zero = true;
  for (int k = 0; k < nx * ny && zero; k++) zero = cost[k] == 0;
  if (zero || (lx < 0 && ly < 0)) return;
  if (lx >= 0 && ly >= 0 && lx != ly) {
    ag_network_add_table(&b->net, lx, ly, cost);
    return;
  }
  int64_t *unary = b->net.unary[lx >= 0 ? lx : ly];
  int count = lx >= 0 ? nx : ny, step = lx == ly ? ny + 1 : lx >= 0 ? ny : 1;
  for (int k = 0; k < count; k++) {
    int64_t add = cost[k * step];
    unary[k] =
        add >= AG_NETWORK_NEVER || unary[k] >= AG_NETWORK_NEVER ? AG_NETWORK_NEVER : unary[k] + add;
  }
}

static void add_relation(builder *b, const ag_relation *r) {
  const ag_resolve_model *m = b->model;
  const ag_resolve_var *from = &m->var[r->from], *to = &m->var[r->to];
  if (from->count == 1 && to->count == 1) return;
  int64_t *cost = AG_TAKE(m->scratch, int64_t, from->count * to->count);
  for (int k = 0; k < from->count * to->count; k++) cost[k] = AG_NETWORK_NEVER;
  int64_t weight = r->kind == AG_RELATION_STRIDED ? m->node[r->node].weight : 0;
  ag_size images[AG_RESOLVE_MAX_IMAGES];
  for (int a = 0; a < from->count; a++) {
    int count = ag_relation_images(m, r, from->value[a], images);
    for (int j = 0; j < count; j++) {
      int c = ag_var_find(to, images[j]);
      if (c < 0) continue;
      int64_t shrunk =
          ((int64_t)from->value[a].h - images[j].h) + ((int64_t)from->value[a].w - images[j].w);
      cost[a * to->count + c] = weight * shrunk;
    }
  }
  add_costs(b, r->from, r->to, cost);
}

static void add_sum(builder *b, const ag_relation *r) {
  const ag_resolve_model *m = b->model;
  ag_network_sum sum = {.target = b->local[r->to], .value = m->var[r->to].value[0].h};
  sum.term = AG_TAKE(m->scratch, ag_term, r->terms);
  for (int t = 0; t < r->terms; t++) {
    ag_term term = r->term[t];
    if (b->local[term.var] < 0)
      sum.offset += (int64_t)term.times * m->var[term.var].value[0].h;
    else
      sum.term[sum.terms++] = (ag_term){b->local[term.var], term.times};
  }
  if (sum.terms > 0) ag_network_add_sum(&b->net, sum);
}

static void add_deviation(builder *b, const ag_resolve_node *n) {
  const ag_resolve_model *m = b->model;
  const ag_resolve_var *s = &m->var[n->spatial_out], *c = &m->var[n->channel_out];
  if (n->weight == 0 || (s->count == 1 && c->count == 1)) return;
  int64_t *cost = AG_TAKE(m->scratch, int64_t, s->count * c->count);
  for (int k = 0; k < s->count; k++)
    for (int j = 0; j < c->count; j++) {
      ag_shape out = {s->value[k].h, s->value[k].w, c->value[j].h};
      ag_shape same_size = {out.h, out.w, 0};
      cost[k * c->count + j] = ag_node_charge(n, same_size, out);
    }
  add_costs(b, n->spatial_out, n->channel_out, cost);
}

static void add_unary(builder *b, int var, int64_t weight) {
  if (b->local[var] < 0) return;
  const ag_resolve_var *v = &b->model->var[var];
  int64_t *unary = b->net.unary[b->local[var]];
  for (int k = 0; k < v->count; k++)
    if (unary[k] < AG_NETWORK_NEVER) unary[k] += weight * ((int64_t)v->value[k].h + v->value[k].w);
}

static void add_node(builder *b, const ag_resolve_node *n) {
  if (n->adapts) {
    add_deviation(b, n);
    return;
  }
  add_unary(b, n->spatial_in, n->weight);
  add_unary(b, n->channel_in, n->weight);
}

/* One variable of the network for each undecided one of the model; returns their number. */
static int add_variables(builder *b) {
  const ag_resolve_model *m = b->model;
  b->local = AG_TAKE(m->scratch, int32_t, m->variables);
  int open = 0;
  for (int v = 0; v < m->variables; v++) open += m->var[v].count > 1;
  ag_network_init(&b->net, m->scratch, open, m->relations + m->segment->size, m->relations);
  for (int v = 0; v < m->variables; v++)
    b->local[v] = m->var[v].count > 1
                      ? ag_network_add_variable(&b->net, m->var[v].value, m->var[v].count)
                      : -1;
  return open;
}

ag_status ag_resolve_exact(const ag_resolve_model *m, int32_t *choice, ag_error *err) {
  builder b = {.model = m};
  memset(choice, 0, (size_t)m->variables * sizeof *choice);
  if (add_variables(&b) == 0) return AG_OK;
  for (int k = 0; k < m->relations; k++) {
    const ag_relation *r = &m->relation[k];
    if (r->kind == AG_RELATION_SUM)
      add_sum(&b, r);
    else if (r->kind != AG_RELATION_CHOICE)
      add_relation(&b, r);
  }
  for (int i = 0; i < m->segment->size; i++) add_node(&b, &m->node[i]);
  int32_t *found = AG_TAKE(m->scratch, int32_t, b.net.variables);
  ag_status status = ag_network_solve(&b.net, found);
  if (status == AG_INFEASIBLE) return ag_fail(err, status, "no combination of candidates fits");
  if (status) return ag_fail(err, status, "too many combinations of candidates");
  for (int v = 0; v < m->variables; v++)
    if (b.local[v] >= 0) choice[v] = found[b.local[v]];
  return AG_OK;
}
