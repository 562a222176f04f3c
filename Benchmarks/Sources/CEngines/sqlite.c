#ifdef PEERS
#include "common.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { BEGIN, COMMIT, INSERT, FORWARD, BACKWARD, SEEK, STATEMENT_COUNT };

static const char *const statement_texts[STATEMENT_COUNT] = {
    "BEGIN",
    "COMMIT",
    "INSERT INTO frames VALUES (?, ?)",
    "SELECT payload FROM frames ORDER BY timestamp",
    "SELECT payload FROM frames ORDER BY timestamp DESC",
    "SELECT timestamp, payload FROM frames WHERE timestamp >= ? ORDER BY timestamp LIMIT 1",
};

struct engine_store {
  sqlite3 *database;
  sqlite3_stmt *statements[STATEMENT_COUNT];
  engine_options options;
  bool in_transaction;
  /// Bytes of payload in the transaction.
  size_t pending;
};

static int failed(engine_store *store, const char *what) { return engine_fail(what, sqlite3_errmsg(store->database)); }

static int execute(engine_store *store, const char *text) {
  return sqlite3_exec(store->database, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(store, text);
}

/// Runs a statement that gives no rows.
static int run(engine_store *store, int statement) {
  int result = sqlite3_step(store->statements[statement]);
  sqlite3_reset(store->statements[statement]);
  return result == SQLITE_DONE ? 0 : failed(store, statement_texts[statement]);
}

static int set_up(engine_store *store, const char *path) {
  char file[4096];
  snprintf(file, sizeof file, "%s/frames.sqlite", path);
  int access = store->options.readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2(file, &store->database, access | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    return failed(store, file);
  if (execute(store, "PRAGMA mmap_size = 2147418112; PRAGMA cache_size = -65536") != 0) return -1;
  if (!store->options.readonly &&
      (execute(store, "PRAGMA journal_mode = WAL") != 0 ||
       execute(store, store->options.synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF") != 0 ||
       execute(store, "CREATE TABLE IF NOT EXISTS frames (timestamp INTEGER PRIMARY KEY, payload BLOB NOT NULL)") != 0))
    return -1;
  for (int i = 0; i < STATEMENT_COUNT; i++) {
    if (store->options.readonly && i == INSERT) continue;
    if (sqlite3_prepare_v3(store->database, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &store->statements[i],
                           NULL) != SQLITE_OK)
      return failed(store, statement_texts[i]);
  }
  return 0;
}

static int sqlite_close(engine_store *store) {
  for (int i = 0; i < STATEMENT_COUNT; i++) sqlite3_finalize(store->statements[i]);
  int result = sqlite3_close(store->database);
  free(store);
  return result == SQLITE_OK ? 0 : engine_fail("sqlite3_close", sqlite3_errstr(result));
}

static int sqlite_open(engine_store **opened, const char *path, const engine_options *options) {
  if (engine_make_directory(path) != 0) return -1;
  engine_store *store = calloc(1, sizeof *store);
  store->options = *options;
  if (set_up(store, path) != 0) {
    sqlite_close(store);
    return -1;
  }
  *opened = store;
  return 0;
}

static int sqlite_commit(engine_store *store) {
  if (!store->in_transaction) return 0;
  store->in_transaction = false;
  store->pending = 0;
  return run(store, COMMIT);
}

static int sqlite_append(engine_store *store, const engine_frames *frames) {
  for (size_t i = 0; i < frames->count; i++) {
    if (!store->in_transaction && run(store, BEGIN) != 0) return -1;
    store->in_transaction = true;
    size_t length = engine_prepare_frame(frames, i);
    sqlite3_bind_int64(store->statements[INSERT], 1, frames->first + (int64_t)i);
    sqlite3_bind_blob(store->statements[INSERT], 2, frames->payload, (int)length, SQLITE_STATIC);
    if (run(store, INSERT) != 0) return -1;
    store->pending += length;
    if (store->pending >= store->options.batch && sqlite_commit(store) != 0) return -1;
  }
  return 0;
}

static int sqlite_settle(engine_store *store) {
  if (sqlite_commit(store) != 0) return -1;
  return execute(store, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static int sqlite_clear(engine_store *store) {
  if (sqlite_commit(store) != 0 || execute(store, "DELETE FROM frames") != 0) return -1;
  return execute(store, "PRAGMA wal_checkpoint(RESTART)");
}

static int sqlite_scan(engine_store *store, bool backward, uint64_t *sum) {
  sqlite3_stmt *statement = store->statements[backward ? BACKWARD : FORWARD];
  uint64_t total = 0;
  int result;
  while ((result = sqlite3_step(statement)) == SQLITE_ROW)
    total += engine_first_word(sqlite3_column_blob(statement, 0));
  sqlite3_reset(statement);
  *sum = total;
  return result == SQLITE_DONE ? 0 : failed(store, "scan");
}

static int sqlite_seek(engine_store *store, const int64_t *timestamps, size_t count, size_t *found) {
  sqlite3_stmt *statement = store->statements[SEEK];
  if (run(store, BEGIN) != 0) return -1;
  *found = 0;
  for (size_t i = 0; i < count; i++) {
    sqlite3_bind_int64(statement, 1, timestamps[i]);
    if (sqlite3_step(statement) == SQLITE_ROW) *found += sqlite3_column_int64(statement, 0) == timestamps[i];
    sqlite3_reset(statement);
  }
  return run(store, COMMIT);
}

const engine engine_sqlite = {
    .name = "SQLite",
    .version = sqlite3_libversion,
    .unsynced = "journal_mode WAL, synchronous OFF, cache 64 MiB, mmap_size 2 GiB; INTEGER PRIMARY KEY and a BLOB; prepared "
                "INSERT, a transaction for each batch",
    .synced = "as unsynced, with synchronous FULL: each transaction syncs the WAL",
    .reading = "prepared SELECT; seeks in one transaction",
    .open = sqlite_open,
    .append = sqlite_append,
    .commit = sqlite_commit,
    .settle = sqlite_settle,
    .clear = sqlite_clear,
    .scan = sqlite_scan,
    .seek = sqlite_seek,
    .close = sqlite_close,
};
#endif
