// UserTable: the users whose home this engine is, in memory while they have something to do.
// A User is loaded from the store at its first use and evicted when it is idle. Whoever needs one
// asks when_loaded(); continuations run in the order in which they came. Thread rule: belongs to
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
#include <vector>

#include "core/engine/context.h"
#include "core/home/inbox_job.h"
#include "core/store/chat_store.h"

namespace chat {

/// A device of a user that is attached, or was until less than the grace ago.
struct Device {
  std::string device_id;
  SessionId session;
  EngineId engine;  ///< The session home.
  ConnId conn;
  bool announced = false;  ///< It was attached by another home before, or before a link ended.
  bool attached = false;   ///< false: lost, and offline at
  Instant offline_at = kNever;
  bool want_receipts = false;
  LoginId login = {};  ///< Of its token, and when that was made.
  WallTime token_issued = {};
  bool login_ended = false;  ///< Its end is not followed by a grace.
  bool want_typing = false;
};

/// What a delivered mark is made from: one run of the inbox.
struct RecentRun {
  uint64_t first_inbox_seq = 0;
  ChatId chat;
  uint64_t first_seq = 0;
  uint32_t count = 0;
};

/// Up-to marks that the chat home has not confirmed as stored.
struct UnstoredMarks {
  uint64_t delivered_seq = 0;
  uint64_t read_seq = 0;
};

struct User {
  enum class State : uint8_t {
    unread,  ///< What is known may be old; the next use loads it.
    loading,
    ready,
  };

  UserId id;
  State state = State::unread;
  bool known = false;  ///< Was loaded at least once.
  bool owned = false;  ///< By the ring this engine is its home; another one may write otherwise.
  bool read_again = false;   ///< Another home has written since the write in flight was started.
  size_t index = 0;          ///< Its place in the table's order.
  uint64_t load_number = 0;  ///< Only the last load that was asked for counts.
  uint64_t head = 0;         ///< The last inbox_seq that is durable.
  uint64_t oldest_inbox_seq = 1;  ///< Entries before it may be trimmed.
  std::map<ChatId, UserChatRow> chats;
  std::vector<Device> devices;
  SessionId last_session;
  bool said_goodbye = false;  ///< The last session that ended did so at its user's wish.
  int64_t last_seen_ms = 0;
  Instant last_used;

  // device_book
  std::map<std::string, DeviceRow> known_devices;
  std::set<std::string> changed_devices;       ///< Their rows are not saved.
  std::vector<std::string> forgotten_devices;  ///< Their rows are not deleted yet.

  // inbox_writer
  std::deque<InboxJob> jobs;
  bool dirty = false;    ///< Stands in the writer's list.
  bool writing = false;  ///< Part of the write in flight.

  // delivery_marks
  std::deque<RecentRun> recent;    ///< Dense up to `head`, without own messages.
  uint64_t recent_from = 1;        ///< Runs before this inbox_seq are not in `recent`.
  uint64_t delivered_through = 0;  ///< Marks are sent up to here,
  uint64_t delivered_target = 0;   ///< and wanted up to here.
  uint64_t delivered_stored = 0;   ///< As in the store.
  bool delivered_reading = false;
  std::map<ChatId, UnstoredMarks> unstored_marks;

  std::vector<std::function<void(User&)>> waiting;

  bool online() const { return !devices.empty(); }
  bool attached() const;
  Device* device(SessionId session);
  /// The attached one, or one that was lost.
  Device* device(EngineId engine, ConnId conn);
};

class UserTable {
 public:
  explicit UserTable(EngineContext& context);
  ~UserTable();

  /// The user if it is in memory and loaded.
  User* find(UserId id);
  /// Also while it is loading; loads it when it is not in memory.
  User& get(UserId id);
  void when_loaded(UserId id, std::function<void(User&)> then);
  /// Reads the user's durable state again, after a write with a conflict or an unknown outcome.
  /// `changed` runs before the waiting ones if the head moved.
  void reload(User& user, Duration delay = {});
  /// Another home has written: reads the user again, after the write that is in flight.
  void read_again(User& user);
  /// Loads again who became owned: another home may have written meanwhile. `lost` gets who is no
  /// longer owned.
  void on_ring_changed(const std::function<void(UserId)>& lost);
  void on_reload_timer(UserId id);
  /// Runs what waits, unless the user is being loaded.
  void run_waiting(User& user);
  /// Runs when a reload found entries that this home did not write.
  void set_head_moved(std::function<void(User&)> head_moved) {
    head_moved_ = std::move(head_moved);
  }

  /// In memory, loaded or not; nullptr if it is not.
  User* in_memory(UserId id);
  void forget(UserId id);
  size_t size() const { return order_.size(); }
  /// The users in memory, loaded or not, have places 0 … size() − 1. The last one takes the place
  /// of one that is forgotten.
  User& at(size_t index) { return *order_[index]; }

 private:
  void load(User& user);
  void loaded(User& user, const UserLoaded& result);
  static void merge_devices(User& user, const std::vector<DeviceRow>& rows);

  EngineContext& context_;
  std::unordered_map<UserId, std::unique_ptr<User>, IdHash> users_;
  std::vector<User*> order_;
  std::function<void(User&)> head_moved_;
  uint64_t loads_ = 0;
};

}  // namespace chat
