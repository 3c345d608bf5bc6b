#include "sim/crowd/known_messages.h"

namespace chat::sim {
namespace {

constexpr size_t kOwnMax = 32;

}  // namespace

void KnownMessages::see(uint32_t device, uint32_t chat, const v1::Event& event) {
  shown_[device][chat].view.see(event);
}

std::optional<uint64_t> KnownMessages::pick_shown(uint32_t device, uint32_t chat,
                                                  uint32_t pick) const {
  const auto found = shown_[device].find(chat);
  if (found == shown_[device].end()) return std::nullopt;
  const MessageView& view = found->second.view;
  const uint64_t end = view.end();
  // From the picked place down to the first one, then on from the last one.
  for (uint64_t i = 0, seq = end == 0 ? 0 : pick % end; i < end; ++i, seq = (seq + end - 1) % end) {
    const ShownMessage message = view.at(seq);
    if (message.text_seq != 0 && !message.deleted && !message.buried) return seq;
  }
  return std::nullopt;
}

void KnownMessages::stored(uint32_t user, Message message) {
  std::vector<Message>& own = users_[user].own;
  if (own.size() == kOwnMax) own.erase(own.begin());
  own.push_back(message);
}

std::optional<KnownMessages::Message> KnownMessages::own(uint32_t user, uint32_t pick) const {
  const std::vector<Message>& own = users_[user].own;
  if (own.empty()) return std::nullopt;
  return own[pick % own.size()];
}

std::optional<KnownMessages::Message> KnownMessages::take_own(uint32_t user, uint32_t pick) {
  std::vector<Message>& own = users_[user].own;
  if (own.empty()) return std::nullopt;
  const auto chosen = own.begin() + static_cast<ptrdiff_t>(pick % own.size());
  const Message message = *chosen;
  own.erase(chosen);
  return message;
}

std::optional<KnownMessages::Message> KnownMessages::take_reaction(uint32_t user) {
  return std::exchange(users_[user].reaction, {});
}

}  // namespace chat::sim
