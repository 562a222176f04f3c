// The calls that existing programs do not know.
#include "check.h"

#include <unistd.h>

static nanots_store_t store;
static nanots_writer_t writer;

static void open_all(uint32_t block_size, uint32_t blocks) {
  nanots_store_options_t options = {
      .struct_size = sizeof options, .block_size = block_size, .block_count = blocks, .replace_existing = 1};
  CHECK_OK(nanots_store_create("test.nts", &options, &store));
  CHECK_OK(nanots_store_create_writer(store, NULL, &writer));
}

static void close_all(void) {
  nanots_writer_destroy(writer);
  CHECK_OK(nanots_store_close(store));
}

static void appends_at_once(void) {
  open_all(4096, 8);
  nanots_write_context_t context = nanots_writer_create_context(writer, "t", "");
  CHECK_CODE(nanots_write_context_try_append(context, "x", 1, 0, 0, 0), NANOTS_EC_WOULD_WAIT);
  CHECK_OK(nanots_write_context_append(context, "x", 1, 0, 0, 0));
  int64_t done = 0;
  while (nanots_write_context_try_append(context, &done, sizeof done, done + 1, 0, 7) == NANOTS_EC_OK) done++;
  CHECK(done > 50 && done < 200);
  CHECK_CODE(nanots_write_context_try_append(context, NULL, 0, 5, 0, 0), NANOTS_EC_WOULD_WAIT);
  CHECK_CODE(nanots_write_context_try_append(context, NULL, 1, done + 1, 0, 0), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_write_context_try_append(NULL, "x", 1, done + 1, 0, 0), NANOTS_EC_INVALID_ARGUMENT);
  int64_t timestamp;
  CHECK_OK(nanots_write_context_last(context, &timestamp, NULL));
  CHECK(timestamp == done);
  CHECK_OK(nanots_write_context_append(context, &done, sizeof done, done + 1, 0, 0));
  CHECK_OK(nanots_write_context_close(context));
  nanots_writer_options_t every = {.struct_size = sizeof every, .durability = NANOTS_DURABILITY_EVERY_FRAME};
  nanots_writer_t careful;
  CHECK_OK(nanots_store_create_writer(store, &every, &careful));
  context = nanots_writer_create_context(careful, "u", "");
  CHECK_OK(nanots_write_context_append(context, "x", 1, 0, 0, 0));
  CHECK_CODE(nanots_write_context_try_append(context, "x", 1, 1, 0, 0), NANOTS_EC_WOULD_WAIT);
  nanots_write_context_destroy(context);
  nanots_writer_destroy(careful);
  close_all();
}

static void keys(void) {
  open_all(65536, 8);
  nanots_write_context_t context = nanots_writer_create_context(writer, "trades", "");
  CHECK_CODE(nanots_write_context_last(context, NULL, NULL), NANOTS_EC_END);
  for (int64_t key = 1; key <= 3; key++) {
    CHECK_OK(nanots_write_context_append(context, &key, sizeof key, 100, key, 0x10000u + (uint32_t)key));
  }
  CHECK_CODE(nanots_write_context_append(context, NULL, 0, 100, 3, 0), NANOTS_EC_NON_MONOTONIC_TIMESTAMP);
  int64_t timestamp, key;
  CHECK_OK(nanots_write_context_last(context, &timestamp, &key));
  CHECK(timestamp == 100 && key == 3 && nanots_write_context_maximum_frame_size(context) > 60000);
  CHECK_OK(nanots_write_context_flush(context));
  CHECK_OK(nanots_write_context_close(context));
  nanots_iterator_t iterator;
  CHECK_OK(nanots_store_create_iterator(store, "trades", NULL, &iterator));
  nanots_frame_t frame;
  CHECK_OK(nanots_iterator_find_key(iterator, 100, 2));
  CHECK_OK(nanots_iterator_borrow(iterator, &frame));
  CHECK(frame.key == 2 && frame.ordinal == 1 && frame.flags == 0x10002u && nanots_frame_is_intact(&frame));
  CHECK_CODE(nanots_iterator_find_key(iterator, 100, 4), NANOTS_EC_NOT_FOUND);
  CHECK_CODE(nanots_iterator_borrow(iterator, &frame), NANOTS_EC_END);
  frame = (nanots_frame_t){0};
  CHECK_OK(nanots_iterator_find_frame(iterator, 100, 3, &frame));
  CHECK(frame.key == 3 && frame.ordinal == 2 && frame.size == sizeof key && nanots_frame_is_intact(&frame));
  CHECK(memcmp(frame.data, &frame.key, sizeof key) == 0 && nanots_iterator_valid(iterator));
  CHECK_CODE(nanots_iterator_find_frame(iterator, 101, 0, &frame), NANOTS_EC_NOT_FOUND);
  CHECK(!nanots_iterator_valid(iterator));
  CHECK_CODE(nanots_iterator_find_frame(iterator, 100, 0, NULL), NANOTS_EC_INVALID_ARGUMENT);
  nanots_iterator_destroy(iterator);
  close_all();
}

