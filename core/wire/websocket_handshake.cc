#include "core/wire/websocket_handshake.h"

#include <algorithm>
#include <boost/uuid/detail/sha1.hpp>
#include <charconv>

#include "core/base/base64.h"

namespace chat::websocket_handshake {
namespace {

std::string key_of(const ClientRequest& request) {
  return to_base64({reinterpret_cast<const char*>(request.nonce.data()), request.nonce.size()});
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The start line and the headers of an HTTP head.
struct Head {
  std::string_view start_line;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  size_t bytes = 0;

  std::optional<std::string_view> header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (equal_ignoring_case(key, name)) return value;
    }
    return std::nullopt;
  }

  // The comma-separated elements of all headers of this name.
  std::vector<std::string> list(std::string_view name) const {
    std::vector<std::string> out;
    for (const auto& [key, value] : headers) {
      if (!equal_ignoring_case(key, name)) continue;
      std::string_view rest = value;
      while (!rest.empty()) {
        const size_t comma = std::min(rest.find(','), rest.size());
        if (const auto element = trim(rest.substr(0, comma)); !element.empty()) {
          out.emplace_back(element);
        }
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
    }
    return out;
  }

  bool has_element(std::string_view name, std::string_view element) const {
    const auto elements = list(name);
    return std::any_of(elements.begin(), elements.end(),
                       [&](const auto& e) { return equal_ignoring_case(e, element); });
  }
};

Result<std::optional<Head>> parse_head(std::string_view buffer) {
  const size_t end = buffer.find("\r\n\r\n");
  if (end == std::string_view::npos || end + 4 > kHeadBytesMax) {
    if (buffer.size() < kHeadBytesMax) return std::optional<Head>();
    return make_error(ErrorCode::too_large, "the HTTP head of a handshake is too long");
  }
  Head head;
  head.bytes = end + 4;
  std::string_view rest = buffer.substr(0, end + 2);
  const size_t start_end = rest.find("\r\n");
  head.start_line = rest.substr(0, start_end);
  rest.remove_prefix(start_end + 2);
  while (!rest.empty()) {
    const size_t line_end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, line_end);
    rest.remove_prefix(line_end + 2);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return make_error(ErrorCode::corrupt, "a header line of a handshake has no name");
    }
    head.headers.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return std::optional<Head>(std::move(head));
}

ErrorCode code_of_status(int status) {
  switch (status) {
    case 401:
      return ErrorCode::unauthenticated;
    case 403:
      return ErrorCode::permission_denied;
    case 404:
      return ErrorCode::not_found;
    case 429:
      return ErrorCode::rate_limited;
    default:
      return status >= 500 ? ErrorCode::unavailable : ErrorCode::invalid_argument;
  }
}

// Of "HTTP/1.1 101 Switching Protocols": 101.
std::optional<int> status_of(std::string_view line) {
  int status = 0;
  if (!line.starts_with("HTTP/1.1 ") || line.size() < 12) return std::nullopt;
  const auto [end, error] = std::from_chars(line.data() + 9, line.data() + 12, status);
  if (error != std::errc() || end != line.data() + 12 || status < 100) return std::nullopt;
  return status;
}

// Of "GET /target HTTP/1.1": the target.
std::optional<std::string_view> target_of(std::string_view line) {
  constexpr std::string_view kVersion = " HTTP/1.1";
  if (!line.starts_with("GET ") || !line.ends_with(kVersion)) return std::nullopt;
  if (line.size() <= 4 + kVersion.size()) return std::nullopt;
  const auto target = line.substr(4, line.size() - 4 - kVersion.size());
  if (target.find(' ') != std::string_view::npos) return std::nullopt;
  return target;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

bool offers_upgrade(const Head& head) {
  return head.has_element("Upgrade", "websocket") && head.has_element("Connection", "Upgrade");
}

Error corrupt(const char* text) { return make_error(ErrorCode::corrupt, text); }
Error invalid(const char* text) { return make_error(ErrorCode::invalid_argument, text); }

}  // namespace

std::string encode(const ClientRequest& request) {
  std::string out = "GET " + request.target + " HTTP/1.1\r\n";
  append_header(out, "Host", request.host);
  append_header(out, "Upgrade", "websocket");
  append_header(out, "Connection", "Upgrade");
  append_header(out, "Sec-WebSocket-Key", key_of(request));
  append_header(out, "Sec-WebSocket-Version", "13");
  std::string subprotocols;
  for (const auto& name : request.subprotocols) {
    subprotocols.append(subprotocols.empty() ? "" : ", ").append(name);
  }
  if (!subprotocols.empty()) append_header(out, "Sec-WebSocket-Protocol", subprotocols);
  for (const auto& [name, value] : request.headers) append_header(out, name, value);
  return out + "\r\n";
}

Result<std::optional<ServerResponse>> decode_response(std::string_view buffer,
                                                      const ClientRequest& request) {
  const auto parsed = parse_head(buffer);
  if (!parsed) return parsed.error();
  if (!*parsed) return std::optional<ServerResponse>();
  const Head& head = **parsed;
  const auto status = status_of(head.start_line);
  if (!status) return corrupt("the answer to a handshake is not HTTP/1.1");
  if (*status != 101) {
    return make_error(code_of_status(*status), "the server refused the handshake: " +
                                                   std::string(head.start_line.substr(9)));
  }
  if (!offers_upgrade(head)) return corrupt("the handshake's answer does not upgrade to websocket");
  if (head.header("Sec-WebSocket-Accept") != accept_value(key_of(request))) {
    return corrupt("the handshake's answer has a wrong Sec-WebSocket-Accept");
  }
  if (head.header("Sec-WebSocket-Extensions")) {
    return corrupt("the server chose an extension that was not offered");
  }
  ServerResponse response{
      .subprotocol = std::string(head.header("Sec-WebSocket-Protocol").value_or("")),
      .head_bytes = head.bytes};
  const auto& offered = request.subprotocols;
  if (!response.subprotocol.empty() &&
      std::find(offered.begin(), offered.end(), response.subprotocol) == offered.end()) {
    return corrupt("the server chose a subprotocol that was not offered");
  }
  return std::optional<ServerResponse>(std::move(response));
}

Result<std::optional<ServerRequest>> decode_request(std::string_view buffer) {
  const auto parsed = parse_head(buffer);
  if (!parsed) return parsed.error();
  if (!*parsed) return std::optional<ServerRequest>();
  const Head& head = **parsed;
  const auto target = target_of(head.start_line);
  if (!target) return invalid("a handshake is a GET of HTTP/1.1");
  if (!offers_upgrade(head)) return invalid("the request does not ask for an upgrade to websocket");
  if (head.header("Sec-WebSocket-Version") != "13")
    return invalid("the WebSocket version is not 13");
  const auto host = head.header("Host");
  if (!host) return invalid("the request has no Host header");
  const auto key = head.header("Sec-WebSocket-Key");
  // 16 bytes in base64.
  if (!key || key->size() != 24 || !key->ends_with("==")) {
    return invalid("Sec-WebSocket-Key is missing or not 16 bytes in base64");
  }
  return std::optional<ServerRequest>({.target = std::string(*target),
                                       .host = std::string(*host),
                                       .key = std::string(*key),
                                       .subprotocols = head.list("Sec-WebSocket-Protocol"),
                                       .head_bytes = head.bytes});
}

std::optional<std::string> choose_subprotocol(const std::vector<std::string>& offered,
                                              const std::vector<std::string_view>& spoken) {
  for (const auto& name : offered) {
    if (std::find(spoken.begin(), spoken.end(), name) != spoken.end()) return name;
  }
  return std::nullopt;
}

std::string encode_accept(std::string_view key, std::string_view subprotocol) {
  std::string out = "HTTP/1.1 101 Switching Protocols\r\n";
  append_header(out, "Upgrade", "websocket");
  append_header(out, "Connection", "Upgrade");
  append_header(out, "Sec-WebSocket-Accept", accept_value(key));
  if (!subprotocol.empty()) append_header(out, "Sec-WebSocket-Protocol", subprotocol);
  return out + "\r\n";
}

std::string encode_refusal(int status, std::string_view reason) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out.append(reason).append("\r\n");
  append_header(out, "Content-Length", "0");
  append_header(out, "Connection", "close");
  return out + "\r\n";
}

std::string accept_value(std::string_view key) {
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  boost::uuids::detail::sha1 sha1;
  sha1.process_bytes(key.data(), key.size());
  sha1.process_bytes(kGuid.data(), kGuid.size());
  boost::uuids::detail::sha1::digest_type words;
  sha1.get_digest(words);
  std::string digest(20, '\0');
  for (size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<char>(words[i / 4] >> (8 * (3 - i % 4)));
  }
  return to_base64(digest);
}

}  // namespace chat::websocket_handshake
