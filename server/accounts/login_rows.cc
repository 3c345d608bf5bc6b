#include "server/accounts/login_rows.h"

#include "server/accounts/secrets.h"

namespace chat {
namespace {

// A log-in is forgotten with its last token; one that has ended only when nobody has to be told any
// more.
void forget_expired(soci::session& sql, WallTime now) {
  const long long now_ms = now.ms;
  const long long ended_ms = now.ms - kEndedLoginKept.ms();
  sql << "DELETE FROM logins WHERE ended_ms <= :ended", soci::use(ended_ms);
  sql << "DELETE FROM logins WHERE ended_ms IS NULL AND id IN"
         " (SELECT login_id FROM refresh_tokens WHERE expires_ms <= :now) AND NOT EXISTS"
         " (SELECT 1 FROM refresh_tokens t WHERE t.login_id = logins.id AND t.expires_ms > :now2)",
      soci::use(now_ms), soci::use(now_ms);
  sql << "DELETE FROM refresh_tokens WHERE expires_ms <= :now", soci::use(now_ms);
}

std::string add_token(soci::session& sql, long long login, WallTime now, Duration ttl) {
  std::string token = random_token();
  const std::string hash = hash_token(token);
  const long long expires_ms = (now + ttl).ms;
  const long long now_ms = now.ms;
  sql << "INSERT INTO refresh_tokens (hash, login_id, expires_ms) VALUES (:h, :l, :e)",
      soci::use(hash), soci::use(login), soci::use(expires_ms);
  sql << "UPDATE logins SET used_ms = :now WHERE id = :l", soci::use(now_ms), soci::use(login);
  return token;
}

LoginId login_of(long long id) { return LoginId{static_cast<uint64_t>(id)}; }

}  // namespace

OpenedLogin insert_login(soci::session& sql, UserId user, WallTime now, Duration ttl) {
  forget_expired(sql, now);
  const auto user_id = static_cast<long long>(user.value);
  const long long now_ms = now.ms;
  long long login = 0;
  sql << "INSERT INTO logins (user_id, created_ms, used_ms) VALUES (:u, :now, :now2)",
      soci::use(user_id), soci::use(now_ms), soci::use(now_ms);
  sql << "SELECT last_insert_rowid()", soci::into(login);
  return {login_of(login), add_token(sql, login, now, ttl)};
}

Renewal renew_login_row(soci::session& sql, std::string_view token, WallTime now, Duration ttl) {
  const std::string hash = hash_token(token);
  const long long now_ms = now.ms;
  long long login = 0;
  long long user = 0;
  long long expires_ms = 0;
  int used = 0;
  int ended = 0;
  sql << "SELECT l.id, l.user_id, t.expires_ms, t.used_ms IS NOT NULL, l.ended_ms IS NOT NULL"
         " FROM refresh_tokens t JOIN logins l ON l.id = t.login_id WHERE t.hash = :h",
      soci::into(login), soci::into(user), soci::into(expires_ms), soci::into(used),
      soci::into(ended), soci::use(hash);
  Renewal renewal;
  renewal.refusal = RefreshRefusal::unknown;
  if (!sql.got_data()) return renewal;
  renewal.user = UserId{static_cast<uint64_t>(user)};
  renewal.login = login_of(login);
  if (ended) {
    renewal.refusal = RefreshRefusal::ended;
  } else if (used) {
    end_login_rows(sql, renewal.user, renewal.login, std::nullopt, now);
    renewal.refusal = RefreshRefusal::reused;
  } else if (expires_ms <= now_ms) {
    renewal.refusal = RefreshRefusal::expired;
  } else {
    renewal.refusal.reset();
    sql << "UPDATE refresh_tokens SET used_ms = :now WHERE hash = :h", soci::use(now_ms),
        soci::use(hash);
    renewal.refresh_token = add_token(sql, login, now, ttl);
  }
  return renewal;
}

std::vector<Login> select_logins(soci::session& sql, UserId user, WallTime now) {
  const auto user_id = static_cast<long long>(user.value);
  const long long now_ms = now.ms;
  long long id = 0;
  long long created_ms = 0;
  long long used_ms = 0;
  soci::statement statement =
      (sql.prepare << "SELECT id, created_ms, used_ms FROM logins WHERE user_id = :u"
                      " AND ended_ms IS NULL AND EXISTS (SELECT 1 FROM refresh_tokens t"
                      " WHERE t.login_id = logins.id AND t.used_ms IS NULL"
                      " AND t.expires_ms > :now) ORDER BY id",
       soci::into(id), soci::into(created_ms), soci::into(used_ms), soci::use(user_id),
       soci::use(now_ms));
  statement.execute();
  std::vector<Login> logins;
  while (statement.fetch()) {
    logins.push_back({login_of(id), WallTime{created_ms}, WallTime{used_ms}});
  }
  return logins;
}

std::vector<LoginId> end_login_rows(soci::session& sql, UserId user, std::optional<LoginId> only,
                                    std::optional<LoginId> kept, WallTime now) {
  std::string which = " WHERE ended_ms IS NULL AND user_id = " + std::to_string(user.value);
  if (only) which += " AND id = " + std::to_string(only->value);
  if (kept) which += " AND id <> " + std::to_string(kept->value);
  std::vector<LoginId> ended;
  {
    long long id = 0;
    soci::statement statement =
        (sql.prepare << "SELECT id FROM logins" + which + " ORDER BY id", soci::into(id));
    statement.execute();
    while (statement.fetch()) ended.push_back(login_of(id));
  }
  sql << "UPDATE logins SET ended_ms = " + std::to_string(now.ms) + which;
  return ended;
}

void end_tokens_of_user(soci::session& sql, UserId user, WallTime now) {
  const auto user_id = static_cast<long long>(user.value);
  const long long now_ms = now.ms;
  sql << "UPDATE users SET tokens_ended_ms = :now WHERE id = :u", soci::use(now_ms),
      soci::use(user_id);
}

std::vector<AccountChanged> select_ended_after(soci::session& sql, WallTime since) {
  const long long since_ms = since.ms;
  long long user = 0;
  long long number = 0;
  std::vector<AccountChanged> changes;
  soci::statement whole_users =
      (sql.prepare << "SELECT id, tokens_ended_ms FROM users WHERE tokens_ended_ms > 0 ORDER BY id",
       soci::into(user), soci::into(number));
  whole_users.execute();
  while (whole_users.fetch()) {
    changes.push_back(
        {.user = UserId{static_cast<uint64_t>(user)}, .ended_until = WallTime{number}});
  }
  soci::statement logins =
      (sql.prepare << "SELECT user_id, id FROM logins WHERE ended_ms > :since ORDER BY id",
       soci::into(user), soci::into(number), soci::use(since_ms));
  logins.execute();
  while (logins.fetch()) {
    changes.push_back({.user = UserId{static_cast<uint64_t>(user)}, .ended = {login_of(number)}});
  }
  return changes;
}

}  // namespace chat
