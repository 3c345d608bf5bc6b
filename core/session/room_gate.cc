#include "core/session/room_gate.h"

#include <algorithm>

#include "core/home/replies.h"
#include "core/session/request_check.h"
#include "core/wire/frame_codec.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kRoomsPerSessionMax = 1'000;

}  // namespace

struct RoomGate::Block {
  Encoding encoding;
  std::vector<std::string> bodies;
  SharedBytes joined;

  Block(Encoding in, const peer::RoomEvents& frame) : encoding(in) {
    std::string all;
    const std::string_view separator = wire::server_batch_framing(encoding).separator;
    for (const auto& event : frame.events()) {
      // Stored events were encoded by a chat home: they decode.
      bodies.push_back(wire::encode_event_body(encoding, event.event()).value());
      if (bodies.size() > 1) all += separator;
      all += wire::join_event_frame(encoding, bodies.back(), 0, {});
    }
    joined = std::make_shared<const std::string>(std::move(all));
  }
};

void RoomGate::sync(Session& session, uint32_t reply_to, const v1::Sync& sync) {
  const auto checked = check_chat_id(sync.chat_id());
  if (const auto* error = std::get_if<v1::Error>(&checked)) {
    output_.error(session, reply_to, *error);
    return;
  }
  const ChatId chat = std::get<ChatId>(checked);
  RoomView* view = session.room(chat);
  if (!view && session.rooms.size() >= kRoomsPerSessionMax) {
    output_.error(session, reply_to,
                  wire_error(v1::LIMIT_REACHED, "one session follows at most 1,000 rooms"));
    return;
  }
  if (!view) {
    session.rooms.push_back({.chat = chat, .visit = next_visit_++});
    view = &session.rooms.back();
  }
  if (std::exchange(view->syncing, true)) {
    output_.error(session, reply_to,
                  wire_error(v1::RATE_LIMITED, "the last page of this room is under way", 100));
    return;
  }
  view->live = false;
  ++rooms_[chat].pages;
  peer::HomeRequest request;
  request.set_user(session.user.value);
  *request.mutable_room_sync() = sync;
  requests_.to_chat(chat, std::move(request),
                    [this, reader = Reader{session.conn, reply_to, chat, view->visit}](
                        peer::HomeReply& reply) { page(reader, reply); });
}

void RoomGate::page(const Reader& reader, peer::HomeReply& reply) {
  Room& room = rooms_.at(reader.chat);
  --room.pages;
  if (reply.room_page().done()) room.home = context_.home_of(reader.chat).value_or(EngineId{});
  Session* session = sessions_.find(reader.conn);
  RoomView* view = session && session->active() ? session->room(reader.chat) : nullptr;
  // Else it left meanwhile; who came back asks again.
  if (view && view->visit == reader.visit) answer(*session, reader.reply_to, *view, reply);
  release(reader.chat);
}

void RoomGate::answer(Session& session, uint32_t reply_to, RoomView& view, peer::HomeReply& reply) {
  view.syncing = false;
  if (!reply.has_room_page()) {
    if (!reply.response().error().temporary()) leave(session, ChatId(view.chat));
    output_.error(session, reply_to, reply.response().error());
    return;
  }
  ++context_.counters.sync_pages;
  v1::ServerFrame frame;
  frame.set_reply_to(reply_to);
  const bool done = reply.room_page().done();
  const uint64_t through = reply.room_page().next() - 1;
  *frame.mutable_sync_page() = std::move(*reply.mutable_room_page());
  if (output_.push(session, frame, SendLane::control) && done) enter(session, view, through);
}

void RoomGate::enter(Session& session, RoomView& view, uint64_t through) {
  view.pushed_through = through;
  view.live = true;
  // From now on a dropped event has to be told.
  session.queue.clear_lagged();
  Room& room = rooms_.at(view.chat);
  if (std::find(room.slots.begin(), room.slots.end(), session.slot) == room.slots.end()) {
    room.slots.push_back(session.slot);
  }
}

