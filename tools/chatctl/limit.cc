#include "tools/chatctl/limit.h"

#include "tools/common/quantity.h"

namespace chat::ctl {

Result<uint64_t> parse_limit(const Invocation& invocation) {
  const auto limit = parse_integer(invocation.option("limit"));
  if (!limit) return make_error(ErrorCode::invalid_argument, "--limit: " + limit.error().text);
  if (*limit < 0) return make_error(ErrorCode::invalid_argument, "--limit: below 0");
  return static_cast<uint64_t>(*limit);
}

}  // namespace chat::ctl
