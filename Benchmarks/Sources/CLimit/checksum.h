// CRC32C as the engine computes it, inline, so that the limit loops can be compiled into one piece.
#ifndef LIMIT_CHECKSUM_H
#define LIMIT_CHECKSUM_H

#include <stdint.h>
#include <string.h>

static inline uint64_t load8(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word;
}

#if defined(__x86_64__)

#include <immintrin.h>
#define LIMIT_TARGET __attribute__((target("sse4.2,pclmul")))
#define STEP8(state, word) _mm_crc32_u64((state), (word))
#define STEP4(state, word) _mm_crc32_u32((uint32_t)(state), (word))
#define STEP1(state, byte) _mm_crc32_u8((uint32_t)(state), (byte))

// Three lanes of 256 bytes; x^(8·256 - 33) and x^(16·256 - 33) mod P join them.
enum { LANE = 256 };
#define SHIFT_ONE_LANE 0xB9E02B86u
#define SHIFT_TWO_LANES 0xDD7E3B0Cu

LIMIT_TARGET static inline uint64_t multiply(uint64_t a, uint64_t b) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)a), _mm_cvtsi64_si128((long long)b), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

LIMIT_TARGET static inline uint32_t crc_update(uint64_t state, const uint8_t *at, size_t count) {
  for (; count >= 3 * LANE; count -= 3 * LANE, at += 3 * LANE) {
    uint64_t b = 0, c = 0;
    for (size_t i = 0; i < LANE; i += 8) {
      state = STEP8(state, load8(at + i));
      b = STEP8(b, load8(at + LANE + i));
      c = STEP8(c, load8(at + 2 * LANE + i));
    }
    state = STEP8(0, multiply(state, SHIFT_TWO_LANES) ^ multiply(b, SHIFT_ONE_LANE)) ^ c;
  }
  for (; count >= 8; count -= 8, at += 8) state = STEP8(state, load8(at));
  for (; count > 0; count--, at++) state = STEP1(state, *at);
  return (uint32_t)state;
}

#elif defined(__aarch64__)

#include <arm_acle.h>
#define LIMIT_TARGET __attribute__((target("crc")))
#define STEP8(state, word) __crc32cd((uint32_t)(state), (word))
#define STEP4(state, word) __crc32cw((uint32_t)(state), (word))
#define STEP1(state, byte) __crc32cb((uint32_t)(state), (byte))

LIMIT_TARGET static inline uint32_t crc_update(uint64_t state, const uint8_t *at, size_t count) {
  for (; count >= 8; count -= 8, at += 8) state = STEP8(state, load8(at));
  for (; count > 0; count--, at++) state = STEP1(state, *at);
  return (uint32_t)state;
}

#else
#error "the limit loops are written for x86_64 and aarch64"
#endif

/// Seed, then timestamp, key (0), offset and length, flags (0), then the payload.
LIMIT_TARGET static inline uint32_t frame_checksum(uint32_t seed, int64_t timestamp, uint64_t place,
                                                   const uint8_t *payload, size_t count) {
  uint64_t state = STEP8(seed, (uint64_t)timestamp);
  state = STEP8(state, 0);
  state = STEP8(state, place);
  state = STEP4(state, 0);
  return ~crc_update(state, payload, count);
}

#endif
