#include "sim/oracle/message_view.h"

#include "core/base/digest.h"
#include "core/wire/chat.pb.h"

namespace chat::sim {
namespace {

constexpr uint64_t kSeqMax = 1 << 16;  // A server that invents a seq must not cost memory.

}  // namespace

ShownMessage& MessageView::message(uint64_t seq) {
  if (seq >= messages_.size()) messages_.resize(seq + 1);
  return messages_[seq];
}

void MessageView::see(const v1::Event& event) {
  const auto show = [&](uint64_t target, const std::string& text) {
    ShownMessage& shown = message(target);
    if (event.seq() < shown.text_seq) return;
    shown.text = hash_bytes(text);
    shown.text_seq = event.seq();
  };
  if (event.seq() > kSeqMax || event.edited().target_seq() > kSeqMax ||
      event.deleted().target_seq() > kSeqMax) {
    return;
  }
  if (event.has_message()) {
    show(event.seq(), event.message().text());
  } else if (event.has_edited()) {
    show(event.edited().target_seq(), event.edited().text());
  } else if (event.has_deleted()) {
    message(event.deleted().target_seq()).deleted = true;
  } else if (event.has_tombstone()) {
    message(event.seq()).buried = true;
  } else if (event.has_reaction()) {
    const v1::Reaction& said = event.reaction();
    ReactionState& state =
        reactions_[{said.target_seq(), event.actor().user_id(), said.reaction()}];
    if (event.seq() < state.seq) return;
    state = {event.seq(), said.removed()};
  }
}

}  // namespace chat::sim