static void batches(void) {
  open_all(65536, 8);
  nanots_write_context_t context = nanots_writer_create_context(writer, "s", "");
  double values[100];
  nanots_new_frame_t frames[100];
  for (int index = 0; index < 100; index++) {
    values[index] = index / 2.0;
    frames[index] = (nanots_new_frame_t){.timestamp = index, .data = &values[index], .size = sizeof *values};
  }
  CHECK_OK(nanots_write_context_append_batch(context, frames, 100));
  CHECK_CODE(nanots_write_context_append_batch(context, frames, 100), NANOTS_EC_NON_MONOTONIC_TIMESTAMP);
  CHECK_CODE(nanots_write_context_append_batch(context, NULL, 1), NANOTS_EC_INVALID_ARGUMENT);
  nanots_iterator_t iterator;
  CHECK_OK(nanots_store_create_iterator(store, "s", NULL, &iterator));
  CHECK_OK(nanots_iterator_prev(iterator));
  nanots_batch_t batch;
  CHECK_OK(nanots_iterator_next_batch(iterator, 49, &batch));
  CHECK(batch.count == 50 && batch.size == sizeof *values);
  for (size_t index = 0; index < batch.count; index++) {
    int64_t timestamp;
    double value;
    memcpy(&timestamp, batch.timestamps + (ptrdiff_t)index * batch.timestamp_stride, sizeof timestamp);
    memcpy(&value, batch.data + index * batch.data_stride, sizeof value);
    CHECK(timestamp == (int64_t)index && value == values[index]);
  }
  CHECK(nanots_batch_is_intact(&batch));
  CHECK_CODE(nanots_iterator_next_batch(iterator, 49, &batch), NANOTS_EC_END);
  CHECK_OK(nanots_iterator_next_batch(iterator, INT64_MAX, &batch));
  CHECK(batch.count == 50 && batch.first_ordinal == 50);
  nanots_iterator_destroy(iterator);
  nanots_write_context_destroy(context);
  close_all();
}

