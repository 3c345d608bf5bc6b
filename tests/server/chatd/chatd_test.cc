#include "tools/chatd/chatd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "server/transport/listen_socket.h"
#include "tests/server/http_peer.h"
#include "tests/server/ws_device.h"
#include "tests/support/temp_dir.h"

namespace chat {
namespace {

using ::testing::HasSubstr;

ChatdOptions options_in(const TempDir& dir) {
  ChatdOptions options;
  options.data_dir = dir / "data";
  options.listen.port = 0;
  options.reactors = 2;
  options.block_cache_bytes = 8 << 20;
  options.write_buffers_bytes = 8 << 20;
  options.drain_window = {};
  options.policy.go_away_patience = milliseconds(100);
  options.drain_timeout = seconds(10);
  return options;
}

std::unique_ptr<Chatd> started(const ChatdOptions& options) {
  ExitCode exit_code = ExitCode::failed;
  auto chatd = Chatd::start(
      options, [](int) {}, exit_code);
  EXPECT_TRUE(chatd.has_value()) << chatd.error().text;
  return chatd ? std::move(*chatd) : nullptr;
}

class ChatdTest : public ::testing::Test {
 protected:
  void SetUp() override {
    chatd_ = started(options_in(dir_));
    ASSERT_NE(chatd_, nullptr);
  }

  HttpReply admin(std::string_view method, std::string_view target, std::string_view body = "") {
    return http_exchange(chatd_->admin_port(), method, target, body);
  }
  HttpReply rest(std::string_view method, std::string_view target, std::string_view body = "",
                 std::string_view token = "") {
    return http_exchange(chatd_->public_port(), method, target, body, token);
  }
  boost::json::value json_of(const HttpReply& reply) { return boost::json::parse(reply.body); }

  std::string token_of(uint64_t user) {
    const HttpReply reply = admin("POST", "/admin/v1/tokens",
                                  "{\"user_ids\":[" + std::to_string(user) + "],\"ttl_s\":60}");
    return std::string(json_of(reply).at("tokens").at(0).at("token").as_string());
  }

  TempDir dir_;
  std::unique_ptr<Chatd> chatd_;
};

constexpr uint64_t kFirst = uint64_t{1} << 40;

std::string import_of_a_town() {
  std::string lines;
  for (uint64_t i = 0; i < 1'200; ++i) {
    lines += "{\"user\":{\"user_id\":" + std::to_string(kFirst + i) + ",\"user_name\":\"u" +
             std::to_string(i) + "\"}}\n";
  }
  for (uint64_t i = 0; i < 300; ++i) {
    lines += "{\"chat\":{\"name\":\"g" + std::to_string(i) +
             "\",\"kind\":\"GROUP\",\"title\":\"t\",\"member_ids\":[" + std::to_string(kFirst + i) +
             "," + std::to_string(kFirst + i + 1) + "]}}\n";
  }
  lines += "\n{\"members\":{\"chat\":\"g0\",\"add\":[" + std::to_string(kFirst + 9) +
           "],\"remove\":[" + std::to_string(kFirst) + "]}}";
  return lines;
}

TEST_F(ChatdTest, ImportsOnceHoweverOftenItIsRepeated) {
  const std::string lines = import_of_a_town();
  HttpReply reply = admin("POST", "/admin/v1/import", lines);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body,
            R"({"users":1200,"chats":300,"members":2,"skipped":0,"failed":0,"errors":[]})");
  reply = admin("POST", "/admin/v1/import", lines);
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr(R"("users":0,"chats":0)"));
  EXPECT_THAT(reply.body, HasSubstr(R"("skipped":1500)"));
  const auto chat =
      json_of(admin("GET", "/admin/v1/chats/" + ChatId::named("g0").hex())).at("chat");
  EXPECT_EQ(chat.at("memberCount").as_int64(), 2);
}

TEST_F(ChatdTest, AnImportTellsTheLinesThatAreWrongAndAppliesTheOthers) {
  const HttpReply reply =
      admin("POST", "/admin/v1/import",
            "nonsense\n{\"user\":{\"user_name\":\"ann\"}}\n{\"pet\":{}}\n"
            "{\"user\":{\"user_name\":7}}\n"
            "{\"chat\":{\"name\":\"c\",\"kind\":\"CLUB\"}}\n"
            "{\"chat\":{\"name\":\"c\",\"kind\":\"GROUP\",\"member_ids\":[99]}}\n"
            "{\"members\":{\"chat\":\"nowhere\",\"add\":[1]}}\n");
  EXPECT_EQ(reply.status, 422);
  const auto body = json_of(reply);
  EXPECT_EQ(body.at("users").as_int64(), 1);
  std::vector<int64_t> lines;
  for (const auto& error : body.at("errors").as_array())
    lines.push_back(error.at("line").as_int64());
  EXPECT_THAT(lines, ::testing::UnorderedElementsAre(1, 3, 4, 5, 6, 7));
}

