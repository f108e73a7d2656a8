/* Building a database: forms are grouped into entries (isomorphic, AG_EQUAL_KIND) and their
 * variants (AG_EQUAL_SHAPES).
 *
 * Forms are sorted by (size, kind hash, shape hash, key), so that what may be isomorphic stands
 * together; equal hashes are confirmed by matching. The order depends on the forms alone, and so
 * does everything made from it: of isomorphic forms the one with the smallest key represents its
 * variant. The kind hash is computed once per layout, the form without its shapes. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/map.h"
#include "engine/mining/database.h"

/* --- keys ----------------------------------------------------------------------------- */

static uint64_t pair(int32_t a, int32_t b) {
  return (uint64_t)(uint32_t)a << 32 | (uint32_t)b;
}

static ag_hash kind_key(const ag_node *n) {
  uint64_t small = (uint64_t)n->op << 24 | (uint64_t)n->padding << 16 | (uint64_t)n->bias << 8 |
                   (uint64_t)n->flags;
  ag_hash h = ag_hash_mix(ag_hash_seed(small), pair(n->kernel[0], n->kernel[1]));
  return ag_hash_mix(h, pair(n->dilation[0], n->dilation[1]));
}

ag_hash ag_form_node_key(const ag_node *n) {
  uint32_t alpha;
  memcpy(&alpha, &n->alpha, sizeof alpha);
  ag_hash h = ag_hash_mix(kind_key(n), pair(n->stride[0], n->stride[1]));
  h = ag_hash_mix(h, pair(n->pads[0], n->pads[1]));
  h = ag_hash_mix(h, pair(n->pads[2], n->pads[3]));
  h = ag_hash_mix(h, pair(n->groups, (int32_t)alpha));
  h = ag_hash_mix(h, pair(n->in.h, n->in.w));
  h = ag_hash_mix(h, pair(n->in.c, n->out.c));
  return ag_hash_mix(h, pair(n->out.h, n->out.w));
}

/* Node keys, operands and ports; shapes too, or the layout alone. */
static ag_hash segment_key(const ag_segment *s, bool shapes) {
  ag_hash h = ag_hash_mix(ag_hash_seed(pair(s->size, s->inputs)), (uint64_t)s->outputs);
  for (int i = 0; i < s->size; i++) {
    const ag_node *n = &s->nodes[i];
    h = ag_hash_mix_hash(h, shapes ? ag_form_node_key(n)
                                   : ag_hash_mix(kind_key(n), (uint64_t)(n->groups > 1)));
    h = ag_hash_mix(h, (uint64_t)ag_segment_arity(s, i));
  }
  for (int k = 0; k < s->operand_start[s->size]; k++) h = ag_hash_mix(h, (uint64_t)s->operands[k]);
  for (int q = 0; q < s->outputs; q++) h = ag_hash_mix(h, (uint64_t)s->output_nodes[q]);
  for (int p = 0; shapes && p < s->inputs; p++) {
    h = ag_hash_mix(h, pair(s->input_shapes[p].h, s->input_shapes[p].w));
    h = ag_hash_mix(h, (uint64_t)s->input_shapes[p].c);
  }
  return h;
}

ag_hash ag_form_key(const ag_segment *segment) {
  return segment_key(segment, true);
}

/* --- grouping ------------------------------------------------------------------------- */

typedef struct item {
  ag_hash kind, shapes;
  ag_form *form;
  int64_t layout;
} item;

typedef struct variant {
  ag_segment *segment;
  ag_hash hash;
  int64_t count;
} variant;

/* An entry in the making. */
typedef struct group {
  ag_hash kind;
  int64_t count;
  uint32_t families;
  variant *variants;
  int count_variants, capacity;
} group;

typedef struct builder {
  item *items;
  int64_t item_count;
  int32_t *layout_group; /* group of each layout met, -1 = not yet */
  int64_t layouts;
  group *groups;
  int group_count, group_capacity;
} builder;

static int compare_items(const void *a, const void *b) {
  const item *x = a, *y = b;
  int size = x->form->segment->size, other = y->form->segment->size;
  if (size != other) return size < other ? -1 : 1;
  int order = ag_hash_compare(x->kind, y->kind);
  if (!order) order = ag_hash_compare(x->shapes, y->shapes);
  return order ? order : ag_hash_compare(x->form->key, y->form->key);
}

static void hash_forms(builder *b, ag_form *forms) {
  ag_map layouts = {0};
  ag_hash *kinds = AG_ARRAY(ag_hash, b->item_count);
  for (int64_t i = 0; i < b->item_count; i++) {
    const ag_segment *segment = forms[i].segment;
    bool fresh;
    int64_t layout = *ag_map_put(&layouts, segment_key(segment, false), b->layouts, &fresh);
    if (fresh) kinds[b->layouts++] = ag_segment_hash(segment, AG_EQUAL_KIND);
    b->items[i] =
        (item){kinds[layout], ag_segment_hash(segment, AG_EQUAL_SHAPES), &forms[i], layout};
  }
  free(kinds);
  ag_map_free(&layouts);
  b->layout_group = AG_ARRAY(int32_t, b->layouts);
  for (int64_t i = 0; i < b->layouts; i++) b->layout_group[i] = -1;
}

