// A sensor logger: a reading every 10 ms, the newest kept; then an hour's mean without copying a frame, and a backup.
#include <nanots.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(nanots_ec_t code) {
  if (code == NANOTS_EC_OK) return;
  fprintf(stderr, "%s: %s\n", nanots_error_name(code), nanots_last_error_message());
  exit(1);
}

int main(void) {
  nanots_store_options_t options = {.struct_size = sizeof options, .block_size = 256 << 10, .block_count = 32,
                                    .time_unit = NANOTS_TIME_MILLISECONDS, .replace_existing = 1};
  nanots_store_t store;
  must(nanots_store_create("sensors.nts", &options, &store));
  nanots_writer_t writer;
  must(nanots_store_create_writer(store, NULL, &writer));
  nanots_write_context_t log = nanots_writer_create_context(writer, "imu/acceleration", "3 floats: g");
  if (!log) must(nanots_last_error_code());
  for (int64_t sample = 0; sample < 200000; sample++) {
    float g[3] = {0.01f * (float)sin((double)sample / 50), 0, 1};
    must(nanots_write_context_append(log, g, sizeof g, sample * 10, 0, 0));
  }
  nanots_write_context_destroy(log);
  nanots_writer_destroy(writer);

  // Columns of whole blocks, borrowed: what was summed counts only if the block was not recycled meanwhile.
  nanots_iterator_t place;
  must(nanots_store_create_iterator(store, "imu/acceleration", NULL, &place));
  must(nanots_iterator_find(place, 100000));
  must(nanots_iterator_prev(place));
  double sum = 0;
  size_t count = 0;
  nanots_batch_t batch;
  while (nanots_iterator_next_batch(place, 1100000, &batch) == NANOTS_EC_OK) {
    double part = 0;
    for (size_t index = 0; index < batch.count; index++) {
      float g[3];
      memcpy(g, batch.data + index * batch.data_stride, sizeof g);
      part += g[2];
    }
    if (!nanots_batch_is_intact(&batch)) continue;
    sum += part;
    count += batch.count;
  }
  nanots_iterator_destroy(place);

  nanots_copy_options_t backup = {.struct_size = sizeof backup, .replace_existing = 1};
  nanots_copy_report_t report = {.struct_size = sizeof report};
  must(nanots_store_copy(store, "backup.nts", &backup, &report));
  must(nanots_store_close(store));
  printf("%zu samples, mean %.2f g; backup of %llu frames\n", count, sum / (double)count,
         (unsigned long long)report.frames);
  return 0;
}
