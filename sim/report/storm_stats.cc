#include "sim/report/storm_stats.h"

#include <algorithm>

#include "sim/report/window_stats.h"

namespace chat::sim {
namespace {

constexpr Duration kShortest = milliseconds(1);  ///< For rates: nothing comes all at once.

}  // namespace

void StormStats::welcomed(Duration after) {
  welcome.record(after.ns);
  const auto second = static_cast<size_t>(after.ns / seconds(1).ns);
  if (accepts.size() <= second) accepts.resize(second + 1);
  ++accepts[second];
}

void StormStats::recovered_after(Duration after) {
  ++recovered;
  recovery.record(after.ns);
}

uint64_t StormStats::accepts_peak() const {
  return accepts.empty() ? 0 : *std::max_element(accepts.begin(), accepts.end());
}

double StormStats::accepts_mean() const {
  const Duration length = std::max(Duration{welcome.max() - welcome.min()}, kShortest);
  return static_cast<double>(welcome.count()) / length.seconds();
}

std::optional<Duration> StormStats::full_recovery() const {
  if (recovered < dropped) return std::nullopt;
  return Duration{recovery.max()};
}

std::optional<double> StormStats::metric(std::string_view name) const {
  if (name == "dropped") return static_cast<double>(dropped);
  if (name == "recovered") return static_cast<double>(recovered);
  if (name == "accepts") return accepts_mean();
  if (name == "full_recovery") {
    const auto full = full_recovery();
    if (!full) return std::nullopt;
    return static_cast<double>(full->ns) / 1e6;
  }
  if (name.starts_with("recovery.")) return percentile_ms(recovery, name.substr(9));
  return std::nullopt;
}

}  // namespace chat::sim
