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
  uint64_t begin;
  uint64_t end;
} member;

static void *work(void *given) {
  member *self = given;
  pthread_barrier_wait(&self->crew->start);
  self->begin = limit_clock();
  self->crew->body(self->crew->context, self->index);
  self->end = limit_clock();
  return NULL;
}

uint64_t crew_time(size_t count, void (*body)(void *context, size_t index), void *context) {
  crew crew = {.body = body, .context = context};
  member members[MOST];
  pthread_t threads[MOST];
  if (count == 0 || count > MOST || pthread_barrier_init(&crew.start, NULL, (unsigned)count) != 0) return 0;
  for (size_t i = 0; i < count; i++) {
    members[i] = (member){.crew = &crew, .index = i};
    // Those that were started wait for ever: the program ends with the error.
    if (pthread_create(&threads[i], NULL, work, &members[i]) != 0) return 0;
  }
  // By the threads' own clocks: with a processor for each of them, the one that waits here has none when they begin.
  uint64_t begin = UINT64_MAX;
  uint64_t end = 0;
  for (size_t i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    if (members[i].begin < begin) begin = members[i].begin;
    if (members[i].end > end) end = members[i].end;
  }
  pthread_barrier_destroy(&crew.start);
  return end - begin;
}
