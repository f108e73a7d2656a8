/* How long solvers take on the resolution problems that searches meet.
 *
 *   resolve problems milp-problems programs folder graph.json ...
 *
 * `problems` of the mix go to the exact solver, `milp-problems` of these to lp_solve, and up to
 * `programs` of these that propagation leaves open to glpsol, as the very program that lp_solve
 * gets. Every time is the least of several passes over all problems, so that neither another
 * process nor a cache that holds nothing but this problem decides it. glpsol is another process:
 * its processor time counts, less what it takes for a program of one column. */
#include <fcntl.h>
#include <lpsolve/lp_lib.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/resolve/problem.h"
#include "tests/bench/samples.h"
#include "tests/support/problem_mix.h"

enum { PASSES = 3, GENERATIONS = 4 };

static void fail(const char *what) {
  fprintf(stderr, "resolve: %s\n", what);
  exit(1);
}

/* --- our solvers ------------------------------------------------------------------------------ */

typedef struct outcome {
  ag_status status;
  double objective, us;
} outcome;

static outcome *solve_all(const problem_mix *mix, ag_method method, int remember) {
  ag_solver *solver = ag_solver_new(method);
  ag_solver_remember(solver, remember);
  outcome *found = AG_ARRAY(outcome, mix->count);
  for (int pass = 0; pass < PASSES; pass++)
    for (int i = 0; i < mix->count; i++) {
      ag_resolve_result r = {.objective = 0};
      double start = bench_now();
      ag_status status = ag_resolve(solver, &mix->problem[i], &r, NULL);
      double took = bench_now() - start;
      if (pass == 0) found[i] = (outcome){status, status ? 0 : r.objective, took};
      if (took < found[i].us) found[i].us = took;
    }
  ag_solver_free(solver);
  return found;
}

/* Rows of the table: feasible, infeasible, all. */
static void report(const char *solver, const outcome *found, int count) {
  static const char *const answers[] = {"feasible", "infeasible", "all"};
  for (int row = 0; row < 3; row++) {
    samples s = {0};
    for (int i = 0; i < count; i++)
      if (row == 2 || (found[i].status == AG_OK) == (row == 0)) samples_add(&s, found[i].us);
    printf("%-18s %-10s %8d %9.2f %9.2f %9.2f %9.2f\n", solver, answers[row], s.count,
           samples_quantile(&s, 0.5), samples_quantile(&s, 0.9), samples_quantile(&s, 0.99),
           samples_quantile(&s, 1));
    samples_free(&s);
  }
}

static void compare(const outcome *a, const outcome *b, int count) {
  for (int i = 0; i < count; i++)
    if (a[i].status != b[i].status || a[i].objective != b[i].objective) fail("solvers disagree");
}

/* --- glpsol ------------------------------------------------------------------------------------
 */

/* Processor time of one run of glpsol, in microseconds; its raw solution goes to `answer`. */
static double run_glpsol_once(const char *mps, const char *answer) {
  char *arguments[] = {"glpsol", "--freemps", (char *)mps, "-w", (char *)answer, NULL};
  extern char **environ;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child;
  int status;
  struct rusage usage;
  if (posix_spawnp(&child, "glpsol", &actions, NULL, arguments, environ)) fail("no glpsol here");
  if (wait4(child, &status, 0, &usage) != child || status) fail("glpsol failed");
  posix_spawn_file_actions_destroy(&actions);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double run_glpsol(const char *mps, const char *answer) {
  double least = run_glpsol_once(mps, answer);
  for (int pass = 1; pass < PASSES; pass++) {
    double took = run_glpsol_once(mps, answer);
    if (took < least) least = took;
  }
  return least;
}

/* "s mip ROWS COLUMNS STATUS OBJECTIVE": o = optimal, n = no solution. */
static outcome read_answer(const char *path) {
  char line[256], status = '?';
  double objective = 0;
  FILE *file = fopen(path, "r");
  if (!file) fail("no answer from glpsol");
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "s mip %*d %*d %c %lf", &status, &objective) == 2) break;
  fclose(file);
  if (status != 'o') return (outcome){.status = AG_INFEASIBLE};
  return (outcome){.status = AG_OK, .objective = objective};
}

/* lp_solve on the file. */
static outcome run_lp_solve(const char *mps) {
  lprec *lp = read_freeMPS((char *)mps, NEUTRAL);
  if (!lp) fail("lp_solve cannot read what it wrote");
  set_bb_floorfirst(lp, BRANCH_FLOOR);
  set_bb_rule(lp, NODE_PSEUDOCOSTSELECT);
  outcome o = {.status = AG_INFEASIBLE};
  double start = bench_now();
  int code = solve(lp);
  o.us = bench_now() - start;
  if (code == OPTIMAL || code == PRESOLVED) o = (outcome){AG_OK, get_objective(lp), o.us};
  delete_lp(lp);
  return o;
}

static bool write_program(const ag_resolve_problem *p, ag_scratch *scratch, const char *path) {
  ag_resolve_model m;
  ag_scratch_rewind(scratch, (ag_scratch_mark){0, 0});
  return !ag_resolve_build(p, scratch, &m, NULL) && ag_resolve_milp_write(&m, path);
}

