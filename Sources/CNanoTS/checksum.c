#include "nts_checksum.h"
#include "nts_checksum_inline.h"

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the file format is little-endian and is mapped as it is: a big-endian machine cannot run this engine"
#endif

enum { POLYNOMIAL = (int)0x82F63B78 };

// Slicing by eight (Kounavis and Berry, 2005): table[k][b] is the remainder of byte b followed by k zero bytes.
static uint32_t table[8][256];

static uint32_t step_bit(uint32_t value) { return (value >> 1) ^ ((value & 1) ? (uint32_t)POLYNOMIAL : 0); }

static void fill_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = step_bit(value);
    table[0][byte] = value;
  }
  for (uint32_t byte = 0; byte < 256; byte++)
    for (int slice = 1; slice < 8; slice++)
      table[slice][byte] = (table[slice - 1][byte] >> 8) ^ table[0][table[slice - 1][byte] & 0xFF];
}

uint32_t nts_crc32c_update_portable(uint32_t state, const void *bytes, size_t count) {
  const uint8_t *at = bytes;
  for (; count >= 8; count -= 8, at += 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    word ^= state;
    state = table[7][word & 0xFF] ^ table[6][(word >> 8) & 0xFF] ^ table[5][(word >> 16) & 0xFF] ^
            table[4][(word >> 24) & 0xFF] ^ table[3][(word >> 32) & 0xFF] ^ table[2][(word >> 40) & 0xFF] ^
            table[1][(word >> 48) & 0xFF] ^ table[0][word >> 56];
  }
  for (; count > 0; count--, at++) state = (state >> 8) ^ table[0][(state ^ *at) & 0xFF];
  return state;
}

#if defined(__x86_64__)

#include <immintrin.h>
#define HARDWARE __attribute__((target("sse4.2,pclmul")))
#define STEP8(state, word) _mm_crc32_u64((state), (word))
#define STEP4(state, word) _mm_crc32_u32((uint32_t)(state), (word))
#define STEP1(state, byte) _mm_crc32_u8((uint32_t)(state), (byte))

// Three lanes hide the instruction's latency of three cycles. Lanes are joined by carry-less multiplication with
// x^(8·distance - 33) mod P (Gopal et al., "Fast CRC computation for iSCSI polynomial using CRC32 instruction", 2011).
enum { LANE = 256 };
static uint64_t shift_one_lane, shift_two_lanes;
static int has_hardware;

static uint64_t power_of_x(int exponent) {
  uint32_t value = 0x80000000u;
  while (exponent-- > 0) value = step_bit(value);
  return value;
}

__attribute__((constructor)) static void choose(void) {
  fill_table();
  shift_one_lane = power_of_x(8 * LANE - 33);
  shift_two_lanes = power_of_x(16 * LANE - 33);
  __builtin_cpu_init();
  has_hardware = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

static inline uint64_t load8(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word;
}

HARDWARE static inline uint64_t multiply(uint64_t a, uint64_t b) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)a), _mm_cvtsi64_si128((long long)b), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

HARDWARE static const uint8_t *three_lanes(uint64_t *state, const uint8_t *at, size_t *count) {
  uint64_t a = *state;
  for (; *count >= 3 * LANE; *count -= 3 * LANE, at += 3 * LANE) {
    uint64_t b = 0, c = 0;
    for (size_t i = 0; i < LANE; i += 8) {
      a = STEP8(a, load8(at + i));
      b = STEP8(b, load8(at + LANE + i));
      c = STEP8(c, load8(at + 2 * LANE + i));
    }
    a = STEP8(0, multiply(a, shift_two_lanes) ^ multiply(b, shift_one_lane)) ^ c;
  }
  *state = a;
  return at;
}

#elif defined(__aarch64__)

#include <arm_acle.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#define HARDWARE __attribute__((target("crc")))
#define STEP8(state, word) __crc32cd((uint32_t)(state), (word))
#define STEP4(state, word) __crc32cw((uint32_t)(state), (word))
#define STEP1(state, byte) __crc32cb((uint32_t)(state), (byte))
static int has_hardware;

