// The frame checksum of short payloads, to be compiled into the function that appends: a call there costs a third of an
// append, because everything else that the function holds in registers has to be put away for it.
//
// Assembly and no intrinsic, because an intrinsic needs its caller to be compiled for processors that have it, and the
// engine runs on others too: `nts_has_checksum_inline` says whether this one has the instruction.
#ifndef NTS_CHECKSUM_INLINE_H
#define NTS_CHECKSUM_INLINE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nts_checksum.h"

/// From this many bytes on, three lanes and a copy of its own (`nts_frame_store`) are quicker than one pass.
enum { NTS_LONG_PAYLOAD = 768 };

/// From this many bytes on, a copy that calls `memcpy` is quicker than one word by word.
enum { NTS_LONG_COPY = 128 };

/// Not 0 when the functions of this header may be called on this processor.
int nts_has_checksum_inline(void);

#if defined(__x86_64__)
#define NTS_STEP(suffix, operand, type)                                                         \
  static inline __attribute__((always_inline)) uint64_t nts_step_##type(uint64_t state, type word) { \
    __asm__("crc32" suffix " %1, %" operand "0" : "+r"(state) : "r"(word));                          \
    return state;                                                                                    \
  }
NTS_STEP("q", "", uint64_t)
NTS_STEP("l", "k", uint32_t)
NTS_STEP("w", "k", uint16_t)
NTS_STEP("b", "k", uint8_t)
#undef NTS_STEP
#elif defined(__aarch64__)
#define NTS_STEP(suffix, operand, type)                                                         \
  static inline __attribute__((always_inline)) uint64_t nts_step_##type(uint64_t state, type word) { \
    __asm__(".arch_extension crc\n\tcrc32c" suffix " %w0, %w0, %" operand "1" : "+r"(state) : "r"(word)); \
    return state;                                                                                    \
  }
NTS_STEP("x", "x", uint64_t)
NTS_STEP("w", "w", uint32_t)
NTS_STEP("h", "w", uint16_t)
NTS_STEP("b", "w", uint8_t)
#undef NTS_STEP
#else
#define NTS_STEP(type)                                                                     \
  static inline uint64_t nts_step_##type(uint64_t state, type word) {                      \
    return nts_crc32c_update_portable((uint32_t)state, &word, sizeof word);                \
  }
NTS_STEP(uint64_t)
NTS_STEP(uint32_t)
NTS_STEP(uint16_t)
NTS_STEP(uint8_t)
#undef NTS_STEP
#endif

// A word of the payload: copied, and added to the checksum if `sums`, from the same register.
#define NTS_PASS(type)                                    \
  do {                                                    \
    type word;                                            \
    memcpy(&word, source, sizeof word);                   \
    memcpy(target, &word, sizeof word);                   \
    if (sums) state = nts_step_##type(state, word);       \
    source += sizeof word;                                \
    target += sizeof word;                                \
  } while (0)

/// What `nts_frame_store` does and returns, for payloads of any size; quicker below NTS_LONG_PAYLOAD. Without `sums` the
/// payload is left out of the checksum; quicker below NTS_LONG_COPY.
static inline __attribute__((always_inline)) uint32_t nts_frame_store_inline(uint32_t seed, uint32_t flags,
                                                                             int64_t timestamp, int64_t key,
                                                                             uint64_t place, void *to,
                                                                             const void *from, size_t count,
                                                                             int sums) {
  const uint8_t *source = (const uint8_t *)from;
  uint8_t *target = (uint8_t *)to;
  uint64_t state = nts_step_uint64_t(seed, (uint64_t)timestamp);
  state = nts_step_uint64_t(state, (uint64_t)key);
  state = nts_step_uint64_t(state, place);
  state = nts_step_uint32_t(state, flags);
  for (size_t words = count / 8; words > 0; words--) NTS_PASS(uint64_t);
  if (count % 8 != 0) {
    memset(target, 0, 8);
    if (count & 4) NTS_PASS(uint32_t);
    if (count & 2) NTS_PASS(uint16_t);
    if (count & 1) NTS_PASS(uint8_t);
  }
  return ~(uint32_t)state;
}

#undef NTS_PASS

#endif
