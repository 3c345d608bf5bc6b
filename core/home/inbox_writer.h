// InboxWriter: the only writer of the inboxes of the users whose home this engine is.
// It numbers what chat homes send for a user, keeps one write in flight for all users of the engine
// (arrivals meanwhile form the next) and only after StoreDone pushes to devices and answers
// InboxStored: an inbox_seq never leaves before its row is synced. Conflict or unknown ⇒ the user
// is loaded again and the jobs are applied anew; what is there already is skipped by last_ref_seq.
// Thread rule: belongs to its engine.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/engine/context.h"
#include "core/home/inbox_job.h"
#include "core/home/user_table.h"

namespace chat {

namespace peer {
class InboxAppend;
class InboxPush;
class StoredEvent;
}  // namespace peer

class DeliveryMarks;

class InboxWriter {
 public:
  InboxWriter(EngineContext& context, UserTable& users, DeliveryMarks& marks);
  ~InboxWriter();

  void on_inbox_append(EngineId from, peer::InboxAppend& frame);
  /// Enters a read marker and answers the request when it is durable, at once when there is nothing
  /// new.
  void add_read_marker(User& user, const ChatId& chat, uint64_t up_to, EngineId asker,
                       uint64_t request_id);
  /// Starts the next write if none is in flight, and sends what became durable to session homes.
  void end_turn();

 private:
  struct Entry {
    uint64_t inbox_seq = 0;
    std::shared_ptr<const peer::StoredEvent> event;  ///< nullptr: a read marker.
    ChatId chat;
    uint64_t read_up_to = 0;
  };
  /// What one user's part of a write will have done once it is stored.
  struct Staged {
    UserId user;
    uint64_t new_head = 0;
    std::vector<Entry> entries;
    std::vector<UserChatRow> chats;
    std::vector<InboxJob> jobs;
  };
  struct Pushes;

  void mark_dirty(User& user);
  void start_write();
  InboxWrite stage(User& user, Staged& staged);
  void stage_events(const FanOut& fan_out, UserId user, Staged& staged, InboxWrite& write,
                    std::map<ChatId, UserChatRow>& chats);
  void write_done(StoreResult& result);
  void user_stored(User& user, Staged& staged);
  void user_failed(User& user, Staged& staged, Duration delay);
  void finish(User& user, InboxJob& job);
  void push_entries(const User& user, const std::vector<Entry>& entries);
  void push_entry(EngineId engine, UserId user, const Entry& entry);
  void post_push(EngineId engine, std::unique_ptr<Pushes> pushes);
  void flush_pushes();

  EngineContext& context_;
  UserTable& users_;
  DeliveryMarks& marks_;
  std::vector<UserId> dirty_;
  std::vector<Staged> in_flight_;
  bool writing_ = false;
  std::map<EngineId, std::unique_ptr<Pushes>> pushes_;
};

}  // namespace chat
