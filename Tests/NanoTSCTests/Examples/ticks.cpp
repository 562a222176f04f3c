// Ticks: many trades in one millisecond, ordered by the exchange's sequence number as the key; then a bar of one second
// and the last trades, newest first.
#include <nanots.hpp>

#include <algorithm>
#include <cstdio>

struct Trade {
  double price;
  std::int64_t size;
};

int main() try {
  nanots_store_options_t options = {};
  options.time_unit = NANOTS_TIME_MILLISECONDS;
  options.replace_existing = 1;
  nanots::store store = nanots::store::create("ticks.nts", options);
  {
    nanots::write_context trades = store.writer().context("XYZ", "price, size");
    std::int64_t sequence = 0;
    for (std::int64_t millisecond = 0; millisecond < 5000; millisecond++) {
      for (int trade = 0; trade < 3; trade++) {
        sequence++;
        trades.append(Trade{100 + double(sequence % 200) / 100, 10 * (trade + 1)}, millisecond, sequence);
      }
    }
  }
  double low = 1e9, high = 0;
  std::int64_t volume = 0;
  for (const nanots::frame &frame : store.frames("XYZ", 2000, 2999)) {
    Trade trade = frame.as<Trade>();
    low = std::min(low, trade.price);
    high = std::max(high, trade.price);
    volume += trade.size;
  }
  std::printf("second 2: low %.2f, high %.2f, volume %lld\n", low, high, static_cast<long long>(volume));

  // One trade of several with the same timestamp, by its key.
  nanots::cursor cursor = store.cursor("XYZ");
  std::printf("trade 6002 is at %lld ms\n", static_cast<long long>(cursor.find(2000, 6002)->timestamp()));

  int shown = 0;
  for (const nanots::frame &frame : store.reversed_frames("XYZ")) {
    std::printf("%lld: %.2f\n", static_cast<long long>(frame.key()), frame.as<Trade>().price);
    if (++shown == 2) break;
  }
  return 0;
} catch (const nanots::error &error) {
  std::fprintf(stderr, "%s: %s\n", nanots_error_name(error.code()), error.what());
  return 1;
}
