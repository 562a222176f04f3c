#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static char message[256];

const char *engine_message(void) { return message; }

int engine_fail(const char *what, const char *why) {
  snprintf(message, sizeof message, "%s: %s", what, why);
  return -1;
}

int engine_make_directory(const char *path) {
  if (mkdir(path, 0700) == 0 || errno == EEXIST) return 0;
  return engine_fail(path, strerror(errno));
}

const engine *engine_at(size_t index) {
  static const engine *const engines[] = {
#ifdef PEERS
      &engine_lmdb,
      &engine_sqlite,
      &engine_rocksdb,
#endif
      NULL,
  };
  return index < sizeof engines / sizeof engines[0] ? engines[index] : NULL;
}

static uint64_t disk_bytes;

static int add_file(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)path, (void)place;
  if (kind == FTW_F) disk_bytes += (uint64_t)status->st_blocks * 512;
  return 0;
}

uint64_t engine_disk_bytes(const char *path) {
  disk_bytes = 0;
  return nftw(path, add_file, 16, FTW_PHYS) == 0 ? disk_bytes : 0;
}
