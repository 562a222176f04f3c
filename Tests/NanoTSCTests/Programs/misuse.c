// What a program may get wrong: an error of the right kind each time, and nothing on the standard error.
#include "check.h"

#include <pthread.h>
#include <unistd.h>

static void handles(void) {
  nanots_iterator_t iterator = nanots_iterator_create(new_store(), "s");
  // Of another kind, of nothing, and of a slot that has a new handle by now.
  CHECK_CODE(nanots_iterator_next((nanots_iterator_t)nanots_reader_create("test.nts")), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_iterator_next((nanots_iterator_t) "text"), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_iterator_next((nanots_iterator_t)UINTPTR_MAX), NANOTS_EC_INVALID_ARGUMENT);
  nanots_iterator_destroy(iterator);
  nanots_iterator_t next = nanots_iterator_create("test.nts", "s");
  CHECK(next != iterator);
  CHECK_CODE(nanots_iterator_next(iterator), NANOTS_EC_INVALID_ARGUMENT);
  nanots_iterator_destroy(iterator);
  CHECK_OK(nanots_iterator_next(next));
  nanots_iterator_destroy(next);
  nanots_store_t store = NULL;
  CHECK_OK(nanots_store_open("test.nts", NANOTS_ACCESS_READ_ONLY, &store));
  CHECK_OK(nanots_store_close(store));
  CHECK_CODE(nanots_store_close(store), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_store_close(NULL), NANOTS_EC_INVALID_ARGUMENT);
}

static void texts(void) {
  new_store();
  const char *bad = "\xFF\xFE bad";
  nanots_writer_t writer = nanots_writer_create("test.nts", 1);
  CHECK(!nanots_writer_create(bad, 1) && nanots_last_error_code() == NANOTS_EC_INVALID_ARGUMENT);
  CHECK(!nanots_writer_create_context(writer, bad, "") && nanots_last_error_code() == NANOTS_EC_INVALID_ARGUMENT);
  CHECK(!nanots_writer_create_context(writer, "s", bad) && nanots_last_error_code() == NANOTS_EC_INVALID_ARGUMENT);
  CHECK(!nanots_iterator_create("test.nts", bad) && nanots_last_error_code() == NANOTS_EC_INVALID_ARGUMENT);
  char name[300];
  memset(name, 'n', sizeof name);
  name[299] = 0;
  CHECK(!nanots_writer_create_context(writer, name, "") && nanots_last_error_code() == NANOTS_EC_INVALID_ARGUMENT);
  static char metadata[20000];
  memset(metadata, 'm', sizeof metadata - 1);
  CHECK(!nanots_writer_create_context(writer, "s", metadata));
  CHECK(nanots_last_error_code() == NANOTS_EC_METADATA_TOO_LARGE);
  // A long message is cut between characters.
  static char path[3000];
  for (size_t index = 0; index + 2 < sizeof path; index += 2) memcpy(path + index, "\xC3\xA4", 2);
  CHECK(!nanots_writer_create(path, 1));
  size_t length = strlen(nanots_last_error_message());
  CHECK(length > 900 && length < 1024);
  nanots_writer_destroy(writer);
}

static void files(void) {
  CHECK_OK(nanots_install_bus_error_guard());
  // Deleted: what is open works on.
  new_store();
  nanots_writer_t writer = nanots_writer_create("test.nts", 1);
  nanots_write_context_t context = nanots_writer_create_context(writer, "s", "");
  nanots_iterator_t iterator = nanots_iterator_create("test.nts", "s");
  CHECK(!unlink("test.nts"));
  CHECK_OK(write_text(writer, context, "x", 1));
  CHECK_OK(nanots_iterator_next(iterator));
  CHECK(nanots_iterator_valid(iterator));
  nanots_iterator_destroy(iterator);
  nanots_write_context_destroy(context);
  nanots_writer_destroy(writer);
  CHECK(!nanots_writer_create("test.nts", 1) && nanots_last_error_code() == NANOTS_EC_CANT_OPEN);
  // Cut while it is open, and after.
  new_store();
  fill("test.nts", "s", "", 1, 10, 1);
  iterator = nanots_iterator_create("test.nts", "s");
  CHECK(!truncate("test.nts", 4096));
  nanots_frame_info_t frame;
  CHECK_CODE(nanots_iterator_get_current_frame(iterator, &frame), NANOTS_EC_IO_FAILURE);
  nanots_iterator_destroy(iterator);
  CHECK(!nanots_writer_create("test.nts", 1) && nanots_last_error_code() == NANOTS_EC_TRUNCATED);
}

