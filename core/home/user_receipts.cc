#include "core/home/user_receipts.h"

#include <algorithm>

#include "core/home/replies.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr uint32_t kReceiptsPerPage = 256;  // They fit into the budget of ephemeral frames.
constexpr int kUsersPerFrame = 5'000;

void fill_list(const UserChatsListed& listed, UserId reader, peer::ReceiptList& out) {
  for (const auto& item : listed.items) {
    if (item.member.role == Role::none || item.member.left_seq != kStillMember) continue;
    for (const MemberRow& member : item.members) {
      if (member.user == reader || member.left_seq != kStillMember) continue;
      if (member.delivered_seq == 0 && member.read_seq == 0) continue;
      v1::Receipt& receipt = *out.add_receipts();
      receipt.set_chat_id(item.view.chat.str());
      receipt.set_user_id(member.user.value);
      receipt.set_delivered_seq(member.delivered_seq);
      receipt.set_read_seq(member.read_seq);
    }
  }
  if (!listed.complete && !listed.items.empty()) {
    out.set_next_after_chat_id(listed.items.back().view.chat.str());
  }
}

}  // namespace

void UserReceipts::on_receipts(peer::ReceiptFanOut& frame) {
  const auto shared = std::make_shared<const peer::ReceiptFanOut>(std::move(frame));
  Pushes pushes;
  for (uint64_t id : shared->users()) {
    User* user = users_.in_memory(UserId{id});
    if (!user) continue;
    if (user->state == User::State::ready) {
      add_push(*user, pushes);
    } else if (user->state == User::State::loading) {
      // It may have devices, or an Attach may wait that came before this.
      user->waiting.push_back([this, shared](User& loaded) {
        Pushes late;
        add_push(loaded, late);
        post(late, *shared);
      });
    }
  }
  post(pushes, *shared);
}

void UserReceipts::add_push(const User& user, Pushes& pushes) {
  EngineId last;
  for (const Device& device : user.devices) {
    if (!device.attached || !device.want_receipts || device.engine == last) continue;
    last = device.engine;
    auto& users = *pushes[device.engine].mutable_receipt_push()->mutable_users();
    if (users.empty() || *users.rbegin() != user.id.value) users.Add(user.id.value);
  }
}

void UserReceipts::post(Pushes& pushes, const peer::ReceiptFanOut& receipts) {
  for (auto& [engine, push] : pushes) {
    *push.mutable_receipt_push()->mutable_receipts() = receipts.receipts();
    context_.post(engine, std::move(push));
  }
}

void UserReceipts::list(EngineId from, const peer::HomeRequest& frame) {
  const UserId reader{frame.user()};
  const EnginePolicy& policy = context_.policy();
  const uint32_t members_max = std::max(1u, policy.receipt_push_members_max);
  ListUserChats command{.user = reader,
                        .after = ChatId::from_bytes(frame.receipts_since().after_chat_id()),
                        .limit = std::max(1u, kReceiptsPerPage / members_max)};
  command.receipts = {.since_ms = frame.receipts_since().since_ms() - policy.receipt_slack.ms(),
                      .members_max = policy.receipt_push_members_max};
  context_.store(command, [this, from, reader, id = frame.request_id()](StoreResult& result) {
    peer::Frame answer;
    answer.mutable_reply()->set_request_id(id);
    if (const auto* listed = std::get_if<UserChatsListed>(&result)) {
      fill_list(*listed, reader, *answer.mutable_reply()->mutable_receipts());
    } else {
      *answer.mutable_reply()->mutable_response() =
          error_response(v1::UNAVAILABLE, "the chat store does not answer");
    }
    context_.post(from, std::move(answer));
  });
}

void UserReceipts::on_peer_lost(EngineId peer) {
  std::map<EngineId, peer::Frame> frames;
  for (size_t i = 0; i < users_.size(); ++i) {
    const User& user = users_.at(i);
    for (const Device& device : user.devices) {
      if (!device.attached || !device.want_receipts || device.engine == peer) continue;
      auto& users = *frames[device.engine].mutable_receipts_missed()->mutable_users();
      if (users.empty() || *users.rbegin() != user.id.value) users.Add(user.id.value);
      if (users.size() < kUsersPerFrame) continue;
      context_.post(device.engine, std::exchange(frames[device.engine], {}));
    }
  }
  for (auto& [engine, frame] : frames) {
    if (frame.has_receipts_missed()) context_.post(engine, std::move(frame));
  }
}

}  // namespace chat
