#include "sim/live/endpoint.h"

#include <netdb.h>

#include <boost/json.hpp>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>

namespace chat::sim {
namespace {

Error refuse(std::string text) { return make_error(ErrorCode::invalid_argument, std::move(text)); }

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view url) {
  const std::string whole(url);
  if (url.starts_with("https://")) return refuse(whole + ": TLS is not supported, use http://");
  for (const std::string_view scheme : {"http://", "ws://"}) {
    if (url.starts_with(scheme)) url.remove_prefix(scheme.size());
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  Endpoint endpoint;
  endpoint.port = 80;
  const size_t colon = url.rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view digits = url.substr(colon + 1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) {
      return refuse(whole + ": not a port after the colon");
    }
    url = url.substr(0, colon);
  }
  if (url.empty() || url.find_first_of("/:?#@ ") != std::string_view::npos) {
    return refuse(whole + ": expected http://HOST:PORT");
  }
  endpoint.host = url;
  return endpoint;
}

std::string Endpoint::authority() const { return host + ":" + std::to_string(port); }

Result<sockaddr_in> resolve(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(endpoint.host.c_str(), nullptr, &hints, &found);
  if (code != 0 || found == nullptr) {
    return make_error(ErrorCode::unavailable, endpoint.host + ": " + gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  sockaddr_in address = *reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  address.sin_port = htons(endpoint.port);
  return address;
}

bool is_loopback(const sockaddr_in& address) {
  return (ntohl(address.sin_addr.s_addr) >> 24) == 127;
}

Result<Target> Target::open(const std::string& target, const std::string& admin) {
  Target opened;
  opened.name_ = target;
  if (!admin.empty()) {
    auto endpoint = Endpoint::parse(admin);
    if (!endpoint) return endpoint.error();
    opened.admin_ = *endpoint;
    opened.fixed_admin_ = true;
  }
  if (target.find("://") == std::string::npos) {
    opened.ready_file_ = target;
    if (Status read = opened.read_ready_file(); !read) return read.error();
    return opened;
  }
  auto endpoint = Endpoint::parse(target);
  if (!endpoint) return endpoint.error();
  opened.public_ = *endpoint;
  if (!opened.fixed_admin_) {
    return refuse("with a URL as target the admin port is needed too: --admin http://HOST:PORT");
  }
  return opened;
}

bool Target::reload() { return !ready_file_.empty() && read_ready_file().has_value(); }

Status Target::read_ready_file() {
  std::ifstream file(ready_file_);
  if (!file) {
    return make_error(ErrorCode::unavailable,
                      ready_file_ + ": cannot be read; a ready file or http://… is expected");
  }
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  boost::system::error_code code;
  const boost::json::value value = boost::json::parse(text, code);
  if (code || !value.is_object()) {
    return make_error(ErrorCode::unavailable, ready_file_ + ": is not a ready file of chatd");
  }
  const auto url_of = [&](const char* key) -> std::string {
    const auto* url = value.get_object().if_contains(key);
    return url != nullptr && url->is_string() ? std::string(url->get_string()) : "";
  };
  auto to = Endpoint::parse(url_of("public"));
  if (!to) return make_error(ErrorCode::unavailable, ready_file_ + ": no \"public\" address");
  if (!fixed_admin_) {
    auto admin = Endpoint::parse(url_of("admin"));
    if (!admin) return make_error(ErrorCode::unavailable, ready_file_ + ": no \"admin\" address");
    admin_ = *admin;
  }
  public_ = *to;
  return {};
}

}  // namespace chat::sim
