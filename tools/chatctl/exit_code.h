// The exit codes of chatctl, and which error leads to which. Frozen: scripts depend on them;
// docs/operations.md lists them.
// Thread rule: pure functions.
#pragma once

#include "core/base/error.h"

namespace chat::ctl {

enum class ExitCode : int {
  ok = 0,
  failed = 1,
  usage = 2,        ///< The command line is wrong, or chatd refused one of its values.
  not_found = 3,    ///< The user or chat does not exist.
  auth = 4,         ///< chatd wants credentials, or others.
  unreachable = 5,  ///< chatd does not answer, or answers that it cannot serve now.
};

inline ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::too_large:
      return ExitCode::usage;
    case ErrorCode::not_found:
      return ExitCode::not_found;
    case ErrorCode::unauthenticated:
    case ErrorCode::permission_denied:
      return ExitCode::auth;
    case ErrorCode::unavailable:
      return ExitCode::unreachable;
    case ErrorCode::already_exists:
    case ErrorCode::rate_limited:
    case ErrorCode::corrupt:
    case ErrorCode::internal:
      return ExitCode::failed;
  }
  return ExitCode::failed;
}

}  // namespace chat::ctl
