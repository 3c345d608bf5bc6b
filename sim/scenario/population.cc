#include "sim/scenario/population.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "core/base/assert.h"
#include "sim/scenario/zipf.h"

namespace chat::sim {
namespace {

constexpr uint32_t kKinds = 3;  // direct, group, room

uint32_t slot_of(ChatKind kind) { return static_cast<uint32_t>(kind) - 1; }

void shuffle(std::span<uint32_t> items, Random& random) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

std::vector<uint32_t> shuffled_users(uint32_t count, Random& random) {
  std::vector<uint32_t> users(count);
  std::iota(users.begin(), users.end(), 0u);
  shuffle(users, random);
  return users;
}

/// Deals users like cards from a shuffled pack: memberships spread evenly, each hand holds nobody
/// twice.
class Deck {
 public:
  Deck(uint32_t users, Random& random) : random_(random), cards_(shuffled_users(users, random)) {}

  std::vector<uint32_t> deal(uint32_t count) {
    CHAT_ASSERT(count <= cards_.size());
    std::vector<uint32_t> hand;
    if (cards_.size() - next_ < count) {
      // The rest of the pack goes out first; the new pack is shuffled behind it.
      hand.assign(cards_.begin() + static_cast<std::ptrdiff_t>(next_), cards_.end());
      shuffle(cards_, random_);
      const std::unordered_set<uint32_t> held(hand.begin(), hand.end());
      std::stable_partition(cards_.begin(), cards_.end(),
                            [&](uint32_t user) { return held.count(user) == 0; });
      next_ = 0;
    }
    while (hand.size() < count) hand.push_back(cards_[next_++]);
    return hand;
  }

