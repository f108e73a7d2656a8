/* Which of the tensors that may stay do fit. The shared buffer has room for `shared_buffer` bytes;
 * where those alive at one moment are more, bytes are in DRAM for a while.
 *
 *   schedule   every node after its operands, these in the order in which they are named (depth
 *              first from the ends), whatever the numbering of the nodes
 *   tensor     what a group makes; inputs too. Alive from its making to its last use
 *   gap        of a byte: from where it is made or read to where it is read next
 *
 * A byte may be away for any of its gaps. It costs one write, once, however often it is away (an
 * input's none: it comes from DRAM), and one read for every gap that it was away. Two numbers are
 * found, each the least that any plan can reach:
 *
 *   written    bytes that are away at all. Lives are intervals of the schedule, each as thick as
 *              its tensor; where they pile up higher than the room, something must go
 *   read       bytes that come back. The same with gaps
 *
 * To take from the intervals that reach furthest takes least in both (Belady). A tensor with one
 * use has one gap and both plans are one; with several uses there may be no plan that reaches both
 * numbers, and their sum is a lower bound.
 *
 * Monotone: when intervals get thicker or longer, are split in two or joined by others, or the room
 * shrinks, every plan that still works did before, so the least taken away never falls. Nor does a
 * tensor gain by outgrowing `resident`. It then pays one write and what every user reads, which is
 * what it pays when all of it is always away; both plans could have chosen that, with more room for
 * the rest. For this the intervals must not depend on sizes or speeds: what overwrites what is
 * settled by the graph (`overwritten`), not by what is fused in the end.
 *
 * Bytes that are away have the time of many layers to travel in, so they do not lengthen a group.
 * They do need the DMA: the network takes as long as its groups, or as its DMA for all that moves.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/hardware/npu_internal.h"

enum { NEVER = -1 };

/* Moments of the schedule, both included. */
struct interval {
  int32_t from, to;
  int64_t bytes;
};

typedef struct intervals {
  int count, capacity;
  struct interval *at; /* by `to` */
} intervals;

/* Bytes of a tensor, from the first on: those of `below` that reach beyond `upto` were read longer
 * ago. */
struct span {
  int64_t upto;
  int32_t since; /* moment after they were made or read */
  int32_t below;
};

typedef struct ag_residency {
  int nodes;      /* room */
  int32_t *order; /* the schedule */
  int32_t *place; /* in the schedule, by node; -1 */
  int32_t *stack;
  int32_t *next;   /* operand to visit */
  int32_t *tensor; /* of a node: the node that stands for it */
  int32_t *last;   /* use of a tensor; NEVER */
  int64_t *size;   /* of a tensor; 0 for one that does not stay */
  struct span *span;
  int32_t *top; /* of a tensor: its span */
  int span_count, span_capacity;
  int64_t demand; /* bytes alive */
  intervals lives, gaps, alive;
} ag_residency;

void ag_residency_free(ag_residency *s) {
  if (!s) return;
  free(s->order);
  free(s->place);
  free(s->stack);
  free(s->next);
  free(s->tensor);
  free(s->last);
  free(s->size);
  free(s->span);
  free(s->top);
  free(s->lives.at);
  free(s->gaps.at);
  free(s->alive.at);
  free(s);
}

static void reserve(ag_residency *s, int nodes) {
  if (nodes <= s->nodes) return;
  size_t count = (size_t)(s->nodes = nodes + nodes / 2);
  s->order = ag_resize(s->order, count, sizeof *s->order);
  s->place = ag_resize(s->place, count, sizeof *s->place);
  s->stack = ag_resize(s->stack, count, sizeof *s->stack);
  s->next = ag_resize(s->next, count, sizeof *s->next);
  s->tensor = ag_resize(s->tensor, count, sizeof *s->tensor);
  s->last = ag_resize(s->last, count, sizeof *s->last);
  s->size = ag_resize(s->size, count, sizeof *s->size);
  s->top = ag_resize(s->top, count, sizeof *s->top);
}

