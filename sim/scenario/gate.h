// Gate: one condition that a run must fulfil, such as "lost == 0" or
// "latency.response.p99 < 50ms in every 10s window, 1 miss allowed".
//   gate    = sum compare sum [ "in every" TIME "window" [ "," N "miss(es) allowed" ] ]
//   sum     = product { ("+" | "-") product };  product = atom { ("*" | "/") atom }
//   atom    = NUMBER[unit] | metric | "(" sum ")";  compare = < <= > >= == !=
// Units are checked: times are compared with times, bytes with bytes. Thread rule: plain value.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"

namespace chat::sim {

/// What a metric is measured in. Times are in ms, as in the result's JSON.
enum class Unit : uint8_t { none, time_ms, bytes };

struct MetricInfo {
  std::string_view name;
  Unit unit;
  bool per_window;  ///< Whether it exists for a window, too.
  std::string_view meaning;
};

/// All metrics that a gate can name.
std::span<const MetricInfo> gate_metrics();

/// The value of a metric; nullopt when there is none, for example a percentile of nothing.
using MetricLookup = std::function<std::optional<double>(std::string_view name)>;

struct GateOutcome {
  std::optional<double> value;  ///< Of the left side; nullopt when a metric had no value.
  bool passed = false;
};

class Gate {
 public:
  /// Errors: invalid_argument that names the column and, for a misspelt metric, the nearest one.
  static Result<Gate> parse(std::string_view text);

  const std::string& text() const { return text_; }
  /// Set when the gate is to be judged for every window of this length; whole seconds.
  std::optional<Duration> window() const { return window_; }
  /// Windows that may fail.
  uint32_t misses_allowed() const { return misses_allowed_; }
  /// Judges one set of metrics: of the whole run, or of one window. A missing value does not pass.
  GateOutcome evaluate(const MetricLookup& metric) const;

 private:
  friend class GateParser;

  enum class Op : uint8_t { number, metric, add, subtract, multiply, divide };
  enum class Compare : uint8_t { less, less_equal, greater, greater_equal, equal, not_equal };
  /// An expression in postfix order.
  struct Step {
    Op op = Op::number;
    double number = 0;
    std::string_view metric = {};  ///< Of gate_metrics(), so it outlives the gate.
  };

  static std::optional<double> value_of(std::span<const Step> steps, const MetricLookup& metric);

  std::string text_;
  std::vector<Step> left_, right_;
  Compare compare_ = Compare::less;
  std::optional<Duration> window_;
  uint32_t misses_allowed_ = 0;
};

}  // namespace chat::sim
