// Appending one frame, inline, so that each loop over it is compiled into one piece.
#ifndef LIMIT_APPEND_H
#define LIMIT_APPEND_H

#include "checksum.h"
#include "ring.h"

static inline int block_has_room(const limit_writer *writer, size_t length) {
  return writer->payload_end + ((length + 7) & ~(size_t)7) + LIMIT_ENTRY_SIZE <= writer->index_low;
}

/// A new life of a block: whoever reads it finds nothing there, and then another generation.
static inline void begin_block(limit_writer *writer, size_t block) {
  writer->block = block;
  writer->payload_end = LIMIT_PREAMBLE_SIZE;
  writer->index_low = writer->ring.block_size;
  writer->count = 0;
  block_header *header = ring_header(&writer->ring, block);
  __atomic_store_n(&header->commit, (uint64_t)LIMIT_PREAMBLE_SIZE << 32, __ATOMIC_RELEASE);
  __atomic_store_n(&header->generation, header->generation + 2, __ATOMIC_RELEASE);
}

static inline void move_to_next_block(limit_writer *writer) {
  begin_block(writer, writer->block + 1 == writer->ring.block_count ? 0 : writer->block + 1);
}

LIMIT_TARGET static inline __attribute__((always_inline)) void append(limit_writer *writer, const void *payload,
                                                                      size_t length, int64_t timestamp) {
  size_t padded = (length + 7) & ~(size_t)7;
  if (!block_has_room(writer, length)) move_to_next_block(writer);
  uint8_t *block = ring_block(&writer->ring, writer->block);
  uint8_t *place = block + writer->payload_end;
  memcpy(place, payload, length);
  uint64_t where = (uint64_t)writer->payload_end | (uint64_t)length << 32;
  uint64_t proof = frame_checksum(writer->seed, timestamp, where, place, length);
  writer->index_low -= LIMIT_ENTRY_SIZE;
  uint8_t *entry = block + writer->index_low;
  memcpy(entry, &timestamp, 8);
  memcpy(entry + 8, &where, 8);
  memcpy(entry + 16, &proof, 8);
  writer->payload_end += padded;
  writer->count += 1;
  __atomic_store_n(&ring_header(&writer->ring, writer->block)->commit,
                   writer->count | (uint64_t)writer->payload_end << 32, __ATOMIC_RELEASE);
}

#endif
