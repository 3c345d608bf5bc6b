// ReactorFixture: a live group of reactors on a store in memory, with accounts 1 to 999 and tokens
// "user:N".
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/delay_log/delay_service.h"
#include "server/reactor/reactor_group.h"
#include "server/store/store_service.h"
#include "server/transport/listen_socket.h"
#include "sim/memory_store/memory_chat_store.h"
#include "sim/memory_store/memory_delay_log.h"

namespace chat {

class ReactorFixture : public ::testing::Test, protected ReactorServices {
 protected:
  void journal(const Journal&) override {}

  static constexpr uint64_t kEpoch = 77;

  void start(int reactors, std::vector<TurnLog>* logs = nullptr) {
    auto sockets = open_listen_sockets({"127.0.0.1", 0}, reactors);
    ASSERT_TRUE(sockets.has_value());
    port_ = sockets->port;
    ReactorGroupOptions options;
    options.listen_descriptors = sockets->descriptors;
    options.store_epoch = kEpoch;
    options.incarnation = Incarnation{1};
    options.logs = logs;
    auto group = ReactorGroup::create(options, *this);
    ASSERT_TRUE(group.has_value()) << group.error().text;
    group_ = std::move(*group);
    group_->start();
  }

  void TearDown() override {
    service_.stop();
    delays_.stop();
    group_.reset();
  }

  void store(StoreToken token, StoreCommand command, StoreSink& sink) override {
    service_.submit(token, std::move(command), &sink);
  }
  void delay(DelayToken token, DelayCommand command, DelaySink& sink) override {
    delays_.submit(token, std::move(command), sink);
  }
  Result<Identity> verify(const std::string& token, WallTime now) override {
    if (token.compare(0, 5, "user:") != 0) return make_error(ErrorCode::unauthenticated, "no");
    const UserId user{std::stoull(token.substr(5))};
    return Identity{user, "user " + token.substr(5), now + seconds(3600)};
  }
  Result<std::vector<UserId>> missing_users(const std::vector<UserId>& users) override {
    std::vector<UserId> missing;
    for (const UserId user : users) {
      if (user.value >= 1'000) missing.push_back(user);
    }
    return missing;
  }
  void http(Reactor& reactor, HttpCall call) override {
    reactor.respond(call.id, {200, "text/plain", "heard " + call.path});
  }

  uint16_t port_ = 0;
  MemoryChatStore memory_{kEpoch};
  StoreService service_{memory_, {}};
  MemoryDelayLog delay_log_;
  DelayService delays_{delay_log_};
  std::unique_ptr<ReactorGroup> group_;
};

}  // namespace chat
