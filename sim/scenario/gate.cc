#include "sim/scenario/gate.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "core/base/assert.h"
#include "core/base/nearest_name.h"

namespace chat::sim {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{"sent", Unit::none, true, "messages written to a socket for the first time"},
    MetricInfo{"acked", Unit::none, true, "messages that chatd said it stored"},
    MetricInfo{"refused", Unit::none, false, "messages answered with a permanent error"},
    MetricInfo{"expected_deliveries", Unit::none, false, "events that devices had to get"},
    MetricInfo{"delivered", Unit::none, true,
               "events that devices got (per window: live messages)"},
    MetricInfo{"lost", Unit::none, false, "expected, but never delivered"},
    MetricInfo{"duplicate", Unit::none, false, "delivered twice, or stored twice"},
    MetricInfo{"reordered", Unit::none, false, "out of order"},
    MetricInfo{"phantom", Unit::none, false, "delivered, but in no chat log"},
    MetricInfo{"stale", Unit::none, false, "shown, or read, though deleted or changed"},
    MetricInfo{"late", Unit::none, true, "live deliveries slower than late_after"},
    MetricInfo{"not_sent", Unit::none, true, "due, but the user's queue was full"},
    MetricInfo{"by_history", Unit::none, false, "delivered by History after a reset"},
    MetricInfo{"pruned", Unit::none, false, "delivered as a place whose content had been pruned"},
    MetricInfo{"skipped", Unit::none, false, "jumped over in rooms"},
    MetricInfo{"changes.sent", Unit::none, false, "edits, deletions and reactions written first"},
    MetricInfo{"changes.acked", Unit::none, false, "changes that chatd said it stored"},
    MetricInfo{"changes.refused", Unit::none, false, "changes answered with a permanent error"},
    MetricInfo{"changes.tombstones", Unit::none, false, "tombstones in the place of the deleted"},
    MetricInfo{"changes.leaves", Unit::none, false, "users who left chats, as the logs say"},
    MetricInfo{"reconnects", Unit::none, true, "connections opened again"},
    MetricInfo{"errors", Unit::none, true, "Error frames"},
    MetricInfo{"rate_limited", Unit::none, true, "requests refused as too fast, sent again later"},
    MetricInfo{"go_aways", Unit::none, true, "devices that chatd asked to go elsewhere"},
    MetricInfo{"users.asked", Unit::none, false, "users of the scenario"},
    MetricInfo{"users.peak", Unit::none, false, "most users connected at once"},
    MetricInfo{"users.connected", Unit::none, true, "users connected (at the end of the window)"},
    MetricInfo{"rate.sent", Unit::none, true, "messages sent per second of the run phase"},
    MetricInfo{"rate.delivered", Unit::none, true, "live deliveries per second of the run phase"},
    MetricInfo{"ladder.rate", Unit::none, false, "messages per second of the highest valid step"},
    MetricInfo{"latency.service.p50", Unit::time_ms, true, "actual send to delivery"},
    MetricInfo{"latency.service.p90", Unit::time_ms, true, ""},
    MetricInfo{"latency.service.p95", Unit::time_ms, true, ""},
    MetricInfo{"latency.service.p99", Unit::time_ms, true, ""},
    MetricInfo{"latency.service.p999", Unit::time_ms, true, ""},
    MetricInfo{"latency.service.max", Unit::time_ms, true, ""},
    MetricInfo{"latency.response.p50", Unit::time_ms, true, "intended send to delivery"},
    MetricInfo{"latency.response.p90", Unit::time_ms, true, ""},
    MetricInfo{"latency.response.p95", Unit::time_ms, true, ""},
    MetricInfo{"latency.response.p99", Unit::time_ms, true, ""},
    MetricInfo{"latency.response.p999", Unit::time_ms, true, ""},
    MetricInfo{"latency.response.max", Unit::time_ms, true, ""},
    MetricInfo{"catch_up.p50", Unit::time_ms, false, "Welcome to having everything missed"},
    MetricInfo{"catch_up.p90", Unit::time_ms, false, ""},
    MetricInfo{"catch_up.p95", Unit::time_ms, false, ""},
    MetricInfo{"catch_up.p99", Unit::time_ms, false, ""},
    MetricInfo{"catch_up.p999", Unit::time_ms, false, ""},
    MetricInfo{"catch_up.max", Unit::time_ms, false, ""},
    MetricInfo{"storm.dropped", Unit::none, false, "devices that lost their link in the storm"},
    MetricInfo{"storm.recovered", Unit::none, false, "of them those that were at head again"},
    MetricInfo{"storm.accepts", Unit::none, false, "devices welcomed per second after the storm"},
    MetricInfo{"storm.full_recovery", Unit::time_ms, false,
               "from the storm until the last device was at head again"},
    MetricInfo{"storm.recovery.p50", Unit::time_ms, false, "from the storm to being at head again"},
    MetricInfo{"storm.recovery.p90", Unit::time_ms, false, ""},
    MetricInfo{"storm.recovery.p99", Unit::time_ms, false, ""},
    MetricInfo{"generator.cpu", Unit::time_ms, false, "CPU time of chatsim"},
    MetricInfo{"generator.rss", Unit::bytes, false, "largest resident set of chatsim"},
    MetricInfo{"generator.bytes_per_user", Unit::bytes, false, "user memory per connected user"},
    MetricInfo{"generator.lag.p99", Unit::time_ms, true, "own delay of sends"},
    MetricInfo{"virtual.peak_concurrent", Unit::none, false, "most connections at once"},
    MetricInfo{"virtual.heartbeats", Unit::none, false, "heartbeats of a run in virtual time"},
    MetricInfo{"virtual.bytes_per_user", Unit::bytes, false, "memory of the simulation per user"},
    MetricInfo{"server.cpu", Unit::time_ms, false, "CPU time of chatd"},
    MetricInfo{"server.rss", Unit::bytes, false, "largest resident set of chatd"},
    MetricInfo{"server.bytes_per_connection", Unit::bytes, false, "resident growth per connection"},
};

