#include "server/accounts/account_names.h"

#include <algorithm>

#include "core/base/utf8.h"

namespace chat {
namespace {

constexpr size_t kUserNameBytesMax = 64;
constexpr size_t kEmailBytesMax = 254;
constexpr size_t kPasswordBytesMin = 8;
constexpr size_t kPasswordBytesMax = 1024;

Error refused(const char* why) { return make_error(ErrorCode::invalid_argument, why); }

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }
bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

}  // namespace

Status check_user_name(std::string_view name) {
  if (name.empty()) return refused("the user name is empty");
  if (name.size() > kUserNameBytesMax) return refused("the user name is over 64 bytes");
  if (std::any_of(name.begin(), name.end(), is_control) || !is_utf8(name)) {
    return refused("the user name has control characters or is not UTF-8");
  }
  if (name.find('@') != name.npos) return refused("the user name has an '@'");
  if (name.front() == ' ' || name.back() == ' ') {
    return refused("the user name begins or ends with a space");
  }
  if (std::all_of(name.begin(), name.end(), is_digit)) {
    return refused("the user name has only digits");
  }
  return {};
}

Result<std::string> normal_email(std::string_view email) {
  const size_t at = email.find('@');
  const bool one_at = at != email.npos && email.find('@', at + 1) == email.npos;
  if (!one_at || at == 0 || at + 1 == email.size()) {
    return refused("the e-mail address is not of the form name@domain");
  }
  if (email.size() > kEmailBytesMax) return refused("the e-mail address is over 254 bytes");
  std::string normal(email);
  for (char& c : normal) {
    if (is_control(static_cast<unsigned char>(c)) || c == ' ') {
      return refused("the e-mail address has spaces or control characters");
    }
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (!is_utf8(normal)) return refused("the e-mail address is not UTF-8");
  return normal;
}

Status check_password(std::string_view password) {
  if (password.size() < kPasswordBytesMin) return refused("the password is under 8 bytes");
  if (password.size() > kPasswordBytesMax) return refused("the password is over 1,024 bytes");
  return {};
}

}  // namespace chat