/* --- the schedule --------------------------------------------------------------------------- */

static int visit(ag_residency *s, const ag_pass_graph *g, int32_t root, int done) {
  int depth = 0;
  s->stack[depth++] = root;
  while (depth > 0) {
    int32_t node = s->stack[depth - 1];
    int32_t k = s->next[node]++;
    if (k == g->operand_start[node + 1]) {
      s->place[node] = done;
      s->order[done++] = node;
      depth--;
    } else if (s->place[g->operands[k]] < 0) {
      s->stack[depth++] = g->operands[k];
    }
  }
  return done;
}

static void schedule(ag_residency *s, const ag_pass_graph *g, const int32_t *users) {
  int done = 0;
  memcpy(s->next, g->operand_start, (size_t)g->size * sizeof *s->next);
  memset(s->place, -1, (size_t)g->size * sizeof *s->place);
  for (int32_t i = 0; i < g->size; i++)
    if (users[i] == 0) done = visit(s, g, i, done);
}

/* --- tensors -------------------------------------------------------------------------------- */

/* The operand in whose place a node writes, or -1: the one it is fused with, and for a join the one
 * of those it could be fused with that is made last. */
static int32_t overwritten(const ag_residency *s, const ag_pass_graph *g, const ag_pass *p,
                           int32_t node) {
  const int32_t *operand = g->operands + g->operand_start[node];
  int32_t last = -1;
  if (g->rows[node]->run == AG_RUN_ALIAS) return *operand;
  if (p->group[node] < 0 || p->group[node] == node) return -1;
  if (g->rows[node]->run != AG_RUN_JOIN) return *operand;
  for (; operand < g->operands + g->operand_start[node + 1]; operand++)
    if (ag_pass_may_follow(p, g, node, *operand) &&
        (last < 0 || s->place[*operand] > s->place[last]))
      last = *operand;
  return last;
}

static void find_tensors(ag_residency *s, const ag_device *d, const ag_pass_graph *g,
                         const ag_pass *p) {
  for (int at = 0; at < g->size; at++) {
    int32_t node = s->order[at], operand = overwritten(s, g, p, node);
    int64_t bytes = g->rows[node]->out_bytes;
    int32_t t = s->tensor[node] = operand < 0 ? node : s->tensor[operand];
    s->last[node] = NEVER;
    if (g->rows[node]->run != AG_RUN_ALIAS) s->size[t] = ag_is_resident(d, bytes) ? bytes : 0;
    for (int32_t k = g->operand_start[node]; k < g->operand_start[node + 1]; k++)
      if (s->tensor[g->operands[k]] != t) s->last[s->tensor[g->operands[k]]] = at;
  }
}

/* --- intervals ------------------------------------------------------------------------------ */

static void append(intervals *list, int32_t from, int32_t to, int64_t bytes) {
  AG_GROW(list->at, list->count, list->capacity);
  list->at[list->count++] = (struct interval){from, to, bytes};
}

static void push(ag_residency *s, int32_t tensor, struct span span) {
  AG_GROW(s->span, s->span_count, s->span_capacity);
  s->span[s->span_count] = span;
  s->top[tensor] = s->span_count++;
}

/* The first `bytes` of a tensor are read: a gap of theirs ends and another begins. */
static void read_bytes(ag_residency *s, int32_t tensor, int32_t at, int64_t bytes) {
  int64_t done = 0;
  int32_t i = s->top[tensor];
  while (done < bytes) {
    const struct span *span = &s->span[i];
    int64_t upto = span->upto < bytes ? span->upto : bytes;
    if (span->since <= at) append(&s->gaps, span->since, at, upto - done); /* else named twice */
    done = upto;
    if (span->upto <= bytes) i = span->below;
  }
  if (bytes > 0) push(s, tensor, (struct span){bytes, at + 1, i});
}

