/* Candidate values: generated forward in node order, then filtered until nothing changes.
 *
 * Invariant: the candidates of a variable are ascending, distinct, and contain its value in every
 * solution. A relation is revised as a whole: what has no partner on the other side goes, on both
 * sides. Most problems are decided here, feasible or not, which is why no solver runs before. */
#include <string.h>

#include "engine/resolve/problem.h"

enum { PUBLISHED_MIN = 2, PUBLISHED_MAX = 10000 };

static bool in_range(const ag_resolve_model *m, const ag_resolve_var *v, ag_size s) {
  if (m->formulation == AG_RESOLVE_PUBLISHED) {
    if (s.h < PUBLISHED_MIN || s.h > PUBLISHED_MAX) return false;
    return !v->spatial || (s.w >= PUBLISHED_MIN && s.w <= PUBLISHED_MAX);
  }
  if (v->spatial) return s.h >= 1 && s.w >= 1;
  return s.h >= 1 && s.h % v->divisor == 0;
}

/* --- images of one value ------------------------------------------------------------------- */

static int strided_images(const ag_resolve_model *m, int i, ag_size from, ag_size *images) {
  const ag_resolve_node *r = &m->node[i];
  ag_node probe = m->segment->nodes[i];
  bool tied = probe.stride[0] == probe.stride[1];
  int count = 0;
  for (int a = 0; a < r->strides[0]; a++)
    for (int b = tied ? a : 0; b < (tied ? a + 1 : r->strides[1]); b++) {
      probe.stride[0] = r->stride[0][a];
      probe.stride[1] = r->stride[1][b];
      ag_size s = {ag_strided_size(&probe, 0, from.h), ag_strided_size(&probe, 1, from.w)};
      bool near = 4 * (int64_t)s.h >= r->reference.h && s.h <= 4 * (int64_t)r->reference.h &&
                  4 * (int64_t)s.w >= r->reference.w && s.w <= 4 * (int64_t)r->reference.w;
      if (near) images[count++] = s;
    }
  return count;
}

static int published_images(const ag_resolve_model *m, int i, ag_size from, ag_size *images) {
  ag_shape r = m->node[i].reference;
  int count = 0;
  for (int32_t a = 1; a <= 4; a *= 2)
    for (int32_t b = 1; b <= 4; b *= 2)
      if (r.h / a <= from.h && r.w / b <= from.w) images[count++] = (ag_size){r.h / a, r.w / b};
  return count;
}

static int one_image(int64_t h, int64_t w, ag_size *images) {
  if (h < 1 || w < 0 || h > INT32_MAX || w > INT32_MAX) return 0;
  images[0] = (ag_size){(int32_t)h, (int32_t)w};
  return 1;
}

static int spatial_image(const ag_node *n, ag_size from, ag_size *images) {
  int64_t h = from.h, w = from.w;
  switch (ag_op_get(n->op)->rule) {
  case AG_RULE_GLOBAL:
    return one_image(1, 1, images);
  case AG_RULE_PAD:
    return one_image(h + n->pads[0] + n->pads[2], w + n->pads[1] + n->pads[3], images);
  case AG_RULE_FOLD:
    if (h % n->stride[0] || w % n->stride[1]) return 0;
    return one_image(h / n->stride[0], w / n->stride[1], images);
  default: /* unfold, upsample */
    return one_image(h * n->stride[0], w * n->stride[1], images);
  }
}

int ag_relation_images(const ag_resolve_model *m, const ag_relation *r, ag_size from,
                       ag_size *images) {
  int64_t scaled = (int64_t)from.h * r->num;
  switch (r->kind) {
  case AG_RELATION_STRIDED:
    return m->formulation == AG_RESOLVE_PUBLISHED ? published_images(m, r->node, from, images)
                                                  : strided_images(m, r->node, from, images);
  case AG_RELATION_SPATIAL:
    return spatial_image(&m->segment->nodes[r->node], from, images);
  case AG_RELATION_RATIO:
    return scaled % r->den ? 0 : one_image(scaled / r->den, 0, images);
  case AG_RELATION_SLICE:
    return one_image(scaled / r->den, 0, images);
  default:
    return 0;
  }
}

/* --- channels of a convolution ---------------------------------------------------------------- */

