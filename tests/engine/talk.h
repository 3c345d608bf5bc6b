// Talk: scripted conversations with engines in a virtual world. A Device sends frames as they are
// written in the test and keeps what comes back; nothing is answered, acknowledged or synced by
// itself.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ring/ring.h"
#include "core/wire/chat.pb.h"
#include "core/wire/frame_codec.h"
#include "sim/memory_store/memory_chat_store.h"
#include "sim/virtual/virtual_world.h"

namespace chat::sim {

class Device : public LinkEnd {
 public:
  Device(VirtualWorld& world, uint64_t user, std::string id, Encoding encoding = Encoding::proto)
      : world_(world), encoding_(encoding), user_(user), id_(std::move(id)) {
    want.set_receipts(true);
  }

  void connect() {
    closed.reset();
    link_ = engine ? world_.connect_to(engine, *this, encoding_, path_kind)
                   : world_.connect(*this, encoding_, path_kind);
    run(100);
  }
  /// Connects and says hello, with the cursor if one is given.
  void join(std::optional<uint64_t> cursor = std::nullopt) {
    connect();
    v1::ClientFrame frame;
    v1::Hello& hello = *frame.mutable_hello();
    hello.set_token(token.empty() ? token_of(UserId{user_}) : token);
    hello.set_device_id(id_);
    *hello.mutable_want() = want;
    hello.mutable_want()->set_receipts_since_ms(receipts_since_ms);
    hello.mutable_client()->set_name("talk");
    if (cursor) {
      hello.mutable_resume()->set_inbox_seq(*cursor);
      hello.mutable_resume()->set_epoch(epoch);
    }
    send(frame);
    if (const auto* frame_in = last(v1::ServerFrame::kWelcome)) epoch = frame_in->welcome().epoch();
  }
  /// Says hello without a cursor and syncs to head.
  void join_live() {
    join();
    sync(0);
  }
  void sync(uint64_t from) {
    v1::ClientFrame frame;
    frame.set_id(next_id_++);
    frame.mutable_sync()->set_from_inbox_seq(from);
    send(frame);
  }
  void sync_room(const ChatId& room, uint64_t from) {
    v1::ClientFrame frame;
    frame.set_id(next_id_++);
    frame.mutable_sync()->set_chat_id(room.str());
    frame.mutable_sync()->set_from_seq(from);
    send(frame);
  }
  void send(const v1::ClientFrame& frame) {
    v1::ClientBatch batch;
    *batch.add_frames() = frame;
    send_bytes(wire::encode_client_batch(encoding_, batch));
  }
  void send_bytes(std::string bytes) {
    world_.send(link_, std::move(bytes));
    run(400);
  }
  /// Sends and lets no time pass.
  void post(const v1::ClientFrame& frame) { post_all({frame}); }
  /// Sends several frames in one WebSocket message.
  void post_all(const std::vector<v1::ClientFrame>& frames_out) {
    v1::ClientBatch batch;
    for (const auto& frame : frames_out) *batch.add_frames() = frame;
    world_.send(link_, wire::encode_client_batch(encoding_, batch));
  }
  /// Does what a client does that was told to sync its inbox: page by page to head, from the first
  /// position that it was not sent.
  void catch_up() {
    const auto* lagged = last(v1::ServerFrame::kLagged);
    uint64_t next = lagged ? lagged->lagged().from_inbox_seq() : 0;
    for (bool done = next == 0; !done;) {
      sync(next);
      const v1::SyncPage& page = last(v1::ServerFrame::kSyncPage)->sync_page();
      next = page.next();
      done = page.done();
    }
  }
  void say(const ChatId& chat, const std::string& text, uint32_t key) {
    send(message(chat, text, key));
  }
  v1::ClientFrame message(const ChatId& chat, const std::string& text, uint32_t key) {
    v1::ClientFrame frame;
    frame.set_id(next_id_++);
    frame.mutable_send()->set_chat_id(chat.str());
    frame.mutable_send()->set_client_msg_id(key_bytes(key));
    frame.mutable_send()->set_text(text);
    return frame;
  }
  void edit(const ChatId& chat, uint64_t seq, const std::string& text, uint32_t key) {
    v1::ClientFrame frame;
    frame.set_id(next_id_++);
    frame.mutable_edit()->set_chat_id(chat.str());
    frame.mutable_edit()->set_target_seq(seq);
    frame.mutable_edit()->set_client_op_id(key_bytes(key));
    frame.mutable_edit()->set_text(text);
    send(frame);
  }
  void remove(const ChatId& chat, uint64_t seq, uint32_t key) {
    v1::ClientFrame frame;
    frame.set_id(next_id_++);
    frame.mutable_delete_message()->set_chat_id(chat.str());
    frame.mutable_delete_message()->set_target_seq(seq);
    frame.mutable_delete_message()->set_client_op_id(key_bytes(key));
    send(frame);
  }
  void react(const ChatId& chat, uint64_t seq, const std::string& reaction, uint32_t key,
             bool taken_back = false) {
    v1::ClientFrame frame;
    frame.set_id(next_id_++);
    frame.mutable_react()->set_chat_id(chat.str());
    frame.mutable_react()->set_target_seq(seq);
    frame.mutable_react()->set_client_op_id(key_bytes(key));
    frame.mutable_react()->set_reaction(reaction);
    frame.mutable_react()->set_remove(taken_back);
    send(frame);
  }
  void leave_room(const ChatId& room) {
    v1::ClientFrame frame;
    frame.mutable_leave_room()->set_chat_id(room.str());
    send(frame);
  }
  /// 16 times the key's lowest byte for keys below 256.
  static std::string key_bytes(uint32_t key) {
    std::string bytes(16, static_cast<char>(key));
    for (size_t i = 0; key >> (8 * (i + 1)) != 0; ++i) {
      bytes[i] = static_cast<char>(key >> (8 * (i + 1)));
    }
    return bytes;
  }
  void ack(uint64_t inbox_seq) {
    v1::ClientFrame frame;
    frame.mutable_ack()->set_inbox_seq(inbox_seq);
    send(frame);
  }
  void read(const ChatId& chat, uint64_t up_to) {
    v1::ClientFrame frame;
    frame.set_id(next_id_++);
    frame.mutable_read()->set_chat_id(chat.str());
    frame.mutable_read()->set_up_to_seq(up_to);
    send(frame);
  }
  void heartbeat() {
    v1::ClientFrame frame;
    frame.mutable_heartbeat();
    send(frame);
  }
  void leave(CloseCode code = CloseCode::normal) {
    world_.close(link_, code);
    run(200);
  }
  void drop() {
    world_.drop(link_);
    run(50);
  }
  void run(int64_t ms) { world_.run_until(world_.now() + milliseconds(ms)); }

