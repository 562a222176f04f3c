// Engines that NanoTS is compared with, each behind the same functions. The loops over frames are here and not with the
// caller, so that none of them pays for a call from Swift.
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A run of frames, with the timestamps `first`, `first` + 1 and so on; none is negative.
typedef struct {
  /// Every frame is the first bytes of it.
  uint8_t *payload;
  /// How many bytes of it each frame has; null when all have `length`.
  const uint32_t *lengths;
  size_t length;
  size_t count;
  int64_t first;
  /// The first 8 bytes of each frame become its timestamp.
  bool numbered;
} engine_frames;

typedef struct {
  /// Bytes that the file may come to have, for engines that have to know.
  size_t capacity;
  /// A transaction or write batch ends with the frame that brings it to so many bytes of payload.
  size_t batch;
  /// Whether the end of a batch waits for the disk.
  bool synced;
  bool readonly;
} engine_options;

typedef struct engine_store engine_store;

/// Functions that return an int return 0, or else `engine_message` says what failed.
typedef struct {
  const char *name;
  const char *(*version)(void);
  /// How it writes when nothing is synced, when batches are, and how it reads.
  const char *unsynced;
  const char *synced;
  const char *reading;
  /// Opens what is in the directory `path`, made if it is not there.
  int (*open)(engine_store **store, const char *path, const engine_options *options);
  int (*append)(engine_store *store, const engine_frames *frames);
  /// Ends the batch that is under way.
  int (*commit)(engine_store *store);
  /// Brings what is stored into the form that its engine leaves it in for good.
  int (*settle)(engine_store *store);
  /// Removes every frame. The next ones go where those were, if the engine can do that.
  int (*clear)(engine_store *store);
  /// Sums the first 8 bytes of every payload.
  int (*scan)(engine_store *store, bool backward, uint64_t *sum);
  /// Seeks to each timestamp with one cursor and counts where a frame with just this timestamp was found.
  int (*seek)(engine_store *store, const int64_t *timestamps, size_t count, size_t *found);
  int (*close)(engine_store *store);
} engine;

/// The engines of this build, from 0 on; null behind the last. There are none without the trait Peers.
const engine *engine_at(size_t index);

/// What failed last.
const char *engine_message(void);

/// Bytes that the files in the directory `path`, or the file `path`, take on the disk.
uint64_t engine_disk_bytes(const char *path);

#endif
