// What programs written for existing NanoTS call, as a C++ program does it: one check for each function, named for it.
// Where the layer has something of its own for a function, that is what is called; else the function itself.
#include "check.h"

#include <nanots.hpp>

template <typename Body>
static nanots_ec_t thrown(Body body) {
  try {
    body();
  } catch (const nanots::error &error) {
    CHECK(error.what() == std::string(nanots_last_error_message()) && error.what()[0]);
    return error.code();
  }
  return NANOTS_EC_OK;
}

/// A store with sessions that end at 100, 200, …, of ten frames each: "frame N" at 10 × N.
static void fill_sessions(int sessions) {
  new_store();
  for (int session = 0; session < sessions; session++) {
    fill("test.nts", "s", ("session " + std::to_string(session)).c_str(), session * 10 + 1, 10, 10);
  }
}

static std::string text_of(const nanots_frame_info_t &frame) {
  return std::string(reinterpret_cast<const char *>(frame.data), frame.size);
}

// MARK: Writing

static void allocate_file() {
  fill_sessions(1);
  CHECK_OK(nanots_writer_allocate_file("test.nts", 100000, 2));
  CHECK(!nanots::cursor("test.nts", "s").current());
  nanots_store_options_t options = {};
  options.block_size = 65536;
  options.block_count = 4;
  // Unlike the function, the layer replaces nothing that it was not told to.
  CHECK(thrown([&] { nanots::store::create("test.nts", options); }) != NANOTS_EC_OK);
  options.replace_existing = 1;
  CHECK(nanots::store::create("test.nts", options).statistics().block_count == 4);
  options.block_size = 1;
  CHECK(thrown([&] { nanots::store::create("test.nts", options); }) == NANOTS_EC_INVALID_BLOCK_SIZE);
}

static void writer_create() {
  CHECK(thrown([] { nanots::writer("none.nts"); }) == NANOTS_EC_CANT_OPEN);
  CHECK_OK(nanots_writer_allocate_file("a.nts", 4096, 2));
  const std::string kilobyte(1000, 'x');
  for (bool reclaims : {false, true}) {
    nanots::writer writer("a.nts", reclaims);
    nanots::write_context context = writer.context("s");
    nanots_ec_t code = NANOTS_EC_OK;
    for (int index = 0; index < 20 && code == NANOTS_EC_OK; index++) {
      code = thrown([&] { context.append(kilobyte, reclaims * 100 + index); });
    }
    CHECK(code == (reclaims ? NANOTS_EC_OK : NANOTS_EC_NO_FREE_BLOCKS));
  }
}

static void writer_destroy() {
  new_store();
  nanots::write_context context = nanots::writer("test.nts").context("s");
  // A context outlives the writer that made it: it is a writer of the stream by itself.
  context.append(1, 1);
  CHECK(nanots::cursor("test.nts", "s").current()->as<int>() == 1);
  nanots::writer moved_from("test.nts");
  nanots::writer writer = std::move(moved_from);
  CHECK(thrown([&] { moved_from.context("t"); }) == NANOTS_EC_INVALID_ARGUMENT);
}

static void create_context() {
  new_store();
  nanots::writer writer("test.nts"), other("test.nts");
  nanots::write_context context = writer.context("s", "words");
  CHECK(thrown([&] { writer.context("s"); }) == NANOTS_EC_DUPLICATE_STREAM_TAG);
  CHECK(thrown([&] { other.context("s"); }) == NANOTS_EC_DUPLICATE_STREAM_TAG);
  CHECK(thrown([&] { writer.context(""); }) == NANOTS_EC_INVALID_ARGUMENT);
  other.context("t").append(1, 1);
}

static void context_destroy() {
  new_store();
  nanots::writer writer("test.nts");
  { writer.context("s").append(1, 10); }
  // What was open is sealed: whole blocks can be freed, and are.
  CHECK_OK(nanots_writer_free_blocks("test.nts", "s", 0, 10));
  CHECK(!nanots::cursor("test.nts", "s").current());
  nanots::write_context context = writer.context("s");
  context.append(2, 20);
  context.close();
  CHECK(thrown([&] { context.append(3, 30); }) == NANOTS_EC_INVALID_ARGUMENT);
}

static void writer_write() {
  new_store();
  nanots::writer writer("test.nts");
  nanots::write_context context = writer.context("s");
  const std::uint8_t bytes[] = {1, 2, 3};
  CHECK_OK(nanots_writer_write(writer.get(), context.get(), bytes, sizeof bytes, 10, 0xA5));
  context.append(nullptr, 0, 11);
  CHECK(thrown([&] { context.append(1, 11); }) == NANOTS_EC_NON_MONOTONIC_TIMESTAMP);
  CHECK(thrown([&] { context.append(nullptr, 3, 12); }) == NANOTS_EC_INVALID_ARGUMENT);
  CHECK(thrown([&] { context.append(std::string(70000, 'x'), 12); }) == NANOTS_EC_ROW_SIZE_TOO_BIG);
  nanots::cursor cursor("test.nts", "s");
  CHECK(cursor.current()->bytes() == std::vector<std::uint8_t>(bytes, bytes + 3) && cursor.current()->flags() == 0xA5);
  CHECK(cursor.next()->size() == 0 && !cursor.next());
}

