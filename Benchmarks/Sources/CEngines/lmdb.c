#ifdef PEERS
#include "common.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

struct engine_store {
  MDB_env *environment;
  MDB_dbi database;
  engine_options options;
  /// The transaction that is under way, with its cursor, and the bytes of payload in it.
  MDB_txn *transaction;
  MDB_cursor *cursor;
  size_t pending;
};

#define CHECK(call)                                                                      \
  do {                                                                                   \
    int result = (call);                                                                 \
    if (result != MDB_SUCCESS) return engine_fail("LMDB, " #call, mdb_strerror(result)); \
  } while (0)

static const char *lmdb_version(void) {
  static char text[32];
  int major, minor, patch;
  mdb_version(&major, &minor, &patch);
  snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
  return text;
}

static int lmdb_open_files(engine_store *store, const char *path) {
  CHECK(mdb_env_create(&store->environment));
  CHECK(mdb_env_set_mapsize(store->environment, (store->options.capacity + 4095) & ~(size_t)4095));
  unsigned flags = store->options.readonly ? MDB_RDONLY : MDB_WRITEMAP | MDB_NOMETASYNC | MDB_NOSYNC;
  CHECK(mdb_env_open(store->environment, path, flags | MDB_NORDAHEAD, 0600));
  MDB_txn *transaction;
  CHECK(mdb_txn_begin(store->environment, NULL, store->options.readonly ? MDB_RDONLY : 0, &transaction));
  CHECK(mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY | (store->options.readonly ? 0 : MDB_CREATE), &store->database));
  CHECK(mdb_txn_commit(transaction));
  return 0;
}

static int lmdb_close(engine_store *store) {
  if (store->transaction) mdb_txn_abort(store->transaction);
  if (store->environment) mdb_env_close(store->environment);
  free(store);
  return 0;
}

static int lmdb_open(engine_store **opened, const char *path, const engine_options *options) {
  if (engine_make_directory(path) != 0) return -1;
  engine_store *store = calloc(1, sizeof *store);
  store->options = *options;
  if (lmdb_open_files(store, path) != 0) {
    lmdb_close(store);
    return -1;
  }
  *opened = store;
  return 0;
}

static int lmdb_commit(engine_store *store) {
  if (!store->transaction) return 0;
  MDB_txn *transaction = store->transaction;
  mdb_cursor_close(store->cursor);
  store->transaction = NULL;
  store->pending = 0;
  CHECK(mdb_txn_commit(transaction));
  if (store->options.synced) CHECK(mdb_env_sync(store->environment, 1));
  return 0;
}

static int lmdb_append(engine_store *store, const engine_frames *frames) {
  for (size_t i = 0; i < frames->count; i++) {
    if (!store->transaction) {
      CHECK(mdb_txn_begin(store->environment, NULL, 0, &store->transaction));
      CHECK(mdb_cursor_open(store->transaction, store->database, &store->cursor));
    }
    size_t length = engine_prepare_frame(frames, i);
    uint64_t timestamp = (uint64_t)frames->first + i;
    MDB_val key = {.mv_size = 8, .mv_data = &timestamp}, value = {.mv_size = length, .mv_data = frames->payload};
    CHECK(mdb_cursor_put(store->cursor, &key, &value, MDB_APPEND));
    store->pending += length;
    if (store->pending >= store->options.batch && lmdb_commit(store) != 0) return -1;
  }
  return 0;
}

static int lmdb_settle(engine_store *store) { return lmdb_commit(store); }

static int lmdb_clear(engine_store *store) {
  if (lmdb_commit(store) != 0) return -1;
  MDB_txn *transaction;
  CHECK(mdb_txn_begin(store->environment, NULL, 0, &transaction));
  CHECK(mdb_drop(transaction, store->database, 0));
  CHECK(mdb_txn_commit(transaction));
  CHECK(mdb_env_sync(store->environment, 1));
  return 0;
}

static int lmdb_begin_reading(engine_store *store, MDB_txn **transaction, MDB_cursor **cursor) {
  CHECK(mdb_txn_begin(store->environment, NULL, MDB_RDONLY, transaction));
  CHECK(mdb_cursor_open(*transaction, store->database, cursor));
  return 0;
}

static int lmdb_scan(engine_store *store, bool backward, uint64_t *sum) {
  MDB_txn *transaction;
  MDB_cursor *cursor;
  if (lmdb_begin_reading(store, &transaction, &cursor) != 0) return -1;
  MDB_cursor_op step = backward ? MDB_PREV : MDB_NEXT;
  MDB_val key, value;
  uint64_t total = 0;
  while (mdb_cursor_get(cursor, &key, &value, step) == MDB_SUCCESS) total += engine_first_word(value.mv_data);
  mdb_cursor_close(cursor);
  mdb_txn_abort(transaction);
  *sum = total;
  return 0;
}

static int lmdb_seek(engine_store *store, const int64_t *timestamps, size_t count, size_t *found) {
  MDB_txn *transaction;
  MDB_cursor *cursor;
  if (lmdb_begin_reading(store, &transaction, &cursor) != 0) return -1;
  *found = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t timestamp = (uint64_t)timestamps[i];
    MDB_val key = {.mv_size = 8, .mv_data = &timestamp}, value;
    if (mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) != MDB_SUCCESS) continue;
    *found += engine_first_word(key.mv_data) == (uint64_t)timestamps[i];
  }
  mdb_cursor_close(cursor);
  mdb_txn_abort(transaction);
  return 0;
}

const engine engine_lmdb = {
    .name = "LMDB",
    .version = lmdb_version,
    .unsynced = "MDB_WRITEMAP, MDB_NOMETASYNC, MDB_NOSYNC, MDB_NORDAHEAD; MDB_INTEGERKEY; mdb_cursor_put with MDB_APPEND, "
                "a write transaction for each batch",
    .synced = "as unsynced, and mdb_env_sync after each transaction",
    .reading = "one cursor in one read transaction",
    .open = lmdb_open,
    .append = lmdb_append,
    .commit = lmdb_commit,
    .settle = lmdb_settle,
    .clear = lmdb_clear,
    .scan = lmdb_scan,
    .seek = lmdb_seek,
    .close = lmdb_close,
};
#endif
