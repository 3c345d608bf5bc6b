// Awaitables over the other threads of chatd: a request to an engine, a job on the pool. The
// coroutine goes on on its own executor. Internal to this folder.
// Thread rule: called on the Asio thread.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "core/wire/chat.pb.h"
#include "server/accounts/job_pool.h"
#include "server/reactor/reactor.h"

namespace chat::admin {

namespace asio = boost::asio;

using SharedResponse = std::shared_ptr<const v1::Response>;

// Initiations are named variables: g++ 12 destroys the captures of a lambda twice when it is a
// temporary in a co_await expression.

/// What the engine of `reactor` answers. Never resumed when the reactor ends first.
inline asio::awaitable<SharedResponse> ask_engine(Reactor& reactor,
                                                  std::shared_ptr<const v1::Request> request) {
  const auto executor = co_await asio::this_coro::executor;
  auto ask = [executor, &reactor, &request](auto handler) {
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    reactor.submit_request(std::move(request), [executor, resume](SharedResponse response) {
      asio::post(executor, [resume, response = std::move(response)]() mutable {
        std::move (*resume)(std::move(response));
      });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(SharedResponse)>(
      ask, asio::use_awaitable);
}

/// The result of `job()`, run on the pool; Error unavailable when the pool takes no more.
template <class Value>
asio::awaitable<Result<Value>> run_job(JobPool& pool, std::function<Result<Value>()> job) {
  const auto executor = co_await asio::this_coro::executor;
  const auto result = std::make_shared<Result<Value>>(make_error(ErrorCode::internal, ""));
  auto start = [executor, &pool, &job, result](auto handler) {
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    const auto finish = [executor, resume] {
      asio::post(executor, [resume] { std::move (*resume)(); });
    };
    const Status queued = pool.submit([finish, result, work = std::move(job)] {
      *result = work();
      finish();
    });
    if (queued) return;
    *result = queued.error();
    finish();
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start, asio::use_awaitable);
  co_return std::move(*result);
}

}  // namespace chat::admin
