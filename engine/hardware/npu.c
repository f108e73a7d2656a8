/* A device with its memory: rows by node signature, each made once, and the cost of whole graphs
 * with all that a table of layers shows. */
#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/base/map.h"
#include "engine/hardware/npu_internal.h"

struct ag_npu {
  ag_device device;
  ag_map rows; /* signature -> index */
  ag_row **row;
  int count, capacity;
  ag_arena arena; /* owns the rows */
  ag_pass pass;
};

ag_npu *ag_npu_new(const ag_device *device) {
  ag_npu *npu = AG_NEW(ag_npu);
  npu->device = *device;
  return npu;
}

void ag_npu_free(ag_npu *npu) {
  if (!npu) return;
  ag_map_free(&npu->rows);
  ag_arena_free(&npu->arena);
  ag_pass_free(&npu->pass);
  free(npu->row);
  free(npu);
}

const ag_device *ag_npu_device(const ag_npu *npu) {
  return &npu->device;
}

ag_row *ag_npu_row(ag_npu *npu, ag_hash signature, bool *fresh) {
  int64_t index = *ag_map_put(&npu->rows, signature, npu->count, fresh);
  if (!*fresh) return npu->row[index];
  ag_row *row = ag_arena_alloc(&npu->arena, sizeof *row);
  AG_GROW(npu->row, npu->count, npu->capacity);
  npu->row[npu->count++] = row;
  return row;
}

static const ag_row *row_of(ag_npu *npu, const ag_node *node) {
  bool fresh;
  ag_row *row = ag_npu_row(npu, ag_node_signature(node, 0), &fresh);
  if (fresh) ag_row_make(&npu->device, node, row);
  return row;
}

double ag_npu_ms(int64_t time) {
  return (double)time / 65536e6;
}

double ag_npu_mj(const ag_device *d, int64_t time, int64_t energy) {
  return (double)energy / 1024e9 + d->static_mw * ag_npu_ms(time) * 1e-3;
}

/* --- the table ------------------------------------------------------------------------------ */

struct report {
  const ag_npu *npu;
  const ag_graph *graph;
  const ag_row **rows;
  ag_pass_group *groups; /* by leader */
  ag_npu_cost *cost;
};

static ag_status not_fitting(const struct report *r, ag_error *err) {
  int i = 0;
  while (!r->rows[i]->traffic.buffer) i++;
  const ag_traffic *t = &r->rows[i]->traffic;
  char label[128];
  ag_fail(
      err, AG_INFEASIBLE,
      "%s: the least tile of a %s does not fit into buffers.%s: %lld bytes are needed, there are "
      "%lld, so %lld are missing; give it a larger buffer",
      r->npu->device.name, ag_op_get((ag_op)r->graph->nodes[i].op)->name, t->buffer,
      (long long)t->needs, (long long)t->offers, (long long)(t->needs - t->offers));
  return ag_error_at_node(err, AG_INFEASIBLE,
                          ag_graph_node_label(r->graph, i, label, sizeof label));
}

static void add_group(const struct report *r, int leader, ag_npu_node *node) {
  const ag_device *d = &r->npu->device;
  const ag_pass_group *group = &r->groups[leader];
  const ag_counts *c = &group->counts;
  double ms = ag_npu_ms(group->time);
  node->counts = *c;
  node->tiling = r->rows[leader]->traffic.tiling;
  node->cycles = ms * 1e6 * d->clock_ghz;
  node->memory = ag_dma_ns(d, ag_plus(c->dram_read, c->dram_written), c->shared) * d->clock_ghz;
  node->exposed = fmax(0, node->cycles - (double)(c->array > c->vector ? c->array : c->vector));
  node->ms = ms;
  node->mj = ag_npu_mj(d, group->time, group->energy);
  node->utilisation = (double)c->macs / (node->cycles * (double)ag_device_peak(d));
}