static void free_blocks() {
  fill_sessions(3);
  CHECK_OK(nanots_writer_free_blocks("test.nts", "s", 95, 205));
  std::vector<nanots_contiguous_segment_t> segments = nanots::reader("test.nts").contiguous_segments("s");
  CHECK(segments.size() == 2 && segments[0].end_timestamp == 100 && segments[1].start_timestamp == 210);
  CHECK_CODE(nanots_writer_free_blocks("test.nts", "s", 2, 1), NANOTS_EC_INVALID_ARGUMENT);
}

// MARK: Reading

static void reader_create() {
  new_store();
  CHECK(nanots::reader("test.nts").streams().empty());
  CHECK(thrown([] { nanots::reader("none.nts"); }) == NANOTS_EC_CANT_OPEN);
}

static void reader_destroy() {
  fill_sessions(1);
  nanots::reader moved_from("test.nts");
  nanots::reader reader = std::move(moved_from);
  CHECK(thrown([&] { moved_from.count("s"); }) == NANOTS_EC_INVALID_ARGUMENT && reader.count("s") == 10);
  nanots_reader_t handle = reader.get();
  { nanots::reader last = std::move(reader); }
  std::uint64_t count;
  CHECK_CODE(nanots_reader_count(handle, "s", 0, 100, &count), NANOTS_EC_INVALID_ARGUMENT);
}

static void reader_read() {
  fill_sessions(3);
  nanots::reader reader("test.nts");
  int expected = 5;
  reader.read("s", 50, 250, [&](const nanots_frame_info_t &frame, const char *metadata) {
    CHECK(frame.timestamp == expected * 10 && text_of(frame) == "frame " + std::to_string(expected));
    int session = (expected - 1) / 10;
    CHECK(metadata == "session " + std::to_string(session) && frame.block_sequence == session && frame.flags == 0);
    expected++;
  });
  CHECK(expected == 26);
  auto none = [](const nanots_frame_info_t &, const char *) { CHECK(!"a frame"); };
  reader.read("s", 301, 999, none);
  reader.read("unknown", nanots::earliest, nanots::latest, none);
  CHECK(thrown([&] { reader.read("s", 2, 1, none); }) == NANOTS_EC_INVALID_ARGUMENT);
}

static void query_contiguous_segments() {
  fill_sessions(2);
  nanots::write_context context = nanots::writer("test.nts").context("s");
  context.append(1, 500);
  context.append(2, 600);
  nanots::reader reader("test.nts");
  std::vector<nanots_contiguous_segment_t> segments = reader.contiguous_segments("s");
  CHECK(segments.size() == 3 && segments[1].segment_id == 1 && segments[1].start_timestamp == 110);
  // An open segment ends at the last frame that was committed.
  CHECK(segments[1].end_timestamp == 200 && segments[2].end_timestamp == 600);
  CHECK(reader.contiguous_segments("s", 120, 150).size() == 1);
  CHECK(thrown([&] { reader.contiguous_segments("s", 2, 1); }) == NANOTS_EC_INVALID_ARGUMENT);
}

static void free_contiguous_segments() {
  fill_sessions(1);
  // The layer frees the array, and what it returns is the caller's: it outlives the reader.
  CHECK(nanots::reader("test.nts").contiguous_segments("s").front().start_timestamp == 10);
  CHECK(nanots::reader("test.nts").contiguous_segments("unknown").empty());
}

static void query_stream_tags_start() {
  new_store();
  fill("test.nts", "b", "", 1, 5, 10);
  fill("test.nts", "a", "", 100, 5, 10);
  nanots::reader reader("test.nts");
  CHECK(reader.streams(0, 50) == std::vector<std::string>{"b"} && reader.streams(60, 70).empty());
  CHECK(thrown([&] { reader.streams(1, 0); }) == NANOTS_EC_INVALID_ARGUMENT);
}

static void query_stream_tags_next() {
  new_store();
  fill("test.nts", "b", "", 1, 1, 1);
  fill("test.nts", "a", "", 1, 1, 1);
  CHECK((nanots::reader("test.nts").streams() == std::vector<std::string>{"a", "b"}));
}

// MARK: Iterating

