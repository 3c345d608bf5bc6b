#include "sim/live/rest_accounts.h"

#include <google/protobuf/util/json_util.h>

#include <utility>

#include "core/base/assert.h"
#include "core/wire/chat.pb.h"

namespace chat::sim {
namespace {

ErrorCode code_of_status(int status) {
  if (status == 409) return ErrorCode::already_exists;
  if (status == 429 || status >= 500) return ErrorCode::unavailable;
  return ErrorCode::unauthenticated;
}

Result<LoggedIn> ask_for_tokens(HttpClient& http, const std::string& path,
                                const google::protobuf::Message& ask) {
  std::string body;
  CHAT_ASSERT(google::protobuf::util::MessageToJsonString(ask, &body).ok());
  const auto response = http.exchange({.method = "POST", .target = path, .body = std::move(body)});
  if (!response) return response.error();
  if (response->status < 200 || response->status > 299) {
    return make_error(code_of_status(response->status), "POST " + path + ": HTTP " +
                                                            std::to_string(response->status) + " " +
                                                            response->body.substr(0, 200));
  }
  v1::Tokens tokens;
  if (!google::protobuf::util::JsonStringToMessage(response->body, &tokens).ok()) {
    return make_error(ErrorCode::corrupt, "POST " + path + ": the answer does not decode");
  }
  return LoggedIn{UserId{tokens.user_id()}, tokens.access_token()};
}

}  // namespace

Result<LoggedIn> sign_up(HttpClient& http, const std::string& email, const std::string& password,
                         const std::string& user_name) {
  v1::SignUp ask;
  ask.set_email(email);
  ask.set_password(password);
  ask.set_user_name(user_name);
  return ask_for_tokens(http, "/v1/accounts", ask);
}

Result<LoggedIn> log_in(HttpClient& http, const std::string& email, const std::string& password) {
  v1::LogIn ask;
  ask.set_email(email);
  ask.set_password(password);
  return ask_for_tokens(http, "/v1/login", ask);
}

}  // namespace chat::sim
