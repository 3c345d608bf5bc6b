// AddressSet: a list of addresses and networks such as "127.0.0.0/8, ::1, 192.0.2.7", and who is
// in it. Also which address a request came from when proxies stand in front. IPv4 addresses in
// their IPv6 form (::ffff:192.0.2.7) are the IPv4 addresses. Thread rule: plain value.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace chat {

class AddressSet {
 public:
  /// A list with commas or spaces between its entries; empty is an empty set. Errors:
  /// invalid_argument that names the entry.
  static Result<AddressSet> parse(std::string_view text);

  /// False for what is no address.
  bool contains(std::string_view address) const;
  bool empty() const { return networks_.empty(); }
  /// As parse() takes it.
  std::string text() const;

 private:
  struct Network {
    std::array<uint8_t, 16> bytes;  ///< IPv4 as ::ffff:a.b.c.d.
    int bits = 0;
    std::string text;
  };

  std::vector<Network> networks_;
};

/// Who really asks: `peer`, or, if that is a trusted proxy, the last address of the X-Forwarded-For
/// header that is none. What an untrusted peer claims is ignored.
std::string forwarded_for(const AddressSet& trusted_proxies, std::string_view peer,
                          std::string_view header);

}  // namespace chat
