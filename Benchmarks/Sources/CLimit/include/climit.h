// Loops in C that do only what an append or a scan cannot do without, over the same kind of memory as a store: a shared
// mapping of a file. They are what the engine is measured against.
#ifndef CLIMIT_H
#define CLIMIT_H

#include <stddef.h>
#include <stdint.h>

enum { LIMIT_ENTRY_SIZE = 24, LIMIT_PREAMBLE_SIZE = 128 };

/// A ring of blocks in a mapping: one 128-byte header for each block (generation, commit word), then the blocks.
typedef struct {
  void *base;
  size_t byte_count;
  size_t block_size;
  size_t block_count;
} limit_ring;

/// Where the next frame goes.
typedef struct {
  limit_ring ring;
  size_t block;
  size_t payload_end;
  size_t index_low;
  uint64_t count;
  uint32_t seed;
} limit_writer;

/// Makes the file at `path`, reserves it and maps it; 0 or the negated errno. The file has no name afterwards.
int limit_ring_map(limit_ring *ring, const char *path, size_t block_size, size_t block_count);
/// The same in a file that keeps its name, made if it is not there, so that another process finds it.
int limit_ring_share(limit_ring *ring, const char *path, size_t block_size, size_t block_count);
void limit_ring_unmap(limit_ring *ring);

/// A writer at the start of block 0.
limit_writer limit_writer_make(limit_ring ring);

/// Appends `frames` frames of the `length` bytes at `payload`, timestamps from `first` on. The whole step is in the loop.
void limit_append_inlined(limit_writer *writer, const void *payload, size_t length, int64_t first, size_t frames);
/// The same with one function call for each frame.
void limit_append_called(limit_writer *writer, const void *payload, size_t length, int64_t first, size_t frames);
/// As `limit_append_called`, each frame with a length of its own.
void limit_append_mixed(limit_writer *writer, const void *payload, const uint32_t *lengths, int64_t first,
                        size_t frames);
/// As `limit_append_inlined`, with the frame's number as the first 8 bytes of each payload (`length` is at least 8).
void limit_append_numbered(limit_writer *writer, void *payload, size_t length, size_t frames);

/// Sums the first 8 bytes of every payload in blocks 0 to `last_block`, checking where each entry points.
uint64_t limit_scan(const limit_ring *ring, size_t last_block);
/// The same, and after each frame one look at the block's generation.
uint64_t limit_scan_guarded(const limit_ring *ring, size_t last_block);
/// The same, with the checksum of each frame computed and compared.
uint64_t limit_scan_verified(const limit_ring *ring, size_t last_block);

/// Reads what a writer in another process appends to the ring, from the frame on that is the newest by now, as it comes: as
/// `limit_scan_guarded` does, and gives the processor away where nothing is new. Does not return. Counts its frames in
/// `progress`.
void limit_tail(const limit_ring *ring, uint64_t *progress);

/// CRC32C by the processor's instruction where the build has one for it.
uint32_t limit_crc32c(uint32_t state, const void *bytes, size_t count);

/// CLOCK_MONOTONIC in nanoseconds.
uint64_t limit_clock(void);
/// Page faults of this process that needed no disk, since its start.
uint64_t limit_minor_faults(void);

#include "crew.h"
#include "peer.h"
#include "pieces.h"
#include "search.h"
#include "synced.h"

#endif
