#include "core/policy/inbound_limits.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

using Limit = InboundLimits::Limit;

const Instant kStart = Instant{} + seconds(100);
constexpr InboundRates kRates{
    .user_sends_per_second = 5, .address_sends_per_second = 10, .frames_per_second = 2};

int changes_until_refused(InboundLimits& limits, UserId user, const std::string& address) {
  int count = 0;
  while (limits.change(kStart, user, address).exhausted == Limit::none) ++count;
  return count;
}

TEST(InboundLimits, AUserHasOneLimitFromAllAddresses) {
  InboundLimits limits(kRates);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(limits.change(kStart, UserId{1}, "10.0.0.1").exhausted, Limit::none);
    EXPECT_EQ(limits.change(kStart, UserId{1}, "10.0.0.2").exhausted, Limit::none);
  }
  const auto refused = limits.change(kStart, UserId{1}, "10.0.0.3");
  EXPECT_EQ(refused.exhausted, Limit::user);
  EXPECT_EQ(refused.retry_after, milliseconds(200));
  EXPECT_EQ(limits.change(kStart, UserId{2}, "10.0.0.3").exhausted, Limit::none);
  EXPECT_EQ(limits.change(kStart + milliseconds(200), UserId{1}, "10.0.0.3").exhausted,
            Limit::none);
}

TEST(InboundLimits, AnAddressHasOneLimitForAllItsUsers) {
  InboundLimits limits(kRates);
  EXPECT_EQ(changes_until_refused(limits, UserId{1}, "10.0.0.1"), 10);
  EXPECT_EQ(changes_until_refused(limits, UserId{2}, "10.0.0.1"), 10);
  const auto refused = limits.change(kStart, UserId{3}, "10.0.0.1");
  EXPECT_EQ(refused.exhausted, Limit::address);
  EXPECT_EQ(refused.retry_after, milliseconds(100));
  EXPECT_EQ(limits.change(kStart, UserId{3}, "10.0.0.2").exhausted, Limit::none);
}

TEST(InboundLimits, ARefusalByOneLimitTakesNothingFromTheOther) {
  InboundLimits limits(kRates);
  changes_until_refused(limits, UserId{1}, "10.0.0.1");
  for (int i = 0; i < 100; ++i) limits.change(kStart, UserId{1}, "10.0.0.1");
  EXPECT_EQ(changes_until_refused(limits, UserId{2}, "10.0.0.1"), 10);
}

TEST(InboundLimits, RatesOfZeroLimitNothing) {
  InboundLimits limits(InboundRates{});
  TokenBucket frames(frame_bucket(0));
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(limits.change(kStart, UserId{1}, "10.0.0.1").exhausted, Limit::none);
    EXPECT_EQ(limits.call(kStart, UserId{1}).exhausted, Limit::none);
    EXPECT_EQ(InboundLimits::frame(kStart, frames).exhausted, Limit::none);
  }
}

TEST(InboundLimits, GoByAddressOrByTheNetworkOfAnIpv6Client) {
  EXPECT_EQ(limit_key("203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(limit_key("::ffff:203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(limit_key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(limit_key("2001:db8:1:2::9"), "2001:db8:1:2::/64");
  EXPECT_EQ(limit_key("2001:db8::9"), "2001:db8:0:0::/64");
  EXPECT_EQ(limit_key("::1"), "0:0:0:0::/64");
  EXPECT_EQ(limit_key("::"), "0:0:0:0::/64");
  EXPECT_EQ(limit_key("2001:db8:1:2:3:4:5::"), "2001:db8:1:2::/64");
  EXPECT_EQ(limit_key("nonsense"), "nonsense");
}

TEST(InboundLimits, OtherFramesAreLimitedPerConnectionAndCallsPerUser) {
  InboundLimits limits(kRates);
  TokenBucket one(frame_bucket(2)), other(frame_bucket(2));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(InboundLimits::frame(kStart, one).exhausted, Limit::none);
    EXPECT_EQ(limits.call(kStart, UserId{1}).exhausted, Limit::none);
  }
  EXPECT_EQ(InboundLimits::frame(kStart, one).exhausted, Limit::frames);
  EXPECT_EQ(InboundLimits::frame(kStart, one).retry_after, milliseconds(500));
  EXPECT_EQ(limits.call(kStart, UserId{1}).retry_after, milliseconds(500));
  EXPECT_EQ(InboundLimits::frame(kStart, other).exhausted, Limit::none);
  EXPECT_EQ(limits.call(kStart, UserId{2}).exhausted, Limit::none);
}

TEST(InboundLimits, NewRatesHoldFromNowOn) {
  InboundLimits limits(kRates);
  EXPECT_EQ(changes_until_refused(limits, UserId{1}, "10.0.0.1"), 10);
  InboundRates faster = kRates;
  faster.user_sends_per_second = 50;
  limits.set_rates(faster);
  // At the former rate a token would have come after 200 ms.
  const Instant later = kStart + milliseconds(20);
  EXPECT_EQ(limits.change(later, UserId{1}, "10.0.0.1").exhausted, Limit::none);
}

}  // namespace
}  // namespace chat
