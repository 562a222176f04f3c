/** @file nanots.h
 *  @brief NanoTS: an embedded time-series engine. This header is its manual for C; nanots.hpp is a layer for C++.
 *
 *  One file (a store) of fixed blocks holds many streams of frames. A frame is a timestamp, optionally a key, flags and
 *  any bytes. When the store is full the oldest block is recycled. Each stream has one writer at a time, in whatever
 *  process; any number of readers, in any process, read while it is written, and never slow it.
 *
 *  @section begin To begin with
 *
 *      nanots_writer_allocate_file("room.nts", 65536, 100);
 *      nanots_writer_t writer = nanots_writer_create("room.nts", 1);
 *      nanots_write_context_t context = nanots_writer_create_context(writer, "temperature", "celsius, double");
 *      double celsius = 21.5;
 *      nanots_writer_write(writer, context, (const uint8_t *)&celsius, sizeof celsius, 1000, 0);
 *      nanots_write_context_destroy(context);
 *      nanots_writer_destroy(writer);
 *
 *      nanots_iterator_t frames = nanots_iterator_create("room.nts", "temperature");
 *      for (; nanots_iterator_valid(frames); nanots_iterator_next(frames)) {
 *        nanots_frame_info_t frame;
 *        if (nanots_iterator_get_current_frame(frames, &frame) == NANOTS_EC_OK) use(frame.data, frame.size);
 *      }
 *      nanots_iterator_destroy(frames);
 *
 *  @section handles Handles
 *
 *  A handle is made by a function with `create` or `open` in its name and ended by its `destroy` or `close`. It is a
 *  number in the form of a pointer and never dereferenced: NULL, a handle that was ended, one of another kind, and a
 *  pointer to something else give NANOTS_EC_INVALID_ARGUMENT, NULL or 0, and do nothing. So does ending one twice.
 *
 *  Each handle keeps what it needs alive: they may be ended in any order.
 *
 *  @section threads Threads
 *
 *  Stores, writers, readers and pins may be used from any number of threads at once. Write contexts, iterators and
 *  followers are used by one thread at a time, in turns as the program likes. A call that finds another thread's call
 *  at work on the same handle returns NANOTS_EC_IN_USE (or 0, or NULL) and does nothing; a `destroy` then does nothing
 *  either, and is to be called again. Two contexts of one writer are two handles: each thread can have its own.
 *
 *  After fork, the child must not use handles of its parent.
 *
 *  @section errors Errors
 *
 *  Functions return a nanots_ec_t. Those that return a handle or a string return NULL. nanots_last_error_message()
 *  then says in words, for this thread, what was wrong, which limit applies and how to put it right. Nothing is printed.
 *  NULL for an argument that is needed, strings that are not UTF-8, and ranges that end before they begin give
 *  NANOTS_EC_INVALID_ARGUMENT. No output argument is written when a function fails, except where it says so.
 *
 *  A store that somebody cuts while it is open ends the process with SIGBUS, as any mapped file does, unless
 *  nanots_install_bus_error_guard() was called: then calls return NANOTS_EC_IO_FAILURE.
 *
 *  @section pointers Pointers that are handed out
 *
 *  Bytes that come from nanots_iterator_get_current_frame and nanots_reader_read are copies, checked after they were
 *  made: they do not change, whatever writers do. They are valid until the iterator moves or ends, or during the
 *  callback. Bytes in a nanots_frame_t or nanots_batch_t are borrowed: they lie in the store, and the writer may recycle
 *  them at any moment. Look at them, then ask nanots_frame_is_intact, and throw away what was made of them if it says 0.
 *
 *  @section structs Structs that grow
 *
 *  Options and reports begin with `struct_size`; set it to the size of the struct. Options are made so that 0 in every
 *  other member means the default: `nanots_store_options_t options = {sizeof options};`. A NULL pointer to options means
 *  all defaults. A program built with an earlier header works with a later library.
 *
 *  @section performance What a call costs
 *
 *  Writing a frame and stepping to one take no lock, allocate nothing and make no system call within a block.
 */
#ifndef NANOTS_H
#define NANOTS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NANOTS_VERSION "0.1.0"

/** The version of the library that is loaded, as NANOTS_VERSION is that of this header. Never NULL; static. */
const char *nanots_version(void);

/* ------------------------------------------------------------------------------------------------------------ errors */

