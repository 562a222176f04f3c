#include "append.h"

limit_writer limit_writer_make(limit_ring ring) {
  uint64_t generation = 0x100000000u;
  limit_writer writer = {
      .ring = ring,
      .seed = limit_crc32c(0xFFFFFFFFu, &generation, 8),
  };
  begin_block(&writer, 0);
  return writer;
}

LIMIT_TARGET uint32_t limit_crc32c(uint32_t state, const void *bytes, size_t count) {
  return crc_update(state, bytes, count);
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

void limit_append_mixed(limit_writer *writer, const void *payload, const uint32_t *lengths, int64_t first,
                        size_t frames) {
  for (size_t i = 0; i < frames; i++) append_out_of_line(writer, payload, lengths[i], first + (int64_t)i);
}