static void structs(void) {
  nanots_store_t store = NULL;
  unlink("a.nts");
  nanots_store_options_t options = {.struct_size = 3};
  CHECK_CODE(nanots_store_create("a.nts", &options, &store), NANOTS_EC_INVALID_ARGUMENT);
  options.struct_size = sizeof options;
  options.time_unit = 9;
  CHECK_CODE(nanots_store_create("a.nts", &options, &store), NANOTS_EC_INVALID_ARGUMENT);
  // Of a later header: known members count, and unknown ones must be 0.
  struct {
    nanots_store_options_t known;
    uint32_t later;
  } larger = {{.struct_size = sizeof larger, .block_size = 8192, .block_count = 3}, 1};
  CHECK_CODE(nanots_store_create("a.nts", &larger.known, &store), NANOTS_EC_UNSUPPORTED_FEATURE);
  larger.later = 0;
  CHECK_OK(nanots_store_create("a.nts", &larger.known, &store));
  CHECK_CODE(nanots_store_create("a.nts", &larger.known, &store), NANOTS_EC_ALREADY_EXISTS);
  // Of an earlier one: nothing is written behind its end.
  nanots_store_statistics_t statistics;
  memset(&statistics, 0x55, sizeof statistics);
  statistics.struct_size = offsetof(nanots_store_statistics_t, block_count);
  CHECK_OK(nanots_store_statistics(store, &statistics));
  CHECK(statistics.block_size == 8192 && statistics.block_count == UINT64_C(0x5555555555555555));
  nanots_writer_t writer;
  nanots_writer_options_t interval = {.struct_size = sizeof interval, .durability = NANOTS_DURABILITY_INTERVAL};
  CHECK_CODE(nanots_store_create_writer(store, &interval, &writer), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_OK(nanots_store_close(store));
  CHECK_OK(nanots_store_open("a.nts", NANOTS_ACCESS_READ_ONLY, &store));
  CHECK_CODE(nanots_store_create_writer(store, NULL, &writer), NANOTS_EC_READ_ONLY);
  CHECK_OK(nanots_store_close(store));
  CHECK_OK(nanots_store_open("a.nts", NANOTS_ACCESS_SNAPSHOT, &store));
  CHECK_CODE(nanots_store_create_writer(store, NULL, &writer), NANOTS_EC_READ_ONLY);
  CHECK_CODE(nanots_store_copy(store, "copy.nts", NULL, NULL), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_store_open("a.nts", (nanots_access_t)7, &store), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_OK(nanots_store_close(store));
}

enum { ROUNDS = 20000 };
static nanots_writer_t shared_writer;
static nanots_write_context_t shared_context;
static nanots_iterator_t shared_iterator;

/// Writes a stream of its own through the writer that all share, beside a context that all quarrel about.
static void *work(void *name) {
  nanots_write_context_t own = nanots_writer_create_context(shared_writer, name, "");
  CHECK(own);
  for (int64_t index = 0; index < ROUNDS; index++) {
    CHECK_OK(write_text(shared_writer, own, "own", index));
    nanots_ec_t code = nanots_write_context_append(shared_context, "all", 3, index, 0, 0);
    CHECK(code == NANOTS_EC_OK || code == NANOTS_EC_IN_USE || code == NANOTS_EC_NON_MONOTONIC_TIMESTAMP);
    code = nanots_iterator_next(shared_iterator);
    CHECK(code == NANOTS_EC_OK || code == NANOTS_EC_IN_USE || code == NANOTS_EC_OVERWRITTEN);
  }
  // Each thread has its own last error.
  char expected[32];
  snprintf(expected, sizeof expected, "%s.none", (char *)name);
  CHECK(!nanots_reader_create(expected));
  for (int index = 0; index < 1000; index++) CHECK(strstr(nanots_last_error_message(), expected));
  nanots_write_context_destroy(own);
  return NULL;
}

static void threads(void) {
  CHECK_OK(nanots_writer_allocate_file("test.nts", 65536, 64));
  shared_writer = nanots_writer_create("test.nts", 1);
  shared_context = nanots_writer_create_context(shared_writer, "all", "");
  shared_iterator = nanots_iterator_create("test.nts", "all");
  pthread_t workers[3];
  char names[3][2] = {"a", "b", "c"};
  for (int index = 0; index < 3; index++) CHECK(!pthread_create(&workers[index], NULL, work, names[index]));
  for (int index = 0; index < 3; index++) CHECK(!pthread_join(workers[index], NULL));
  nanots_reader_t reader = nanots_reader_create("test.nts");
  uint64_t count = 0;
  CHECK_OK(nanots_reader_count(reader, "b", INT64_MIN, INT64_MAX, &count));
  CHECK(count == ROUNDS);
  nanots_reader_destroy(reader);
  nanots_iterator_destroy(shared_iterator);
  nanots_write_context_destroy(shared_context);
  nanots_writer_destroy(shared_writer);
}

/// A call that waits is found at work, and its handle is not taken from it.
static void *wait_long(void *iterator) {
  nanots_frame_t frame;
  CHECK_CODE(nanots_iterator_wait_next(iterator, 2000, &frame), NANOTS_EC_TIMED_OUT);
  return NULL;
}

static void busy(void) {
  nanots_iterator_t iterator = nanots_iterator_create(new_store(), "s");
  pthread_t waiter;
  CHECK(!pthread_create(&waiter, NULL, wait_long, iterator));
  nanots_ec_t code = NANOTS_EC_OK;
  for (int index = 0; index < 100 && code == NANOTS_EC_OK; index++) {
    usleep(10000);
    code = nanots_iterator_next(iterator);
  }
  CHECK(code == NANOTS_EC_IN_USE);
  nanots_iterator_destroy(iterator);
  CHECK(!pthread_join(waiter, NULL));
  CHECK_OK(nanots_iterator_next(iterator));
  nanots_iterator_destroy(iterator);
}

static const check checks[] = {
    {"handles", handles}, {"texts", texts}, {"files", files}, {"structs", structs}, {"threads", threads}, {"busy", busy},
};

int main(int argc, char **argv) { return run_checks(checks, sizeof checks / sizeof *checks, argc, argv); }