struct UnitSuffix {
  std::string_view name;
  Unit unit;
  double factor;
  std::string_view exponent = {};  ///< Decimal, so that 99.9% is exactly 0.999.
};
constexpr std::array kUnits = {
    UnitSuffix{"", Unit::none, 1},
    UnitSuffix{"%", Unit::none, 1, "e-2"},
    UnitSuffix{"us", Unit::time_ms, 1, "e-3"},
    UnitSuffix{"ms", Unit::time_ms, 1},
    UnitSuffix{"s", Unit::time_ms, 1e3},
    UnitSuffix{"m", Unit::time_ms, 6e4},
    UnitSuffix{"h", Unit::time_ms, 3.6e6},
    UnitSuffix{"B", Unit::bytes, 1},
    UnitSuffix{"KB", Unit::bytes, 1e3},
    UnitSuffix{"MB", Unit::bytes, 1e6},
    UnitSuffix{"GB", Unit::bytes, 1e9},
    UnitSuffix{"KiB", Unit::bytes, 1024},
    UnitSuffix{"MiB", Unit::bytes, 1 << 20},
    UnitSuffix{"GiB", Unit::bytes, 1 << 30},
};

const MetricInfo* find_metric(std::string_view name) {
  for (const MetricInfo& metric : kMetrics) {
    if (metric.name == name) return &metric;
  }
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return is_digit(c) || is_letter(c) || c == '_'; }

const char* name_of(Unit unit) {
  switch (unit) {
    case Unit::time_ms:
      return "a time";
    case Unit::bytes:
      return "a size in bytes";
    case Unit::none:
      break;
  }
  return "a plain number";
}

}  // namespace

std::span<const MetricInfo> gate_metrics() { return kMetrics; }

/// Recursive descent over the text; the first error wins and stops everything.
class GateParser {
 public:
  explicit GateParser(std::string_view text) : text_(text) { gate_.text_ = text; }

  Result<Gate> parse() {
    const Unit left = sum(gate_.left_);
    compare();
    const size_t right_at = skip_space();
    const Unit right = sum(gate_.right_);
    if (!failed() && left != right) {
      fail(right_at,
           std::string("the left side is ") + name_of(left) + ", this is " + name_of(right));
    }
    if (!failed() && word("in")) window();
    if (!failed() && skip_space() < text_.size()) fail(at_, "expected the end of the gate");
    if (!failed() && gate_.window_) check_window_metrics();
    if (failed()) return *error_;
    return std::move(gate_);
  }

