// What the engines' files share.
#ifndef ENGINE_COMMON_H
#define ENGINE_COMMON_H

#include "engine.h"

#include <string.h>

extern const engine engine_lmdb;
extern const engine engine_sqlite;
extern const engine engine_rocksdb;

/// Keeps "what: why" for `engine_message` and returns -1.
int engine_fail(const char *what, const char *why);
/// Makes the directory unless it is there.
int engine_make_directory(const char *path);

/// The length of frame `index`, whose number is written into it if that is asked for.
static inline size_t engine_prepare_frame(const engine_frames *frames, size_t index) {
  if (frames->numbered) {
    uint64_t number = (uint64_t)frames->first + index;
    memcpy(frames->payload, &number, 8);
  }
  return frames->lengths ? frames->lengths[index] : frames->length;
}

static inline uint64_t engine_first_word(const void *payload) {
  uint64_t word;
  memcpy(&word, payload, 8);
  return word;
}

#endif
