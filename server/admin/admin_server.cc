#include "server/admin/admin_server.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <optional>
#include <thread>

#include "server/admin/admin_api.h"
#include "server/admin/bridge.h"
#include "server/admin/import_job.h"
#include "server/rest/json_body.h"

namespace chat {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr auto kUseTuple = asio::as_tuple(asio::use_awaitable);
constexpr auto kIdleTimeout = std::chrono::seconds(120);
constexpr auto kAcceptRetry = std::chrono::milliseconds(100);
constexpr uint64_t kBodyBytesMax = 16 << 20;
constexpr size_t kChunkBytes = 64 << 10;

using Stream = beast::tcp_stream;
using HeaderParser = http::request_parser<http::empty_body>;

asio::awaitable<bool> write_answer(Stream& stream, const HttpAnswer& answer, bool keep_alive) {
  http::response<http::string_body> response{static_cast<http::status>(answer.status), 11};
  response.set(http::field::content_type, answer.content_type);
  response.keep_alive(keep_alive);
  response.body() = answer.body;
  response.prepare_payload();
  const auto [code, size] = co_await http::async_write(stream, response, kUseTuple);
  co_return !code && keep_alive;
}

/// curl asks before it sends a large body.
asio::awaitable<void> answer_expectation(Stream& stream, const HeaderParser& parser) {
  if (!beast::iequals(parser.get()[http::field::expect], "100-continue")) co_return;
  http::response<http::empty_body> go_on{http::status::continue_, 11};
  co_await http::async_write(stream, go_on, kUseTuple);
}

}  // namespace

struct AdminServer::Impl {
  Impl(const AdminServices& given, std::function<void(int)> signal)
      : services(given), api(given), on_signal(std::move(signal)) {}

  asio::awaitable<void> accept();
  asio::awaitable<void> watch_signals();
  asio::awaitable<void> serve(tcp::socket socket);
  asio::awaitable<bool> answer_request(Stream& stream, beast::flat_buffer& buffer,
                                       HeaderParser& header);
  asio::awaitable<bool> import(Stream& stream, beast::flat_buffer& buffer, HeaderParser& header);

  const AdminServices services;
  admin::AdminApi api;
  std::function<void(int)> on_signal;
  asio::io_context io{1};
  std::optional<tcp::acceptor> acceptor;
  asio::signal_set signals{io};
  uint16_t port = 0;
  std::thread thread;
};

asio::awaitable<void> AdminServer::Impl::accept() {
  asio::steady_timer retry(io);
  while (true) {
    auto [code, socket] = co_await acceptor->async_accept(kUseTuple);
    if (code == asio::error::operation_aborted) co_return;
    if (code) {  // Out of descriptors, mostly: the backlog waits.
      retry.expires_after(kAcceptRetry);
      co_await retry.async_wait(kUseTuple);
      continue;
    }
    asio::co_spawn(io, serve(std::move(socket)), asio::detached);
  }
}

asio::awaitable<void> AdminServer::Impl::watch_signals() {
  while (true) {
    const auto [code, number] = co_await signals.async_wait(kUseTuple);
    if (code) co_return;
    on_signal(number);
  }
}

asio::awaitable<void> AdminServer::Impl::serve(tcp::socket socket) {
  Stream stream(std::move(socket));
  beast::flat_buffer buffer;
  bool goes_on = true;
  while (goes_on) {
    stream.expires_after(kIdleTimeout);
    HeaderParser header;
    header.body_limit(boost::none);
    const auto [code, size] = co_await http::async_read_header(stream, buffer, header, kUseTuple);
    if (code) break;
    co_await answer_expectation(stream, header);
    const bool is_import =
        header.get().method() == http::verb::post && header.get().target() == "/admin/v1/import";
    goes_on = is_import ? co_await import(stream, buffer, header)
                        : co_await answer_request(stream, buffer, header);
  }
  beast::error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<bool> AdminServer::Impl::answer_request(Stream& stream, beast::flat_buffer& buffer,
                                                        HeaderParser& header) {
  http::request_parser<http::string_body> parser(std::move(header));
  parser.body_limit(kBodyBytesMax);
  const auto [code, size] = co_await http::async_read(stream, buffer, parser, kUseTuple);
  if (code == http::error::body_limit) {
    const HttpAnswer answer =
        error_answer(make_error(ErrorCode::too_large, "the body is larger than 16 MiB"));
    co_return co_await write_answer(stream, answer, false);
  }
  if (code) co_return false;
  auto& request = parser.get();
  const std::string target(request.target());
  const size_t question = std::min(target.find('?'), target.size());
  admin::Call call;
  call.method = std::string(request.method_string());
  call.path = admin::percent_decoded(target.substr(0, question));
  call.query = admin::percent_decoded(target.substr(std::min(question + 1, target.size())));
  call.body = std::move(request.body());
  stream.expires_never();
  const HttpAnswer answer = co_await api.handle(call);
  stream.expires_after(kIdleTimeout);
  co_return co_await write_answer(stream, answer, request.keep_alive());
}

asio::awaitable<bool> AdminServer::Impl::import(Stream& stream, beast::flat_buffer& buffer,
                                                HeaderParser& header) {
  http::request_parser<http::buffer_body> parser(std::move(header));
  parser.body_limit(boost::none);
  const auto job = std::make_shared<admin::ImportJob>(services, io.get_executor());
  std::vector<char> chunk(kChunkBytes);
  while (!parser.is_done()) {
    parser.get().body().data = chunk.data();
    parser.get().body().size = chunk.size();
    stream.expires_after(kIdleTimeout);
    const auto [code, size] = co_await http::async_read(stream, buffer, parser, kUseTuple);
    if (code && code != http::error::need_buffer) co_return false;
    const size_t got = chunk.size() - parser.get().body().size;
    stream.expires_never();
    co_await job->feed(std::string_view(chunk.data(), got));
  }
  stream.expires_never();
  co_await job->finish();
  stream.expires_after(kIdleTimeout);
  co_return co_await write_answer(stream, job->answer(), parser.get().keep_alive());
}

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::~AdminServer() { stop(); }

Result<std::unique_ptr<AdminServer>> AdminServer::open(const HostPort& address,
                                                       const AdminServices& services,
                                                       std::function<void(int signal)> on_signal) {
  auto sockets = open_listen_sockets(address, 1);
  if (!sockets) return sockets.error();
  auto impl = std::make_unique<Impl>(services, std::move(on_signal));
  const bool is_v6 = address.host.find(':') != std::string::npos;
  impl->acceptor.emplace(impl->io, is_v6 ? tcp::v6() : tcp::v4(), sockets->descriptors[0]);
  impl->port = sockets->port;
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    boost::system::error_code code;
    impl->signals.add(number, code);
    if (code) return make_error(ErrorCode::internal, "signals: " + code.message());
  }
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

uint16_t AdminServer::port() const { return impl_->port; }

void AdminServer::start() {
  asio::co_spawn(impl_->io, impl_->accept(), asio::detached);
  asio::co_spawn(impl_->io, impl_->watch_signals(), asio::detached);
  impl_->thread = std::thread([this] { impl_->io.run(); });
}

void AdminServer::stop() {
  impl_->io.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace chat
