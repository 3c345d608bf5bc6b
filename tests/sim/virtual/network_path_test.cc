#include "sim/virtual/network_path.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/sim/virtual/statistics.h"

namespace chat::sim {
namespace {

constexpr int kSent = 50'000;
constexpr Instant kBegin = Instant{} + minutes(60);

TEST(NetworkPath, APerfectWireTakesNoTimeAndNoChance) {
  NetworkPath path;
  Random random(1);
  EXPECT_EQ(path.stream({}, kBegin, 1'000'000, random), kBegin);
  const Arrivals arrivals = path.datagram({}, kBegin, 1'000'000, random);
  ASSERT_EQ(arrivals.count, 1u);
  EXPECT_EQ(arrivals.at[0], kBegin);
  EXPECT_EQ(random.next(), Random(1).next());
}

TEST(NetworkPath, DelaysEverythingAndSpreadsTheJitterExponentially) {
  const PathModel model{.delay = milliseconds(40), .jitter = milliseconds(10)};
  Replications jitter, beyond;
  for (uint64_t seed = 1; seed <= kReplications; ++seed) {
    NetworkPath path;
    Random random(seed);
    double sum = 0;
    int far = 0;
    for (int i = 0; i < kSent; ++i) {
      const Duration more = path.stream(model, kBegin, 1, random) - (kBegin + model.delay);
      ASSERT_GE(more.ns, 0);
      sum += more.seconds();
      if (more > milliseconds(30)) ++far;
    }
    jitter.add(sum / kSent);
    beyond.add(far / static_cast<double>(kSent));
  }
  jitter.expect(0.010, 0.01, "mean");
  beyond.expect(std::exp(-3), 0.04, "three times the mean");
}

TEST(NetworkPath, LosesItsShareInBurstsAsGilbertAndElliottSay) {
  const PathModel model{.loss = {.share = 0.1, .burst = milliseconds(100)}};
  constexpr Duration kGap = milliseconds(20);
  Replications lost, again;
  for (uint64_t seed = 1; seed <= kReplications; ++seed) {
    NetworkPath path;
    Random random(seed);
    int losses = 0, repeated = 0;
    bool before = false;
    for (int i = 0; i < kSent; ++i) {
      const bool now = path.datagram(model, kBegin + kGap * i, 100, random).count == 0;
      losses += now ? 1 : 0;
      repeated += now && before ? 1 : 0;
      before = now;
    }
    lost.add(losses / static_cast<double>(kSent));
    again.add(repeated / static_cast<double>(losses));
  }
  lost.expect(0.1, 0.06, "share");
  // Good and bad times last 900 and 100 ms: what is known fades with their two rates together.
  again.expect(0.1 + 0.9 * std::exp(-kGap.seconds() * (1 / 0.9 + 1 / 0.1)), 0.03, "next one");
}

TEST(NetworkPath, LossesFarApartAreBinomial) {
  const PathModel model{.loss = {.share = 0.3, .burst = milliseconds(10)}};
  constexpr int kTries = 10, kRounds = 2'000;
  NetworkPath path;
  Random random(5);
  std::vector<uint64_t> counts(7);  // 0 … 5, more
  Instant now = kBegin;
  for (int round = 0; round < kRounds; ++round) {
    size_t lost = 0;
    for (int i = 0; i < kTries; ++i) {
      now = now + seconds(1);
      if (path.datagram(model, now, 100, random).count == 0) ++lost;
    }
    ++counts[std::min<size_t>(lost, 6)];
  }
  std::vector<double> expected(7);
  double probability = std::pow(0.7, kTries);
  for (int k = 0; k <= kTries; ++k) {
    expected[static_cast<size_t>(std::min(k, 6))] += probability * kRounds;
    probability *= 0.3 / 0.7 * (kTries - k) / (k + 1);
  }
  expect_fit(counts, expected);
}

TEST(NetworkPath, AStreamSendsAgainAndWaitsTwiceAsLongEachTime) {
  const PathModel model{.loss = {.share = 0.1, .burst = milliseconds(1)},
                        .retransmit_after = milliseconds(200)};
  Replications late, more;
  for (uint64_t seed = 1; seed <= kReplications; ++seed) {
    NetworkPath path;
    Random random(seed);
    int once = 0, twice = 0;
    for (int i = 0; i < kSent; ++i) {
      const Instant sent = kBegin + minutes(5) * i;
      const Duration took = path.stream(model, sent, 100, random) - sent;
      if (took.ns > 0) ++once;
      if (took > milliseconds(200)) ++twice;
      ASSERT_TRUE(took.ns == 0 || took == milliseconds(200) || took >= milliseconds(600));
    }
    late.add(once / static_cast<double>(kSent));
    more.add(twice / static_cast<double>(once));
  }
  late.expect(0.1, 0.05, "sent again");
  more.expect(0.1, 0.1, "sent again twice");
}

TEST(NetworkPath, NothingOvertakesWhatAStreamSendsAgain) {
  const PathModel model{.loss = {.share = 0.5, .burst = milliseconds(300)}};
  NetworkPath path;
  Random random(3);
  Instant last;
  for (int i = 0; i < 2'000; ++i) {
    const Instant arrives = path.stream(model, kBegin + milliseconds(50) * i, 100, random);
    EXPECT_GE(arrives, last);
    last = arrives;
  }
}

TEST(NetworkPath, RepeatsAndDelaysDatagramsInTheirShares) {
  const PathModel model{.delay = milliseconds(1),
                        .repeated_share = 0.2,
                        .overtaken_share = 0.1,
                        .overtaken_by = milliseconds(7)};
  Replications copies, overtaken;
  for (uint64_t seed = 1; seed <= kReplications; ++seed) {
    NetworkPath path;
    Random random(seed);
    size_t arrived = 0, late = 0;
    for (int i = 0; i < kSent; ++i) {
      for (Instant when : path.datagram(model, kBegin, 100, random)) {
        ++arrived;
        if (when == kBegin + milliseconds(8)) ++late;
      }
    }
    copies.add(static_cast<double>(arrived) / kSent);
    overtaken.add(static_cast<double>(late) / static_cast<double>(arrived));
  }
  copies.expect(1.2, 0.01, "copies");
  overtaken.expect(0.1, 0.03, "overtaken");
}

TEST(NetworkPath, ASenderHasRoomWhenNoMoreThanItsBufferWaits) {
  const PathModel model{.bytes_per_s = 1'000};
  NetworkPath path;
  Random random(1);
  EXPECT_EQ(path.stream(model, kBegin, 5'000, random), kBegin + seconds(5));
  EXPECT_EQ(path.room_at(model, kBegin, 5'000), kBegin);
  EXPECT_EQ(path.room_at(model, kBegin, 2'000), kBegin + seconds(3));
  EXPECT_EQ(path.stream(model, kBegin + seconds(1), 1'000, random), kBegin + seconds(6));
}

}  // namespace
}  // namespace chat::sim
