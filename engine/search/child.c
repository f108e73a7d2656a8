/* One child: ports mapped at random, shapes solved if need be, then identity, cost and prediction
 * without making the graph. A child is small: it refers to the database's variant if that fits as
 * it is, and a solved segment owns only its nodes and port shapes and shares the rest with the
 * variant. Candidates that fail leave their bytes in the task's trial arena. */
#include <stdlib.h>
#include <string.h>

#include "engine/search/mutation.h"

/* --- mapping ports -------------------------------------------------------------------- */

/* The maps of a child under construction, and the permutation the output map is made from:
 * order[i] = cut port that replacement port i stands for. */
struct ports {
  int32_t *input, *output, *order;
};

static void random_permutation(ag_random *random, int32_t *map, int count) {
  for (int i = 0; i < count; i++) map[i] = i;
  ag_random_shuffle(random, map, count);
}

static struct ports draw_ports(struct task *task, const ag_segment *s) {
  int slots = s->inputs + 2 * s->outputs;
  struct ports p;
  p.input = ag_arena_alloc(&task->trial, (size_t)slots * sizeof *p.input);
  p.output = p.input + s->inputs;
  p.order = p.output + s->outputs;
  random_permutation(&task->random, p.input, s->inputs);
  random_permutation(&task->random, p.order, s->outputs);
  return p;
}

static void invert(const int32_t *order, int32_t *map, int count) {
  for (int i = 0; i < count; i++) map[order[i]] = i;
}

/* Rearrange `order` (a permutation of the open ports) so that port i gets an open port of its
 * own shape, preferring those that come first. False if the shapes are not the same multiset. */
static bool match_shapes(int32_t *order, const ag_shape *own, const ag_shape *open, int count) {
  for (int i = 0; i < count; i++) {
    int k = i;
    while (k < count && !ag_shape_equal(own[i], open[order[k]])) k++;
    if (k == count) return false;
    int32_t taken = order[k];
    memmove(order + i + 1, order + i, (size_t)(k - i) * sizeof *order);
    order[i] = taken;
  }
  return true;
}

/* --- shapes ------------------------------------------------------------------------------ */

static ag_shape *trial_shapes(struct task *task, int count) {
  return ag_arena_alloc(&task->trial, (size_t)count * sizeof(ag_shape));
}

/* Map a variant whose port shapes are those of the source. */
static const ag_segment *fit_variant(struct task *task, const ag_segment *s, struct ports *p) {
  const struct source *source = task->source;
  ag_shape *own = trial_shapes(task, s->outputs);
  for (int q = 0; q < s->outputs; q++) own[q] = s->nodes[s->output_nodes[q]].out;
  bool fits = match_shapes(p->input, s->input_shapes, source->inputs, s->inputs) &&
              match_shapes(p->order, own, source->outputs, s->outputs);
  invert(p->order, p->output, s->outputs);
  return fits ? s : NULL;
}

/* A segment with nodes and port shapes of its own; the rest is shared. */
static ag_segment *share(ag_arena *arena, const ag_segment *s) {
  size_t nodes = (size_t)s->size * sizeof *s->nodes;
  size_t shapes = (size_t)s->inputs * sizeof *s->input_shapes;
  ag_segment *copy = ag_arena_alloc(arena, sizeof *copy);
  *copy = *s;
  copy->nodes = memcpy(ag_arena_alloc(arena, nodes), s->nodes, nodes);
  copy->input_shapes = ag_arena_alloc(arena, shapes);
  if (shapes) memcpy(copy->input_shapes, s->input_shapes, shapes);
  return copy;
}

static bool outputs_as_required(const ag_segment *s, const ag_shape *required) {
  for (int q = 0; q < s->outputs; q++)
    if (!ag_shape_equal(s->nodes[s->output_nodes[q]].out, required[q])) return false;
  return true;
}

/* Map a variant at random and solve its shapes. The solution is proved by inferring the
 * segment anew from its inputs. */
