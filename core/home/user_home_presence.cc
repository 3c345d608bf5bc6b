// What UserHome does about sessions in their grace when the home moves, and about typing.
#include <algorithm>

#include "core/home/typing_home.h"
#include "core/home/user_home.h"
#include "core/wire/peer.pb.h"

namespace chat {

/// The new home would call the user offline before the grace is over.
void UserHome::hand_over(const User& user, const Device& device) {
  const auto home = context_.home_of(user.id);
  if (!home || device.offline_at <= context_.now) return;
  peer::Frame frame;
  peer::LostSession& lost = *frame.mutable_lost_session();
  lost.set_user(user.id.value);
  lost.set_device_id(device.device_id);
  lost.set_session_id(device.session.value);
  lost.set_engine(device.engine.value);
  lost.set_conn(device.conn.value);
  lost.set_login(device.login.value);
  lost.set_token_issued_ms(device.token_issued.ms);
  lost.set_offline_in_ms((device.offline_at - context_.now).ms() + 1);
  context_.post(*home, std::move(frame));
}

/// Taken also while another engine is the home by this one's ring: the next ring hands it on.
void UserHome::on_lost_session(const peer::LostSession& frame) {
  users_.when_loaded(UserId{frame.user()}, [this, frame](User& user) {
    const auto same = [&](const Device& device) { return device.device_id == frame.device_id(); };
    if (std::any_of(user.devices.begin(), user.devices.end(), same)) return;  // It came back.
    user.devices.push_back({.device_id = frame.device_id(),
                            .session = SessionId{frame.session_id()},
                            .engine = EngineId{frame.engine()},
                            .conn = ConnId{frame.conn()},
                            .login = LoginId{frame.login()},
                            .token_issued = WallTime{frame.token_issued_ms()}});
    user.last_session = std::max(user.last_session, SessionId{frame.session_id()});
    lose(user, user.devices.back(), milliseconds(frame.offline_in_ms()));
    presence_.changed(user);
  });
}

void UserHome::on_typing(const peer::TypingFanOut& frame) { relay_typing(context_, users_, frame); }

}  // namespace chat
