// ChatDelay: what becomes of sends while the store is slow or down.
// A chat is in delay when the store has not answered its append or load for delay_after, or has
// failed it. Then every send to it is entered into the DelayLog and answered DELAYED once it is
// safe there; it stays in the chat's queue and is stored when the store is back. Everything else is
// refused for now. This engine keeps what it has delayed until the home of the chat – itself, or
// after a move or a restart another one, to which it forwards – tells that it is in the chat log.
// Thread rule: belongs to its engine.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/engine/context.h"
#include "core/home/chat_table.h"

namespace chat {

namespace peer {
class DelayForward;
class DelaySettled;
}  // namespace peer

class ChatDelay {
 public:
  ChatDelay(EngineContext& context, ChatTable& chats);

  /// The chat begins to wait for an answer of the store, unless it already does.
  void asked(Chat& chat);
  /// The store has answered: the chat is in delay no longer.
  void answered(Chat& chat);
  /// The store has failed for now: the chat is in delay at once.
  void failed(Chat& chat);
  void on_timer(Chat& chat);

  /// Of a chat in delay: enters the last operation of its queue, or takes it out and refuses it.
  void add_last(Chat& chat);
  /// The same send came once more while `twin` is under way.
  void add_twin(const Chat& chat, ChatOp& twin, const ChatOp& op);

  /// From the DelayLog, before the ring is known.
  void on_loaded(const DelayLoaded& input);
  /// Sends that another engine keeps, or this one since an earlier life: into the chat's queue,
  /// before the newer ones.
  void on_forward(EngineId from, const peer::DelayForward& frame);
  void on_settled(const peer::DelaySettled& frame);
  /// Forwards what the present home of its chat has not been sent, or what was sent to `lost`.
  void forward(std::optional<EngineId> lost = std::nullopt);
  /// Emits what this turn has to enter and to remove.
  void end_turn();

 private:
  /// A send in the DelayLog.
  struct Kept {
    DelayKey key;
    ChatId chat;
    std::shared_ptr<const peer::HomeRequest> request;
    size_t bytes = 0;
    bool safe = false;  ///< The DelayLog has it for certain.
    EngineId sent_to;   ///< The home that is to store it.
  };

  void enter_delay(Chat& chat);
  bool enter_or_refuse(Chat& chat, ChatOp& op);
  bool may_enter(const Chat& chat, const ChatOp& op);
  void entered(const std::vector<uint64_t>& numbers, const Status& status);
  void is_safe(uint64_t number, Kept& kept);
  void is_not_entered(uint64_t number, const Kept& kept);
  void merge(Chat& chat, ChatOp& twin, const ChatOp& op);
  void forward(const std::vector<uint64_t>& numbers);
  void answer_delayed(const Chat& chat, ChatOp& op);
  void refuse(ChatOp& op);
  void keep(uint64_t number, Kept kept);
  void forget(uint64_t number);

  EngineContext& context_;
  ChatTable& chats_;
  std::map<uint64_t, Kept> kept_;  ///< By number, which is the order of entering.
  size_t kept_bytes_ = 0;
  uint64_t next_number_;
  std::vector<uint64_t> to_enter_;  ///< This turn's.
  std::vector<DelayKey> to_remove_;
};

}  // namespace chat
