// The iterator as existing programs call it: one check for each function, named for it.
#include "check.h"

static nanots_iterator_t two_sessions(void) {
  new_store();
  fill("test.nts", "s", "session 0", 1, 10, 10);
  fill("test.nts", "s", "session 1", 11, 10, 10);
  nanots_iterator_t iterator = nanots_iterator_create("test.nts", "s");
  CHECK(iterator);
  return iterator;
}

static int64_t timestamp_of(nanots_iterator_t iterator) {
  nanots_frame_info_t frame;
  CHECK_OK(nanots_iterator_get_current_frame(iterator, &frame));
  return frame.timestamp;
}

static void create(void) {
  nanots_iterator_t iterator = two_sessions();
  CHECK(nanots_iterator_valid(iterator) && timestamp_of(iterator) == 10);
  nanots_iterator_destroy(iterator);
  // An unknown stream: a handle that is not valid, and is once the stream has come.
  iterator = nanots_iterator_create("test.nts", "unknown");
  CHECK(iterator && !nanots_iterator_valid(iterator));
  CHECK_OK(nanots_iterator_next(iterator));
  CHECK(!nanots_iterator_valid(iterator));
  fill("test.nts", "unknown", "", 1, 1, 1);
  CHECK_OK(nanots_iterator_next(iterator));
  CHECK(timestamp_of(iterator) == 1);
  nanots_iterator_destroy(iterator);
  CHECK(!nanots_iterator_create("none.nts", "s") && nanots_last_error_code() == NANOTS_EC_CANT_OPEN);
  CHECK(!nanots_iterator_create(NULL, "s") && nanots_last_error_code() == NANOTS_EC_INVALID_ARGUMENT);
  CHECK(!nanots_iterator_create("test.nts", NULL) && nanots_last_error_code() == NANOTS_EC_INVALID_ARGUMENT);
}

static void destroy(void) {
  nanots_iterator_t iterator = two_sessions();
  nanots_iterator_destroy(iterator);
  nanots_iterator_destroy(iterator);
  nanots_iterator_destroy(NULL);
  CHECK_CODE(nanots_iterator_next(iterator), NANOTS_EC_INVALID_ARGUMENT);
}

static void valid(void) {
  nanots_iterator_t iterator = two_sessions();
  CHECK(nanots_iterator_valid(iterator) == 1);
  CHECK_OK(nanots_iterator_prev(iterator));
  CHECK(nanots_iterator_valid(iterator) == 0 && nanots_iterator_valid(NULL) == 0);
  nanots_iterator_destroy(iterator);
}

static void get_current_frame(void) {
  nanots_iterator_t iterator = two_sessions();
  nanots_frame_info_t frame, again;
  CHECK_OK(nanots_iterator_get_current_frame(iterator, &frame));
  CHECK_OK(nanots_iterator_get_current_frame(iterator, &again));
  CHECK(frame.data == again.data && frame.size == 7 && !memcmp(frame.data, "frame 1", 7));
  CHECK(frame.flags == 0 && frame.block_sequence == 0);
  // The copy is the iterator's: it stays when its block is freed.
  CHECK_OK(nanots_writer_free_blocks("test.nts", "s", 10, 100));
  CHECK(!memcmp(frame.data, "frame 1", 7));
  CHECK_CODE(nanots_iterator_get_current_frame(iterator, NULL), NANOTS_EC_INVALID_ARGUMENT);
  CHECK_CODE(nanots_iterator_get_current_frame(NULL, &frame), NANOTS_EC_INVALID_ARGUMENT);
  CHECK(!frame.data && !frame.size);
  CHECK_OK(nanots_iterator_reset(iterator));
  CHECK_OK(nanots_iterator_prev(iterator));
  CHECK_CODE(nanots_iterator_get_current_frame(iterator, &frame), NANOTS_EC_INVALID_ARGUMENT);
  nanots_iterator_destroy(iterator);
  // A frame that was recycled before it was asked for: told, and the iterator moves on.
  iterator = two_sessions();
  CHECK_OK(nanots_writer_free_blocks("test.nts", "s", 10, 100));
  CHECK_CODE(nanots_iterator_get_current_frame(iterator, &frame), NANOTS_EC_OVERWRITTEN);
  CHECK(nanots_iterator_valid(iterator) && !frame.data);
  nanots_iterator_next(iterator);
  CHECK(timestamp_of(iterator) == 110);
  nanots_iterator_destroy(iterator);
}

