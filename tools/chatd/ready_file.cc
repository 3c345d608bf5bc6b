#include "tools/chatd/ready_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace chat {
namespace {

/// An address that a client on this machine can connect to.
std::string url_of(HostPort address) {
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return "http://" + format_host_port(address);
}

}  // namespace

Status write_ready_file(const std::string& path, const HostPort& served, const HostPort& admin) {
  if (path.empty()) return {};
  const std::string fresh = path + ".new";
  std::ofstream out(fresh, std::ios::trunc);
  out << fmt::format(R"({{"public":"{}","admin":"{}","pid":{}}})", url_of(served), url_of(admin),
                     getpid())
      << '\n';
  out.close();
  if (!out || std::rename(fresh.c_str(), path.c_str()) != 0) {
    return make_error(ErrorCode::unavailable, fmt::format("the ready file {} cannot be written: {}",
                                                          path, std::strerror(errno)));
  }
  return {};
}

void remove_ready_file(const std::string& path) {
  if (!path.empty()) std::remove(path.c_str());
}

}  // namespace chat
