// ChatStore: the narrow port behind which chat logs, inboxes, members, receipts and idempotency
// keys are kept. The engine emits StoreCommands and gets StoreResults back; it never calls a store.
// Drivers execute commands on an implementation: RocksDB in server/, memory in sim/. No operation
// spans two homes: an append concerns one chat, an inbox write is atomic per user only. Thread
// rule: implementations allow concurrent read(), one write() at a time.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"

namespace chat {

/// left_seq of somebody who is still a member.
inline constexpr uint64_t kStillMember = std::numeric_limits<uint64_t>::max();

// Values as in chat.proto; frozen, they are stored.
enum class ChatKind : uint8_t { none = 0, direct = 1, group = 2, room = 3 };
enum class Role : uint8_t { none = 0, member = 1, admin = 2, owner = 3 };

struct ChatRow {
  ChatKind kind = ChatKind::none;
  std::string title;
  uint64_t last_seq = 0;    ///< Dense from 1.
  uint64_t fanned_seq = 0;  ///< Every recipient's inbox has everything up to here.
  uint64_t oldest_seq = 1;  ///< Reads start here.
  int64_t last_ts_ms = 0;
  int64_t created_ms = 0;
  uint32_t member_count = 0;  ///< Without those who left.
  int64_t receipts_ms = 0;    ///< Wall time of the last marks that were pushed as receipts.
  int64_t retention_ms = 0;   ///< How long events are kept; 0 = for ever.
  bool ended = false;         ///< The chat is over: its last event is Expired, no other follows.
  int64_t expires_ms = 0;     ///< Wall time at which a temporary chat ends; 0 = never.
  int64_t emptied_ms = 0;     ///< Wall time since which it has no members; 0 = it has some.
  int64_t prune_ms = 0;       ///< Wall time at which to look what has to be pruned; 0 = nothing.
  int64_t due_ms = 0;         ///< Wall time at which its home has to look at it; 0 = never.
};

struct MemberRow {
  UserId user;
  Role role = Role::none;
  uint64_t joined_seq = 0;  ///< The first seq that this member gets.
  uint64_t left_seq = kStillMember;
  uint64_t delivered_seq = 0;
  uint64_t read_seq = 0;
  bool banned = false;  ///< Has left and cannot come back.
};

struct EventRow {
  uint64_t seq = 0;
  std::string stored_event;  ///< An encoded chat.peer.StoredEvent.
};

/// The memory of one operation: the same key again gives the same answer.
struct KeyRow {
  UserId user;
  OpKey key;
  uint64_t seq = 0;
  int64_t server_ts_ms = 0;
  uint64_t content_hash = 0;
  int64_t expires_ms = 0;  ///< Wall time; a store may forget the key afterwards.
};

/// A user's view of one of its chats. Exists from the first inbox entry of the chat on.
struct UserChatRow {
  ChatId chat;
  uint64_t last_ref_seq = 0;  ///< The last seq of the chat that the inbox refers to.
  uint64_t read_seq = 0;
};

/// One entry run of an inbox log, stored under user|first_inbox_seq.
struct InboxRow {
  enum class Kind : uint8_t { run = 0, read_marker = 1 };
  Kind kind = Kind::run;
  uint64_t first_inbox_seq = 0;
  ChatId chat;
  uint64_t first_seq = 0;  ///< run: the first event; read_marker: read up to here.
  uint32_t count = 1;      ///< run: events first_seq … first_seq+count-1; read_marker: 1.
};

/// What is known of a device between its connections: for receipts, push and trimming. What the
/// device has, it says itself when it connects.
struct DeviceRow {
  std::string device_id;
  uint64_t acked_inbox_seq = 0;  ///< Cumulative.
  int64_t last_seen_ms = 0;      ///< Wall time.
  std::string client{};          ///< As its Hello named it.
};

/// Facts about a user that are soft, written last-wins.
struct UserRow {
  uint64_t inbox_head = 0;           ///< Only an inbox write changes it.
  uint64_t delivered_inbox_seq = 0;  ///< Delivered marks up to here are stored in their chats.
  int64_t last_seen_ms = 0;
  uint64_t oldest_inbox_seq = 1;  ///< Entries before it are trimmed; only TrimInbox raises it.
};

// ---------------------------------------------------------------- commands

// Writes. Writes of one chat, and of one user, execute in the order in which they were emitted.

/// Appends to a chat, all or nothing, if its stored last_seq equals expected_last_seq (0 = no such
/// chat) and none of `keys` exists. With no events it only updates the row, members and pending
/// hint; as nothing fences that, what only rises keeps the higher of its two values: the marks of
/// members, row.fanned_seq, row.oldest_seq and row.receipts_ms. `rewrites` replace stored events,
/// so that what they said is gone from every read.
struct AppendEvents {
  ChatId chat;
  uint64_t expected_last_seq = 0;
  ChatRow row;                     ///< row.last_seq = expected + events.size().
  std::vector<EventRow> events;    ///< Dense from expected_last_seq + 1.
  std::vector<EventRow> rewrites;  ///< Ascending, row.oldest_seq … expected_last_seq; with events.
  std::vector<KeyRow> keys;
  std::vector<MemberRow> members;  ///< New and changed ones.
  /// Whether the pending hint of this chat exists afterwards. It never does when the stored
  /// fanned_seq is last_seq.
  bool pending = false;
};

/// Reclaims the storage of events below min(below_seq, the stored oldest_seq), with their rows in
/// the author index: at most about `limit` rows, oldest first. Their idempotency keys stay.
struct PruneChat {
  ChatId chat;
  uint64_t below_seq = kStillMember;
  uint32_t limit = 5'000;
};

/// Reclaims, at most about `limit` rows at a time, all that a chat which is over occupies: events,
/// keys, members and these users' UserChatRows. In the end only its row is left, as gravestone_of()
/// makes it. Refused (Error) unless the chat is over and fanned out.
struct DropChat {
  ChatId chat;
  uint32_t limit = 5'000;
};

/// Appends to one user's inbox, all or nothing, if the stored inbox_head equals expected_head.
struct InboxWrite {
  UserId user;
  uint64_t expected_head = 0;
  uint64_t new_head = 0;
  std::vector<InboxRow> rows;
  std::vector<UserChatRow> chats;                     ///< New and changed ones.
  std::vector<std::pair<ChatId, uint64_t>> authored;  ///< Author index: own events.
};

struct AppendInboxes {
  std::vector<InboxWrite> writes;  ///< At most one per user; each is atomic, the whole is not.
};

/// Stores soft facts; an unset optional leaves the stored value. Never lowers delivered_inbox_seq.
struct SaveUser {
  UserId user;
  std::optional<uint64_t> delivered_inbox_seq;
  std::optional<int64_t> last_seen_ms;
  std::vector<DeviceRow> devices{};           ///< New and changed ones.
  std::vector<std::string> forget_devices{};  ///< Their rows are deleted.
};

/// Deletes inbox entries before `oldest_inbox_seq`, but never a part of a row: the row that holds
/// it stays whole and begins the inbox.
struct TrimInbox {
  UserId user;
  uint64_t oldest_inbox_seq = 1;
};

// Reads. They see every write that was answered before they were emitted.

struct LoadChat {
  ChatId chat;
};
/// Events of a chat in [from_seq, to_seq], at most `limit` and about `bytes_max`, at least one if
/// there is one. `newest_first` reads down from to_seq; the rows come in ascending order all the
/// same.
struct ReadEvents {
  ChatId chat;
  uint64_t from_seq = 1;
  uint64_t to_seq = kStillMember;
  uint32_t limit = 200;
  uint64_t bytes_max = 48 * 1024;
  bool newest_first = false;
};
/// The memory of one operation, expired or not.
struct FindKey {
  ChatId chat;
  UserId user;
  OpKey key;
};
struct LoadUser {
  UserId user;
};
/// Inbox entries from `from_inbox_seq` on, with the events they refer to.
struct ReadInbox {
  UserId user;
  uint64_t from_inbox_seq = 1;
  uint32_t limit = 500;
  uint64_t bytes_max = 48 * 1024;
};
/// The chats of a user with their rows, by ChatId, after `after` (exclusive; nullopt = from the
/// start).
struct ListUserChats {
  UserId user;
  std::optional<ChatId> after{};
  uint32_t limit = 500;
  uint32_t unread_max = 0;  ///< Counts unread messages of each chat, up to this many.
  int64_t now_ms = 0;       ///< Wall time: what a chat does not show any more is not counted.
  /// Only chats whose receipts changed at or after this time and that have at most members_max
  /// members; these come with all their members.
  struct Receipts {
    int64_t since_ms = 0;
    uint32_t members_max = 0;
  };
  std::optional<Receipts> receipts{};
};
/// All chats by ChatId, for operators.
struct ListChats {
  std::optional<ChatId> after{};
  uint32_t limit = 500;
};
/// Every chat with a pending hint.
struct ScanPending {};
/// Chats whose row.due_ms is neither 0 nor above `until_ms`, ascending by (due_ms, chat), after
/// `after` (exclusive).
struct ScanAgenda {
  int64_t until_ms = 0;
  std::optional<std::pair<int64_t, ChatId>> after{};
  uint32_t limit = 500;
};
/// The (chat, seq) of what a user wrote, ascending after (after_chat, after_seq).
struct ListAuthored {
  UserId user;
  std::optional<ChatId> after_chat{};
  uint64_t after_seq = 0;
  uint32_t limit = 500;
};

using StoreCommand = std::variant<AppendEvents, AppendInboxes, SaveUser, TrimInbox, PruneChat,
                                  DropChat, LoadChat, ReadEvents, FindKey, LoadUser, ReadInbox,
                                  ListUserChats, ListChats, ScanPending, ScanAgenda, ListAuthored>;

/// Whether a command changes the store.
bool is_write(const StoreCommand& command);

// ---------------------------------------------------------------- results

enum class WriteOutcome : uint8_t {
  stored,     ///< Durable.
  duplicate,  ///< A key exists; nothing was written. AppendResult::existing tells it.
  conflict,   ///< Another head is stored; nothing was written. `head` tells it.
  unknown,    ///< It may or may not have been written; reload before anything else.
};

struct AppendResult {
  WriteOutcome outcome = WriteOutcome::unknown;
  uint64_t head = 0;             ///< The stored last_seq, unless unknown.
  std::vector<KeyRow> existing;  ///< duplicate: every key of the command that exists.
};
struct InboxResult {
  WriteOutcome outcome = WriteOutcome::unknown;
  uint64_t head = 0;
};
struct AppendInboxesResult {
  std::vector<InboxResult> results;  ///< One per write, in the same order.
};
struct Saved {};
/// How far a PruneChat or DropChat came.
struct Reclaimed {
  uint64_t rows = 0;     ///< Deleted by this command, about.
  bool complete = true;  ///< false: the same command again goes on.
};

struct ChatLoaded {
  std::optional<ChatRow> row;      ///< nullopt = no such chat.
  std::vector<MemberRow> members;  ///< By user id, those who left included.
};
struct EventsRead {
  std::vector<EventRow> rows;  ///< Ascending seq.
  int64_t retention_ms = 0;    ///< As in the chat's row.
  int64_t expires_ms = 0;
};
struct KeyFound {
  std::optional<KeyRow> row;
};
struct UserLoaded {
  UserRow row;
  std::vector<UserChatRow> chats;  ///< By ChatId.
  std::vector<DeviceRow> devices;  ///< By device_id.
};
/// One inbox position: an event, a read marker, or (event empty and not a marker) a pruned event.
struct InboxEntry {
  uint64_t inbox_seq = 0;
  InboxRow::Kind kind = InboxRow::Kind::run;
  ChatId chat;
  uint64_t seq = 0;
  std::string stored_event;
  int64_t retention_ms = 0;  ///< As in the chat's row, with an event.
  int64_t expires_ms = 0;
};
struct InboxRead {
  std::vector<InboxEntry> entries;  ///< Dense from from_inbox_seq, or from the oldest one kept.
};
struct UserChatsListed {
  struct Item {
    UserChatRow view;
    ChatRow chat;
    MemberRow member;  ///< role none when the user never was a member.
    uint32_t unread_count = 0;
    uint32_t unread_mentions = 0;    ///< Of them: those that mention the user.
    std::vector<MemberRow> members;  ///< With ListUserChats::receipts: all, by user id.
  };
  std::vector<Item> items;
  bool complete = true;
};
struct ChatsListed {
  std::vector<std::pair<ChatId, ChatRow>> items;
  bool complete = true;
};
struct PendingScanned {
  std::vector<ChatId> chats;
};
struct AgendaScanned {
  std::vector<std::pair<int64_t, ChatId>> items;
  bool complete = true;
};
struct AuthoredListed {
  std::vector<std::pair<ChatId, uint64_t>> items;
  bool complete = true;
};

/// Error: the command failed for certain and changed nothing (a read, or a write that was refused
/// whole).
using StoreResult =
    std::variant<Error, AppendResult, AppendInboxesResult, Saved, Reclaimed, ChatLoaded, EventsRead,
                 KeyFound, UserLoaded, InboxRead, UserChatsListed, ChatsListed, PendingScanned,
                 AgendaScanned, AuthoredListed>;

// ---------------------------------------------------------------- port

class ChatStore {
 public:
  virtual ~ChatStore() = default;

  /// Executes a command that is not a write.
  virtual StoreResult read(const StoreCommand& command) = 0;
  /// Executes writes in order; when it returns, all that are answered `stored` are durable (one
  /// sync for all).
  virtual std::vector<StoreResult> write(std::span<const StoreCommand> commands) = 0;
  /// A random number made with the store, and anew by every restore: cursors are valid only with
  /// it.
  virtual uint64_t epoch() const = 0;
};

}  // namespace chat