/** What became of a call. The numbers are fixed; later releases add to them. */
typedef enum {
  NANOTS_EC_OK = 0,
  /** There is no file of that name, or it cannot be opened: a directory, no permission. */
  NANOTS_EC_CANT_OPEN = 1,
  /** The file is no store. */
  NANOTS_EC_SCHEMA = 2,
  /** No block is free and none may be recycled. */
  NANOTS_EC_NO_FREE_BLOCKS = 3,
  /** A block size outside 4 KiB to 1 GiB, or not a multiple of 4 KiB. */
  NANOTS_EC_INVALID_BLOCK_SIZE = 4,
  /** The stream has a writer already, in this process or another. */
  NANOTS_EC_DUPLICATE_STREAM_TAG = 5,
  /** Not used by this library. */
  NANOTS_EC_UNABLE_TO_CREATE_SEGMENT = 6,
  /** Not used by this library. */
  NANOTS_EC_UNABLE_TO_CREATE_SEGMENT_BLOCK = 7,
  /** The frame is not after the stream's last one in (timestamp, key). */
  NANOTS_EC_NON_MONOTONIC_TIMESTAMP = 8,
  /** The frame does not fit into a block. */
  NANOTS_EC_ROW_SIZE_TOO_BIG = 9,
  /** The file cannot be made: no such directory, no permission, no room on the disk. */
  NANOTS_EC_UNABLE_TO_ALLOCATE_FILE = 10,
  /** An argument is NULL, outside its range, no UTF-8, or no living handle of the right kind. */
  NANOTS_EC_INVALID_ARGUMENT = 11,
  /** Something that has no code of its own. */
  NANOTS_EC_UNKNOWN = 12,
  /** There is no such stream, or no frame at or after the place asked for. */
  NANOTS_EC_NOT_FOUND = 13,
  /** Frames were recycled before they were read. */
  NANOTS_EC_OVERWRITTEN = 14,
  /** Bytes in the file contradict a checksum or a bound. */
  NANOTS_EC_CORRUPT = 15,
  /** The file has a format version that this library does not read. */
  NANOTS_EC_UNSUPPORTED_VERSION = 16,
  /** The file uses a feature, or the caller asked for one, that this library does not have. */
  NANOTS_EC_UNSUPPORTED_FEATURE = 17,
  /** The file is shorter than its header says. */
  NANOTS_EC_TRUNCATED = 18,
  /** The store was opened for reading, or the file may not be written. */
  NANOTS_EC_READ_ONLY = 19,
  /** A file is there and was not to be replaced. */
  NANOTS_EC_ALREADY_EXISTS = 20,
  /** A system call failed, or a page of the file was lost. */
  NANOTS_EC_IO_FAILURE = 21,
  /** The disk has no room. */
  NANOTS_EC_OUT_OF_SPACE = 22,
  /** The store was closed. */
  NANOTS_EC_CLOSED = 23,
  /** The caller's callback ended what was going on. */
  NANOTS_EC_CANCELLED = 24,
  /** What was to be freed is protected, or pinned in a store where pins hold. */
  NANOTS_EC_PROTECTED = 25,
  /** Every place for a stream is taken. */
  NANOTS_EC_TOO_MANY_STREAMS = 26,
  /** The metadata is longer than a quarter of the block size. */
  NANOTS_EC_METADATA_TOO_LARGE = 27,
  /** There is no frame in that direction, or none yet. No failure: it leaves the last error as it was. */
  NANOTS_EC_END = 28,
  /** No frame came in the time given. No failure: it leaves the last error as it was. */
  NANOTS_EC_TIMED_OUT = 29,
  /** Another call is at work on this handle. */
  NANOTS_EC_IN_USE = 30,
  /** No memory is left for a buffer. */
  NANOTS_EC_OUT_OF_MEMORY = 31,
  /** It cannot be done without what may take long. No failure: it leaves the last error as it was. */
  NANOTS_EC_WOULD_WAIT = 32
} nanots_ec_t;

/** What was wrong with the last call of this thread that failed, in words: UTF-8, at most 1,023 bytes. Empty before the
 *  first failure; calls that succeed leave it alone. Never NULL. Valid until the thread's next call that fails. */
const char *nanots_last_error_message(void);
/** The code of that call, for functions that return NULL; NANOTS_EC_OK before the first failure. */
nanots_ec_t nanots_last_error_code(void);
/** The name of a code, such as "NANOTS_EC_OVERWRITTEN"; "NANOTS_EC_UNKNOWN" for a number that is none. Static. */
const char *nanots_error_name(nanots_ec_t code);

