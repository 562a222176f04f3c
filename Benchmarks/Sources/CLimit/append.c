#include "checksum.h"
#include "ring.h"

limit_writer limit_writer_make(limit_ring ring) {
  uint64_t generation = 0x100000000u;
  limit_writer writer = {
      .ring = ring,
      .payload_end = LIMIT_PREAMBLE_SIZE,
      .index_low = ring.block_size,
      .seed = limit_crc32c(0xFFFFFFFFu, &generation, 8),
  };
  return writer;
}

LIMIT_TARGET uint32_t limit_crc32c(uint32_t state, const void *bytes, size_t count) {
  return crc_update(state, bytes, count);
}

static void move_to_next_block(limit_writer *writer) {
  writer->block = writer->block + 1 == writer->ring.block_count ? 0 : writer->block + 1;
  writer->payload_end = LIMIT_PREAMBLE_SIZE;
  writer->index_low = writer->ring.block_size;
  writer->count = 0;
}

LIMIT_TARGET static inline __attribute__((always_inline)) void append(limit_writer *writer, const void *payload,
                                                                      size_t length, int64_t timestamp) {
  size_t padded = (length + 7) & ~(size_t)7;
  if (writer->payload_end + padded + LIMIT_ENTRY_SIZE > writer->index_low) move_to_next_block(writer);
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

LIMIT_TARGET static __attribute__((noinline)) void append_out_of_line(limit_writer *writer, const void *payload,
                                                                      size_t length, int64_t timestamp) {
  append(writer, payload, length, timestamp);
}

LIMIT_TARGET void limit_append_inlined(limit_writer *writer, const void *payload, size_t length, int64_t first,
                                       size_t frames) {
  limit_writer local = *writer;
  for (size_t i = 0; i < frames; i++) append(&local, payload, length, first + (int64_t)i);
  *writer = local;
}

void limit_append_called(limit_writer *writer, const void *payload, size_t length, int64_t first, size_t frames) {
  for (size_t i = 0; i < frames; i++) append_out_of_line(writer, payload, length, first + (int64_t)i);
}

void limit_append_numbered(limit_writer *writer, void *payload, size_t length, size_t frames) {
  for (uint64_t i = 0; i < frames; i++) {
    memcpy(payload, &i, 8);
    append_out_of_line(writer, payload, length, (int64_t)i);
  }
}
