/* The segment database: entries in an array sorted by (size, hash), so that finding is a binary
 * search and saving needs no sorting. Each entry owns its variants. Built in build.c from what
 * miner.c collects; here are its life, its questions, and databases made from databases. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/mining/database.h"

void ag_entry_clear(ag_entry *e) {
  for (int v = 0; v < e->variants; v++) ag_segment_free((ag_segment *)e->variant[v]);
  free((void *)e->variant);
  free((void *)e->variant_count);
}

void ag_database_free(ag_database *d) {
  if (!d) return;
  for (int i = 0; i < d->size; i++) ag_entry_clear(&d->entries[i]);
  for (int i = 0; i < d->families; i++) free(d->family[i]);
  free(d->entries);
  free(d->family);
  free(d);
}

int ag_database_size(const ag_database *d) {
  return d->size;
}

const ag_entry *ag_database_get(const ag_database *d, int index) {
  return &d->entries[index];
}

int ag_database_families(const ag_database *d) {
  return d->families;
}

const char *ag_database_family(const ag_database *d, int index) {
  return d->family[index];
}

int ag_database_find(const ag_database *d, int size, ag_hash hash) {
  int low = 0, high = d->size;
  while (low < high) {
    int middle = low + (high - low) / 2;
    const ag_entry *e = &d->entries[middle];
    bool less = e->size != size ? e->size < size : ag_hash_compare(e->hash, hash) < 0;
    if (less)
      low = middle + 1;
    else
      high = middle;
  }
  bool found =
      low < d->size && d->entries[low].size == size && ag_hash_equal(d->entries[low].hash, hash);
  return found ? low : -1;
}

/* --- selecting ------------------------------------------------------------------------ */

static bool passes(const ag_entry *e, const ag_database_filter *f) {
  return (!f->ops || !(e->ops & ~f->ops)) && (!f->families || (e->families & f->families)) &&
         e->size >= f->min_size && (!f->max_size || e->size <= f->max_size) &&
         e->count >= f->min_count;
}

static ag_entry copy_entry(const ag_entry *e, int variants) {
  ag_entry copy = *e;
  const ag_segment **segments = AG_ARRAY(const ag_segment *, variants);
  for (int v = 0; v < variants; v++) segments[v] = ag_segment_copy(e->variant[v]);
  copy.variants = variants;
  copy.variant = segments;
  copy.variant_count = ag_memdup(e->variant_count, (size_t)variants, sizeof(int64_t));
  return copy;
}

ag_database *ag_database_select(const ag_database *d, const ag_database_filter *filter) {
  ag_database *kept = AG_NEW(ag_database);
  kept->entries = AG_ARRAY(ag_entry, d->size);
  kept->families = d->families;
  kept->family = AG_ARRAY(char *, d->families);
  for (int i = 0; i < d->families; i++) kept->family[i] = ag_strdup(d->family[i]);
  for (int i = 0; i < d->size; i++) {
    const ag_entry *e = &d->entries[i];
    if (!passes(e, filter)) continue;
    int limit = filter->max_variants;
    kept->entries[kept->size++] = copy_entry(e, limit && limit < e->variants ? limit : e->variants);
  }
  return kept;
}

/* --- merging -------------------------------------------------------------------------- */

typedef struct forms {
  ag_form *forms;
  int64_t count, capacity;
  char *family[AG_MAX_FAMILIES];
  int families;
} forms;

static ag_status add_family(forms *f, const char *name, int *index, ag_error *err) {
  for (*index = 0; *index < f->families; ++*index)
    if (!strcmp(f->family[*index], name)) return AG_OK;
  if (f->families == AG_MAX_FAMILIES)
    return ag_fail(err, AG_LIMIT, "more than %d families", AG_MAX_FAMILIES);
  f->family[f->families++] = ag_strdup(name);
  return AG_OK;
}

static ag_status add_database(forms *f, const ag_database *d, ag_error *err) {
  int place[AG_MAX_FAMILIES];
  for (int i = 0; i < d->families; i++) {
    ag_status status = add_family(f, d->family[i], &place[i], err);
    if (status) return status;
  }
  for (int i = 0; i < d->size; i++) {
    const ag_entry *e = &d->entries[i];
    uint32_t families = 0;
    for (int k = 0; k < d->families; k++)
      if (e->families >> k & 1) families |= UINT32_C(1) << place[k];
    int64_t others = e->count;
    for (int v = 0; v < e->variants; v++) others -= e->variant_count[v];
    for (int v = 0; v < e->variants; v++) {
      AG_GROW(f->forms, f->count, f->capacity);
      f->forms[f->count++] = (ag_form){.segment = ag_segment_copy(e->variant[v]),
                                       .key = ag_form_key(e->variant[v]),
                                       .count = e->variant_count[v],
                                       .others = v == 0 ? others : 0,
                                       .families = families};
    }
  }
  return AG_OK;
}

ag_status ag_database_merge(const ag_database *a, const ag_database *b, ag_database **merged,
                            ag_error *err) {
  forms f = {0};
  ag_status status = add_database(&f, a, err);
  if (!status) status = add_database(&f, b, err);
  if (!status) {
    *merged = ag_database_build(f.forms, f.count, f.family, f.families);
  } else {
    for (int64_t i = 0; i < f.count; i++) ag_segment_free(f.forms[i].segment);
    for (int i = 0; i < f.families; i++) free(f.family[i]);
  }
  free(f.forms);
  return status;
}
