/* Exact minimisation by variable elimination, with branch and bound where that does not suffice.
 *
 * What resists elimination is branched on, highest degree first; the sum of the smallest entries
 * of all tables bounds each branch from below (Larrosa and Dechter 2003, boosting search with
 * variable elimination). */
#include "engine/resolve/eliminate.h"

enum { WORK_LIMIT = 30 * 1000 * 1000 };

static int64_t lower_bound(ag_elimination *run, const ag_network *net) {
  int64_t bound = net->constant;
  for (int v = 0; v < net->variables; v++) {
    if (!net->unary[v]) continue;
    int64_t least = AG_NETWORK_NEVER;
    for (int a = 0; a < net->size[v]; a++)
      if (net->unary[v][a] < least) least = net->unary[v][a];
    bound = ag_cost_plus(bound, least);
  }
  for (int t = 0; t < net->tables; t++) {
    int64_t least = AG_NETWORK_NEVER;
    int cells = net->size[net->table[t].x] * net->size[net->table[t].y];
    for (int k = 0; k < cells; k++)
      if (net->table[t].cost[k] < least) least = net->table[t].cost[k];
    bound = ag_cost_plus(bound, least);
    run->work += cells;
  }
  return bound;
}

/* The variable to branch on: most tables and sums; the lowest of equals. -1: none is left. */
static int branch_variable(const ag_network *net) {
  int best = -1;
  for (int v = 0; v < net->variables; v++) {
    if (!net->unary[v]) continue;
    if (best < 0 || net->degree[v] + net->held[v] > net->degree[best] + net->held[best]) best = v;
  }
  return best;
}

static void fix_in_sums(ag_network *net, int x, int64_t value) {
  for (int k = 0; k < net->sums; k++) {
    ag_network_sum *sum = &net->sum[k];
    if (sum->done) continue;
    if (sum->target == x) {
      sum->target = -1;
      sum->value = value;
    }
    int kept = 0;
    for (int t = 0; t < sum->terms; t++)
      if (sum->term[t].var == x)
        sum->offset += sum->term[t].times * value;
      else
        sum->term[kept++] = sum->term[t];
    sum->terms = kept;
  }
}

static void fix(ag_elimination *run, ag_network *net, int x, int32_t a) {
  const int64_t *cost;
  for (int y = ag_network_pull_table(net, x, &cost); y >= 0;
       y = ag_network_pull_table(net, x, &cost))
    for (int b = 0; b < net->size[y]; b++)
      net->unary[y][b] = ag_cost_plus(net->unary[y][b], cost[a * net->size[y] + b]);
  net->constant = ag_cost_plus(net->constant, net->unary[x][a]);
  net->unary[x] = NULL;
  net->held[x] = 0;
  fix_in_sums(net, x, net->value[x][a].h);
  ag_eliminate_fixed(run, net, x, a);
}

typedef struct search {
  ag_elimination run;
  int64_t best;
  int32_t *choice;
} search;

static ag_status descend(search *s, ag_network *net) {
  ag_status status = ag_eliminate(&s->run, net);
  if (status) return status;
  if (lower_bound(&s->run, net) >= s->best) return AG_OK;
  int x = branch_variable(net);
  if (x < 0) {
    s->best = net->constant;
    ag_eliminate_replay(&s->run, s->choice);
    return AG_OK;
  }
  struct ag_eliminated *log = s->run.log;
  ag_scratch_mark mark = ag_scratch_now(net->scratch);
  for (int32_t a = 0; a < net->size[x] && !status; a++) {
    ag_network branch = ag_network_copy(net);
    fix(&s->run, &branch, x, a);
    status = descend(s, &branch);
    s->run.log = log;
    ag_scratch_rewind(net->scratch, mark);
  }
  return status;
}

ag_status ag_network_solve(ag_network *net, int32_t *choice) {
  search s = {
      .run = {.root = net, .limit = WORK_LIMIT}, .best = AG_NETWORK_NEVER / 2, .choice = choice};
  ag_status status = descend(&s, net);
  if (status) return status;
  return ag_cost_never(s.best) ? AG_INFEASIBLE : AG_OK;
}
