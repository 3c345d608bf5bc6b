#include "core/home/message_change.h"

#include "core/home/member_change.h"
#include "core/home/replies.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr int kEditsMax = 100;  // Of one message: a deletion rewrites all of them at once.

EventRow tombstone(const v1::Event& event, const peer::StoredEvent& place,
                   uint64_t deleted_by_seq) {
  v1::Event buried;
  buried.set_chat_id(event.chat_id());
  buried.set_seq(event.seq());
  buried.set_server_ts_ms(event.server_ts_ms());
  *buried.mutable_actor() = event.actor();
  buried.mutable_tombstone()->set_deleted_by_seq(deleted_by_seq);
  peer::StoredEvent stored;
  buried.SerializeToString(stored.mutable_event());
  stored.set_seq(place.seq());
  stored.set_author(place.author());
  stored.set_client_msg_id(place.client_msg_id());
  return {place.seq(), stored.SerializeAsString()};
}

}  // namespace

std::optional<v1::Error> refuse_message_change(const Chat& chat, const peer::HomeRequest& request,
                                               const peer::StoredEvent* target) {
  const UserId user{request.user()};
  Permission who{.kind = chat.row.kind, .actor = standing_in(chat, user)};
  if (!is_permitted(ChatAction::write, who)) {
    return wire_error(v1::PERMISSION_DENIED, "you are no member of this chat");
  }
  v1::Event event;
  if (!target || !event.ParseFromString(target->event()) || !event.has_message()) {
    return wire_error(v1::NOT_FOUND, event.has_tombstone()
                                         ? "this message was deleted"
                                         : "there is no message with this target_seq");
  }
  if (request.has_react()) return std::nullopt;
  const bool own = user && target->author() == user.value;
  if (request.has_delete_message()) {
    if (own || is_permitted(ChatAction::delete_message, who)) return std::nullopt;
    return wire_error(v1::PERMISSION_DENIED, "this message is not yours");
  }
  if (!own) return wire_error(v1::PERMISSION_DENIED, "only its author edits a message");
  if (request.edit().text().empty() && event.message().attachments().empty()) {
    return wire_error(v1::INVALID_ARGUMENT, "a message needs a text or an attachment");
  }
  if (target->edits_size() >= kEditsMax) {
    return wire_error(v1::LIMIT_REACHED, "a message is edited at most 100 times");
  }
  return std::nullopt;
}

EventRow remember_edit(const peer::StoredEvent& target, const v1::Event& edited,
                       const std::string& client_op_id) {
  peer::StoredEvent stored = target;
  peer::EditMark& mark = *stored.add_edits();
  mark.set_seq(edited.seq());
  mark.set_server_ts_ms(edited.server_ts_ms());
  mark.set_actor_name(edited.actor().name());
  mark.set_client_op_id(client_op_id);
  return {stored.seq(), stored.SerializeAsString()};
}

std::vector<EventRow> tombstones_of(const peer::StoredEvent& target, uint64_t deleted_by_seq,
                                    uint64_t oldest_seq) {
  v1::Event event;
  event.ParseFromString(target.event());
  std::vector<EventRow> rows{tombstone(event, target, deleted_by_seq)};
  for (const peer::EditMark& mark : target.edits()) {
    if (mark.seq() < oldest_seq) continue;
    event.set_seq(mark.seq());
    event.set_server_ts_ms(mark.server_ts_ms());
    event.mutable_actor()->set_name(mark.actor_name());
    peer::StoredEvent place;
    place.set_seq(mark.seq());
    place.set_author(target.author());
    place.set_client_msg_id(mark.client_op_id());
    rows.push_back(tombstone(event, place, deleted_by_seq));
  }
  return rows;
}

}  // namespace chat
