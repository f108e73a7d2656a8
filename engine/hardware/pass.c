/* One pass along a graph: nodes are put into groups, groups' times and energies added up. It looks
 * at nothing but rows, operands and numbers of users, and all sums are whole numbers, so any
 * topological order gives the same result. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/hardware/npu_internal.h"

/* A group led before `first` as it was. */
struct ag_undo {
  int leader;
  int64_t time;
  ag_added added;
};

static void reserve(ag_pass *p, int size) {
  if (size <= p->capacity) return;
  p->capacity = size + size / 2;
  p->users = ag_resize(p->users, (size_t)p->capacity, sizeof *p->users);
  p->inner = ag_resize(p->inner, (size_t)p->capacity, sizeof *p->inner);
  p->group = ag_resize(p->group, (size_t)p->capacity, sizeof *p->group);
  p->added = ag_resize(p->added, (size_t)p->capacity, sizeof *p->added);
  p->time = ag_resize(p->time, (size_t)p->capacity, sizeof *p->time);
}

void ag_pass_free(ag_pass *p) {
  free(p->users);
  free(p->inner);
  free(p->group);
  free(p->added);
  free(p->time);
  free(p->undo);
  ag_residency_free(p->residency);
}

/* The state of one run. */
struct run {
  ag_pass *pass;
  const ag_device *device;
  const ag_pass_graph *graph;
  ag_counts *counts; /* or NULL */
  int64_t energy;
  int64_t held; /* bytes of all tensors that stay: never fewer than are alive at once */
};

static void add_counts(ag_counts *to, const ag_counts *c) {
  to->macs = ag_plus(to->macs, c->macs);
  to->slots = ag_plus(to->slots, c->slots);
  to->array = ag_plus(to->array, c->array);
  to->vector = ag_plus(to->vector, c->vector);
  to->operand = ag_plus(to->operand, c->operand);
  to->output = ag_plus(to->output, c->output);
  to->shared = ag_plus(to->shared, c->shared);
  to->dram_read = ag_plus(to->dram_read, c->dram_read);
  to->dram_written = ag_plus(to->dram_written, c->dram_written);
  to->elements = ag_plus(to->elements, c->elements);
}

static void hold(struct run *r, int64_t bytes) {
  if (ag_is_resident(r->device, bytes)) r->held = ag_plus(r->held, bytes);
}

/* The leader of operand's group if `node` may follow it: the group ends there and nobody else needs
 * what it makes. */
static int followed(const struct run *r, int32_t operand) {
  return r->pass->users[operand] == 1 ? r->pass->group[operand] : -1;
}

static void lead(struct run *r, int node) {
  const ag_row *row = r->graph->rows[node];
  r->pass->group[node] = node;
  r->pass->added[node] = (ag_added){0};
  r->pass->time[node] = row->time;
  r->energy = ag_plus(r->energy, row->energy);
  hold(r, row->out_bytes);
  if (r->counts) add_counts(&r->counts[node], &row->counts);
}

static void follow(struct run *r, int node, int leader) {
  const ag_row *row = r->graph->rows[node];
  r->pass->group[node] = leader;
  r->energy = ag_plus(r->energy, row->follow_energy);
  if (r->counts) add_counts(&r->counts[leader], &(ag_counts){.elements = row->follow_elements});
}

/* --- joins ---------------------------------------------------------------------------------- */

static ag_added sum_added(const ag_added *a, const ag_added *b) {
  return (ag_added){.vector = ag_plus(a->vector, b->vector),
                    .elements = ag_plus(a->elements, b->elements),
                    .operand = ag_plus(a->operand, b->operand),
                    .output = ag_plus(a->output, b->output),
                    .dram = ag_plus(a->dram, b->dram),
                    .written = ag_plus(a->written, b->written),
                    .shared = ag_plus(a->shared, b->shared)};
}

static void add(struct run *r, int leader, const ag_added *more) {
  ag_pass *p = r->pass;
  ag_added *added = &p->added[leader];
  if (leader < p->first) {
    AG_GROW(p->undo, p->undo_count, p->undo_capacity);
    p->undo[p->undo_count++] = (struct ag_undo){leader, p->time[leader], *added};
  }
  *added = sum_added(added, more);
  p->time[leader] = ag_row_time(r->device, r->graph->rows[leader], added);
  ag_counts counts = ag_added_counts(more);
  r->energy = ag_plus(r->energy, ag_counts_energy(r->device, &counts));
  if (r->counts) add_counts(&r->counts[leader], &counts);
}

/* A tensor is read once however often it is named; long lists are taken as they are. */
static bool named_before(const int32_t *operands, int i) {
  if (i >= 32) return false;
  for (int k = 0; k < i; k++)
    if (operands[k] == operands[i]) return true;
  return false;
}

