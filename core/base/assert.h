// CHAT_ASSERT: a broken invariant of ours ends the process, in release builds too.
// Bad input of a peer, the disk or an operator is an Error and never comes here.
#pragma once

namespace chat {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

#define CHAT_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::chat::assertion_failed(#expression, __FILE__, __LINE__))
