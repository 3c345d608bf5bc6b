// What UserHome does about log-ins.
#include "core/home/user_home.h"
#include "core/wire/peer.pb.h"

namespace chat {

void UserHome::on_session_login(EngineId from, const peer::SessionLogin& frame) {
  users_.when_loaded(UserId{frame.user()}, [from, frame](User& user) {
    Device* device = user.device(from, ConnId{frame.conn()});
    if (!device) return;
    device->login = LoginId{frame.login()};
    device->token_issued = WallTime{frame.token_issued_ms()};
    device->login_ended = false;
  });
}

void UserHome::on_account_changed(const AccountChanged& input) {
  User* const in_memory = users_.in_memory(input.user);
  if (!in_memory) return;
  const auto end_grace = [this, input](User& user) {
    std::vector<SessionId> ended;
    for (Device& device : user.devices) {
      if (!input.ends(device.login, device.token_issued)) continue;
      device.login_ended = true;
      if (!device.attached) ended.push_back(device.session);
    }
    for (const SessionId session : ended) go_offline(user, session, Parting::goodbye);
  };
  if (in_memory->state == User::State::loading) {
    in_memory->waiting.push_back(end_grace);  // After an edge that waits.
  } else if (in_memory->state == User::State::ready) {
    end_grace(*in_memory);
  }
}

}  // namespace chat
