/* One pass along a graph: nodes are put into groups, groups' times and energies added up. It looks
 * at nothing but rows, operands and numbers of users, and all sums are whole numbers, so any
 * topological order gives the same result. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/hardware/group.h"

static void reserve(ag_pass *p, int size) {
  if (size <= p->capacity) return;
  size_t count = (size_t)(p->capacity = size + size / 2);
  p->users = ag_resize(p->users, count, sizeof *p->users);
  p->inner = ag_resize(p->inner, count, sizeof *p->inner);
  p->group = ag_resize(p->group, count, sizeof *p->group);
  p->follower = ag_resize(p->follower, count, sizeof *p->follower);
  p->winner = ag_resize(p->winner, count, sizeof *p->winner);
  p->strand = ag_resize(p->strand, count, sizeof *p->strand);
}

void ag_pass_free(ag_pass *p) {
  free(p->users);
  free(p->inner);
  free(p->group);
  free(p->follower);
  free(p->winner);
  free(p->strand);
  free(p->undo);
  ag_residency_free(p->residency);
}

/* --- sums ----------------------------------------------------------------------------------- */

static void hold(ag_placing *r, int64_t bytes) {
  if (ag_is_resident(r->device, bytes)) r->held = ag_plus(r->held, bytes);
}

static void lead(ag_placing *r, int32_t node) {
  const ag_row *row = r->graph->rows[node];
  ag_group_lead(r, node);
  hold(r, row->out_bytes);
  r->energy = ag_plus(r->energy, row->energy);
  r->dram = ag_plus(r->dram, ag_plus(row->counts.dram_read, row->counts.dram_written));
  r->shared = ag_plus(r->shared, row->counts.shared);
}

static int64_t energy_of_added(const ag_placing *r, const ag_added *more) {
  ag_counts counts = ag_added_counts(more);
  return ag_counts_energy(r->device, &counts);
}

/* To the group that the node is in. */
static void add(ag_placing *r, int32_t node, const ag_added *more) {
  ag_group_add(r, node, more);
  r->energy = ag_plus(r->energy, energy_of_added(r, more));
  r->dram = ag_plus(r->dram, ag_plus(more->dram, more->written));
  r->shared = ag_plus(r->shared, more->shared);
}

/* --- joins ---------------------------------------------------------------------------------- */

/* A tensor is read once however often it is named; long lists are taken as they are. */
static bool named_before(const int32_t *operands, int i) {
  if (i >= 32) return false;
  for (int k = 0; k < i; k++)
    if (operands[k] == operands[i]) return true;
  return false;
}

