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
    session.rooms.push_back({.chat = chat});
    view = &session.rooms.back();
  }
  if (std::exchange(view->syncing, true)) {
    output_.error(session, reply_to,
                  wire_error(v1::RATE_LIMITED, "the last page of this room is under way", 100));
    return;
  }
  view->live = false;
  session.queue.clear_lagged();
  peer::HomeRequest request;
  request.set_user(session.user.value);
  *request.mutable_room_sync() = sync;
  requests_.to_chat(chat, std::move(request),
                    [this, conn = session.conn, reply_to, chat](peer::HomeReply& reply) {
                      page(conn, reply_to, chat, reply);
                    });
}

void RoomGate::page(ConnId conn, uint32_t reply_to, const ChatId& chat, peer::HomeReply& reply) {
  Session* session = sessions_.find(conn);
  if (!session || !session->active()) return;
  RoomView* view = session->room(chat);
  if (!view) return;  // The user left the room meanwhile.
  view->syncing = false;
  if (!reply.has_room_page()) {
    if (!reply.response().error().temporary()) leave(*session, chat);
    output_.error(*session, reply_to, reply.response().error());
    return;
  }
  ++context_.counters.sync_pages;
  v1::ServerFrame frame;
  frame.set_reply_to(reply_to);
  const bool done = reply.room_page().done();
  const uint64_t through = reply.room_page().next() - 1;
  *frame.mutable_sync_page() = std::move(*reply.mutable_room_page());
  if (output_.push(*session, frame, SendLane::control) && done) enter(*session, *view, through);
}

void RoomGate::enter(Session& session, RoomView& view, uint64_t through) {
  view.pushed_through = through;
  view.live = true;
  Room& room = rooms_[view.chat];
  room.home = context_.home_of(view.chat).value_or(EngineId{});
  if (std::find(room.slots.begin(), room.slots.end(), session.slot) == room.slots.end()) {
    room.slots.push_back(session.slot);
  }
}

void RoomGate::on_events(const peer::RoomEvents& frame) {
  const auto chat = ChatId::from_bytes(frame.chat_id());
  const auto found = chat ? rooms_.find(*chat) : rooms_.end();
  if (found == rooms_.end()) return;
  if (frame.resync()) {
    end_room(*chat, found->second);
    rooms_.erase(found);
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
  if (!found->second.slots.empty()) return;
  if (found->second.home) {
    peer::Frame frame;
    frame.mutable_room_unsubscribe()->set_chat_id(chat.str());
    context_.post(found->second.home, std::move(frame));
  }
  rooms_.erase(found);
}

void RoomGate::leave_all(Session& session) {
  const auto rooms = session.rooms;
  for (const RoomView& view : rooms) leave(session, view.chat);
}

void RoomGate::on_homes_changed(std::optional<EngineId> lost) {
  for (auto room = rooms_.begin(); room != rooms_.end();) {
    const EngineId home = context_.home_of(room->first).value_or(EngineId{});
    if (home == room->second.home && home != lost) {
      ++room;
      continue;
    }
    end_room(room->first, room->second);
    room = rooms_.erase(room);
  }
}

void RoomGate::end_room(const ChatId& chat, Room& room) {
  for (uint32_t slot : room.slots) {
    Session* session = sessions_.at(slot);
    RoomView* view = session ? session->room(chat) : nullptr;
    if (view && !session->closing) output_.lag_room(*session, *view);
  }
}

}  // namespace chat
