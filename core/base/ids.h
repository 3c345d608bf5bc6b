// The strong ids of the system. Two ids of different kinds never mix by accident.
// ChatId's layout is frozen (it is a stored key prefix): direct = smaller UserId then larger
// UserId, big-endian; group and room = top bit set, 47 bits of ms time, 80 random bits. UserIds
// have 63 bits, so the forms differ.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/random.h"
#include "core/base/time.h"

namespace chat {

/// A 64-bit id that only compares with its own kind; 0 means "none".
template <class Tag>
struct StrongId {
  uint64_t value = 0;
  constexpr auto operator<=>(const StrongId&) const = default;
  constexpr explicit operator bool() const { return value != 0; }
};

using UserId = StrongId<struct UserIdTag>;          ///< 63 bits, given by the AccountStore.
using ConnId = StrongId<struct ConnIdTag>;          ///< One connection; never reused by an engine.
using SessionId = StrongId<struct SessionIdTag>;    ///< Grows per user; one attach of one device.
using LoginId = StrongId<struct LoginIdTag>;        ///< One log-in of a user; grows.
using EngineId = StrongId<struct EngineIdTag>;      ///< A place in the cluster; survives restarts.
using Incarnation = StrongId<struct IncarnationTag>;  ///< One life of an engine; grows.
using StoreToken = StrongId<struct StoreTokenTag>;  ///< Matches a StoreDone to its Store.
using AuthToken = StrongId<struct AuthTokenTag>;    ///< Matches an AuthDone to its Authenticate.
using AccountToken = StrongId<struct AccountTokenTag>;  ///< Matches an AccountDone to its Account.
using DelayToken = StrongId<struct DelayTokenTag>;      ///< Matches a DelayDone to its Delay.
using RequestId = StrongId<struct RequestIdTag>;    ///< The driver's id; echoed in Response.

inline constexpr uint64_t kUserIdMax = (uint64_t{1} << 63) - 1;

/// One life of one engine: what PeerLinks and leases are bound to.
struct EngineRef {
  EngineId id;
  Incarnation incarnation;
  constexpr auto operator<=>(const EngineRef&) const = default;
};

/// The key under which all of a chat is stored.
class ChatId {
 public:
  static constexpr size_t kSize = 16;

  ChatId() = default;
  /// The id of the 1:1 chat of two users, in either order.
  static ChatId direct(UserId a, UserId b);
  /// A new id for a group or room.
  static ChatId random(WallTime now, Random& random);
  /// A fixed id for a group or room known by `name` elsewhere (imports): same name, same id.
  static ChatId named(std::string_view name);
  /// From its 16 bytes; nullopt when the size differs or the bytes are no valid id.
  static std::optional<ChatId> from_bytes(std::string_view bytes);
  /// From 32 hexadecimal digits, as the tools print it.
  static std::optional<ChatId> from_hex(std::string_view hex);

  bool is_direct() const { return (bytes_[0] & 0x80) == 0; }
  /// The two users of a direct chat, smaller first.
  std::array<UserId, 2> direct_users() const;
  std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), kSize}; }
  std::string str() const { return std::string(bytes()); }
  std::string hex() const;
  uint64_t hash() const;

  auto operator<=>(const ChatId&) const = default;

 private:
  std::array<uint8_t, kSize> bytes_{};
};

/// The client's idempotency key of one operation (client_msg_id, client_op_id): 16 bytes.
struct OpKey {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const OpKey&) const = default;
  static std::optional<OpKey> from_bytes(std::string_view bytes);
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), 16}; }
};

/// `bytes` as lower-case hexadecimal digits.
std::string to_hex(std::string_view bytes);
/// The bytes of an even number of hexadecimal digits, or nullopt.
std::optional<std::string> bytes_from_hex(std::string_view hex);

struct IdHash {
  template <class Tag>
  size_t operator()(StrongId<Tag> id) const { return mix64(id.value); }
  size_t operator()(const ChatId& id) const { return id.hash(); }
};

}  // namespace chat
