#include "sim/seeds/log_audit.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/wire/chat.pb.h"
#include "core/wire/peer.pb.h"
#include "sim/oracle/witness.h"

namespace chat::sim {
namespace {

/// How late upkeep may be after the faults: its interval, a pruning, and a slow store.
constexpr int64_t kUpkeepMs = 12'000;

/// The clocks of two engines differ by up to this.
constexpr int64_t kClocksApartMs = 600;

class Audit {
 public:
  Audit(const AuditScene& scene, Oracle& oracle, InboxLedger& ledger, const EventReader& reader,
        std::vector<std::string>& violations)
      : scene_(scene),
        store_(scene.store),
        oracle_(oracle),
        ledger_(ledger),
        reader_(reader),
        violations_(violations) {}

  void chats() {
    ListChats list;
    for (bool complete = false; !complete;) {
      const auto listed = std::get<ChatsListed>(store_.read(list));
      for (const auto& [chat, row] : listed.items) one_chat(chat, row);
      complete = listed.complete || listed.items.empty();
      if (!complete) list.after = listed.items.back().first;
    }
    const auto pending = std::get<PendingScanned>(store_.read(ScanPending{}));
    for (const ChatId& chat : pending.chats) violation(chat, "is still pending");
  }

  void inbox(UserId user) {
    const auto loaded = std::get<UserLoaded>(store_.read(LoadUser{user}));
    const std::string who = "inbox of user " + std::to_string(user.value);
    std::map<ChatId, uint64_t> last;
    for (uint64_t next = loaded.row.oldest_inbox_seq; next <= loaded.row.inbox_head;) {
      const auto read =
          std::get<InboxRead>(store_.read(ReadInbox{.user = user, .from_inbox_seq = next}));
      if (read.entries.empty()) {
        violations_.push_back(who + " ends before its head");
        break;
      }
      for (const InboxEntry& entry : read.entries) {
        if (entry.inbox_seq != next) {
          violations_.push_back(who + " is not dense at " + std::to_string(next));
        }
        next = entry.inbox_seq + 1;
        const bool marker = entry.kind == InboxRow::Kind::read_marker;
        ledger_.saw(user, entry.inbox_seq, entry.chat, marker ? 0 : entry.seq);
        if (marker) continue;
        peer::StoredEvent stored;
        if (!entry.stored_event.empty() && stored.ParseFromString(entry.stored_event) &&
            stored.author() != user.value) {
          received_[{entry.chat, user}] = entry.seq;
        }
        if (entry.seq <= last[entry.chat]) {
          violations_.push_back(who + " goes back in chat " + entry.chat.hex() + " at seq " +
                                std::to_string(entry.seq));
        }
        last[entry.chat] = entry.seq;
      }
    }
  }

  void authored(UserId user) {
    ListAuthored list{.user = user};
    std::set<std::pair<ChatId, uint64_t>> listed;
    for (bool complete = false; !complete;) {
      const auto page = std::get<AuthoredListed>(store_.read(list));
      listed.insert(page.items.begin(), page.items.end());
      complete = page.complete || page.items.empty();
      if (complete) break;
      list.after_chat = page.items.back().first;
      list.after_seq = page.items.back().second;
    }
    // Of a deleted message the row may stand or not: what it leads to is a tombstone.
    for (const auto& row : buried_[user]) listed.erase(row);
    // Rows of pruned events may be there until the next pruning.
    std::erase_if(listed,
                  [&](const auto& item) { return item.second < rows_[item.first].oldest_seq; });
    if (listed != authored_[user]) {
      violations_.push_back("author index of user " + std::to_string(user.value) + " has " +
                            std::to_string(listed.size()) + " rows, the logs have " +
                            std::to_string(authored_[user].size()));
    }
  }

  /// Marks never fell, and every event that was called pruned was too old, or its chat was over.
  void history() {
    violations_.insert(violations_.end(), scene_.keeper.violations().begin(),
                       scene_.keeper.violations().end());
    violations_.insert(violations_.end(), scene_.retention.violations().begin(),
                       scene_.retention.violations().end());
    for (const RetentionWatch::Claim& claim : scene_.retention.claims()) {
      const ChatRow& row = rows_[claim.chat];
      peer::StoredEvent stored;
      v1::Event event;
      stored.ParseFromString(scene_.keeper.event(claim.chat, claim.seq));
      event.ParseFromString(stored.event());
      const int64_t at_ms = claim.at.ms + kClocksApartMs;
      const bool too_old = row.retention_ms != 0 && event.server_ts_ms() + row.retention_ms < at_ms;
      const bool is_over = row.expires_ms != 0 && row.expires_ms <= at_ms;
      if (!too_old && !is_over) {
        violation(claim.chat, "called seq " + std::to_string(claim.seq) + " pruned without reason");
      }
    }
  }

  /// Marks of members: read as confirmed, delivered as far as the inbox has messages of others.
  void marks() {
    for (const auto& [place, seq] : ledger_.read_marks()) {
      const MemberRow* member = member_of(place.first, place.second);
      if (member && member->read_seq < seq) {
        violation(place.first, "forgot what user " + std::to_string(place.second.value) +
                                   " has read: " + std::to_string(seq) + ", it says " +
                                   std::to_string(member->read_seq));
      }
    }
    for (const auto& [place, seq] : received_) {
      const MemberRow* member = member_of(place.first, place.second);
      if (member && member->left_seq == kStillMember && member->delivered_seq < seq) {
        violation(place.first, "does not know what user " + std::to_string(place.second.value) +
                                   " has got: " + std::to_string(seq) + ", it says " +
                                   std::to_string(member->delivered_seq));
      }
    }
  }

