// Oracle: judges a run. It is told what every device sent, what came on every connection, what
// reached every application, and at last the truth: the chat logs, read after a quiet phase. It
// counts what was lost, repeated, reordered or invented. It drives nothing and trusts neither
// server nor client session. Sends are recognised by their content: a driver makes every text
// unique within its chat. Memory: one range and its gaps per (device, chat), 16 bytes per event of
// a log, one record per send. Thread rule: one thread at a time.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/store/chat_store.h"
#include "sim/oracle/seq_set.h"

namespace chat::sim {

/// A device of a user, as the oracle knows it; 0 is none.
using DeviceRef = StrongId<struct DeviceRefTag>;
/// One operation that a device means to send, over all its attempts; 0 is none.
using SendRef = StrongId<struct SendRefTag>;

/// What is sent: a message, or a change of one.
enum class Operation : uint8_t { message, edit, deletion, reaction };

struct OracleOptions {
  Duration late_after = seconds(1);
  size_t examples_max = 20;  ///< Per kind of finding.
};

/// Changes of one kind.
struct ChangeCounts {
  uint64_t sent = 0;     ///< With at least one attempt.
  uint64_t acked = 0;    ///< STORED or DUPLICATE.
  uint64_t refused = 0;  ///< Permanent errors: the message had been deleted meanwhile, for example.
};

struct OracleCounts {
  uint64_t sent = 0;     ///< Messages with at least one attempt.
  uint64_t acked = 0;    ///< STORED, DUPLICATE or DELAYED.
  uint64_t refused = 0;  ///< Permanent errors: the user had left the chat, for example.
  uint64_t delayed = 0;  ///< DELAYED at first.
  ChangeCounts edits, deletions, reactions;
  uint64_t leaves = 0;      ///< Ends of memberships in the logs.
  uint64_t tombstones = 0;  ///< Came in the place of what was deleted, by stream or History.
  uint64_t expected_deliveries = 0;
  uint64_t delivered = 0;  ///< Of the expected ones, by the inbox or room stream.
  uint64_t lost =
      0;  ///< Expected and never delivered; acknowledged and not in the log as acknowledged.
  uint64_t duplicate = 0;
  uint64_t reordered = 0;
  uint64_t phantom =
      0;  ///< Received but not in the log, or not with that content, or not meant for this user.
  uint64_t stale = 0;  ///< Shown at the end, or read later, though it was deleted or changed.
  uint64_t late = 0;
  uint64_t not_sent = 0;
  uint64_t by_history = 0;
  uint64_t pruned = 0;
  uint64_t skipped = 0;
};

enum class Finding : uint8_t { lost, duplicate, reordered, phantom, stale, late };
const char* name_of(Finding finding);

struct OracleExample {
  Finding finding;
  std::string text;  ///< Names user, device, chat and seq.
};

struct OracleReport {
  OracleCounts counts;
  std::vector<OracleExample> examples;
  /// Nothing lost, duplicate, reordered, phantom or stale; late is for gates to judge.
  bool clean() const;
};

/// The content of every tombstone. What a device saw before the deletion was another one.
inline constexpr uint64_t kTombstone = 0x70b5;

/// An entry of a chat log.
struct TruthEvent {
  uint64_t seq = 0;
  uint64_t content = 0;  ///< content_hash() of the event.
  bool is_sent = false;  ///< Made by a device: a message, edit, deletion or reaction.
  std::vector<UserId> joined = {};
  std::vector<UserId> left = {};
  std::vector<UserId> banned = {};  ///< Who was a member leaves by it.
  bool concerns_all = false;        ///< Reaches every member's inbox, in rooms too.
};

class Oracle {
 public:
  explicit Oracle(OracleOptions options = {}) : options_(options) {}

  DeviceRef add_device(UserId user);

  // -- sends. `content` is content_hash() of the operation, unique within the chat.

