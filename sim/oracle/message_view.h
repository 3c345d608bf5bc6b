// MessageView: what a device shows of one chat after the events that it has got: the last text of
// each message, what is deleted, and the reactions. Events may come in any order, for history is
// read behind live ones: of two edits the later one in the log counts, and what is deleted stays
// so. Thread rule: plain value.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/ids.h"

namespace chat::v1 {
class Event;
}

namespace chat::sim {

struct ShownMessage {
  uint64_t text = 0;      ///< A hash.
  uint64_t text_seq = 0;  ///< The event that the text came with; 0 = none came.
  bool deleted = false;   ///< By a Deleted event.
  bool buried = false;    ///< A tombstone came in its place.
};

class MessageView {
 public:
  using Reaction = std::tuple<uint64_t, uint64_t, std::string>;  ///< Target, user, reaction.
  struct ReactionState {
    uint64_t seq = 0;
    bool removed = false;
  };

  void see(const v1::Event& event);

  /// Seqs up to end() − 1 may have something to show.
  uint64_t end() const { return messages_.size(); }
  ShownMessage at(uint64_t seq) const {
    return seq < messages_.size() ? messages_[seq] : ShownMessage{};
  }
  const std::map<Reaction, ReactionState>& reactions() const { return reactions_; }

 private:
  ShownMessage& message(uint64_t seq);

  std::vector<ShownMessage> messages_;  ///< By seq.
  std::map<Reaction, ReactionState> reactions_;
};

}  // namespace chat::sim