 private:
  const MemberRow* member_of(const ChatId& chat, UserId user) {
    auto [known, added] = members_.try_emplace(chat);
    if (added) known->second = std::get<ChatLoaded>(store_.read(LoadChat{chat})).members;
    const auto found = std::find_if(known->second.begin(), known->second.end(),
                                    [&](const MemberRow& row) { return row.user == user; });
    return found == known->second.end() ? nullptr : &*found;
  }

  void violation(const ChatId& chat, const std::string& what) {
    violations_.push_back("chat " + chat.hex() + " " + what);
  }

  void one_chat(const ChatId& chat, const ChatRow& row) {
    oracle_.truth_chat(chat, row.kind);
    if (row.fanned_seq != row.last_seq) {
      violation(chat, "has fanned out to " + std::to_string(row.fanned_seq) + " of " +
                          std::to_string(row.last_seq));
    }
    rows_[chat] = row;
    std::set<std::pair<uint64_t, std::string>> keys;
    uint64_t next = 1;
    for (; next < std::min(row.oldest_seq, row.last_seq + 1); ++next) {
      one_event(chat, {next, scene_.keeper.event(chat, next)}, keys);
    }
    lifetime(chat, row);
    while (next <= row.last_seq) {
      const auto read =
          std::get<EventsRead>(store_.read(ReadEvents{.chat = chat, .from_seq = next}));
      if (read.rows.empty()) return violation(chat, "ends before its last seq");
      for (const EventRow& event : read.rows) {
        if (event.seq != next) violation(chat, "is not dense at " + std::to_string(next));
        next = event.seq + 1;
        one_event(chat, event, keys);
      }
    }
  }

  /// What had to be pruned or ended by now is.
  void lifetime(const ChatId& chat, const ChatRow& row) {
    const int64_t late_ms = scene_.now.ms - kUpkeepMs;
    if (row.expires_ms != 0 && row.expires_ms < late_ms && !row.ended) {
      violation(chat, "should be over");
    }
    if (row.ended && row.oldest_seq < row.last_seq) violation(chat, "is over, but not pruned");
    const auto oldest = std::get<EventsRead>(store_.read(ReadEvents{.chat = chat, .limit = 1}));
    if (oldest.rows.empty() || row.ended || row.retention_ms == 0) return;
    peer::StoredEvent stored;
    v1::Event event;
    stored.ParseFromString(oldest.rows.front().stored_event);
    event.ParseFromString(stored.event());
    if (event.server_ts_ms() + row.retention_ms < late_ms) {
      violation(chat, "still has seq " + std::to_string(event.seq()) + ", which is too old");
    }
  }

  void one_event(const ChatId& chat, const EventRow& row,
                 std::set<std::pair<uint64_t, std::string>>& keys) {
    const std::string at = "at seq " + std::to_string(row.seq) + " ";
    peer::StoredEvent stored;
    v1::Event event;
    if (!stored.ParseFromString(row.stored_event) || !event.ParseFromString(stored.event())) {
      return violation(chat, at + "does not decode");
    }
    if (event.seq() != row.seq || stored.seq() != row.seq || event.chat_id() != chat.bytes()) {
      violation(chat, at + "says that it stands elsewhere");
    }
    if (!stored.client_msg_id().empty() &&
        !keys.emplace(stored.author(), stored.client_msg_id()).second) {
      violation(chat, at + "repeats a key");
    }
    if (stored.author() != 0 && row.seq >= rows_[chat].oldest_seq) {
      (event.has_tombstone() ? buried_ : authored_)[UserId{stored.author()}].emplace(chat, row.seq);
    }
    oracle_.truth_event(chat, truth_of(event));
    reader_(chat, event);
  }

  const AuditScene& scene_;
  ChatStore& store_;
  Oracle& oracle_;
  InboxLedger& ledger_;
  const EventReader& reader_;
  std::vector<std::string>& violations_;
  std::map<UserId, std::set<std::pair<ChatId, uint64_t>>> authored_;
  std::map<UserId, std::set<std::pair<ChatId, uint64_t>>> buried_;  ///< Tombstones.
  std::map<std::pair<ChatId, UserId>, uint64_t> received_;  ///< The last seq of somebody else.
  std::map<ChatId, std::vector<MemberRow>> members_;
  std::map<ChatId, ChatRow> rows_;
};

}  // namespace

void audit_store(const AuditScene& scene, Oracle& oracle, InboxLedger& ledger,
                 const EventReader& reader, std::vector<std::string>& violations) {
  Audit audit(scene, oracle, ledger, reader, violations);
  audit.chats();
  for (uint64_t user = 1; user <= scene.users; ++user) {
    audit.inbox(UserId{user});
    audit.authored(UserId{user});
  }
  audit.marks();
  audit.history();
  violations.insert(violations.end(), ledger.conflicts().begin(), ledger.conflicts().end());
}

}  // namespace chat::sim
