// Secrets: Argon2id password hashes, random tokens and their hashes, key files; all through
// libsodium. Thread rule: every function from any thread. Password functions take about 50 ms and
// 64 MiB each: never on a reactor.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"

namespace chat {

/// Prepares libsodium; every other function here may be called after it succeeded. May be called
/// again.
Status init_secrets();

/// The Argon2id hash of a password (INTERACTIVE limits) in libsodium's text form.
Result<std::string> hash_password(std::string_view password);
/// Whether `password` is the one of `hash`.
bool verify_password(const std::string& hash, std::string_view password);
/// Takes as long as verify_password and fails: for an account that does not exist.
void verify_nothing(std::string_view password);

/// 32 random bytes as base64url text.
std::string random_token();
/// What is stored of a token: its SHA-256 as hexadecimal text.
std::string hash_token(std::string_view token);

/// The 32 bytes of the key file at `path`; made, readable by its owner only, when it does not
/// exist. Errors name the file and the remedy.
Result<std::string> load_or_make_key(const std::string& path);

}  // namespace chat