static void columns(void) {
  open_all(65536, 8);
  nanots_write_context_t context = nanots_writer_create_context(writer, "s", "");
  enum { COUNT = 2000, SIZE = 61 };
  static int64_t timestamps[COUNT], keys[COUNT];
  static uint32_t flags[COUNT];
  static char data[COUNT][SIZE];
  for (int index = 0; index < COUNT; index++) {
    timestamps[index] = 100 + index / 2;
    keys[index] = index % 2;
    flags[index] = 0xF0000000u + (uint32_t)index;
    memset(data[index], index, SIZE);
  }
  CHECK_CODE(nanots_write_context_append_columns(context, COUNT, timestamps, NULL, flags, data, SIZE),
             NANOTS_EC_NON_MONOTONIC_TIMESTAMP);
  CHECK_OK(nanots_write_context_append_columns(context, COUNT, timestamps, keys, flags, data, SIZE));
  // More than a block of them; those that may be left out are 0.
  CHECK_OK(nanots_write_context_append_columns(context, 1, &(int64_t){5000}, NULL, NULL, NULL, 0));
  CHECK_OK(nanots_write_context_append_columns(context, 0, NULL, NULL, NULL, NULL, 1));
  nanots_iterator_t iterator;
  nanots_frame_t frame;
  CHECK_OK(nanots_store_create_iterator(store, "s", NULL, &iterator));
  for (int index = 0; index < COUNT; index++) {
    CHECK_OK(index == 0 ? nanots_iterator_borrow(iterator, &frame) : nanots_iterator_next_frame(iterator, &frame));
    CHECK(frame.timestamp == timestamps[index] && frame.key == keys[index] && frame.flags == flags[index]);
    CHECK(frame.size == SIZE && !memcmp(frame.data, data[index], SIZE));
  }
  CHECK_OK(nanots_iterator_next_frame(iterator, &frame));
  CHECK(frame.timestamp == 5000 && frame.key == 0 && frame.flags == 0 && frame.size == 0);
  nanots_iterator_destroy(iterator);
  CHECK_CODE(nanots_write_context_append_columns(NULL, 1, timestamps, NULL, NULL, data, 1), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_write_context_append_columns(context, 1, NULL, NULL, NULL, data, 1), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_write_context_append_columns(context, 1, timestamps, NULL, NULL, NULL, 1), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_write_context_append_columns(context, SIZE_MAX, timestamps, NULL, NULL, data, 1),
             NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_write_context_append_columns(context, SIZE_MAX / 16, timestamps, NULL, NULL, data, 64),
             NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_write_context_append_columns(context, 1, timestamps, NULL, NULL, data, SIZE_MAX),
             NANOTS_EC_ROW_SIZE_TOO_BIG);
  CHECK_CODE(nanots_write_context_append_columns(context, 1, &(int64_t){6000}, NULL, NULL, data, 100000),
             NANOTS_EC_ROW_SIZE_TOO_BIG);
  CHECK_OK(nanots_write_context_close(context));
  close_all();
}

static void both_ends(void) {
  open_all(65536, 8);
  fill("test.nts", "s", "", 1, 5, 10);
  nanots_iterator_t iterator;
  CHECK_OK(nanots_store_create_iterator(store, "s", NULL, &iterator));
  nanots_frame_t frame;
  CHECK_OK(nanots_iterator_last(iterator));
  CHECK_OK(nanots_iterator_borrow(iterator, &frame));
  CHECK(frame.timestamp == 50);
  CHECK_OK(nanots_iterator_prev_frame(iterator, &frame));
  CHECK(frame.timestamp == 40);
  CHECK_OK(nanots_iterator_seek_end(iterator));
  CHECK(!nanots_iterator_valid(iterator));
  CHECK_CODE(nanots_iterator_next_frame(iterator, &frame), NANOTS_EC_END);
  fill("test.nts", "s", "", 6, 1, 10);
  CHECK_OK(nanots_iterator_wait_next(iterator, 1000, &frame));
  CHECK(frame.timestamp == 60);
  CHECK_CODE(nanots_iterator_wait_next(iterator, 10, &frame), NANOTS_EC_TIMED_OUT);
  nanots_iterator_destroy(iterator);
  close_all();
}

static void lapped(void) {
  open_all(4096, 2);
  fill("test.nts", "s", "", 1, 10, 1);
  nanots_iterator_t iterator;
  CHECK_OK(nanots_store_create_iterator(store, "s", NULL, &iterator));
  nanots_frame_t frame;
  CHECK_OK(nanots_iterator_borrow(iterator, &frame));
  char copy[64];
  CHECK_OK(nanots_frame_copy(&frame, copy, sizeof copy));
  CHECK(!memcmp(copy, "frame 1", 7));
  CHECK_CODE(nanots_frame_copy(&frame, copy, 3), NANOTS_EC_ROW_SIZE_TOO_BIG);
  fill("test.nts", "s", "", 11, 500, 1);
  CHECK(!nanots_frame_is_intact(&frame));
  CHECK_CODE(nanots_frame_copy(&frame, copy, sizeof copy), NANOTS_EC_OVERWRITTEN);
  // Told once, and standing on the oldest frame left.
  CHECK_CODE(nanots_iterator_next(iterator), NANOTS_EC_OVERWRITTEN);
  uint64_t missed = nanots_iterator_missed(iterator);
  CHECK_OK(nanots_iterator_borrow(iterator, &frame));
  CHECK(missed > 0 && frame.ordinal == 1 + missed && frame.missed == missed);
  nanots_iterator_destroy(iterator);
  close_all();
}

