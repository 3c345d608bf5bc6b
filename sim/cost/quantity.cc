#include "sim/cost/quantity.h"

#include <algorithm>

#include "core/base/assert.h"

namespace chat::sim {
namespace {

constexpr QuantityInfo kQuantities[] = {
    {Quantity::server, "server", "a chatd process, whatever it does", true, Role::session, ""},
    {Quantity::connection, "connection", "an open WebSocket", true, Role::session, "connections"},
    {Quantity::session, "session", "a session, connected or in its grace", true, Role::session,
     "sessions"},
    {Quantity::user, "user", "a user whose home has it in memory", true, Role::home,
     "users_loaded"},
    {Quantity::chat, "chat", "a chat whose home has it in memory", true, Role::home,
     "chats_loaded"},
    {Quantity::turn, "turn", "a turn of an engine", false, Role::session, "turns"},
    {Quantity::heartbeat, "heartbeat", "a Heartbeat frame", false, Role::session, "heartbeats"},
    {Quantity::send, "send", "a Send frame, answered", false, Role::home, "sends"},
    {Quantity::frame_in, "frame_in", "any other frame of a client", false, Role::session,
     "frames_in-heartbeats-sends"},
    {Quantity::write_out, "write_out", "a write to a connection", false, Role::session,
     "writes_out"},
    {Quantity::byte, "byte", "a byte of frames, in or out", false, Role::session,
     "bytes_in+bytes_out"},
    {Quantity::delivery, "delivery", "an event pushed to a session", false, Role::session,
     "events_pushed"},
    {Quantity::peer_frame, "peer_frame", "a frame from one engine to another", false, Role::home,
     "peer_frames_out"},
    {Quantity::store_batch, "store_batch", "a synced write of the store", false, Role::home,
     "store.batches"},
    {Quantity::store_row, "store_row", "a row written", false, Role::home, "store.rows"},
    {Quantity::store_byte, "store_byte", "a byte of the contents of rows", false, Role::home,
     "store.bytes"},
    {Quantity::store_read, "store_read", "a read of the store", false, Role::home, "store.reads"},
    {Quantity::sync_page, "sync_page", "a page of a sync or of a history", false, Role::session,
     "sync_pages+history_pages"},
    {Quantity::accept, "accept", "a connection opened, with its handshake", false, Role::session,
     "connections_opened"},
};
static_assert(std::size(kQuantities) == kQuantityCount, "every quantity is described");

}  // namespace

std::span<const QuantityInfo> quantities() { return kQuantities; }

const QuantityInfo& info_of(Quantity quantity) {
  const QuantityInfo& info = kQuantities[static_cast<size_t>(quantity)];
  CHAT_ASSERT(info.quantity == quantity);
  return info;
}

std::optional<Quantity> quantity_named(std::string_view name) {
  const auto* const found = std::ranges::find(kQuantities, name, &QuantityInfo::name);
  if (found == std::end(kQuantities)) return std::nullopt;
  return found->quantity;
}

Quantities& Quantities::operator+=(const Quantities& other) {
  for (size_t i = 0; i < kQuantityCount; ++i) values[i] += other.values[i];
  return *this;
}

}  // namespace chat::sim
