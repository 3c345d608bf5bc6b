#include "core/home/chat_fan_out.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/home/chat_journal.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kBatchBytes = 48 * 1024;
constexpr size_t kUsersPerFrame = 5'000;
constexpr Duration kReadRetry = milliseconds(200);

size_t bytes_of(const peer::StoredEvent& event) {
  return event.event().size() + 4 * static_cast<size_t>(event.joined_size() + event.left_size());
}

/// Whom an event of a room concerns in person, and its author.
void add_concerned(const Chat& chat, const peer::StoredEvent& event, std::set<UserId>& out) {
  for (const auto& [user, member] : chat.members) {
    if (!event.everyone()) break;
    if (member.left_seq == kStillMember) out.insert(user);
  }
  for (uint64_t user : event.joined()) out.insert(UserId{user});
  for (uint64_t user : event.left()) out.insert(UserId{user});
  if (event.author() != 0) out.insert(UserId{event.author()});
}

}  // namespace

ChatFanOut::ChatFanOut(EngineContext& context, ChatTable& chats)
    : context_(context), chats_(chats), next_ticket_(context.first_number()) {
  chats_.set_redrive([this](Chat& chat, uint64_t before) { redrive(chat, before); });
}

void ChatFanOut::start(Chat& chat, const std::vector<SharedEvent>& events,
                       const std::set<UserId>& recipients) {
  if (chat.row.kind == ChatKind::room) {
    for (EngineId engine : chat.subscribers) {
      peer::Frame frame;
      peer::RoomEvents& push = *frame.mutable_room_events();
      push.set_chat_id(chat.id.str());
      for (const SharedEvent& event : events) *push.add_events() = *event;
      context_.post(engine, std::move(frame));
    }
  }
  fan_out_segment(chat, events, recipients);
  finish_front(chat);
}

void ChatFanOut::fan_out_segment(Chat& chat, const std::vector<SharedEvent>& events,
                                 const std::set<UserId>& recipients) {
  size_t from = 0;
  while (from < events.size()) {
    FanOutBatch batch;
    std::set<UserId> concerned;
    size_t bytes = 0;
    while (from < events.size() && (batch.events.empty() || bytes < kBatchBytes)) {
      batch.events.push_back(events[from]);
      bytes += bytes_of(*events[from]);
      add_concerned(chat, *events[from], concerned);
      ++from;
    }
    batch.last_seq = batch.events.back()->seq();
    std::set<UserId> users = chat.row.kind == ChatKind::room ? concerned : recipients;
    // Who wrote it before leaving, when it had to be delayed.
    for (UserId user : concerned) {
      if (users.insert(user).second) batch.outsiders.insert(user);
    }
    chat.fan_outs.push_back(std::move(batch));
    post(chat, chat.fan_outs.back(), {users.begin(), users.end()});
  }
}

void ChatFanOut::post(Chat& chat, FanOutBatch& batch, const std::vector<UserId>& users) {
  std::map<std::pair<EngineId, bool>, std::vector<UserId>> by_home;  // Outsiders apart.
  const auto send = [&](EngineId engine, bool outsiders, std::vector<UserId>&& members) {
    const uint64_t ticket = next_ticket_++;
    if (engine) {
      peer::Frame frame;
      peer::InboxAppend& append = *frame.mutable_inbox_append();
      append.set_chat_id(chat.id.str());
      append.set_ticket(ticket);
      append.set_room(chat.row.kind == ChatKind::room || outsiders);
      for (UserId user : members) append.add_users(user.value);
      for (const SharedEvent& event : batch.events) *append.add_events() = *event;
      context_.post(engine, std::move(frame));
    }
    batch.tickets.emplace(ticket, std::make_pair(engine, std::move(members)));
  };
  for (UserId user : users) {
    // With an empty ring the ticket waits for nobody; the next ring sends it again.
    const EngineId home = context_.home_of(user).value_or(EngineId{});
    const bool outsider = batch.outsiders.contains(user);
    std::vector<UserId>& members = by_home[{home, outsider}];
    members.push_back(user);
    if (members.size() >= kUsersPerFrame) send(home, outsider, std::exchange(members, {}));
  }
  for (auto& [way, members] : by_home) {
    if (!members.empty()) send(way.first, way.second, std::move(members));
  }
}

void ChatFanOut::on_inbox_stored(const peer::InboxStored& frame) {
  const auto id = ChatId::from_bytes(frame.chat_id());
  Chat* chat = id ? chats_.find(*id) : nullptr;
  if (!chat) return;
  for (FanOutBatch& batch : chat->fan_outs) {
    if (batch.tickets.erase(frame.ticket()) > 0) break;
  }
  finish_front(*chat);
}

