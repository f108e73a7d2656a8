/* Groups while the pass is under way, and which of them a join ends up in.
 *
 * An addition of two products can run on the output of either: one goes on, the others end, write
 * and are read. Which is best is known when all that follows is known:
 *
 *   conv a --- relu ---+                      a goes on through the pool, b and c end; or b does;
 *   conv b ----------- add ---+               or c does, and of a and b the one goes on to the
 *   conv c ------------------ add --- pool    first addition for which that is quicker
 *
 * So the groups that joins connect stand in a tree, a list of leaders behind its head, and each
 * leader keeps what would be added to its group if it were the one that goes on, the time it would
 * take, and the least time of those that then have ended (`rest`). What has ended is settled, so a
 * join needs nothing but sums, and the least of time + rest is the least over all choices. Bytes
 * and energy are the same whichever is taken. As a choice by what is known at the join could be
 * the wrong one, and turn with the sizes, more work could take less time; a minimum cannot. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/hardware/group.h"

/* A group led before `first` as it was. */
struct ag_undo {
  int32_t leader;
  ag_strand strand;
};

static ag_strand *change(ag_pass *p, int32_t leader) {
  if (leader < p->first) {
    AG_GROW(p->undo, p->undo_count, p->undo_capacity);
    p->undo[p->undo_count++] = (struct ag_undo){leader, p->strand[leader]};
  }
  return &p->strand[leader];
}

int64_t ag_group_undo(ag_pass *p) {
  int64_t grown = 0;
  for (; p->undo_count > 0; p->undo_count--) {
    const struct ag_undo *u = &p->undo[p->undo_count - 1];
    grown = ag_plus(grown, p->strand[u->leader].best - u->strand.best);
    p->strand[u->leader] = u->strand;
  }
  return grown;
}

int64_t ag_group_time(const ag_pass *p, int32_t from, int32_t to) {
  int64_t time = 0;
  for (int32_t i = from; i < to; i++)
    if (p->group[i] == i) time = ag_plus(time, p->strand[i].best);
  return time;
}

void ag_group_lead(ag_placing *r, int32_t node) {
  const ag_row *row = r->graph->rows[node];
  r->pass->group[node] = node;
  r->pass->strand[node] = (ag_strand){.time = row->time, .best = row->time, .next = -1};
}

void ag_group_follow(ag_placing *r, int32_t node, int32_t operand) {
  r->pass->group[node] = r->pass->group[operand];
  if (r->report) r->pass->follower[operand] = node;
}

/* --- joins ---------------------------------------------------------------------------------- */

bool ag_pass_may_follow(const ag_pass *p, const ag_pass_graph *g, int32_t node, int32_t operand) {
  return p->users[operand] == 1 && p->group[operand] >= 0 &&
         g->rows[operand]->out_bytes == g->rows[node]->out_bytes;
}

/* Of equals, one by what it is and not by where it stands. */
static bool precedes(const ag_placing *r, int32_t a, int32_t b) {
  const ag_strand *s = r->pass->strand;
  int64_t time = ag_plus(s[a].time, s[a].rest) - ag_plus(s[b].time, s[b].rest);
  if (time) return time < 0;
  int rows = memcmp(&r->graph->rows[a]->counts, &r->graph->rows[b]->counts, sizeof(ag_counts));
  return rows ? rows < 0 : memcmp(&s[a].added, &s[b].added, sizeof(ag_added)) < 0;
}

/* The leader that had best go on, of a tree. */
static int32_t best_leader(const ag_placing *r, int32_t head) {
  int32_t best = head;
  for (int32_t i = head; i >= 0; i = r->pass->strand[i].next)
    if (precedes(r, i, best)) best = i;
  return best;
}

/* All groups of a tree wait for `others` to end; returns the last leader of its list. */
static int32_t wait_for(ag_placing *r, int32_t head, int64_t others) {
  int32_t last = head;
  for (int32_t i = head; i >= 0; i = r->pass->strand[i].next) {
    last = i;
    if (others == 0) continue;
    ag_strand *s = change(r->pass, i);
    s->rest = ag_plus(s->rest, others);
  }
  return last;
}

void ag_group_join(ag_placing *r, int32_t node) {
  ag_pass *p = r->pass;
  int32_t from = r->graph->operand_start[node], to = r->graph->operand_start[node + 1];
  int64_t together = 0;
  int32_t head = -1, last = -1;
  for (int32_t k = from; k < to; k++)
    if (ag_pass_may_follow(p, r->graph, node, r->graph->operands[k]))
      together = ag_plus(together, p->strand[p->group[r->graph->operands[k]]].best);
  for (int32_t k = from; k < to; k++) {
    int32_t o = r->graph->operands[k], tree = p->group[o];
    if (!ag_pass_may_follow(p, r->graph, node, o)) continue;
    if (r->report) p->winner[o] = best_leader(r, tree);
    if (r->report) p->follower[o] = node;
    int64_t others = together - p->strand[tree].best;
    int32_t end = wait_for(r, tree, others);
    if (head < 0) {
      head = tree;
    } else {
      change(p, tree)->best = 0; /* of one tree now */
      change(p, last)->next = tree;
    }
    last = end;
  }
  p->group[node] = head;
}

void ag_group_add(ag_placing *r, int32_t node, const ag_added *more) {
  ag_pass *p = r->pass;
  int32_t head = p->group[node];
  int64_t best = INT64_MAX;
  for (int32_t i = head; i >= 0; i = p->strand[i].next) {
    ag_strand *s = change(p, i);
    s->added = ag_added_sum(&s->added, more);
    s->time = ag_row_time(r->device, r->graph->rows[i], &s->added);
    int64_t time = ag_plus(s->time, s->rest);
    if (time < best) best = time;
  }
  p->strand[head].best = best;
}

/* --- what came of it ------------------------------------------------------------------------ */

/* From the end on: a node that nobody has claimed ends a group, whose leader is the best of its
 * tree then; all between the two is of that group. */
void ag_group_settle(const ag_placing *r) {
  const ag_pass *p = r->pass;
  int32_t *leader = AG_ARRAY(int32_t, r->graph->size);
  memset(leader, -1, (size_t)r->graph->size * sizeof *leader);
  for (int32_t i = r->graph->size - 1; i >= 0; i--) {
    if (p->group[i] < 0 || leader[i] >= 0) continue;
    int32_t best = p->follower[i] >= 0 ? p->winner[i] : best_leader(r, p->group[i]), node = best;
    for (; node != i; node = p->follower[node]) leader[node] = best;
    leader[i] = best;
  }
  memcpy(p->group, leader, (size_t)r->graph->size * sizeof *leader);
  free(leader);
}
