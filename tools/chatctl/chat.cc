#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/chat_argument.h"
#include "tools/chatctl/limit.h"
#include "tools/chatctl/verbs.h"

namespace chat::ctl {
namespace {

Result<boost::json::value> get_chat(AdminClient& admin, const std::string& argument) {
  const auto chat = parse_chat(argument);
  if (!chat) return chat.error();
  return admin.get("/admin/v1/chats/" + chat->hex());
}

}  // namespace

Result<Answer> list_chats(AdminClient& admin, const Invocation& invocation) {
  const auto limit = parse_limit(invocation);
  if (!limit) return limit.error();
  std::string after;
  if (const auto argument = invocation.option("after"); !argument.empty()) {
    const auto chat = parse_chat(argument);
    if (!chat) return chat.error();
    after = chat->hex();
  }
  auto body = admin.list({.path = "/admin/v1/chats",
                          .items = "chats",
                          .cursor = "nextAfterChatId",
                          .is_cursor_a_chat = true},
                         after, *limit);
  if (!body) return body.error();
  return Answer{std::move(*body),
                {.rows = "chats",
                 .columns = {{"CHAT", "chat_id", Format::chat_id},
                             {"KIND", "kind", Format::enumerator},
                             {"MEMBERS", "member_count", Format::count},
                             {"EVENTS", "last_seq", Format::count},
                             {"TITLE", "title", Format::text, true}},
                 .nothing = "no chats"}};
}

Result<Answer> show_chat(AdminClient& admin, const Invocation& invocation) {
  auto body = get_chat(admin, invocation.arguments[0]);
  if (!body) return body.error();
  return Answer{std::move(*body),
                {.columns = {{"chat", "chat.chat_id", Format::chat_id},
                             {"kind", "chat.kind", Format::enumerator},
                             {"title", "chat.title"},
                             {"members", "chat.member_count", Format::count},
                             {"last seq", "chat.last_seq", Format::count},
                             {"fanned out up to", "fanned_seq", Format::count}}}};
}

Result<Answer> list_members(AdminClient& admin, const Invocation& invocation) {
  auto body = get_chat(admin, invocation.arguments[0]);
  if (!body) return body.error();
  return Answer{std::move(*body),
                {.rows = "members",
                 .columns = {{"USER ID", "user_id", Format::identifier},
                             {"ROLE", "role", Format::enumerator},
                             {"JOINED AT", "joined_seq", Format::count},
                             {"LEFT AT", "left_seq", Format::count_or_none},
                             {"DELIVERED", "delivered_seq", Format::count},
                             {"READ", "read_seq", Format::count}},
                 .nothing = "no members"}};
}

}  // namespace chat::ctl
