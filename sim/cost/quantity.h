// Quantity: what a server's load is counted in, for costs and for plans: levels (connections,
// users …) and things that happen (turns, frames, rows …). Each is what chatd's status tells, or a
// sum of it. Quantities is one value for each of them: levels as such, the others per second.
// Thread rule: plain values and pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace chat::sim {

enum class Quantity : uint8_t {
  server,
  connection,
  session,
  user,
  chat,
  turn,
  heartbeat,
  send,
  frame_in,
  write_out,
  byte,
  delivery,
  peer_frame,
  store_batch,
  store_row,
  store_byte,
  store_read,
  sync_page,
  accept,
};
inline constexpr size_t kQuantityCount = 19;

/// Which role of chatd has the work.
enum class Role : uint8_t { session, home };

struct QuantityInfo {
  Quantity quantity;
  std::string_view name;
  std::string_view meaning;  ///< Of one of it.
  bool level = false;        ///< There are so many; not: there happen so many per second.
  Role role = Role::session;
  /// The counters of chatd's status whose sum it is, as "a+b-c"; those of the store begin with
  /// "store.". Empty: 1 for every server.
  std::string_view counters;
};

/// All, in the order of the enumeration.
std::span<const QuantityInfo> quantities();
const QuantityInfo& info_of(Quantity quantity);
inline std::string_view name_of(Quantity quantity) { return info_of(quantity).name; }
std::optional<Quantity> quantity_named(std::string_view name);

/// One value per quantity.
struct Quantities {
  std::array<double, kQuantityCount> values{};

  double& operator[](Quantity quantity) { return values[static_cast<size_t>(quantity)]; }
  double operator[](Quantity quantity) const { return values[static_cast<size_t>(quantity)]; }
  Quantities& operator+=(const Quantities& other);
};

}  // namespace chat::sim