/* Reading every operand but `without` (-1: all), and the passes of a join over them. */
static ag_added reading(const ag_placing *r, int node, int32_t without) {
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

/* An operand that a join may follow, or -1. It reads the others, which are as large. */
static int32_t followed_by_join(const ag_placing *r, int32_t node) {
  if (r->graph->rows[node]->run != AG_RUN_JOIN || !r->device->fuse_add) return -1;
  for (int32_t k = r->graph->operand_start[node]; k < r->graph->operand_start[node + 1]; k++)
    if (ag_pass_may_follow(r->pass, r->graph, node, r->graph->operands[k]))
      return r->graph->operands[k];
  return -1;
}

static void place_reader(ag_placing *r, int32_t node) {
  int32_t operand = followed_by_join(r, node);
  ag_added more = reading(r, node, operand);
  if (operand >= 0)
    ag_group_join(r, node);
  else
    lead(r, node);
  add(r, node, &more);
}

/* --- pools ---------------------------------------------------------------------------------- */

/* A pool on the way out: what its operand's group would have written is not, its own output is. */
static ag_added pooling(const ag_placing *r, int32_t node, int32_t operand) {
  const ag_row *row = r->graph->rows[node];
  int64_t before = r->graph->rows[operand]->out_bytes, after = row->out_bytes;
  ag_added more = {.vector = row->counts.vector, .elements = row->counts.elements};
  more.output = ag_times(2, after);
  *(ag_is_resident(r->device, before) ? &more.shared : &more.written) -= before;
  *(ag_is_resident(r->device, after) ? &more.shared : &more.written) += after;
  return more;
}

/* --- nodes ---------------------------------------------------------------------------------- */

/* Whether a node other than a join may be fused with its operand. */
static bool is_fused(const ag_device *d, const ag_row *row) {
  uint8_t run = row->run;
  return run == AG_RUN_ALIAS || (run == AG_RUN_ACTIVATION && d->fuse_activation) ||
         (run == AG_RUN_REMAP && d->fuse_remap) || (run == AG_RUN_POOL && d->fuse_pool);
}

/* Whether it is of its operand's group: the group ends there and nobody else needs what it makes.
 */
static bool follows(const ag_placing *r, int32_t node) {
  if (!is_fused(r->device, r->graph->rows[node])) return false;
  int32_t operand = r->graph->operands[r->graph->operand_start[node]];
  return r->pass->users[operand] == 1 && r->pass->group[operand] >= 0;
}

static void follow(ag_placing *r, int32_t node, int32_t operand) {
  const ag_row *row = r->graph->rows[node];
  ag_group_follow(r, node, operand);
  if (row->run == AG_RUN_POOL) {
    ag_added more = pooling(r, node, operand);
    hold(r, row->out_bytes);
    add(r, node, &more);
  } else {
    r->energy = ag_plus(r->energy, row->follow_energy);
  }
}

static void place(ag_placing *r, int32_t node) {
  const ag_row *row = r->graph->rows[node];
  if (row->reads) {
    place_reader(r, node);
  } else if (row->run == AG_RUN_FREE) {
    r->pass->group[node] = -1;
    hold(r, row->out_bytes);
  } else if (follows(r, node)) {
    follow(r, node, r->graph->operands[r->graph->operand_start[node]]);
  } else if (row->run == AG_RUN_ALIAS) {
    r->pass->group[node] = -1;
  } else {
    lead(r, node);
  }
}

/* --- passes --------------------------------------------------------------------------------- */

/* Place the nodes [from, to); false if one does not fit. */
static bool place_range(ag_placing *r, int from, int to) {
  for (int i = from; i < to; i++) {
    if (r->graph->rows[i]->traffic.buffer) return false;
    place(r, i);
  }
  return true;
}

static void count_users(int32_t *users, const ag_pass_graph *g, int from, int to) {
  for (int k = g->operand_start[from]; k < g->operand_start[to]; k++) users[g->operands[k]]++;
}

void ag_pass_head(ag_pass *p, const ag_device *device, const ag_pass_graph *g, int first) {
  ag_placing r = {.pass = p, .device = device, .graph = g};
  reserve(p, g->size);
  p->first = 0;
  memset(p->inner, 0, (size_t)g->size * sizeof *p->inner);
  count_users(p->inner, g, 0, first);
  memcpy(p->users, p->inner, (size_t)g->size * sizeof *p->users);
  count_users(p->users, g, first, g->size);
  p->head_fits = place_range(&r, 0, first);
  p->head_time = p->head_fits ? ag_group_time(p, 0, first) : 0;
  p->head_energy = r.energy;
  p->head_held = r.held;
  p->head_dram = r.dram;
  p->head_shared = r.shared;
  p->first = first;
}

/* Account for the tensors that find no room in the shared buffer. What is away goes by without it.
 * Returns the least time that the network takes for that. */
static int64_t make_room(const ag_placing *r, ag_pass_sums *sums) {
  const ag_device *d = r->device;
  if (!r->report && r->held <= d->shared_buffer) return 0; /* room for all at once */
  ag_room room = ag_pass_room(r->pass, d, r->graph);
  int64_t moved = ag_plus(room.written, room.read);
  sums->peak = room.peak;
  sums->evicted = room.written;
  sums->reread = room.read;
  if (moved == 0) return 0;
  sums->moving = ag_energy_of_pj(fmax(0, d->dram_pj - d->shared_pj) * (double)moved);
  return ag_time_of_ns(ag_dma_ns(d, ag_plus(r->dram, moved), r->shared - moved));
}

static void start_users(ag_pass *p, const ag_pass_graph *g) {
  memcpy(p->users, p->inner, (size_t)p->first * sizeof *p->users);
  memset(p->users + p->first, 0, (size_t)(g->size - p->first) * sizeof *p->users);
  count_users(p->users, g, p->first, g->size);
}

static bool run_tail(ag_placing *r, ag_pass_sums *sums) {
  ag_pass *p = r->pass;
  int size = r->graph->size;
  start_users(p, r->graph);
  bool fits = place_range(r, p->first, size);
  int64_t least = fits ? make_room(r, sums) : 0;
  int64_t behind = fits ? ag_group_time(p, p->first, size) : 0;
  sums->time = ag_plus(ag_plus(p->head_time, ag_group_undo(p)), behind);
  sums->energy = ag_plus(r->energy, sums->moving);
  if (least > sums->time) {
    sums->waiting = least - sums->time;
    sums->time = least;
  }
  return fits;
}

/* At the node behind the head. */
static ag_placing begin_tail(ag_pass *p, const ag_device *device, const ag_pass_graph *g,
                             ag_pass_sums *sums) {
  reserve(p, g->size);
  *sums = (ag_pass_sums){0};
  return (ag_placing){.pass = p,
                      .device = device,
                      .graph = g,
                      .energy = p->head_energy,
                      .held = p->head_held,
                      .dram = p->head_dram,
                      .shared = p->head_shared};
}

bool ag_pass_tail(ag_pass *p, const ag_device *device, const ag_pass_graph *g, ag_pass_sums *sums) {
  ag_placing r = begin_tail(p, device, g, sums);
  return p->head_fits && run_tail(&r, sums);
}

/* --- endings -------------------------------------------------------------------------------- */

/* The first node from `last` on such that neither it nor any behind it is fused with one before it,
 * whatever stands before `last`. `users` counts those from `last` on: a tensor with two is fused
 * with none of them. */
static int32_t beginning_of_end(const ag_device *d, const ag_pass_graph *g, int32_t last,
                                const int32_t *users) {
  int32_t from = last;
  for (int32_t i = last; i < g->size; i++) {
    const ag_row *row = g->rows[i];
    if (!is_fused(d, row) && (row->run != AG_RUN_JOIN || !d->fuse_add)) continue;
    for (int32_t k = g->operand_start[i]; k < g->operand_start[i + 1]; k++)
      if (g->operands[k] < from && users[g->operands[k]] == 1) from = i + 1;
  }
  return from;
}

static void find_uses(const ag_pass_graph *g, ag_pass_ending *e) {
  e->use_count = 0;
  for (int32_t k = g->operand_start[e->from]; k < g->operand_start[g->size]; k++) {
    if (g->operands[k] >= e->from) continue;
    AG_GROW(e->uses, e->use_count, e->use_capacity);
    e->uses[e->use_count++] = g->operands[k];
  }
}

/* Sums beyond this are not taken apart: they might have been cut short. */
static bool is_exact(const ag_placing *r) {
  const int64_t most = INT64_MAX / 4;
  return r->energy < most && r->held < most && r->dram < most && r->shared < most;
}

void ag_pass_find_ending(ag_pass *p, const ag_device *device, const ag_pass_graph *g, int last,
                         ag_pass_ending *e) {
  ag_placing r = {.pass = p, .device = device, .graph = g};
  reserve(p, g->size);
  p->first = 0;
  memset(p->users, 0, (size_t)g->size * sizeof *p->users);
  count_users(p->users, g, last, g->size);
  e->from = beginning_of_end(device, g, last, p->users);
  count_users(p->users, g, 0, last);
  find_uses(g, e);
  bool fits = place_range(&r, 0, e->from);
  ag_placing before = r;
  fits = fits && place_range(&r, e->from, g->size);
  if (!fits || !is_exact(&r)) {
    e->from = g->size;
    return;
  }
  e->time = ag_group_time(p, e->from, g->size);
  e->energy = r.energy - before.energy;
  e->held = r.held - before.held;
  e->dram = r.dram - before.dram;
  e->shared = r.shared - before.shared;
}

bool ag_pass_middle(ag_pass *p, const ag_device *device, const ag_pass_graph *g,
                    const ag_pass_ending *e, const int32_t *uses, ag_pass_sums *sums, bool *fits) {
  ag_placing r = begin_tail(p, device, g, sums);
  *fits = false;
  if (!p->head_fits) return true;
  if (r.held + e->held > device->shared_buffer) return false;
  start_users(p, g);
  for (int i = 0; i < e->use_count; i++) p->users[uses[i]]++;
  *fits = place_range(&r, p->first, g->size);
  sums->time = ag_plus(p->head_time, ag_group_undo(p));
  if (!*fits) return true;
  if (!is_exact(&r) || r.held + e->held > device->shared_buffer) return false;
  sums->time = ag_plus(ag_plus(sums->time, ag_group_time(p, p->first, g->size)), e->time);
  sums->energy = ag_plus(r.energy, e->energy);
  return true;
}

/* --- reports -------------------------------------------------------------------------------- */

static void add_to_report(const ag_placing *r, ag_pass_group *group, const ag_added *more) {
  ag_counts counts = ag_added_counts(more);
  ag_counts_add(&group->counts, &counts);
  group->energy = ag_plus(group->energy, energy_of_added(r, more));
  group->added = ag_added_sum(&group->added, more);
}

/* The operand whose group a node is in. */
static int32_t fused_with(const ag_placing *r, int32_t node) {
  int32_t k = r->graph->operand_start[node];
  while (r->pass->follower[r->graph->operands[k]] != node ||
         r->pass->group[r->graph->operands[k]] != r->pass->group[node])
    k++;
  return r->graph->operands[k];
}

static void report_node(const ag_placing *r, int32_t node, ag_pass_group *group) {
  const ag_row *row = r->graph->rows[node];
  bool leads = r->pass->group[node] == node;
  int32_t operand = leads ? -1 : fused_with(r, node);
  if (leads) {
    ag_counts_add(&group->counts, &row->counts);
    group->energy = ag_plus(group->energy, row->energy);
  }
  if (row->reads || (row->run == AG_RUN_POOL && !leads)) {
    ag_added more = row->reads ? reading(r, node, operand) : pooling(r, node, operand);
    add_to_report(r, group, &more);
  } else if (!leads) {
    group->counts.elements = ag_plus(group->counts.elements, row->follow_elements);
    group->energy = ag_plus(group->energy, row->follow_energy);
  }
}

static void write_report(const ag_placing *r, ag_pass_group *report) {
  const int32_t *group = r->pass->group;
  ag_group_settle(r);
  memset(report, 0, (size_t)r->graph->size * sizeof *report);
  for (int32_t i = 0; i < r->graph->size; i++)
    if (group[i] >= 0) report_node(r, i, &report[group[i]]);
  for (int32_t i = 0; i < r->graph->size; i++)
    if (group[i] == i) report[i].time = ag_row_time(r->device, r->graph->rows[i], &report[i].added);
}

bool ag_pass_run(ag_pass *p, const ag_device *device, const ag_pass_graph *g, ag_pass_sums *sums,
                 ag_pass_group *report) {
  ag_placing r = {.pass = p, .device = device, .graph = g, .report = true};
  *sums = (ag_pass_sums){0};
  reserve(p, g->size);
  p->first = 0;
  p->head_time = 0;
  memset(p->follower, -1, (size_t)g->size * sizeof *p->follower);
  if (!run_tail(&r, sums)) return false;
  write_report(&r, report);
  return true;
}
