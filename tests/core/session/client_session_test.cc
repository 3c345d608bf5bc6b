#include "core/session/client_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/wire/chat.pb.h"
#include "core/wire/frame_codec.h"

namespace chat {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const ChatId kChat = ChatId::direct(UserId{1}, UserId{2});
const ChatId kRoom = ChatId::named("room");

// Writes down what the session reports: seqs of delivered events, pushed or paged.
class Recorder : public ClientObserver {
 public:
  void on_welcome(bool recovered, uint64_t) override { welcomes.push_back(recovered); }
  void on_live() override { ++lives; }
  void on_reset(const v1::SyncPage& page) override { resets.push_back(page.next()); }
  void on_wire_event(const ChatId&, uint64_t, uint64_t inbox_seq, bool) override {
    wire.push_back(inbox_seq);
  }
  void on_event(const v1::SyncEntry& entry, bool) override {
    (entry.inbox_seq() == 0 ? room : inbox)
        .push_back(entry.inbox_seq() == 0 ? entry.event().seq() : entry.inbox_seq());
  }
  void on_frame(const v1::ServerFrame& frame) override { frames.push_back(frame.body_case()); }

  std::vector<bool> welcomes;
  std::vector<uint64_t> resets, wire, inbox, room;
  std::vector<v1::ServerFrame::BodyCase> frames;
  int lives = 0;
};

// A scripted server: says frames, and reads what the session says.
class ClientSessionTest : public ::testing::TestWithParam<Encoding> {
 protected:
  ClientSessionTest() : session_(options_) { options_.encoding = GetParam(); }

  Instant at(int64_t ms) { return Instant{} + milliseconds(ms); }

  std::vector<v1::ClientFrame> said() {
    std::vector<v1::ClientFrame> frames;
    for (std::string bytes; session_.take_output(bytes);) {
      v1::ClientBatch batch;
      EXPECT_TRUE(wire::decode_client_batch(GetParam(), bytes, batch));
      frames.insert(frames.end(), batch.frames().begin(), batch.frames().end());
    }
    return frames;
  }

  v1::ClientFrame said_one() {
    const auto frames = said();
    EXPECT_EQ(frames.size(), 1u);
    return frames.empty() ? v1::ClientFrame() : frames.front();
  }

  Status hear(const v1::ServerFrame& frame) {
    const wire::BatchFraming framing = wire::server_batch_framing(GetParam());
    std::string bytes(framing.prefix);
    bytes += wire::encode_server_frame(GetParam(), frame);
    bytes += framing.suffix;
    return session_.receive(now_, bytes, seen_, random_);
  }