/* Reading every operand but `without` (-1: all), and the passes of a join over them. */
static ag_added reading(const struct run *r, int node, int32_t without) {
  const ag_row *row = r->graph->rows[node];
  const int32_t *operands = r->graph->operands + r->graph->operand_start[node];
  int count = r->graph->operand_start[node + 1] - r->graph->operand_start[node], distinct = 0;
  ag_added a = {0};
  for (int i = 0; i < count; i++) {
    if (named_before(operands, i)) continue;
    distinct++;
    if (operands[i] == without) continue;
    int64_t bytes = r->graph->rows[operands[i]]->out_bytes;
    int64_t *level = ag_is_resident(r->device, bytes) ? &a.shared : &a.dram;
    if (bytes > row->in_bytes) bytes = row->in_bytes; /* reads a slice */
    a.operand = ag_plus(a.operand, bytes);
    *level = ag_plus(*level, bytes);
  }
  if (row->run == AG_RUN_JOIN) {
    int64_t passes = distinct > 1 ? distinct - 1 : 1;
    a.elements = ag_times(passes, row->out_bytes / r->device->element_bytes);
    double cycles = ceil((double)passes * (double)row->out_bytes / r->device->vector_bytes);
    a.vector = cycles < 9e18 ? (int64_t)cycles : INT64_MAX;
  }
  return a;
}

/* Whether to follow the group of `a` rather than that of `b` when both take as much more time: by
 * what the groups are, not by where they stand. */
static bool precedes(const struct run *r, int a, int b) {
  const ag_pass *p = r->pass;
  if (p->time[a] != p->time[b]) return p->time[a] < p->time[b];
  int rows = memcmp(&r->graph->rows[a]->counts, &r->graph->rows[b]->counts, sizeof(ag_counts));
  return rows ? rows < 0 : memcmp(&p->added[a], &p->added[b], sizeof(ag_added)) < 0;
}

/* The operand whose group a join follows at the least additional time, or -1. Its group can always
 * wait for the other operands: nothing but the join needs it. */
static int32_t choose_followed(const struct run *r, int node, ag_added *chosen) {
  const ag_row *row = r->graph->rows[node];
  int32_t best = -1;
  int best_leader = -1;
  int64_t best_delta = INT64_MAX;
  if (row->run != AG_RUN_JOIN || !r->device->fuse_add) return -1;
  for (int k = r->graph->operand_start[node]; k < r->graph->operand_start[node + 1]; k++) {
    int32_t o = r->graph->operands[k];
    int leader = followed(r, o);
    if (leader < 0 || r->graph->rows[o]->out_bytes != row->out_bytes) continue;
    ag_added more = reading(r, node, o), after = sum_added(&r->pass->added[leader], &more);
    int64_t delta = ag_row_time(r->device, r->graph->rows[leader], &after) - r->pass->time[leader];
    if (best >= 0 && delta > best_delta) continue;
    if (best >= 0 && delta == best_delta && !precedes(r, leader, best_leader)) continue;
    best = o;
    best_leader = leader;
    best_delta = delta;
    *chosen = more;
  }
  return best;
}

static void place_reader(struct run *r, int node) {
  ag_added more;
  int32_t operand = choose_followed(r, node, &more);
  if (operand >= 0) {
    r->pass->group[node] = r->pass->group[operand];
    add(r, r->pass->group[node], &more);
    return;
  }
  more = reading(r, node, -1);
  lead(r, node);
  add(r, node, &more);
}

/* --- pools ---------------------------------------------------------------------------------- */

/* A pool on the way out: what its operand's group would have written is not, its own output is. */
static void pool(struct run *r, int node, int32_t operand, int leader) {
  const ag_row *row = r->graph->rows[node];
  int64_t before = r->graph->rows[operand]->out_bytes, after = row->out_bytes;
  ag_added more = {.vector = row->counts.vector, .elements = row->counts.elements};
  more.output = ag_times(2, after);
  *(ag_is_resident(r->device, before) ? &more.shared : &more.written) -= before;
  *(ag_is_resident(r->device, after) ? &more.shared : &more.written) += after;
  r->pass->group[node] = leader;
  hold(r, after);
  add(r, leader, &more);
}

/* --- nodes ---------------------------------------------------------------------------------- */

static void place(struct run *r, int node) {
  const ag_row *row = r->graph->rows[node];
  int32_t operand =
      row->run == AG_RUN_FREE || row->reads ? 0 : r->graph->operands[r->graph->operand_start[node]];
  int leader = -1;
  switch (row->run) {
  case AG_RUN_FREE:
    r->pass->group[node] = -1;
    hold(r, row->out_bytes);
    return;
  case AG_RUN_ALIAS:
    r->pass->group[node] = followed(r, operand);
    return;
  case AG_RUN_ACTIVATION:
    if (r->device->fuse_activation) leader = followed(r, operand);
    break;
  case AG_RUN_REMAP:
    if (r->device->fuse_remap) leader = followed(r, operand);
    break;
  case AG_RUN_POOL:
    if (r->device->fuse_pool) leader = followed(r, operand);
    break;
  default:
    break;
  }
  if (row->reads)
    place_reader(r, node);
  else if (leader >= 0 && row->run == AG_RUN_POOL)
    pool(r, node, operand, leader);
  else if (leader >= 0)
    follow(r, node, leader);
  else
    lead(r, node);
}