/** Makes a page that the disk does not give, of whatever store of this process, an error of the calls on that store
 *  (NANOTS_EC_IO_FAILURE) and not the end of the process by SIGBUS. Once for the process, before or after stores are
 *  opened. The price is a handler for SIGBUS; one that was there before gets what concerns no store. */
nanots_ec_t nanots_install_bus_error_guard(void);

/* ----------------------------------------------------------------------------------------------------------- handles */

/** Writes a store: makes contexts. Any thread. */
typedef struct nanots_writer_handle *nanots_writer_t;
/** The one writer of one stream. One thread at a time. */
typedef struct nanots_write_context_handle *nanots_write_context_t;
/** Answers questions and reads ranges. Any thread. */
typedef struct nanots_reader_handle *nanots_reader_t;
/** A place in a stream. One thread at a time. */
typedef struct nanots_iterator_handle *nanots_iterator_t;
/** An opened store. Any thread. */
typedef struct nanots_store_handle *nanots_store_t;
/** Blocks held for a reader. Any thread. */
typedef struct nanots_pin_handle *nanots_pin_t;
/** Several streams merged as they grow. One thread at a time. */
typedef struct nanots_follower_handle *nanots_follower_t;

/* ----------------------------------------------------------------------------------------------------------- writing */

/** Makes a store of `n_blocks` blocks of `block_size` bytes at `path`, in place of a file that is there; who has that one
 *  open keeps it. The space is reserved on the disk. A block size that is no multiple of 4 KiB is raised to the next one.
 *  Timestamps count milliseconds as far as tools print them; nanots_store_create has a choice of this and more.
 *
 *  INVALID_ARGUMENT (NULL, no blocks, more than 64 TiB), INVALID_BLOCK_SIZE (below 4 KiB or above 1 GiB),
 *  UNABLE_TO_ALLOCATE_FILE. After an error nothing is left behind, and a file that was there is as it was. */
nanots_ec_t nanots_writer_allocate_file(const char *path, uint32_t block_size, uint32_t n_blocks);

/** Opens the store at `path` for writing. With `auto_reclaim` not 0, a full store recycles its oldest block; with 0,
 *  writing to a full store gives NO_FREE_BLOCKS. NULL on failure. The caller ends it with nanots_writer_destroy. */
nanots_writer_t nanots_writer_create(const char *path, int auto_reclaim);
/** Ends the writer. Its contexts live on until they are destroyed, for the calls that take a context alone. NULL: nothing
 *  is done. */
void nanots_writer_destroy(nanots_writer_t writer);

/** Takes the stream `stream_tag`, which is made if it is not there, to append to it. The frames form a new segment with
 *  `metadata` (UTF-8; NULL: none). NULL on failure: DUPLICATE_STREAM_TAG while it has a writer in any process (the
 *  message has the process id), TOO_MANY_STREAMS, METADATA_TOO_LARGE, IO_FAILURE, or INVALID_ARGUMENT, also for a name
 *  that is empty or longer than 192 bytes. The caller ends it with nanots_write_context_destroy. */
nanots_write_context_t nanots_writer_create_context(nanots_writer_t writer, const char *stream_tag,
                                                    const char *metadata);
/** Seals the open block, syncs it as the durability says, and lets the stream go. NULL: nothing is done.
 *  nanots_write_context_close does the same and tells what became of the sync. */
void nanots_write_context_destroy(nanots_write_context_t context);

/** Appends a frame of `size` bytes to the stream of `context`, which `writer` made. `data` may be NULL when `size` is 0.
 *  When it returns OK, every reader in every process sees the frame, and a kill of this process does not lose it.
 *
 *  NON_MONOTONIC_TIMESTAMP when `timestamp` is not above that of the stream's last frame, ROW_SIZE_TOO_BIG,
 *  NO_FREE_BLOCKS, IO_FAILURE, IN_USE, INVALID_ARGUMENT. After a refusal nothing has changed and writing can go on. */
nanots_ec_t nanots_writer_write(nanots_writer_t writer, nanots_write_context_t context, const uint8_t *data, size_t size,
                                int64_t timestamp, uint8_t flags);

/** Frees the sealed blocks of the stream in the store at `path` whose frames all lie in [start_timestamp,
 *  end_timestamp]. Protected blocks stay. OK also when there was nothing to free. Writers may be at work. */
nanots_ec_t nanots_writer_free_blocks(const char *path, const char *stream_tag, int64_t start_timestamp,
                                      int64_t end_timestamp);

