#include "core/session/typing_push.h"

#include "core/wire/frame_codec.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr uint32_t kExpiresInMs = 6'000;

}  // namespace

void TypingPush::on_push(const peer::TypingPush& frame) {
  const auto chat = ChatId::from_bytes(frame.chat_id());
  if (!chat) return;
  v1::ServerFrame told;
  told.mutable_typing()->set_chat_id(frame.chat_id());
  told.mutable_typing()->set_user_id(frame.author());
  told.mutable_typing()->set_expires_in_ms(kExpiresInMs);
  SharedBytes proto, json;
  const auto tell = [&](const std::vector<uint32_t>& slots) {
    for (uint32_t slot : slots) {
      Session* session = sessions_.at(slot);
      if (!session || !session->active() || !session->want_typing) continue;
      if (session->user.value == frame.author()) continue;
      SharedBytes& bytes = session->encoding == Encoding::proto ? proto : json;
      if (!bytes) {
        bytes =
            std::make_shared<const std::string>(wire::encode_server_frame(session->encoding, told));
      }
      if (output_.push(*session, bytes, SendLane::ephemeral)) ++context_.counters.typing_pushed;
    }
  };
  if (frame.users().empty()) tell(rooms_.followers(*chat));
  for (uint64_t user : frame.users()) tell(sessions_.of_user(UserId{user}));
}

}  // namespace chat