  /// The first attempt is handed to a connection.
  SendRef sent(DeviceRef device, const ChatId& chat, uint64_t content,
               Operation operation = Operation::message);
  /// A further attempt with the same key is handed to a connection.
  void sent_again(SendRef send);
  /// SendAck: STORED or DUPLICATE at `seq`; DELAYED has seq 0.
  void acked(SendRef send, uint64_t seq);
  /// A home died or moved: what it had delayed may come after what was sent later.
  void delayed_order_is_lost() { judge_delayed_order_ = false; }
  /// Error. After a temporary one the message may be in the log or not.
  void refused(SendRef send, bool temporary);
  /// The scenario wanted an operation that never reached a connection.
  void not_sent() { ++counts_.not_sent; }

  // -- the wire, before the client session filters

  /// A connection begins; `inbox_cursor` is the one of its Hello (0 = none).
  void connected(DeviceRef device, uint64_t inbox_cursor);
  /// The cursor with which a connection follows a room, when it begins to.
  void room_connected(DeviceRef device, const ChatId& chat, uint64_t cursor);
  /// An event frame, sync entry or read marker came. inbox_seq 0 = of a room's stream.
  void on_wire(DeviceRef device, const ChatId& chat, uint64_t seq, uint64_t inbox_seq);

  // -- the application

  /// A snapshot of chats with their last seq came. The device's first one decides from where on it
  /// expects each chat: events up to last_seq may come (then densely), later ones must. `complete`:
  /// it lists all chats.
  void snapshot(DeviceRef device, const std::vector<std::pair<ChatId, uint64_t>>& chats,
                bool complete);
  /// A snapshot told the device how it stands with a room at `last_seq`: what its inbox had about
  /// that before is not owed.
  void room_told(DeviceRef device, const ChatId& chat, uint64_t last_seq);
  /// The device follows a room and expects everything from `first_seq` on; what it has not got
  /// before, after an earlier start, is no longer owed.
  void room_started(DeviceRef device, const ChatId& chat, uint64_t first_seq);
  /// The server moved the device's position in a room forward: it goes on with `next_seq`.
  void room_jumped(DeviceRef device, const ChatId& chat, uint64_t next_seq);
  /// The device stopped following a room: nothing after its last event is expected any more.
  void room_ended(DeviceRef device, const ChatId& chat);
  /// An event reached the application. `by_room`: by the room's stream, not by the inbox.
  void delivered(DeviceRef device, const ChatId& chat, uint64_t seq, uint64_t content,
                 bool by_room);
  /// The position of a pruned event reached the application.
  void pruned(DeviceRef device, const ChatId& chat, uint64_t seq, bool by_room);
  /// An event came in a History answer.
  void by_history(DeviceRef device, const ChatId& chat, uint64_t seq, uint64_t content);
  /// A device shows what the logs no longer say, or got what was deleted long before.
  void stale(const std::string& where) { note(Finding::stale, where); }
  /// The time from the intended send to a live delivery: counts `late`.
  void judge_latency(DeviceRef device, const ChatId& chat, uint64_t seq, Duration latency);

  // -- the truth, after the quiet phase; per chat its events ascending

  void truth_chat(const ChatId& chat, ChatKind kind);
  void truth_event(const ChatId& chat, const TruthEvent& event);

  /// Compares and reports. Call once, when all is told.
  OracleReport finish();