static int add_channels(int32_t *list, int count, int64_t value, int32_t groups) {
  if (value < 1 || value > INT32_MAX || value % groups) return count;
  int at = 0;
  while (at < count && list[at] < value) at++;
  if (at < count && list[at] == value) return count;
  memmove(list + at + 1, list + at, (size_t)(count - at) * sizeof *list);
  list[at] = (int32_t)value;
  return count + 1;
}

int ag_conv_channels(const ag_resolve_model *m, int i, int32_t *list) {
  const ag_node *n = &m->segment->nodes[i];
  const ag_resolve_var *v = &m->var[m->node[i].channel_out];
  bool ours = m->formulation == AG_RESOLVE_OURS;
  int32_t r = m->node[i].reference.c, groups = ours ? n->groups : 1;
  int count = add_channels(list, 0, r, groups);
  count = add_channels(list, count, r / 2, groups);
  count = add_channels(list, count, 2 * (int64_t)r, groups);
  if (!ours) return count;
  if (v->pinned) return add_channels(list, count, v->fixed.h, groups);
  int64_t scaled = (int64_t)n->out.c * v->goal;
  if (v->goal && scaled % v->goal_mined == 0)
    count = add_channels(list, count, scaled / v->goal_mined, groups);
  return count;
}

/* --- sums ------------------------------------------------------------------------------------ */

static int64_t *sums_with_term(ag_resolve_model *m, const int64_t *before, int before_count,
                               ag_term term, int *count) {
  const ag_resolve_var *v = &m->var[term.var];
  return ag_prefix_sums(m->scratch, before, before_count, v->value, v->count, term.times, count);
}

static ag_status too_many_sums(ag_error *err) {
  return ag_fail(err, AG_LIMIT, "a concat can have more than %d channel counts",
                 AG_RESOLVE_MAX_SUMS);
}

/* All prefix sums of a relation: list[t] of count[t] values, list[0] = {0}. */
static bool prefix_sums(ag_resolve_model *m, const ag_relation *r, int64_t **list, int *count) {
  list[0] = AG_TAKE(m->scratch, int64_t, 1);
  list[0][0] = 0;
  count[0] = 1;
  for (int t = 0; t < r->terms; t++) {
    list[t + 1] = sums_with_term(m, list[t], count[t], r->term[t], &count[t + 1]);
    if (!list[t + 1]) return false;
  }
  return true;
}

/* --- generation ---------------------------------------------------------------------------- */

static void insert_value(ag_resolve_var *v, ag_size s) {
  int at = v->count;
  while (at > 0 && ag_size_compare(v->value[at - 1], s) > 0) at--;
  if (at > 0 && !ag_size_compare(v->value[at - 1], s)) return;
  memmove(v->value + at + 1, v->value + at, (size_t)(v->count - at) * sizeof *v->value);
  v->value[at] = s;
  v->count++;
}

static void generate_images(ag_resolve_model *m, const ag_relation *r) {
  const ag_resolve_var *from = &m->var[r->from];
  ag_resolve_var *to = &m->var[r->to];
  int per = r->kind == AG_RELATION_STRIDED ? AG_RESOLVE_MAX_IMAGES : 1;
  to->value = AG_TAKE(m->scratch, ag_size, (size_t)per * (size_t)from->count + 1);
  ag_size images[AG_RESOLVE_MAX_IMAGES];
  for (int k = 0; k < from->count; k++) {
    int count = ag_relation_images(m, r, from->value[k], images);
    for (int j = 0; j < count; j++)
      if (in_range(m, to, images[j])) insert_value(to, images[j]);
  }
}

static void generate_choice(ag_resolve_model *m, const ag_relation *r) {
  ag_resolve_var *to = &m->var[r->to];
  int32_t list[8];
  int count = ag_conv_channels(m, r->node, list);
  to->value = AG_TAKE(m->scratch, ag_size, 8);
  for (int k = 0; k < count; k++)
    if (in_range(m, to, (ag_size){list[k], 0})) to->value[to->count++] = (ag_size){list[k], 0};
}

static ag_status generate_sum(ag_resolve_model *m, const ag_relation *r, ag_error *err) {
  ag_resolve_var *to = &m->var[r->to];
  int64_t zero = 0, *sums = &zero;
  int count = 1;
  for (int t = 0; t < r->terms; t++) {
    sums = sums_with_term(m, sums, count, r->term[t], &count);
    if (!sums) return too_many_sums(err);
  }
  to->value = AG_TAKE(m->scratch, ag_size, count + 1);
  for (int k = 0; k < count && sums[k] <= INT32_MAX; k++) {
    ag_size s = {(int32_t)sums[k], 0};
    if (in_range(m, to, s)) to->value[to->count++] = s;
  }
  return AG_OK;
}

