#include "core/home/typing_home.h"

#include <map>

#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr Duration kTypingInterval = seconds(3);

}  // namespace

void TypingHome::on_notice(const peer::TypingNotice& frame) {
  ++context_.counters.typing_starts;
  const auto id = ChatId::from_bytes(frame.chat_id());
  const UserId author{frame.user()};
  if (!id || !context_.owns(*id) || too_soon({*id, author})) {
    ++context_.counters.typing_ignored;
    return;
  }
  const Instant asked = context_.now;
  const auto look = [this, author, asked](Chat& chat) {
    // Read too slowly: nobody types that long.
    const bool late = context_.now - asked > kTypingInterval;
    if (late || !chat.exists || !chat.is_active(author)) {
      ++context_.counters.typing_ignored;
    } else {
      tell(chat, author);
    }
  };
  // Nothing is lost with a store that does not answer.
  chats_.when_loaded(*id, {.then = look, .refuse = [] {}});
}

bool TypingHome::too_soon(const Typist& typist) {
  while (!by_time_.empty() && by_time_.front().first + kTypingInterval <= context_.now) {
    recent_.erase(by_time_.front().second);
    by_time_.pop_front();
  }
  if (!recent_.insert(typist).second) return true;
  by_time_.emplace_back(context_.now, typist);
  return false;
}

void TypingHome::tell(const Chat& chat, UserId author) {
  if (chat.row.kind == ChatKind::room) {
    if (chat.row.member_count > context_.policy().typing_members_max) {
      ++context_.counters.typing_ignored;
      return;
    }
    for (EngineId engine : chat.subscribers) {
      peer::Frame frame;
      frame.mutable_typing_push()->set_chat_id(chat.id.str());
      frame.mutable_typing_push()->set_author(author.value);
      context_.post(engine, std::move(frame));
    }
    return;
  }
  std::map<EngineId, peer::Frame> by_home;
  for (const auto& [user, member] : chat.members) {
    const auto home = context_.home_of(user);
    if (!home || user == author || !chat.is_active(user)) continue;
    by_home[*home].mutable_typing_fan_out()->add_users(user.value);
  }
  for (auto& [home, frame] : by_home) {
    frame.mutable_typing_fan_out()->set_chat_id(chat.id.str());
    frame.mutable_typing_fan_out()->set_author(author.value);
    context_.post(home, std::move(frame));
  }
}

void relay_typing(EngineContext& context, UserTable& users, const peer::TypingFanOut& frame) {
  std::map<EngineId, peer::Frame> by_engine;
  for (uint64_t id : frame.users()) {
    const User* user = users.find(UserId{id});
    if (!user) continue;  // Nobody of it is online.
    std::set<EngineId> engines;
    for (const Device& device : user->devices) {
      if (device.attached && device.want_typing) engines.insert(device.engine);
    }
    for (EngineId engine : engines) by_engine[engine].mutable_typing_push()->add_users(id);
  }
  for (auto& [engine, push] : by_engine) {
    push.mutable_typing_push()->set_chat_id(frame.chat_id());
    push.mutable_typing_push()->set_author(frame.author());
    context.post(engine, std::move(push));
  }
}

}  // namespace chat