 private:
  Random& random_;
  std::vector<uint32_t> cards_;
  size_t next_ = 0;
};

}  // namespace

Population::Population(const Scenario& scenario, const Random& random) {
  draw_traits(scenario, random);
  draw_direct(scenario, random.fork("direct"));
  draw_groups(scenario, random.fork("groups"));
  draw_rooms(scenario, random.fork("rooms"));
  index_chats(random);
  draw_weights(scenario, random.fork("ranks"));
}

void Population::draw_traits(const Scenario& scenario, const Random& random) {
  const uint32_t users = scenario.users;
  traits_.resize(users);
  for (uint32_t user = 0; user < users; ++user) {
    Random own = random.fork("traits", user);
    UserTraits& traits = traits_[user];
    const double place = scenario.arrival.model == Arrival::Model::constant
                             ? static_cast<double>(user) / users
                             : own.unit();
    traits.arrives = {static_cast<int64_t>(place * static_cast<double>(scenario.arrival.over.ns))};
    traits.json = own.unit() < scenario.json_share;
    traits.mobile = own.unit() < scenario.drops.users_share;
    traits.slow = own.unit() < scenario.slow_readers.users_share;
  }
}

void Population::draw_weights(const Scenario& scenario, Random random) {
  const std::vector<uint32_t> ranks = shuffled_users(user_count(), random);
  double sum = 0;
  std::vector<double> weights(user_count());
  for (uint32_t user = 0; user < user_count(); ++user) {
    if (!can_send(user, scenario.sends)) continue;
    weights[user] = std::pow(ranks[user] + 1, -scenario.activity.users_skew);
    sum += weights[user];
  }
  for (uint32_t user = 0; user < user_count() && sum > 0; ++user) {
    traits_[user].weight = static_cast<float>(weights[user] / sum * user_count());
  }
}

bool Population::can_send(uint32_t user, const SendLoad& sends) const {
  if (traits_[user].slow) return false;
  return (sends.direct_share > 0 && !chats_of(user, ChatKind::direct).empty()) ||
         (sends.group_share > 0 && !chats_of(user, ChatKind::group).empty()) ||
         (sends.room_share > 0 && !chats_of(user, ChatKind::room).empty());
}

void Population::draw_direct(const Scenario& scenario, Random random) {
  // Each round pairs everybody with one partner, so that all have the same number of direct chats.
  std::unordered_set<uint64_t> known;
  std::vector<uint32_t> users = shuffled_users(scenario.users, random);
  for (uint32_t round = 0; round < scenario.chats.direct_per_user; ++round) {
    shuffle(users, random);
    for (size_t i = 0; i + 1 < users.size(); i += 2) {
      const auto [low, high] = std::minmax(users[i], users[i + 1]);
      if (!known.insert(uint64_t{low} << 32 | high).second) continue;
      add_chat(ChatKind::direct, std::array{low, high});
    }
  }
}

void Population::draw_groups(const Scenario& scenario, Random random) {
  if (scenario.chats.groups == 0) return;
  const SizeRange& size = scenario.chats.group_size;
  const Zipf sizes(size.max - size.min + 1, size.skew);
  Deck deck(scenario.users, random);
  for (uint32_t i = 0; i < scenario.chats.groups; ++i) {
    add_chat(ChatKind::group, deck.deal(size.min + sizes.draw(random)));
  }
}

void Population::draw_rooms(const Scenario& scenario, Random random) {
  if (scenario.chats.rooms == 0) return;
  Deck deck(scenario.users, random);
  for (uint32_t i = 0; i < scenario.chats.rooms; ++i) {
    add_chat(ChatKind::room, deck.deal(scenario.chats.room_size));
  }
}

void Population::add_chat(ChatKind kind, std::span<const uint32_t> members) {
  kinds_.push_back(kind);
  members_.insert(members_.end(), members.begin(), members.end());
  member_begin_.push_back(members_.size());
}

void Population::index_chats(const Random& random) {
  chat_begin_.assign(size_t{user_count()} * kKinds + 1, 0);
  const auto cell = [](uint32_t user, ChatKind kind) {
    return size_t{user} * kKinds + slot_of(kind);
  };
  for (uint32_t chat = 0; chat < chat_count(); ++chat) {
    for (const uint32_t user : members(chat)) ++chat_begin_[cell(user, kinds_[chat]) + 1];
  }
  std::partial_sum(chat_begin_.begin(), chat_begin_.end(), chat_begin_.begin());
  chats_.resize(members_.size());
  std::vector<uint64_t> next(chat_begin_.begin(), chat_begin_.end() - 1);
  for (uint32_t chat = 0; chat < chat_count(); ++chat) {
    for (const uint32_t user : members(chat)) chats_[next[cell(user, kinds_[chat])]++] = chat;
  }
  for (uint32_t user = 0; user < user_count(); ++user) {
    Random own = random.fork("favourites", user);
    for (const ChatKind kind : {ChatKind::direct, ChatKind::group, ChatKind::room}) {
      const size_t at = cell(user, kind);
      shuffle({chats_.data() + chat_begin_[at], chats_.data() + chat_begin_[at + 1]}, own);
    }
  }
}

std::span<const uint32_t> Population::members(uint32_t chat) const {
  return {members_.data() + member_begin_[chat], members_.data() + member_begin_[chat + 1]};
}

std::span<const uint32_t> Population::chats_of(uint32_t user, ChatKind kind) const {
  const size_t at = size_t{user} * kKinds + slot_of(kind);
  return {chats_.data() + chat_begin_[at], chats_.data() + chat_begin_[at + 1]};
}

std::span<const uint32_t> Population::chats_of(uint32_t user) const {
  const size_t at = size_t{user} * kKinds;
  return {chats_.data() + chat_begin_[at], chats_.data() + chat_begin_[at + kKinds]};
}

std::optional<size_t> Population::membership(uint32_t user, uint32_t chat) const {
  const auto chats = chats_of(user, kinds_[chat]);
  const auto found = std::find(chats.begin(), chats.end(), chat);
  if (found == chats.end()) return std::nullopt;
  return static_cast<size_t>(&*found - chats_.data());
}

uint32_t Population::peer_in(uint32_t chat, uint32_t user) const {
  const auto pair = members(chat);
  CHAT_ASSERT(kinds_[chat] == ChatKind::direct && pair.size() == 2);
  return pair[0] == user ? pair[1] : pair[0];
}

}  // namespace chat::sim
