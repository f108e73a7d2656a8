/* TF.js graph models: a GraphDef in JSON (tfjs_read.c), its weights in files beside it
 * (tfjs_weights.c). */
#ifndef AG_FORMATS_TFJS_H
#define AG_FORMATS_TFJS_H

#include <cJSON.h>

#include "engine/formats/graphdef.h"

/* The messages of a JSON text; they live in the arena. */
ag_status ag_tfjs_read(const cJSON *root, ag_arena *arena, ag_tf_graph *graph, ag_error *err);

/* The message of one node. */
ag_tf_node *ag_tfjs_read_node(ag_arena *arena, const cJSON *item);

/* Give the constants of the graph the elements that the manifest says they have, where the files it
 * names lie in `directory`; the others stay without. Data live in the arena. Errors: AG_FORMAT
 * where manifest and files contradict each other, AG_UNSUPPORTED for files elsewhere, AG_LIMIT. */
ag_status ag_tfjs_add_weights(const cJSON *root, const char *directory, ag_arena *arena,
                              ag_tf_graph *graph, ag_error *err);

#endif
