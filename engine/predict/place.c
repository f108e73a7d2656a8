/* A place keeps what no candidate changes. PSC: h_P and h_C never change, so their part of the
 * folded head's input is one vector, and a candidate costs its own few nodes. GNN: nodes before
 * the cut and those beyond the reach of its messages keep their states; the segment and the
 * nodes within `layers` hops after it are evaluated for each candidate.
 *
 * The GNN's window keeps its operands as codes, independent of the candidate:
 *   < 0                    ~node whose state is fixed
 *   0 .. outputs - 1       output port of the cut
 *   outputs + i            node i of the window
 * Where additions are no nodes or messages go backward, a GNN's candidates are put into the graph
 * and scored as children; of PSC's three parts, the one after the cut comes first where they go
 * backward. Where joins may be bypassed, a hop over a join is not counted and all layers are
 * evaluated, because which joins vanish depends on the candidate. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/oracle.h"
#include "engine/predict/whole.h"

struct ag_encoding {
  ag_whole whole;
  ag_encoding *next; /* of an ensemble: by the next member */
};

struct ag_place {
  ag_place *next;        /* of an ensemble: the same place for the next member */
  const ag_whole *whole; /* of an encoding */
  ag_encoding *own;      /* that encoding, if it is not shared */
  int first, last;
  float acc[AG_JOINED_MAX]; /* PSC: bias + A_P h_P + A_C h_C */

  /* GNN */
  int32_t *inputs;       /* node behind each input port of the cut */
  int outputs;           /* ports */
  int window;            /* nodes */
  int32_t *node;         /* of the window, by position */
  int8_t *level;         /* layer from which on it differs */
  int32_t *start, *code; /* operands of the window's nodes */
  int edges;             /* how many operands */
  ag_part fixed;         /* over all other nodes */
};

static void embed_plainly(const ag_whole *w, int first, int last, float *mean) {
  const ag_graph *g = w->source;
  double plain[AG_WIDTH];
  ag_oracle_embed(w->predictor, g->nodes, g->operand_start, g->operands, first, last,
                  w->normalisers, plain, NULL);
  for (int j = 0; j < AG_WIDTH; j++) mean[j] = (float)plain[j];
}

static void init_psc(ag_place *place) {
  const ag_whole *w = place->whole;
  const ag_predictor *p = w->predictor;
  float before[AG_WIDTH], after[AG_WIDTH];
  memcpy(place->acc, p->head.bias, sizeof place->acc);
  if (w->plain) {
    int n = w->source->size;
    embed_plainly(w, 0, place->first, p->config.backward ? after : before);
    embed_plainly(w, place->last, n, p->config.backward ? before : after);
  } else {
    bool backward = p->config.backward;
    ag_whole_before(w, ag_whole_place(w, backward ? place->last : place->first), before);
    ag_whole_after(w, ag_whole_place(w, backward ? place->first : place->last), after);
  }
  ag_head_accumulate(p, 0, before, place->acc);
  ag_head_accumulate(p, 2 * AG_WIDTH, after, place->acc);
}

/* The layer from which on node i after the cut may depend on the segment. `level` is indexed
 * from place->last; 0 = never. */
static int reach(const ag_place *place, const int8_t *level, int i) {
  const ag_graph *g = place->whole->graph;
  const ag_config *config = &place->whole->predictor->config;
  int best = AG_MAX_LAYERS + 1;
  for (int k = 0; k < ag_graph_arity(g, i); k++) {
    int32_t u = ag_graph_operands(g, i)[k];
    if (u < place->first) continue;
    if (u < place->last) return 1;
    if (level[u - place->last] == 0) continue;
    bool free_hop = config->bypass_joins && ag_view_join((ag_op)g->nodes[u].op);
    int here = level[u - place->last] + !free_hop;
    best = here < best ? here : best;
  }
  return best > config->layers ? 0 : best;
}

static int32_t operand_code(const ag_place *place, const int32_t *outputs, const int32_t *index,
                            int32_t u) {
  if (u < place->first) return ~place->whole->ref[u];
  if (u >= place->last) {
    int32_t at = index[u - place->last], stands_for = place->whole->ref[u];
    /* A join that was bypassed, to a node whose change its users are too far off to notice. */
    if (at < 0 && stands_for >= place->last) at = index[stands_for - place->last];
    return at < 0 ? ~stands_for : place->outputs + at;
  }
  int port = 0;
  while (outputs[port] != u) port++;
  return port;
}

