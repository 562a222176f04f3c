// What programs written for existing NanoTS call: one check for each function, named for it.
#include "check.h"

static void allocate_file(void) {
  CHECK_OK(nanots_writer_allocate_file("a.nts", 65536, 4));
  fill("a.nts", "s", "", 1, 3, 1);
  // It replaces what is there, and takes sizes that are no whole pages.
  CHECK_OK(nanots_writer_allocate_file("a.nts", 100000, 2));
  nanots_iterator_t frames = nanots_iterator_create("a.nts", "s");
  CHECK(frames && !nanots_iterator_valid(frames));
  nanots_iterator_destroy(frames);
  CHECK_CODE(nanots_writer_allocate_file(NULL, 65536, 4), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_writer_allocate_file("a.nts", 0, 4), NANOTS_EC_INVALID_BLOCK_SIZE);
  CHECK_CODE(nanots_writer_allocate_file("a.nts", UINT32_MAX, 4), NANOTS_EC_INVALID_BLOCK_SIZE);
  CHECK_CODE(nanots_writer_allocate_file("a.nts", 65536, 0), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_writer_allocate_file("no/such/place.nts", 65536, 4), NANOTS_EC_UNABLE_TO_ALLOCATE_FILE);
  CHECK_CODE(nanots_writer_allocate_file("/", 65536, 4), NANOTS_EC_UNABLE_TO_ALLOCATE_FILE);
}

static void writer_create(void) {
  CHECK(!nanots_writer_create(NULL, 1) && nanots_last_error_code() == NANOTS_EC_INVALID_ARGUMENT);
  CHECK(!nanots_writer_create("none.nts", 1) && nanots_last_error_code() == NANOTS_EC_CANT_OPEN);
  CHECK(strstr(nanots_last_error_message(), "none.nts"));
  FILE *file = fopen("text.nts", "w");
  fprintf(file, "this is not a store at all, but text\n");
  fclose(file);
  CHECK(!nanots_writer_create("text.nts", 1) && nanots_last_error_code() == NANOTS_EC_SCHEMA);
  // Without reclaim a full store takes no more; with it, the oldest block goes.
  CHECK_OK(nanots_writer_allocate_file("a.nts", 4096, 2));
  for (int reclaims = 0; reclaims < 2; reclaims++) {
    nanots_writer_t writer = nanots_writer_create("a.nts", reclaims);
    nanots_write_context_t context = nanots_writer_create_context(writer, "s", "");
    uint8_t bytes[1000] = {1};
    nanots_ec_t code = NANOTS_EC_OK;
    for (int64_t index = 0; index < 20 && code == NANOTS_EC_OK; index++) {
      code = nanots_writer_write(writer, context, bytes, sizeof bytes, reclaims * 100 + index, 0);
    }
    CHECK(code == (reclaims ? NANOTS_EC_OK : NANOTS_EC_NO_FREE_BLOCKS));
    nanots_write_context_destroy(context);
    nanots_writer_destroy(writer);
  }
}

static void writer_destroy(void) {
  nanots_writer_t writer = nanots_writer_create(new_store(), 1);
  nanots_write_context_t context = nanots_writer_create_context(writer, "s", "");
  nanots_writer_destroy(writer);
  CHECK_CODE(write_text(writer, context, "x", 1), NANOTS_EC_INVALID_ARGUMENT);
  nanots_writer_destroy(writer);
  nanots_writer_destroy(NULL);
  nanots_write_context_destroy(context);
}

static void create_context(void) {
  nanots_writer_t writer = nanots_writer_create(new_store(), 1);
  nanots_write_context_t context = nanots_writer_create_context(writer, "s", "session 1");
  CHECK(context);
  CHECK(!nanots_writer_create_context(writer, "s", "") && nanots_last_error_code() == NANOTS_EC_DUPLICATE_STREAM_TAG);
  nanots_writer_t other = nanots_writer_create("test.nts", 1);
  CHECK(!nanots_writer_create_context(other, "s", "") && nanots_last_error_code() == NANOTS_EC_DUPLICATE_STREAM_TAG);
  nanots_write_context_t second = nanots_writer_create_context(other, "t", NULL);
  CHECK(second);
  CHECK(!nanots_writer_create_context(NULL, "s", ""));
  CHECK(!nanots_writer_create_context(writer, NULL, ""));
  CHECK(!nanots_writer_create_context(writer, "", "") && nanots_last_error_code() == NANOTS_EC_INVALID_ARGUMENT);
  nanots_write_context_destroy(context);
  nanots_write_context_destroy(second);
  context = nanots_writer_create_context(writer, "s", "session 2");
  CHECK(context);
  nanots_write_context_destroy(context);
  nanots_writer_destroy(writer);
  nanots_writer_destroy(other);
}

