// The functions behind the verbs, one file per group of verbs. Each asks chatd and answers with
// the JSON and its view, or an Error whose code becomes the exit code.
// Thread rule: none of their own.
#pragma once

#include "tools/chatctl/verb.h"

namespace chat::ctl {

Result<Answer> show_status(AdminClient& admin, const Invocation& invocation);

Result<Answer> create_user(AdminClient& admin, const Invocation& invocation);
Result<Answer> show_user(AdminClient& admin, const Invocation& invocation);
Result<Answer> list_users(AdminClient& admin, const Invocation& invocation);

Result<Answer> list_logins(AdminClient& admin, const Invocation& invocation);
Result<Answer> log_out(AdminClient& admin, const Invocation& invocation);

Result<Answer> mint_tokens(AdminClient& admin, const Invocation& invocation);

Result<Answer> list_chats(AdminClient& admin, const Invocation& invocation);
Result<Answer> show_chat(AdminClient& admin, const Invocation& invocation);
Result<Answer> list_members(AdminClient& admin, const Invocation& invocation);

Result<Answer> get_presence(AdminClient& admin, const Invocation& invocation);
Result<Answer> list_sessions(AdminClient& admin, const Invocation& invocation);
Result<Answer> close_session(AdminClient& admin, const Invocation& invocation);
Result<Answer> drain(AdminClient& admin, const Invocation& invocation);

Result<Answer> show_limits(AdminClient& admin, const Invocation& invocation);
Result<Answer> set_limits(AdminClient& admin, const Invocation& invocation);

Result<Answer> show_faults(AdminClient& admin, const Invocation& invocation);
Result<Answer> set_faults(AdminClient& admin, const Invocation& invocation);

Result<Answer> list_commands(AdminClient& admin, const Invocation& invocation);

}  // namespace chat::ctl