/* Fill the window's nodes, levels and operand codes. */
static void find_window(ag_place *place, const int32_t *outputs) {
  const ag_graph *g = place->whole->graph;
  int after = g->size - place->last;
  int8_t *level = AG_ARRAY(int8_t, after);
  int32_t *index = AG_ARRAY(int32_t, after);
  for (int i = 0; i < after; i++) {
    level[i] = (int8_t)reach(place, level, place->last + i);
    index[i] = level[i] ? place->window++ : -1;
    place->edges += level[i] ? ag_graph_arity(g, place->last + i) : 0;
  }
  place->node = AG_ARRAY(int32_t, place->window);
  place->level = AG_ARRAY(int8_t, place->window);
  place->start = AG_ARRAY(int32_t, place->window + 1);
  place->code = AG_ARRAY(int32_t, place->edges);
  for (int i = 0; i < after; i++) {
    if (index[i] < 0) continue;
    int at = index[i], node = place->last + i, count = ag_graph_arity(g, node);
    place->node[at] = node;
    place->level[at] = place->whole->predictor->config.bypass_joins ? 1 : level[i];
    place->start[at + 1] = place->start[at] + count;
    for (int k = 0; k < count; k++) {
      place->code[place->start[at] + k] =
          operand_code(place, outputs, index, ag_graph_operands(g, node)[k]);
    }
  }
  free(level);
  free(index);
}

/* Sum the last layer over the nodes no candidate can change. */
static void sum_fixed(ag_place *place) {
  const ag_whole *w = place->whole;
  const int32_t *kind = ag_whole_last_kinds(w);
  ag_whole_add(w, 0, place->first, &place->fixed);
  ag_whole_add(w, place->last, w->graph->size, &place->fixed);
  for (int i = 0; i < place->window; i++) {
    int node = place->node[i];
    if (w->ref[node] != node) continue;
    const float *state = ag_whole_last(w) + (size_t)kind[node] * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) place->fixed.sum[j] -= (double)state[j];
    place->fixed.count--;
  }
}

static void init_gnn(ag_place *place) {
  ag_segment *cut;
  int32_t *outputs;
  if (ag_segment_cut(place->whole->graph, place->first, place->last, &cut, &place->inputs, &outputs,
                     NULL)) {
    return;
  }
  place->outputs = cut->outputs;
  find_window(place, outputs);
  sum_fixed(place);
  ag_segment_free(cut);
  free(outputs);
}

ag_encoding *ag_encoding_new(const ag_predictor *predictor, const ag_graph *graph) {
  ag_encoding *encoding = AG_NEW(ag_encoding);
  ag_whole_init(&encoding->whole, predictor, graph);
  if (predictor->next) encoding->next = ag_encoding_new(predictor->next, graph);
  return encoding;
}

void ag_encoding_free(ag_encoding *encoding) {
  if (!encoding) return;
  ag_encoding_free(encoding->next);
  ag_whole_free(&encoding->whole);
  free(encoding);
}

ag_place *ag_encoding_place(const ag_encoding *encoding, int first, int last) {
  ag_place *place = AG_NEW(ag_place);
  place->whole = &encoding->whole;
  place->first = first;
  place->last = last;
  if (place->whole->predictor->config.model == AG_MODEL_PSC)
    init_psc(place);
  else if (!ag_flat_needed(&place->whole->predictor->config))
    init_gnn(place);
  if (encoding->next) place->next = ag_encoding_place(encoding->next, first, last);
  return place;
}

ag_place *ag_place_new(const ag_predictor *predictor, const ag_graph *graph, int first, int last) {
  ag_encoding *encoding = ag_encoding_new(predictor, graph);
  ag_place *place = ag_encoding_place(encoding, first, last);
  place->own = encoding;
  return place;
}

void ag_place_free(ag_place *place) {
  if (!place) return;
  ag_place_free(place->next);
  ag_encoding_free(place->own);
  free(place->inputs);
  free(place->node);
  free(place->level);
  free(place->start);
  free(place->code);
  free(place);
}

/* --- candidates ----------------------------------------------------------------------------- */

static double predict_psc(const ag_place *place, const ag_segment *segment) {
  const ag_predictor *p = place->whole->predictor;
  float mean[AG_WIDTH], acc[AG_JOINED_MAX];
  ag_range_embedding(p, segment->nodes, segment->operand_start, segment->operands, 0, segment->size,
                     place->whole->normalisers, mean);
  memcpy(acc, place->acc, sizeof acc);
  ag_head_accumulate(p, AG_WIDTH, mean, acc);
  return ag_head_finish(p, acc);
}

