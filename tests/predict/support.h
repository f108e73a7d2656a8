/* What the predictor's tests share. */
#ifndef TESTS_PREDICT_SUPPORT_H
#define TESTS_PREDICT_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/predict.h"
#include "engine/base/file.h"
#include "engine/base/random.h"

#define assert_near(a, b, tolerance)                                                               \
  do {                                                                                             \
    double near_a = (a), near_b = (b);                                                             \
    if (!(fabs(near_a - near_b) <= (tolerance)))                                                   \
      fail_msg("%s = %.9g, %s = %.9g, differ by more than %g", #a, near_a, #b, near_b,             \
               (double)(tolerance));                                                               \
  } while (0)

/* A path inside the folder of oracle data (AUTOGO_SHARED, else ../shared). */
static inline const char *shared_path(char *buffer, size_t size, const char *relative) {
  const char *shared = getenv("AUTOGO_SHARED");
  snprintf(buffer, size, "%s/%s", shared ? shared : "../shared", relative);
  return buffer;
}

static inline void skip_without(const char *what) {
  print_message("skipped: %s is absent\n", what);
  skip();
}

#endif
