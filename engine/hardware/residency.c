/* Which of the tensors that may stay do fit. The shared buffer has room for `shared_buffer` bytes;
 * where those alive at one moment are more, bytes leave for DRAM and come back before they are
 * used.
 *
 *   schedule   every node after its operands, these in the order in which they are named (depth
 *              first from the ends), whatever the numbering of the nodes
 *   tensor     what a group makes, from its leader on; inputs too. Alive until its last use
 *   gap        from where a tensor is made or used to where it is used next. A byte that leaves
 * does so for the rest of a gap: one byte written, one read
 *
 * Where too much is alive, those bytes leave that are wanted last (Belady). All gaps cost the same
 * per byte, so no choice moves fewer bytes: a larger buffer never moves more, larger tensors or one
 * more layer never less.
 *
 * Bytes that wait have the time of many layers to travel in, so they do not lengthen a group. They
 * do need the DMA: the network takes as long as its groups, or as its DMA for all that it moves. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/hardware/npu_internal.h"

enum { NEVER = -1, AGAIN = -2 }; /* no further use; named twice by one node */

typedef struct ag_residency {
  int nodes, slots; /* room */
  int32_t *order;   /* the schedule */
  int32_t *place;   /* in the schedule, by node; -1 */
  int32_t *stack;
  int32_t *tensor; /* of a node: the node that stands for it */
  int64_t *size;   /* of a tensor; 0 for one that does not stay */
  int64_t *kept;   /* bytes of it that are there */
  int32_t *next;   /* its next use */
  int32_t *alive;  /* tensors, in no order */
  int32_t *after;  /* of an operand: the use after this one, NEVER or AGAIN */
  int alive_count;
} ag_residency;

void ag_residency_free(ag_residency *s) {
  if (!s) return;
  free(s->order);
  free(s->place);
  free(s->stack);
  free(s->tensor);
  free(s->size);
  free(s->kept);
  free(s->next);
  free(s->alive);
  free(s->after);
  free(s);
}

static void reserve(ag_residency *s, int nodes, int slots) {
  if (nodes > s->nodes) {
    size_t count = (size_t)(s->nodes = nodes + nodes / 2);
    s->order = ag_resize(s->order, count, sizeof *s->order);
    s->place = ag_resize(s->place, count, sizeof *s->place);
    s->stack = ag_resize(s->stack, count, sizeof *s->stack);
    s->tensor = ag_resize(s->tensor, count, sizeof *s->tensor);
    s->size = ag_resize(s->size, count, sizeof *s->size);
    s->kept = ag_resize(s->kept, count, sizeof *s->kept);
    s->next = ag_resize(s->next, count, sizeof *s->next);
    s->alive = ag_resize(s->alive, count, sizeof *s->alive);
  }
  if (slots > s->slots) {
    s->slots = slots + slots / 2;
    s->after = ag_resize(s->after, (size_t)s->slots, sizeof *s->after);
  }
}

/* --- the schedule --------------------------------------------------------------------------- */

/* `next` serves as the operand of each node on the stack that is looked at next. */
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

/* Followers write where their operand was, and what the last one makes is what is kept. */
static void find_tensors(ag_residency *s, const ag_device *d, const ag_pass_graph *g,
                         const int32_t *group) {
  for (int32_t i = 0; i < g->size; i++) {
    const ag_row *row = g->rows[i];
    int32_t t = group[i] >= 0              ? group[i]
                : row->run == AG_RUN_ALIAS ? s->tensor[g->operands[g->operand_start[i]]]
                                           : i;
    s->tensor[i] = t;
    if (t == i || group[i] >= 0)
      s->size[t] = ag_is_resident(d, row->out_bytes) ? row->out_bytes : 0;
  }
}

/* The use after each use, and in `next` the first one. */
static void find_uses(ag_residency *s, const ag_pass_graph *g) {
  memset(s->next, NEVER, (size_t)g->size * sizeof *s->next);
  for (int32_t at = g->size - 1; at >= 0; at--) {
    int32_t node = s->order[at];
    for (int32_t k = g->operand_start[node]; k < g->operand_start[node + 1]; k++) {
      int32_t t = s->tensor[g->operands[k]];
      s->after[k] = s->next[t] == at || t == s->tensor[node] ? AGAIN : s->next[t];
      if (s->after[k] != AGAIN) s->next[t] = at;
    }
  }
}

/* --- the buffer ----------------------------------------------------------------------------- */

/* Take `excess` bytes away from the tensors that are wanted last. */
static void evict(ag_residency *s, int64_t excess) {
  while (excess > 0) {
    int32_t last = -1;
    for (int i = 0; i < s->alive_count; i++) {
      int32_t t = s->alive[i];
      if (s->kept[t] > 0 && (last < 0 || s->next[t] > s->next[last])) last = t;
    }
    int64_t bytes = s->kept[last] < excess ? s->kept[last] : excess;
    s->kept[last] -= bytes;
    excess -= bytes;
  }
}

static void forget(ag_residency *s, int32_t tensor) {
  int i = 0;
  while (s->alive[i] != tensor) i++;
  s->alive[i] = s->alive[--s->alive_count];
}

/* Whose gap ends at a node: it begins another one, whole, or goes. Returns by how much `load`, the
 * bytes that are there, changes. */
static int64_t use(ag_residency *s, const ag_pass_graph *g, int32_t node, int64_t *demand) {
  int64_t change = 0;
  for (int32_t k = g->operand_start[node]; k < g->operand_start[node + 1]; k++) {
    int32_t t = s->tensor[g->operands[k]];
    if (s->after[k] == AGAIN || s->size[t] == 0) continue;
    s->next[t] = s->after[k];
    change += (s->next[t] == NEVER ? 0 : s->size[t]) - s->kept[t];
    s->kept[t] = s->size[t];
    if (s->next[t] != NEVER) continue;
    *demand -= s->size[t];
    forget(s, t);
  }
  return change;
}

ag_room ag_pass_room(ag_pass *p, const ag_device *device, const ag_pass_graph *g) {
  if (!p->residency) p->residency = AG_NEW(ag_residency);
  ag_residency *s = p->residency;
  ag_room room = {0};
  int64_t load = 0, demand = 0;
  reserve(s, g->size, g->operand_start[g->size]);
  schedule(s, g, p->users);
  find_tensors(s, device, g, p->group);
  find_uses(s, g);
  s->alive_count = 0;
  for (int at = 0; at < g->size; at++) {
    int32_t node = s->order[at];
    if (s->tensor[node] == node && s->size[node] > 0 && s->next[node] != NEVER) {
      s->alive[s->alive_count++] = node;
      s->kept[node] = s->size[node];
      load += s->size[node];
      demand += s->size[node];
    }
    if (demand > room.peak) room.peak = demand;
    if (load > device->shared_buffer) {
      int64_t excess = load - device->shared_buffer;
      evict(s, excess);
      room.evicted = ag_plus(room.evicted, excess);
      load = device->shared_buffer;
    }
    load += use(s, g, node, &demand);
  }
  return room;
}
