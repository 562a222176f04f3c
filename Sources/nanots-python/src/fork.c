// Handles belong to the process that made them: a child shares the locks of its parent's open files, and by closing one
// would give up its parent's.
#include "module.h"

#include <pthread.h>

unsigned forks = 0;

static void count_fork(void) { forks += 1; }

int fork_watch(void) {
  if (pthread_atfork(NULL, NULL, count_fork) == 0) return 0;
  PyErr_NoMemory();
  return -1;
}

bool refuse(unsigned made_after_forks, const char *what) {
  if (made_after_forks != forks) {
    raise_as(NANOTS_EC_INVALID_ARGUMENT,
             "this %s was made before the process forked; make one in the child, which cannot use its parent's", what);
  } else {
    raise_as(NANOTS_EC_CLOSED, "the %s is closed", what);
  }
  return false;
}