 private:
  /// What a device has seen of one chat by one way.
  struct Extras {
    SeqSet history;
    SeqSet pruned;
    SeqSet skipped;
    SeqSet absent;  ///< Not followed meanwhile.
  };
  struct Stream {
    SeqSet app;
    SeqSet wire;  ///< Rooms only: seqs on this connection; the inbox has one for all its chats.
    uint64_t wire_cursor = 0;
    uint64_t start = 0;        ///< Rooms: the first seq that is expected; 0 = not followed.
    uint64_t optional_to = 0;  ///< Inbox: seqs up to here were perhaps before the device's start.
    bool ended = false;
    std::unique_ptr<Extras> extras;
  };
  struct StreamKey {
    uint64_t device_and_way;
    uint32_t chat;
    auto operator<=>(const StreamKey&) const = default;
  };
  struct StreamKeyHash {
    size_t operator()(const StreamKey& key) const {
      return mix64(key.device_and_way * 0x100000001b3ull + key.chat);
    }
  };
  struct Device {
    UserId user;
    SeqSet wire;
    uint64_t wire_cursor = 0;
    bool started = false;
    bool snapshot_complete = true;
  };
  /// The first content that was seen at a seq, how many were like it and unlike it, and how many
  /// were tombstones.
  struct Seen {
    uint64_t content = 0;
    uint32_t same = 0;
    uint32_t other = 0;
    uint32_t tombstones = 0;
  };
  struct Chat {
    ChatId id;
    ChatKind kind = ChatKind::none;
    std::vector<Seen> seen;  ///< By seq − 1.
    std::map<uint64_t, Seen>
        seen_far;               ///< Seqs far beyond the others: invented ones, or a late start.
    std::vector<uint64_t> log;  ///< Content by seq − first_seq.
    uint64_t log_first = 1;
    std::map<UserId, std::vector<SeqRange>> members;
    bool ended = false;  ///< Nothing follows; what was delayed then is never stored.
    std::map<UserId, std::vector<uint64_t>> about;  ///< Member events that name a user.
  };
  struct SendRecord {
    enum class Outcome : uint8_t { none, acked, maybe, refused };
    uint64_t content = 0;
    uint64_t first_attempt = 0, last_attempt = 0;  ///< On one counter for all attempts.
    uint64_t acked_seq = 0;
    uint64_t log_seq = 0;
    uint32_t device = 0;
    uint32_t chat = 0;
    Outcome outcome = Outcome::none;
    Operation operation = Operation::message;
    bool delayed = false;
  };

  uint32_t chat_index(const ChatId& chat);
  ChangeCounts* changes(Operation operation);
  Device& device(DeviceRef ref) { return devices_[ref.value - 1]; }
  Stream& stream(DeviceRef ref, const ChatId& chat, bool by_room);
  Extras& extras(Stream& stream);
  void see(const ChatId& chat, uint64_t seq, uint64_t content);
  void judge_wire(DeviceRef ref, const ChatId& chat, uint64_t seq, SeqSet& wire, uint64_t cursor);
  void note(Finding finding, const std::string& where);
  std::string place(DeviceRef ref, const ChatId& chat, uint64_t seq);
  void find_buried_sends();
  void judge_sends();
  void judge_send_order();
  void judge_contents(const Chat& chat);
  void add_expected_streams(const Chat& chat);
  std::vector<SeqRange> meant_for(const Chat& chat, UserId user, bool by_room) const;
  void judge_stream(const StreamKey& key, const Stream& stream);
  void judge_range(DeviceRef ref, const Chat& chat, const Stream& stream, SeqRange range);
  void note_phantoms(DeviceRef ref, const Chat& chat, const SeqSet& app,
                     const std::vector<SeqRange>& meant, uint64_t rightly);

  OracleOptions options_;
  OracleCounts counts_;
  bool judge_delayed_order_ = true;
  std::vector<OracleExample> examples_;
  std::vector<size_t> examples_of_ = std::vector<size_t>(6);
  std::vector<Device> devices_;
  std::vector<Chat> chats_;
  std::unordered_map<ChatId, uint32_t, IdHash> chat_indexes_;
  std::unordered_map<StreamKey, Stream, StreamKeyHash> streams_;
  std::map<UserId, std::vector<DeviceRef>> devices_of_;  ///< Made by finish().
  std::vector<SendRecord> sends_;
  std::unordered_map<uint64_t, uint32_t> sends_by_content_;  ///< mix of chat and content → index.
  uint64_t attempts_ = 0;
};

}  // namespace chat::sim