/* Whose last use this is. */
static void end_life(ag_residency *s, const ag_pass_graph *g, int32_t tensor) {
  int32_t at = s->last[tensor];
  s->last[tensor] = NEVER; /* may be named again */
  s->demand -= s->size[tensor];
  if (g->rows[tensor]->run != AG_RUN_FREE) append(&s->lives, s->place[tensor], at, s->size[tensor]);
}

static void find_reads(ag_residency *s, const ag_pass_graph *g, int32_t node) {
  const ag_row *row = g->rows[node];
  int32_t at = s->place[node];
  for (int32_t k = g->operand_start[node]; k < g->operand_start[node + 1]; k++) {
    int32_t t = s->tensor[g->operands[k]];
    if (t == s->tensor[node] || s->size[t] == 0) continue;
    if (row->run != AG_RUN_FREE) /* an output names it only */
      read_bytes(s, t, at, s->size[t] < row->in_bytes ? s->size[t] : row->in_bytes);
    if (s->last[t] == at) end_life(s, g, t);
  }
}

/* Returns the most bytes that are alive at once. */
static int64_t find_intervals(ag_residency *s, const ag_pass_graph *g) {
  int64_t peak = 0;
  s->span_count = s->lives.count = s->gaps.count = 0;
  s->demand = 0;
  for (int at = 0; at < g->size; at++) {
    int32_t node = s->order[at];
    if (s->tensor[node] == node && s->last[node] != NEVER) {
      push(s, node, (struct span){s->size[node], at, NEVER});
      s->demand = ag_plus(s->demand, s->size[node]);
    }
    if (s->demand > peak) peak = s->demand;
    find_reads(s, g, node);
  }
  return peak;
}

/* --- the buffer ----------------------------------------------------------------------------- */

/* Forget the intervals that begin after `moment`; returns the bytes of those that stay. */
static int64_t forget(intervals *alive, int32_t moment) {
  int64_t load = 0;
  int kept = 0;
  for (int i = 0; i < alive->count; i++) {
    if (alive->at[i].from > moment) continue;
    alive->at[kept++] = alive->at[i];
    load += alive->at[i].bytes;
  }
  alive->count = kept;
  return load;
}

/* Take `excess` bytes away from the intervals that reach furthest. */
static void take(intervals *alive, int64_t excess) {
  while (excess > 0) {
    struct interval *far = NULL;
    for (int i = 0; i < alive->count; i++) {
      struct interval *a = &alive->at[i];
      if (a->bytes > 0 && (!far || a->from < far->from)) far = a;
    }
    int64_t bytes = far->bytes < excess ? far->bytes : excess;
    far->bytes -= bytes;
    excess -= bytes;
  }
}

/* The least bytes to take away so that no moment has more than `room`. From the end backwards, so
 * what reaches furthest began first. */
static int64_t least_taken(const intervals *list, intervals *alive, int64_t room) {
  int64_t taken = 0;
  alive->count = 0;
  for (int i = list->count - 1; i >= 0; i--) {
    const struct interval *last = &list->at[i];
    int64_t load = forget(alive, last->to) + last->bytes;
    append(alive, last->from, last->to, last->bytes);
    if (load <= room) continue;
    take(alive, load - room);
    taken = ag_plus(taken, load - room);
  }
  return taken;
}

ag_room ag_pass_room(ag_pass *p, const ag_device *device, const ag_pass_graph *g) {
  if (!p->residency) p->residency = AG_NEW(ag_residency);
  ag_residency *s = p->residency;
  reserve(s, g->size);
  schedule(s, g, p->users);
  find_tensors(s, device, g, p);
  ag_room room = {.peak = find_intervals(s, g)};
  if (room.peak <= device->shared_buffer) return room;
  room.written = least_taken(&s->lives, &s->alive, device->shared_buffer);
  room.read = least_taken(&s->gaps, &s->alive, device->shared_buffer);
  return room;
}
