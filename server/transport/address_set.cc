#include "server/transport/address_set.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace chat {
namespace {

using Bytes = std::array<uint8_t, 16>;

constexpr int kBits = 128;
constexpr int kIpv4Bits = 32;
constexpr Bytes kIpv4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
constexpr std::string_view kSeparators = ", \t";

bool is_ipv4(const Bytes& bytes) {
  return std::equal(bytes.begin(), bytes.begin() + 12, kIpv4Prefix.begin());
}

std::optional<Bytes> parse_address(std::string_view text) {
  const std::string copy(text);
  Bytes bytes = kIpv4Prefix;
  if (inet_pton(AF_INET, copy.c_str(), bytes.data() + 12) == 1) return bytes;
  if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

bool same_network(const Bytes& a, const Bytes& b, int bits) {
  for (int bit = 0; bit < bits; bit += 8) {
    const auto index = static_cast<size_t>(bit / 8);
    const int kept = std::min(8, bits - bit);
    if (((a[index] ^ b[index]) >> (8 - kept)) != 0) return false;
  }
  return true;
}

/// The length of a network's prefix; nullopt when the text is none for this kind of address.
std::optional<int> parse_bits(std::string_view text, bool ipv4) {
  int bits = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (code != std::errc{} || end != text.data() + text.size() || bits < 0) return std::nullopt;
  if (bits > (ipv4 ? kIpv4Bits : kBits)) return std::nullopt;
  return ipv4 ? bits + kBits - kIpv4Bits : bits;
}

/// Cuts the first entry off `rest`; empty at the end.
std::string_view next_entry(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kSeparators), rest.size()));
  const std::string_view entry = rest.substr(0, rest.find_first_of(kSeparators));
  rest.remove_prefix(entry.size());
  return entry;
}

}  // namespace

Result<AddressSet> AddressSet::parse(std::string_view text) {
  AddressSet set;
  for (auto entry = next_entry(text); !entry.empty(); entry = next_entry(text)) {
    const size_t slash = entry.find('/');
    const auto bytes = parse_address(entry.substr(0, slash));
    std::optional<int> bits = kBits;
    if (bytes && slash != std::string_view::npos) {
      bits = parse_bits(entry.substr(slash + 1), is_ipv4(*bytes));
    }
    if (!bytes || !bits) {
      return make_error(ErrorCode::invalid_argument,
                        "expected addresses or networks such as 192.0.2.7 or 10.0.0.0/8, got \"" +
                            std::string(entry) + "\"");
    }
    set.networks_.push_back({*bytes, *bits, std::string(entry)});
  }
  return set;
}

bool AddressSet::contains(std::string_view address) const {
  if (networks_.empty()) return false;
  const auto bytes = parse_address(address);
  return bytes && std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
           return same_network(*bytes, network.bytes, network.bits);
         });
}

std::string AddressSet::text() const {
  std::string text;
  for (const Network& network : networks_) text += (text.empty() ? "" : ", ") + network.text;
  return text;
}

std::string forwarded_for(const AddressSet& trusted_proxies, std::string_view peer,
                          std::string_view header) {
  std::string client(peer);
  std::vector<std::string_view> hops;
  for (auto hop = next_entry(header); !hop.empty(); hop = next_entry(header)) hops.push_back(hop);
  while (!hops.empty() && trusted_proxies.contains(client) && parse_address(hops.back())) {
    client = hops.back();
    hops.pop_back();
  }
  return client;
}

}  // namespace chat