static void iterator_create() {
  fill_sessions(1);
  CHECK(nanots::cursor("test.nts", "s").current()->timestamp() == 10);
  nanots::cursor later("test.nts", "unknown");
  CHECK(!later.current() && !later.next());
  fill("test.nts", "unknown", "", 1, 1, 1);
  CHECK(later.next()->timestamp() == 1);
  CHECK(thrown([] { nanots::cursor("none.nts", "s"); }) == NANOTS_EC_CANT_OPEN);
}

static void iterator_destroy() {
  fill_sessions(1);
  nanots::cursor moved_from("test.nts", "s");
  nanots::cursor cursor = std::move(moved_from);
  CHECK(thrown([&] { moved_from.next(); }) == NANOTS_EC_INVALID_ARGUMENT && cursor.current());
}

static void iterator_valid() {
  fill_sessions(1);
  nanots::cursor cursor("test.nts", "s");
  CHECK(cursor.current() && nanots_iterator_valid(cursor.get()) == 1);
  CHECK(!cursor.previous() && !cursor.current() && nanots_iterator_valid(cursor.get()) == 0);
}

static void get_current_frame() {
  fill_sessions(2);
  nanots::cursor cursor("test.nts", "s");
  nanots_frame_info_t copied;
  CHECK_OK(nanots_iterator_get_current_frame(cursor.get(), &copied));
  nanots::frame borrowed = *cursor.current();
  CHECK(text_of(copied) == "frame 1" && borrowed.text() == "frame 1" && copied.block_sequence == 0);
  // The copy is the iterator's and stays when its block is freed; what was borrowed tells that it has gone.
  CHECK_OK(nanots_writer_free_blocks("test.nts", "s", 10, 100));
  CHECK(text_of(copied) == "frame 1" && !borrowed.is_intact());
  CHECK(thrown([&] { borrowed.text(); }) == NANOTS_EC_OVERWRITTEN);
  CHECK(cursor.next()->text() == "frame 11");
}

static void iterator_next() {
  fill_sessions(2);
  nanots::cursor cursor("test.nts", "s");
  for (int index = 1; index <= 20; index++) {
    CHECK(cursor.current()->timestamp() == index * 10);
    CHECK(bool(cursor.next()) == (index < 20));
  }
  CHECK(!cursor.current() && !cursor.next());
}

static void iterator_prev() {
  fill_sessions(2);
  nanots::cursor cursor("test.nts", "s");
  cursor.seek_end();
  for (int index = 20; index >= 1; index--) CHECK(cursor.previous()->timestamp() == index * 10);
  CHECK(!cursor.previous() && !cursor.current() && cursor.next()->timestamp() == 10);
}

static void iterator_reset() {
  fill_sessions(2);
  nanots::cursor cursor("test.nts", "s");
  CHECK(cursor.find(155)->timestamp() == 160 && cursor.first()->timestamp() == 10);
  CHECK(!nanots::cursor("test.nts", "unknown").first());
}

static void iterator_find() {
  fill_sessions(2);
  nanots::cursor cursor("test.nts", "s");
  CHECK(cursor.find(55)->timestamp() == 60 && cursor.find(60)->timestamp() == 60);
  CHECK(cursor.find(nanots::earliest)->timestamp() == 10);
  CHECK(!cursor.find(201) && !cursor.current() && cursor.previous()->timestamp() == 200);
  CHECK_CODE(nanots_iterator_find(cursor.get(), 201), NANOTS_EC_INVALID_ARGUMENT);
}

static void current_block_sequence() {
  fill_sessions(2);
  nanots::cursor cursor("test.nts", "s");
  CHECK(nanots_iterator_current_block_sequence(cursor.get()) == 0);
  cursor.find(110);
  CHECK(nanots_iterator_current_block_sequence(cursor.get()) == 1);
}

static void current_metadata() {
  fill_sessions(2);
  nanots::cursor cursor("test.nts", "s");
  CHECK(cursor.metadata() == "session 0" && cursor.find(110) && cursor.metadata() == "session 1");
  CHECK(cursor.previous() && cursor.metadata() == "session 0");
  cursor.seek_end();
  CHECK(cursor.metadata().empty());
}

static const check checks[] = {
    WRITING_AND_READING,
    {"nanots_iterator_create", iterator_create},
    {"nanots_iterator_destroy", iterator_destroy},
    {"nanots_iterator_valid", iterator_valid},
    {"nanots_iterator_get_current_frame", get_current_frame},
    {"nanots_iterator_next", iterator_next},
    {"nanots_iterator_prev", iterator_prev},
    {"nanots_iterator_reset", iterator_reset},
    {"nanots_iterator_find", iterator_find},
    {"nanots_iterator_current_block_sequence", current_block_sequence},
    {"nanots_iterator_current_metadata", current_metadata},
};

int main(int argc, char **argv) { return run_checks(checks, sizeof checks / sizeof *checks, argc, argv); }
