// Byte shuffle: of items of equal size, first the first bytes of all, then the second bytes of all, and so on. What changes
// little from item to item then lies together, and compresses (Blosc's filter of that name).
#ifndef NTS_SHUFFLE_H
#define NTS_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

/// Shuffles `count` items of `size` bytes from `from` to `to`, which do not overlap. `size` is not 0. O(count * size).
void nts_shuffle(uint8_t *to, const uint8_t *from, size_t count, size_t size);

/// The reverse. Item i goes to `to + i * stride`; `stride` is at least `size`.
void nts_unshuffle(uint8_t *to, size_t stride, const uint8_t *from, size_t count, size_t size);

#endif
