#include "core/session/session_table.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/wire/chat.pb.h"

namespace chat {

Session::Session() = default;
Session::~Session() = default;

RoomView* Session::room(const ChatId& chat) {
  const auto found =
      std::find_if(rooms.begin(), rooms.end(), [&](const RoomView& r) { return r.chat == chat; });
  return found == rooms.end() ? nullptr : &*found;
}

Session& SessionTable::open(ConnId conn) {
  uint32_t slot = static_cast<uint32_t>(slots_.size());
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_[slot] = std::make_unique<Session>();
  slots_[slot]->conn = conn;
  slots_[slot]->slot = slot;
  const bool is_new = by_conn_.emplace(conn.value, slot).second;
  CHAT_ASSERT(is_new);
  return *slots_[slot];
}

void SessionTable::close(Session& session) {
  const uint32_t slot = session.slot;
  if (const auto of = by_user_.find(session.user.value); of != by_user_.end()) {
    std::erase(of->second, slot);
    if (of->second.empty()) by_user_.erase(of);
  }
  by_conn_.erase(session.conn.value);
  slots_[slot].reset();
  free_.push_back(slot);
}

Session* SessionTable::find(ConnId conn) {
  const auto found = by_conn_.find(conn.value);
  return found == by_conn_.end() ? nullptr : slots_[found->second].get();
}

void SessionTable::bind_user(Session& session) {
  by_user_[session.user.value].push_back(session.slot);
}

std::vector<uint32_t> SessionTable::of_user(UserId user) const {
  const auto found = by_user_.find(user.value);
  return found == by_user_.end() ? std::vector<uint32_t>{} : found->second;
}

std::vector<ConnId> SessionTable::list(ConnId after, size_t limit) const {
  std::vector<ConnId> out;
  for (const auto& [conn, slot] : by_conn_) {
    if (conn > after.value) out.push_back(ConnId{conn});
  }
  const size_t kept = std::min(limit, out.size());
  std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(kept), out.end());
  out.resize(kept);
  return out;
}

}  // namespace chat
