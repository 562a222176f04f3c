#include "search.h"

#include "climit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Where the file header, and a block's header, have what the search needs.
enum {
  BLOCK_SIZE_AT = 56,
  BLOCK_COUNT_AT = 64,
  BLOCK_TABLE_AT = 96,
  DATA_AT = 104,
  HEADER_SIZE = 128,
  COMMIT_AT = 8,
  LAYOUT_AT = 28,
  SEQUENCE_AT = 40,
  FIRST_TIMESTAMP_AT = 72,
};

static uint64_t word(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, 8);
  return value;
}

static int load_firsts(limit_index *index) {
  index->headers = index->base + word(index->base + BLOCK_TABLE_AT);
  index->data = index->base + word(index->base + DATA_AT);
  index->block_size = word(index->base + BLOCK_SIZE_AT);
  index->block_count = word(index->base + BLOCK_COUNT_AT);
  index->firsts = malloc(index->block_count * sizeof(int64_t));
  if (!index->firsts) return -ENOMEM;
  for (size_t block = 0; block < index->block_count; block++) {
    const uint8_t *header = index->headers + block * HEADER_SIZE;
    uint16_t layout;
    memcpy(&layout, header + LAYOUT_AT, 2);
    if (layout != LIMIT_ENTRY_SIZE << 8 || word(header + SEQUENCE_AT) != block) return -EINVAL;
    index->firsts[block] = (int64_t)word(header + FIRST_TIMESTAMP_AT);
  }
  return 0;
}

int limit_index_map(limit_index *index, const char *path) {
  *index = (limit_index){0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  struct stat status;
  int error = fstat(fd, &status) == 0 ? 0 : -errno;
  if (error == 0) {
    void *base = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED)
      error = -errno;
    else
      *index = (limit_index){.base = base, .byte_count = (size_t)status.st_size};
  }
  close(fd);
  if (error == 0) error = load_firsts(index);
  if (error != 0) limit_index_unmap(index);
  return error;
}

void limit_index_unmap(limit_index *index) {
  free(index->firsts);
  if (index->base) munmap((void *)index->base, index->byte_count);
  *index = (limit_index){0};
}

/// The last block that begins at or before the timestamp, or the first one.
static size_t find_block(const limit_index *index, int64_t timestamp) {
  const int64_t *base = index->firsts;
  for (size_t count = index->block_count; count > 1;) {
    size_t half = count / 2;
    base = base[half] <= timestamp ? base + half : base;
    count -= half;
  }
  return (size_t)(base - index->firsts);
}

size_t limit_search(const limit_index *index, const int64_t *timestamps, size_t count) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    size_t block = find_block(index, timestamps[i]);
    const uint64_t *commit = (const uint64_t *)(index->headers + block * HEADER_SIZE + COMMIT_AT);
    size_t low = 0, frames = (uint32_t)__atomic_load_n(commit, __ATOMIC_ACQUIRE);
    const uint8_t *end = index->data + (block + 1) * index->block_size;
    for (size_t left = frames; left > 0;) {
      size_t half = left / 2;
      int is_behind = (int64_t)word(end - (low + half + 1) * LIMIT_ENTRY_SIZE) < timestamps[i];
      low = is_behind ? low + half + 1 : low;
      left = is_behind ? left - half - 1 : half;
    }
    found += low < frames && (int64_t)word(end - (low + 1) * LIMIT_ENTRY_SIZE) == timestamps[i];
  }
  return found;
}
