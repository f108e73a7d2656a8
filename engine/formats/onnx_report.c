/* The account of an import: every node of the file is kept, merged, folded or opaque. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/formats/onnx_internal.h"

static char *line(const ag_onnx_import *im, int node) {
  ag_text text = {0};
  const char *type = im->graph->node[node]->op_type;
  ag_text_add(&text, "%s (%s): %s", ag_onnx_label(im, node), type ? type : "?",
              im->reason[node] ? im->reason[node] : "");
  return ag_text_take(&text);
}

static char **lines(const ag_onnx_import *im, ag_onnx_fate fate, int *count) {
  *count = 0;
  for (int i = 0; i < im->nodes; i++) *count += im->fate[i] == fate;
  char **list = AG_ARRAY(char *, *count);
  for (int i = 0, k = 0; i < im->nodes; i++)
    if (im->fate[i] == fate) list[k++] = line(im, i);
  return list;
}

void ag_onnx_report(const ag_onnx_import *im, ag_import_report *report) {
  report->kept = 0;
  for (int i = 0; i < im->nodes; i++) report->kept += im->fate[i] == AG_ONNX_KEPT;
  report->merged_lines = lines(im, AG_ONNX_MERGED, &report->merged);
  report->folded_lines = lines(im, AG_ONNX_FOLDED, &report->folded);
  report->opaque_lines = lines(im, AG_ONNX_OPAQUE, &report->opaque);
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
