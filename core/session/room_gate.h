// RoomGate: the rooms of this engine's sessions.
// The engine subscribes once per room, by the page that reaches head; every event comes once and
// the same bytes go to all sessions that are live in the room. A gap or an ended subscription makes
// them sync. The subscription ends when no session is in the room and no page is under way, for a
// page may have subscribed already. Thread rule: belongs to its engine.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/engine/context.h"
#include "core/session/home_requests.h"
#include "core/session/session_output.h"
#include "core/session/session_table.h"

namespace chat {

namespace peer {
class RoomEvents;
class StoredEvent;
}  // namespace peer
namespace v1 {
class Sync;
}

class RoomGate {
 public:
  RoomGate(EngineContext& context, SessionTable& sessions, SessionOutput& output,
           HomeRequests& requests)
      : context_(context), sessions_(sessions), output_(output), requests_(requests) {}

  /// A client's Sync of a room.
  void sync(Session& session, uint32_t reply_to, const v1::Sync& sync);
  void on_events(EngineId from, const peer::RoomEvents& frame);
  /// No event of the room is pushed from here on, and no page is answered that is under way.
  void leave(Session& session, const ChatId& chat);
  /// The slots of the sessions that are in the room.
  std::vector<uint32_t> followers(const ChatId& chat) const;
  /// The session is gone: it leaves its rooms.
  void leave_all(Session& session);
  /// Rooms whose home was lost or moved: their sessions have to sync.
  void on_homes_changed(std::optional<EngineId> lost);

 private:
  struct Room {
    EngineId home;  ///< Where the engine is subscribed.
    std::vector<uint32_t> slots;
    uint32_t pages = 0;  ///< Asked for and not answered.
  };
  /// The frames of one RoomEvents in one encoding, made at its first use.
  struct Block;

  /// Who waits for a page.
  struct Reader {
    ConnId conn;
    uint32_t reply_to = 0;
    ChatId chat;
    uint64_t visit = 0;
  };

  void page(const Reader& reader, peer::HomeReply& reply);
  void answer(Session& session, uint32_t reply_to, RoomView& view, peer::HomeReply& reply);
  void enter(Session& session, RoomView& view, uint64_t through);
  void push(Session& session, RoomView& view, const peer::RoomEvents& frame, Block& block);
  /// Ends the subscription if nobody needs it.
  void release(const ChatId& chat);
  void unsubscribe(EngineId home, const ChatId& chat);
  void end_room(const ChatId& chat);

  EngineContext& context_;
  SessionTable& sessions_;
  SessionOutput& output_;
  HomeRequests& requests_;
  std::map<ChatId, Room> rooms_;
  uint64_t next_visit_ = 1;
};

}  // namespace chat
