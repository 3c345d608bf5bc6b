// InboundLimits: how fast users and addresses may write, and connections may ask, at one engine.
// Changes of chats (sends, edits and the like) are limited per user and per address, over all of
// their connections to this engine and the REST calls that it answers; other frames per connection
// or, by REST, per user. A limit per chat is its chat home's. Nothing here refuses by itself: it
// answers with the limit that is exhausted and how long to wait. Thread rule: owned by one engine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/policy/bucket_table.h"
#include "core/policy/token_bucket.h"

namespace chat {

/// Rates of 0 mean no limit.
struct InboundRates {
  uint32_t user_sends_per_second = 0;
  uint32_t address_sends_per_second = 0;
  uint32_t frames_per_second = 0;
};

/// The burst of sends is twice their rate.
TokenBucketOptions send_bucket(uint32_t per_second);
/// The burst of other frames is ten times their rate: a device that comes back asks for a lot.
TokenBucketOptions frame_bucket(uint32_t per_second);

/// What limits per address go by: an IPv4 address, or the /64 network of an IPv6 address, for a
/// client has all addresses of one; the text itself when it is neither.
std::string limit_key(std::string_view address);

class InboundLimits {
 public:
  enum class Limit : uint8_t { none, user, address, frames };
  struct Verdict {
    Limit exhausted = Limit::none;
    Duration retry_after;
  };

  explicit InboundLimits(const InboundRates& rates);

  /// A change of a chat, from a limit_key(); counts when both limits have room.
  Verdict change(Instant now, UserId user, const std::string& source);
  /// Another frame of a connection whose bucket this is, made by frame_bucket().
  static Verdict frame(Instant now, TokenBucket& bucket);
  /// Another REST call of a user.
  Verdict call(Instant now, UserId user);

  /// New rates from now on. Buckets of connections are their owner's.
  void set_rates(const InboundRates& rates);

  /// Users and addresses that are remembered.
  size_t size() const { return users_.size() + addresses_.size() + callers_.size(); }

 private:
  BucketTable<uint64_t> users_;
  BucketTable<std::string> addresses_;
  BucketTable<uint64_t> callers_;
};

}  // namespace chat
