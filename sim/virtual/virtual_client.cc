#include "sim/virtual/virtual_client.h"

namespace chat::sim {

VirtualClient::VirtualClient(VirtualWorld& world, const ClientOptions& options, UserId user,
                             std::string device_id, ClientListener& listener, Random random)
    : world_(world),
      encoding_(options.encoding),
      session_(options),
      token_(token_of(user)),
      device_id_(std::move(device_id)),
      listener_(listener),
      random_(random) {}

void VirtualClient::start() {
  wanted_ = true;
  ++attempt_;
  if (!is_connected()) link_ = world_.connect(*this, encoding_);
}

void VirtualClient::leave() {
  wanted_ = false;
  ++attempt_;
  if (!is_connected()) return;
  world_.close(link_, CloseCode::normal);
  come_back(CloseCode::normal, nullptr);
}

void VirtualClient::drop() {
  if (!is_connected()) return;
  world_.drop(link_);
  come_back(CloseCode::abnormal, nullptr);
}

void VirtualClient::pump() {
  if (!is_connected()) return;
  for (std::string bytes; session_.take_output(bytes);) world_.send(link_, std::move(bytes));
  const Instant wake = session_.next_wake();
  if (wake == kNever || wake == woken_at_) return;
  woken_at_ = wake;
  world_.queue().at(wake, [this, link = link_, wake] {
    if (link != link_ || wake != woken_at_) return;
    woken_at_ = kNever;
    session_.wake(world_.now());
    pump();
  });
}

void VirtualClient::on_open() {
  listener_.before_hello();
  session_.connected(world_.now(), {token_, device_id_});
  pump();
}

void VirtualClient::on_message(const std::string& bytes) {
  if (Status status = session_.receive(world_.now(), bytes, listener_, random_); !status) {
    world_.close(link_, CloseCode::protocol_error);
    const Error error = status.error();
    come_back(CloseCode::abnormal, &error);
    return;
  }
  if (session_.should_leave()) {
    drop();
    return;
  }
  listener_.after_input();
  pump();
}

void VirtualClient::on_closed(CloseCode code) { come_back(code, nullptr); }

void VirtualClient::come_back(CloseCode code, const Error* error) {
  link_ = LinkRef();
  woken_at_ = kNever;
  last_close_ = code;
  const auto delay = session_.closed(world_.now(), code, random_);
  listener_.on_disconnected(error);
  if (!delay || !wanted_) return;
  world_.queue().after(*delay, [this, attempt = ++attempt_] {
    if (attempt == attempt_ && !is_connected()) start();
  });
}

}  // namespace chat::sim