/* Append the segment's nodes; references of all of them into ref. */
static void add_segment(const ag_place *place, const ag_segment *s, const int32_t *input_map,
                        ag_view *view, int32_t *ref) {
  for (int i = 0; i < s->size; i++) {
    int count = ag_segment_arity(s, i);
    int32_t *list = ag_view_operands(view, count);
    for (int k = 0; k < count; k++) {
      int32_t u = s->operands[s->operand_start[i] + k];
      list[k] = u >= 0 ? ref[u] : ~place->whole->ref[place->inputs[input_map[~u]]];
    }
    ref[i] = ag_view_add(view, &place->whole->predictor->config, i, (ag_op)s->nodes[i].op, count);
  }
}

static void add_window(const ag_place *place, const ag_segment *s, const int32_t *output_map,
                       const int32_t *segment_ref, ag_view *view, int32_t *ref) {
  for (int i = 0; i < place->window; i++) {
    int count = place->start[i + 1] - place->start[i];
    int32_t *list = ag_view_operands(view, count);
    for (int k = 0; k < count; k++) {
      int32_t code = place->code[place->start[i] + k];
      if (code < 0)
        list[k] = code;
      else if (code >= place->outputs)
        list[k] = ref[code - place->outputs];
      else
        list[k] = segment_ref[s->output_nodes[output_map[code]]];
    }
    ref[i] = ag_view_add(view, &place->whole->predictor->config, place->node[i],
                         (ag_op)place->whole->graph->nodes[place->node[i]].op, count);
  }
}

/* Evaluate the view, whose first `own` rows are the segment's; add the last layer to sum. */
static void evaluate(const ag_place *place, const ag_segment *s, const ag_view *view, int own,
                     const int8_t *first, double *sum) {
  const ag_whole *w = place->whole;
  ag_local_room local;
  ag_room room;
  if (view->size == 0) return;
  ag_room_open(&room, &local, view, &w->kinds);
  for (int r = 0; r < own; r++) {
    ag_predictor_embed(w->predictor, &s->nodes[view->node[r]], w->normalisers,
                       room.states + r * AG_WIDTH);
  }
  ag_view_encode(view, w->predictor, &w->kinds, first, own, NULL, &room);
  ag_sum_states(sum, sum, room.states, room.position, view->size);
  ag_room_close(&room);
}

static double predict_gnn(const ag_place *place, const ag_segment *s, const int32_t *input_map,
                          const int32_t *output_map) {
  const ag_predictor *p = place->whole->predictor;
  int nodes = s->size + place->window, edges = s->operand_start[s->size] + place->edges;
  int32_t *ref = ag_resize(NULL, (size_t)nodes + ag_view_ints(nodes, edges), sizeof *ref);
  int8_t *first = ag_resize(NULL, (size_t)nodes, sizeof *first);
  ag_view view;
  ag_view_within(&view, ref + nodes, nodes, edges);
  add_segment(place, s, input_map, &view, ref);
  int own = view.size;
  add_window(place, s, output_map, ref, &view, ref + s->size);
  memset(first, 1, (size_t)own);
  /* With bypassed joins rows and window nodes need not match, but then all levels are 1. */
  if (view.size > own) memcpy(first + own, place->level, (size_t)(view.size - own));
  double sum[AG_WIDTH], value;
  memcpy(sum, place->fixed.sum, sizeof sum);
  evaluate(place, s, &view, own, first, sum);
  float joined[AG_JOINED_MAX];
  ag_embed_graph(&p->layout, sum, place->fixed.count + view.size, joined);
  free(ref);
  free(first);
  ag_head_values(p, joined, 1, &value);
  return value;
}

/* NAN for a segment that does not fit. */
static double predict_child(const ag_place *place, const ag_segment *s, const int32_t *input_map,
                            const int32_t *output_map) {
  const ag_graph *child;
  double value = NAN;
  if (ag_graph_splice(place->whole->source, place->first, place->last, s, input_map, output_map,
                      &child, NULL)) {
    return value;
  }
  ag_score_member(place->whole->predictor, child, NULL, 1, &value);
  ag_graph_release(child);
  return value;
}

static double predict(const ag_place *place, const ag_segment *s, const int32_t *input_map,
                      const int32_t *output_map) {
  const ag_config *config = &place->whole->predictor->config;
  if (config->model == AG_MODEL_PSC) return predict_psc(place, s);
  return ag_flat_needed(config) ? predict_child(place, s, input_map, output_map)
                                : predict_gnn(place, s, input_map, output_map);
}

double ag_place_predict(const ag_place *place, const ag_segment *segment, const int32_t *input_map,
                        const int32_t *output_map) {
  const ag_predictor *p = place->whole->predictor;
  double values[AG_MEMBERS_MAX], *at = values;
  for (; place; place = place->next) {
    *at++ = predict(place, segment, input_map, output_map);
  }
  return ag_ensemble_value(p, values);
}
