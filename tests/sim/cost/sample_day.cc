#include "tests/sim/cost/sample_day.h"

#include <cmath>
#include <numbers>

namespace chat::sim {
namespace {

/// What so many users online bring.
LoadWindow window_of(double users) {
  LoadWindow window;
  window.users = users;
  window.pushes_per_s = users / 2'000;
  Quantities& load = window.load;
  load[Quantity::connection] = users;
  load[Quantity::session] = 1.05 * users;
  load[Quantity::user] = 1.2 * users;
  load[Quantity::chat] = 2 * users;
  load[Quantity::heartbeat] = users / 30;
  load[Quantity::turn] = users / 20;
  load[Quantity::send] = users / 100;
  load[Quantity::frame_in] = users / 50;
  load[Quantity::write_out] = users / 20;
  load[Quantity::byte] = users * 5;
  load[Quantity::delivery] = users / 25;
  load[Quantity::peer_frame] = users / 30;
  load[Quantity::store_batch] = users / 1'000;
  load[Quantity::store_row] = users / 15;
  load[Quantity::store_byte] = users * 8;
  load[Quantity::store_read] = users / 200;
  load[Quantity::sync_page] = users / 300;
  load[Quantity::accept] = users / 600;
  return window;
}

}  // namespace

DayLoad sample_day(uint64_t seed, double spread) {
  Random random(seed);
  DayLoad day{
      .name = "sample", .seed = seed, .daily_users = 3e6, .window = minutes(15), .regions = {}};
  for (const auto& [name, offset] : {std::pair("west", 0.0), std::pair("east", 12.0)}) {
    RegionDay region{.name = name, .windows = {}};
    for (int i = 0; i < 96; ++i) {
      const double hour = i / 4.0 + offset;
      const double curve = 1 + 0.8 * std::sin((hour - 14) / 24 * 2 * std::numbers::pi);
      const double noise = 1 + 0.02 * spread * (random.unit() - 0.5);
      region.windows.push_back(window_of(400'000 * curve * noise));
    }
    day.regions.push_back(std::move(region));
  }
  return day;
}

std::vector<DayLoad> sample_days(size_t count) {
  std::vector<DayLoad> days;
  for (size_t i = 0; i < count; ++i) {
    days.push_back(scaled(scaled(sample_day(100 + i, 10), 0.01), 100));
  }
  return days;
}

DayLoad flat_day(double users) {
  DayLoad day{
      .name = "flat", .seed = 1, .daily_users = users, .window = minutes(15), .regions = {}};
  day.regions.push_back({.name = "all", .windows = std::vector<LoadWindow>(96, window_of(users))});
  return day;
}

PriceList sample_prices() {
  return {.currency = "EUR",
          .machines = {{.name = "small",
                        .cores = 2,
                        .memory_bytes = 8ull << 30,
                        .network_bits_per_s = 1e9,
                        .price = 20},
                       {.name = "large",
                        .cores = 16,
                        .memory_bytes = 64ull << 30,
                        .network_bits_per_s = 1e10,
                        .price = 150}},
          .storage_gib_month = 0.05,
          .traffic_out_gib = 0.01,
          .million_pushes = 0.5};
}

}  // namespace chat::sim
