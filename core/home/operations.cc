#include "core/home/operations.h"

#include "core/base/digest.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

uint64_t hash_of(const v1::Send& send) {
  Digest digest;
  digest.add(send.text());
  digest.add(send.reply_to_seq());
  for (const auto& attachment : send.attachments()) digest.add(attachment.SerializeAsString());
  for (uint64_t user : send.mentions()) digest.add(user);
  return digest.value();
}

template <class Operation>
uint64_t hash_of(peer::HomeRequest::OpCase kind, const Operation& operation) {
  Digest digest;
  digest.add(static_cast<uint64_t>(kind));
  digest.add(operation.SerializeAsString());
  return digest.value();
}

}  // namespace

std::string chat_id_of(const peer::HomeRequest& request) {
  switch (request.op_case()) {
    case peer::HomeRequest::kSend:
      return request.send().chat_id();
    case peer::HomeRequest::kEdit:
      return request.edit().chat_id();
    case peer::HomeRequest::kDeleteMessage:
      return request.delete_message().chat_id();
    case peer::HomeRequest::kReact:
      return request.react().chat_id();
    case peer::HomeRequest::kHistory:
      return request.history().chat_id();
    case peer::HomeRequest::kCreateChat:
      return request.create_chat().chat_id();
    case peer::HomeRequest::kUpdateChat:
      return request.update_chat().chat_id();
    case peer::HomeRequest::kDeleteChat:
      return request.delete_chat().chat_id();
    case peer::HomeRequest::kChangeMembers:
      return request.change_members().chat_id();
    case peer::HomeRequest::kGetReceipts:
      return request.get_receipts().chat_id();
    case peer::HomeRequest::kGetChat:
      return request.get_chat().chat_id();
    case peer::HomeRequest::kRoomSync:
      return request.room_sync().chat_id();
    default:
      return {};
  }
}

std::string key_bytes_of(const peer::HomeRequest& request) {
  switch (request.op_case()) {
    case peer::HomeRequest::kSend:
      return request.send().client_msg_id();
    case peer::HomeRequest::kEdit:
      return request.edit().client_op_id();
    case peer::HomeRequest::kDeleteMessage:
      return request.delete_message().client_op_id();
    case peer::HomeRequest::kReact:
      return request.react().client_op_id();
    case peer::HomeRequest::kUpdateChat:
      return request.update_chat().client_op_id();
    case peer::HomeRequest::kDeleteChat:
      return request.delete_chat().client_op_id();
    case peer::HomeRequest::kChangeMembers:
      return request.change_members().client_op_id();
    default:
      return {};
  }
}

uint64_t content_hash_of(const peer::HomeRequest& request) {
  const auto kind = request.op_case();
  switch (kind) {
    case peer::HomeRequest::kSend:
      return hash_of(request.send());
    case peer::HomeRequest::kEdit:
      return hash_of(kind, request.edit());
    case peer::HomeRequest::kDeleteMessage:
      return hash_of(kind, request.delete_message());
    case peer::HomeRequest::kReact:
      return hash_of(kind, request.react());
    case peer::HomeRequest::kUpdateChat:
      return hash_of(kind, request.update_chat());
    case peer::HomeRequest::kDeleteChat:
      return hash_of(kind, request.delete_chat());
    case peer::HomeRequest::kChangeMembers:
      return hash_of(kind, request.change_members());
    default:
      return 0;
  }
}

bool is_acknowledged(const peer::HomeRequest& request) {
  return request.has_send() || request.has_edit() || request.has_delete_message() ||
         request.has_react();
}

}  // namespace chat
