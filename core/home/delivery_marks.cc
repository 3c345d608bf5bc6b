#include "core/home/delivery_marks.h"

#include <algorithm>

#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kRecentRunsMax = 1'024;

}  // namespace

void DeliveryMarks::note_entry(User& user, uint64_t inbox_seq, const ChatId& chat, uint64_t seq,
                               bool own) {
  if (own) return;
  auto& recent = user.recent;
  if (!recent.empty()) {
    RecentRun& last = recent.back();
    if (last.chat == chat && last.first_inbox_seq + last.count == inbox_seq &&
        last.first_seq + last.count == seq) {
      ++last.count;
      return;
    }
  }
  recent.push_back({inbox_seq, chat, seq, 1});
  if (recent.size() > kRecentRunsMax) {
    recent.pop_front();
    user.recent_from = recent.front().first_inbox_seq;
  }
}

void DeliveryMarks::acknowledged(User& user, uint64_t inbox_seq) {
  user.delivered_target = std::max(user.delivered_target, std::min(inbox_seq, user.head));
  advance(user);
}

void DeliveryMarks::advance(User& user) {
  if (user.delivered_reading || user.delivered_target <= user.delivered_through) return;
  if (user.delivered_through + 1 >= user.recent_from) {
    advance_from_recent(user);
  } else {
    read_missing(user);
  }
}

void DeliveryMarks::advance_from_recent(User& user) {
  std::map<ChatId, uint64_t> delivered;
  for (const RecentRun& run : user.recent) {
    if (run.first_inbox_seq > user.delivered_target) break;
    const uint64_t last = run.first_inbox_seq + run.count - 1;
    if (last <= user.delivered_through) continue;
    const uint64_t through = std::min(last, user.delivered_target);
    uint64_t& mark = delivered[run.chat];
    mark = std::max(mark, run.first_seq + (through - run.first_inbox_seq));
  }
  while (!user.recent.empty() && user.recent.front().first_inbox_seq + user.recent.front().count <=
                                     user.delivered_target + 1) {
    user.recent.pop_front();
  }
  user.delivered_through = user.delivered_target;
  user.recent_from = std::max(user.recent_from, user.delivered_through + 1);
  for (const auto& [chat, seq] : delivered) raise(user, chat, {.delivered_seq = seq});
}

void DeliveryMarks::read_missing(User& user) {
  user.delivered_reading = true;
  const uint64_t last_wanted = std::min(user.delivered_target, user.recent_from - 1);
  ReadInbox command{.user = user.id, .from_inbox_seq = user.delivered_through + 1};
  command.limit = static_cast<uint32_t>(
      std::min<uint64_t>(command.limit, last_wanted - user.delivered_through));
  context_.store(command, [this, id = user.id](StoreResult& result) {
    User* found = users_.in_memory(id);
    if (!found) return;
    found->delivered_reading = false;
    const auto* read = std::get_if<InboxRead>(&result);
    if (!read) return;  // The next acknowledgement tries again.
    std::map<ChatId, UnstoredMarks> marks;
    uint64_t through = found->delivered_through;
    for (const InboxEntry& entry : read->entries) {
      through = std::max(through, entry.inbox_seq);
      if (entry.kind == InboxRow::Kind::read_marker) {
        // Its home may have ended before the chat knew of it.
        uint64_t& mark = marks[entry.chat].read_seq;
        mark = std::max(mark, entry.seq);
        continue;
      }
      peer::StoredEvent event;
      if (entry.stored_event.empty() || !event.ParseFromString(entry.stored_event)) continue;
      if (event.author() == id.value) continue;
      uint64_t& mark = marks[entry.chat].delivered_seq;
      mark = std::max(mark, entry.seq);
    }
    const bool trimmed =
        read->entries.empty() || read->entries.front().inbox_seq > found->delivered_through + 1;
    if (trimmed && found->delivered_target == found->head) {
      // The device has started anew from a snapshot: it knows of all that its chats have.
      for (const auto& [chat, view] : found->chats) marks[chat].delivered_seq = view.last_ref_seq;
      through = std::min(found->delivered_target, found->recent_from - 1);
    } else if (read->entries.empty()) {
      through = std::min(found->delivered_target, found->recent_from - 1);
    }
    found->delivered_through = std::max(found->delivered_through, through);
    for (const auto& [chat, mark] : marks) raise(*found, chat, mark);
    advance(*found);
  });
}

void DeliveryMarks::raise(User& user, const ChatId& chat, const UnstoredMarks& marks) {
  UnstoredMarks& kept = user.unstored_marks[chat];
  if (marks.delivered_seq <= kept.delivered_seq && marks.read_seq <= kept.read_seq) return;
  kept.delivered_seq = std::max(kept.delivered_seq, marks.delivered_seq);
  kept.read_seq = std::max(kept.read_seq, marks.read_seq);
  post(user, chat, kept);
}

void DeliveryMarks::post(const User& user, const ChatId& chat, const UnstoredMarks& marks) {
  const auto home = context_.home_of(chat);
  if (!home) return;
  peer::Frame frame;
  peer::MarksUpdate& update = *frame.mutable_marks_update();
  update.set_chat_id(chat.str());
  update.set_user(user.id.value);
  update.set_delivered_seq(marks.delivered_seq);
  update.set_read_seq(marks.read_seq);
  context_.post(*home, std::move(frame));
}

void DeliveryMarks::on_marks_stored(const peer::MarksStored& frame) {
  User* user = users_.in_memory(UserId{frame.user()});
  const auto chat = ChatId::from_bytes(frame.chat_id());
  if (!user || !chat) return;
  const auto found = user->unstored_marks.find(*chat);
  if (found == user->unstored_marks.end()) return;
  if (found->second.delivered_seq <= frame.delivered_seq() &&
      std::min(found->second.read_seq, frame.last_seq()) <= frame.read_seq()) {
    user->unstored_marks.erase(found);
  }
}

void DeliveryMarks::resend(User& user) {
  for (const auto& [chat, marks] : user.unstored_marks) post(user, chat, marks);
}

std::optional<uint64_t> DeliveryMarks::take_position(User& user) {
  if (!user.unstored_marks.empty() || user.delivered_through <= user.delivered_stored) return {};
  user.delivered_stored = user.delivered_through;
  return user.delivered_through;
}

}  // namespace chat
