/* What may be tried in the place of a source. A task reads the space and never writes it, and
 * draws from a stream of its own. */
#include <stdlib.h>

#include "engine/search/mutation.h"

static bool size_allowed(const struct mutation *m, int32_t entry) {
  if (!m->options->operations) return true;
  return ag_database_get(m->space->options.database, entry)->variant[0]->size == 1;
}

int ag_fitting_candidates(const struct mutation *m, struct task *task, struct fit **candidates) {
  const struct source *source = task->source;
  int found, count = 0;
  ag_hash key =
      ag_ports_key(source->inputs, source->cut->inputs, source->outputs, source->cut->outputs);
  const struct fit *fits = ag_space_fits(m->space, key, &found);
  *candidates = AG_ARRAY(struct fit, found);
  for (int i = 0; i < found; i++)
    if (size_allowed(m, fits[i].entry)) (*candidates)[count++] = fits[i];
  return ag_order_candidates(*candidates, count, m->options->weights, &task->random);
}

int ag_adaptable_candidates(const struct mutation *m, struct task *task, struct fit **candidates) {
  const ag_space *space = m->space;
  const ag_segment *cut = task->source->cut;
  int count = 0;
  *candidates = AG_ARRAY(struct fit, space->usable_count);
  for (int i = 0; i < space->usable_count; i++) {
    int32_t e = space->usable[i];
    const ag_entry *entry = ag_database_get(space->options.database, e);
    const ag_segment *s = entry->variant[0];
    if (s->inputs != cut->inputs || s->outputs != cut->outputs || !size_allowed(m, e)) continue;
    int32_t v = (int32_t)ag_random_below(&task->random, (uint64_t)entry->variants);
    (*candidates)[count++] = (struct fit){.entry = e, .variant = v};
  }
  return ag_order_candidates(*candidates, count, m->options->weights, &task->random);
}