static ag_status generate(ag_resolve_model *m, const ag_relation *r, ag_error *err) {
  if (r->kind == AG_RELATION_SUM) return generate_sum(m, r, err);
  if (r->kind == AG_RELATION_CHOICE)
    generate_choice(m, r);
  else
    generate_images(m, r);
  return AG_OK;
}

/* False if a variable has two fixed values, or one that is out of range. */
static bool generate_pinned(ag_resolve_model *m) {
  for (int k = 0; k < m->variables; k++) {
    ag_resolve_var *v = &m->var[k];
    if (!v->pinned) continue;
    v->value = AG_TAKE(m->scratch, ag_size, 1);
    v->value[0] = v->fixed;
    v->count = in_range(m, v, v->fixed);
    if (v->count == 0) return false;
  }
  return true;
}

/* --- propagation --------------------------------------------------------------------------- */

static bool keep_marked(ag_resolve_var *v, const bool *marked) {
  int count = 0;
  for (int k = 0; k < v->count; k++)
    if (marked[k]) v->value[count++] = v->value[k];
  bool changed = count != v->count;
  v->count = count;
  return changed;
}

int ag_var_find(const ag_resolve_var *v, ag_size s) {
  int low = 0, high = v->count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (ag_size_compare(v->value[middle], s) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low < v->count && !ag_size_compare(v->value[low], s) ? low : -1;
}

static bool revise_images(ag_resolve_model *m, const ag_relation *r) {
  ag_resolve_var *from = &m->var[r->from], *to = &m->var[r->to];
  bool *from_marked = AG_TAKE(m->scratch, bool, from->count + 1);
  bool *to_marked = AG_TAKE(m->scratch, bool, to->count + 1);
  memset(from_marked, 0, (size_t)from->count);
  memset(to_marked, 0, (size_t)to->count);
  ag_size images[AG_RESOLVE_MAX_IMAGES];
  for (int k = 0; k < from->count; k++) {
    int count = ag_relation_images(m, r, from->value[k], images);
    for (int j = 0; j < count; j++) {
      if (from == to && ag_size_compare(images[j], from->value[k])) continue;
      int at = ag_var_find(to, images[j]);
      if (at >= 0) from_marked[k] = to_marked[at] = true;
    }
  }
  bool changed = keep_marked(from, from_marked);
  return from == to ? changed : keep_marked(to, to_marked) || changed;
}

/* A fixed value is a candidate by definition in OURS, and only if listed in PUBLISHED. */
static bool revise_choice(ag_resolve_model *m, const ag_relation *r) {
  ag_resolve_var *to = &m->var[r->to];
  int32_t list[8];
  int count = ag_conv_channels(m, r->node, list), kept = 0, j = 0;
  for (int k = 0; k < to->count; k++) {
    while (j < count && list[j] < to->value[k].h) j++;
    if (j < count && list[j] == to->value[k].h) to->value[kept++] = to->value[k];
  }
  bool changed = kept != to->count;
  to->count = kept;
  return changed;
}

/* Backward through the terms: `wanted` holds the sums of the first t terms that can still end in
 * a candidate of `to`; a value of term t stays if it leads from a prefix to a wanted sum. */
static bool revise_terms(ag_resolve_model *m, const ag_relation *r, int64_t *const *list,
                         const int *counts, int64_t *wanted, int wanted_count) {
  bool changed = false;
  for (int t = r->terms - 1; t >= 0; t--) {
    ag_resolve_var *v = &m->var[r->term[t].var];
    bool *marked = AG_TAKE(m->scratch, bool, v->count + 1);
    memset(marked, 0, (size_t)v->count);
    int64_t *before = AG_TAKE(m->scratch, int64_t, counts[t] + 1);
    int before_count = 0;
    for (int p = 0; p < counts[t]; p++) {
      bool useful = false;
      for (int k = 0; k < v->count; k++)
        if (ag_sums_find(wanted, wanted_count,
                         list[t][p] + (int64_t)r->term[t].times * v->value[k].h) >= 0)
          marked[k] = useful = true;
      if (useful) before[before_count++] = list[t][p];
    }
    changed |= keep_marked(v, marked);
    wanted = before;
    wanted_count = before_count;
  }
  return changed;
}

static ag_status revise_sum(ag_resolve_model *m, const ag_relation *r, bool *changed,
                            ag_error *err) {
  ag_resolve_var *to = &m->var[r->to];
  int64_t **list = AG_TAKE(m->scratch, int64_t *, r->terms + 1);
  int *counts = AG_TAKE(m->scratch, int, r->terms + 1);
  if (!prefix_sums(m, r, list, counts)) return too_many_sums(err);
  bool *marked = AG_TAKE(m->scratch, bool, to->count + 1);
  int64_t *wanted = AG_TAKE(m->scratch, int64_t, to->count + 1);
  int wanted_count = 0;
  for (int k = 0; k < to->count; k++) {
    marked[k] = ag_sums_find(list[r->terms], counts[r->terms], to->value[k].h) >= 0;
    if (marked[k]) wanted[wanted_count++] = to->value[k].h;
  }
  for (int t = 0; t < r->terms; t++)
    if (r->term[t].var == r->to) wanted_count = 0; /* x = x + ... has no solution */
  *changed = keep_marked(to, marked);
  *changed |= revise_terms(m, r, list, counts, wanted, wanted_count);
  return AG_OK;
}

static ag_status revise(ag_resolve_model *m, const ag_relation *r, bool *changed, ag_error *err) {
  ag_scratch_mark mark = ag_scratch_now(m->scratch);
  ag_status status = AG_OK;
  bool narrowed = false;
  if (r->kind == AG_RELATION_SUM)
    status = revise_sum(m, r, &narrowed, err);
  else
    narrowed = r->kind == AG_RELATION_CHOICE ? revise_choice(m, r) : revise_images(m, r);
  *changed |= narrowed;
  ag_scratch_rewind(m->scratch, mark);
  return status;
}

ag_status ag_infeasible_at(const ag_resolve_model *m, int i, const char *reason, ag_error *err) {
  if (!err) return AG_INFEASIBLE;
  char label[64];
  ag_resolve_node_label(m->segment, i, label, sizeof label);
  ag_fail(err, AG_INFEASIBLE, "%s", reason);
  return ag_error_at_node(err, AG_INFEASIBLE, label);
}

static ag_status no_candidate(const ag_resolve_model *m, int i, ag_error *err) {
  return ag_infeasible_at(m, i,
                          m->node[i].adapts ? "no stride or channel count fits its surroundings"
                                            : "no size fits its surroundings",
                          err);
}

/* Names a tensor that ports fix to two values, or to one it cannot have. */
static ag_status ports_disagree(const ag_resolve_model *m, ag_error *err) {
  for (int i = 0; i < m->segment->size; i++) {
    const ag_resolve_node *n = &m->node[i];
    const int32_t vars[4] = {n->spatial_in, n->spatial_out, n->channel_in, n->channel_out};
    for (int k = 0; k < 4; k++)
      if (m->var[vars[k]].pinned && !in_range(m, &m->var[vars[k]], m->var[vars[k]].fixed))
        return ag_infeasible_at(m, i, "the ports ask for different sizes here", err);
  }
  return ag_fail(err, AG_INFEASIBLE, "an input port has a size that its readers cannot take");
}

/* A node whose variables have run out of values, or -1. */
static int stuck_node(const ag_resolve_model *m) {
  for (int i = 0; i < m->segment->size; i++) {
    const ag_resolve_node *n = &m->node[i];
    const int32_t vars[4] = {n->spatial_in, n->spatial_out, n->channel_in, n->channel_out};
    for (int k = 0; k < 4; k++)
      if (m->var[vars[k]].count == 0) return i;
  }
  return -1;
}

ag_status ag_resolve_domains(ag_resolve_model *m, ag_error *err) {
  if (!generate_pinned(m)) return ports_disagree(m, err);
  for (int k = 0; k < m->relations; k++) {
    const ag_relation *r = &m->relation[k];
    if (m->var[r->to].value) continue;
    ag_status status = generate(m, r, err);
    if (status) return status;
    if (m->var[r->to].count == 0) return no_candidate(m, r->node, err);
  }
  for (bool changed = true; changed;) {
    changed = false;
    int stuck = stuck_node(m);
    if (stuck >= 0) return no_candidate(m, stuck, err);
    for (int k = 0; k < m->relations; k++) {
      ag_status status = revise(m, &m->relation[k], &changed, err);
      if (status) return status;
    }
  }
  return AG_OK;
}
