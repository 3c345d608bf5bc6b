#include "core/peer/peer_link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "core/base/random.h"

namespace chat {
namespace {

constexpr EngineRef kA{EngineId{1}, Incarnation{10}};
constexpr EngineRef kB{EngineId{2}, Incarnation{20}};
const Instant kStart = Instant{} + seconds(1);

using Datagrams = std::vector<std::string>;

PeerLinkOptions options(EngineRef self, EngineRef peer, uint64_t generation) {
  return {.self = self, .peer = peer, .generation = generation};
}

Datagrams poll(PeerLink& link, Instant now) {
  Datagrams out;
  link.poll(now, out);
  return out;
}

std::vector<std::string> receive(PeerLink& link, Instant now, const Datagrams& datagrams) {
  std::vector<std::string> frames;
  for (const auto& datagram : datagrams) {
    EXPECT_TRUE(link.receive(now, datagram, frames).has_value());
  }
  return frames;
}

// Hands datagrams to and fro until both fall silent; returns what `b` delivered.
std::vector<std::string> talk(PeerLink& a, PeerLink& b, Instant now) {
  std::vector<std::string> frames;
  for (;;) {
    const Datagrams to_b = poll(a, now), to_a = poll(b, now);
    if (to_b.empty() && to_a.empty()) return frames;
    for (auto& frame : receive(b, now, to_b)) frames.push_back(std::move(frame));
    receive(a, now, to_a);
  }
}

TEST(PeerLink, DeliversInOrderAfterAHelloAndThenFallsSilent) {
  PeerLink a(options(kA, kB, 5)), b(options(kB, kA, 9));
  a.send("one");
  a.send("two");
  EXPECT_EQ(talk(a, b, kStart), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(b.next_wake(), kStart + milliseconds(10));
  receive(a, kStart, poll(b, kStart + milliseconds(10)));
  EXPECT_TRUE(a.idle());
  EXPECT_EQ(a.next_wake(), kNever);
  EXPECT_EQ(b.next_wake(), kNever);
  EXPECT_TRUE(poll(a, kStart + minutes(10)).empty());
  EXPECT_FALSE(a.ended());
}

TEST(PeerLink, SaysNothingWithoutFrames) {
  PeerLink a(options(kA, kB, 5));
  EXPECT_TRUE(poll(a, kStart).empty());
  EXPECT_EQ(a.next_wake(), kNever);
  EXPECT_TRUE(poll(a, kStart + minutes(5)).empty());
  EXPECT_FALSE(a.ended());
}

TEST(PeerLink, JoinsTheFramesOfATurnIntoFewDatagrams) {
  PeerLink a(options(kA, kB, 5)), b(options(kB, kA, 9));
  a.send("first");
  talk(a, b, kStart);
  for (int i = 0; i < 1'000; ++i) a.send(std::string(100, 'x'));
  const Datagrams datagrams = poll(a, kStart);
  EXPECT_EQ(datagrams.size(), 2u);
  for (const auto& datagram : datagrams) EXPECT_LE(datagram.size(), 64u * 1024);
  EXPECT_EQ(receive(b, kStart, datagrams).size(), 1'000u);
}

TEST(PeerLink, SendsALargeFrameInADatagramOfItsOwn) {
  PeerLink a(options(kA, kB, 5)), b(options(kB, kA, 9));
  a.send("small");
  a.send(std::string(PeerLink::kFrameBytesMax, 'x'));
  a.send("small");
  EXPECT_EQ(talk(a, b, kStart).size(), 3u);
  EXPECT_EQ(a.counters().datagrams_sent, 4u);
}

TEST(PeerLink, KeepsWithinItsWindow) {
  PeerLinkOptions small = options(kA, kB, 5);
  small.window_bytes = 1'000;
  PeerLink a(small), b(options(kB, kA, 9));
  a.send("first");
  talk(a, b, kStart);
  receive(a, kStart, poll(b, kStart + milliseconds(10)));
  for (int i = 0; i < 25; ++i) a.send(std::string(100, 'x'));
  EXPECT_EQ(receive(b, kStart, poll(a, kStart)).size(), 10u);
  EXPECT_TRUE(poll(a, kStart).empty());
  receive(a, kStart, poll(b, kStart + milliseconds(20)));
  EXPECT_EQ(receive(b, kStart, poll(a, kStart)).size(), 10u);
}

TEST(PeerLink, ResendsWithBackOffUntilAcknowledged) {
  PeerLink a(options(kA, kB, 5)), b(options(kB, kA, 9));
  a.send("first");
  talk(a, b, kStart);
  receive(a, kStart, poll(b, kStart + milliseconds(10)));
  a.send("lost");
  EXPECT_EQ(poll(a, kStart).size(), 1u);
  EXPECT_EQ(a.next_wake(), kStart + milliseconds(200));
  EXPECT_EQ(poll(a, kStart + milliseconds(200)).size(), 1u);
  EXPECT_EQ(a.next_wake(), kStart + milliseconds(600));
  const Datagrams third = poll(a, kStart + milliseconds(600));
  EXPECT_EQ(receive(b, kStart, third), std::vector<std::string>{"lost"});
  EXPECT_TRUE(receive(b, kStart, third).empty());
  EXPECT_EQ(a.counters().frames_resent, 2u);
}

TEST(PeerLink, TakesALateAcknowledgementOfMoreThanItHasResentAndRegainsItsWindow) {
  PeerLinkOptions one_frame_each = options(kA, kB, 5);
  one_frame_each.datagram_bytes_max = 100;
  PeerLink a(one_frame_each), b(options(kB, kA, 9));
  a.send("first");
  talk(a, b, kStart);
  receive(a, kStart, poll(b, kStart + milliseconds(10)));
  for (int i = 0; i < 50; ++i) a.send(std::string(100, 'x'));
  EXPECT_EQ(receive(b, kStart, poll(a, kStart)).size(), 50u);
  const Datagrams late_ack = poll(b, kStart + milliseconds(10));
  EXPECT_EQ(poll(a, kStart + milliseconds(200)).size(), 4u);
  receive(a, kStart + milliseconds(201), late_ack);
  EXPECT_TRUE(a.idle());
  for (int i = 0; i < 50; ++i) a.send(std::string(100, 'y'));
  EXPECT_EQ(receive(b, kStart, poll(a, kStart + milliseconds(202))).size(), 50u);
}

TEST(PeerLink, KeepsNoMoreOutOfOrderThanItsWindow) {
  PeerLinkOptions one_frame_each = options(kA, kB, 5), small = options(kB, kA, 9);
  one_frame_each.datagram_bytes_max = 100;
  small.window_bytes = 1'000;
  PeerLink a(one_frame_each), b(small);
  a.send("first");
  const Datagrams hello = poll(a, kStart);
  receive(b, kStart, hello);
  receive(a, kStart, poll(b, kStart));
  for (int i = 0; i < 50; ++i) a.send(std::string(10, 'x'));
  Datagrams datagrams = poll(a, kStart);
  std::reverse(datagrams.begin(), datagrams.end());
  const size_t delivered = receive(b, kStart, datagrams).size();
  EXPECT_GT(delivered, 1u);
  EXPECT_LT(delivered, 20u);
}

TEST(PeerLink, EndsAsDeadOnlyWhileSomethingIsUnacknowledged) {
  PeerLink a(options(kA, kB, 5)), b(options(kB, kA, 9));
  a.send("first");
  talk(a, b, kStart);
  receive(a, kStart, poll(b, kStart + milliseconds(10)));
  const Instant later = kStart + minutes(1);
  a.send("into the void");
  poll(a, later);
  poll(a, later + seconds(5) - nanoseconds(1));
  EXPECT_FALSE(a.ended());
  poll(a, later + seconds(5));
  EXPECT_EQ(a.end_reason(), PeerLinkEnd::dead);
  EXPECT_EQ(a.next_wake(), kNever);
  EXPECT_TRUE(poll(a, later + seconds(6)).empty());
}

TEST(PeerLink, EndsAsDeadWhenNobodyAnswersItsHello) {
  PeerLink a(options(kA, kB, 5));
  a.send("anybody?");
  Instant now = kStart;
  while (!a.ended() && now < kStart + minutes(1)) {
    poll(a, now);
    now = std::min(a.next_wake(), now + minutes(1));
  }
  EXPECT_EQ(a.end_reason(), PeerLinkEnd::dead);
  EXPECT_EQ(a.counters().frames_sent, 0u);
}

TEST(PeerLink, EndsByOverflow) {
  PeerLinkOptions small = options(kA, kB, 5);
  small.queue_bytes_max = 10;
  PeerLink a(small);
  a.send("0123456789");
  EXPECT_EQ(a.queued_bytes(), 10u);
  EXPECT_FALSE(a.ended());
  a.send("x");
  EXPECT_EQ(a.end_reason(), PeerLinkEnd::overflow);
  a.send("ignored");
  EXPECT_EQ(a.queued_bytes(), 0u);
}

TEST(PeerLink, EndsWhenThePeerStartsANewLinkAndItsSuccessorGetsTheDatagram) {
  PeerLink a(options(kA, kB, 5)), b(options(kB, kA, 9));
  a.send("first");
  talk(a, b, kStart);
  PeerLink b2(options(kB, kA, 10));
  b2.send("news");
  const Datagrams hello = poll(b2, kStart);
  EXPECT_TRUE(receive(a, kStart, hello).empty());
  EXPECT_EQ(a.end_reason(), PeerLinkEnd::peer_restarted);
  PeerLink a2(options(kA, kB, 6));
  receive(a2, kStart, hello);
  EXPECT_EQ(talk(b2, a2, kStart), std::vector<std::string>{"news"});
}

TEST(PeerLink, LearnsFromTheAnswerToItsFramesThatThePeerStartedANewLink) {
  PeerLink a(options(kA, kB, 5)), b(options(kB, kA, 9));
  a.send("first");
  talk(a, b, kStart);
  PeerLink b2(options(kB, kA, 10));
  a.send("for the old link");
  EXPECT_TRUE(receive(b2, kStart, poll(a, kStart)).empty());
  receive(a, kStart, poll(b2, kStart));
  EXPECT_EQ(a.end_reason(), PeerLinkEnd::peer_restarted);
}

TEST(PeerLink, EndsWhenThePeerIsANewerIncarnationAndIgnoresOlderOnes) {
  PeerLink a(options(kA, kB, 5));
  const EngineRef newer{kB.id, Incarnation{kB.incarnation.value + 1}};
  const EngineRef older{kB.id, Incarnation{kB.incarnation.value - 1}};
  PeerLink ghost(options(older, kA, 100)), successor(options(newer, kA, 101));
  ghost.send("boo");
  receive(a, kStart, poll(ghost, kStart));
  EXPECT_FALSE(a.ended());
  EXPECT_TRUE(poll(a, kStart).empty());
  successor.send("hi");
  receive(a, kStart, poll(successor, kStart));
  EXPECT_EQ(a.end_reason(), PeerLinkEnd::peer_restarted);
}

TEST(PeerLink, IgnoresALateHelloOfAFormerLink) {
  PeerLink former(options(kA, kB, 4)), a(options(kA, kB, 5)), b(options(kB, kA, 9));
  former.send("old");
  const Datagrams late = poll(former, kStart);
  a.send("new");
  talk(a, b, kStart);
  receive(b, kStart, late);
  EXPECT_FALSE(b.ended());
  EXPECT_EQ(b.counters().datagrams_stale, 2u);
  a.send("more");
  EXPECT_EQ(talk(a, b, kStart), std::vector<std::string>{"more"});
}

TEST(PeerLink, TwoLinksThatBothSayHelloMeet) {
  PeerLink a(options(kA, kB, 5)), b(options(kB, kA, 9));
  a.send("from a");
  b.send("from b");
  const Datagrams hello_a = poll(a, kStart), hello_b = poll(b, kStart);
  receive(a, kStart, hello_b);
  receive(b, kStart, hello_a);
  EXPECT_EQ(talk(a, b, kStart), std::vector<std::string>{"from a"});
  EXPECT_EQ(a.counters().frames_delivered, 1u);
}

TEST(PeerLink, RefusesMalformedAndForeignDatagramsUnchanged) {
  PeerLink a(options(kA, kB, 5)), b(options(kB, kA, 9));
  a.send("one");
  talk(a, b, kStart);
  std::vector<std::string> frames;
  EXPECT_EQ(b.receive(kStart, "garbage", frames).error().code, ErrorCode::corrupt);
  EXPECT_EQ(
      a.receive(kStart, peer_datagram::encode({.from = kA, .from_generation = 1, .to = kB}), frames)
          .error()
          .code,
      ErrorCode::invalid_argument);
  const std::string liar = peer_datagram::encode(
      {.from = kB, .from_generation = 9, .to = kA, .to_generation = 5, .ack = 99});
  EXPECT_EQ(a.receive(kStart, liar, frames).error().code, ErrorCode::corrupt);
  EXPECT_FALSE(a.ended());
  EXPECT_FALSE(b.ended());
}

// Two engines with at most one link each, over a network that loses, repeats and delays datagrams.
class Network {
 public:
  struct Faults {
    uint64_t loss_percent = 0;
    uint64_t repeat_percent = 0;
    int64_t delay_ms_max = 1;
  };

  Network(uint64_t seed, Faults faults) : random_(seed), faults_(faults) {
    hosts_[0].ref = kA;
    hosts_[1].ref = kB;
  }

  void send(int host) {
    PeerLink& link = link_of(host);
    auto& sent = sent_[{host, link.generation()}];
    std::string frame = std::to_string(host) + ":" + std::to_string(link.generation()) + ":" +
                        std::to_string(sent.size());
    frame.resize(frame.size() + random_.below(300), '.');
    sent.push_back(frame);
    link.send(std::move(frame));
  }

  // The engine drops its link and starts another when it next needs one.
  void drop_link(int host) { hosts_[host].link.reset(); }

  // The engine crashes and comes back as a new incarnation, which the other learns at once or from
  // datagrams.
  void restart(int host, bool announced) {
    hosts_[host].link.reset();
    ++hosts_[host].ref.incarnation.value;
    if (announced) hosts_[1 - host].link.reset();
  }

  void run_for(Duration time) {
    const Instant until = now_ + time;
    for (;;) {
      poll_all();
      Instant next = flying_.empty() ? kNever : flying_.begin()->first.first;
      for (const Host& host : hosts_) {
        if (host.link) next = std::min(next, host.link->next_wake());
      }
      if (next > until) break;
      now_ = std::max(now_, next);
      deliver_due();
    }
    now_ = until;
  }

  void set_faults(Faults faults) { faults_ = faults; }
  Random& random() { return random_; }

  void expect_prefixes_once() const {
    std::map<std::pair<int, uint64_t>, uint64_t> receiver_of;
    for (const auto& [receiver, frames] : delivered_) {
      std::optional<std::pair<int, uint64_t>> sender;
      for (size_t i = 0; i < frames.size(); ++i) {
        const int host = 1 - receiver.first;
        const uint64_t generation = std::stoull(frames[i].substr(2));
        if (!sender) {
          sender = {host, generation};
          ASSERT_TRUE(receiver_of.emplace(*sender, receiver.second).second)
              << "frames of one link reached two links";
        }
        const auto& sent = sent_.at({host, generation});
        ASSERT_EQ(*sender, (std::pair{host, generation})) << "two links mixed";
        ASSERT_LT(i, sent.size());
        ASSERT_EQ(frames[i], sent[i]) << "not in order";
      }
    }
  }

  size_t sent_frames() const { return count(sent_); }
  size_t delivered_frames() const { return count(delivered_); }
  bool all_links_live() const { return ends_ == 0; }

 private:
  using Frames = std::map<std::pair<int, uint64_t>, std::vector<std::string>>;
  struct Host {
    EngineRef ref;
    std::unique_ptr<PeerLink> link;
  };

  static size_t count(const Frames& frames) {
    size_t sum = 0;
    for (const auto& [link, list] : frames) sum += list.size();
    return sum;
  }

  PeerLink& link_of(int host) {
    if (hosts_[host].link && hosts_[host].link->ended()) drop_ended(host);
    if (!hosts_[host].link) start(host, hosts_[1 - host].ref);
    return *hosts_[host].link;
  }

  void start(int host, EngineRef peer) {
    PeerLinkOptions o = options(hosts_[host].ref, peer, ++generation_);
    // Below and above what is tried first after a loss.
    o.window_bytes = random_.chance(1, 2) ? 2'000 : 20'000;
    o.datagram_bytes_max = 700;
    hosts_[host].link = std::make_unique<PeerLink>(o);
  }

  void drop_ended(int host) {
    ++ends_;
    hosts_[host].link.reset();
  }

  void poll_all() {
    for (int host : {0, 1}) {
      if (!hosts_[host].link) continue;
      for (std::string& datagram : poll(*hosts_[host].link, now_)) throw_in(1 - host, datagram);
      if (hosts_[host].link->ended()) drop_ended(host);
    }
  }

  void throw_in(int to, const std::string& datagram) {
    const uint64_t copies = 1 + (random_.chance(faults_.repeat_percent, 100) ? 1 : 0);
    for (uint64_t i = 0; i < copies; ++i) {
      if (random_.chance(faults_.loss_percent, 100)) continue;
      // One in fifty is so late that links may have come and gone meanwhile.
      const int64_t factor = faults_.loss_percent > 0 && random_.chance(1, 50) ? 300 : 1;
      const Duration delay =
          microseconds(random_.between(1, faults_.delay_ms_max * 1'000)) * factor;
      flying_.emplace(std::pair{now_ + delay, ++order_}, std::pair{to, datagram});
    }
  }

  void deliver_due() {
    while (!flying_.empty() && flying_.begin()->first.first <= now_) {
      const auto [to, datagram] = flying_.extract(flying_.begin()).mapped();
      arrive(to, datagram);
    }
  }

  void arrive(int to, const std::string& datagram) {
    const auto header = PeerLink::peek(datagram);
    ASSERT_TRUE(header.has_value());
    if (header->to != hosts_[to].ref) return;
    if (!hosts_[to].link) start(to, header->from);
    std::vector<std::string> frames;
    ASSERT_TRUE(hosts_[to].link->receive(now_, datagram, frames).has_value());
    if (hosts_[to].link->end_reason() == PeerLinkEnd::peer_restarted) {
      ASSERT_TRUE(frames.empty());
      drop_ended(to);
      start(to, header->from);
      ASSERT_TRUE(hosts_[to].link->receive(now_, datagram, frames).has_value());
    }
    auto& all = delivered_[{to, hosts_[to].link->generation()}];
    for (auto& frame : frames) all.push_back(std::move(frame));
  }

  Random random_;
  Faults faults_;
  Instant now_ = kStart;
  std::array<Host, 2> hosts_;
  uint64_t generation_ = 0;
  uint64_t order_ = 0;
  uint64_t ends_ = 0;
  std::map<std::pair<Instant, uint64_t>, std::pair<int, std::string>> flying_;
  Frames sent_;
  Frames delivered_;
};

TEST(PeerLinkOverALossyNetwork, EverythingArrivesOnceTheNetworkIsFairAgain) {
  for (uint64_t seed = 1; seed <= 1'000; ++seed) {
    SCOPED_TRACE(seed);
    Network network(seed, {.loss_percent = 20, .repeat_percent = 20, .delay_ms_max = 30});
    const int sends = 20 + static_cast<int>(network.random().below(100));
    for (int i = 0; i < sends; ++i) {
      network.send(static_cast<int>(network.random().below(2)));
      if (network.random().chance(1, 3)) network.run_for(milliseconds(5));
    }
    network.run_for(seconds(1));
    network.set_faults({});
    network.run_for(seconds(30));
    network.expect_prefixes_once();
    if (network.all_links_live()) {
      ASSERT_EQ(network.delivered_frames(), network.sent_frames());
    }
    ASSERT_FALSE(HasFatalFailure());
  }
}

TEST(PeerLinkOverALossyNetwork, DeliversAPrefixInOrderAndOnceThroughRestartsOfEitherSide) {
  size_t sent = 0, delivered = 0;
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE(seed);
    Network network(seed, {.loss_percent = seed % 40, .repeat_percent = 30, .delay_ms_max = 40});
    for (int i = 0; i < 120; ++i) {
      const int host = static_cast<int>(network.random().below(2));
      const uint64_t choice = network.random().below(40);
      if (choice == 0) network.drop_link(host);
      if (choice == 1) network.restart(host, network.random().chance(1, 2));
      if (choice > 1) network.send(host);
      network.run_for(milliseconds(network.random().between(0, 60)));
    }
    network.expect_prefixes_once();
    ASSERT_FALSE(HasFatalFailure());
    sent += network.sent_frames();
    delivered += network.delivered_frames();
  }
  EXPECT_GT(delivered * 2, sent) << "the runs prove little when most frames are lost";
}

TEST(PeerLinkOverALossyNetwork, ALinkStartedAfterTheFaultsCarriesEverything) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Network network(seed, {.loss_percent = 30, .repeat_percent = 30, .delay_ms_max = 40});
    for (int i = 0; i < 40; ++i) {
      network.send(i % 2);
      if (i % 10 == 9) network.restart(i / 10 % 2, i % 20 == 9);
      network.run_for(milliseconds(20));
    }
    network.set_faults({});
    // A link to an incarnation that is gone ends when it is used next.
    for (int i = 0; i < 4; ++i) {
      network.send(i % 2);
      network.run_for(seconds(10));
    }
    const size_t lost = network.sent_frames() - network.delivered_frames();
    for (int i = 0; i < 50; ++i) network.send(i % 2);
    network.run_for(seconds(2));
    ASSERT_EQ(network.sent_frames() - network.delivered_frames(), lost);
    network.expect_prefixes_once();
  }
}

}  // namespace
}  // namespace chat
