#define _GNU_SOURCE
#include "append.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NO_BLOCK = -1, END = -2 };

struct limit_synced {
  limit_writer writer;
  bool on_thread;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t change;
  /// The full block that the thread is to sync.
  long full;
  /// The negated errno of a sync that failed.
  int failure;
};

static int sync_block(const limit_ring *ring, size_t block) {
  if (msync(ring_block(ring, block), ring->block_size, MS_SYNC) != 0) return -errno;
  uintptr_t page = (uintptr_t)ring_header(ring, block) & ~(uintptr_t)4095;
  return msync((void *)page, 4096, MS_SYNC) == 0 ? 0 : -errno;
}

/// Makes the pages of the block after the one that is being filled writable again: they are write-protected since they
/// were synced, and populated only if they are not in the table. What fails is done by page faults.
static void populate_next(const limit_ring *ring, size_t full) {
  uint8_t *block = ring_block(ring, (full + 2) % ring->block_count);
  madvise(block, ring->block_size, MADV_DONTNEED);
  madvise(block, ring->block_size, MADV_POPULATE_WRITE);
}

static void *sync_blocks(void *argument) {
  limit_synced *synced = argument;
  pthread_mutex_lock(&synced->lock);
  while (synced->full != END) {
    if (synced->full == NO_BLOCK) {
      pthread_cond_wait(&synced->change, &synced->lock);
      continue;
    }
    size_t block = (size_t)synced->full;
    pthread_mutex_unlock(&synced->lock);
    int failure = sync_block(&synced->writer.ring, block);
    populate_next(&synced->writer.ring, block);
    pthread_mutex_lock(&synced->lock);
    if (failure != 0) synced->failure = failure;
    synced->full = NO_BLOCK;
    pthread_cond_broadcast(&synced->change);
  }
  pthread_mutex_unlock(&synced->lock);
  return NULL;
}

limit_synced *limit_synced_make(limit_ring ring, bool on_thread) {
  limit_synced *synced = calloc(1, sizeof *synced);
  if (!synced) return NULL;
  synced->writer = limit_writer_make(ring);
  synced->on_thread = on_thread;
  synced->full = NO_BLOCK;
  pthread_mutex_init(&synced->lock, NULL);
  pthread_cond_init(&synced->change, NULL);
  if (on_thread && pthread_create(&synced->thread, NULL, sync_blocks, synced) != 0) {
    free(synced);
    return NULL;
  }
  return synced;
}

/// Waits for the block before, then gives the thread `next`.
static int hand_over(limit_synced *synced, long next) {
  pthread_mutex_lock(&synced->lock);
  while (synced->full >= 0) pthread_cond_wait(&synced->change, &synced->lock);
  synced->full = next;
  int failure = synced->failure;
  pthread_cond_broadcast(&synced->change);
  pthread_mutex_unlock(&synced->lock);
  return failure;
}

static __attribute__((noinline)) int change_blocks(limit_synced *synced) {
  size_t full = synced->writer.block;
  int failure = synced->on_thread ? hand_over(synced, (long)full) : sync_block(&synced->writer.ring, full);
  move_to_next_block(&synced->writer);
  return failure;
}

LIMIT_TARGET static __attribute__((noinline)) int append_synced(limit_synced *synced, const void *payload,
                                                                size_t length, int64_t timestamp) {
  int failure = block_has_room(&synced->writer, length) ? 0 : change_blocks(synced);
  append(&synced->writer, payload, length, timestamp);
  return failure;
}

int limit_synced_append(limit_synced *synced, const void *payload, size_t length, int64_t first, size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    int failure = append_synced(synced, payload, length, first + (int64_t)i);
    if (failure != 0) return failure;
  }
  return 0;
}

int limit_synced_flush(limit_synced *synced) {
  int failure = hand_over(synced, NO_BLOCK);
  return failure != 0 ? failure : sync_block(&synced->writer.ring, synced->writer.block);
}

void limit_synced_free(limit_synced *synced) {
  if (synced->on_thread) {
    hand_over(synced, END);
    pthread_join(synced->thread, NULL);
  }
  pthread_cond_destroy(&synced->change);
  pthread_mutex_destroy(&synced->lock);
  free(synced);
}

int limit_disk_file(const char *path, size_t byte_count) {
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return -errno;
  unlink(path);
  int error = posix_fallocate(file, 0, (off_t)byte_count);
  if (error == 0) return file;
  close(file);
  return -error;
}

int limit_disk_write(int file, const void *bytes, size_t size, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (pwrite(file, bytes, size, (off_t)(i * size)) != (ssize_t)size || fdatasync(file) != 0) return -errno;
  }
  return 0;
}

void limit_disk_close(int file) { close(file); }
