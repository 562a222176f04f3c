#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int map_ring(limit_ring *ring, int fd, size_t block_size, size_t block_count) {
  size_t byte_count = ring_headers_size(block_count) + block_size * block_count;
  int error = posix_fallocate(fd, 0, (off_t)byte_count);
  void *base = MAP_FAILED;
  if (error == 0) {
    base = mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    error = base == MAP_FAILED ? errno : 0;
  }
  close(fd);
  if (error != 0) return -error;
  *ring = (limit_ring){.base = base, .byte_count = byte_count, .block_size = block_size, .block_count = block_count};
  return 0;
}

int limit_ring_map(limit_ring *ring, const char *path, size_t block_size, size_t block_count) {
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return -errno;
  unlink(path);
  return map_ring(ring, fd, block_size, block_count);
}

int limit_ring_share(limit_ring *ring, const char *path, size_t block_size, size_t block_count) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return fd < 0 ? -errno : map_ring(ring, fd, block_size, block_count);
}

void limit_ring_unmap(limit_ring *ring) { munmap(ring->base, ring->byte_count); }

uint64_t limit_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t limit_minor_faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)usage.ru_minflt;
}
