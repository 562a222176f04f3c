// What the library needs of C besides nanots.h. Not installed.
#ifndef NANOTS_INTERNAL_H
#define NANOTS_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#define NANOTS_HIDDEN __attribute__((visibility("hidden")))

/// Keeps `code` and the first 1,023 bytes of `text`, cut between characters, as this thread's last error.
NANOTS_HIDDEN void nanots_internal_note_error(uint32_t code, const char *text, size_t length);

/// A buffer of at least `wanted` bytes in place of `buffer` (NULL: none), the content of which is lost; 0 and nothing
/// changed without memory for it.
NANOTS_HIDDEN int nanots_internal_grow(void **buffer, size_t *capacity, size_t wanted);
NANOTS_HIDDEN void nanots_internal_free(void *buffer);

// The chunks of the table of handles. In C, where they are there from the beginning: a global of Swift's is asked at each
// use whether it was made, which costs as much as half a call.
enum { NANOTS_CHUNK_COUNT = 1024 };
extern NANOTS_HIDDEN void *nanots_internal_chunks[NANOTS_CHUNK_COUNT];

/// The chunk at `index`, below NANOTS_CHUNK_COUNT; NULL before it was set.
static inline void *nanots_internal_chunk(size_t index) {
  return __atomic_load_n(&nanots_internal_chunks[index], __ATOMIC_ACQUIRE);
}
static inline void nanots_internal_set_chunk(size_t index, void *chunk) {
  __atomic_store_n(&nanots_internal_chunks[index], chunk, __ATOMIC_RELEASE);
}

#endif
