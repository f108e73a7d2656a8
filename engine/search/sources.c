/* Choosing what to cut out of a parent: segment it with a fresh sparse vocabulary, rank the
 * replaceable segments by FLOPs, take the cheapest half of the budget and draw the rest.
 * A chosen segment may take along the one or two that follow it. */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/search/search_internal.h"

static bool broadcasts(const ag_graph *g, int node) {
  const int32_t *operands = ag_graph_operands(g, node);
  for (int k = 0; k < ag_graph_arity(g, node); k++)
    if (!ag_shape_equal(g->nodes[operands[k]].out, g->nodes[node].out)) return true;
  return false;
}

bool ag_node_replaceable(const ag_graph *g, int node) {
  ag_op op = g->nodes[node].op;
  switch (ag_op_get(op)->rule) {
  case AG_RULE_SAME:
    return op != AG_OP_OUTPUT && op != AG_OP_SOFTMAX;
  case AG_RULE_JOIN:
    return !broadcasts(g, node);
  case AG_RULE_STRIDED:
  case AG_RULE_CONCAT:
  case AG_RULE_PAD:
  case AG_RULE_FOLD:
  case AG_RULE_UNFOLD:
    return true;
  default:
    return false;
  }
}

void ag_source_free(struct source *s) {
  ag_segment_free(s->cut);
  free(s->entering);
  free(s->leaving);
  free(s->inputs);
  free(s->outputs);
}

/* A run of the segmentation: segments [segment, segment + 1). */
struct piece {
  int64_t flops;
  int32_t segment;
};

static int64_t range_flops(const ag_graph *g, int first, int last) {
  int64_t flops = 0;
  for (int i = first; i < last; i++)
    flops += ag_node_flops(&g->nodes[i], ag_graph_predecessors(g, i));
  return flops;
}

static bool range_replaceable(const ag_graph *g, int first, int last) {
  for (int i = first; i < last; i++)
    if (!ag_node_replaceable(g, i)) return false;
  return true;
}

static int compare_pieces(const void *x, const void *y) {
  const struct piece *a = x, *b = y;
  if (a->flops != b->flops) return a->flops < b->flops ? -1 : 1;
  return (a->segment > b->segment) - (a->segment < b->segment);
}

/* The cheapest `wanted` / 2 stay in front, the rest of the array is shuffled. */
static int rank_pieces(const ag_graph *g, const int32_t *bounds, int segments, int wanted,
                       ag_random *random, struct piece *pieces) {
  int count = 0;
  for (int s = 0; s < segments; s++)
    if (range_replaceable(g, bounds[s], bounds[s + 1]))
      pieces[count++] = (struct piece){range_flops(g, bounds[s], bounds[s + 1]), s};
  qsort(pieces, (size_t)count, sizeof *pieces, compare_pieces);
  for (int i = wanted / 2; i < count; i++) {
    int k = i + (int)ag_random_below(random, (uint64_t)(count - i));
    struct piece t = pieces[i];
    pieces[i] = pieces[k];
    pieces[k] = t;
  }
  return count < wanted ? count : wanted;
}

/* How far the source that starts with segment s goes: a random number of segments, cut short
 * before the first that cannot be replaced. */
static int32_t extend(const ag_graph *g, const int32_t *bounds, int segments, int s, int most,
                      ag_random *random) {
  int length = 1 + (int)ag_random_below(random, (uint64_t)most);
  int end = s + 1;
  while (end < segments && end < s + length && range_replaceable(g, bounds[end], bounds[end + 1]))
    end++;
  return bounds[end];
}

static bool already_chosen(const struct source *sources, int count, int first, int last) {
  for (int i = 0; i < count; i++)
    if (sources[i].first == first && sources[i].last == last) return true;
  return false;
}

static struct source make_source(const ag_graph *g, int parent, int first, int last) {
  struct source s = {.parent = parent, .first = first, .last = last};
  ag_segment_cut(g, first, last, &s.cut, &s.entering, &s.leaving, NULL);
  s.inputs = AG_ARRAY(ag_shape, s.cut->inputs);
  s.outputs = AG_ARRAY(ag_shape, s.cut->outputs);
  for (int p = 0; p < s.cut->inputs; p++) s.inputs[p] = g->nodes[s.entering[p]].out;
  for (int q = 0; q < s.cut->outputs; q++) s.outputs[q] = g->nodes[s.leaving[q]].out;
  s.flops = range_flops(g, first, last);
  return s;
}

static int segment_parent(const ag_space *space, const ag_mutation_options *options, int parent,
                          const ag_graph *g, int32_t *bounds) {
  if (options->operations) {
    for (int i = 0; i <= g->size; i++) bounds[i] = i;
    return g->size;
  }
  const ag_tokenizer *tokenizer = space->options.tokenizer;
  uint8_t *mask = AG_ARRAY(uint8_t, ag_tokenizer_tokens(tokenizer));
  ag_random key =
      ag_random_stream(space->options.seed, options->generation, (uint64_t)parent, 0, 1);
  ag_tokenizer_sparse(tokenizer, options->keep, ag_random_next(&key), mask);
  ag_segmentation *segmentation = ag_tokenizer_encode(tokenizer, g);
  int segments = ag_segmentation_bounds(segmentation, mask, bounds);
  ag_segmentation_free(segmentation);
  free(mask);
  return segments;
}

void ag_choose_sources(const ag_space *space, const ag_mutation_options *options, int index,
                       struct parent *parent) {
  const ag_graph *g = parent->graph;
  int32_t *bounds = AG_ARRAY(int32_t, g->size + 1);
  int segments = segment_parent(space, options, index, g, bounds);
  struct piece *pieces = AG_ARRAY(struct piece, segments);
  ag_random random =
      ag_random_stream(space->options.seed, options->generation, (uint64_t)index, 0, 2);
  int chosen = rank_pieces(g, bounds, segments, options->sources, &random, pieces);
  int most = options->operations ? 1 : options->segments;
  parent->sources = AG_ARRAY(struct source, chosen);
  for (int i = 0; i < chosen; i++) {
    int s = pieces[i].segment;
    int32_t last = extend(g, bounds, segments, s, most, &random);
    if (already_chosen(parent->sources, parent->source_count, bounds[s], last)) continue;
    parent->sources[parent->source_count++] = make_source(g, index, bounds[s], last);
  }
  free(pieces);
  free(bounds);
}