/** Appends as nanots_writer_write does, with 32 bits of flags, and a `key` that orders frames of equal timestamp
 *  (frames without one have key 0). The first key in a stream that had none starts a new block. */
nanots_ec_t nanots_write_context_append(nanots_write_context_t context, const void *data, size_t size,
                                        int64_t timestamp, int64_t key, uint32_t flags);

/** Appends as nanots_write_context_append does, if that takes no lock and no system call. Otherwise WOULD_WAIT, and nothing
 *  was done: when the frame does not go into the open block, is to be refused, or the durability makes writes wait. */
nanots_ec_t nanots_write_context_try_append(nanots_write_context_t context, const void *data, size_t size,
                                            int64_t timestamp, int64_t key, uint32_t flags);

/** A frame of a batch. */
typedef struct {
  int64_t timestamp;
  int64_t key;
  /** May be NULL when `size` is 0. */
  const void *data;
  size_t size;
  uint32_t flags;
} nanots_new_frame_t;

/** Appends `count` frames in order; those of one block become visible at once. Order and sizes of all are checked before
 *  anything is stored. When NO_FREE_BLOCKS or IO_FAILURE comes up part-way, the frames before it are stored, and the
 *  message says how many. */
nanots_ec_t nanots_write_context_append_batch(nanots_write_context_t context, const nanots_new_frame_t *frames,
                                              size_t count);

/** The same for frames of `size` bytes each, of which timestamps, keys, flags and bytes lie one behind the other. `keys` and
 *  `flags` may be NULL: all 0. */
nanots_ec_t nanots_write_context_append_columns(nanots_write_context_t context, size_t count, const int64_t *timestamps,
                                                const int64_t *keys, const uint32_t *flags, const void *data,
                                                size_t size);

/** Makes every frame appended so far survive a power loss. Waits for the disk. */
nanots_ec_t nanots_write_context_flush(nanots_write_context_t context);
/** As nanots_write_context_destroy. The handle is ended whatever is returned, except for INVALID_ARGUMENT and IN_USE;
 *  IO_FAILURE: the last frames may not survive a power loss. */
nanots_ec_t nanots_write_context_close(nanots_write_context_t context);
/** The timestamp and key of the stream's last frame, also one of an earlier session. END when it has none. Either pointer
 *  may be NULL. */
nanots_ec_t nanots_write_context_last(nanots_write_context_t context, int64_t *timestamp, int64_t *key);
/** The most bytes that a frame can have here; 0 for what is no context. */
size_t nanots_write_context_maximum_frame_size(nanots_write_context_t context);

/* ----------------------------------------------------------------------------------------------------------- reading */

/** Opens the store at `path` for reading, for which permission to read is enough. NULL on failure. The caller ends it with
 *  nanots_reader_destroy. */
nanots_reader_t nanots_reader_create(const char *path);
/** Ends the reader. Calls that other threads have on it come to their end. NULL: nothing is done. */
void nanots_reader_destroy(nanots_reader_t reader);

/** Gets one frame. `data` and `metadata` are valid during the call. `metadata` is the segment's; NULL where it is not known,
 *  because the block's preamble is damaged, or was recycled after the data was copied. Must return: no exception, no
 *  longjmp. */
typedef void (*nanots_read_callback_t)(const uint8_t *data, size_t size, uint8_t flags, int64_t timestamp,
                                       int64_t block_sequence, const char *metadata, void *user_data);

/** Calls `callback` with each frame of the stream with a timestamp in [start_timestamp, end_timestamp], oldest first.
 *  `flags` are the low 8 bits of the frame's. An unknown stream has no frames. All frames that can be read are handed
 *  out; OVERWRITTEN or CORRUPT at the end says that others could not be. */
nanots_ec_t nanots_reader_read(nanots_reader_t reader, const char *stream_tag, int64_t start_timestamp,
                               int64_t end_timestamp, nanots_read_callback_t callback, void *user_data);

/** A part of a segment in which no block is missing. */
typedef struct {
  /** The number of the segment in the stream, from 0. Two runs may be of one segment. */
  int64_t segment_id;
  int64_t start_timestamp;
  /** That of the last frame; of an open segment, of the last one committed. */
  int64_t end_timestamp;
} nanots_contiguous_segment_t;

/** The contiguous runs of the stream whose blocks reach into [start_timestamp, end_timestamp], oldest first. The caller
 *  frees the array with nanots_free_contiguous_segments; it is NULL when the count is 0. */
