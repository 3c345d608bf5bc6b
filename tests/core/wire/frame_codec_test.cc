#include "core/wire/frame_codec.h"

#include <gtest/gtest.h>

#include "core/wire/chat.pb.h"

namespace chat::wire {
namespace {

v1::Event sample_event() {
  v1::Event event;
  event.set_chat_id(std::string(16, '\x81'));
  event.set_seq(7);
  event.mutable_actor()->set_user_id(3);
  event.mutable_actor()->set_name("Ada");
  event.mutable_message()->set_text("h\u00e9llo \"you\"");
  return event;
}

std::string batch_of(Encoding encoding, const std::vector<std::string>& frames) {
  const BatchFraming framing = server_batch_framing(encoding);
  std::string out(framing.prefix);
  for (size_t i = 0; i < frames.size(); ++i) {
    if (i > 0) out += framing.separator;
    out += frames[i];
  }
  return out + std::string(framing.suffix);
}

class FrameCodec : public testing::TestWithParam<Encoding> {};

TEST_P(FrameCodec, JoinsFramesThatWereEncodedApartIntoOneBatch) {
  v1::ServerFrame ack;
  ack.set_reply_to(5);
  ack.mutable_send_ack()->set_seq(9);
  const auto body = encode_event_body(GetParam(), sample_event().SerializeAsString());
  ASSERT_TRUE(body.has_value());
  const std::string key(16, '\x01');
  const std::string bytes = batch_of(GetParam(), {encode_server_frame(GetParam(), ack),
                                                  join_event_frame(GetParam(), *body, 300, key),
                                                  join_event_frame(GetParam(), *body, 0, "")});
  v1::ServerBatch batch;
  ASSERT_TRUE(decode_server_batch(GetParam(), bytes, batch).has_value());
  ASSERT_EQ(batch.frames_size(), 3);
  EXPECT_EQ(batch.frames(0).SerializeAsString(), ack.SerializeAsString());
  EXPECT_EQ(batch.frames(1).inbox_seq(), 300u);
  EXPECT_EQ(batch.frames(1).client_msg_id(), key);
  EXPECT_EQ(batch.frames(1).event().SerializeAsString(), sample_event().SerializeAsString());
  EXPECT_EQ(batch.frames(2).inbox_seq(), 0u);
  EXPECT_EQ(batch.frames(2).event().seq(), 7u);
}

TEST_P(FrameCodec, EncodesClientIdsOfEveryLengthTheSameAsTheLibrary) {
  for (size_t size = 1; size <= 20; ++size) {
    v1::ServerFrame frame;
    frame.set_client_msg_id(std::string(size, '\xe7'));
    *frame.mutable_event() = sample_event();
    const auto body = encode_event_body(GetParam(), sample_event().SerializeAsString());
    EXPECT_EQ(join_event_frame(GetParam(), *body, 0, frame.client_msg_id()),
              encode_server_frame(GetParam(), frame));
  }
}

TEST_P(FrameCodec, RefusesGarbageWithAnError) {
  v1::ClientBatch batch;
  const Status status = decode_client_batch(GetParam(), "\xff\xffgarbage", batch);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, chat::ErrorCode::corrupt);
}

TEST_P(FrameCodec, RefusesMoreFramesThanTheLimit) {
  v1::ClientBatch many;
  for (int i = 0; i <= kFramesPerMessageMax; ++i) many.add_frames()->mutable_heartbeat();
  v1::ClientBatch batch;
  const Status status =
      decode_client_batch(GetParam(), encode_client_batch(GetParam(), many), batch);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, chat::ErrorCode::too_large);
}

INSTANTIATE_TEST_SUITE_P(BothEncodings, FrameCodec,
                         testing::Values(Encoding::proto, Encoding::json));

TEST(FrameCodecProto, KeepsAHeartbeatAtTenBytesAndFourWithoutAck) {
  v1::ClientBatch batch;
  batch.add_frames()->mutable_heartbeat();
  EXPECT_EQ(encode_client_batch(Encoding::proto, batch).size(), 4u);
  batch.mutable_frames(0)->mutable_heartbeat()->set_inbox_seq((1ull << 35) - 1);
  EXPECT_LE(encode_client_batch(Encoding::proto, batch).size(), 10u);
}

TEST(FrameCodecJson, SkipsUnknownFields) {
  v1::ClientBatch batch;
  ASSERT_TRUE(decode_client_batch(Encoding::json,
                                  R"({"frames":[{"id":1,"fromTheFuture":{"x":1},"heartbeat":{}}]})",
                                  batch)
                  .has_value());
  EXPECT_TRUE(batch.frames(0).has_heartbeat());
}

}  // namespace
}  // namespace chat::wire
