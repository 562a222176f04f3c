#include <nanots.hpp>
#include <iostream>

int main() {
  nanots_store_options_t options = {};
  options.time_unit = NANOTS_TIME_SECONDS;
  options.replace_existing = 1;
  nanots::store store = nanots::store::create("room.nts", options);

  nanots::write_context context = store.writer().context("temperature", "celsius, double");
  for (int hour = 0; hour < 24; hour++) context.append(18.5 + hour / 4.0, hour * 3600);
  context.close();

  for (const nanots::frame &frame : store.frames("temperature", 6 * 3600, 9 * 3600))
    std::cout << frame.timestamp() << " " << frame.as<double>() << "\n";
}
