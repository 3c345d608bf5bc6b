#include "core/home/chat_journal.h"

#include "core/wire/peer.pb.h"

namespace chat {
namespace {

JournalKind end_kind(v1::ExpiryReason reason) {
  switch (reason) {
    case v1::TTL:
      return JournalKind::ended_ttl;
    case v1::EMPTY:
      return JournalKind::ended_empty;
    default:
      return JournalKind::ended_deleted;
  }
}

void tell_event(EngineContext& context, const ChatId& chat, const v1::Event& event) {
  Journal entry{.chat = chat,
                .seq = event.seq(),
                .at = WallTime{event.server_ts_ms()},
                .actor = UserId{event.actor().user_id()}};
  const auto tell = [&](JournalKind kind, uint64_t user) {
    entry.kind = kind;
    entry.user = UserId{user};
    context.emit(entry);
    ++context.counters.journal_entries;
  };
  if (event.seq() == 1) tell(JournalKind::created, event.actor().user_id());
  for (uint64_t user : event.member().unbanned()) tell(JournalKind::unbanned, user);
  for (uint64_t user : event.member().joined()) tell(JournalKind::enter, user);
  for (uint64_t user : event.member().left()) tell(JournalKind::exit, user);
  for (uint64_t user : event.member().banned()) tell(JournalKind::banned, user);
  if (event.has_expired()) {
    ++context.counters.chats_ended;
    tell(end_kind(event.expired().reason()), 0);
  }
}

}  // namespace

void tell_journal(EngineContext& context, Chat& chat, const std::vector<SharedEvent>& events) {
  for (const SharedEvent& stored : events) {
    if (stored->seq() <= chat.journaled_seq) continue;
    chat.journaled_seq = stored->seq();
    v1::Event event;
    if (stored->life_cycle() && event.ParseFromString(stored->event())) {
      tell_event(context, chat.id, event);
    }
  }
}

}  // namespace chat
