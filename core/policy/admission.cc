#include "core/policy/admission.h"

#include <algorithm>

#include "core/base/assert.h"

namespace chat {
namespace {

TokenBucketOptions pace_of(const AdmissionOptions& options) {
  return {.per_second = options.accepts_per_second, .burst = options.accepts_burst};
}

}  // namespace

Admission::Admission(const AdmissionOptions& options)
    : options_(options), pace_(pace_of(options)) {}

AdmissionVerdict Admission::admit(Instant now) {
  if (options_.connections_max > 0 && connections_ >= options_.connections_max) {
    ++refused_full_;
    return AdmissionVerdict::full;
  }
  if (!pace_.take(now)) {
    ++refused_later_;
    return AdmissionVerdict::later;
  }
  ++accepted_;
  connections_peak_ = std::max(connections_peak_, ++connections_);
  return AdmissionVerdict::accept;
}

void Admission::closed() {
  CHAT_ASSERT(connections_ > 0);
  --connections_;
}

Duration Admission::reconnect_window() const {
  if (options_.accepts_per_second <= 0) return options_.reconnect_window_min;
  const auto connections = static_cast<int64_t>(connections_);
  const Duration all_accepted = seconds(1) * connections / options_.accepts_per_second;
  return std::max(options_.reconnect_window_min, all_accepted);
}

void Admission::set_options(const AdmissionOptions& options) {
  options_ = options;
  pace_.set_options(pace_of(options));
}

}  // namespace chat
