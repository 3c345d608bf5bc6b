#include "sim/live/roster.h"

#include <fmt/format.h>

#include "core/base/assert.h"

namespace chat::sim {

Roster::Roster(const Population& population, uint32_t tag) : population_(population), tag_(tag) {
  CHAT_ASSERT(tag > 0 && tag <= kTagMax);
  chat_ids_.reserve(population.chat_count());
  chats_.reserve(population.chat_count());
  for (uint32_t chat = 0; chat < population.chat_count(); ++chat) {
    const auto members = population.members(chat);
    chat_ids_.push_back(population.kind(chat) == ChatKind::direct
                            ? ChatId::direct(user_id(members[0]), user_id(members[1]))
                            : ChatId::named(chat_name(chat)));
    chats_.emplace(chat_ids_.back(), chat);
  }
}

std::string Roster::run_id() const { return fmt::format("{:06x}", tag_); }

// Explicit ids of imported users begin at 2^40.
UserId Roster::user_id(uint32_t user) const {
  return UserId{(uint64_t{tag_} << 40) + uint64_t{user} + 1};
}

std::string Roster::user_name(uint32_t user) const {
  return fmt::format("sim-{:06x}-{}", tag_, user);
}

std::string Roster::email(uint32_t user) const {
  return fmt::format("sim-{:06x}-{}@example.org", tag_, user);
}

std::string Roster::password() const { return fmt::format("correct horse {:06x}", tag_); }

std::string Roster::device_id(uint32_t user) const { return fmt::format("d{:06x}-{}", tag_, user); }

std::string Roster::chat_name(uint32_t chat) const {
  return fmt::format("sim-{:06x}-{}", tag_, chat);
}

std::optional<uint32_t> Roster::find_chat(const ChatId& chat) const {
  const auto found = chats_.find(chat);
  if (found == chats_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> Roster::import_parts(bool passwords, size_t bytes_max) const {
  std::vector<std::string> parts(1);
  const auto add = [&](const std::string& line) {
    if (!parts.back().empty() && parts.back().size() + line.size() > bytes_max) {
      parts.emplace_back();
    }
    parts.back() += line;
  };
  for (uint32_t user = 0; user < population_.user_count(); ++user) {
    std::string line = fmt::format(R"({{"user":{{"user_id":{},"user_name":"{}")",
                                   user_id(user).value, user_name(user));
    if (passwords) {
      line += fmt::format(R"(,"email":"{}","password":"{}")", email(user), password());
    }
    add(line + "}}\n");
  }
  parts.emplace_back();
  for (uint32_t chat = 0; chat < population_.chat_count(); ++chat) {
    const ChatKind kind = population_.kind(chat);
    if (kind == ChatKind::direct) continue;
    std::string line =
        fmt::format(R"({{"chat":{{"name":"{0}","kind":"{1}","title":"{0}","member_ids":[)",
                    chat_name(chat), kind == ChatKind::room ? "ROOM" : "GROUP");
    const char* comma = "";
    for (const uint32_t user : population_.members(chat)) {
      line += fmt::format("{}{}", comma, user_id(user).value);
      comma = ",";
    }
    add(line + "]}}\n");
  }
  if (parts.back().empty()) parts.pop_back();
  return parts;
}

}  // namespace chat::sim
