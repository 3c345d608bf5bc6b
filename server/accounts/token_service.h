// TokenService: mints and verifies access tokens (JWT, HS256) with a key that lives in the data
// directory. Claims: sub = user id in decimal digits, name, sid = the log-in's id (absent in tokens
// that an operator made), iat and iat_ms, exp. It refuses the tokens of log-ins that it was told to
// have ended. Thread rule: every function from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/time.h"
#include "core/engine/io.h"
#include "server/accounts/ended_tokens.h"

namespace chat {

class TokenService {
 public:
  /// Tokens of log-ins last at most this long, those of an operator this long.
  static constexpr Duration kLoginTtlMax = seconds(30 * 24 * 3600);
  static constexpr Duration kTtlMax = seconds(int64_t{366} * 24 * 3600);

  /// Loads the key file at `key_path` (DATA_DIR/token.key), or makes it at the first start.
  static Result<std::unique_ptr<TokenService>> open(const std::string& key_path);
  /// With a key of 32 bytes.
  explicit TokenService(std::string key) : key_(std::move(key)) {}

  /// A token that speaks for `user` until now + ttl, rounded up to whole seconds.
  Result<std::string> mint(UserId user, std::string_view name, WallTime now, Duration ttl,
                           LoginId login = {}) const;

  /// Who the token speaks for; Error unauthenticated says why it does not: malformed, another
  /// algorithm, a wrong signature, expired, or of a log-in that has ended.
  Result<Identity> verify(const std::string& token, WallTime now) const;

  /// The tokens of these log-ins are refused from now on.
  void end(const AccountChanged& change, WallTime now) { ended_.add(change, now); }

 private:
  const std::string key_;
  EndedTokens ended_{kLoginTtlMax, kTtlMax};
};

}  // namespace chat
