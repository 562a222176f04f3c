/** @file nanots_store.h
 *  @brief NanoTS: opened stores, with all their options. Included by nanots.h, whose introduction holds here as well.
 */
#ifndef NANOTS_STORE_H
#define NANOTS_STORE_H

#include "nanots.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------------------ stores */

typedef enum {
  NANOTS_TIME_NANOSECONDS = 0,
  NANOTS_TIME_MICROSECONDS = 1,
  NANOTS_TIME_MILLISECONDS = 2,
  NANOTS_TIME_SECONDS = 3
} nanots_time_unit_t;

/** How frames are stored. */
typedef enum {
  /** As was said before: by an earlier writer of the stream, or else when the store was made. */
  NANOTS_COMPRESSION_AS_BEFORE = 0,
  /** As they are, and read without a copy. */
  NANOTS_COMPRESSION_OFF = 1,
  /** In chunks compressed with LZ4. A frame can be read as soon as it is written. What a reader gets of a chunk lies in
   *  memory of the store's and is good until that reader comes to another chunk: nanots_frame_is_intact tells. */
  NANOTS_COMPRESSION_LZ4 = 2,
  /** For nanots_store_copy alone: the same, smaller and about ten times as slow to make. */
  NANOTS_COMPRESSION_LZ4HC = 3
} nanots_compression_t;

/** How a store is made. 0 in a member: the default. */
typedef struct {
  uint32_t struct_size;
  /** Bytes of one block: a multiple of 4 KiB from 4 KiB to 1 GiB. Default 1 MiB. */
  uint32_t block_size;
  /** Blocks of the store; the most that a growable one may come to have. Default 64. */
  uint32_t block_count;
  /** Default: all blocks are there from the beginning. Else the store begins with so many and grows. */
  uint32_t initial_block_count;
  /** Streams that the store can hold, up to 65,536. Default 1,024. */
  uint32_t stream_capacity;
  /** A nanots_time_unit_t, for tools: what timestamps count. Default nanoseconds. */
  uint32_t time_unit;
  /** 1: checksums do not cover the frames' bytes. Large frames are written faster, and damage in them goes unseen. */
  uint32_t without_payload_checksums;
  /** 1: pinned blocks are never recycled; writers get NO_FREE_BLOCKS instead. */
  uint32_t pins_hold;
  /** 1: a file that is there is replaced. Default: ALREADY_EXISTS. */
  uint32_t replace_existing;
  /** A nanots_compression_t, for streams of which nothing else is said. Default NANOTS_COMPRESSION_OFF. */
  uint32_t compression;
  /** With NANOTS_COMPRESSION_LZ4, payload bytes of a chunk, about: a multiple of 256 from 256 to 65,536, at most a quarter of a
   *  block. Default 16 KiB, or a 16th of a block where that is less. */
  uint32_t chunk_size;
} nanots_store_options_t;

typedef enum {
  /** Reading. Needs only permission to read. */
  NANOTS_ACCESS_READ_ONLY = 0,
  /** Reading, and being woken by writers. Needs permission to write, or is as NANOTS_ACCESS_READ_ONLY. */
  NANOTS_ACCESS_FOLLOWING = 1,
  NANOTS_ACCESS_READ_WRITE = 2,
  /** Reading what is there at the moment of opening, by pread into memory of the process, with nothing mapped: for files
      that may be cut off or changed by others, and for failing disks. Where a block cannot be read, the code is IO_FAILURE or
      TRUNCATED, once, and the iterator stands behind it. Borrowed bytes stay until the iterator goes to another block; ask
      whether they are intact. No following, pins or copies: INVALID_ARGUMENT. */
  NANOTS_ACCESS_SNAPSHOT = 3
} nanots_access_t;

/** Makes a store and opens it for writing. The caller ends `*store` with nanots_store_close. */
nanots_ec_t nanots_store_create(const char *path, const nanots_store_options_t *options, nanots_store_t *store);
/** Opens a store. The caller ends `*store` with nanots_store_close. */
nanots_ec_t nanots_store_open(const char *path, nanots_access_t access, nanots_store_t *store);
/** Ends the store. Writers, readers, iterators, followers and pins made of it work on. IO_FAILURE: the last changes may
 *  not survive a power loss; the handle is ended all the same. */
nanots_ec_t nanots_store_close(nanots_store_t store);

/** What a writer promises about power loss. A killed process loses nothing under any of them. */
typedef enum {
  /** A block is synced when it is full or its context ends: the frames of the open block may be lost. */
  NANOTS_DURABILITY_ON_SEAL = 0,
  /** Nothing is synced but by nanots_write_context_flush. What is left is a prefix of what was written. */
  NANOTS_DURABILITY_NONE = 1,
  /** Each write returns when its frame is on the disk. */
  NANOTS_DURABILITY_EVERY_FRAME = 2,
  /** When a write returns, every frame whose write returned `interval_milliseconds` before is on the disk. */
  NANOTS_DURABILITY_INTERVAL = 3
} nanots_durability_t;

