// Where the parts of a ring lie.
#ifndef LIMIT_RING_H
#define LIMIT_RING_H

#include "climit.h"

typedef struct {
  uint64_t generation;
  uint64_t commit;
  uint64_t rest[14];
} block_header;

static inline size_t ring_headers_size(size_t block_count) {
  return (block_count * sizeof(block_header) + 65535) & ~(size_t)65535;
}

static inline block_header *ring_header(const limit_ring *ring, size_t block) {
  return (block_header *)ring->base + block;
}

static inline uint8_t *ring_block(const limit_ring *ring, size_t block) {
  return (uint8_t *)ring->base + ring_headers_size(ring->block_count) + block * ring->block_size;
}

#endif
