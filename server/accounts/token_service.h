// TokenService: mints and verifies access tokens (JWT, HS256) with a key that lives in the data
// directory. Claims: sub = user id in decimal digits, name, iat, exp. Thread rule: every function
// from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/time.h"
#include "core/engine/io.h"

namespace chat {

class TokenService {
 public:
  /// Loads the key file at `key_path` (DATA_DIR/token.key), or makes it at the first start.
  static Result<std::unique_ptr<TokenService>> open(const std::string& key_path);
  /// With a key of 32 bytes.
  explicit TokenService(std::string key) : key_(std::move(key)) {}

  /// A token that speaks for `user` until now + ttl, rounded up to whole seconds.
  Result<std::string> mint(UserId user, std::string_view name, WallTime now, Duration ttl) const;

  /// Who the token speaks for; Error unauthenticated says why it does not: malformed, another
  /// algorithm, a wrong signature, or expired.
  Result<Identity> verify(const std::string& token, WallTime now) const;

 private:
  const std::string key_;
};

}  // namespace chat
