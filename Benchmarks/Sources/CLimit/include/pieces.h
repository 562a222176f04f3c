// What liblz4 takes by itself for bytes that are compressed in pieces.
#ifndef PIECES_H
#define PIECES_H

#include <stddef.h>
#include <stdint.h>

typedef struct limit_pieces limit_pieces;

/// Cuts `bytes` into pieces of about `piece_size` bytes. Where `frame_size` is not 0, in each the first bytes of all frames
/// are put together, then the second ones, and so on, and `acceleration` is liblz4's. Null without memory.
limit_pieces *limit_pieces_make(const uint8_t *bytes, size_t count, size_t frame_size, size_t piece_size,
                                int acceleration);
void limit_pieces_free(limit_pieces *pieces);

size_t limit_pieces_count(const limit_pieces *pieces);
/// Bytes of all pieces together.
size_t limit_pieces_byte_count(const limit_pieces *pieces);

/// Compresses every piece. 0 where one fails.
size_t limit_pieces_pack(limit_pieces *pieces);
/// Unpacks the piece `index`, packed before; its size, or a negative number.
int limit_pieces_unpack(const limit_pieces *pieces, size_t index);

#endif
