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
  return digest.value();
}

ChatId chat_of(const std::string& bytes) { return ChatId::from_bytes(bytes).value_or(ChatId()); }

}  // namespace

uint64_t content_hash(const v1::Send& send) { return message_hash(send); }

uint64_t content_hash(const v1::Event& event) {
  if (event.has_message()) return message_hash(event.message());
  Digest digest;
  digest.add(static_cast<uint64_t>(event.kind_case()));
  digest.add(event.actor().user_id());
  for (uint64_t user : event.member().joined()) digest.add(user);
  digest.add(event.member().left_size());
  for (uint64_t user : event.member().left()) digest.add(user);
  digest.add(event.chat_updated().title());
  return digest.value();
}

TruthEvent truth_of(const v1::Event& event) {
  TruthEvent truth;
  truth.seq = event.seq();
  truth.content = content_hash(event);
  truth.is_message = event.has_message();
  for (uint64_t user : event.member().joined()) truth.joined.push_back(UserId{user});
  for (uint64_t user : event.member().left()) truth.left.push_back(UserId{user});
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
    const uint64_t next = page.entries_size() > 0 ? page.entries(0).event().seq() : page.next();
    oracle_.room_jumped(device_, chat_of(page.chat_id()), next);
    return;
  }
  std::vector<std::pair<ChatId, uint64_t>> chats;
  for (const v1::ChatSummary& chat : page.chats()) {
    chats.emplace_back(chat_of(chat.chat_id()), chat.last_seq());
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
    oracle_.pruned(device_, chat_of(entry.pruned().chat_id()), entry.pruned().seq());
  }
}

void Witness::on_frame(const v1::ServerFrame& frame) {
  if (!frame.has_history_page()) return;
  for (const v1::Event& event : frame.history_page().events()) {
    oracle_.by_history(device_, chat_of(event.chat_id()), event.seq(), content_hash(event));
  }
}

}  // namespace chat::sim
