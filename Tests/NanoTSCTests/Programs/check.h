// What the test programs share: checks that say where they failed, and a store of their own.
#ifndef CHECK_H
#define CHECK_H

#include <nanots.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                    \
  do {                                                                                                      \
    if (!(condition)) {                                                                                     \
      printf("%s:%d: %s\n  last error: %s\n", __FILE__, __LINE__, #condition, nanots_last_error_message()); \
      exit(1);                                                                                              \
    }                                                                                                       \
  } while (0)

/// A code, by name when it is not the one.
#define CHECK_CODE(call, code)                                                                                   \
  do {                                                                                                           \
    nanots_ec_t found = (call);                                                                                  \
    if (found != (code)) {                                                                                       \
      printf("%s:%d: %s gave %s and not %s\n  last error: %s\n", __FILE__, __LINE__, #call,                     \
             nanots_error_name(found), nanots_error_name(code), nanots_last_error_message());                    \
      exit(1);                                                                                                   \
    }                                                                                                            \
  } while (0)

#define CHECK_OK(call) CHECK_CODE(call, NANOTS_EC_OK)

/// A new store of eight 64 KiB blocks; the program runs in a directory of its own.
static inline const char *new_store(void) {
  CHECK_OK(nanots_writer_allocate_file("test.nts", 65536, 8));
  return "test.nts";
}

static inline nanots_ec_t write_text(nanots_writer_t writer, nanots_write_context_t context, const char *text,
                                     int64_t timestamp) {
  return nanots_writer_write(writer, context, (const uint8_t *)text, strlen(text), timestamp, 0);
}

/// Frames with the text "frame N" at `step`, 2 × `step`, …
static inline void fill(const char *path, const char *stream, const char *metadata, int64_t from, int64_t count,
                        int64_t step) {
  nanots_writer_t writer = nanots_writer_create(path, 1);
  nanots_write_context_t context = nanots_writer_create_context(writer, stream, metadata);
  CHECK(writer && context);
  for (int64_t index = 0; index < count; index++) {
    char text[32];
    snprintf(text, sizeof text, "frame %" PRId64, from + index);
    CHECK_OK(write_text(writer, context, text, (from + index) * step));
  }
  nanots_write_context_destroy(context);
  nanots_writer_destroy(writer);
}

/// A named check of its own.
typedef struct {
  const char *name;
  void (*run)(void);
} check;

/// The functions for writing and reading that existing programs call, each with its check.
#define WRITING_AND_READING                                               \
  {"nanots_writer_allocate_file", allocate_file},                         \
  {"nanots_writer_create", writer_create},                                \
  {"nanots_writer_destroy", writer_destroy},                              \
  {"nanots_writer_create_context", create_context},                       \
  {"nanots_write_context_destroy", context_destroy},                      \
  {"nanots_writer_write", writer_write},                                  \
  {"nanots_writer_free_blocks", free_blocks},                             \
  {"nanots_reader_create", reader_create},                                \
  {"nanots_reader_destroy", reader_destroy},                              \
  {"nanots_reader_read", reader_read},                                    \
  {"nanots_reader_query_contiguous_segments", query_contiguous_segments}, \
  {"nanots_free_contiguous_segments", free_contiguous_segments},          \
  {"nanots_reader_query_stream_tags_start", query_stream_tags_start},     \
  {"nanots_reader_query_stream_tags_next", query_stream_tags_next}

/// Runs the check named on the command line, or all of them.
static inline int run_checks(const check *checks, size_t count, int argc, char **argv) {
  int found = 0;
  for (size_t index = 0; index < count; index++) {
    if (argc > 1 && strcmp(argv[1], checks[index].name) != 0) continue;
    checks[index].run();
    found++;
  }
  if (!found) printf("there is no check '%s'\n", argc > 1 ? argv[1] : "");
  return found ? 0 : 2;
}

#endif
