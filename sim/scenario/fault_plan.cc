#include "sim/scenario/fault_plan.h"

#include <string>

namespace chat::sim {
namespace {

bool has_process(FaultKind kind) {
  return kind == FaultKind::crash || kind == FaultKind::partition || kind == FaultKind::clock_skew;
}

bool has_share(FaultKind kind) { return kind == FaultKind::store_error || kind == FaultKind::drop; }

/// What is wrong with the rule; empty = nothing.
std::string mistake_in(const FaultRule& rule, uint32_t processes, Duration length) {
  if (rule.at.has_value() == (rule.every.ns > 0)) return "needs either at or every";
  if (rule.at && (rule.at->ns < 0 || *rule.at >= length)) return "at must be within the run";
  if (!rule.at && rule.every < milliseconds(100)) return "every must be at least 100ms";
  if (rule.kind != FaultKind::drop && rule.lasts.ns <= 0) return "for must be longer than 0s";
  if (has_process(rule.kind) && rule.process > processes) {
    return "process must be at most servers.processes, " + std::to_string(processes);
  }
  if (rule.kind == FaultKind::partition && processes < 2) {
    return "a partition needs two processes: set servers.processes";
  }
  if (has_share(rule.kind) && (rule.share <= 0 || rule.share > 1)) {
    return "share must be above 0 and at most 1";
  }
  if (rule.kind == FaultKind::slow_disk && rule.factor < 1) return "factor must be at least 1";
  if (rule.kind == FaultKind::clock_skew && rule.ahead.ns == 0) return "needs ahead or behind";
  return "";
}

}  // namespace

std::string_view name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::crash:
      return "crash";
    case FaultKind::partition:
      return "partition";
    case FaultKind::slow_disk:
      return "slow_disk";
    case FaultKind::store_stall:
      return "store_stall";
    case FaultKind::store_error:
      return "store_error";
    case FaultKind::drop:
      return "drop";
    case FaultKind::clock_skew:
      return "clock_skew";
  }
  return "";
}

FaultPlan::FaultPlan(const std::vector<FaultRule>& rules, uint32_t processes, Duration length,
                     const Random& random)
    : processes_(processes), length_(length) {
  for (const FaultRule& rule : rules) {
    Source source{&rule, random.fork("fault", sources_.size()), rule.at};
    if (!rule.at) source.next = time_after(source, {});
    sources_.push_back(source);
  }
}

std::optional<Duration> FaultPlan::time_after(Source& source, Duration from) const {
  if (source.rule->at) return std::nullopt;
  const double gap = source.random.exponential(static_cast<double>(source.rule->every.ns));
  if (gap >= static_cast<double>((length_ - from).ns)) return std::nullopt;
  return from + nanoseconds(static_cast<int64_t>(gap));
}

std::optional<Fault> FaultPlan::next() {
  Source* first = nullptr;
  for (Source& source : sources_) {
    if (source.next && (first == nullptr || *source.next < *first->next)) first = &source;
  }
  if (first == nullptr) return std::nullopt;
  const FaultRule& rule = *first->rule;
  Random& random = first->random;
  Fault fault{.at = *first->next,
              .kind = rule.kind,
              .lasts = rule.lasts,
              .share = rule.share,
              .factor = rule.factor,
              .ahead = rule.ahead};
  fault.process =
      rule.process > 0 ? rule.process - 1 : static_cast<uint32_t>(random.below(processes_));
  if (rule.kind == FaultKind::partition) {
    const auto others = static_cast<uint32_t>(random.below(processes_ - 1));
    fault.other = others < fault.process ? others : others + 1;
  }
  fault.draw = random.next();
  first->next = time_after(*first, fault.at);
  return fault;
}

Status check_faults(const std::vector<FaultRule>& rules, uint32_t processes, Duration length) {
  for (size_t i = 0; i < rules.size(); ++i) {
    const std::string mistake = mistake_in(rules[i], processes, length);
    if (mistake.empty()) continue;
    return make_error(ErrorCode::invalid_argument, "faults[" + std::to_string(i) + "] (" +
                                                       std::string(name_of(rules[i].kind)) +
                                                       "): " + mistake);
  }
  return {};
}

}  // namespace chat::sim
