// The SQL of refresh tokens, used inside AccountDatabase::run. Internal to this folder. Throws
// soci_error, which run() maps. Thread rule: the thread that runs the transaction.
#pragma once

#include <soci/soci.h>

#include <string>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/time.h"

namespace chat {

/// Opens a family for `user` with its first token, and forgets what has expired. Returns the token.
std::string open_refresh_family(soci::session& sql, UserId user, WallTime now, Duration ttl);

struct Rotation {
  enum class Outcome { rotated, unknown, expired, revoked, reused };
  Outcome outcome = Outcome::unknown;
  UserId user;        ///< rotated only.
  std::string token;  ///< rotated only: the next one.
};
/// `reused` has revoked the family: commit it.
Rotation rotate_refresh(soci::session& sql, std::string_view token, WallTime now, Duration ttl);

void revoke_refresh_family(soci::session& sql, std::string_view token, WallTime now);

}  // namespace chat
