// CRC32C (Castagnoli, polynomial 0x1EDC6F41, reflected 0x82F63B78), the only checksum of the file format.
//
// A "state" is the running remainder without the final complement: start from NTS_CRC32C_START, feed bytes in any
// split, and complement the last state to get the value that RFC 3720 appendix B.4 lists.
#ifndef NTS_CHECKSUM_H
#define NTS_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define NTS_CRC32C_START 0xFFFFFFFFu

/// Feeds `count` bytes at `bytes` (may be NULL when count is 0) to `state` and returns the new state.
/// Uses the processor's CRC instruction where there is one; O(count).
uint32_t nts_crc32c_update(uint32_t state, const void *bytes, size_t count);

/// The same by table, on any processor. The tests hold the two against each other.
uint32_t nts_crc32c_update_portable(uint32_t state, const void *bytes, size_t count);

/// The checksum of one frame: `seed` is the state after the block's generation; then the 28 bytes timestamp, key,
/// offset, length, flags (little-endian, in this order), then the payload. Complemented.
uint32_t nts_frame_checksum(uint64_t seed_and_flags, int64_t timestamp, int64_t key, uint64_t place,
                            const void *payload, size_t count);

/// Copies the payload `from` to `to`, padded with zeros to a multiple of 8, and returns the frame's checksum: one pass over
/// the bytes. The two do not overlap.
uint32_t nts_frame_store(uint64_t seed_and_flags, int64_t timestamp, int64_t key, uint64_t place, void *to,
                         const void *from, size_t count);

#endif