static void context_destroy(void) {
  nanots_writer_t writer = nanots_writer_create(new_store(), 1);
  nanots_write_context_t context = nanots_writer_create_context(writer, "s", "");
  CHECK_OK(write_text(writer, context, "one", 1));
  nanots_write_context_destroy(context);
  // What was open is sealed: whole blocks can be freed, and are.
  CHECK_OK(nanots_writer_free_blocks("test.nts", "s", 0, 10));
  nanots_iterator_t frames = nanots_iterator_create("test.nts", "s");
  CHECK(!nanots_iterator_valid(frames));
  nanots_iterator_destroy(frames);
  CHECK_CODE(write_text(writer, context, "two", 2), NANOTS_EC_INVALID_ARGUMENT);
  nanots_write_context_destroy(context);
  nanots_write_context_destroy(NULL);
  nanots_writer_destroy(writer);
}

static void writer_write(void) {
  nanots_writer_t writer = nanots_writer_create(new_store(), 1);
  nanots_write_context_t context = nanots_writer_create_context(writer, "s", "");
  CHECK_OK(nanots_writer_write(writer, context, (const uint8_t *)"abc", 3, 10, 0xA5));
  CHECK_OK(nanots_writer_write(writer, context, NULL, 0, 11, 0));
  CHECK_CODE(nanots_writer_write(writer, context, NULL, 3, 12, 0), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(write_text(writer, context, "late", 11), NANOTS_EC_NON_MONOTONIC_TIMESTAMP);
  CHECK(strstr(nanots_last_error_message(), "11"));
  static uint8_t large[70000];
  CHECK_CODE(nanots_writer_write(writer, context, large, sizeof large, 12, 0), NANOTS_EC_ROW_SIZE_TOO_BIG);
  CHECK_CODE(nanots_writer_write(writer, context, large, SIZE_MAX, 12, 0), NANOTS_EC_ROW_SIZE_TOO_BIG);
  CHECK_CODE(nanots_writer_write(NULL, context, large, 1, 12, 0), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_writer_write(writer, NULL, large, 1, 12, 0), NANOTS_EC_INVALID_ARGUMENT);
  nanots_writer_t other = nanots_writer_create("test.nts", 1);
  CHECK_CODE(write_text(other, context, "x", 12), NANOTS_EC_INVALID_ARGUMENT);
  // Nothing of what was refused is there, and what was written can be seen before the context ends.
  nanots_iterator_t frames = nanots_iterator_create("test.nts", "s");
  nanots_frame_info_t frame;
  CHECK_OK(nanots_iterator_get_current_frame(frames, &frame));
  CHECK(frame.size == 3 && !memcmp(frame.data, "abc", 3) && frame.flags == 0xA5 && frame.timestamp == 10);
  CHECK_OK(nanots_iterator_next(frames));
  CHECK_OK(nanots_iterator_get_current_frame(frames, &frame));
  CHECK(frame.size == 0 && frame.data && frame.timestamp == 11);
  CHECK_OK(nanots_iterator_next(frames));
  CHECK(!nanots_iterator_valid(frames));
  nanots_iterator_destroy(frames);
  nanots_write_context_destroy(context);
  nanots_writer_destroy(writer);
  nanots_writer_destroy(other);
}

/// A store with one block for each of the sessions that end at 10, 20, …
static void fill_sessions(int sessions) {
  new_store();
  for (int session = 0; session < sessions; session++) {
    char metadata[32];
    snprintf(metadata, sizeof metadata, "session %d", session);
    fill("test.nts", "s", metadata, session * 10 + 1, 10, 1);
  }
}

static void free_blocks(void) {
  fill_sessions(3);
  // Only whole blocks: 9 to 20 has the second one inside, and 15 to 25 none.
  CHECK_OK(nanots_writer_free_blocks("test.nts", "s", 15, 25));
  CHECK_OK(nanots_writer_free_blocks("test.nts", "s", 9, 20));
  nanots_reader_t reader = nanots_reader_create("test.nts");
  nanots_contiguous_segment_t *segments;
  size_t count;
  CHECK_OK(nanots_reader_query_contiguous_segments(reader, "s", 0, 100, &segments, &count));
  CHECK(count == 2 && segments[0].end_timestamp == 10 && segments[1].start_timestamp == 21);
  nanots_free_contiguous_segments(segments);
  nanots_reader_destroy(reader);
  CHECK_OK(nanots_writer_free_blocks("test.nts", "unknown", 0, 100));
  CHECK_CODE(nanots_writer_free_blocks("test.nts", "s", 2, 1), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_writer_free_blocks(NULL, "s", 0, 1), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_writer_free_blocks("test.nts", NULL, 0, 1), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_writer_free_blocks("none.nts", "s", 0, 1), NANOTS_EC_CANT_OPEN);
}

static void reader_create(void) {
  nanots_reader_t reader = nanots_reader_create(new_store());
  CHECK(reader);
  nanots_reader_destroy(reader);
  CHECK(!nanots_reader_create("none.nts") && nanots_last_error_code() == NANOTS_EC_CANT_OPEN);
  CHECK(!nanots_reader_create(NULL) && nanots_last_error_code() == NANOTS_EC_INVALID_ARGUMENT);
}

static void no_frame(const uint8_t *data, size_t size, uint8_t flags, int64_t timestamp, int64_t block_sequence,
                     const char *metadata, void *user_data) {
  (void)data, (void)size, (void)flags, (void)block_sequence, (void)metadata, (void)user_data;
  printf("a frame at %" PRId64 "\n", timestamp);
  exit(1);
}

static void reader_destroy(void) {
  nanots_reader_t reader = nanots_reader_create(new_store());
  nanots_reader_destroy(reader);
  nanots_reader_destroy(reader);
  nanots_reader_destroy(NULL);
  CHECK_CODE(nanots_reader_read(reader, "s", 0, 1, no_frame, NULL), NANOTS_EC_INVALID_ARGUMENT);
}

static void reader_read_callback(const uint8_t *data, size_t size, uint8_t flags, int64_t timestamp,
                                 int64_t block_sequence, const char *metadata, void *user_data) {
  int64_t *expected = user_data;
  char text[32], session[32];
  int length = snprintf(text, sizeof text, "frame %" PRId64, *expected);
  snprintf(session, sizeof session, "session %" PRId64, (*expected - 1) / 10);
  CHECK(size == (size_t)length && !memcmp(data, text, size) && flags == 0 && timestamp == *expected);
  CHECK(!strcmp(metadata, session) && block_sequence == (*expected - 1) / 10);
  ++*expected;
}

static void reader_read(void) {
  fill_sessions(3);
  nanots_reader_t reader = nanots_reader_create("test.nts");
  // Both ends included, oldest first, across segments.
  int64_t expected = 5;
  CHECK_OK(nanots_reader_read(reader, "s", 5, 25, reader_read_callback, &expected));
  CHECK(expected == 26);
  CHECK_OK(nanots_reader_read(reader, "s", 31, 99, no_frame, NULL));
  CHECK_OK(nanots_reader_read(reader, "unknown", INT64_MIN, INT64_MAX, no_frame, NULL));
  CHECK_CODE(nanots_reader_read(reader, "s", 2, 1, no_frame, NULL), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_reader_read(reader, NULL, 1, 2, no_frame, NULL), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_reader_read(reader, "s", 1, 2, NULL, NULL), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_reader_read(NULL, "s", 1, 2, no_frame, NULL), NANOTS_EC_INVALID_ARGUMENT);
  nanots_reader_destroy(reader);
}

static void query_contiguous_segments(void) {
  fill_sessions(2);
  nanots_reader_t reader = nanots_reader_create("test.nts");
  nanots_writer_t writer = nanots_writer_create("test.nts", 1);
  nanots_write_context_t context = nanots_writer_create_context(writer, "s", "open");
  CHECK_OK(write_text(writer, context, "x", 50));
  CHECK_OK(write_text(writer, context, "y", 60));
  nanots_contiguous_segment_t *segments;
  size_t count;
  CHECK_OK(nanots_reader_query_contiguous_segments(reader, "s", 0, 100, &segments, &count));
  CHECK(count == 3 && segments[1].segment_id == 1 && segments[1].start_timestamp == 11);
  CHECK(segments[1].end_timestamp == 20 && segments[2].start_timestamp == 50);
  // An open segment ends at the last frame that was committed.
  CHECK(segments[2].end_timestamp == 60);
  nanots_free_contiguous_segments(segments);
  CHECK_OK(nanots_reader_query_contiguous_segments(reader, "s", 12, 15, &segments, &count));
  CHECK(count == 1);
  nanots_free_contiguous_segments(segments);
  CHECK_OK(nanots_reader_query_contiguous_segments(reader, "unknown", 0, 9, &segments, &count));
  CHECK(count == 0 && !segments);
  CHECK_CODE(nanots_reader_query_contiguous_segments(reader, "s", 0, 9, NULL, &count), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_reader_query_contiguous_segments(reader, "s", 0, 9, &segments, NULL), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_reader_query_contiguous_segments(NULL, "s", 0, 9, &segments, &count), NANOTS_EC_INVALID_ARGUMENT);
  nanots_write_context_destroy(context);
  nanots_writer_destroy(writer);
  nanots_reader_destroy(reader);
}

static void free_contiguous_segments(void) {
  fill_sessions(1);
  nanots_reader_t reader = nanots_reader_create("test.nts");
  nanots_contiguous_segment_t *segments;
  size_t count;
  CHECK_OK(nanots_reader_query_contiguous_segments(reader, "s", 0, 9, &segments, &count));
  // The array is the caller's: it outlives the reader.
  nanots_reader_destroy(reader);
  CHECK(count == 1 && segments[0].start_timestamp == 1);
  nanots_free_contiguous_segments(segments);
  nanots_free_contiguous_segments(NULL);
}

static void query_stream_tags_start(void) {
  new_store();
  fill("test.nts", "b", "", 1, 5, 10);
  fill("test.nts", "a", "", 100, 5, 10);
  nanots_reader_t reader = nanots_reader_create("test.nts");
  CHECK_OK(nanots_reader_query_stream_tags_start(reader, 0, 50));
  CHECK(!strcmp(nanots_reader_query_stream_tags_next(reader), "b"));
  CHECK(!nanots_reader_query_stream_tags_next(reader));
  CHECK_OK(nanots_reader_query_stream_tags_start(reader, 60, 70));
  CHECK(!nanots_reader_query_stream_tags_next(reader));
  CHECK_CODE(nanots_reader_query_stream_tags_start(NULL, 0, 1), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_reader_query_stream_tags_start(reader, 1, 0), NANOTS_EC_INVALID_ARGUMENT);
  nanots_reader_destroy(reader);
}

static void query_stream_tags_next(void) {
  new_store();
  fill("test.nts", "b", "", 1, 1, 1);
  fill("test.nts", "a", "", 1, 1, 1);
  nanots_reader_t reader = nanots_reader_create("test.nts");
  CHECK(!nanots_reader_query_stream_tags_next(reader));
  CHECK_OK(nanots_reader_query_stream_tags_start(reader, INT64_MIN, INT64_MAX));
  const char *first = nanots_reader_query_stream_tags_next(reader);
  const char *second = nanots_reader_query_stream_tags_next(reader);
  CHECK(!strcmp(first, "a") && !strcmp(second, "b"));
  CHECK(!nanots_reader_query_stream_tags_next(reader) && !nanots_reader_query_stream_tags_next(reader));
  CHECK(!nanots_reader_query_stream_tags_next(NULL));
  nanots_reader_destroy(reader);
}

static const check checks[] = {WRITING_AND_READING};

int main(int argc, char **argv) { return run_checks(checks, sizeof checks / sizeof *checks, argc, argv); }
