#include "pieces.h"

#include <lz4.h>
#include <stdlib.h>
#include <string.h>

struct limit_pieces {
  size_t size, count;
  int acceleration;
  void *state;
  char *raw, *packed, *unpacked;
  int *packed_sizes;
};

static size_t room(const limit_pieces *pieces) { return (size_t)LZ4_compressBound((int)pieces->size); }

static void shuffle(char *to, const uint8_t *from, size_t frames, size_t frame_size) {
  for (size_t byte = 0; byte < frame_size; byte++)
    for (size_t frame = 0; frame < frames; frame++) *to++ = (char)from[frame * frame_size + byte];
}

limit_pieces *limit_pieces_make(const uint8_t *bytes, size_t count, size_t frame_size, size_t piece_size,
                                int acceleration) {
  limit_pieces *pieces = calloc(1, sizeof *pieces);
  if (!pieces) return NULL;
  pieces->size = frame_size ? piece_size / frame_size * frame_size : piece_size;
  pieces->count = count / pieces->size;
  pieces->acceleration = acceleration;
  pieces->state = malloc((size_t)LZ4_sizeofState());
  pieces->raw = malloc(pieces->size * pieces->count);
  pieces->packed = malloc(room(pieces) * pieces->count);
  pieces->unpacked = malloc(pieces->size);
  pieces->packed_sizes = calloc(pieces->count, sizeof *pieces->packed_sizes);
  if (!pieces->state || !pieces->raw || !pieces->packed || !pieces->unpacked || !pieces->packed_sizes) {
    limit_pieces_free(pieces);
    return NULL;
  }
  for (size_t i = 0; i < pieces->count; i++) {
    const uint8_t *from = bytes + i * pieces->size;
    char *to = pieces->raw + i * pieces->size;
    if (frame_size) shuffle(to, from, pieces->size / frame_size, frame_size);
    else memcpy(to, from, pieces->size);
  }
  return pieces;
}

void limit_pieces_free(limit_pieces *pieces) {
  free(pieces->state);
  free(pieces->raw);
  free(pieces->packed);
  free(pieces->unpacked);
  free(pieces->packed_sizes);
  free(pieces);
}

size_t limit_pieces_count(const limit_pieces *pieces) { return pieces->count; }
size_t limit_pieces_byte_count(const limit_pieces *pieces) { return pieces->size * pieces->count; }

size_t limit_pieces_pack(limit_pieces *pieces) {
  size_t total = 0;
  for (size_t i = 0; i < pieces->count; i++) {
    int size = LZ4_compress_fast_extState(pieces->state, pieces->raw + i * pieces->size, pieces->packed + i * room(pieces),
                                          (int)pieces->size, (int)room(pieces), pieces->acceleration);
    if (size <= 0) return 0;
    pieces->packed_sizes[i] = size;
    total += (size_t)size;
  }
  return total;
}

int limit_pieces_unpack(const limit_pieces *pieces, size_t index) {
  return LZ4_decompress_safe(pieces->packed + index * room(pieces), pieces->unpacked, pieces->packed_sizes[index],
                             (int)pieces->size);
}
