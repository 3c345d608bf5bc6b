// ChatTable: the chats whose home this engine is, in memory while they have something to do.
// A Chat is loaded at its first use. A chat found with events that were not fanned out (fanned_seq
// < last_seq) is handed to the re-drive before anything else happens in it. Thread rule: belongs to
// its engine.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/engine/context.h"
#include "core/policy/token_bucket.h"
#include "core/store/chat_store.h"

namespace chat {

namespace peer {
class HomeRequest;
class StoredEvent;
}  // namespace peer

using SharedEvent = std::shared_ptr<const peer::StoredEvent>;

/// Who waits for the answer to an operation.
struct Asker {
  EngineId engine;
  uint64_t request_id = 0;
  bool keeper = false;  ///< Has it in its DelayLog, request_id is its number there.
};

/// A change that waits to be written: a send, an edit, a change of members, a creation …
struct ChatOp {
  std::shared_ptr<const peer::HomeRequest> request;
  std::vector<Asker> askers;  ///< More than one when the same operation came again meanwhile.
  std::optional<OpKey> key;
  uint64_t content_hash = 0;
  bool users_checked = false;                       ///< Every user that it names exists.
  std::shared_ptr<const peer::StoredEvent> target;  ///< The event that it is about, once read.
  std::optional<uint64_t> read_at;                  ///< The chat's last_seq when `target` was read.

  enum class Delay : uint8_t { none, entering, entered };
  Delay delay = Delay::none;  ///< entered: some DelayLog has it, so it has to be stored.
  uint64_t delay_number = 0;  ///< In this engine's DelayLog; 0 = only in another one's.
  /// Its sender was, or may have been, told DELAYED.
  bool is_promised() const { return delay != Delay::none; }
};

/// Events on their way into inboxes. Each ticket is one InboxAppend without its answer.
struct FanOutBatch {
  uint64_t last_seq = 0;
  std::vector<SharedEvent> events;
  std::map<uint64_t, std::pair<EngineId, std::vector<UserId>>> tickets;
  std::set<UserId> outsiders;  ///< Authors who are no members any more: author rows only.
};

struct Chat;

/// What waits until a chat is loaded.
struct ChatWaiter {
  std::function<void(Chat&)> then;
  std::function<void()>
      refuse;  ///< Called instead when the store does not answer; empty = waits on.
  bool is_send = false;
};

/// Marks of a member as they are in the store.
struct StoredMarks {
  uint64_t delivered_seq = 0;
  uint64_t read_seq = 0;
};

struct Chat {
  enum class State : uint8_t { loading, ready };

  ChatId id;
  uint64_t number = 0;  ///< Names it in timers; unique in the engine's life.
  State state = State::loading;
  size_t index = 0;          ///< Its place in the table's order.
  uint64_t load_number = 0;  ///< Only the last load that was asked for counts.
  bool read_again = false;   ///< Another home has written since the append in flight was started.
  bool owned = false;  ///< By the ring this engine is its home; another one may write otherwise.
  bool exists = false;
  ChatRow row;
  std::map<UserId, MemberRow> members;  ///< Those who left included.
  Instant last_used;
  std::optional<TokenBucket> sends;  ///< The rate of changes; made at the first one.
  std::vector<ChatWaiter> waiting;

  // chat_writer
  std::deque<ChatOp> queue;
  std::vector<ChatOp> in_flight;
  bool appending = false;
  /// What this operation of the queue, the first one then, has to know is being looked up.
  std::shared_ptr<const peer::HomeRequest> preparing;
  bool peer_exists = false;   ///< Direct chats not yet made: the other user was found.
  Instant flush_at = kNever;  ///< When the earliest armed flush is due.
  uint64_t stored_fanned_seq = 0;

  // chat_delay
  bool delayed = false;
  bool delay_watched = false;             ///< A timer will look.
  std::optional<Instant> store_asked_at;  ///< Since when an answer of the store is missing.
  uint32_t loads_failed = 0;              ///< In a row.

  // chat_fan_out
  std::deque<FanOutBatch> fan_outs;
  std::set<EngineId> subscribers;  ///< Rooms: session homes that get every event.