static void pins(void) {
  open_all(4096, 4);
  fill("test.nts", "s", "", 1, 10, 1);
  nanots_pin_t pin;
  CHECK_OK(nanots_store_pin(store, "s", 1, 10, &pin));
  CHECK(nanots_pin_blocks(pin) == 1 && nanots_pin_is_intact(pin));
  fill("test.nts", "s", "", 11, 2000, 1);
  CHECK(nanots_pin_is_intact(pin));
  nanots_pin_destroy(pin);
  CHECK(!nanots_pin_is_intact(pin) && nanots_pin_blocks(pin) == 0);
  CHECK_CODE(nanots_store_pin(store, "s", 2, 1, &pin), NANOTS_EC_INVALID_ARGUMENT);
  close_all();
}

static void following(void) {
  open_all(65536, 8);
  const char *streams[] = {"a", "b"};
  nanots_follower_t follower;
  CHECK_OK(nanots_store_create_follower(store, streams, 2, NANOTS_FOLLOW_FROM_OLDEST, 0, &follower));
  fill("test.nts", "b", "", 1, 2, 10);
  fill("test.nts", "a", "", 1, 1, 15);
  nanots_frame_t frame;
  size_t index, order[] = {1, 0, 1};
  for (int step = 0; step < 3; step++) {
    CHECK_OK(nanots_follower_next(follower, 1000, &frame, &index));
    CHECK(index == order[step]);
  }
  CHECK_CODE(nanots_follower_next(follower, 5, &frame, &index), NANOTS_EC_TIMED_OUT);
  nanots_follower_destroy(follower);
  CHECK_CODE(nanots_follower_next(follower, 5, &frame, &index), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_store_create_follower(store, streams, 0, NANOTS_FOLLOW_FROM_END, 0, &follower),
             NANOTS_EC_INVALID_ARGUMENT);
  close_all();
}

static int stop(const nanots_copy_progress_t *progress, void *user_data) {
  (void)user_data;
  return progress->blocks > 0;
}

static void one_finding(const char *finding, void *user_data) {
  (void)finding;
  ++*(int *)user_data;
}

static void copy_verify_statistics(void) {
  open_all(65536, 8);
  fill("test.nts", "a", "", 1, 100, 1);
  fill("test.nts", "b", "", 1, 50, 1);
  nanots_store_statistics_t statistics = {.struct_size = sizeof statistics};
  CHECK_OK(nanots_store_statistics(store, &statistics));
  CHECK(statistics.frames == 150 && statistics.streams == 2 && statistics.last_timestamp == 100);
  nanots_stream_statistics_t stream = {.struct_size = sizeof stream};
  CHECK_OK(nanots_store_stream_statistics(store, "b", &stream));
  CHECK(stream.frames == 50 && stream.first_timestamp == 1 && stream.writer_process_id == 0);
  CHECK_CODE(nanots_store_stream_statistics(store, "none", &stream), NANOTS_EC_NOT_FOUND);
  unlink("copy.nts");
  const char *streams[] = {"a"};
  nanots_copy_options_t options = {.struct_size = sizeof options, .has_range = 1, .start_timestamp = 11,
                                   .end_timestamp = 20, .streams = streams, .stream_count = 1};
  nanots_copy_report_t report = {.struct_size = sizeof report};
  CHECK_OK(nanots_store_copy(store, "copy.nts", &options, &report));
  CHECK(report.is_complete && report.frames == 10);
  CHECK_CODE(nanots_store_copy(store, "copy.nts", &options, &report), NANOTS_EC_ALREADY_EXISTS);
  options.replace_existing = 1;
  options.progress = stop;
  CHECK_CODE(nanots_store_copy(store, "copy.nts", &options, NULL), NANOTS_EC_CANCELLED);
  uint64_t frames, findings;
  CHECK_OK(nanots_store_verify(store, NULL, NULL, &frames, &findings));
  CHECK(frames == 150 && findings == 0);
  // A byte of the last frame's entry, at the end of the first block.
  FILE *file = fopen("test.nts", "r+b");
  CHECK(!fseek(file, (long)(statistics.file_size - 7 * 65536 - 8), SEEK_SET));
  fputc(0xEE, file);
  fclose(file);
  int told = 0;
  CHECK_CODE(nanots_store_verify(store, one_finding, &told, &frames, &findings), NANOTS_EC_CORRUPT);
  CHECK(findings > 0 && told == (int)findings);
  close_all();
}

