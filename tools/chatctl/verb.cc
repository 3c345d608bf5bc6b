#include "tools/chatctl/verb.h"

#include <algorithm>

#include "tools/chatctl/verbs.h"

namespace chat::ctl {
namespace {

constexpr Option kLimit{"limit", "N", "how many at most; 0 = all", "100"};
constexpr Option kUrl{"url", "URL", "where clients are to go instead"};
constexpr Argument kUserKey{"USER", "id, user name or e-mail address"};
constexpr Argument kLogin{"LOGIN", "the id of a log-in, as `logins` shows; without it: all", false,
                          true};
constexpr Argument kUserIds{"USER_ID", "user ids", true};
constexpr Argument kChat{"CHAT", "32 hex digits, the base64 of -o json, or name:KEY of an import"};

/// What is there: accounts, chats, sessions.
std::vector<Verb> verbs_of_contents() {
  return {
      {"status", "what chatd is doing, in one look", {}, {}, show_status},
      {"user create",
       "create an account",
       {{"USER_NAME", "the name that other users see"}},
       {{"email", "ADDRESS", "the address to log in with"},
        {"password-file", "FILE", "a file whose first line is the password; - = stdin"}},
       create_user},
      {"user show", "one account", {kUserKey}, {}, show_user},
      {"user list",
       "accounts by id",
       {},
       {kLimit, {"after", "USER_ID", "begin after this one"}},
       list_users},
      {"logins", "where a user is logged in", {kUserKey}, {}, list_logins},
      {"logout",
       "end log-ins of a user, with their connections and tokens",
       {kUserKey, kLogin},
       {},
       log_out},
      {"token mint",
       "access tokens for users, without their passwords",
       {kUserIds},
       {{"ttl", "DURATION", "how long they are valid, as 90s, 15m, 2h", "1h"}},
       mint_tokens},
      {"chat list",
       "chats by id",
       {},
       {kLimit, {"after", "CHAT", "begin after this one"}},
       list_chats},
      {"chat show", "one chat", {kChat}, {}, show_chat},
      {"chat members",
       "the members of a chat, with what they have got and read",
       {kChat},
       {},
       list_members},
      {"presence get", "who is online", {kUserIds}, {}, get_presence},
      {"session list",
       "the sessions of all engines",
       {},
       {kLimit, {"user", "USER_ID", "only this user's"}},
       list_sessions},
  };
}

/// What changes how the running chatd behaves.
std::vector<Verb> verbs_of_operation() {
  return {
      {"limits", "the limits that are in force", {}, {}, show_limits},
      {"limits set",
       "change limits of the running chatd, until it ends",
       {{"NAME=VALUE", "as `limits` shows them; a list has commas", true}},
       {},
       set_limits},
      {"session close",
       "close one connection; its client may come back",
       {{"ENGINE", "the engine that has it, as session list shows"},
        {"CONN", "the connection's number"}},
       {},
       close_session},
      {"drain",
       "send all clients away and take no new ones",
       {},
       {{"window", "DURATION", "spread over this", "5s"},
        {"reconnect-after", "DURATION", "clients come back this late at the earliest", "0s"},
        kUrl},
       drain},
      {"faults", "what goes wrong on purpose (--fault-injection)", {}, {}, show_faults},
      {"faults set",
       "make faults in the running chatd, or take them back",
       {{"NAME=VALUE", "as `faults` shows them; numbers, true or false", true}},
       {},
       set_faults},
      {"commands", "every verb, for scripts and completion", {}, {}, list_commands, true},
  };
}

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> table = [] {
    std::vector<Verb> all = verbs_of_contents();
    for (Verb& verb : verbs_of_operation()) all.push_back(std::move(verb));
    return all;
  }();
  return table;
}

}  // namespace

std::string_view Invocation::option(std::string_view name) const {
  const auto found = options.find(name);
  return found == options.end() ? std::string_view() : std::string_view(found->second);
}

std::span<const Verb> all_verbs() { return verbs(); }

const Verb* find_verb(std::string_view path) {
  const auto found = std::find_if(verbs().begin(), verbs().end(),
                                  [&](const Verb& verb) { return verb.path == path; });
  return found == verbs().end() ? nullptr : &*found;
}

}  // namespace chat::ctl
