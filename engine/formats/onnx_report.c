/* The account of an import: every node of the file is kept, merged, folded or opaque. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/formats/onnx_internal.h"

/* One line of the account; `type` may be missing. */
typedef struct entry {
  ag_onnx_fate fate;
  const char *name, *type, *reason;
} entry;

static entry entry_of_node(const ag_onnx_import *im, int node) {
  return (entry){(ag_onnx_fate)im->fate[node], ag_onnx_label(im, node),
                 im->graph->node[node]->op_type, im->reason[node]};
}

/* The least familiar fate among an element's nodes is its own. */
static int rank(ag_onnx_fate fate) {
  static const int order[] = {[AG_ONNX_UNSEEN] = 0,
                              [AG_ONNX_FOLDED] = 1,
                              [AG_ONNX_MERGED] = 2,
                              [AG_ONNX_KEPT] = 3,
                              [AG_ONNX_OPAQUE] = 4};
  return order[fate];
}

static entry *entries_of_sources(const ag_onnx_import *im, const ag_onnx_translation *t) {
  entry *list = AG_ARRAY(entry, t->source_count);
  for (int i = 0; i < t->source_count; i++)
    list[i] =
        (entry){t->sources[i].fate, t->sources[i].name, t->sources[i].type, t->sources[i].reason};
  for (int i = 0; i < im->nodes; i++) {
    entry *e = &list[t->node_source[i]];
    if (rank((ag_onnx_fate)im->fate[i]) <= rank(e->fate)) continue;
    e->fate = (ag_onnx_fate)im->fate[i];
    e->reason = im->reason[i];
  }
  for (int i = 0; i < t->source_count; i++)
    if (list[i].fate == AG_ONNX_UNSEEN) list[i].fate = AG_ONNX_FOLDED, list[i].reason = "constant";
  return list;
}

static entry *entries_of_nodes(const ag_onnx_import *im) {
  entry *list = AG_ARRAY(entry, im->nodes);
  for (int i = 0; i < im->nodes; i++) list[i] = entry_of_node(im, i);
  return list;
}

static char *line(const entry *e) {
  ag_text text = {0};
  ag_text_add(&text, "%s (%s): %s", e->name, e->type ? e->type : "?", e->reason ? e->reason : "");
  return ag_text_take(&text);
}

static char **lines(const entry *list, int size, ag_onnx_fate fate, int *count) {
  *count = 0;
  for (int i = 0; i < size; i++) *count += list[i].fate == fate;
  char **result = AG_ARRAY(char *, *count);
  for (int i = 0, k = 0; i < size; i++)
    if (list[i].fate == fate) result[k++] = line(&list[i]);
  return result;
}

void ag_onnx_report(const ag_onnx_import *im, ag_import_report *report) {
  const ag_onnx_translation *t = im->translation;
  int size = t ? t->source_count : im->nodes;
  entry *list = t ? entries_of_sources(im, t) : entries_of_nodes(im);
  report->kept = 0;
  for (int i = 0; i < size; i++) report->kept += list[i].fate == AG_ONNX_KEPT;
  report->merged_lines = lines(list, size, AG_ONNX_MERGED, &report->merged);
  report->folded_lines = lines(list, size, AG_ONNX_FOLDED, &report->folded);
  report->opaque_lines = lines(list, size, AG_ONNX_OPAQUE, &report->opaque);
  free(list);
}

static void free_lines(char **list, int count) {
  for (int i = 0; list && i < count; i++) free(list[i]);
  free(list);
}

void ag_import_report_free(ag_import_report *report) {
  free_lines(report->merged_lines, report->merged);
  free_lines(report->folded_lines, report->folded);
  free_lines(report->opaque_lines, report->opaque);
  memset(report, 0, sizeof *report);
}
