/* Seconds and peak memory of reading and writing an ONNX file of 100 MB of weights. Each is
 * measured in a process of its own, because a peak is one per process. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "autogo/onnx.h"
#include "tests/bench/samples.h"

static const double megabyte = 1e6;

/* Eleven convolutions of 512 to 512 channels. */
static const ag_graph *network(void) {
  ag_builder *b = ag_builder_new("big");
  ag_node n = ag_node_make(AG_OP_INPUT);
  n.out = (ag_shape){32, 32, 512};
  int last = ag_builder_add(b, n, NULL, 0, NULL);
  for (int i = 0; i < 11; i++) {
    n = ag_node_make(AG_OP_CONV);
    n.kernel[0] = n.kernel[1] = 3;
    n.out.c = 512;
    last = ag_builder_add(b, n, &last, 1, NULL);
  }
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &last, 1, NULL);
  const ag_graph *g = NULL;
  ag_builder_finish(b, &g, NULL);
  return g;
}

static int read_and_write(const char *in, const char *out) {
  const ag_graph *g;
  ag_onnx_options options = {.seed = 1, .weights = true};
  if (ag_onnx_load(in, (ag_shape){0, 0, 0}, &g, NULL, NULL)) return 1;
  int failed = out && ag_onnx_save(g, out, &options, NULL);
  ag_graph_release(g);
  return failed;
}

static void measure(const char *what, const char *in, const char *out) {
  struct stat file;
  struct rusage usage;
  int status;
  stat(in, &file);
  double start = bench_now(), size = (double)file.st_size;
  pid_t child = fork();
  if (child == 0) _exit(read_and_write(in, out));
  wait4(child, &status, 0, &usage);
  double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
  printf("onnx: %s %.0f MB: %.2f s (%.2f s of processor), peak %.2f times its size%s\n", what,
         size / megabyte, (bench_now() - start) * 1e-6, cpu, (double)usage.ru_maxrss * 1024 / size,
         status ? " FAILED" : "");
}

int main(int count, char **arguments) {
  char in[512], out[512];
  if (count != 2) return 2;
  snprintf(in, sizeof in, "%s/in.onnx", arguments[1]);
  snprintf(out, sizeof out, "%s/out.onnx", arguments[1]);
  if (fork() == 0) {
    ag_onnx_options options = {.seed = 1, .weights = true};
    _exit(ag_onnx_save(network(), in, &options, NULL));
  }
  wait(NULL);
  measure("read", in, NULL);
  measure("read and write", in, out);
  return 0;
}
