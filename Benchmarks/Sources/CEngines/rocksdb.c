#ifdef PEERS
#include "common.h"

#include <endian.h>
#include <rocksdb/c.h>
#include <stdlib.h>

const char *engine_rocksdb_version(void);

struct engine_store {
  rocksdb_t *database;
  rocksdb_options_t *options;
  rocksdb_block_based_table_options_t *table;
  rocksdb_cache_t *cache;
  rocksdb_writeoptions_t *writing;
  rocksdb_readoptions_t *reading;
  rocksdb_writebatch_t *batch;
  engine_options how;
  char *path;
  /// Bytes of payload in the batch.
  size_t pending;
};

/// Takes the message that an RocksDB call has left in `error`.
static int result_of(const char *what, char *error) {
  if (!error) return 0;
  engine_fail(what, error);
  rocksdb_free(error);
  return -1;
}

static int open_database(engine_store *store) {
  char *error = NULL;
  store->database = store->how.readonly ? rocksdb_open_for_read_only(store->options, store->path, 0, &error)
                                        : rocksdb_open(store->options, store->path, &error);
  return result_of("rocksdb_open", error);
}

static int rocksdb_engine_close(engine_store *store) {
  if (store->database) rocksdb_close(store->database);
  rocksdb_writebatch_destroy(store->batch);
  rocksdb_readoptions_destroy(store->reading);
  rocksdb_writeoptions_destroy(store->writing);
  rocksdb_options_destroy(store->options);
  rocksdb_block_based_options_destroy(store->table);
  rocksdb_cache_destroy(store->cache);
  free(store->path);
  free(store);
  return 0;
}

static int rocksdb_engine_open(engine_store **opened, const char *path, const engine_options *options) {
  if (engine_make_directory(path) != 0) return -1;
  engine_store *store = calloc(1, sizeof *store);
  store->how = *options;
  store->path = strdup(path);
  store->options = rocksdb_options_create();
  rocksdb_options_set_create_if_missing(store->options, 1);
  rocksdb_options_increase_parallelism(store->options, 2);
  rocksdb_options_set_compression(store->options, rocksdb_no_compression);
  store->cache = rocksdb_cache_create_lru((size_t)512 << 20);
  store->table = rocksdb_block_based_options_create();
  rocksdb_block_based_options_set_block_cache(store->table, store->cache);
  rocksdb_options_set_block_based_table_factory(store->options, store->table);
  store->writing = rocksdb_writeoptions_create();
  rocksdb_writeoptions_disable_WAL(store->writing, !options->synced);
  rocksdb_writeoptions_set_sync(store->writing, options->synced);
  store->reading = rocksdb_readoptions_create();
  store->batch = rocksdb_writebatch_create();
  if (open_database(store) != 0) {
    rocksdb_engine_close(store);
    return -1;
  }
  *opened = store;
  return 0;
}

static int rocksdb_engine_commit(engine_store *store) {
  if (rocksdb_writebatch_count(store->batch) == 0) return 0;
  char *error = NULL;
  rocksdb_write(store->database, store->writing, store->batch, &error);
  rocksdb_writebatch_clear(store->batch);
  store->pending = 0;
  return result_of("rocksdb_write", error);
}

static int rocksdb_engine_append(engine_store *store, const engine_frames *frames) {
  for (size_t i = 0; i < frames->count; i++) {
    size_t length = engine_prepare_frame(frames, i);
    uint64_t key = htobe64((uint64_t)frames->first + i);
    rocksdb_writebatch_put(store->batch, (const char *)&key, 8, (const char *)frames->payload, length);
    store->pending += length;
    if (store->pending >= store->how.batch && rocksdb_engine_commit(store) != 0) return -1;
  }
  return 0;
}

static int rocksdb_engine_settle(engine_store *store) {
  if (rocksdb_engine_commit(store) != 0) return -1;
  char *error = NULL;
  rocksdb_flushoptions_t *flushing = rocksdb_flushoptions_create();
  rocksdb_flush(store->database, flushing, &error);
  rocksdb_flushoptions_destroy(flushing);
  rocksdb_compact_range(store->database, NULL, 0, NULL, 0);
  return result_of("rocksdb_flush", error);
}

/// An engine that never writes in place: its files are removed.
static int rocksdb_engine_clear(engine_store *store) {
  if (rocksdb_engine_commit(store) != 0) return -1;
  rocksdb_close(store->database);
  store->database = NULL;
  char *error = NULL;
  rocksdb_destroy_db(store->options, store->path, &error);
  return result_of("rocksdb_destroy_db", error) != 0 ? -1 : open_database(store);
}

static int end_of(rocksdb_iterator_t *iterator) {
  char *error = NULL;
  rocksdb_iter_get_error(iterator, &error);
  rocksdb_iter_destroy(iterator);
  return result_of("RocksDB iterator", error);
}

static int rocksdb_engine_scan(engine_store *store, bool backward, uint64_t *sum) {
  rocksdb_iterator_t *iterator = rocksdb_create_iterator(store->database, store->reading);
  void (*step)(rocksdb_iterator_t *) = backward ? rocksdb_iter_prev : rocksdb_iter_next;
  if (backward)
    rocksdb_iter_seek_to_last(iterator);
  else
    rocksdb_iter_seek_to_first(iterator);
  uint64_t total = 0;
  for (size_t length; rocksdb_iter_valid(iterator); step(iterator))
    total += engine_first_word(rocksdb_iter_value(iterator, &length));
  *sum = total;
  return end_of(iterator);
}

static int rocksdb_engine_seek(engine_store *store, const int64_t *timestamps, size_t count, size_t *found) {
  rocksdb_iterator_t *iterator = rocksdb_create_iterator(store->database, store->reading);
  *found = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t key = htobe64((uint64_t)timestamps[i]);
    rocksdb_iter_seek(iterator, (const char *)&key, 8);
    if (!rocksdb_iter_valid(iterator)) continue;
    size_t length;
    *found += engine_first_word(rocksdb_iter_key(iterator, &length)) == key;
  }
  return end_of(iterator);
}

const engine engine_rocksdb = {
    .name = "RocksDB",
    .version = engine_rocksdb_version,
    .unsynced = "no WAL, no compression, increase_parallelism 2, block cache 512 MiB, other options as they are; big-endian "
                "keys; a write batch for each batch",
    .synced = "as unsynced, with the WAL and sync for each write batch",
    .reading = "one iterator, after flush and compact_range",
    .open = rocksdb_engine_open,
    .append = rocksdb_engine_append,
    .commit = rocksdb_engine_commit,
    .settle = rocksdb_engine_settle,
    .clear = rocksdb_engine_clear,
    .scan = rocksdb_engine_scan,
    .seek = rocksdb_engine_seek,
    .close = rocksdb_engine_close,
};
#endif
