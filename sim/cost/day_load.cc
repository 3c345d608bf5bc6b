#include "sim/cost/day_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace chat::sim {
namespace {

constexpr Duration kDay = seconds(24 * 3600);
constexpr Duration kHour = seconds(3600);

Error wrong(std::string text) { return make_error(ErrorCode::invalid_argument, std::move(text)); }

bool is_amount(double value) { return std::isfinite(value) && value >= 0; }

Status check_window(const RegionDay& region, size_t index) {
  const LoadWindow& window = region.windows[index];
  const auto refuse = [&](std::string_view what, double value) {
    return wrong(fmt::format("region \"{}\", window {}: {} is {}: expected 0 or more", region.name,
                             index, what, value));
  };
  if (!is_amount(window.users)) return refuse("users", window.users);
  if (!is_amount(window.pushes_per_s)) return refuse("pushes", window.pushes_per_s);
  for (const QuantityInfo& info : quantities()) {
    const double value = window.load[info.quantity];
    if (!is_amount(value)) return refuse(info.name, value);
  }
  return {};
}

size_t windows_per_hour(Duration window) {
  return static_cast<size_t>(std::max<int64_t>(1, kHour.ns / std::max<int64_t>(1, window.ns)));
}

}  // namespace

LoadWindow& LoadWindow::operator+=(const LoadWindow& other) {
  load += other.load;
  users += other.users;
  pushes_per_s += other.pushes_per_s;
  return *this;
}

Status check_day_load(const DayLoad& day) {
  if (day.window.ns <= 0 || kDay.ns % day.window.ns != 0) {
    return wrong(fmt::format("windows of {} s do not divide a day", day.window.seconds()));
  }
  if (!is_amount(day.daily_users) || day.daily_users < 1) {
    return wrong(fmt::format("{} daily users: expected 1 or more", day.daily_users));
  }
  if (day.regions.empty()) return wrong("a day without regions");
  const auto count = static_cast<size_t>(kDay.ns / day.window.ns);
  for (const RegionDay& region : day.regions) {
    if (region.windows.size() != count) {
      return wrong(fmt::format("region \"{}\" has {} windows of {} s: a day has {}", region.name,
                               region.windows.size(), day.window.seconds(), count));
    }
    for (size_t i = 0; i < count; ++i) {
      if (Status checked = check_window(region, i); !checked) return checked;
    }
  }
  return {};
}

DayLoad scaled(const DayLoad& day, double factor) {
  DayLoad out = day;
  out.daily_users *= factor;
  for (RegionDay& region : out.regions) {
    for (LoadWindow& window : region.windows) {
      for (double& value : window.load.values) value *= factor;
      window.users *= factor;
      window.pushes_per_s *= factor;
    }
  }
  return out;
}

std::vector<LoadWindow> all_regions(const DayLoad& day) {
  std::vector<LoadWindow> sum(day.regions.empty() ? 0 : day.regions.front().windows.size());
  for (const RegionDay& region : day.regions) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += region.windows[i];
  }
  return sum;
}

size_t peak_hour_begin(const std::vector<LoadWindow>& windows, Duration window) {
  size_t best = 0;
  double most = -1;
  for (size_t begin = 0; begin < windows.size(); ++begin) {
    double users = 0;
    for (size_t i = 0; i < windows_per_hour(window); ++i) {
      users += windows[(begin + i) % windows.size()].users;
    }
    if (users > most) {
      most = users;
      best = begin;
    }
  }
  return best;
}

LoadWindow hour_of(const std::vector<LoadWindow>& windows, Duration window, size_t begin) {
  LoadWindow hour;
  const size_t count = windows_per_hour(window);
  for (size_t i = 0; i < count; ++i) {
    const LoadWindow& part = windows[(begin + i) % windows.size()];
    for (const QuantityInfo& info : quantities()) {
      double& value = hour.load[info.quantity];
      const double added = part.load[info.quantity];
      value = info.level ? std::max(value, added) : value + added / static_cast<double>(count);
    }
    hour.users = std::max(hour.users, part.users);
    hour.pushes_per_s += part.pushes_per_s / static_cast<double>(count);
  }
  return hour;
}

}  // namespace chat::sim