  // chat_marks
  std::map<UserId, std::set<EngineId>> dirty_marks;  ///< Raised, not stored; who wants to know.
  /// Of those whose marks in `members` are raised and not stored: what is stored.
  std::map<UserId, StoredMarks> stored_marks;
  std::set<UserId> receipts_due;  ///< Their marks are stored and the others are not told.
  Instant receipts_not_before;    ///< Receipts are joined up to here; zero = none were told yet.
  bool receipts_armed = false;

  // chat_upkeep
  uint64_t prune_to = 0;                 ///< oldest_seq has to rise to this; 0 = nothing to do.
  std::optional<int64_t> prune_next_ms;  ///< row.prune_ms has to become this.
  bool reclaiming = false;               ///< The store deletes some of it.
  uint64_t shown_from = 1;               ///< Events below are too old to be shown,
  int64_t shown_until_ms = 0;            ///< and the others are not up to this wall time,
  int64_t shown_retention_ms = 0;        ///< with this retention.
  std::vector<std::function<void(Chat&)>> bounding;  ///< They wait until that is known.

  uint64_t journaled_seq = 0;  ///< The journal was told up to here.

  const MemberRow* member(UserId user) const;
  bool is_active(UserId user) const;
  bool lifetime_dirty() const;  ///< Its row has to be stored for the upkeep.
  bool busy() const;
  /// The operation of the same user with the same key that is not answered yet.
  ChatOp* find_twin(const ChatOp& op);
  bool unfinished() const;  ///< May have events that are not fanned out.
};

class ChatTable {
 public:
  /// Gets every chat that was loaded, and the last_seq that was known before: fans out again what
  /// has to be, then calls resume(chat).
  using Redrive = std::function<void(Chat&, uint64_t last_seq_before)>;

  /// What a chat hears of the store; the table tells it of loads.
  enum class StoreNews { asked, answered, failed };
  using StoreWatch = std::function<void(Chat&, StoreNews)>;

  explicit ChatTable(EngineContext& context) : context_(context) {}

  void set_redrive(Redrive redrive) { redrive_ = std::move(redrive); }
  /// Runs when a chat was loaded and is ready, before those who wait for it.
  void set_ready(std::function<void(Chat&)> ready) { ready_ = std::move(ready); }

  void set_store_watch(StoreWatch watch) { store_watch_ = std::move(watch); }

  Chat* find(const ChatId& id);       ///< Loaded, or nullptr.
  Chat* find(uint64_t number);        ///< Also while loading, or nullptr.
  Chat* in_memory(const ChatId& id);  ///< Also while loading, or nullptr.
  Chat& get(const ChatId& id);        ///< Loads it when it is not in memory.
  /// `waiter.then` runs now if the chat is loaded; `waiter.refuse` if that is held up.
  void when_loaded(const ChatId& id, ChatWaiter waiter);
  /// Reads the durable state again, after a write with a conflict or an unknown outcome.
  void reload(Chat& chat, Duration delay = {});
  /// What the present ring changed for a chat in memory.
  enum class Ownership { unchanged, won, lost };
  Ownership follow_ring(Chat& chat);
  /// Another home has written: reads the chat again, after the append that is in flight.
  void read_again(Chat& chat);
  void on_reload_timer(uint64_t number);
  /// The re-drive is under way, or an append is done: the chat and those who wait for it may go on.
  void resume(Chat& chat);

  void forget(const ChatId& id);
  size_t size() const { return order_.size(); }
  /// The chats in memory, loaded or not, have places 0 … size() − 1. The last one takes the place
  /// of one that is forgotten.
  Chat& at(size_t index) { return *order_[index]; }

 private:
  void load(Chat& chat);
  void loaded(Chat& chat, ChatLoaded& result);

  EngineContext& context_;
  Redrive redrive_;
  std::function<void(Chat&)> ready_;
  StoreWatch store_watch_;
  std::unordered_map<ChatId, std::unique_ptr<Chat>, IdHash> chats_;
  std::unordered_map<uint64_t, Chat*> by_number_;
  std::vector<Chat*> order_;
  uint64_t next_number_ = 1;
};

}  // namespace chat