static void write_smallest(const char *path) {
  FILE *file = fopen(path, "w");
  if (!file) fail("cannot write");
  fputs("NAME\nROWS\n N r0\n L r1\nCOLUMNS\n x r0 1 r1 1\nRHS\n RHS r1 1\nENDATA\n", file);
  fclose(file);
}

typedef struct race {
  samples glpsol, net, lp_solve, milp, exact;
} race;

/* One program to all; false if propagation leaves nothing open. The smallest program is run right
 * before, because what a process costs to start changes with what else runs. */
static bool race_one(race *r, const ag_resolve_problem *p, ag_scratch *scratch, outcome exact,
                     outcome milp, const char *folder) {
  char mps[512], smallest[512], answer[512];
  snprintf(mps, sizeof mps, "%s/program.mps", folder);
  snprintf(smallest, sizeof smallest, "%s/smallest.mps", folder);
  snprintf(answer, sizeof answer, "%s/answer", folder);
  if (!write_program(p, scratch, mps)) return false;
  double start = run_glpsol(smallest, answer), took = run_glpsol(mps, answer);
  outcome theirs = read_answer(answer), same = run_lp_solve(mps);
  if (theirs.status != milp.status || same.status != milp.status ||
      fabs(theirs.objective - same.objective) > 1e-6)
    fail("glpsol disagrees");
  samples_add(&r->glpsol, took);
  samples_add(&r->net, took - start);
  samples_add(&r->lp_solve, same.us);
  samples_add(&r->milp, milp.us);
  samples_add(&r->exact, exact.us);
  return true;
}

static void against_glpsol(const problem_mix *mix, const outcome *exact, const outcome *milp,
                           int wanted, const char *folder) {
  char smallest[512];
  snprintf(smallest, sizeof smallest, "%s/smallest.mps", folder);
  write_smallest(smallest);
  ag_scratch scratch = {0};
  race r = {.glpsol = {0}};
  int count = 0;
  for (int k = 0; k < mix->count && count < wanted; k++) {
    int i = (int)((int64_t)k * 7919 % mix->count); /* a prime step, to meet all networks */
    count += race_one(&r, &mix->problem[i], &scratch, exact[i], milp[i], folder);
  }
  double whole = samples_quantile(&r.glpsol, 0.5), net = samples_quantile(&r.net, 0.5);
  double m = samples_quantile(&r.milp, 0.5), e = samples_quantile(&r.exact, 0.5);
  printf("\n%d programs that propagation leaves open, answers agree; median microseconds\n", count);
  printf("%-34s %9.1f  (%.1f beyond its start)\n", "glpsol, processor time", whole, net);
  printf("%-34s %9.1f\n", "lp_solve on the same file", samples_quantile(&r.lp_solve, 0.5));
  printf("%-34s %9.1f  1/%.0f of glpsol\n", "milp, all of it", m, whole / m);
  printf("%-34s %9.1f  1/%.0f of glpsol, 1/%.0f of that beyond its start\n", "exact, all of it", e,
         whole / e, net / e);
  ag_scratch_free(&scratch);
  samples *all[] = {&r.glpsol, &r.net, &r.lp_solve, &r.milp, &r.exact};
  for (int k = 0; k < 5; k++) samples_free(all[k]);
}

/* --- the mix -----------------------------------------------------------------------------------
 */

static void add_network(problem_mix *mix, ag_space_options options, const char *path) {
  const ag_graph *read;
  ag_error err;
  if (ag_graph_load_json(path, &read, &err)) fail(err.message);
  const ag_graph *g = ag_graph_canonical(read, NULL);
  problem_mix_permit(&options, g);
  ag_space *space = ag_space_new(&options);
  problem_mix_add(mix, space, g, GENERATIONS);
  ag_space_free(space);
  ag_graph_release(read);
  ag_graph_release(g);
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: %s problems milp-problems programs folder graph.json ...\n", argv[0]);
    return 2;
  }
  ag_space_options options = problem_mix_assets();
  problem_mix mix = {0};
  for (int k = 5; k < argc; k++) add_network(&mix, options, argv[k]);
  int total = mix.count;
  problem_mix_thin(&mix, atoi(argv[1]));
  printf("resolution: %d of %d problems of %d networks, microseconds\n", mix.count, total,
         argc - 5);
  printf("%-18s %-10s %8s %9s %9s %9s %9s\n", "solver", "answer", "problems", "median", "90 %",
         "99 %", "max");
  outcome *exact = solve_all(&mix, AG_RESOLVE_EXACT, 0);
  report("exact", exact, mix.count);
  outcome *memo = solve_all(&mix, AG_RESOLVE_EXACT, 1 << 20);
  report("exact, remembered", memo, mix.count);
  compare(exact, memo, mix.count);
  free(exact);
  free(memo);
  problem_mix_thin(&mix, atoi(argv[2]));
  exact = solve_all(&mix, AG_RESOLVE_EXACT, 0);
  outcome *milp = solve_all(&mix, AG_RESOLVE_MILP, 0);
  report("milp", milp, mix.count);
  compare(exact, milp, mix.count);
  if (atoi(argv[3]) > 0) against_glpsol(&mix, exact, milp, atoi(argv[3]), argv[4]);
  free(exact);
  free(milp);
  problem_mix_free(&mix);
  problem_mix_free_assets(&options);
  return 0;
}
