#include "checksum.h"
#include "ring.h"

#include <sched.h>
#include <stdbool.h>
#include <string.h>

enum { PLAIN, GUARDED, VERIFIED };

/// Sums the frames of a block from `first` on, up to those that `commit` counts.
LIMIT_TARGET static inline __attribute__((always_inline)) uint64_t scan_frames(const limit_ring *ring, size_t block,
                                                                               size_t first, uint64_t commit, int kind) {
  const block_header *header = ring_header(ring, block);
  const uint8_t *start = ring_block(ring, block);
  uint64_t generation = __atomic_load_n(&header->generation, __ATOMIC_ACQUIRE);
  size_t count = (uint32_t)commit, payload_end = commit >> 32;
  const uint8_t *entry = start + ring->block_size - first * LIMIT_ENTRY_SIZE;
  uint64_t seed_generation = 0x100000000u;
  uint32_t seed = kind == VERIFIED ? limit_crc32c(0xFFFFFFFFu, &seed_generation, 8) : 0;
  uint64_t sum = 0;
  for (size_t i = first; i < count; i++) {
    entry -= LIMIT_ENTRY_SIZE;
    uint64_t place, value;
    memcpy(&place, entry + 8, 8);
    size_t offset = (uint32_t)place, length = (place >> 32) & 0x3FFFFFFF;
    if (offset < LIMIT_PREAMBLE_SIZE || offset + length > payload_end || length < 8) return 0;
    memcpy(&value, start + offset, 8);
    sum += value;
    if (kind == VERIFIED) {
      uint64_t timestamp, proof;
      memcpy(&timestamp, entry, 8);
      memcpy(&proof, entry + 16, 8);
      if (frame_checksum(seed, (int64_t)timestamp, place, start + offset, length) != (uint32_t)proof) return 0;
    }
    if (kind != PLAIN) {
      __atomic_thread_fence(__ATOMIC_ACQUIRE);
      if (__atomic_load_n(&header->generation, __ATOMIC_RELAXED) != generation) return 0;
    }
  }
  return sum;
}

LIMIT_TARGET static inline __attribute__((always_inline)) uint64_t scan(const limit_ring *ring, size_t last_block,
                                                                        int kind) {
  uint64_t sum = 0;
  for (size_t block = 0; block <= last_block; block++) {
    uint64_t commit = __atomic_load_n(&ring_header(ring, block)->commit, __ATOMIC_ACQUIRE);
    sum += scan_frames(ring, block, 0, commit, kind);
  }
  return sum;
}

LIMIT_TARGET uint64_t limit_scan(const limit_ring *ring, size_t last_block) { return scan(ring, last_block, PLAIN); }

LIMIT_TARGET uint64_t limit_scan_guarded(const limit_ring *ring, size_t last_block) {
  return scan(ring, last_block, GUARDED);
}

LIMIT_TARGET uint64_t limit_scan_verified(const limit_ring *ring, size_t last_block) {
  return scan(ring, last_block, VERIFIED);
}

/// The block that the writer is in: the last one of its lap. Generations count laps.
static size_t newest_block(const limit_ring *ring) {
  size_t block = 0;
  while (block + 1 < ring->block_count &&
         __atomic_load_n(&ring_header(ring, block + 1)->generation, __ATOMIC_ACQUIRE) ==
             __atomic_load_n(&ring_header(ring, block)->generation, __ATOMIC_ACQUIRE))
    block++;
  return block;
}

LIMIT_TARGET void limit_tail(const limit_ring *ring, uint64_t *progress) {
  static volatile uint64_t result;
  size_t block = newest_block(ring), seen = 0;
  uint64_t generation = __atomic_load_n(&ring_header(ring, block)->generation, __ATOMIC_ACQUIRE);
  for (;;) {
    block_header *header = ring_header(ring, block);
    uint64_t commit = __atomic_load_n(&header->commit, __ATOMIC_ACQUIRE);
    bool is_lapped = __atomic_load_n(&header->generation, __ATOMIC_ACQUIRE) != generation;
    size_t count = (uint32_t)commit;
    if (!is_lapped && count > seen) {
      result += scan_frames(ring, block, seen, commit, GUARDED);
      __atomic_store_n(progress, *progress + (count - seen), __ATOMIC_RELEASE);
      seen = count;
      continue;
    }
    size_t next = block + 1 == ring->block_count ? 0 : block + 1;
    uint64_t of_next = __atomic_load_n(&ring_header(ring, next)->generation, __ATOMIC_ACQUIRE);
    bool has_moved = of_next == generation + (next == 0 ? 2 : 0);
    if (is_lapped) {
      block = newest_block(ring);
      seen = 0;
      generation = __atomic_load_n(&ring_header(ring, block)->generation, __ATOMIC_ACQUIRE);
    } else if (has_moved && (uint32_t)__atomic_load_n(&header->commit, __ATOMIC_ACQUIRE) == seen) {
      block = next;
      seen = 0;
      generation = of_next;
    } else {
      sched_yield();
    }
  }
}
