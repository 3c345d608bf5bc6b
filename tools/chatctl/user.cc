#include <fstream>
#include <iostream>

#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/chat_argument.h"
#include "tools/chatctl/limit.h"
#include "tools/chatctl/verbs.h"

namespace chat::ctl {
namespace {

const std::vector<Column>& account_columns() {
  static const std::vector<Column> columns{{"USER ID", "user_id", Format::identifier},
                                           {"NAME", "user_name", Format::text, true},
                                           {"E-MAIL", "email", Format::text, true},
                                           {"CREATED (UTC)", "created_ms", Format::time_ms}};
  return columns;
}

/// The first line of a file, or of stdin for "-": passwords never stand on a command line.
Result<std::string> read_password(const std::string& file) {
  std::string password;
  std::ifstream in;
  if (file != "-") in.open(file);
  if (!std::getline(file == "-" ? std::cin : in, password) || password.empty()) {
    return make_error(ErrorCode::invalid_argument, "cannot read a password from " +
                                                       (file == "-" ? "stdin" : file) +
                                                       ": its first line has to be the password");
  }
  return password;
}

}  // namespace

Result<Answer> create_user(AdminClient& admin, const Invocation& invocation) {
  boost::json::object account;
  account["user_name"] = invocation.arguments[0];
  if (const auto email = invocation.option("email"); !email.empty()) account["email"] = email;
  if (const std::string file(invocation.option("password-file")); !file.empty()) {
    auto password = read_password(file);
    if (!password) return password.error();
    account["password"] = *password;
  }
  auto body = admin.post("/admin/v1/users", account);
  if (!body) return body.error();
  return Answer{std::move(*body), {.columns = account_columns()}};
}

Result<Answer> show_user(AdminClient& admin, const Invocation& invocation) {
  auto body = admin.get("/admin/v1/users/" + HttpClient::escape(invocation.arguments[0]));
  if (!body) return body.error();
  return Answer{std::move(*body), {.columns = account_columns()}};
}

Result<Answer> list_users(AdminClient& admin, const Invocation& invocation) {
  const auto limit = parse_limit(invocation);
  if (!limit) return limit.error();
  const std::string after(invocation.option("after"));
  if (!after.empty()) {
    if (const auto id = parse_user_id(after); !id) return id.error();
  }
  auto body = admin.list({.path = "/admin/v1/users", .items = "users", .cursor = "next_after"},
                         after, *limit);
  if (!body) return body.error();
  return Answer{std::move(*body),
                {.rows = "users", .columns = account_columns(), .nothing = "no users"}};
}

}  // namespace chat::ctl
