#include <nanots.h>
#include <stdio.h>

int main(void) {
  nanots_writer_allocate_file("room.nts", 65536, 100);
  nanots_writer_t writer = nanots_writer_create("room.nts", 1);
  nanots_write_context_t context = nanots_writer_create_context(writer, "temperature", "celsius, double");
  for (int hour = 0; hour < 24; hour++) {
    double celsius = 18.5 + hour / 4.0;
    if (nanots_writer_write(writer, context, (const uint8_t *)&celsius, sizeof celsius, hour * 3600, 0))
      puts(nanots_last_error_message());
  }
  nanots_write_context_destroy(context);
  nanots_writer_destroy(writer);

  nanots_iterator_t frames = nanots_iterator_create("room.nts", "temperature");
  nanots_frame_info_t frame;
  for (nanots_iterator_find(frames, 6 * 3600); nanots_iterator_valid(frames); nanots_iterator_next(frames)) {
    if (nanots_iterator_get_current_frame(frames, &frame) || frame.timestamp > 9 * 3600) break;
    printf("%lld %.2f\n", (long long)frame.timestamp, *(const double *)frame.data);
  }
  nanots_iterator_destroy(frames);
}
