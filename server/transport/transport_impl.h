// The inside of Transport: its connections, its event loop and the callbacks of libwebsockets.
// Only the .cc files of this folder include it. Callbacks run inside Transport::wait() or inside a
// command; they record what happened and never call out.
#pragma once

// Include guards of libev's compatibility names would clash with ours.
#define EV_COMPAT3 0
#include <ev.h>
#include <libwebsockets.h>

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/transport/transport.h"

namespace chat {

/// What libwebsockets' opaque pointer of a socket refers to.
struct SocketOwner {
  explicit SocketOwner(bool http) : is_http(http) {}
  bool is_http;
};

/// One WebSocket after its handshake.
struct Connection : SocketOwner {
  Connection() : SocketOwner(false) {}
  uint64_t id = 0;  ///< 0 = this slot is free.
  lws* wsi = nullptr;
  std::string text;  ///< The message received so far; after close(), the reason of the close.
  CloseCode peer_code = CloseCode::abnormal;
  CloseCode close_code = CloseCode::normal;
  Encoding encoding = Encoding::proto;
  bool sending = false;      ///< libwebsockets keeps a rest of the last Send.
  bool closing = false;      ///< close() was called, or the peer broke the protocol.
  bool close_begun = false;  ///< The close frame was handed to libwebsockets.
  bool peer_closed = false;  ///< The peer's close frame came.
};
static_assert(sizeof(Connection) <= 128);

/// One HTTP request that is being read or waits for its answer.
struct Exchange : SocketOwner {
  Exchange() : SocketOwner(true) {}
  uint64_t id = 0;  ///< 0 = this slot is free.
  lws* wsi = nullptr;
  HttpCall request;
  bool dispatched = false;  ///< `request` has been handed over.
  bool head_only = false;
  bool last = false;  ///< The connection ends with its answer.
};

/// Slots with stable addresses and ids that are never reused: a counter above the slot's index.
template <class Item>
class SlotMap {
 public:
  Item& add() {
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(items_.size()));
      items_.emplace_back();
    }
    const uint32_t index = free_.back();
    free_.pop_back();
    items_[index].id = ++serial_ << kIndexBits | index;
    return items_[index];
  }
  Item* find(uint64_t id) {
    const uint64_t index = id & ((uint64_t{1} << kIndexBits) - 1);
    return id != 0 && index < items_.size() && items_[index].id == id ? &items_[index] : nullptr;
  }
  template <class Visit>
  void each(Visit visit) {
    for (Item& item : items_) {
      if (item.id != 0) visit(item);
    }
  }
  size_t size() const { return items_.size() - free_.size(); }
  void remove(Item& item) {
    const auto index = static_cast<uint32_t>(item.id & ((uint64_t{1} << kIndexBits) - 1));
    item = Item();
    free_.push_back(index);
  }

 private:
  static constexpr int kIndexBits = 20;
  std::deque<Item> items_;
  std::vector<uint32_t> free_;
  uint64_t serial_ = 0;
};

struct Transport::Impl {
  explicit Impl(TransportOptions given) : options(std::move(given)) {}
  ~Impl();

  Status start();
  static const lws_protocols* protocols();
  static int callback(lws* wsi, lws_callback_reasons reason, void* user, void* in, size_t size);

  // WebSocket side.
  int confirm_upgrade(lws* wsi, std::string_view upgrade);
  int opened(lws* wsi);
  int received(Connection& conn, std::string_view bytes);
  int writable(Connection& conn);
  void peer_close(Connection& conn, std::string_view payload);
  void closed(Connection& conn);
  std::string address_of(lws* wsi) const;
  int break_off(Connection& conn, std::string_view reason);
  void expire_closes();

  // HTTP side.
  int http_begin(lws* wsi, std::string_view path);
  void http_body(Exchange& exchange, std::string_view bytes);
  void http_dispatch(Exchange& exchange);
  int http_refuse(lws* wsi, int status, std::string_view message);
  void http_respond(Exchange& exchange, const HttpAnswer& response);

  // Listener.
  void accept_some();
  void watch_listener();
  void pause_listener();

  TransportOptions options;
  struct ev_loop* loop = nullptr;
  ev_async wake_watcher{};
  ev_timer wait_timer{};
  ev_io listen_watcher{};
  bool listening = false;  ///< The watcher is active.
  lws_context* context = nullptr;
  lws_vhost* vhost = nullptr;

  size_t sockets = 0;
  SlotMap<Connection> connections;
  SlotMap<Exchange> exchanges;
  TransportReady pending;
  std::deque<std::pair<double, uint64_t>> closes;  ///< Deadlines (loop time) of closes.

  SharedBytes framed;                ///< The bytes that stand in `frame`.
  std::vector<unsigned char> frame;  ///< LWS_PRE bytes for the header, then the bytes.
};

/// The value of one header of the request being handled, or "". Its parts (query parameters) are
/// joined by `separator`.
std::string header_of(lws* wsi, lws_token_indexes token, char separator = ',');

}  // namespace chat
