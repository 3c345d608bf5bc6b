// What edits, deletions and reactions do to the stored message that they are about: who may, and
// what is stored in its place. A deletion leaves tombstones where the message and its Edited events
// stood: same seq, actor and time, no content. Own nothing. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/home/chat_table.h"

namespace chat {

namespace peer {
class HomeRequest;
class StoredEvent;
}  // namespace peer
namespace v1 {
class Error;
class Event;
}  // namespace v1

/// Why an Edit, Delete or React is refused; `target` is null when there is no such event.
std::optional<v1::Error> refuse_message_change(const Chat& chat, const peer::HomeRequest& request,
                                               const peer::StoredEvent* target);

/// The stored message afterwards: it knows its Edited event.
EventRow remember_edit(const peer::StoredEvent& target, const v1::Event& edited,
                       const std::string& client_op_id);

/// Tombstones of the message and of its edits that are still kept, ascending.
std::vector<EventRow> tombstones_of(const peer::StoredEvent& target, uint64_t deleted_by_seq,
                                    uint64_t oldest_seq);

}  // namespace chat