void ChatFanOut::finish_front(Chat& chat) {
  bool moved = false;
  while (!chat.fan_outs.empty() && chat.fan_outs.front().tickets.empty()) {
    chat.row.fanned_seq = std::max(chat.row.fanned_seq, chat.fan_outs.front().last_seq);
    chat.fan_outs.pop_front();
    moved = true;
  }
  if (moved && progress_) progress_(chat);
}

void ChatFanOut::reroute(Chat& chat, std::optional<EngineId> lost) {
  for (FanOutBatch& batch : chat.fan_outs) {
    std::vector<UserId> again;
    for (auto ticket = batch.tickets.begin(); ticket != batch.tickets.end();) {
      const auto& [engine, users] = ticket->second;
      const bool moved = std::any_of(users.begin(), users.end(), [&, home = engine](UserId user) {
        return context_.home_of(user).value_or(EngineId{}) != home;
      });
      if (engine == lost || moved) {
        again.insert(again.end(), users.begin(), users.end());
        ticket = batch.tickets.erase(ticket);
      } else {
        ++ticket;
      }
    }
    if (!again.empty()) {
      ++context_.counters.redrives;
      post(chat, batch, again);
    }
  }
}

void ChatFanOut::unsubscribe(const ChatId& id, EngineId session_home) {
  if (Chat* chat = chats_.find(id)) chat->subscribers.erase(session_home);
}

// ---------------------------------------------------------------- re-drive

void ChatFanOut::redrive(Chat& chat, uint64_t last_seq_before) {
  if (chat.row.last_seq != last_seq_before) end_subscriptions(chat);
  if (chat.row.fanned_seq == chat.row.last_seq) {
    chats_.resume(chat);
    return;
  }
  ++context_.counters.redrives;
  redrive_read(chat.number, chat.load_number, {});
}

void ChatFanOut::end_subscriptions(Chat& chat) {
  for (EngineId engine : std::exchange(chat.subscribers, {})) {
    peer::Frame frame;
    frame.mutable_room_events()->set_chat_id(chat.id.str());
    frame.mutable_room_events()->set_resync(true);
    context_.post(engine, std::move(frame));
  }
}

void ChatFanOut::redrive_read(uint64_t number, uint64_t load, std::vector<SharedEvent> events) {
  const Chat* chat = chats_.find(number);
  if (!chat) return;
  ReadEvents command{.chat = chat->id};
  command.from_seq = (events.empty() ? chat->row.fanned_seq : events.back()->seq()) + 1;
  command.to_seq = chat->row.last_seq;
  command.limit = 500;
  command.bytes_max = 1024 * 1024;
  context_.store(command,
                 [this, number, load, events = std::move(events)](StoreResult& result) mutable {
                   Chat* reading = chats_.find(number);
                   if (!reading || reading->load_number != load) return;
                   const auto* read = std::get_if<EventsRead>(&result);
                   if (!read || read->rows.empty()) {
                     chats_.reload(*reading, kReadRetry);
                     return;
                   }
                   for (const EventRow& row : read->rows) {
                     auto event = std::make_shared<peer::StoredEvent>();
                     CHAT_ASSERT(event->ParseFromString(row.stored_event));
                     events.push_back(std::move(event));
                   }
                   if (events.back()->seq() < reading->row.last_seq) {
                     redrive_read(number, load, std::move(events));
                   } else {
                     redrive_done(*reading, events);
                   }
                 });
}

void ChatFanOut::redrive_done(Chat& chat, const std::vector<SharedEvent>& events) {
  tell_journal(context_, chat, events);
  if (chat.row.kind == ChatKind::room) {
    fan_out_segment(chat, events, {});
  } else {
    for (const Segment& segment : segments_of(chat, events)) {
      fan_out_segment(chat, segment.events, segment.recipients);
    }
  }
  chats_.resume(chat);
  finish_front(chat);
}

/// From the last event down: its recipients are those who are members after it and those whom it
/// ended.
std::vector<ChatFanOut::Segment> ChatFanOut::segments_of(const Chat& chat,
                                                         const std::vector<SharedEvent>& events) {
  std::set<UserId> active;
  for (const auto& [user, member] : chat.members) {
    if (member.left_seq == kStillMember) active.insert(user);
  }
  std::vector<Segment> segments;
  bool as_before = false;  // Whether the next one down has the recipients of the last segment.
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    for (uint64_t user : (*event)->left()) {
      as_before = false;
      active.insert(UserId{user});
    }
    if (!as_before) segments.push_back({{}, active});
    segments.back().events.push_back(*event);
    as_before = (*event)->joined().empty();
    for (uint64_t user : (*event)->joined()) active.erase(UserId{user});
  }
  for (Segment& segment : segments) std::reverse(segment.events.begin(), segment.events.end());
  std::reverse(segments.begin(), segments.end());
  return segments;
}

}  // namespace chat
