// ChatUpkeep: does what is due in the chats whose home this engine is, whether they are in memory
// or not: prunes what their retention ended, ends temporary and empty chats, and reclaims the
// storage of what is over. It finds them by the store's agenda. Two homes that do the same at once
// do no harm: appends are fenced, and reclaiming twice changes nothing. Thread rule: belongs to its
// engine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "core/engine/context.h"
#include "core/home/chat_table.h"
#include "core/home/chat_writer.h"

namespace chat {

class ChatUpkeep {
 public:
  ChatUpkeep(EngineContext& context, ChatTable& chats, ChatWriter& writer);

  void start();
  void on_agenda_timer() { scan(); }

  /// Runs `then` once it is known from where on the chat may be shown now.
  void when_bounded(Chat& chat, std::function<void(Chat&)> then);
  /// The first seq that may be shown, within when_bounded(); last_seq + 1 = nothing.
  uint64_t first_shown(const Chat& chat) const;

 private:
  /// What is known of a chat's bound while it is being searched: events below `low` are too old,
  /// the one at `high`, if there is one, is not, up to `until_ms`.
  struct Search {
    uint64_t number = 0;
    uint64_t low = 1;
    uint64_t high = 0;
    int64_t until_ms = 0;
    bool is_first = true;
  };

  void scan();
  void scanned(const StoreResult& result);
  /// Does what is due in a chat that is loaded.
  void look(Chat& chat);
  bool is_bounded(const Chat& chat) const;
  void search(Search search);
  void bound_found(Chat& chat, const Search& search);
  void prune(Chat& chat);
  void row_stored(Chat& chat);
  void reclaim(Chat& chat);
  void reclaimed(Chat& chat);
  void drop(Chat& chat);
  void dropped(Chat& chat, const StoreResult& result);

  EngineContext& context_;
  ChatTable& chats_;
  ChatWriter& writer_;
  std::optional<std::pair<int64_t, ChatId>> scanned_through_;  ///< Of this round.
};

}  // namespace chat