  const v1::ServerFrame* last(v1::ServerFrame::BodyCase body) const {
    const auto found = std::find_if(frames.rbegin(), frames.rend(),
                                    [&](const auto& f) { return f.body_case() == body; });
    return found == frames.rend() ? nullptr : &*found;
  }
  /// The texts of the messages that were pushed or came in pages, in order of arrival.
  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const auto& frame : frames) {
      if (frame.event().has_message()) out.push_back(frame.event().message().text());
      for (const auto& entry : frame.sync_page().entries()) {
        if (entry.event().has_message()) out.push_back(entry.event().message().text());
      }
    }
    return out;
  }
  /// The seqs of all acknowledgements, in order of arrival.
  std::vector<uint64_t> acked_seqs() const {
    std::vector<uint64_t> out;
    for (const auto& frame : frames) {
      if (frame.has_send_ack()) out.push_back(frame.send_ack().seq());
    }
    return out;
  }
  size_t count(v1::ServerFrame::BodyCase body) const {
    return static_cast<size_t>(std::count_if(frames.begin(), frames.end(),
                                             [&](const auto& f) { return f.body_case() == body; }));
  }
  v1::ErrorCode error() const {
    const auto* frame = last(v1::ServerFrame::kError);
    return frame ? frame->error().code() : v1::ERROR_CODE_UNSPECIFIED;
  }

  void close_now(CloseCode code = CloseCode::normal) { world_.close(link_, code); }

  std::vector<v1::ServerFrame> frames;
  std::optional<CloseCode> closed;
  EngineId engine;  ///< Where it connects to; a random one unless set.
  uint32_t path_kind = 0;
  std::string token;  ///< What it says hello with; one that lasts unless set.
  v1::Want want;      ///< Receipts, unless told otherwise.
  uint64_t epoch = 0;
  int64_t receipts_since_ms = 0;  ///< Told in Hello.

 private:
  void on_open() override {}
  void on_message(const std::string& bytes) override {
    v1::ServerBatch batch;
    ASSERT_TRUE(wire::decode_server_batch(encoding_, bytes, batch).has_value());
    for (auto& frame : *batch.mutable_frames()) frames.push_back(std::move(frame));
  }
  void on_closed(CloseCode code) override { closed = code; }

  VirtualWorld& world_;
  Encoding encoding_;
  uint64_t user_;
  std::string id_;
  LinkRef link_;
  uint32_t next_id_ = 1;
};

