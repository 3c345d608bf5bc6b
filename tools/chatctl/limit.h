// The --limit of every list.
// Thread rule: a pure function.
#pragma once

#include "tools/chatctl/verb.h"

namespace chat::ctl {

/// The value of --limit, 0 = all. Error: invalid_argument.
Result<uint64_t> parse_limit(const Invocation& invocation);

}  // namespace chat::ctl
