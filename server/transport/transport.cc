#include "server/transport/transport.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "core/base/assert.h"
#include "server/transport/transport_impl.h"

namespace chat {
namespace {

constexpr int kAcceptsAtOnce = 64;
constexpr Duration kAcceptRetry = milliseconds(100);
constexpr int kHeaderPool = 4'096;  ///< Handshakes and requests at once; memory is taken as needed.
constexpr int kHandshakeTimeoutS = 10;  ///< Also between the parts of a request body.
constexpr int kHeaderIdleTimeoutS = 5;
constexpr int kKeepAliveS = 30;
constexpr size_t kReceiveBytes = 512;  ///< Read size and buffer per WebSocket.
constexpr size_t kServiceBytes = 16'384;
constexpr size_t kSendBytesMax = 1 << 20;  ///< libwebsockets splits writes above this.

// Zero intervals: libwebsockets keeps no validity timer per connection (its timers are one sorted
// list).
const lws_retry_bo_t kNoValidityTimers{};

void (*log_sink)(bool is_error, std::string_view line) = nullptr;

void on_log(int level, const char* line) {
  std::string_view text(line);
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (log_sink != nullptr) log_sink((level & LLL_ERR) != 0, text);
}

void set_log_once() {
  static std::once_flag once;
  std::call_once(once, [] { lws_set_log_level(LLL_ERR | LLL_WARN, on_log); });
}

template <class Integer>
void set_option(int fd, int level, int name, Integer value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

void set_transport_log(void (*sink)(bool is_error, std::string_view line)) { log_sink = sink; }

// ---------------------------------------------------------------- start and end

const lws_protocols* Transport::Impl::protocols() {
  // No protocol of its own for HTTP: a client could ask for it by name. The first one gets the HTTP
  // callbacks.
  static const lws_protocols list[] = {
      {"chat.v1.proto", callback, 0, kReceiveBytes, 0, nullptr, kSendBytesMax},
      {"chat.v1.json", callback, 0, kReceiveBytes, 1, nullptr, kSendBytesMax},
      {nullptr, nullptr, 0, 0, 0, nullptr, 0}};
  return list;
}

Status Transport::Impl::start() {
  set_log_once();
  loop = ev_loop_new(unsigned{EVFLAG_NOENV} | unsigned{EVBACKEND_EPOLL});
  if (loop == nullptr) return make_error(ErrorCode::unavailable, "libev has no epoll loop");
  ev_async_init(&wake_watcher, [](struct ev_loop*, ev_async*, int) {});
  ev_async_start(loop, &wake_watcher);
  ev_init(&wait_timer, [](struct ev_loop*, ev_timer*, int) {});

  lws_context_creation_info info{};
  void* loops[] = {loop};
  info.foreign_loops = loops;
  info.options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
  info.protocols = protocols();
  info.user = this;
  info.gid = static_cast<gid_t>(-1);
  info.uid = static_cast<uid_t>(-1);
  info.vhost_name = "chat";
  info.server_string = "chatd";
  info.max_http_header_pool = kHeaderPool;
  info.timeout_secs_ah_idle = kHeaderIdleTimeoutS;
  info.timeout_secs = kHandshakeTimeoutS;
  info.keepalive_timeout = kKeepAliveS;
  info.pt_serv_buf_size = kServiceBytes;
  info.retry_and_idle_policy = &kNoValidityTimers;
  context = lws_create_context(&info);
  if (context != nullptr) vhost = lws_create_vhost(context, &info);
  if (vhost == nullptr) {
    return make_error(ErrorCode::unavailable, "libwebsockets with its libev plug-in did not start");
  }
  ev_io_init(
      &listen_watcher,
      [](struct ev_loop*, ev_io* watcher, int) {
        static_cast<Impl*>(watcher->data)->accept_some();
      },
      options.listen_descriptor, EV_READ);
  listen_watcher.data = this;
  watch_listener();
  return {};
}

Transport::Impl::~Impl() {
  if (context != nullptr) lws_context_destroy(context);
  if (loop != nullptr) {
    pause_listener();
    ev_loop_destroy(loop);
  }
  if (options.listen_descriptor >= 0) ::close(options.listen_descriptor);
}

Transport::Transport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transport::~Transport() = default;

Result<std::unique_ptr<Transport>> Transport::open(TransportOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (const Status status = impl->start(); !status) return status.error();
  return std::unique_ptr<Transport>(new Transport(std::move(impl)));
}

// ---------------------------------------------------------------- the loop

void Transport::wait(Duration at_most, TransportReady& ready) {
  Impl& impl = *impl_;
  const bool starved = !impl.listening && impl.options.listen_descriptor >= 0;
  if (starved) {
    impl.watch_listener();
    at_most = std::min(at_most, kAcceptRetry);
  }
  if (!impl.closes.empty()) {
    const double left = impl.closes.front().first - ev_now(impl.loop);
    at_most =
        std::min(at_most, Duration{static_cast<int64_t>(std::max(left, 0.) * 1e9) + 1'000'000});
  }
  const bool something = !impl.pending.inputs.empty() || !impl.pending.calls.empty();
  if (something || at_most.ns <= 0) {
    ev_run(impl.loop, EVRUN_NOWAIT);
  } else {
    ev_now_update(impl.loop);
    ev_timer_set(&impl.wait_timer, at_most.seconds(), 0.);
    ev_timer_start(impl.loop, &impl.wait_timer);
    ev_run(impl.loop, EVRUN_ONCE);
    ev_timer_stop(impl.loop, &impl.wait_timer);
  }
  impl.expire_closes();
  const auto move_to_end = [](auto& from, auto& to) {
    if (to.empty()) {
      to.swap(from);
    } else {
      std::move(from.begin(), from.end(), std::back_inserter(to));
    }
    from.clear();
  };
  move_to_end(impl.pending.inputs, ready.inputs);
  move_to_end(impl.pending.calls, ready.calls);
}

void Transport::wake() { ev_async_send(impl_->loop, &impl_->wake_watcher); }

void Transport::stop_accepting() {
  impl_->pause_listener();
  if (impl_->options.listen_descriptor >= 0) ::close(impl_->options.listen_descriptor);
  impl_->options.listen_descriptor = -1;
}

size_t Transport::sockets() const { return impl_->sockets; }

size_t Transport::websockets() const { return impl_->connections.size(); }

// ---------------------------------------------------------------- listener

void Transport::Impl::watch_listener() {
  if (listening || sockets >= options.sockets_max) return;
  ev_io_start(loop, &listen_watcher);
  listening = true;
}

void Transport::Impl::pause_listener() {
  if (listening) ev_io_stop(loop, &listen_watcher);
  listening = false;
}

void Transport::Impl::accept_some() {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    if (sockets >= options.sockets_max) return pause_listener();
    const int fd =
        accept4(options.listen_descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      // Without descriptors or memory the backlog waits; wait() tries again soon.
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        pause_listener();
      return;
    }
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
    lws_adopt_socket_vhost(vhost, fd);
  }
}

// ---------------------------------------------------------------- libwebsockets' callback

int Transport::Impl::callback(lws* wsi, lws_callback_reasons reason, void*, void* in, size_t size) {
  const auto self = [wsi]() -> Impl& {
    return *static_cast<Impl*>(lws_context_user(lws_get_context(wsi)));
  };
  auto* owner = static_cast<SocketOwner*>(lws_get_opaque_user_data(wsi));
  auto* conn = owner != nullptr && !owner->is_http ? static_cast<Connection*>(owner) : nullptr;
  auto* exchange = owner != nullptr && owner->is_http ? static_cast<Exchange*>(owner) : nullptr;
  const std::string_view bytes(static_cast<const char*>(in), in == nullptr ? 0 : size);
  switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
      ++self().sockets;
      return 0;
    case LWS_CALLBACK_WSI_DESTROY:
      --self().sockets;
      if (exchange != nullptr) self().exchanges.remove(*exchange);
      return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
      return self().confirm_upgrade(wsi, static_cast<const char*>(in));
    case LWS_CALLBACK_ESTABLISHED:
      return self().opened(wsi);
    case LWS_CALLBACK_RECEIVE:
      return conn == nullptr ? -1 : self().received(*conn, bytes);
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return conn == nullptr ? 0 : self().writable(*conn);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      if (conn != nullptr) self().peer_close(*conn, bytes);
      return 0;
    case LWS_CALLBACK_CLOSED:
      if (conn != nullptr) self().closed(*conn);
      return 0;
    case LWS_CALLBACK_HTTP:
      return self().http_begin(wsi, bytes);
    case LWS_CALLBACK_HTTP_BODY:
      if (exchange != nullptr) self().http_body(*exchange, bytes);
      return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
      if (exchange != nullptr) self().http_dispatch(*exchange);
      return 0;
    default:
      return 0;
  }
}

/// The client's, also behind proxies that are trusted.
std::string Transport::Impl::address_of(lws* wsi) const {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  char text[INET6_ADDRSTRLEN] = "";
  if (getpeername(lws_get_socket_fd(wsi), reinterpret_cast<sockaddr*>(&peer), &size) == 0) {
    if (peer.ss_family == AF_INET) {
      inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in&>(peer).sin_addr, text, sizeof text);
    } else if (peer.ss_family == AF_INET6) {
      inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6&>(peer).sin6_addr, text, sizeof text);
    }
  }
  if (!options.trusted_proxies.contains(text)) return text;
  return forwarded_for(options.trusted_proxies, text, header_of(wsi, WSI_TOKEN_X_FORWARDED_FOR));
}

std::string header_of(lws* wsi, lws_token_indexes token, char separator) {
  const int size = lws_hdr_total_length(wsi, token);
  std::string value;
  if (size <= 0) return value;
  std::string part(static_cast<size_t>(size) + 1, '\0');
  int copied;
  for (int i = 0; (copied = lws_hdr_copy_fragment(wsi, part.data(), size + 1, token, i)) >= 0;
       ++i) {
    if (i > 0) value += separator;
    value.append(part.data(), static_cast<size_t>(copied));
  }
  return value;
}

}  // namespace chat