/// A world with as many engines as the parameter says, unless told otherwise.
class Talk : public testing::TestWithParam<int> {
 protected:
  Talk() : Talk(EnginePolicy()) {}
  explicit Talk(const EnginePolicy& policy) : Talk(policy, GetParam()) {}
  Talk(const EnginePolicy& policy, int engines) : world_(options(engines, policy), store_) {
    run(1'000);
  }

  static WorldOptions options(int engines, const EnginePolicy& policy) {
    WorldOptions options;
    options.policy = policy;
    options.engines_of_process.assign(static_cast<size_t>(engines), 1);
    return options;
  }
  void run(int64_t ms) { world_.run_until(world_.now() + milliseconds(ms)); }
  /// The home by the ring that all engines have once they were told.
  template <class Key>
  EngineId home_of(const Key& key) const {
    return Ring(world_.homes()).owner(key).id;
  }
  /// The first user from `from` on whose home is `engine`.
  uint64_t user_of(EngineId engine, uint64_t from = 1) const {
    while (home_of(UserId{from}) != engine) ++from;
    return from;
  }

  std::unique_ptr<Device> device(uint64_t user, const std::string& id = "phone",
                                 Encoding encoding = Encoding::proto) {
    return std::make_unique<Device>(world_, user, id, encoding);
  }
  v1::Response ask(const v1::Request& request) {
    std::optional<v1::Response> answer;
    world_.request(std::make_shared<const v1::Request>(request),
                   [&](const v1::Response* response) { answer = *response; });
    run(1'000);
    EXPECT_TRUE(answer.has_value());
    return answer.value_or(v1::Response());
  }
  ChatId make_chat(v1::ChatKind kind, std::vector<uint64_t> members) {
    v1::Request request;
    request.set_user_id(members.front());
    request.set_user_name("maker");
    request.mutable_create_chat()->set_kind(kind);
    for (size_t i = 1; i < members.size(); ++i) {
      request.mutable_create_chat()->add_member_ids(members[i]);
    }
    const v1::Response response = ask(request);
    EXPECT_TRUE(response.has_chat()) << response.ShortDebugString();
    return *ChatId::from_bytes(response.chat().chat().chat_id());
  }
  v1::Response change_members(uint64_t user, const ChatId& chat, v1::ChangeMembers change) {
    v1::Request request;
    request.set_user_id(user);
    request.set_user_name(name_of(UserId{user}));
    *request.mutable_change_members() = std::move(change);
    request.mutable_change_members()->set_chat_id(chat.str());
    return ask(request);
  }
  /// The whole log as its member `user` reads it.
  std::vector<v1::Event> log_of(uint64_t user, const ChatId& chat) {
    std::vector<v1::Event> events;
    for (bool complete = false; !complete;) {
      v1::Request request;
      request.set_user_id(user);
      request.mutable_history()->set_chat_id(chat.str());
      request.mutable_history()->set_forward(true);
      request.mutable_history()->set_after_seq(events.empty() ? 0 : events.back().seq());
      request.mutable_history()->set_limit(200);
      const v1::Response response = ask(request);
      EXPECT_TRUE(response.has_history_page()) << response.ShortDebugString();
      complete = response.history_page().complete() || !response.has_history_page();
      for (const auto& event : response.history_page().events()) events.push_back(event);
    }
    return events;
  }
  v1::PresenceEntry presence(uint64_t user) {
    v1::Request request;
    request.mutable_get_presence()->add_user_ids(user);
    return ask(request).presence().entries(0);
  }
  /// A counter of all engines together, those that crashed included.
  uint64_t total_of(uint64_t EngineCounters::*counter) const {
    uint64_t sum = 0;
    for (const EngineCounters& one : world_.counters()) sum += one.*counter;
    return sum;
  }

  MemoryChatStore store_{4711};
  VirtualWorld world_;
};

}  // namespace chat::sim