  Status welcome(bool recovered, bool live, uint64_t epoch = 77) {
    v1::ServerFrame frame;
    frame.mutable_welcome()->set_session_id(5);
    frame.mutable_welcome()->set_epoch(epoch);
    frame.mutable_welcome()->set_recovered(recovered);
    frame.mutable_welcome()->set_live(live);
    frame.mutable_welcome()->set_heartbeat_interval_ms(30'000);
    frame.mutable_welcome()->set_reconnect_window_ms(5'000);
    return hear(frame);
  }

  static v1::Event event(const ChatId& chat, uint64_t seq) {
    v1::Event event;
    event.set_chat_id(chat.str());
    event.set_seq(seq);
    event.mutable_message()->set_text("text " + std::to_string(seq));
    return event;
  }

  Status push(uint64_t inbox_seq) {
    v1::ServerFrame frame;
    frame.set_inbox_seq(inbox_seq);
    *frame.mutable_event() = event(kChat, inbox_seq);
    return hear(frame);
  }

  Status push_room(uint64_t seq) {
    v1::ServerFrame frame;
    *frame.mutable_event() = event(kRoom, seq);
    return hear(frame);
  }

  // Answers `sync` with the entries first…last of the inbox, or of the room.
  Status page(const v1::ClientFrame& sync, uint64_t first, uint64_t last, bool done,
              bool reset = false) {
    const bool room = !sync.sync().chat_id().empty();
    v1::ServerFrame frame;
    frame.set_reply_to(sync.id());
    v1::SyncPage& page = *frame.mutable_sync_page();
    page.set_chat_id(sync.sync().chat_id());
    for (uint64_t i = first; i <= last; ++i) {
      v1::SyncEntry& entry = *page.add_entries();
      if (!room) entry.set_inbox_seq(i);
      *entry.mutable_event() = event(room ? kRoom : kChat, i);
    }
    page.set_next(last + 1);
    page.set_done(done);
    page.set_reset(reset);
    return hear(frame);
  }

  Status refuse(const v1::ClientFrame& asked, bool temporary) {
    v1::ServerFrame frame;
    frame.set_reply_to(asked.id());
    frame.mutable_error()->set_temporary(temporary);
    frame.mutable_error()->set_retry_after_ms(temporary ? 500 : 0);
    return hear(frame);
  }

  // A session that is live with everything up to `head`.
  void go_live(uint64_t head) {
    session_.connected(now_, {"token", "phone"});
    said();
    ASSERT_TRUE(welcome(true, false));
    const auto sync = said_one();
    ASSERT_EQ(sync.sync().from_inbox_seq(), 0u);
    ASSERT_TRUE(page(sync, 1, 0, false, true));
    ASSERT_TRUE(page(said_one(), 1, head, true));
    ASSERT_TRUE(session_.is_live());
    session_.wake(at(1'000));
    said();
    now_ = at(1'000);
  }

  ClientOptions options_;
  ClientSession session_;
  Recorder seen_;
  Random random_{7};
  Instant now_;
};

INSTANTIATE_TEST_SUITE_P(Encodings, ClientSessionTest,
                         ::testing::Values(Encoding::proto, Encoding::json), [](const auto& suite) {
                           return suite.param == Encoding::proto ? "proto" : "json";
                         });

TEST_P(ClientSessionTest, FirstHelloHasNoCursorAndLeadsToAResetSync) {
  session_.connected(now_, {"token", "phone"});
  const v1::ClientFrame hello = said_one();
  EXPECT_EQ(hello.hello().token(), "token");
  EXPECT_EQ(hello.hello().device_id(), "phone");
  EXPECT_FALSE(hello.hello().has_resume());
  ASSERT_TRUE(welcome(false, false));
  const v1::ClientFrame sync = said_one();
  EXPECT_EQ(sync.sync().from_inbox_seq(), 0u);
  ASSERT_TRUE(page(sync, 1, 0, true, true));
  EXPECT_TRUE(session_.is_live());
  EXPECT_THAT(seen_.resets, ElementsAre(1));
  EXPECT_EQ(seen_.lives, 1);
}

TEST_P(ClientSessionTest, FollowsPagesUntilDoneAndThenTakesPushes) {
  session_.connected(now_, {"token", "phone"});
  said();
  ASSERT_TRUE(welcome(false, false));
  ASSERT_TRUE(page(said_one(), 1, 0, false, true));
  v1::ClientFrame sync = said_one();
  EXPECT_EQ(sync.sync().from_inbox_seq(), 1u);
  ASSERT_TRUE(page(sync, 1, 3, false));
  sync = said_one();
  EXPECT_EQ(sync.sync().from_inbox_seq(), 4u);
  EXPECT_FALSE(session_.is_live());
  ASSERT_TRUE(page(sync, 4, 5, true));
  EXPECT_TRUE(session_.is_live());
  ASSERT_TRUE(push(6));
  EXPECT_THAT(seen_.inbox, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_P(ClientSessionTest, ResumesFromItsCursorAndIsLiveAtOnceWhenTheServerSaysSo) {
  go_live(4);
  session_.closed(now_, CloseCode::abnormal, random_);
  session_.connected(now_, {"token", "phone"});
  const v1::ClientFrame hello = said_one();
  EXPECT_EQ(hello.hello().resume().epoch(), 77u);
  EXPECT_EQ(hello.hello().resume().inbox_seq(), 4u);
  ASSERT_TRUE(welcome(true, true));
  EXPECT_TRUE(session_.is_live());
  EXPECT_THAT(said(), IsEmpty());
}

TEST_P(ClientSessionTest, AsksForAResetWhenTheServerCannotRecoverItsCursor) {
  go_live(4);
  session_.closed(now_, CloseCode::abnormal, random_);
  session_.connected(now_, {"token", "phone"});
  said();
  ASSERT_TRUE(welcome(false, false, 78));
  const v1::ClientFrame sync = said_one();
  EXPECT_EQ(sync.sync().from_inbox_seq(), 0u);
  ASSERT_TRUE(page(sync, 3, 2, true, true));
  EXPECT_EQ(session_.inbox_cursor(), 2u);
  EXPECT_EQ(session_.epoch(), 78u);
}

TEST_P(ClientSessionTest, ReportsRepeatedPushesOnTheWireButDeliversThemOnce) {
  go_live(2);
  seen_.wire.clear();
  ASSERT_TRUE(push(3));
  ASSERT_TRUE(push(3));
  EXPECT_THAT(seen_.wire, ElementsAre(3, 3));
  EXPECT_THAT(seen_.inbox, ElementsAre(1, 2, 3));
}

TEST_P(ClientSessionTest, ReadsTheLogWhenPushesLeaveAGap) {
  go_live(2);
  ASSERT_TRUE(push(4));
  EXPECT_FALSE(session_.is_live());
  const v1::ClientFrame sync = said_one();
  EXPECT_EQ(sync.sync().from_inbox_seq(), 3u);
  ASSERT_TRUE(push(5));
  ASSERT_TRUE(page(sync, 3, 5, true));
  ASSERT_TRUE(push(6));
  EXPECT_THAT(seen_.inbox, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_P(ClientSessionTest, ReadsTheLogAfterLagged) {
  go_live(2);
  v1::ServerFrame lagged;
  lagged.mutable_lagged()->set_from_inbox_seq(3);
  ASSERT_TRUE(hear(lagged));
  EXPECT_EQ(said_one().sync().from_inbox_seq(), 3u);
}

TEST_P(ClientSessionTest, ReadsTheLogWhenAHeartbeatAnswerTellsOfMore) {
  go_live(2);
  v1::ServerFrame answer;
  answer.mutable_heartbeat_ack()->set_inbox_head(2);
  ASSERT_TRUE(hear(answer));
  EXPECT_THAT(said(), IsEmpty());
  answer.mutable_heartbeat_ack()->set_inbox_head(3);
  ASSERT_TRUE(hear(answer));
  EXPECT_EQ(said_one().sync().from_inbox_seq(), 3u);
}

TEST_P(ClientSessionTest, ReadMarkersAdvanceTheCursor) {
  go_live(2);
  v1::ServerFrame marker;
  marker.set_inbox_seq(3);
  marker.mutable_receipt()->set_chat_id(kChat.str());
  marker.mutable_receipt()->set_read_seq(1);
  ASSERT_TRUE(hear(marker));
  EXPECT_EQ(session_.inbox_cursor(), 3u);
  EXPECT_THAT(seen_.inbox, ElementsAre(1, 2, 3));
}

TEST_P(ClientSessionTest, AsksAgainWhenASyncIsRefusedForNow) {
  go_live(2);
  ASSERT_TRUE(push(4));
  ASSERT_TRUE(refuse(said_one(), true));
  EXPECT_THAT(said(), IsEmpty());
  EXPECT_EQ(session_.next_wake(), now_ + milliseconds(500));
  session_.wake(session_.next_wake());
  EXPECT_EQ(said_one().sync().from_inbox_seq(), 3u);
}

TEST_P(ClientSessionTest, JoinsAcknowledgementsForAMomentOrThirtyTwoEvents) {
  go_live(0);
  ASSERT_TRUE(push(1));
  ASSERT_TRUE(push(2));
  EXPECT_THAT(said(), IsEmpty());
  EXPECT_EQ(session_.next_wake(), now_ + milliseconds(200));
  session_.wake(session_.next_wake());
  EXPECT_EQ(said_one().ack().inbox_seq(), 2u);
  for (uint64_t i = 3; i < 35; ++i) ASSERT_TRUE(push(i));
  EXPECT_EQ(said_one().ack().inbox_seq(), 34u);
}

TEST_P(ClientSessionTest, FirstHeartbeatComesWithinTheIntervalAndEveryFourthAsks) {
  session_.connected(now_, {"token", "phone"});
  EXPECT_EQ(session_.next_wake(), kNever);
  said();
  ASSERT_TRUE(welcome(false, false));
  ASSERT_TRUE(page(said_one(), 1, 0, true, true));
  EXPECT_LE(session_.next_wake(), at(30'000));
  for (int i = 1; i <= 8; ++i) {
    const Instant due = session_.next_wake();
    session_.wake(due);
    const v1::ClientFrame frame = said_one();
    ASSERT_TRUE(frame.has_heartbeat());
    EXPECT_EQ(frame.id() != 0, i % 4 == 0);
    EXPECT_EQ(session_.next_wake(), due + seconds(30));
  }
}

TEST_P(ClientSessionTest, AnyFrameDelaysTheHeartbeat) {
  go_live(0);
  session_.read(now_, kChat, 3);
  EXPECT_EQ(said_one().read().up_to_seq(), 3u);
  EXPECT_EQ(session_.next_wake(), now_ + seconds(30));
}

TEST_P(ClientSessionTest, FollowsARoomAndReadsItAgainAfterAGap) {
  go_live(0);
  session_.join_room(now_, kRoom, 3);
  v1::ClientFrame sync = said_one();
  EXPECT_EQ(sync.sync().chat_id(), kRoom.str());
  EXPECT_EQ(sync.sync().from_seq(), 3u);
  ASSERT_TRUE(page(sync, 3, 4, true));
  EXPECT_TRUE(session_.rooms_live());
  ASSERT_TRUE(push_room(5));
  ASSERT_TRUE(push_room(7));
  sync = said_one();
  EXPECT_EQ(sync.sync().from_seq(), 6u);
  ASSERT_TRUE(page(sync, 6, 7, true));
  EXPECT_THAT(seen_.room, ElementsAre(3, 4, 5, 6, 7));
}

TEST_P(ClientSessionTest, StartsARoomAtItsHeadAndTellsWhereThatWas) {
  go_live(0);
  session_.join_room(now_, kRoom, 0);
  const v1::ClientFrame sync = said_one();
  EXPECT_EQ(sync.sync().from_seq(), 0u);
  ASSERT_TRUE(page(sync, 9, 8, true, true));
  EXPECT_EQ(seen_.resets.back(), 9u);
  ASSERT_TRUE(push_room(9));
  EXPECT_THAT(seen_.room, ElementsAre(9));
}

TEST_P(ClientSessionTest, ReadsItsRoomsAgainOnEachConnection) {
  go_live(0);
  session_.join_room(now_, kRoom, 1);
  ASSERT_TRUE(page(said_one(), 1, 2, true));
  session_.closed(now_, CloseCode::drain, random_);
  session_.connected(now_, {"token", "phone"});
  const v1::ClientFrame hello = said_one();
  ASSERT_EQ(hello.hello().resume().rooms_size(), 1);
  EXPECT_EQ(hello.hello().resume().rooms(0).seq(), 2u);
  ASSERT_TRUE(welcome(true, true));
  EXPECT_EQ(said_one().sync().from_seq(), 3u);
}

TEST_P(ClientSessionTest, ForgetsARoomThatIsRefusedForGood) {
  go_live(0);
  session_.join_room(now_, kRoom, 1);
  ASSERT_TRUE(refuse(said_one(), false));
  EXPECT_FALSE(session_.in_room(kRoom));
}

TEST_P(ClientSessionTest, AcknowledgesRoomsTogetherWithTheInbox) {
  go_live(0);
  session_.join_room(now_, kRoom, 1);
  ASSERT_TRUE(page(said_one(), 1, 1, true));
  ASSERT_TRUE(push(1));
  session_.wake(now_ + milliseconds(200));
  const v1::ClientFrame ack = said_one();
  EXPECT_EQ(ack.ack().inbox_seq(), 1u);
  ASSERT_EQ(ack.ack().rooms_size(), 1);
  EXPECT_EQ(ack.ack().rooms(0).seq(), 1u);
}

TEST_P(ClientSessionTest, SendsOneMessageAfterAnotherWithinTheFrameLimits) {
  go_live(0);
  for (int i = 0; i < 600; ++i) {
    v1::Send send;
    send.set_text(std::string(200, 'x'));
    session_.send(now_, send);
  }
  int frames = 0;
  for (std::string bytes; session_.take_output(bytes);) {
    EXPECT_LT(bytes.size(), 64u * 1024);
    v1::ClientBatch batch;
    ASSERT_TRUE(wire::decode_client_batch(GetParam(), bytes, batch));
    frames += batch.frames_size();
  }
  EXPECT_EQ(frames, 600);
}

TEST_P(ClientSessionTest, BacksOffWithFullJitterUpToTheCapAndStartsAnewAfterAStableTime) {
  Duration longest;
  for (int i = 0; i < 200; ++i) {
    session_.connected(now_, {"token", "phone"});
    const auto delay = session_.closed(now_, CloseCode::abnormal, random_);
    ASSERT_TRUE(delay);
    longest = std::max(longest, *delay);
    if (i == 0) {
      EXPECT_LE(*delay, seconds(1));
    }
  }
  EXPECT_GT(longest, seconds(30));
  EXPECT_LE(longest, seconds(60));
  go_live(0);
  const auto delay = session_.closed(now_ + seconds(30), CloseCode::abnormal, random_);
  EXPECT_LE(*delay, seconds(5));
}

TEST_P(ClientSessionTest, StaysAwayWhenToldToStop) {
  for (CloseCode code : {CloseCode::bad_token, CloseCode::version, CloseCode::normal}) {
    session_.connected(now_, {"token", "phone"});
    EXPECT_FALSE(session_.closed(now_, code, random_));
  }
  session_.connected(now_, {"token", "phone"});
  EXPECT_TRUE(session_.closed(now_, CloseCode::slow_reader, random_));
}

TEST_P(ClientSessionTest, LeavesOnGoAwayAndReturnsNotBeforeTheGivenTime) {
  go_live(0);
  v1::ServerFrame frame;
  frame.mutable_go_away()->set_reconnect_after_ms(4'000);
  ASSERT_TRUE(hear(frame));
  EXPECT_TRUE(session_.should_leave());
  EXPECT_GE(*session_.closed(now_, CloseCode::drain, random_), seconds(4));
}

TEST_P(ClientSessionTest, CallsABrokenServerByItsName) {
  session_.connected(now_, {"token", "phone"});
  EXPECT_FALSE(push(1));
  EXPECT_FALSE(session_.receive(now_, "\x01garbage", seen_, random_));
  ASSERT_TRUE(welcome(false, false));
  EXPECT_FALSE(welcome(false, false));
  EXPECT_FALSE(page(said().back(), 1, 0, true, false));
}

TEST_P(ClientSessionTest, AsksAgainAfterAMomentWhenASyncMakesNoProgress) {
  go_live(2);
  ASSERT_TRUE(push(9));
  ASSERT_TRUE(page(said_one(), 3, 2, false));
  EXPECT_THAT(said(), IsEmpty());
  session_.wake(now_ + milliseconds(100));
  EXPECT_EQ(said_one().sync().from_inbox_seq(), 3u);
}

TEST_P(ClientSessionTest, AsksForPresenceAndTypingAndSaysThatItsUserTypes) {
  options_.want_presence = options_.want_typing = true;
  session_.connected(now_, {"token", "phone"});
  const v1::Want want = said_one().hello().want();
  EXPECT_TRUE(want.presence());
  EXPECT_TRUE(want.typing());
  EXPECT_FALSE(want.receipts());
  ASSERT_TRUE(welcome(true, true));
  said();
  session_.typing(now_, ChatId::direct(UserId{1}, UserId{2}));
  const v1::ClientFrame frame = said_one();
  EXPECT_EQ(frame.id(), 0u);
  EXPECT_EQ(frame.typing().chat_id(), ChatId::direct(UserId{1}, UserId{2}).str());
}

TEST(ClientSession, IsSmallEnoughForAMillionOfThem) { EXPECT_LE(sizeof(ClientSession), 184u); }

}  // namespace
}  // namespace chat
