#include "sim/oracle/witness.h"

#include "core/base/digest.h"
#include "core/wire/chat.pb.h"

namespace chat::sim {
namespace {

template <class Message>  // v1::Send or v1::Message
uint64_t message_hash(const Message& message) {
  Digest digest;
  digest.add(message.text());
  digest.add(message.reply_to_seq());
  for (const v1::Attachment& attachment : message.attachments()) {
    digest.add(attachment.id());
    digest.add(attachment.url());
  }
  for (uint64_t user : message.mentions()) digest.add(user);
  return digest.value();
}

template <class Edit>  // v1::Edit or v1::Edited
uint64_t edit_hash(const Edit& edit) {
  Digest digest;
  digest.add("edit");
  digest.add(edit.target_seq());
  digest.add(edit.text());
  return digest.value();
}

template <class Deletion>  // v1::Delete or v1::Deleted
uint64_t deletion_hash(const Deletion& deletion) {
  Digest digest;
  digest.add("delete");
  digest.add(deletion.target_seq());
  return digest.value();
}

uint64_t reaction_hash(uint64_t target_seq, const std::string& reaction, bool removed) {
  Digest digest;
  digest.add("react");
  digest.add(target_seq);
  digest.add(reaction);
  digest.add(removed ? 1 : 0);
  return digest.value();
}

void add_users(Digest& digest, const google::protobuf::RepeatedField<uint64_t>& users) {
  digest.add(static_cast<uint64_t>(users.size()));
  for (uint64_t user : users) digest.add(user);
}

ChatId chat_of(const std::string& bytes) { return ChatId::from_bytes(bytes).value_or(ChatId()); }

/// Where a page of a room begins.
uint64_t first_seq(const v1::SyncPage& page) {
  if (page.entries_size() == 0) return page.next();
  const v1::SyncEntry& first = page.entries(0);
  return first.has_pruned() ? first.pruned().seq() : first.event().seq();
}

}  // namespace

uint64_t content_hash(const v1::Send& send) { return message_hash(send); }
uint64_t content_hash(const v1::Edit& edit) { return edit_hash(edit); }
uint64_t content_hash(const v1::Delete& deletion) { return deletion_hash(deletion); }
uint64_t content_hash(const v1::React& react) {
  return reaction_hash(react.target_seq(), react.reaction(), react.remove());
}

uint64_t content_hash(const v1::Event& event) {
  if (event.has_message()) return message_hash(event.message());
  if (event.has_edited()) return edit_hash(event.edited());
  if (event.has_deleted()) return deletion_hash(event.deleted());
  if (event.has_tombstone()) return kTombstone;
  if (event.has_reaction()) {
    const v1::Reaction& reaction = event.reaction();
    return reaction_hash(reaction.target_seq(), reaction.reaction(), reaction.removed());
  }
  Digest digest;
  digest.add(static_cast<uint64_t>(event.kind_case()));
  digest.add(event.actor().user_id());
  add_users(digest, event.member().joined());
  add_users(digest, event.member().left());
  add_users(digest, event.member().banned());
  add_users(digest, event.member().unbanned());
  for (const v1::RoleChange& role : event.member().roles()) {
    digest.add(role.user_id());
    digest.add(static_cast<uint64_t>(role.role()));
  }
  digest.add(event.chat_updated().title());
  digest.add(static_cast<uint64_t>(event.chat_updated().retention_ms()));
  digest.add(event.expired().up_to_seq());
  digest.add(static_cast<uint64_t>(event.expired().reason()));
  return digest.value();
}

TruthEvent truth_of(const v1::Event& event) {
  TruthEvent truth;
  truth.seq = event.seq();
  truth.content = content_hash(event);
  truth.is_sent =
      event.has_message() || event.has_edited() || event.has_deleted() || event.has_reaction();
  truth.concerns_all = event.has_expired();
  for (uint64_t user : event.member().joined()) truth.joined.push_back(UserId{user});
  for (uint64_t user : event.member().left()) truth.left.push_back(UserId{user});
  for (uint64_t user : event.member().banned()) truth.banned.push_back(UserId{user});
  return truth;
}

void Witness::before_hello(const ClientSession& session, const std::vector<ChatId>& rooms) {
  oracle_.connected(device_, session.has_cursor() ? session.inbox_cursor() : 0);
  for (const ChatId& room : rooms) {
    oracle_.room_connected(device_, room, session.room_cursor(room));
  }
}

void Witness::on_reset(const v1::SyncPage& page) {
  if (!page.chat_id().empty()) {
    oracle_.room_jumped(device_, chat_of(page.chat_id()), first_seq(page));
    return;
  }
  std::vector<std::pair<ChatId, uint64_t>> chats;
  for (const v1::ChatSummary& chat : page.chats()) {
    chats.emplace_back(chat_of(chat.chat_id()), chat.last_seq());
    if (chat.kind() == v1::ROOM) {
      oracle_.room_told(device_, chat_of(chat.chat_id()), chat.last_seq());
    }
  }
  oracle_.snapshot(device_, chats, page.chats_complete());
}

void Witness::on_wire_event(const ChatId& chat, uint64_t seq, uint64_t inbox_seq, bool) {
  oracle_.on_wire(device_, chat, seq, inbox_seq);
}

void Witness::on_event(const v1::SyncEntry& entry, bool) {
  if (entry.has_event()) {
    oracle_.delivered(device_, chat_of(entry.event().chat_id()), entry.event().seq(),
                      content_hash(entry.event()), entry.inbox_seq() == 0);
  } else if (entry.has_pruned()) {
    oracle_.pruned(device_, chat_of(entry.pruned().chat_id()), entry.pruned().seq(),
                   entry.inbox_seq() == 0);
  }
}

void Witness::on_frame(const v1::ServerFrame& frame) {
  if (!frame.has_history_page()) return;
  for (const v1::Event& event : frame.history_page().events()) {
    oracle_.by_history(device_, chat_of(event.chat_id()), event.seq(), content_hash(event));
  }
}

}  // namespace chat::sim
