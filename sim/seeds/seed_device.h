// SeedDevice: a device of a random world. It keeps one message under way and repeats it with the
// same key until it is answered, follows the rooms of its user, reads history after a reset, and
// tells the oracle all that it sees. Thread rule: its world's thread.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/wire/chat.pb.h"
#include "sim/oracle/deletions.h"
#include "sim/oracle/message_view.h"
#include "sim/oracle/oracle.h"
#include "sim/oracle/outgoing.h"
#include "sim/oracle/witness.h"
#include "sim/seeds/inbox_ledger.h"
#include "sim/seeds/presence_eyes.h"
#include "sim/seeds/rare_paths.h"
#include "sim/seeds/receipt_audit.h"
#include "sim/seeds/retention_watch.h"
#include "sim/virtual/virtual_client.h"

namespace chat::sim {

/// What the devices of a world share; outlives them.
struct SeedScene {
  VirtualWorld& world;
  Oracle& oracle;
  InboxLedger& ledger;
  RetentionWatch& retention;
  std::set<ChatId> rooms = {};
  std::vector<std::string> violations = {};
  uint64_t last_login = 0;
  bool quiet = false;  ///< The faults have ended, and all devices come back.
  Deletions deletions = {};
  RarePathCounts rare_paths = {};  ///< Those that devices see.
};

/// A key for an operation: 16 bytes.
std::string random_key(Random& random);

class SeedDevice : private ClientListener {
 public:
  struct Options {
    UserId user;
    std::string device_id;
    ClientOptions client;
    Duration token_life = {};          ///< Of each of its tokens until SeedScene::quiet; 0 = long.
    std::vector<UserId> watched = {};  ///< Whose presence it watches.
  };

  SeedDevice(SeedScene& scene, Options options, Random random);

  VirtualClient& client() { return client_; }
  const std::string& device_id() const { return options_.device_id; }
  UserId user() const { return options_.user; }
  const PresenceEyes& eyes() const { return eyes_; }

  /// Queues a message with a text of its own; to the direct chat when `chat` is one.
  void say(const ChatId& chat);
  /// Queues the last answered operation once more: as it was, or with other words.
  void repeat_last(bool with_other_words);
  /// Queues another text for a message of this device, or its deletion. The message is then no
  /// longer its own to change.
  void edit_something();
  void delete_something();
  /// Queues a reaction to a message that the device knows, or takes back its last one.
  void react_to_something();
  /// Marks a chat that the device knows as read, up to somewhere.
  void read_something();
  /// Asks for some page of a chat that the device knows.
  void look_back();

  void type();
  /// Ends the log-in of this device, as from another device; it logs in again.
  void revoke();

  /// Nothing queued or under way, live, and every gap of a reset read.
  bool is_settled() const;
  /// Nothing queued or under way.
  bool has_sent_all() const { return outbox_.empty(); }
  /// Why is_settled() is false, for a report.
  std::string describe() const;
  /// The chats of which this device has events.
  std::vector<ChatId> known_chats() const;
  /// What it shows of the chats that come by its inbox.
  const std::map<ChatId, MessageView>& views() const { return views_; }
  /// What it was told of others' marks; nullptr when it does not want to be told.
  const ReceiptBook* receipts() const {
    return options_.client.want_receipts ? &receipts_ : nullptr;
  }

 private:
  struct Gap {
    uint64_t first = 0;
    uint64_t next = 0;
    uint64_t last = 0;
    uint32_t asked_id = 0;  ///< 0 = not asked for.
    Instant try_at;
  };
  struct Room {
    uint64_t from = 0;  ///< The first seq that is missing; 0 = starts at head.
    uint64_t joined_seq = 0;
    Instant try_at;
  };

  void on_welcome(bool recovered, uint64_t inbox_head) override;
  void on_live() override;
  void on_reset(const v1::SyncPage& page) override;
  void on_wire_event(const ChatId& chat, uint64_t seq, uint64_t inbox_seq, bool pushed) override;
  void on_event(const v1::SyncEntry& entry, bool pushed) override;
  void on_frame(const v1::ServerFrame& frame) override;
  void before_hello() override;
  void after_input() override;
  void on_disconnected(const Error* error) override;

  std::string new_token() const;
  void note_text(const v1::Event& event);
  void show(const ChatId& chat, const v1::Event& event);
  void on_send_answer(const v1::ServerFrame& frame);
  void on_history(const v1::ServerFrame& frame);
  void shown(const v1::Event& event);
  void on_pruned(const ChatId& chat, uint64_t seq, bool by_room);
  void want_past(const ChatId& chat, uint64_t from, uint64_t last);
  void on_gap_page(const v1::HistoryPage& page, uint32_t reply_to);
  void on_own_membership(const ChatId& chat, const v1::Event& event);
  void work();
  void work_outbox();
  void work_rooms();
  void leave_doubtful_rooms();
  bool has_left(const ChatId& chat);
  void work_gaps();
  void work_later(Duration delay);
  bool may_ask() { return client_.session().state() >= ClientSession::State::syncing; }

  SeedScene& scene_;
  Options options_;
  Random random_;
  DeviceRef ref_;
  Witness witness_;
  VirtualClient client_;
  PresenceEyes eyes_;
  std::deque<Outgoing> outbox_;
  bool under_way_ = false;
  uint32_t send_id_ = 0;
  Instant send_not_before_;
  LoginId login_;
  bool refresh_wanted_ = false;
  std::optional<Outgoing> last_answered_;
  std::optional<Outgoing> last_reaction_;
  std::vector<std::pair<ChatId, uint64_t>> own_;  ///< Messages of this device that it may change.
  std::map<ChatId, MessageView> views_;
  bool last_delayed_ = false;
  uint64_t said_ = 0;
  bool started_ = false;                       ///< Has got its first snapshot.
  std::map<ChatId, uint64_t> delivered_;       ///< The highest seq by the inbox.
  std::map<ChatId, uint64_t> room_delivered_;  ///< The highest seq by the room's stream.
  std::map<ChatId, Room> rooms_;
  std::vector<ChatId> rooms_left_;
  std::set<ChatId> doubtful_rooms_;  ///< Something about them was pruned from the inbox.
  std::map<ChatId, Gap> gaps_;
  ReceiptBook receipts_;
};

}  // namespace chat::sim
