// A binary search over the index of a store that is only read.
#ifndef SEARCH_H
#define SEARCH_H

#include <stddef.h>
#include <stdint.h>

/// A store file in which one stream has used the blocks in their order.
typedef struct {
  const uint8_t *base;
  size_t byte_count;
  const uint8_t *headers;
  const uint8_t *data;
  size_t block_size;
  size_t block_count;
  /// First timestamp of each block, one behind the other.
  int64_t *firsts;
} limit_index;

/// Maps the store at `path`. Returns 0 or the negated errno; EINVAL for a store of another kind.
int limit_index_map(limit_index *index, const char *path);
void limit_index_unmap(limit_index *index);

/// Looks up the first frame at or after each timestamp: the block by the first timestamps, then the entry in the block.
/// Returns how many are there with just that timestamp.
size_t limit_search(const limit_index *index, const int64_t *timestamps, size_t count);

#endif