/* --- passes --------------------------------------------------------------------------------- */

/* Place the nodes [from, to); false if one does not fit. */
static bool place_range(struct run *r, int from, int to) {
  for (int i = from; i < to; i++) {
    if (r->graph->rows[i]->traffic.buffer) return false;
    place(r, i);
  }
  return true;
}

static void count_users(int32_t *users, const ag_pass_graph *g, int from, int to) {
  for (int k = g->operand_start[from]; k < g->operand_start[to]; k++) users[g->operands[k]]++;
}

static int64_t time_of_groups(const ag_pass *p, int from, int to) {
  int64_t time = 0;
  for (int i = from; i < to; i++)
    if (p->group[i] == i) time = ag_plus(time, p->time[i]);
  return time;
}

void ag_pass_head(ag_pass *p, const ag_device *device, const ag_pass_graph *g, int first) {
  struct run r = {.pass = p, .device = device, .graph = g};
  reserve(p, g->size);
  p->first = 0;
  memset(p->inner, 0, (size_t)g->size * sizeof *p->inner);
  count_users(p->inner, g, 0, first);
  memcpy(p->users, p->inner, (size_t)g->size * sizeof *p->users);
  count_users(p->users, g, first, g->size);
  p->head_fits = place_range(&r, 0, first);
  p->head_time = p->head_fits ? time_of_groups(p, 0, first) : 0;
  p->head_energy = r.energy;
  p->head_held = r.held;
  p->first = first;
}

/* Put the groups led before `first` back; returns by how much their time had grown. */
static int64_t undo(ag_pass *p) {
  int64_t grown = 0;
  for (; p->undo_count > 0; p->undo_count--) {
    const struct ag_undo *u = &p->undo[p->undo_count - 1];
    grown = ag_plus(grown, p->time[u->leader] - u->time);
    p->time[u->leader] = u->time;
    p->added[u->leader] = u->added;
  }
  return grown;
}

/* The time that the DMA takes for all groups and `evicted` bytes. */
static int64_t time_of_dma(const struct run *r, int64_t evicted) {
  int64_t dram = ag_times(2, evicted), shared = 0;
  for (int i = 0; i < r->graph->size; i++) {
    if (r->pass->group[i] != i) continue;
    const ag_counts *c = &r->graph->rows[i]->counts;
    const ag_added *a = &r->pass->added[i];
    dram = ag_plus(dram, ag_plus(ag_plus(c->dram_read, c->dram_written), a->dram + a->written));
    shared = ag_plus(shared, c->shared + a->shared);
  }
  return ag_time_of_ns(ag_dma_ns(r->device, dram, shared));
}

/* Account for the tensors that find no room in the shared buffer; returns the least time that the
 * network takes for that. */
static int64_t make_room(const struct run *r, ag_pass_sums *sums) {
  if (!r->counts && r->held <= r->device->shared_buffer) return 0; /* room for all at once */
  ag_room room = ag_pass_room(r->pass, r->device, r->graph);
  sums->peak = room.peak;
  sums->evicted = room.evicted;
  if (room.evicted == 0) return 0;
  ag_counts moved = {.dram_read = room.evicted, .dram_written = room.evicted};
  sums->energy = ag_plus(sums->energy, ag_counts_energy(r->device, &moved));
  return time_of_dma(r, room.evicted);
}

bool ag_pass_tail(ag_pass *p, const ag_device *device, const ag_pass_graph *g, ag_pass_sums *sums,
                  ag_counts *counts) {
  struct run r = {.pass = p, .device = device, .graph = g, .counts = counts};
  *sums = (ag_pass_sums){0};
  if (!p->head_fits) return false;
  reserve(p, g->size);
  r.energy = p->head_energy;
  r.held = p->head_held;
  memcpy(p->users, p->inner, (size_t)p->first * sizeof *p->users);
  memset(p->users + p->first, 0, (size_t)(g->size - p->first) * sizeof *p->users);
  count_users(p->users, g, p->first, g->size);
  bool fits = place_range(&r, p->first, g->size);
  sums->energy = r.energy;
  int64_t least = fits ? make_room(&r, sums) : 0;
  sums->time = ag_plus(p->head_time, undo(p));
  if (fits) sums->time = ag_plus(sums->time, time_of_groups(p, p->first, g->size));
  if (least > sums->time) {
    sums->waiting = least - sums->time;
    sums->time = least;
  }
  return fits;
}

bool ag_pass_run(ag_pass *p, const ag_device *device, const ag_pass_graph *g, ag_pass_sums *sums,
                 ag_counts *counts) {
  p->first = 0;
  p->head_time = p->head_energy = p->head_held = 0;
  p->head_fits = true;
  if (counts) memset(counts, 0, (size_t)g->size * sizeof *counts);
  return ag_pass_tail(p, device, g, sums, counts);
}
