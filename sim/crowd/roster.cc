#include "sim/crowd/roster.h"

#include <fmt/format.h>

#include <utility>

#include "core/base/assert.h"

namespace chat::sim {
namespace {

// Explicit ids of imported users begin at 2^40.
std::vector<UserId> ids_of_run(uint32_t tag, uint32_t users) {
  std::vector<UserId> ids;
  ids.reserve(users);
  for (uint32_t user = 0; user < users; ++user) {
    ids.push_back(UserId{(uint64_t{tag} << 40) + uint64_t{user} + 1});
  }
  return ids;
}

/// Lines in parts of about one size.
class Parts {
 public:
  explicit Parts(size_t bytes_max) : bytes_max_(bytes_max) {}

  void add(const std::string& line) {
    if (parts_.empty() || parts_.back().size() + line.size() >= bytes_max_) parts_.emplace_back();
    parts_.back() += line;
    parts_.back() += '\n';
  }
  std::vector<std::string> take() { return std::move(parts_); }

 private:
  size_t bytes_max_;
  std::vector<std::string> parts_;
};

}  // namespace

Roster::Roster(const Population& population, uint32_t tag)
    : Roster(population, tag, ids_of_run(tag, population.user_count())) {}

Roster::Roster(const Population& population, uint32_t tag, std::vector<UserId> users)
    : population_(population), tag_(tag), user_ids_(std::move(users)) {
  CHAT_ASSERT(tag > 0 && tag <= kTagMax && user_ids_.size() == population.user_count());
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

std::vector<std::string> Roster::import_of_users(size_t bytes_max) const {
  Parts parts(bytes_max);
  for (uint32_t user = 0; user < population_.user_count(); ++user) {
    parts.add(fmt::format(R"({{"user":{{"user_id":{},"user_name":"{}"}}}})", user_id(user).value,
                          user_name(user)));
  }
  return parts.take();
}

std::vector<std::string> Roster::import_of_chats(size_t bytes_max) const {
  Parts parts(bytes_max);
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
    parts.add(line + "]}}");
  }
  return parts.take();
}

}  // namespace chat::sim
