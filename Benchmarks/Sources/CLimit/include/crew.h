// Threads that begin at the same moment.
#ifndef CREW_H
#define CREW_H

#include <stddef.h>
#include <stdint.h>

/// Runs `body(context, i)` for every i below `count` (at most 64), each on a thread of its own, and returns the nanoseconds
/// from when the first of them begins, once all are there, to the end of the last one. 0 when they could not be started.
uint64_t crew_time(size_t count, void (*body)(void *context, size_t index), void *context);

#endif
