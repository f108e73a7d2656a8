#include "engine/base/locale.h"

#include <pthread.h>

static locale_t plain;

static void make_plain(void) {
  plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The C locale needs no files, so making it cannot fail but for memory: then nothing changes. */
locale_t ag_plain_numbers(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_plain);
  return uselocale(plain);
}

void ag_plain_numbers_end(locale_t before) {
  uselocale(before);
}