static void next(void) {
  nanots_iterator_t iterator = two_sessions();
  for (int64_t index = 1; index <= 20; index++) {
    CHECK(timestamp_of(iterator) == index * 10);
    CHECK_OK(nanots_iterator_next(iterator));
  }
  CHECK(!nanots_iterator_valid(iterator));
  CHECK_OK(nanots_iterator_next(iterator));
  // What comes later is found from behind the end.
  fill("test.nts", "s", "", 21, 1, 10);
  CHECK_OK(nanots_iterator_next(iterator));
  CHECK(timestamp_of(iterator) == 210);
  CHECK_CODE(nanots_iterator_next(NULL), NANOTS_EC_INVALID_ARGUMENT);
  nanots_iterator_destroy(iterator);
}

static void prev(void) {
  nanots_iterator_t iterator = two_sessions();
  CHECK_OK(nanots_iterator_find(iterator, 200));
  for (int64_t index = 20; index >= 1; index--) {
    CHECK(timestamp_of(iterator) == index * 10);
    CHECK_OK(nanots_iterator_prev(iterator));
  }
  CHECK(!nanots_iterator_valid(iterator));
  CHECK_OK(nanots_iterator_prev(iterator));
  CHECK_OK(nanots_iterator_next(iterator));
  CHECK(timestamp_of(iterator) == 10);
  CHECK_CODE(nanots_iterator_prev(NULL), NANOTS_EC_INVALID_ARGUMENT);
  nanots_iterator_destroy(iterator);
}

static void reset(void) {
  nanots_iterator_t iterator = two_sessions();
  CHECK_OK(nanots_iterator_find(iterator, 155));
  CHECK_OK(nanots_iterator_reset(iterator));
  CHECK(timestamp_of(iterator) == 10);
  CHECK_CODE(nanots_iterator_reset(NULL), NANOTS_EC_INVALID_ARGUMENT);
  nanots_iterator_destroy(iterator);
  iterator = nanots_iterator_create("test.nts", "unknown");
  CHECK_OK(nanots_iterator_reset(iterator));
  CHECK(!nanots_iterator_valid(iterator));
  nanots_iterator_destroy(iterator);
}

static void find(void) {
  nanots_iterator_t iterator = two_sessions();
  CHECK_OK(nanots_iterator_find(iterator, 55));
  CHECK(timestamp_of(iterator) == 60);
  CHECK_OK(nanots_iterator_find(iterator, 60));
  CHECK(timestamp_of(iterator) == 60);
  CHECK_OK(nanots_iterator_find(iterator, INT64_MIN));
  CHECK(timestamp_of(iterator) == 10);
  CHECK_CODE(nanots_iterator_find(iterator, 201), NANOTS_EC_INVALID_ARGUMENT);
  CHECK(!nanots_iterator_valid(iterator));
  CHECK_OK(nanots_iterator_prev(iterator));
  CHECK(timestamp_of(iterator) == 200);
  CHECK_CODE(nanots_iterator_find(NULL, 1), NANOTS_EC_INVALID_ARGUMENT);
  nanots_iterator_destroy(iterator);
}

static void current_block_sequence(void) {
  nanots_iterator_t iterator = two_sessions();
  CHECK(nanots_iterator_current_block_sequence(iterator) == 0);
  CHECK_OK(nanots_iterator_find(iterator, 110));
  CHECK(nanots_iterator_current_block_sequence(iterator) == 1);
  CHECK(nanots_iterator_current_block_sequence(NULL) == 0);
  nanots_iterator_destroy(iterator);
}

static void current_metadata(void) {
  nanots_iterator_t iterator = two_sessions();
  CHECK(!strcmp(nanots_iterator_current_metadata(iterator), "session 0"));
  CHECK_OK(nanots_iterator_find(iterator, 100));
  CHECK(!strcmp(nanots_iterator_current_metadata(iterator), "session 0"));
  CHECK_OK(nanots_iterator_next(iterator));
  CHECK(!strcmp(nanots_iterator_current_metadata(iterator), "session 1"));
  CHECK_OK(nanots_iterator_prev(iterator));
  CHECK(!strcmp(nanots_iterator_current_metadata(iterator), "session 0"));
  CHECK_OK(nanots_iterator_reset(iterator));
  CHECK_OK(nanots_iterator_prev(iterator));
  CHECK(!nanots_iterator_current_metadata(iterator) && !nanots_iterator_current_metadata(NULL));
  nanots_iterator_destroy(iterator);
}

static const check checks[] = {
    {"nanots_iterator_create", create},
    {"nanots_iterator_destroy", destroy},
    {"nanots_iterator_valid", valid},
    {"nanots_iterator_get_current_frame", get_current_frame},
    {"nanots_iterator_next", next},
    {"nanots_iterator_prev", prev},
    {"nanots_iterator_reset", reset},
    {"nanots_iterator_find", find},
    {"nanots_iterator_current_block_sequence", current_block_sequence},
    {"nanots_iterator_current_metadata", current_metadata},
};

int main(int argc, char **argv) { return run_checks(checks, sizeof checks / sizeof *checks, argc, argv); }
