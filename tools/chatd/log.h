// The log of chatd: lines on standard error, as text or JSON. Secrets are never handed to it.
// Thread rule: any thread, once set up.
#pragma once

#include <string>

namespace chat {

/// `level` and `format` as ChatdOptions has them.
void set_up_log(const std::string& level, const std::string& format);
void set_log_level(const std::string& level);

}  // namespace chat
