// DayLoad: what a day asks of the servers, without what it costs: per region and window of the day
// the users online, what they hold (levels) and what happens (per second), and the notifications to
// push. A fleet run or a measurement fills it; plans are made from it.
// Thread rule: plain values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"
#include "sim/cost/quantity.h"

namespace chat::sim {

/// One stretch of the day in one region.
struct LoadWindow {
  Quantities load;   ///< Levels: the highest in the window; the others: per second, its mean.
  double users = 0;  ///< Online; the highest in the window.
  double pushes_per_s = 0;  ///< Notifications to devices that are not online.

  LoadWindow& operator+=(const LoadWindow& other);
};

/// A region has servers of its own.
struct RegionDay {
  std::string name;
  std::vector<LoadWindow> windows;
};

struct DayLoad {
  std::string name;
  uint64_t seed = 0;       ///< Of the behaviour.
  double daily_users = 0;  ///< Different users of the day.
  Duration window;         ///< Length of each; all windows together are one day.
  std::vector<RegionDay> regions;
};

/// Errors: invalid_argument that names region and window.
Status check_day_load(const DayLoad& day);
/// The day with so many times the users, each of whom does the same.
DayLoad scaled(const DayLoad& day, double factor);
/// All regions at once.
std::vector<LoadWindow> all_regions(const DayLoad& day);
/// The window with the most users in its surroundings of one hour; 0 when there is none.
size_t peak_hour_begin(const std::vector<LoadWindow>& windows, Duration window);
/// The mean of the windows of one hour from `begin` on, past midnight too; levels are the highest.
LoadWindow hour_of(const std::vector<LoadWindow>& windows, Duration window, size_t begin);

}  // namespace chat::sim