 private:
  using Step = Gate::Step;
  using Op = Gate::Op;

  bool failed() const { return error_.has_value(); }

  void fail(size_t at, const std::string& what) {
    if (failed()) return;
    error_ =
        make_error(ErrorCode::invalid_argument, "gate \"" + std::string(text_) + "\", column " +
                                                    std::to_string(at + 1) + ": " + what);
  }

  size_t skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_;
  }

  bool take(std::string_view token) {
    skip_space();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }

  bool word(std::string_view token) {
    skip_space();
    const size_t end = at_ + token.size();
    if (text_.substr(at_, token.size()) != token) return false;
    if (end < text_.size() && is_word(text_[end])) return false;
    at_ = end;
    return true;
  }

  void compare() {
    using Compare = Gate::Compare;
    static constexpr std::pair<std::string_view, Compare> kAll[] = {
        {"<=", Compare::less_equal}, {">=", Compare::greater_equal}, {"==", Compare::equal},
        {"!=", Compare::not_equal},  {"<", Compare::less},           {">", Compare::greater}};
    for (const auto& [token, compare] : kAll) {
      if (!take(token)) continue;
      gate_.compare_ = compare;
      return;
    }
    fail(at_, "expected one of < <= > >= == !=");
  }

  Unit sum(std::vector<Step>& out) {
    Unit unit = product(out);
    while (!failed()) {
      const size_t at = skip_space();
      const bool plus = take("+");
      if (!plus && !take("-")) break;
      if (product(out) != unit) fail(at, "only quantities of one kind can be added");
      out.push_back({.op = plus ? Op::add : Op::subtract});
    }
    return unit;
  }

  Unit product(std::vector<Step>& out) {
    Unit unit = atom(out);
    while (!failed()) {
      const size_t at = skip_space();
      const bool times = take("*");
      if (!times && !take("/")) break;
      const Unit right = atom(out);
      out.push_back({.op = times ? Op::multiply : Op::divide});
      if (right == Unit::none) continue;
      if (times && unit == Unit::none) {
        unit = right;
      } else if (!times && unit == right) {
        unit = Unit::none;
      } else {
        fail(at, "these two quantities cannot be multiplied or divided");
      }
    }
    return unit;
  }

  Unit atom(std::vector<Step>& out) {
    skip_space();
    if (take("(")) {
      if (++depth_ > 32) fail(at_, "too many parentheses");
      const Unit unit = failed() ? Unit::none : sum(out);
      --depth_;
      if (!take(")")) fail(at_, "expected )");
      return unit;
    }
    if (at_ < text_.size() && is_digit(text_[at_])) return number(out);
    return metric(out);
  }

  Unit number(std::vector<Step>& out) {
    const size_t begin = at_;
    while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
    const size_t unit_at = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || text_[at_] == '%')) ++at_;
    const std::string_view suffix = text_.substr(unit_at, at_ - unit_at);
    for (const UnitSuffix& unit : kUnits) {
      if (unit.name != suffix) continue;
      std::string digits(text_.substr(begin, unit_at - begin));
      digits += unit.exponent;
      double value = 0;
      const char* end = digits.data() + digits.size();
      const auto read = std::from_chars(digits.data(), end, value);
      if (read.ec != std::errc{} || read.ptr != end) fail(begin, "not a number");
      out.push_back({.op = Op::number, .number = value * unit.factor});
      return unit.unit;
    }
    fail(unit_at, "unknown unit \"" + std::string(suffix) +
                      "\" (known: % us ms s m h B KB MB GB KiB MiB GiB)");
    return Unit::none;
  }

  Unit metric(std::vector<Step>& out) {
    const size_t begin = at_;
    while (at_ < text_.size() && (is_word(text_[at_]) || text_[at_] == '.')) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (name.empty()) {
      fail(begin, "expected a number or the name of a metric");
      return Unit::none;
    }
    const MetricInfo* info = find_metric(name);
    if (info == nullptr) {
      std::vector<std::string_view> names;
      for (const MetricInfo& known : kMetrics) names.push_back(known.name);
      const std::string_view near = nearest_name(name, names);
      fail(begin, "unknown metric \"" + std::string(name) + "\"" +
                      (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
      return Unit::none;
    }
    out.push_back({.op = Op::metric, .metric = info->name});
    return info->unit;
  }

  void window() {
    if (!word("every")) return fail(skip_space(), "expected \"every\"");
    const size_t at = skip_space();
    std::vector<Step> length;
    if (at >= text_.size() || !is_digit(text_[at])) {
      return fail(at, "expected the length of the window, such as 10s");
    }
    if (number(length) != Unit::time_ms) return fail(at, "a window needs a time, such as 10s");
    if (failed()) return;
    const double ms = length[0].number;
    if (ms < 1'000 || ms > 86'400'000 || std::fmod(ms, 1'000) != 0) {
      return fail(at, "a window is a whole number of seconds, at most a day");
    }
    gate_.window_ = milliseconds(static_cast<int64_t>(ms));
    if (!word("window")) return fail(skip_space(), "expected \"window\"");
    if (take(",")) misses();
  }

  void misses() {
    const size_t at = skip_space();
    std::vector<Step> count;
    if (at >= text_.size() || !is_digit(text_[at])) {
      return fail(at, "expected how many windows may miss");
    }
    const Unit unit = number(count);
    if (failed()) return;
    const double misses = count[0].number;
    if (unit != Unit::none || misses > 1e6 || misses != std::floor(misses)) {
      return fail(at, "expected a whole number of windows");
    }
    gate_.misses_allowed_ = static_cast<uint32_t>(misses);
    if (!word("miss") && !word("misses")) return fail(skip_space(), "expected \"misses allowed\"");
    if (!word("allowed")) fail(skip_space(), "expected \"allowed\"");
  }

  void check_window_metrics() {
    for (const auto* steps : {&gate_.left_, &gate_.right_}) {
      for (const Step& step : *steps) {
        if (step.op != Op::metric || find_metric(step.metric)->per_window) continue;
        fail(text_.find(step.metric), "\"" + std::string(step.metric) +
                                          "\" is known only for the whole run, not per window");
      }
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  Gate gate_;
  std::optional<Error> error_;
};

Result<Gate> Gate::parse(std::string_view text) { return GateParser(text).parse(); }

std::optional<double> Gate::value_of(std::span<const Step> steps, const MetricLookup& metric) {
  std::vector<double> stack;
  for (const Step& step : steps) {
    if (step.op == Op::number) {
      stack.push_back(step.number);
      continue;
    }
    if (step.op == Op::metric) {
      const auto value = metric(step.metric);
      if (!value) return std::nullopt;
      stack.push_back(*value);
      continue;
    }
    CHAT_ASSERT(stack.size() >= 2);
    const double right = stack.back();
    stack.pop_back();
    double& left = stack.back();
    if (step.op == Op::add) left += right;
    if (step.op == Op::subtract) left -= right;
    if (step.op == Op::multiply) left *= right;
    if (step.op == Op::divide) left /= right;
  }
  CHAT_ASSERT(stack.size() == 1);
  if (!std::isfinite(stack.back())) return std::nullopt;
  return stack.back();
}

GateOutcome Gate::evaluate(const MetricLookup& metric) const {
  const auto left = value_of(left_, metric);
  const auto right = value_of(right_, metric);
  GateOutcome outcome{.value = left};
  if (!left || !right) return outcome;
  switch (compare_) {
    case Compare::less:
      outcome.passed = *left < *right;
      break;
    case Compare::less_equal:
      outcome.passed = *left <= *right;
      break;
    case Compare::greater:
      outcome.passed = *left > *right;
      break;
    case Compare::greater_equal:
      outcome.passed = *left >= *right;
      break;
    case Compare::equal:
      outcome.passed = *left == *right;
      break;
    case Compare::not_equal:
      outcome.passed = *left != *right;
      break;
  }
  return outcome;
}

}  // namespace chat::sim
