// Sessions whose user home was lost or moved: they are attached or announced there anew, a few at a
// time, and then every home is told that nobody is left.
#include "core/session/session_home.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kAnnouncedAtOnce = 200;
constexpr Duration kAnnouncePause = milliseconds(10);

}  // namespace

/// Attaches or announces the sessions whose user home is `lost` or another one than before.
void SessionHome::announce_where(std::optional<EngineId> lost) {
  sessions_.for_each([&](Session& session) {
    if (session.closing || session.phase < Session::Phase::attaching) return;
    const EngineId home = context_.home_of(session.user).value_or(EngineId{});
    if (home == session.home && home != lost) return;
    announce_later(session, kAnnouncePause);
  });
  // Also when there is none: the homes wait for the word that all are announced.
  if (!std::exchange(announce_armed_, true)) {
    context_.arm(kAnnouncePause, TimerKind::announce_sessions);
  }
}

/// Adds the session to those that are attached or announced anew, a few at a time.
void SessionHome::announce_later(Session& session, Duration pause) {
  if (std::exchange(session.unannounced, true)) return;
  unannounced_.push_back(session.conn);
  if (!std::exchange(announce_armed_, true)) context_.arm(pause, TimerKind::announce_sessions);
}

/// Some now and the others later: all connections of an engine may be concerned.
void SessionHome::announce_next() {
  for (size_t i = 0; i < kAnnouncedAtOnce && !unannounced_.empty(); ++i) {
    Session* session = sessions_.find(unannounced_.front());
    unannounced_.pop_front();
    if (!session || session->closing) continue;
    session->unannounced = false;
    if (session->phase == Session::Phase::attaching) {
      attach(*session);
    } else {
      announce(*session);
    }
  }
  announce_armed_ = !unannounced_.empty();
  if (announce_armed_) {
    context_.arm(kAnnouncePause, TimerKind::announce_sessions);
  } else {
    tell_announced();
  }
}

void SessionHome::tell_announced() {
  for (const EngineRef& home : context_.ring.engines()) {
    peer::Frame frame;
    frame.mutable_sessions_announced()->set_ring(context_.ring.digest());
    frame.mutable_sessions_announced()->set_refusals(refusals_[home.id]);
    context_.post(home.id, std::move(frame));
  }
}

}  // namespace chat