/** How a writer works. 0 in a member: the default. */
typedef struct {
  uint32_t struct_size;
  /** A nanots_durability_t. Default NANOTS_DURABILITY_ON_SEAL. */
  uint32_t durability;
  /** For NANOTS_DURABILITY_INTERVAL, and then 1 to 3,600,000; otherwise 0. */
  uint32_t interval_milliseconds;
  /** 1: a full store gives NO_FREE_BLOCKS instead of recycling its oldest block. */
  uint32_t without_reclaim;
  /** 1: a frame that is not after the last one is stored one time unit after it, with key 0, and marked; for clocks that
   *  may step back. Default: NON_MONOTONIC_TIMESTAMP. */
  uint32_t clamp;
  /** A nanots_compression_t: how frames are stored from here on, also by later writers of the stream. */
  uint32_t compression;
  /** As in nanots_store_options_t. */
  uint32_t chunk_size;
} nanots_writer_options_t;

/** How an iterator reads. 0 in a member: the default. */
typedef struct {
  uint32_t struct_size;
  /** 1: each frame's checksum is computed before it is handed out; one that fails it gives CORRUPT. Up to 64 frames, or 16
   *  KiB, may be looked at together: what is damaged in memory after that is not noticed. */
  uint32_t verify_checksums;
} nanots_iterator_options_t;

/** A writer of this store, which was opened with NANOTS_ACCESS_READ_WRITE (else READ_ONLY). As nanots_writer_create. */
nanots_ec_t nanots_store_create_writer(nanots_store_t store, const nanots_writer_options_t *options,
                                       nanots_writer_t *writer);
/** A reader of this store. As nanots_reader_create. */
nanots_ec_t nanots_store_create_reader(nanots_store_t store, nanots_reader_t *reader);
/** An iterator of this store. As nanots_iterator_create. */
nanots_ec_t nanots_store_create_iterator(nanots_store_t store, const char *stream,
                                         const nanots_iterator_options_t *options, nanots_iterator_t *iterator);

/** Where a follower begins. */
typedef enum {
  /** Behind the newest frame: only what comes from now on. */
  NANOTS_FOLLOW_FROM_END = 0,
  NANOTS_FOLLOW_FROM_OLDEST = 1,
  /** At the first frame at or after the timestamp. */
  NANOTS_FOLLOW_FROM_TIMESTAMP = 2
} nanots_follow_start_t;

/** Follows `count` streams, none of them twice, which need not exist yet. `timestamp` counts for
 *  NANOTS_FOLLOW_FROM_TIMESTAMP. The caller ends it with nanots_follower_destroy. */
nanots_ec_t nanots_store_create_follower(nanots_store_t store, const char *const *streams, size_t count,
                                         nanots_follow_start_t start, int64_t timestamp, nanots_follower_t *follower);
/** Ends the follower. NULL: nothing is done. */
void nanots_follower_destroy(nanots_follower_t follower);
/** The next frame of any of the streams, borrowed: of those that are there, the one with the lowest timestamp. Waits for
 *  at most so many milliseconds (negative: without limit); TIMED_OUT when none came. `stream_index`, unless NULL, tells
 *  which stream it is of, as they were given. */
nanots_ec_t nanots_follower_next(nanots_follower_t follower, int64_t milliseconds, nanots_frame_t *frame,
                                 size_t *stream_index);

/** Pins the blocks of the stream that reach into [start_timestamp, end_timestamp]: no writer recycles them while there are
 *  others. Works on a store opened for reading. The caller ends it with nanots_pin_destroy; it also ends with the
 *  process. */
nanots_ec_t nanots_store_pin(nanots_store_t store, const char *stream, int64_t start_timestamp, int64_t end_timestamp,
                             nanots_pin_t *pin);
/** Lets the blocks go. NULL: nothing is done. */
void nanots_pin_destroy(nanots_pin_t pin);
/** How many blocks were pinned; 0 where the range held none. */
uint64_t nanots_pin_blocks(nanots_pin_t pin);
/** 1 while none of the blocks was taken all the same, since nothing else was left; else 0. */
int nanots_pin_is_intact(nanots_pin_t pin);

/** How far a copy has come. */
typedef struct {
  /** 0 while frames are copied, 1 while the new file is checked, 2 while its frames are stored with another compression. */
  uint32_t phase;
  uint64_t blocks;
  uint64_t total_blocks;
  uint64_t frames;
  uint64_t total_frames;
  uint64_t bytes;
} nanots_copy_progress_t;
/** Called before the first block and after each. Other than 0 ends the copy with CANCELLED. */
typedef int (*nanots_copy_callback_t)(const nanots_copy_progress_t *progress, void *user_data);

