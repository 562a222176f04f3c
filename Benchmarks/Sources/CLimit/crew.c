#include "crew.h"

#include "climit.h"

#include <pthread.h>

enum { MOST = 64 };

typedef struct {
  pthread_barrier_t start;
  void (*body)(void *context, size_t index);
  void *context;
} crew;

typedef struct {
  crew *crew;
  size_t index;
} member;

static void *work(void *given) {
  member *self = given;
  pthread_barrier_wait(&self->crew->start);
  self->crew->body(self->crew->context, self->index);
  return NULL;
}

uint64_t crew_time(size_t count, void (*body)(void *context, size_t index), void *context) {
  crew crew = {.body = body, .context = context};
  member members[MOST];
  pthread_t threads[MOST];
  if (count == 0 || count > MOST || pthread_barrier_init(&crew.start, NULL, (unsigned)count + 1) != 0) return 0;
  for (size_t i = 0; i < count; i++) {
    members[i] = (member){.crew = &crew, .index = i};
    // Those that were started wait for ever: the program ends with the error.
    if (pthread_create(&threads[i], NULL, work, &members[i]) != 0) return 0;
  }
  pthread_barrier_wait(&crew.start);
  uint64_t begin = limit_clock();
  for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
  uint64_t time = limit_clock() - begin;
  pthread_barrier_destroy(&crew.start);
  return time;
}
