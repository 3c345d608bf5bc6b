#include "core/policy/inbound_limits.h"

#include <algorithm>
#include <vector>

namespace chat {
namespace {

constexpr size_t kIpv6Groups = 8;

std::vector<std::string_view> groups_of(std::string_view text) {
  std::vector<std::string_view> groups;
  while (!text.empty()) {
    const size_t end = std::min(text.find(':'), text.size());
    groups.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return groups;
}

}  // namespace

TokenBucketOptions send_bucket(uint32_t per_second) {
  return {.per_second = per_second, .burst = 2 * static_cast<int64_t>(per_second)};
}

TokenBucketOptions frame_bucket(uint32_t per_second) {
  return {.per_second = per_second, .burst = 10 * static_cast<int64_t>(per_second)};
}

std::string limit_key(std::string_view address) {
  if (address.find(':') == std::string_view::npos) return std::string(address);
  if (address.find('.') != std::string_view::npos) {
    return std::string(address.substr(address.rfind(':') + 1));  // ::ffff:192.0.2.7
  }
  const size_t gap = address.find("::");
  std::vector<std::string_view> groups = groups_of(address.substr(0, gap));
  std::vector<std::string_view> tail;
  if (gap != std::string_view::npos) tail = groups_of(address.substr(gap + 2));
  while (groups.size() + tail.size() < kIpv6Groups) groups.push_back("0");
  groups.insert(groups.end(), tail.begin(), tail.end());
  std::string key;
  for (size_t i = 0; i < kIpv6Groups / 2; ++i) key.append(groups[i]).append(":");
  return key + ":/64";
}

InboundLimits::InboundLimits(const InboundRates& rates)
    : users_(send_bucket(rates.user_sends_per_second)),
      addresses_(send_bucket(rates.address_sends_per_second)),
      callers_(frame_bucket(rates.frames_per_second)) {}

InboundLimits::Verdict InboundLimits::change(Instant now, UserId user, const std::string& source) {
  const Duration user_wait = users_.wait(now, user.value);
  const Duration address_wait = addresses_.wait(now, source);
  if (user_wait > Duration{}) return {Limit::user, std::max(user_wait, address_wait)};
  if (address_wait > Duration{}) return {Limit::address, address_wait};
  users_.take(now, user.value);
  addresses_.take(now, source);
  return {};
}

InboundLimits::Verdict InboundLimits::frame(Instant now, TokenBucket& bucket) {
  if (bucket.take(now)) return {};
  return {Limit::frames, bucket.retry_after(now)};
}

InboundLimits::Verdict InboundLimits::call(Instant now, UserId user) {
  if (callers_.take(now, user.value)) return {};
  return {Limit::frames, callers_.wait(now, user.value)};
}

void InboundLimits::set_rates(const InboundRates& rates) {
  users_.set_options(send_bucket(rates.user_sends_per_second));
  addresses_.set_options(send_bucket(rates.address_sends_per_second));
  callers_.set_options(frame_bucket(rates.frames_per_second));
}

}  // namespace chat
