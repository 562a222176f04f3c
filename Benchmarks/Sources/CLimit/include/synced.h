// Appending with a sync of each full block, and what the disk does by itself.
#ifndef SYNCED_H
#define SYNCED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "climit.h"

/// A writer of a ring that syncs each block when it is full: its bytes, then its header.
typedef struct limit_synced limit_synced;

/// On a thread, the sync runs while the next block fills, as the store's thread has it: the writer waits for it before it
/// changes blocks again, and the thread touches the pages of the block after that. Null without a thread or memory.
limit_synced *limit_synced_make(limit_ring ring, bool on_thread);

/// As `limit_append_called`. Returns 0 or the negated errno of a sync.
int limit_synced_append(limit_synced *synced, const void *payload, size_t length, int64_t first, size_t frames);

/// Waits until everything that was appended is on the disk. Returns as `limit_synced_append`.
int limit_synced_flush(limit_synced *synced);
void limit_synced_free(limit_synced *synced);

/// A file of `byte_count` reserved bytes that has no name afterwards: its descriptor, or the negated errno.
int limit_disk_file(const char *path, size_t byte_count);
/// Writes the `size` bytes at `bytes` `count` times, one behind the other, with fdatasync after each.
int limit_disk_write(int file, const void *bytes, size_t size, size_t count);
void limit_disk_close(int file);

#endif