static void compression(void) {
  nanots_store_options_t made = {.struct_size = sizeof made, .block_size = 65536, .block_count = 8, .replace_existing = 1,
                                 .compression = NANOTS_COMPRESSION_LZ4};
  CHECK_OK(nanots_store_create("test.nts", &made, &store));
  CHECK_OK(nanots_store_create_writer(store, NULL, &writer));
  fill("test.nts", "s", "", 1, 3000, 1);
  nanots_stream_statistics_t figures = {.struct_size = sizeof figures};
  CHECK_OK(nanots_store_stream_statistics(store, "s", &figures));
  CHECK(figures.compression == NANOTS_COMPRESSION_LZ4 && figures.frames == 3000);
  CHECK(figures.stored_bytes < figures.bytes);

  nanots_iterator_t iterator;
  nanots_frame_t frame;
  CHECK_OK(nanots_store_create_iterator(store, "s", NULL, &iterator));
  CHECK_OK(nanots_iterator_borrow(iterator, &frame));
  CHECK(!memcmp(frame.data, "frame 1", 7) && nanots_frame_is_intact(&frame));
  CHECK_OK(nanots_iterator_find(iterator, 2500));
  // The memory in which the first chunk was has another one now.
  CHECK(!nanots_frame_is_intact(&frame));
  CHECK_OK(nanots_iterator_borrow(iterator, &frame));
  CHECK(!memcmp(frame.data, "frame 2500", 10));
  nanots_iterator_destroy(iterator);

  nanots_copy_options_t options = {.struct_size = sizeof options, .replace_existing = 1,
                                   .compression = NANOTS_COMPRESSION_LZ4HC, .chunk_size = 4096};
  nanots_copy_report_t report = {.struct_size = sizeof report};
  CHECK_OK(nanots_store_copy(store, "copy.nts", &options, &report));
  CHECK(report.is_complete && report.frames == 3000);
  options.chunk_size = 300;
  CHECK_CODE(nanots_store_copy(store, "copy.nts", &options, &report), NANOTS_EC_INVALID_ARGUMENT);

  nanots_writer_t other;
  nanots_writer_options_t wrong[] = {
      {.struct_size = sizeof *wrong, .compression = NANOTS_COMPRESSION_LZ4HC},
      {.struct_size = sizeof *wrong, .compression = 9},
      {.struct_size = sizeof *wrong, .compression = NANOTS_COMPRESSION_OFF, .chunk_size = 1024},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    CHECK_CODE(nanots_store_create_writer(store, &wrong[i], &other), NANOTS_EC_INVALID_ARGUMENT);
  close_all();
}

static const check checks[] = {
    {"appends_at_once", appends_at_once}, {"keys", keys},           {"batches", batches},
    {"columns", columns},     {"both_ends", both_ends}, {"lapped", lapped},
    {"pins", pins},           {"following", following}, {"copy_verify_statistics", copy_verify_statistics},
    {"compression", compression},
};

int main(int argc, char **argv) { return run_checks(checks, sizeof checks / sizeof *checks, argc, argv); }
