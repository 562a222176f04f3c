#include "ring.h"

#include <string.h>

static inline __attribute__((always_inline)) uint64_t scan_block(const limit_ring *ring, size_t block, int guarded) {
  const block_header *header = ring_header(ring, block);
  const uint8_t *start = ring_block(ring, block);
  uint64_t generation = __atomic_load_n(&header->generation, __ATOMIC_ACQUIRE);
  uint64_t commit = __atomic_load_n(&header->commit, __ATOMIC_ACQUIRE);
  size_t count = (uint32_t)commit, payload_end = commit >> 32;
  const uint8_t *entry = start + ring->block_size;
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    entry -= LIMIT_ENTRY_SIZE;
    uint64_t place, value;
    memcpy(&place, entry + 8, 8);
    size_t offset = (uint32_t)place, length = (place >> 32) & 0x3FFFFFFF;
    if (offset < LIMIT_PREAMBLE_SIZE || offset + length > payload_end || length < 8) return 0;
    memcpy(&value, start + offset, 8);
    sum += value;
    if (guarded) {
      __atomic_thread_fence(__ATOMIC_ACQUIRE);
      if (__atomic_load_n(&header->generation, __ATOMIC_RELAXED) != generation) return 0;
    }
  }
  return sum;
}

uint64_t limit_scan(const limit_ring *ring, size_t last_block) {
  uint64_t sum = 0;
  for (size_t block = 0; block <= last_block; block++) sum += scan_block(ring, block, 0);
  return sum;
}

uint64_t limit_scan_guarded(const limit_ring *ring, size_t last_block) {
  uint64_t sum = 0;
  for (size_t block = 0; block <= last_block; block++) sum += scan_block(ring, block, 1);
  return sum;
}
