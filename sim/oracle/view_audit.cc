#include "sim/oracle/view_audit.h"

#include <algorithm>

#include "core/base/digest.h"
#include "core/wire/chat.pb.h"
#include "sim/oracle/witness.h"

namespace chat::sim {

void ViewAudit::truth(const ChatId& id, const v1::Event& event) {
  Chat& chat = chats_[id];
  const uint64_t seq = event.seq();
  if (event.has_message()) {
    chat.texts[seq].emplace_back(seq, hash_bytes(event.message().text()));
  } else if (event.has_edited()) {
    chat.texts[event.edited().target_seq()].emplace_back(seq, hash_bytes(event.edited().text()));
  } else if (event.has_deleted()) {
    chat.deletions.try_emplace(event.deleted().target_seq(), seq);
  } else if (event.has_tombstone()) {
    chat.tombstones[seq] = event.tombstone().deleted_by_seq();
  } else if (event.has_reaction()) {
    const v1::Reaction& said = event.reaction();
    chat.reactions[{said.target_seq(), event.actor().user_id(), said.reaction()}].push_back(seq);
  }
  const TruthEvent members = truth_of(event);
  for (UserId user : members.joined) chat.members[user].push_back({seq, kStillMember});
  const auto end = [&](UserId user) {
    std::vector<SeqRange>& stays = chat.members[user];
    if (!stays.empty() && stays.back().last == kStillMember) stays.back().last = seq;
  };
  for (UserId user : members.left) end(user);
  for (UserId user : members.banned) end(user);
}

void ViewAudit::judge_logs(std::vector<std::string>& violations) const {
  for (const auto& [id, chat] : chats_) {
    for (const auto& [target, by] : chat.deletions) {
      const auto left = chat.texts.find(target);
      if (left == chat.texts.end()) continue;
      violations.push_back("chat " + id.hex() + " deleted seq " + std::to_string(target) + " at " +
                           std::to_string(by) + " and has kept its text at seq " +
                           std::to_string(left->second.back().first));
    }
    for (const auto& [seq, by] : chat.tombstones) {
      const bool true_one = std::any_of(chat.deletions.begin(), chat.deletions.end(),
                                        [&, at = by](const auto& d) { return d.second == at; });
      if (true_one) continue;
      violations.push_back("chat " + id.hex() + " seq " + std::to_string(seq) +
                           " is a tombstone without a deletion");
    }
  }
}

bool ViewAudit::gets(const ChatId& id, const Chat& chat, UserId user, uint64_t seq) {
  if (id.is_direct()) return true;
  const auto stays = chat.members.find(user);
  return stays != chat.members.end() &&
         std::any_of(stays->second.begin(), stays->second.end(),
                     [&](const SeqRange& stay) { return stay.first <= seq && seq <= stay.last; });
}

void ViewAudit::judge_view(UserId user, const std::string& device_id, const ChatId& id,
                           const MessageView& view, std::vector<std::string>& violations) const {
  const auto found = chats_.find(id);
  if (found == chats_.end()) return;  // The oracle calls it phantoms.
  const Chat& chat = found->second;
  const auto violation = [&](uint64_t seq, const char* what) {
    violations.push_back(device_id + " shows chat " + id.hex() + " seq " + std::to_string(seq) +
                         " " + what);
  };
  for (uint64_t seq = 1; seq < view.end(); ++seq) {
    const ShownMessage shown = view.at(seq);
    const bool gone = shown.deleted || shown.buried;
    if (!gone && shown.text_seq == 0) continue;
    if (const auto deletion = chat.deletions.find(seq); deletion != chat.deletions.end()) {
      if (!gone && gets(id, chat, user, deletion->second)) violation(seq, "that was deleted");
      continue;
    }
    if (chat.tombstones.contains(seq)) continue;  // A buried edit.
    if (gone) violation(seq, "as deleted");
    const auto texts = chat.texts.find(seq);
    if (gone || texts == chat.texts.end()) continue;
    uint64_t last = 0;
    for (const auto& [at, text] : texts->second) {
      if (gets(id, chat, user, at)) last = text;
    }
    if (last != 0 && shown.text != last) violation(seq, "with an old text");
  }
  for (const auto& [reaction, state] : view.reactions()) {
    const auto said = chat.reactions.find(reaction);
    uint64_t last = 0;
    for (uint64_t at : said == chat.reactions.end() ? std::vector<uint64_t>() : said->second) {
      if (gets(id, chat, user, at)) last = at;
    }
    if (last > state.seq) violation(last, "not as the last word of a reaction");
  }
}

}  // namespace chat::sim
