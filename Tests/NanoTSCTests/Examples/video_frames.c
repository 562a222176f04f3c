// Video: frames of different sizes, a key frame every second told by its flag; then a jump to a time, which begins at the
// key frame before it. Only calls that programs for existing NanoTS know.
#include <nanots.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FRAME = 1, RATE = 30 };

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, nanots_last_error_message());
  exit(1);
}

static void record(const char *path) {
  if (nanots_writer_allocate_file(path, 1 << 20, 16) != NANOTS_EC_OK) fail("allocate");
  nanots_writer_t writer = nanots_writer_create(path, 1);
  nanots_write_context_t camera = nanots_writer_create_context(writer, "front door", "h264, 1280 x 720");
  if (!camera) fail("context");
  static uint8_t picture[64 << 10];
  for (int64_t number = 0; number < 40 * RATE; number++) {
    int is_key = number % RATE == 0;
    size_t size = is_key ? 48 << 10 : 2000 + (size_t)(number % 7) * 500;
    memset(picture, (int)number, size);
    if (nanots_writer_write(writer, camera, picture, size, number * 1000 / RATE, is_key ? KEY_FRAME : 0) != NANOTS_EC_OK)
      fail("write");
  }
  nanots_write_context_destroy(camera);
  nanots_writer_destroy(writer);
}

int main(void) {
  record("video.nts");
  nanots_iterator_t player = nanots_iterator_create("video.nts", "front door");
  if (!player) fail("open");
  // Back from the time that was asked for to the key frame from which it can be decoded.
  if (nanots_iterator_find(player, 25500) != NANOTS_EC_OK) fail("find");
  nanots_frame_info_t frame;
  int back = 0;
  while (nanots_iterator_get_current_frame(player, &frame) == NANOTS_EC_OK && !(frame.flags & KEY_FRAME)) {
    nanots_iterator_prev(player);
    back++;
  }
  printf("25.5 s: decoded from the key frame at %lld ms, %d frames before\n", (long long)frame.timestamp, back);
  size_t bytes = 0;
  int frames = 0;
  for (; nanots_iterator_valid(player) && frames < RATE; nanots_iterator_next(player), frames++) {
    if (nanots_iterator_get_current_frame(player, &frame) != NANOTS_EC_OK) fail("frame");
    bytes += frame.size;
  }
  printf("a second of it: %d frames, %zu bytes, %s\n", frames, bytes, nanots_iterator_current_metadata(player));
  nanots_iterator_destroy(player);
  return 0;
}
