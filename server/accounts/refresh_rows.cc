#include "server/accounts/refresh_rows.h"

#include "server/accounts/secrets.h"

namespace chat {
namespace {

void forget_expired(soci::session& sql, WallTime now) {
  const long long now_ms = now.ms;
  sql << "DELETE FROM refresh_families WHERE id IN"
         " (SELECT family_id FROM refresh_tokens WHERE expires_ms <= :now) AND NOT EXISTS"
         " (SELECT 1 FROM refresh_tokens t WHERE t.family_id = refresh_families.id"
         " AND t.expires_ms > :now2)",
      soci::use(now_ms), soci::use(now_ms);
  sql << "DELETE FROM refresh_tokens WHERE expires_ms <= :now", soci::use(now_ms);
}

std::string add_token(soci::session& sql, long long family, WallTime now, Duration ttl) {
  std::string token = random_token();
  const std::string hash = hash_token(token);
  const long long expires_ms = (now + ttl).ms;
  sql << "INSERT INTO refresh_tokens (hash, family_id, expires_ms) VALUES (:h, :f, :e)",
      soci::use(hash), soci::use(family), soci::use(expires_ms);
  return token;
}

void revoke(soci::session& sql, long long family, WallTime now) {
  const long long now_ms = now.ms;
  sql << "UPDATE refresh_families SET revoked_ms = :now WHERE id = :f AND revoked_ms IS NULL",
      soci::use(now_ms), soci::use(family);
}

}  // namespace

std::string open_refresh_family(soci::session& sql, UserId user, WallTime now, Duration ttl) {
  forget_expired(sql, now);
  const auto user_id = static_cast<long long>(user.value);
  long long family = 0;
  sql << "INSERT INTO refresh_families (user_id) VALUES (:u)", soci::use(user_id);
  sql << "SELECT last_insert_rowid()", soci::into(family);
  return add_token(sql, family, now, ttl);
}

Rotation rotate_refresh(soci::session& sql, std::string_view token, WallTime now, Duration ttl) {
  const std::string hash = hash_token(token);
  const long long now_ms = now.ms;
  long long family = 0;
  long long user = 0;
  long long expires_ms = 0;
  int used = 0;
  int revoked = 0;
  sql << "SELECT f.id, f.user_id, t.expires_ms, t.used_ms IS NOT NULL, f.revoked_ms IS NOT NULL"
         " FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family_id WHERE t.hash = :h",
      soci::into(family), soci::into(user), soci::into(expires_ms), soci::into(used),
      soci::into(revoked), soci::use(hash);
  if (!sql.got_data()) return {Rotation::Outcome::unknown, {}, {}};
  if (revoked) return {Rotation::Outcome::revoked, {}, {}};
  if (used) {
    revoke(sql, family, now);
    return {Rotation::Outcome::reused, {}, {}};
  }
  if (expires_ms <= now_ms) return {Rotation::Outcome::expired, {}, {}};
  sql << "UPDATE refresh_tokens SET used_ms = :now WHERE hash = :h", soci::use(now_ms),
      soci::use(hash);
  return {Rotation::Outcome::rotated, UserId{static_cast<uint64_t>(user)},
          add_token(sql, family, now, ttl)};
}

void revoke_refresh_family(soci::session& sql, std::string_view token, WallTime now) {
  const std::string hash = hash_token(token);
  long long family = 0;
  sql << "SELECT family_id FROM refresh_tokens WHERE hash = :h", soci::into(family),
      soci::use(hash);
  if (sql.got_data()) revoke(sql, family, now);
}

}  // namespace chat
