#include "engine/resolve/eliminate.h"

#include <string.h>

enum { MAX_TABLE = 1 << 18 };

/* How the value of x (or of all terms of a sum) follows from variables that outlived it. */
typedef struct ag_eliminated {
  int x;         /* -1: a sum */
  int y, z;      /* neighbours, -1 = none; a sum: the common variable, -1 */
  int32_t *best; /* value of x by [value of y][value of z]; NULL: branched, `fixed` */
  int32_t fixed;
  const ag_network_sum *sum;
  int64_t **partial; /* a sum: partial sums after t terms, and for each of them and each */
  int *partials;     /*   value of the common variable the value of term t */
  int32_t **step;
  struct ag_eliminated *before;
} entry;

static entry *log_entry(ag_elimination *run, ag_network *net, int x, int y, int z) {
  entry *e = AG_TAKE(net->scratch, entry, 1);
  *e = (entry){.x = x, .y = y, .z = z, .before = run->log};
  run->log = e;
  return e;
}

void ag_eliminate_fixed(ag_elimination *run, ag_network *net, int x, int32_t value) {
  log_entry(run, net, x, -1, -1)->fixed = value;
}

/* --- a variable -------------------------------------------------------------------------- */

static void eliminate(ag_elimination *run, ag_network *net, int x) {
  const int64_t *to_y = NULL, *to_z = NULL, *unary = net->unary[x];
  int y = ag_network_pull_table(net, x, &to_y),
      z = y < 0 ? -1 : ag_network_pull_table(net, x, &to_z);
  int nx = net->size[x], ny = y < 0 ? 1 : net->size[y], nz = z < 0 ? 1 : net->size[z];
  int64_t *cost = AG_TAKE(net->scratch, int64_t, ny * nz);
  entry *e = log_entry(run, net, x, y, z);
  e->best = AG_TAKE(net->scratch, int32_t, ny * nz);
  for (int b = 0; b < ny; b++)
    for (int c = 0; c < nz; c++) {
      int64_t least = AG_NETWORK_NEVER;
      int32_t best = 0;
      for (int a = 0; a < nx; a++) {
        int64_t total = unary[a];
        if (to_y) total = ag_cost_plus(total, to_y[a * ny + b]);
        if (to_z) total = ag_cost_plus(total, to_z[a * nz + c]);
        if (total < least) least = total, best = a;
      }
      cost[b * nz + c] = least;
      e->best[b * nz + c] = best;
    }
  run->work += (int64_t)nx * ny * nz;
  net->unary[x] = NULL;
  if (z >= 0)
    ag_network_add_table(net, y, z, cost);
  else if (y >= 0)
    for (int b = 0; b < ny; b++) net->unary[y][b] = ag_cost_plus(net->unary[y][b], cost[b]);
  else
    net->constant = ag_cost_plus(net->constant, cost[0]);
}

static bool table_fits(const ag_network *net, int x) {
  int64_t cells = 1;
  for (int t = 0; t < net->tables; t++)
    if (net->table[t].x == x)
      cells *= net->size[net->table[t].y];
    else if (net->table[t].y == x)
      cells *= net->size[net->table[t].x];
  return cells <= MAX_TABLE;
}

static int next_variable(const ag_network *net) {
  int best = -1;
  for (int v = 0; v < net->variables; v++) {
    if (!net->unary[v] || net->held[v] || net->degree[v] > 2) continue;
    if (net->degree[v] == 2 && !table_fits(net, v)) continue;
    if (best < 0 || net->degree[v] < net->degree[best]) best = v;
  }
  return best;
}

/* --- a sum -------------------------------------------------------------------------------- */

/* The one variable that all terms depend on: *common, -1 if they depend on none. False if the
 * sum cannot be eliminated yet. */
static bool sum_ready(const ag_network *net, const ag_network_sum *sum, int *common) {
  *common = -1;
  for (int t = 0; t < sum->terms; t++) {
    int v = sum->term[t].var;
    if (net->held[v] != 1 || net->degree[v] > 1) return false;
    for (int k = 0; net->degree[v] && k < net->tables; k++) {
      const ag_network_table *table = &net->table[k];
      if (table->x != v && table->y != v) continue;
      int other = table->x == v ? table->y : table->x;
      if (other == sum->target || (*common >= 0 && *common != other)) return false;
      *common = other;
    }
  }
  for (int t = 0; t < sum->terms; t++)
    if (sum->term[t].var == *common) return false;
  return true;
}

/* cost[p][c] of the best way to reach partial sum p with the first terms, then with one more. */
static int64_t *add_term(ag_elimination *run, ag_network *net, entry *e, int t, const int64_t *cost,
                         int columns) {
  ag_term term = e->sum->term[t];
  const int64_t *table = NULL, *unary = net->unary[term.var];
  ag_network_pull_table(net, term.var, &table);
  const int64_t *from = e->partial[t], *to = e->partial[t + 1];
  int cells = e->partials[t + 1] * columns;
  int64_t *next = AG_TAKE(net->scratch, int64_t, cells);
  e->step[t] = AG_TAKE(net->scratch, int32_t, cells);
  for (int k = 0; k < cells; k++) next[k] = AG_NETWORK_NEVER, e->step[t][k] = 0;
  for (int k = 0; k < net->size[term.var]; k++) {
    int64_t shift = (int64_t)term.times * net->value[term.var][k].h;
    for (int p = 0, q = 0; p < e->partials[t]; p++) {
      while (to[q] < from[p] + shift) q++;
      for (int c = 0; c < columns; c++) {
        int64_t total = ag_cost_plus(cost[p * columns + c], unary[k]);
        if (table) total = ag_cost_plus(total, table[k * columns + c]);
        if (total >= next[q * columns + c]) continue;
        next[q * columns + c] = total;
        e->step[t][q * columns + c] = k;
      }
    }
  }
  run->work += (int64_t)net->size[term.var] * e->partials[t] * columns;
  net->unary[term.var] = NULL;
  net->held[term.var] = 0;
  return next;
}

