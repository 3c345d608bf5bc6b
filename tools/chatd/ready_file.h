// The ready file: where a chatd serves, written when it does, for whoever started it.
// Thread rule: any thread.
#pragma once

#include <string>

#include "core/base/error.h"
#include "server/transport/listen_socket.h"

namespace chat {

/// Writes {"public": URL, "admin": URL, "pid": N} in one step: it is there whole or not at all.
/// Does nothing without a path. Error unavailable names the file.
Status write_ready_file(const std::string& path, const HostPort& served, const HostPort& admin);
/// Removes it, if there is one.
void remove_ready_file(const std::string& path);

}  // namespace chat
