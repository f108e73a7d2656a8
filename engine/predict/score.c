/* Scoring a graph: all cuts of a segmentation share one pass over the whole graph, which gives
 * every h_P as a prefix mean and every h_C but for its window. */
#include <string.h>

#include "engine/predict/whole.h"

static double score_cut(const ag_whole *w, int first, int last) {
  const ag_predictor *p = w->predictor;
  const ag_graph *g = w->graph;
  float mean[AG_WIDTH], acc[AG_JOINED_MAX];
  memcpy(acc, p->head.bias, sizeof acc);
  ag_whole_before(w, first, mean);
  ag_head_accumulate(&p->head, 0, mean, acc);
  ag_range_embedding(p, g->nodes, g->operand_start, g->operands, first, last, w->normalisers, mean);
  ag_head_accumulate(&p->head, AG_WIDTH, mean, acc);
  ag_whole_after(w, last, mean);
  ag_head_accumulate(&p->head, 2 * AG_WIDTH, mean, acc);
  return ag_head_finish(&p->head, acc);
}

static double score_whole(const ag_whole *w) {
  const ag_predictor *p = w->predictor;
  float joined[AG_JOINED_MAX];
  int n = w->graph->size;
  ag_embed_graph(&p->layout, w->prefix + (size_t)n * AG_WIDTH, w->kept[n], joined);
  return ag_head_graph(&p->head, joined);
}

ag_status ag_predict_score(const ag_predictor *predictor, const ag_graph *graph,
                           const int32_t *bounds, int count, double *value, ag_error *err) {
  bool psc = predictor->config.model == AG_MODEL_PSC;
  if (psc && count < 1) return ag_fail(err, AG_INVALID, "a score needs at least one segment");
  for (int i = 0; psc && i < count; i++) {
    if (bounds[i] < 0 || bounds[i] >= bounds[i + 1] || bounds[i + 1] > graph->size) {
      return ag_fail(err, AG_INVALID, "segment %d is [%d, %d) of %d nodes", i, bounds[i],
                     bounds[i + 1], graph->size);
    }
  }
  ag_whole whole;
  ag_whole_init(&whole, predictor, graph);
  double sum = psc ? 0 : score_whole(&whole);
  for (int i = 0; psc && i < count; i++) sum += score_cut(&whole, bounds[i], bounds[i + 1]);
  ag_whole_free(&whole);
  *value = psc ? sum / count : sum;
  return AG_OK;
}