static void finish_sum(ag_network *net, const entry *e, const int64_t *cost, int columns) {
  const ag_network_sum *sum = e->sum;
  const int64_t *last = e->partial[sum->terms];
  int rows = sum->target < 0 ? 1 : net->size[sum->target];
  int64_t *result = AG_TAKE(net->scratch, int64_t, rows * columns);
  for (int a = 0; a < rows; a++) {
    int64_t value = sum->target < 0 ? sum->value : net->value[sum->target][a].h;
    int p = ag_sums_find(last, e->partials[sum->terms], value - sum->offset);
    for (int c = 0; c < columns; c++)
      result[a * columns + c] = p < 0 ? AG_NETWORK_NEVER : cost[p * columns + c];
  }
  if (sum->target >= 0) net->held[sum->target]--;
  if (sum->target >= 0 && e->y >= 0)
    ag_network_add_table(net, sum->target, e->y, result);
  else if (sum->target < 0 && e->y < 0)
    net->constant = ag_cost_plus(net->constant, result[0]);
  else
    for (int k = 0, v = sum->target < 0 ? e->y : sum->target; k < net->size[v]; k++)
      net->unary[v][k] = ag_cost_plus(net->unary[v][k], result[k]);
}

static bool eliminate_sum(ag_elimination *run, ag_network *net, ag_network_sum *sum, int common) {
  int columns = common < 0 ? 1 : net->size[common];
  entry *e = log_entry(run, net, -1, common, -1);
  e->sum = sum;
  e->partial = AG_TAKE(net->scratch, int64_t *, sum->terms + 1);
  e->partials = AG_TAKE(net->scratch, int, sum->terms + 1);
  e->step = AG_TAKE(net->scratch, int32_t *, sum->terms + 1);
  e->partial[0] = AG_TAKE(net->scratch, int64_t, 1);
  e->partial[0][0] = 0;
  e->partials[0] = 1;
  int64_t *cost = AG_TAKE(net->scratch, int64_t, columns);
  memset(cost, 0, (size_t)columns * sizeof *cost);
  for (int t = 0; t < sum->terms; t++) {
    int v = sum->term[t].var;
    e->partial[t + 1] = ag_prefix_sums(net->scratch, e->partial[t], e->partials[t], net->value[v],
                                       net->size[v], sum->term[t].times, &e->partials[t + 1]);
    if (!e->partial[t + 1]) return false;
    cost = add_term(run, net, e, t, cost, columns);
  }
  finish_sum(net, e, cost, columns);
  sum->done = true;
  return true;
}

/* --- all of them ------------------------------------------------------------------------- */

ag_status ag_eliminate(ag_elimination *run, ag_network *net) {
  for (bool progress = true; progress;) {
    if (run->work >= run->limit) return AG_LIMIT;
    progress = false;
    int x = next_variable(net);
    if (x >= 0) {
      eliminate(run, net, x);
      progress = true;
      continue;
    }
    for (int k = 0, common; k < net->sums && !progress; k++) {
      if (net->sum[k].done || !sum_ready(net, &net->sum[k], &common)) continue;
      if (!eliminate_sum(run, net, &net->sum[k], common)) return AG_LIMIT;
      progress = true;
    }
  }
  return AG_OK;
}

static void replay_sum(const ag_network *net, const entry *e, int32_t *choice) {
  const ag_network_sum *sum = e->sum;
  int common = e->y < 0 ? 0 : choice[e->y];
  int columns = e->y < 0 ? 1 : net->size[e->y];
  int64_t rest = sum->value;
  if (sum->target >= 0) rest = net->value[sum->target][choice[sum->target]].h;
  rest -= sum->offset;
  for (int t = sum->terms - 1; t >= 0; t--) {
    int p = ag_sums_find(e->partial[t + 1], e->partials[t + 1], rest);
    int v = sum->term[t].var, k = e->step[t][p * columns + common];
    choice[v] = k;
    rest -= (int64_t)sum->term[t].times * net->value[v][k].h;
  }
}

void ag_eliminate_replay(const ag_elimination *run, int32_t *choice) {
  for (const entry *e = run->log; e; e = e->before) {
    if (e->x < 0) {
      replay_sum(run->root, e, choice);
      continue;
    }
    int y = e->y < 0 ? 0 : choice[e->y], z = e->z < 0 ? 0 : choice[e->z];
    int columns = e->z < 0 ? 1 : run->root->size[e->z];
    choice[e->x] = e->best ? e->best[y * columns + z] : e->fixed;
  }
}