static void add_to_total(ag_npu_cost *t, const ag_npu_node *n) {
  ag_counts_add(&t->counts, &n->counts);
  t->memory += n->memory;
  t->exposed += n->exposed;
  t->groups++;
}

static void finish(const ag_device *d, ag_npu_cost *t) {
  const ag_counts *c = &t->counts;
  t->ms = ag_npu_ms(t->time);
  t->cycles = t->ms * 1e6 * d->clock_ghz;
  t->static_mj = d->static_mw * t->ms * 1e-3;
  t->mj = ag_npu_mj(d, t->time, t->energy);
  double dram = (double)c->dram_read + (double)c->dram_written;
  t->mj_system = t->mj + (d->dram_system_pj - d->dram_pj) * dram * 1e-9;
  t->mw = t->ms > 0 ? t->mj / t->ms * 1e3 : 0;
  t->mw_system = t->ms > 0 ? t->mj_system / t->ms * 1e3 : 0;
  double offered = t->cycles * (double)ag_device_peak(d);
  t->utilisation = offered > 0 ? (double)c->macs / offered : 0;
  t->mapping = c->slots > 0 ? (double)c->macs / (double)c->slots : 0;
}

/* What the network has that no group has: bytes that found no room in the shared buffer, and so go
 * by without it. */
static void add_evicted(const ag_device *d, const ag_pass_sums *sums, ag_npu_cost *t) {
  int64_t moved = ag_plus(sums->evicted, sums->reread);
  t->time = sums->time;
  t->energy = sums->energy;
  t->shared_peak = sums->peak;
  t->evicted = sums->evicted;
  t->reread = sums->reread;
  t->evicted_ms = ag_npu_ms(sums->waiting);
  t->evicted_mj = ag_npu_mj(d, sums->waiting, sums->moving);
  t->counts.dram_read = ag_plus(t->counts.dram_read, sums->reread);
  t->counts.dram_written = ag_plus(t->counts.dram_written, sums->evicted);
  t->counts.shared -= moved;
  t->memory += ag_dma_ns(d, moved, -moved) * d->clock_ghz;
  t->exposed += t->evicted_ms * 1e6 * d->clock_ghz;
}

static void write_report(const struct report *r, const ag_pass_sums *sums, ag_npu_node *nodes) {
  for (int i = 0; i < r->graph->size; i++) {
    ag_npu_node node = {.group = r->npu->pass.group[i]};
    if (node.group == i) {
      add_group(r, i, &node);
      add_to_total(r->cost, &node);
    }
    if (nodes) nodes[i] = node;
  }
  add_evicted(&r->npu->device, sums, r->cost);
  finish(&r->npu->device, r->cost);
}

ag_status ag_npu_graph(ag_npu *npu, const ag_graph *graph, ag_npu_cost *cost, ag_npu_node *nodes,
                       ag_error *err) {
  ag_npu_cost made = {0};
  struct report r = {.npu = npu, .graph = graph, .cost = &made};
  r.rows = AG_ARRAY(const ag_row *, graph->size);
  r.groups = AG_ARRAY(ag_pass_group, graph->size);
  for (int i = 0; i < graph->size; i++) r.rows[i] = row_of(npu, &graph->nodes[i]);
  ag_pass_graph view = {graph->size, r.rows, graph->operand_start, graph->operands};
  ag_pass_sums sums;
  ag_status status = AG_OK;
  if (ag_pass_run(&npu->pass, &npu->device, &view, &sums, r.groups)) {
    write_report(&r, &sums, nodes);
    *cost = made;
  } else {
    status = not_fitting(&r, err);
  }
  free(r.rows);
  free(r.groups);
  return status;
}

double ag_npu_power_at(const ag_npu_cost *cost, const ag_device *device, double fps) {
  if (!(fps > 0) || fps * cost->ms > 1e3) return NAN;
  return device->static_mw + fps * (cost->mj - cost->static_mj);
}
