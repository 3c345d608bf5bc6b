#include "core/policy/send_queue.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

const Instant kStart = Instant{} + seconds(50);
constexpr SendJoint kJson{.prefix = R"({"frames":[)", .separator = ",", .suffix = "]}"};

SharedBytes bytes(std::string text) { return std::make_shared<const std::string>(std::move(text)); }
SharedBytes bytes(size_t size) { return bytes(std::string(size, 'x')); }

SendVerdict push(SendQueue& queue, SharedBytes frame, SendLane lane = SendLane::durable) {
  return queue.push(kStart, std::move(frame), lane);
}

TEST(SendQueue, JoinsFramesOfAllLanesInOrder) {
  SendQueue queue;
  push(queue, bytes("a"), SendLane::durable);
  push(queue, bytes("b"), SendLane::ephemeral);
  push(queue, bytes("c"), SendLane::control);
  EXPECT_EQ(queue.queued_bytes(), 3u);
  EXPECT_EQ(*queue.take(), "abc");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.queued_bytes(), 0u);
}

TEST(SendQueue, ReturnsASingleFrameWithoutACopy) {
  SendQueue queue;
  const SharedBytes frame = bytes("shared");
  push(queue, frame);
  EXPECT_EQ(queue.take(), frame);
}

TEST(SendQueue, WrapsJsonEvenAroundASingleFrame) {
  SendQueue queue;
  push(queue, bytes("{}"));
  EXPECT_EQ(*queue.take(kJson), R"({"frames":[{}]})");
  queue.sent(kStart);
  push(queue, bytes("1"));
  push(queue, bytes("2"));
  EXPECT_EQ(*queue.take(kJson), R"({"frames":[1,2]})");
}

TEST(SendQueue, TakesNoMoreThanItMayAndKeepsTheRestInOrder) {
  SendQueue queue;
  for (char c = 'a'; c <= 'g'; ++c) push(queue, bytes(std::string(10, c)));
  EXPECT_EQ(*queue.take({}, 25), std::string(10, 'a') + std::string(10, 'b'));
  queue.sent(kStart);
  EXPECT_EQ(queue.queued_frames(), 5u);
  EXPECT_EQ(queue.queued_bytes(), 50u);
  EXPECT_EQ(*queue.take({}, 10), std::string(10, 'c'));
  queue.sent(kStart);
  EXPECT_EQ(queue.take()->size(), 40u);
}

TEST(SendQueue, CountsPrefixSeparatorsAndSuffixAgainstTheSize) {
  SendQueue queue;
  push(queue, bytes("1"));
  push(queue, bytes("2"));
  const size_t both = kJson.prefix.size() + 1 + 1 + 1 + kJson.suffix.size();
  EXPECT_EQ(queue.take(kJson, both - 1)->find('2'), std::string::npos);
}

TEST(SendQueue, SendsAnOversizeFrameAlone) {
  SendQueue queue;
  push(queue, bytes(100'000), SendLane::control);
  push(queue, bytes("b"), SendLane::control);
  EXPECT_EQ(queue.take()->size(), 100'000u);
}

TEST(SendQueue, HasOneBufferOutstandingAtATime) {
  SendQueue queue;
  push(queue, bytes("a"));
  EXPECT_NE(queue.take(), nullptr);
  push(queue, bytes("b"));
  EXPECT_EQ(queue.take(), nullptr);
  queue.sent(kStart);
  EXPECT_EQ(*queue.take(), "b");
}

TEST(SendQueue, DropsEphemeralFramesOverTheirBudget) {
  SendQueue queue;
  push(queue, bytes(SendBudget().ephemeral_bytes_max));
  EXPECT_EQ(push(queue, bytes("t"), SendLane::ephemeral), SendVerdict::dropped);
  EXPECT_EQ(push(queue, bytes("d"), SendLane::durable), SendVerdict::queued);
  EXPECT_EQ(queue.dropped_ephemeral(), 1u);
  EXPECT_EQ(queue.dropped_durable(), 0u);
  EXPECT_FALSE(queue.lagged());
}

TEST(SendQueue, ReportsTheLagOnceAndDropsDurableFramesUntilSynced) {
  SendQueue queue;
  for (int i = 0; i < 4; ++i) push(queue, bytes(64 * 1024));
  EXPECT_EQ(push(queue, bytes("d")), SendVerdict::now_lagged);
  EXPECT_EQ(push(queue, bytes("d")), SendVerdict::dropped);
  EXPECT_EQ(push(queue, bytes("Lagged"), SendLane::control), SendVerdict::queued);
  EXPECT_EQ(queue.dropped_durable(), 2u);
  while (queue.take() != nullptr) queue.sent(kStart);
  EXPECT_EQ(push(queue, bytes("d")), SendVerdict::dropped);
  queue.clear_lagged();
  EXPECT_EQ(push(queue, bytes("d")), SendVerdict::queued);
  EXPECT_EQ(queue.dropped_durable(), 3u);
}

TEST(SendQueue, OverflowsOnlyByControlFrames) {
  SendQueue queue;
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(push(queue, bytes(64 * 1024), SendLane::control), SendVerdict::queued);
  }
  EXPECT_EQ(push(queue, bytes("e"), SendLane::ephemeral), SendVerdict::dropped);
  EXPECT_EQ(push(queue, bytes("d"), SendLane::durable), SendVerdict::now_lagged);
  EXPECT_EQ(push(queue, bytes("c"), SendLane::control), SendVerdict::overflow);
  EXPECT_EQ(queue.queued_bytes(), SendBudget().queue_bytes_max);
}

TEST(SendQueue, StallsTenSecondsAfterItsLastProgress) {
  SendQueue queue;
  EXPECT_EQ(queue.stall_deadline(), kNever);
  push(queue, bytes("a"));
  EXPECT_EQ(queue.stall_deadline(), kStart + seconds(10));
  ASSERT_NE(queue.take(), nullptr);
  queue.push(kStart + seconds(9), bytes("b"), SendLane::durable);
  EXPECT_EQ(queue.stall_deadline(), kStart + seconds(10));
  queue.sent(kStart + seconds(9));
  EXPECT_EQ(queue.stall_deadline(), kStart + seconds(19));
  ASSERT_NE(queue.take(), nullptr);
  queue.sent(kStart + seconds(12));
  EXPECT_EQ(queue.stall_deadline(), kNever);
}

}  // namespace
}  // namespace chat