nanots_ec_t nanots_reader_query_contiguous_segments(nanots_reader_t reader, const char *stream_tag,
                                                    int64_t start_timestamp, int64_t end_timestamp,
                                                    nanots_contiguous_segment_t **segments, size_t *count);
/** Frees the array. NULL: nothing is done. */
void nanots_free_contiguous_segments(nanots_contiguous_segment_t *segments);

/** Looks for the streams with a frame in [start_timestamp, end_timestamp], which nanots_reader_query_stream_tags_next
 *  then returns one after the other, sorted. */
nanots_ec_t nanots_reader_query_stream_tags_start(nanots_reader_t reader, int64_t start_timestamp,
                                                  int64_t end_timestamp);
/** The next name; NULL behind the last. Valid until the next _start on this reader, or its end. */
const char *nanots_reader_query_stream_tags_next(nanots_reader_t reader);

/** The number of frames of the stream in [start_timestamp, end_timestamp], without reading them. */
nanots_ec_t nanots_reader_count(nanots_reader_t reader, const char *stream_tag, int64_t start_timestamp,
                                int64_t end_timestamp, uint64_t *count);

/* --------------------------------------------------------------------------------------------------------- iterating */

/** What nanots_iterator_get_current_frame and _next of existing programs know of a frame. */
typedef struct {
  const uint8_t *data;
  size_t size;
  /** The low 8 bits of the frame's flags. */
  uint8_t flags;
  int64_t timestamp;
  int64_t block_sequence;
} nanots_frame_info_t;

/** An iterator on the first frame of the stream in the store at `path`. For a stream that is empty or unknown it is not
 *  valid; _next looks again. NULL on failure. The caller ends it with nanots_iterator_destroy. */
nanots_iterator_t nanots_iterator_create(const char *path, const char *stream_tag);
/** Ends the iterator, and with it the pointers that it handed out. NULL: nothing is done. */
void nanots_iterator_destroy(nanots_iterator_t iterator);

/** 1 while the iterator stands on a frame, else 0; NULL gives 0. */
int nanots_iterator_valid(nanots_iterator_t iterator);

/** The frame that the iterator stands on, its bytes copied into the iterator's own buffer and then checked: valid until the
 *  iterator moves. INVALID_ARGUMENT when it stands on none. OVERWRITTEN when the frame was recycled before it was
 *  copied: the iterator is valid still and moves on when asked. On failure `frame_info` is all 0, unless it is NULL. */
nanots_ec_t nanots_iterator_get_current_frame(nanots_iterator_t iterator, nanots_frame_info_t *frame_info);

/** Steps forward, across segments. Past the last frame the iterator is not valid, and OK is returned; called again, it
 *  comes to frames that were committed since. When frames were recycled before it came to them (OVERWRITTEN), or cannot
 *  be read (CORRUPT, UNSUPPORTED_FEATURE), it stands on the next one that can be read, and nanots_iterator_missed says how
 *  many were left out. */
nanots_ec_t nanots_iterator_next(nanots_iterator_t iterator);
/** Steps back, across segments. Before the first frame the iterator is not valid, and OK is returned. From behind the last
 *  frame it comes to the last. Otherwise as nanots_iterator_next. */
nanots_ec_t nanots_iterator_prev(nanots_iterator_t iterator);
/** Goes to the oldest frame. OK also when there is none. */
nanots_ec_t nanots_iterator_reset(nanots_iterator_t iterator);
/** Goes to the first frame at or after `timestamp`; INVALID_ARGUMENT, and not valid, when there is none. */
nanots_ec_t nanots_iterator_find(nanots_iterator_t iterator, int64_t timestamp);

/** The number of the block, within the stream, in which the frame lies; 0 when the iterator is not valid. */
int64_t nanots_iterator_current_block_sequence(nanots_iterator_t iterator);
/** The metadata of the segment that the frame belongs to; NULL when the iterator is not valid, the block was recycled,
 *  or its preamble is damaged. Valid until the iterator moves. */
const char *nanots_iterator_current_metadata(nanots_iterator_t iterator);

/** Goes to the newest frame. OK also when there is none. */
nanots_ec_t nanots_iterator_last(nanots_iterator_t iterator);
/** Goes behind the newest frame, where the iterator is not valid: _next comes to what is appended from now on. */
nanots_ec_t nanots_iterator_seek_end(nanots_iterator_t iterator);
/** Goes to the first frame at or after (`timestamp`, `key`); NOT_FOUND, and not valid, when there is none. */
nanots_ec_t nanots_iterator_find_key(nanots_iterator_t iterator, int64_t timestamp, int64_t key);
/** How many frames the last move left out: recycled before they were read, or damaged. */
uint64_t nanots_iterator_missed(nanots_iterator_t iterator);

