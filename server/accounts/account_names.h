// What user names, e-mail addresses and passwords may look like, and the form in which addresses
// are compared. Decides nothing about what is taken. Thread rule: plain functions.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"

namespace chat {

/// 1 to 64 bytes of valid UTF-8 without control characters, without '@', no space at either end,
/// and not only digits: so an operator's key is an id, a name or an e-mail address, never two of
/// them.
Status check_user_name(std::string_view user_name);

/// The address in lower case (ASCII letters). At most 254 bytes, one '@' with something on both
/// sides, no spaces or control characters; whether mail arrives there is not known.
Result<std::string> normal_email(std::string_view email);

/// 8 to 1,024 bytes.
Status check_password(std::string_view password);

}  // namespace chat
