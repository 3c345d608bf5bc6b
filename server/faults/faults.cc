#include "server/faults/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <vector>

#include "core/base/nearest_name.h"

namespace chat {
namespace {

constexpr FaultField kFields[] = {
    {"store_slow_ms", &FaultPlan::store_slow_ms},
    {"store_fail_one_in", &FaultPlan::store_fail_one_in},
    {"store_unknown_one_in", &FaultPlan::store_unknown_one_in},
    {"store_hang_reads", nullptr, &FaultPlan::store_hang_reads},
    {"store_hang_writes", nullptr, &FaultPlan::store_hang_writes},
    {"delay_log_slow_ms", &FaultPlan::delay_log_slow_ms},
    {"delay_log_fail_one_in", &FaultPlan::delay_log_fail_one_in},
    {"delay_log_hang", nullptr, &FaultPlan::delay_log_hang},
};

}  // namespace

std::span<const FaultField> fault_fields() { return kFields; }

Status set_fault(FaultPlan& plan, std::string_view name, std::string_view text) {
  const auto field = std::find_if(std::begin(kFields), std::end(kFields),
                                  [&](const FaultField& known) { return known.name == name; });
  if (field == std::end(kFields)) {
    std::vector<std::string_view> known;
    for (const FaultField& each : kFields) known.push_back(each.name);
    const std::string_view nearest = nearest_name(name, known);
    const std::string hint =
        nearest.empty() ? std::string() : fmt::format(" (did you mean \"{}\"?)", nearest);
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("{}: there is no such fault{}", name, hint));
  }
  if (field->flag != nullptr) {
    if (text != "true" && text != "false") {
      return make_error(ErrorCode::invalid_argument,
                        fmt::format("{}: expected true or false, got \"{}\"", name, text));
    }
    plan.*field->flag = text == "true";
    return {};
  }
  uint32_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("{}: expected a whole number, got \"{}\"", name, text));
  }
  plan.*field->number = number;
  return {};
}

FaultPlan Faults::plan() const {
  const std::lock_guard lock(mutex_);
  return plan_;
}

void Faults::set(const FaultPlan& plan) {
  const std::lock_guard lock(mutex_);
  if (!ended_) plan_ = plan;
  changed_.notify_all();
}

void Faults::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  plan_ = {};
  changed_.notify_all();
}

void Faults::wait(bool FaultPlan::*hang, uint32_t FaultPlan::*slow_ms) {
  std::unique_lock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(plan_.*slow_ms);
  changed_.wait_until(lock, until, [&] { return ended_; });
  changed_.wait(lock, [&] { return !(plan_.*hang); });
}

bool Faults::happens(uint32_t FaultPlan::*one_in) {
  const std::lock_guard lock(mutex_);
  return plan_.*one_in > 0 && random_.chance(1, plan_.*one_in);
}

bool Faults::coin() {
  const std::lock_guard lock(mutex_);
  return random_.chance(1, 2);
}

}  // namespace chat
