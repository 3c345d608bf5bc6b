#include "core/home/move_notice.h"

#include <utility>

#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr int kPerFrame = 2'000;

}  // namespace

MoveNotice::MoveNotice(EngineContext& context) : context_(context) {}

MoveNotice::~MoveNotice() {
  for (auto& [home, frame] : frames_) {
    if (frame) context_.post(home, std::move(*frame));
  }
}

template <class Key>
peer::Frame* MoveNotice::frame_for(const Key& key) {
  const auto home = context_.home_of(key);
  if (!home || *home == context_.self()) return nullptr;
  auto& frame = frames_[*home];
  if (frame) {
    const peer::Touched& touched = frame->touched();
    const int count =
        touched.users_size() + touched.chat_ids_size() + touched.unfinished_chat_ids_size();
    if (count >= kPerFrame) context_.post(*home, std::move(*std::exchange(frame, nullptr)));
  }
  if (!frame) frame = std::make_unique<peer::Frame>();
  return frame.get();
}

void MoveNotice::add(const ChatId& chat, bool unfinished) {
  peer::Frame* frame = frame_for(chat);
  if (!frame) return;
  peer::Touched& touched = *frame->mutable_touched();
  *(unfinished ? touched.add_unfinished_chat_ids() : touched.add_chat_ids()) = chat.str();
}

void MoveNotice::add(UserId user) {
  if (peer::Frame* frame = frame_for(user)) frame->mutable_touched()->add_users(user.value);
}

}  // namespace chat