__attribute__((constructor)) static void choose(void) {
  fill_table();
#if defined(__linux__)
  enum { HWCAP_CRC32_BIT = 1 << 7 };
  has_hardware = (getauxval(AT_HWCAP) & HWCAP_CRC32_BIT) != 0;
#else
  has_hardware = 1;
#endif
}

static inline uint64_t load8(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word;
}

#else

__attribute__((constructor)) static void choose(void) { fill_table(); }

#endif

#if defined(HARDWARE)

HARDWARE static inline uint32_t update_hardware(uint64_t state, const uint8_t *at, size_t count) {
#if defined(__x86_64__)
  if (count >= 3 * LANE) at = three_lanes(&state, at, &count);
#endif
  for (; count >= 8; count -= 8, at += 8) state = STEP8(state, load8(at));
  for (; count > 0; count--, at++) state = STEP1(state, *at);
  return (uint32_t)state;
}

HARDWARE static inline uint64_t stamp_hardware(uint64_t seed_and_flags, int64_t timestamp, int64_t key,
                                               uint64_t place) {
  uint64_t state = STEP8((uint32_t)seed_and_flags, (uint64_t)timestamp);
  state = STEP8(state, (uint64_t)key);
  state = STEP8(state, place);
  return STEP4(state, (uint32_t)(seed_and_flags >> 32));
}

HARDWARE static uint32_t frame_hardware(uint64_t seed_and_flags, int64_t timestamp, int64_t key, uint64_t place,
                                        const void *payload, size_t count) {
  return ~update_hardware(stamp_hardware(seed_and_flags, timestamp, key, place), payload, count);
}

#endif

uint32_t nts_crc32c_update(uint32_t state, const void *bytes, size_t count) {
#if defined(HARDWARE)
  if (__builtin_expect(has_hardware, 1)) return update_hardware(state, bytes, count);
#endif
  return nts_crc32c_update_portable(state, bytes, count);
}

static __attribute__((noinline)) uint32_t frame_portable(uint64_t seed_and_flags, int64_t timestamp, int64_t key,
                                                         uint64_t place, const void *payload, size_t count) {
  uint32_t state = (uint32_t)seed_and_flags, flags = (uint32_t)(seed_and_flags >> 32);
  state = nts_crc32c_update_portable(state, &timestamp, 8);
  state = nts_crc32c_update_portable(state, &key, 8);
  state = nts_crc32c_update_portable(state, &place, 8);
  state = nts_crc32c_update_portable(state, &flags, 4);
  return ~nts_crc32c_update_portable(state, payload, count);
}

// Six arguments, all in registers, and both ways out are tail calls: nothing is saved or pushed on the way.
uint32_t nts_frame_checksum(uint64_t seed_and_flags, int64_t timestamp, int64_t key, uint64_t place,
                            const void *payload, size_t count) {
#if defined(HARDWARE)
  if (__builtin_expect(has_hardware, 1)) return frame_hardware(seed_and_flags, timestamp, key, place, payload, count);
#endif
  return frame_portable(seed_and_flags, timestamp, key, place, payload, count);
}

int nts_has_checksum_inline(void) {
#if defined(HARDWARE)
  return has_hardware;
#else
  return 1;
#endif
}

uint32_t nts_frame_store(uint64_t seed_and_flags, int64_t timestamp, int64_t key, uint64_t place, void *to,
                         const void *from, size_t count) {
  if (__builtin_expect(count < NTS_LONG_PAYLOAD && nts_has_checksum_inline(), 1)) {
    return nts_frame_store_inline((uint32_t)seed_and_flags, (uint32_t)(seed_and_flags >> 32), timestamp, key, place, to,
                                  from, count, 1);
  }
  if (count % 8 > 0) memset((char *)to + count - count % 8, 0, 8);
  if (count > 0) memcpy(to, from, count);
  return nts_frame_checksum(seed_and_flags, timestamp, key, place, to, count);
}
