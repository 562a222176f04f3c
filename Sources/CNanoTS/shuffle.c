#include "nts_shuffle.h"

#include <string.h>

static inline uint64_t load8(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word;
}

static inline void store8(uint8_t *at, uint64_t word) { memcpy(at, &word, 8); }

// Swaps the bits of `mask` in `high`, `shift` lower, with those of the same mask in `low`.
static inline void swap(uint64_t *low, uint64_t *high, int shift, uint64_t mask) {
  uint64_t differing = ((*low >> shift) ^ *high) & mask;
  *high ^= differing;
  *low ^= differing << shift;
}

// Transposes eight rows of eight bytes: quarters, then pairs, then bytes (Warren, "Hacker's Delight", 7-3, for bytes).
static inline void transpose(uint64_t row[8]) {
  for (int i = 0; i < 4; i++) swap(&row[i], &row[i + 4], 32, 0x00000000FFFFFFFF);
  for (int i = 0; i < 8; i++)
    if (!(i & 2)) swap(&row[i], &row[i + 2], 16, 0x0000FFFF0000FFFF);
  for (int i = 0; i < 8; i += 2) swap(&row[i], &row[i + 1], 8, 0x00FF00FF00FF00FF);
}

// Loops of a fixed, small size, which compilers make vectors of.
static void shuffle_small(uint8_t *restrict to, const uint8_t *restrict from, size_t count, size_t size) {
  if (size == 2) {
    for (size_t i = 0; i < count; i++) {
      to[i] = from[2 * i];
      to[count + i] = from[2 * i + 1];
    }
    return;
  }
  for (size_t i = 0; i < count; i++) {
    to[i] = from[4 * i];
    to[count + i] = from[4 * i + 1];
    to[2 * count + i] = from[4 * i + 2];
    to[3 * count + i] = from[4 * i + 3];
  }
}

void nts_shuffle(uint8_t *restrict to, const uint8_t *restrict from, size_t count, size_t size) {
  if (size == 2 || size == 4) return shuffle_small(to, from, count, size);
  size_t rows = count & ~(size_t)7, columns = size & ~(size_t)7;
  for (size_t i = 0; i < rows; i += 8) {
    for (size_t column = 0; column < columns; column += 8) {
      uint64_t part[8];
      for (size_t k = 0; k < 8; k++) part[k] = load8(from + (i + k) * size + column);
      transpose(part);
      for (size_t k = 0; k < 8; k++) store8(to + (column + k) * count + i, part[k]);
    }
    for (size_t column = columns; column < size; column++)
      for (size_t k = 0; k < 8; k++) to[column * count + i + k] = from[(i + k) * size + column];
  }
  for (size_t i = rows; i < count; i++)
    for (size_t column = 0; column < size; column++) to[column * count + i] = from[i * size + column];
}

static void unshuffle_small(uint8_t *restrict to, const uint8_t *restrict from, size_t count, size_t size) {
  if (size == 2) {
    for (size_t i = 0; i < count; i++) {
      to[2 * i] = from[i];
      to[2 * i + 1] = from[count + i];
    }
    return;
  }
  for (size_t i = 0; i < count; i++) {
    to[4 * i] = from[i];
    to[4 * i + 1] = from[count + i];
    to[4 * i + 2] = from[2 * count + i];
    to[4 * i + 3] = from[3 * count + i];
  }
}

void nts_unshuffle(uint8_t *restrict to, size_t stride, const uint8_t *restrict from, size_t count, size_t size) {
  if ((size == 2 || size == 4) && stride == size) return unshuffle_small(to, from, count, size);
  size_t rows = count & ~(size_t)7, columns = size & ~(size_t)7;
  for (size_t i = 0; i < rows; i += 8) {
    for (size_t column = 0; column < columns; column += 8) {
      uint64_t part[8];
      for (size_t k = 0; k < 8; k++) part[k] = load8(from + (column + k) * count + i);
      transpose(part);
      for (size_t k = 0; k < 8; k++) store8(to + (i + k) * stride + column, part[k]);
    }
    for (size_t column = columns; column < size; column++)
      for (size_t k = 0; k < 8; k++) to[(i + k) * stride + column] = from[column * count + i + k];
  }
  for (size_t i = rows; i < count; i++)
    for (size_t column = 0; column < size; column++) to[i * stride + column] = from[column * count + i];
}