static const ag_segment *solve_variant(struct task *task, ag_solver *solver, const ag_segment *s,
                                       struct ports *p) {
  const struct source *source = task->source;
  ag_shape *shapes = trial_shapes(task, s->inputs + s->outputs);
  ag_shape *required = shapes + s->inputs;
  invert(p->order, p->output, s->outputs);
  for (int i = 0; i < s->inputs; i++) shapes[i] = source->inputs[p->input[i]];
  for (int q = 0; q < s->outputs; q++) required[q] = source->outputs[p->order[q]];
  ag_resolve_problem problem = {s, shapes, required, AG_RESOLVE_OURS};
  ag_resolve_result result;
  if (ag_resolve(solver, &problem, &result, NULL)) return NULL;
  ag_segment *solved = share(&task->trial, s);
  ag_resolve_apply(&problem, &result, solved);
  if (ag_segment_infer(solved, shapes, NULL) || !outputs_as_required(solved, required)) return NULL;
  return solved;
}

/* --- completing -------------------------------------------------------------------------- */

static int64_t segment_flops(const ag_segment *s) {
  int64_t flops = 0;
  for (int i = 0; i < s->size; i++)
    flops += ag_node_flops(&s->nodes[i], ag_segment_predecessors(s, i));
  return flops;
}

/* True if no other draft and no graph seen before is the same. */
static bool is_new(const struct mutation *m, struct task *task, ag_hash hash) {
  return !ag_visited_has(&m->space->visited, hash) && ag_set_add(&task->seen, hash);
}

/* Cost and prediction; appended to the drafts unless the graph is known. */
static void complete(const struct mutation *m, struct task *task, ag_child c) {
  const struct source *source = task->source;
  if (!is_new(m, task, c.hash)) return;
  c.parent = source->parent;
  c.first = source->first;
  c.last = source->last;
  c.flops = m->parents[source->parent].flops - source->flops + segment_flops(c.segment);
  c.predicted = ag_place_predict(task->place, c.segment, c.input_map, c.output_map);
  task->scored++;
  AG_GROW(task->drafts, task->count, task->capacity);
  task->drafts[task->count++] = c;
}

void ag_complete_pending(const struct mutation *m, struct task *task) {
  if (task->pending_count == 0) return;
  ag_hash_children(&m->parents[task->source->parent], task->source, &task->tail, task->pending,
                   task->pending_count, task->marks);
  for (int i = 0; i < task->pending_count; i++) complete(m, task, task->pending[i]);
  task->pending_count = 0;
}

bool ag_task_has_room(const struct mutation *m, struct task *task, int wanted) {
  if (task->count + task->pending_count >= wanted ||
      task->scored + task->pending_count >= task->most)
    ag_complete_pending(m, task);
  return task->count < wanted && task->scored < task->most;
}

void ag_try_candidate(const struct mutation *m, struct task *task, ag_solver *solver,
                      struct fit candidate) {
  if (ag_space_stopped(m->space)) return;
  const ag_entry *entry = ag_database_get(m->space->options.database, candidate.entry);
  const ag_segment *variant = entry->variant[candidate.variant];
  task->tried++;
  struct ports p = draw_ports(task, variant);
  const ag_segment *segment =
      solver ? solve_variant(task, solver, variant, &p) : fit_variant(task, variant, &p);
  if (!segment) return;
  task->feasible++;
  task->pending[task->pending_count++] = (ag_child){.entry = candidate.entry,
                                                    .variant = candidate.variant,
                                                    .resolved = solver != NULL,
                                                    .segment = segment,
                                                    .input_map = p.input,
                                                    .output_map = p.output};
  if (task->pending_count == AG_LANES) ag_complete_pending(m, task);
}

void ag_settle_drafts(struct task *task) {
  for (int i = 0; i < task->count; i++) {
    ag_child *c = &task->drafts[i];
    size_t inputs = (size_t)c->segment->inputs, ports = inputs + (size_t)c->segment->outputs;
    int32_t *maps = ag_arena_alloc(&task->kept, ports * sizeof *maps);
    memcpy(maps, c->input_map, ports * sizeof *maps);
    c->input_map = maps;
    c->output_map = maps + inputs;
    if (c->resolved) c->segment = share(&task->kept, c->segment);
  }
  ag_arena_free(&task->trial);
  ag_set_free(&task->seen);
}