/** A frame whose bytes are borrowed: they lie in the store and may be recycled at any moment (see nanots_frame_is_intact).
 *  All other members are values that do not change. `data` may be looked at as long as the iterator, follower or store
 *  that it came from lives. */
typedef struct {
  const uint8_t *data;
  size_t size;
  int64_t timestamp;
  int64_t key;
  /** The number of the frame in the stream, from 0, with none left out. */
  uint64_t ordinal;
  /** The number of the segment in the stream, from 0. */
  uint64_t segment;
  int64_t block_sequence;
  /** Frames left out just before this one: recycled before they were read, or damaged. */
  uint64_t missed;
  uint32_t flags;
  /** 1 when the writer's clock was behind and the library set the timestamp. */
  uint32_t was_clamped;
  /** For nanots_frame_is_intact. */
  const void *life;
  uint64_t generation;
} nanots_frame_t;

/** The frame that the iterator stands on, borrowed. END when it stands on none. */
nanots_ec_t nanots_iterator_borrow(nanots_iterator_t iterator, nanots_frame_t *frame);
/** nanots_iterator_next and nanots_iterator_borrow in one call. END past the last frame. Where frames were left out it
 *  returns OK with `missed` set, for the next one that can be read. */
nanots_ec_t nanots_iterator_next_frame(nanots_iterator_t iterator, nanots_frame_t *frame);
/** The same going back. END before the first frame. */
nanots_ec_t nanots_iterator_prev_frame(nanots_iterator_t iterator, nanots_frame_t *frame);
/** nanots_iterator_find_key and nanots_iterator_borrow in one call: NOT_FOUND when there is none. `frame` is set with OK. */
nanots_ec_t nanots_iterator_find_frame(nanots_iterator_t iterator, int64_t timestamp, int64_t key, nanots_frame_t *frame);
/** As nanots_iterator_next_frame; when there is none yet, waits until one is committed, in whatever process, for at most so
 *  many milliseconds (negative: without limit). TIMED_OUT when none came. The stream need not exist yet. In a store that
 *  was opened to follow, the writer wakes it; otherwise it looks again every 0.2 to 20 ms. */
nanots_ec_t nanots_iterator_wait_next(nanots_iterator_t iterator, int64_t milliseconds, nanots_frame_t *frame);

/** 1 while the frame's block has not been recycled: everything read from its `data` before this call was this frame's. 0
 *  when it was, or for NULL. `frame` must come from a call above, and its iterator, follower or store must live. */
int nanots_frame_is_intact(const nanots_frame_t *frame);
/** Copies the frame's bytes to `into`, which has room for `capacity`, and then checks them. ROW_SIZE_TOO_BIG when they do
 *  not fit; OVERWRITTEN: what was copied is void. As for nanots_frame_is_intact. */
nanots_ec_t nanots_frame_copy(const nanots_frame_t *frame, void *into, size_t capacity);

/** Consecutive frames of one block as columns, borrowed. The timestamp of frame i is the int64_t at
 *  `timestamps + i * timestamp_stride`; its bytes are the `size` bytes at `data + i * data_stride`. */
typedef struct {
  size_t count;
  uint64_t first_ordinal;
  const uint8_t *timestamps;
  ptrdiff_t timestamp_stride;
  /** NULL when the frames differ in size: then step through them one by one. */
  const uint8_t *data;
  size_t data_stride;
  size_t size;
  /** Frames left out just before the first. */
  uint64_t missed;
  const void *life;
  uint64_t generation;
} nanots_batch_t;

/** Takes the frames from the next one on, to the end of its block or to the last one at or before `last_timestamp`, as one
 *  batch, and steps behind them; the iterator is then not valid. END when there is no such frame: the iterator is then
 *  before the frame that follows. */
nanots_ec_t nanots_iterator_next_batch(nanots_iterator_t iterator, int64_t last_timestamp, nanots_batch_t *batch);
/** As nanots_frame_is_intact, for every frame of the batch. */
int nanots_batch_is_intact(const nanots_batch_t *batch);

#ifdef __cplusplus
}
#endif

#include "nanots_store.h"

#endif
