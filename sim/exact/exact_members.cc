#include "sim/exact/exact_members.h"

#include <algorithm>
#include <utility>

#include "core/wire/chat.pb.h"

namespace chat::sim {
namespace {

constexpr Duration kRetryDelay = milliseconds(250);

}  // namespace

void ExactMembers::remove(uint32_t chat, uint32_t user, Instant at) { put(at, chat, user, false); }
void ExactMembers::add(uint32_t chat, uint32_t user, Instant at) { put(at, chat, user, true); }

void ExactMembers::put(Instant at, uint32_t chat, uint32_t user, bool add) {
  auto request = std::make_shared<v1::Request>();
  v1::ChangeMembers& change = *request->mutable_change_members();
  change.set_chat_id(roster_.chat_id(chat).str());
  if (add) {
    change.add_add(roster_.user_id(user).value);
  } else {
    change.add_remove(roster_.user_id(user).value);
  }
  OpKey key;
  const uint64_t number = ++keys_;
  std::copy_n(reinterpret_cast<const uint8_t*>(&number), sizeof number, key.bytes.begin());
  change.set_client_op_id(std::string(key.view()));
  changes_.emplace(at, std::move(request));
  world_.queue().at(at, [this] { ask_for_first(); });
}

void ExactMembers::hurry() {
  hurried_ = true;
  ask_for_first();
}

void ExactMembers::ask_for_first() {
  if (asking_ || changes_.empty()) return;
  const auto first = changes_.begin();
  if (first->first > world_.now() && !hurried_) return;
  asking_ = true;
  world_.request(first->second, [this, first](const v1::Response* response) {
    asking_ = false;
    if (response == nullptr || response->error().temporary()) {
      last_error_ = response == nullptr ? "the engine crashed" : response->error().message();
      world_.queue().after(kRetryDelay, [this] { ask_for_first(); });
      return;
    }
    if (response->has_error()) last_error_ = response->error().message();
    changes_.erase(first);
    ask_for_first();
  });
}

}  // namespace chat::sim