/** What is copied. 0 in a member: the default. */
typedef struct {
  uint32_t struct_size;
  /** 1: a file that is there is replaced. Default: ALREADY_EXISTS. */
  uint32_t replace_existing;
  /** 1: only the frames in [start_timestamp, end_timestamp]. Default: all. */
  uint32_t has_range;
  /** The blocks of the copy, so that recording can go on in it. Default: as many as it uses. */
  uint32_t block_count;
  int64_t start_timestamp;
  int64_t end_timestamp;
  /** The streams; NULL: all. */
  const char *const *streams;
  size_t stream_count;
  nanots_copy_callback_t progress;
  void *user_data;
  /** A nanots_compression_t for the whole copy. Default: each stream as it is. Otherwise the copy is made twice, and needs
   *  room for both. */
  uint32_t compression;
  /** As in nanots_store_options_t. */
  uint32_t chunk_size;
} nanots_copy_options_t;

/** What a copy holds, and what it does not. */
typedef struct {
  uint32_t struct_size;
  /** 1 when it holds everything that was visible when it began and was asked for. */
  uint32_t is_complete;
  uint64_t streams;
  uint64_t blocks;
  uint64_t frames;
  uint64_t bytes;
  uint64_t file_size;
  /** Recycled or freed before they were copied. */
  uint64_t missed_frames;
  uint64_t damaged_frames;
  /** Left behind by a dead writer or a power loss without proof; no reader sees them. */
  uint64_t unproven_frames;
} nanots_copy_report_t;

/** Copies the store, or a part of it, to a new store at `path`, while writers go on. The copy is checked before it gets
 *  its name. `report` may be NULL. OK also when it is not complete: look at the report. */
nanots_ec_t nanots_store_copy(nanots_store_t store, const char *path, const nanots_copy_options_t *options,
                              nanots_copy_report_t *report);

/** Gets one thing that is wrong, in words, during the call. */
typedef void (*nanots_finding_callback_t)(const char *finding, void *user_data);
/** Checks every checksum, bound and link of the store. OK when it is clean; CORRUPT when something is wrong, each of which
 *  `callback` is told of. `callback`, `frames` (whose checksums were computed) and `findings` may be NULL; the numbers
 *  are set in both cases. */
nanots_ec_t nanots_store_verify(nanots_store_t store, nanots_finding_callback_t callback, void *user_data,
                                uint64_t *frames, uint64_t *findings);

/** Figures of a store. */
typedef struct {
  uint32_t struct_size;
  uint32_t format_version;
  uint64_t file_size;
  uint32_t block_size;
  /** A nanots_time_unit_t. */
  uint32_t time_unit;
  uint64_t block_count;
  /** Blocks that the file has room for now: fewer than `block_count` only while a store grows. */
  uint64_t available_blocks;
  uint64_t free_blocks;
  uint64_t open_blocks;
  uint64_t sealed_blocks;
  uint64_t protected_blocks;
  uint64_t pinned_blocks;
  uint64_t streams;
  uint64_t stream_capacity;
  uint64_t frames;
  uint64_t bytes;
  uint64_t reclaimed_blocks;
  uint64_t reclaimed_frames;
  /** Of the oldest and newest frame; both 0 when `frames` is 0. */
  int64_t first_timestamp;
  int64_t last_timestamp;
  uint32_t has_payload_checksums;
  uint32_t is_growable;
  uint32_t pins_hold;
} nanots_store_statistics_t;

/** Fills as much of `statistics` as its `struct_size` says. O(blocks). */
nanots_ec_t nanots_store_statistics(nanots_store_t store, nanots_store_statistics_t *statistics);

/** Figures of a stream. */
typedef struct {
  uint32_t struct_size;
  /** The process of the stream's writer; 0 when it has none. */
  int32_t writer_process_id;
  uint64_t blocks;
  uint64_t frames;
  uint64_t bytes;
  uint64_t segments;
  uint64_t reclaimed_blocks;
  uint64_t reclaimed_frames;
  uint64_t protected_blocks;
  uint64_t pinned_blocks;
  /** Of the oldest and newest frame; both 0 when `frames` is 0. */
  int64_t first_timestamp;
  int64_t last_timestamp;
  /** A nanots_compression_t: how writers store frames that do not say otherwise. */
  uint32_t compression;
  uint32_t zero;
  /** What the frames take: payloads or chunks, index entries, preambles. `bytes` is the sum of their payload lengths. */
  uint64_t stored_bytes;
} nanots_stream_statistics_t;

/** Fills as much of `statistics` as its `struct_size` says. NOT_FOUND for an unknown stream. */
nanots_ec_t nanots_store_stream_statistics(nanots_store_t store, const char *stream,
                                           nanots_stream_statistics_t *statistics);

#ifdef __cplusplus
}
#endif

#endif
