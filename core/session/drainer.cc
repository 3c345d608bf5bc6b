#include "core/session/drainer.h"

#include <algorithm>
#include <limits>

#include "core/wire/chat.pb.h"

namespace chat {
namespace {

constexpr Duration kSlice = milliseconds(50);
constexpr const char* kReason = "the server is draining";

}  // namespace

void Drainer::begin(const Drain& input, Duration reconnect_window) {
  order_ = input;
  reconnect_window_ = reconnect_window;
  if (!std::exchange(draining_, true)) {
    sessions_.for_each([this](Session& session) {
      if (!session.closing) untold_.push_back(session.conn);
    });
    // Slots follow arrival; the seed's order lets nobody always be the last.
    Random random = context_.random.fork("drain");
    for (size_t i = untold_.size(); i > 1; --i) {
      std::swap(untold_[i - 1], untold_[random.below(i)]);
    }
  }
  slices_ = slices_left_ = static_cast<size_t>(std::max<int64_t>(input.window.ns / kSlice.ns, 1));
  untold_at_begin_ = untold_.size();
  next_slice_ = context_.now;
  on_timer();
}

void Drainer::refuse(Session& session) {
  ++context_.counters.drain_refusals;
  output_.close(session, CloseCode::drain, kReason);
}

void Drainer::on_timer() {
  if (next_slice_ <= context_.now) {
    --slices_left_;
    const size_t left = untold_at_begin_ * slices_left_ / slices_;
    while (untold_.size() > left) {
      Session* session = sessions_.find(untold_.back());
      untold_.pop_back();
      if (session && !session->closing) tell(*session);
    }
    next_slice_ = untold_.empty() ? kNever : context_.now + kSlice;
  }
  close_silent();
  arm();
}

/// Who has no session yet has nothing to finish either.
void Drainer::tell(Session& session) {
  if (!session.active()) {
    ++context_.counters.drain_closes;
    output_.close(session, CloseCode::drain, kReason);
    return;
  }
  ++context_.counters.go_aways;
  v1::ServerFrame frame;
  v1::GoAway& go_away = *frame.mutable_go_away();
  go_away.set_reason(kReason);
  const int64_t after_ms =
      order_.reconnect_after.ms() + context_.random.between(0, reconnect_window_.ms());
  go_away.set_reconnect_after_ms(
      static_cast<uint32_t>(std::min<int64_t>(after_ms, std::numeric_limits<uint32_t>::max())));
  go_away.set_url(order_.url);
  output_.push(session, frame, SendLane::control);
  told_.emplace_back(context_.now + context_.policy().go_away_patience, session.conn);
}

void Drainer::close_silent() {
  while (!told_.empty() && told_.front().first <= context_.now) {
    Session* session = sessions_.find(told_.front().second);
    told_.pop_front();
    if (!session || session->closing) continue;
    ++context_.counters.drain_closes;
    output_.close(*session, CloseCode::drain, kReason);
  }
}

void Drainer::arm() {
  const Instant next = std::min(next_slice_, told_.empty() ? kNever : told_.front().first);
  context_.timers.cancel(armed_);
  armed_ = {};
  if (next == kNever) return;
  armed_ = context_.timers.arm(round_up_to_timer_tick(next),
                               {static_cast<uint8_t>(TimerKind::drain), 0, 0});
}

}  // namespace chat