void RoomGate::on_events(EngineId from, const peer::RoomEvents& frame) {
  const auto chat = ChatId::from_bytes(frame.chat_id());
  if (!chat) return;
  if (frame.resync()) {
    end_room(*chat);
    return;
  }
  const auto found = rooms_.find(*chat);
  if (found == rooms_.end()) {
    unsubscribe(from, *chat);  // By a page that came too late for its session.
    return;
  }
  std::optional<Block> proto, json;
  const std::vector<uint32_t> slots = found->second.slots;
  for (uint32_t slot : slots) {
    Session* session = sessions_.at(slot);
    RoomView* view = session ? session->room(*chat) : nullptr;
    if (!view || !view->live || session->closing) continue;
    auto& block = session->encoding == Encoding::proto ? proto : json;
    if (!block) block.emplace(session->encoding, frame);
    push(*session, *view, frame, *block);
  }
  for (const auto& event : frame.events()) {
    for (uint64_t user : event.left()) {
      for (uint32_t slot : sessions_.of_user(UserId{user})) leave(*sessions_.at(slot), *chat);
    }
  }
}

std::vector<uint32_t> RoomGate::followers(const ChatId& chat) const {
  const auto found = rooms_.find(chat);
  return found == rooms_.end() ? std::vector<uint32_t>() : found->second.slots;
}

void RoomGate::push(Session& session, RoomView& view, const peer::RoomEvents& frame, Block& block) {
  const uint64_t first = frame.events(0).seq();
  const uint64_t last = first + static_cast<uint64_t>(frame.events_size()) - 1;
  if (last <= view.pushed_through) return;
  if (first > view.pushed_through + 1) {
    output_.lag_room(session, view);
    return;
  }
  const auto own = [&](const peer::StoredEvent& event) {
    return event.author() == session.user.value;
  };
  const auto& events = frame.events();
  if (first == view.pushed_through + 1 && std::none_of(events.begin(), events.end(), own)) {
    if (!output_.push(session, block.joined, SendLane::durable)) return;
    context_.counters.events_pushed += static_cast<uint64_t>(events.size());
    view.pushed_through = last;
    return;
  }
  for (int i = 0; i < events.size(); ++i) {
    if (events[i].seq() <= view.pushed_through) continue;
    auto bytes = std::make_shared<const std::string>(wire::join_event_frame(
        session.encoding, block.bodies[static_cast<size_t>(i)], 0,
        own(events[i]) ? std::string_view(events[i].client_msg_id()) : std::string_view()));
    if (!output_.push(session, std::move(bytes), SendLane::durable)) return;
    ++context_.counters.events_pushed;
    view.pushed_through = events[i].seq();
  }
}

void RoomGate::leave(Session& session, const ChatId& chat) {
  std::erase_if(session.rooms, [&](const RoomView& view) { return view.chat == chat; });
  const auto found = rooms_.find(chat);
  if (found == rooms_.end()) return;
  std::erase(found->second.slots, session.slot);
  release(chat);
}

void RoomGate::release(const ChatId& chat) {
  const auto found = rooms_.find(chat);
  if (found == rooms_.end()) return;
  const Room& room = found->second;
  if (!room.slots.empty() || room.pages > 0) return;
  if (room.home) unsubscribe(room.home, chat);
  rooms_.erase(found);
}

void RoomGate::unsubscribe(EngineId home, const ChatId& chat) {
  peer::Frame frame;
  frame.mutable_room_unsubscribe()->set_chat_id(chat.str());
  context_.post(home, std::move(frame));
}

void RoomGate::leave_all(Session& session) {
  const auto rooms = session.rooms;
  for (const RoomView& view : rooms) leave(session, view.chat);
}

void RoomGate::on_homes_changed(std::optional<EngineId> lost) {
  std::vector<ChatId> ended;
  for (const auto& [chat, room] : rooms_) {
    const EngineId home = context_.home_of(chat).value_or(EngineId{});
    if (home != room.home || home == lost) ended.push_back(chat);
  }
  for (const ChatId& chat : ended) end_room(chat);
}

void RoomGate::end_room(const ChatId& chat) {
  const auto found = rooms_.find(chat);
  if (found == rooms_.end()) return;
  ++context_.counters.room_resyncs;
  found->second.home = EngineId{};
  // Taken out first: a session that is closed for what it is told here leaves its rooms.
  const std::vector<uint32_t> slots = std::exchange(found->second.slots, {});
  if (found->second.pages == 0) rooms_.erase(found);
  for (uint32_t slot : slots) {
    Session* session = sessions_.at(slot);
    RoomView* view = session ? session->room(chat) : nullptr;
    if (view && !session->closing) output_.lag_room(*session, *view);
  }
}

}  // namespace chat
