// The C++ layer: owners, exceptions, ranges.
#include "check.h"

#include <nanots.hpp>

#include <numeric>

template <typename Body>
static nanots_ec_t thrown(Body body) {
  try {
    body();
  } catch (const nanots::error &error) {
    CHECK(error.what()[0]);
    return error.code();
  }
  return NANOTS_EC_OK;
}

static nanots::store make() {
  nanots_store_options_t options = {};
  options.block_size = 65536;
  options.block_count = 8;
  options.replace_existing = 1;
  return nanots::store::create("test.nts", options);
}

static void owners() {
  nanots::store store = make();
  nanots::writer writer = store.writer();
  nanots::write_context context = writer.context("s", "words");
  CHECK(thrown([&] { writer.context("s"); }) == NANOTS_EC_DUPLICATE_STREAM_TAG);
  nanots::write_context moved = std::move(context);
  CHECK(thrown([&] { context.append(1, 1); }) == NANOTS_EC_INVALID_ARGUMENT);
  moved.append(1.5, 10);
  CHECK(thrown([&] { moved.append(2.5, 10); }) == NANOTS_EC_NON_MONOTONIC_TIMESTAMP);
  moved.append(std::string("text"), 11, 0, 7);
  moved.flush();
  moved.close();
  CHECK(thrown([&] { moved.close(); }) == NANOTS_EC_INVALID_ARGUMENT);
  nanots::write_context again = writer.context("s");
  CHECK(thrown([] { nanots::store("none.nts"); }) == NANOTS_EC_CANT_OPEN);
  CHECK(thrown([] { nanots::reader("none.nts"); }) == NANOTS_EC_CANT_OPEN);
  nanots::cursor cursor("test.nts", "s");
  CHECK(cursor.current()->as<double>() == 1.5 && cursor.metadata() == "words");
  CHECK(cursor.next()->text() == "text" && cursor.current()->flags() == 7);
  CHECK(thrown([&] { cursor.current()->as<double>(); }) == NANOTS_EC_INVALID_ARGUMENT);
  CHECK(!cursor.next() && !cursor.find(12) && !cursor.wait_next(1));
}

static void ranges() {
  nanots::store store = make();
  {
    nanots::write_context context = store.writer().context("s");
    for (int index = 1; index <= 10; index++) context.append(index, index * 10);
  }
  auto sum = [](nanots::frame_range range) {
    int total = 0;
    for (const nanots::frame &frame : range) total = total * 3 + frame.as<int>();
    return total;
  };
  CHECK(sum(store.frames("s", 20, 40)) == (2 * 3 + 3) * 3 + 4);
  CHECK(sum(store.reversed_frames("s", 20, 40)) == (4 * 3 + 3) * 3 + 2);
  CHECK(sum(store.reversed_frames("s", 95)) == 10 && sum(store.frames("s", 101)) == 0 && sum(store.frames("t")) == 0);
  CHECK(store.pin("s").blocks() == 1 && store.statistics().frames == 10);
  nanots::reader reader = store.reader();
  CHECK(reader.count("s", 15, 35) == 2 && reader.streams() == std::vector<std::string>{"s"});
  CHECK(reader.contiguous_segments("s").size() == 1);
  int frames = 0;
  reader.read("s", 10, 30, [&](const nanots_frame_info_t &, const char *) { frames++; });
  CHECK(frames == 3);
  bool caught = false;
  try {
    reader.read("s", 10, 30, [](const nanots_frame_info_t &, const char *) { throw 5; });
  } catch (int) {
    caught = true;
  }
  CHECK(caught);
  nanots_copy_options_t options = {};
  options.replace_existing = 1;
  CHECK(store.copy("copy.nts", options).frames == 10);
}

static const check checks[] = {{"owners", owners}, {"ranges", ranges}};

int main(int argc, char **argv) { return run_checks(checks, sizeof checks / sizeof *checks, argc, argv); }
