#include "server/accounts/token_service.h"

#include <jwt.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "server/accounts/secrets.h"

namespace chat {
namespace {

constexpr size_t kTokenBytesMax = 4096;

struct FreeJwt {
  void operator()(jwt_t* jwt) const { jwt_free(jwt); }
};
using Jwt = std::unique_ptr<jwt_t, FreeJwt>;

Error refused(const std::string& why) { return make_error(ErrorCode::unauthenticated, why); }

const unsigned char* bytes_of(const std::string& key) {
  return reinterpret_cast<const unsigned char*>(key.data());
}

/// libjwt answers every failure of a decode alike; this finds out which one it was.
Error why_refused(const std::string& token) {
  jwt_t* decoded = nullptr;
  if (jwt_decode(&decoded, token.c_str(), nullptr, 0) != 0) {
    return refused("the access token is malformed");
  }
  const Jwt jwt(decoded);
  const char* algorithm = jwt_get_header(jwt.get(), "alg");
  if (!algorithm || std::strcmp(algorithm, "HS256") != 0) {
    return refused("the access token is not signed with HS256");
  }
  return refused("the access token has a wrong signature");
}

/// Decimal digits of 1 or more.
std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_all = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  return is_all && number > 0 ? std::optional(number) : std::nullopt;
}

Result<UserId> user_of(jwt_t* jwt) {
  const char* subject = jwt_get_grant(jwt, "sub");
  if (!subject) return refused("the access token names no user");
  const auto id = number_of(subject);
  if (!id || *id > kUserIdMax) return refused("the access token names no valid user");
  return UserId{*id};
}

}  // namespace

Result<std::unique_ptr<TokenService>> TokenService::open(const std::string& key_path) {
  Result<std::string> key = load_or_make_key(key_path);
  if (!key) return key.error();
  return std::make_unique<TokenService>(std::move(*key));
}

Result<std::string> TokenService::mint(UserId user, std::string_view name, WallTime now,
                                       Duration ttl, LoginId login) const {
  jwt_t* made = nullptr;
  if (jwt_new(&made) != 0) return make_error(ErrorCode::internal, "libjwt: no memory");
  const Jwt jwt(made);
  const long expires_s = (now.ms + ttl.ms() + 999) / 1000;
  const bool claimed =
      jwt_add_grant(made, "sub", std::to_string(user.value).c_str()) == 0 &&
      jwt_add_grant(made, "name", std::string(name).c_str()) == 0 &&
      (!login || jwt_add_grant(made, "sid", std::to_string(login.value).c_str()) == 0) &&
      jwt_add_grant_int(made, "iat", now.ms / 1000) == 0 &&
      jwt_add_grant_int(made, "iat_ms", now.ms) == 0 &&
      jwt_add_grant_int(made, "exp", expires_s) == 0 &&
      jwt_set_alg(made, JWT_ALG_HS256, bytes_of(key_), static_cast<int>(key_.size())) == 0;
  if (!claimed) {
    return make_error(ErrorCode::internal,
                      "libjwt refused the claims of user " + std::to_string(user.value));
  }
  const std::unique_ptr<char, void (*)(void*)> text(jwt_encode_str(made), std::free);
  if (!text) return make_error(ErrorCode::internal, "libjwt: the token cannot be signed");
  return std::string(text.get());
}

Result<Identity> TokenService::verify(const std::string& token, WallTime now) const {
  if (token.empty()) return refused("there is no access token");
  if (token.size() > kTokenBytesMax) return refused("the access token is malformed: too long");
  jwt_t* decoded = nullptr;
  if (jwt_decode(&decoded, token.c_str(), bytes_of(key_), static_cast<int>(key_.size())) != 0) {
    return why_refused(token);
  }
  const Jwt jwt(decoded);
  if (jwt_get_alg(decoded) != JWT_ALG_HS256) {
    return refused("the access token is not signed with HS256");
  }
  const Result<UserId> user = user_of(decoded);
  if (!user) return user.error();
  errno = 0;
  const long expires_s = jwt_get_grant_int(decoded, "exp");
  if (errno != 0 || expires_s <= 0 || expires_s > INT64_MAX / 1000) {
    return refused("the access token has no expiry");
  }
  Identity identity;
  identity.user = *user;
  identity.expires = WallTime{expires_s * 1000};
  if (now >= identity.expires) return refused("the access token has expired");
  if (const char* name = jwt_get_grant(decoded, "name")) identity.name = name;
  identity.issued = WallTime{std::max(jwt_get_grant_int(decoded, "iat_ms"), 0L)};
  if (const char* login = jwt_get_grant(decoded, "sid")) {
    const auto id = number_of(login);
    if (!id) return refused("the access token names no valid log-in");
    identity.login = LoginId{*id};
  }
  if (ended_.contains(identity)) return refused("this log-in has ended; log in again");
  return identity;
}

}  // namespace chat