TEST_F(ChatdTest, ImportedUsersTalkAndOperatorsSeeIt) {
  admin("POST", "/admin/v1/import", import_of_a_town());
  WsDevice ann(chatd_->public_port()), ben(chatd_->public_port(), Encoding::json);
  ASSERT_TRUE(ann.hello(token_of(kFirst + 100)).has_welcome());
  ASSERT_TRUE(ben.hello(token_of(kFirst + 101)).has_welcome());
  EXPECT_EQ(ann.say(kFirst + 101, "hello", "k").send_ack().status(), v1::STORED);
  EXPECT_EQ(ben.hear("hello").event().actor().name(), "u100");

  const auto sessions = json_of(admin("GET", "/admin/v1/sessions?limit=1"));
  EXPECT_EQ(sessions.at("sessions").as_array().size(), 1u);
  const std::string next(sessions.at("nextAfterConn").as_string());
  EXPECT_EQ(
      json_of(admin("GET", "/admin/v1/sessions?after=" + next)).at("sessions").as_array().size(),
      1u);
  const std::string direct = ChatId::direct(UserId{kFirst + 100}, UserId{kFirst + 101}).hex();
  EXPECT_THAT(admin("GET", "/admin/v1/chats/" + direct + "/events?after_seq=0").body,
              HasSubstr("\"text\":\"hello\""));
  EXPECT_THAT(admin("GET", "/admin/v1/presence?user_ids=" + std::to_string(kFirst + 100)).body,
              HasSubstr("ONLINE"));
  EXPECT_EQ(json_of(admin("GET", "/admin/v1/status")).at("counters").at("sends_stored").as_int64(),
            1);
  const std::string metrics = admin("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("chatd_engine_sends_stored_total{engine=\"1\"}"));
  EXPECT_THAT(metrics, HasSubstr("process_resident_memory_bytes "));
}

TEST_F(ChatdTest, AdminRoutesAnswerMistakesWithAnError) {
  const std::vector<std::tuple<const char*, std::string, std::string, int>> mistakes{
      {"GET", "/admin/v1/nothing", "", 404},
      {"POST", "/admin/v1/status", "", 405},
      {"GET", "/admin/v1/chats/zz", "", 400},
      {"GET", "/admin/v1/chats/" + ChatId::named("none").hex(), "", 404},
      {"GET", "/admin/v1/users?limit=many", "", 400},
      {"GET", "/admin/v1/users/nobody", "", 404},
      {"GET", "/admin/v1/presence", "", 400},
      {"POST", "/admin/v1/users", "[]", 400},
      {"POST", "/admin/v1/tokens", "{\"user_ids\":[1],\"ttl_s\":0}", 400},
      {"POST", "/admin/v1/tokens", "{\"user_ids\":[1],\"ttl_s\":60}", 404},
  };
  for (const auto& [method, target, body, status] : mistakes) {
    const HttpReply reply = admin(method, target, body);
    EXPECT_EQ(reply.status, status) << method << " " << target << ": " << reply.body;
    EXPECT_THAT(reply.body, HasSubstr("\"message\":\"")) << target;
  }
}

TEST_F(ChatdTest, RestSignsUpLogsInAndSends) {
  const HttpReply signed_up =
      rest("POST", "/v1/accounts",
           R"({"email":"ann@example.org","password":"long enough","userName":"ann"})");
  ASSERT_EQ(signed_up.status, 200) << signed_up.body;
  const HttpReply logged_in =
      rest("POST", "/v1/login", R"({"email":"ANN@example.org","password":"long enough"})");
  ASSERT_EQ(logged_in.status, 200) << logged_in.body;
  const std::string token(json_of(logged_in).at("accessToken").as_string());
  EXPECT_THAT(rest("GET", "/v1/me", "", token).body, HasSubstr("\"userName\":\"ann\""));
  const HttpReply created = rest("POST", "/v1/chats", R"({"kind":"GROUP","title":"Plans"})", token);
  ASSERT_EQ(created.status, 200) << created.body;
  EXPECT_EQ(rest("GET", "/v1/chats", "", "forged").status, 401);
  EXPECT_EQ(rest("GET", "/v1/me").status, 401);
  EXPECT_EQ(rest("DELETE", "/v1/me", "", token).status, 405);
  EXPECT_EQ(rest("POST", "/v1/chats", "{", token).status, 400);
  EXPECT_EQ(rest("GET", "/readyz").status, 200);
}

TEST_F(ChatdTest, EndsInOrderAndKeepsEverything) {
  admin("POST", "/admin/v1/import", import_of_a_town());
  auto device = std::make_unique<WsDevice>(chatd_->public_port());
  device->hello(token_of(kFirst));
  device->say(kFirst + 1, "kept", "k");
  std::thread client([&] { EXPECT_EQ(device->closed(), 4000); });
  EXPECT_TRUE(chatd_->stop());
  client.join();
  chatd_.reset();
  chatd_ = started(options_in(dir_));
  const std::string direct = ChatId::direct(UserId{kFirst}, UserId{kFirst + 1}).hex();
  EXPECT_THAT(admin("GET", "/admin/v1/chats/" + direct + "/events").body,
              HasSubstr("\"text\":\"kept\""));
}

TEST_F(ChatdTest, ASecondOneOnTheSameDirectoryOrPortIsRefused) {
  ExitCode exit_code = ExitCode::ok;
  auto second = Chatd::start(
      options_in(dir_), [](int) {}, exit_code);
  ASSERT_TRUE(second.has_error());
  EXPECT_EQ(exit_code, ExitCode::bad_data_directory);
  EXPECT_THAT(second.error().text, HasSubstr("another chatd"));
  TempDir other;
  ChatdOptions options = options_in(other);
  options.listen.port = chatd_->public_port();
  second = Chatd::start(
      options, [](int) {}, exit_code);
  ASSERT_TRUE(second.has_error());
  EXPECT_EQ(exit_code, ExitCode::cannot_listen);
  EXPECT_THAT(second.error().text, HasSubstr("is taken"));
}

}  // namespace
}  // namespace chat
