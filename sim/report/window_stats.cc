#include "sim/report/window_stats.h"

#include <utility>

namespace chat::sim {
namespace {

constexpr std::pair<std::string_view, double> kPercentiles[] = {
    {"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p999", 99.9}};

bool take_prefix(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

}  // namespace

void WindowStats::merge(const WindowStats& later) {
  length = length + later.length;
  users_connected = later.users_connected;
  sent += later.sent;
  acked += later.acked;
  delivered += later.delivered;
  late += later.late;
  not_sent += later.not_sent;
  reconnects += later.reconnects;
  errors += later.errors;
  rate_limited += later.rate_limited;
  go_aways += later.go_aways;
  service.merge(later.service);
  response.merge(later.response);
  lag.merge(later.lag);
}

void WindowStats::clear() {
  length = {};
  users_connected = sent = acked = delivered = late = not_sent = reconnects = errors = 0;
  rate_limited = go_aways = 0;
  service.clear();
  response.clear();
  lag.clear();
}

std::optional<double> percentile_ms(const Histogram& histogram, std::string_view name) {
  if (histogram.count() == 0) return std::nullopt;
  if (name == "max") return static_cast<double>(histogram.max()) / 1e6;
  for (const auto& [known, percent] : kPercentiles) {
    if (name == known) return static_cast<double>(histogram.percentile(percent)) / 1e6;
  }
  return std::nullopt;
}

std::optional<double> WindowStats::metric(std::string_view name) const {
  const std::pair<std::string_view, uint64_t> counts[] = {
      {"sent", sent},           {"acked", acked},
      {"delivered", delivered}, {"late", late},
      {"not_sent", not_sent},   {"reconnects", reconnects},
      {"errors", errors},       {"rate_limited", rate_limited},
      {"go_aways", go_aways},   {"users.connected", users_connected}};
  for (const auto& [known, count] : counts) {
    if (name == known) return static_cast<double>(count);
  }
  if (name == "rate.sent" || name == "rate.delivered") {
    if (length.ns <= 0) return std::nullopt;
    return static_cast<double>(name == "rate.sent" ? sent : delivered) / length.seconds();
  }
  if (take_prefix(name, "latency.service.")) return percentile_ms(service, name);
  if (take_prefix(name, "latency.response.")) return percentile_ms(response, name);
  if (take_prefix(name, "generator.lag.")) return percentile_ms(lag, name);
  return std::nullopt;
}

}  // namespace chat::sim