/* The group a form belongs to; a new one if it is isomorphic to none of the same hash. Those stand
 * last, since items come sorted. */
static group *find_group(builder *b, const item *it) {
  int32_t *found = &b->layout_group[it->layout];
  const ag_segment *segment = it->form->segment;
  for (int g = b->group_count - 1; *found < 0 && g >= 0; g--) {
    const ag_segment *other = b->groups[g].variants[0].segment;
    if (other->size != segment->size || !ag_hash_equal(b->groups[g].kind, it->kind)) break;
    if (ag_segment_isomorphic(other, segment, AG_EQUAL_KIND)) *found = g;
  }
  if (*found < 0) {
    *found = b->group_count;
    AG_GROW(b->groups, b->group_count, b->group_capacity);
    b->groups[b->group_count++] = (group){.kind = it->kind};
  }
  return &b->groups[*found];
}

static void add_form(group *g, const item *it) {
  ag_form *form = it->form;
  g->count += form->count + form->others;
  g->families |= form->families;
  for (int v = g->count_variants - 1; v >= 0; v--) {
    if (!ag_hash_equal(g->variants[v].hash, it->shapes)) break;
    if (!ag_segment_isomorphic(g->variants[v].segment, form->segment, AG_EQUAL_SHAPES)) continue;
    g->variants[v].count += form->count;
    ag_segment_free(form->segment);
    return;
  }
  AG_GROW(g->variants, g->count_variants, g->capacity);
  g->variants[g->count_variants++] = (variant){form->segment, it->shapes, form->count};
}

/* --- the result ----------------------------------------------------------------------- */

static int compare_variants(const void *a, const void *b) {
  const variant *x = a, *y = b;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  int order = ag_hash_compare(x->hash, y->hash);
  return order ? order : ag_hash_compare(ag_form_key(x->segment), ag_form_key(y->segment));
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the names into the database; place[i] is where name i went. */
static void sort_families(ag_database *d, char **family, int families, int place[]) {
  d->families = families;
  d->family = ag_memdup(family, (size_t)families, sizeof *family);
  qsort(d->family, (size_t)families, sizeof *family, compare_names);
  for (int i = 0; i < families; i++)
    for (int k = 0; k < families; k++)
      if (d->family[k] == family[i]) place[i] = k;
}

static uint32_t move_bits(uint32_t bits, const int place[], int count) {
  uint32_t moved = 0;
  for (int i = 0; i < count; i++)
    if (bits >> i & 1) moved |= UINT32_C(1) << place[i];
  return moved;
}

void ag_entry_describe(ag_entry *e) {
  const ag_segment *segment = e->variant[0];
  e->size = segment->size;
  e->inputs = segment->inputs;
  e->outputs = segment->outputs;
  e->ops = 0;
  for (int i = 0; i < segment->size; i++) e->ops |= ag_op_bit(segment->nodes[i].op);
}

static void finish_entry(ag_entry *e, group *g) {
  qsort(g->variants, (size_t)g->count_variants, sizeof *g->variants, compare_variants);
  const ag_segment **segments = AG_ARRAY(const ag_segment *, g->count_variants);
  int64_t *counts = AG_ARRAY(int64_t, g->count_variants);
  for (int v = 0; v < g->count_variants; v++) {
    segments[v] = g->variants[v].segment;
    counts[v] = g->variants[v].count;
  }
  *e = (ag_entry){.hash = g->kind,
                  .count = g->count,
                  .families = g->families,
                  .variants = g->count_variants,
                  .variant = segments,
                  .variant_count = counts};
  ag_entry_describe(e);
  free(g->variants);
}

ag_database *ag_database_build(ag_form *forms, int64_t count, char **family, int families) {
  ag_database *d = AG_NEW(ag_database);
  int place[AG_MAX_FAMILIES];
  sort_families(d, family, families, place);
  builder b = {.items = AG_ARRAY(item, count), .item_count = count};
  hash_forms(&b, forms);
  qsort(b.items, (size_t)count, sizeof *b.items, compare_items);
  for (int64_t i = 0; i < count; i++) add_form(find_group(&b, &b.items[i]), &b.items[i]);
  d->size = b.group_count;
  d->entries = AG_ARRAY(ag_entry, b.group_count);
  for (int i = 0; i < b.group_count; i++) {
    finish_entry(&d->entries[i], &b.groups[i]);
    d->entries[i].families = move_bits(d->entries[i].families, place, families);
  }
  free(b.items);
  free(b.layout_group);
  free(b.groups);
  return d;
}
