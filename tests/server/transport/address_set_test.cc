#include "server/transport/address_set.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

AddressSet set_of(std::string_view text) {
  auto set = AddressSet::parse(text);
  EXPECT_TRUE(set.has_value()) << text;
  return set ? *set : AddressSet();
}

TEST(AddressSet, HasTheAddressesAndNetworksOfItsList) {
  const AddressSet set = set_of("127.0.0.0/8, 192.0.2.7 2001:db8::/32,::1");
  for (const char* in :
       {"127.0.0.1", "127.255.3.4", "192.0.2.7", "2001:db8:9::1", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(set.contains(in)) << in;
  }
  for (const char* out : {"128.0.0.1", "192.0.2.8", "2001:db9::1", "::2", "", "localhost"}) {
    EXPECT_FALSE(set.contains(out)) << out;
  }
  EXPECT_EQ(set.text(), "127.0.0.0/8, 192.0.2.7, 2001:db8::/32, ::1");
}

TEST(AddressSet, ComparesPrefixesToTheBit) {
  const AddressSet set = set_of("10.1.2.64/26");
  EXPECT_TRUE(set.contains("10.1.2.127"));
  EXPECT_FALSE(set.contains("10.1.2.128"));
  EXPECT_FALSE(set.contains("10.1.2.63"));
  EXPECT_TRUE(set_of("0.0.0.0/0").contains("8.8.8.8"));
  EXPECT_FALSE(set_of("0.0.0.0/0").contains("2001:db8::1"));
}

TEST(AddressSet, AnEmptyListHasNobody) {
  EXPECT_TRUE(set_of("").empty());
  EXPECT_TRUE(set_of(" , ").empty());
  EXPECT_FALSE(set_of("").contains("127.0.0.1"));
}

TEST(AddressSet, RefusesWhatIsNoAddressAndNamesIt) {
  for (const char* text : {"example.org", "10.0.0.0/33", "10.0.0.1/", "10.0.0.1/x", "::1/129",
                           "10.0.0", "127.0.0.1, oops"}) {
    const auto set = AddressSet::parse(text);
    ASSERT_FALSE(set.has_value()) << text;
    EXPECT_EQ(set.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(set.error().text.find("192.0.2.7"), std::string::npos);
  }
}

TEST(AddressSet, BelievesForwardedAddressesOfTrustedProxiesOnly) {
  const AddressSet proxies = set_of("127.0.0.0/8, 10.0.0.0/8");
  EXPECT_EQ(forwarded_for(proxies, "127.0.0.1", "203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(forwarded_for(proxies, "203.0.113.9", "198.51.100.1"), "203.0.113.9");
  // The client wrote the first entry itself; the nearest one that is no proxy counts.
  EXPECT_EQ(forwarded_for(proxies, "127.0.0.1", "1.2.3.4, 203.0.113.9, 10.3.3.3"), "203.0.113.9");
  EXPECT_EQ(forwarded_for(proxies, "127.0.0.1", ""), "127.0.0.1");
  EXPECT_EQ(forwarded_for(proxies, "127.0.0.1", "unknown"), "127.0.0.1");
  EXPECT_EQ(forwarded_for(proxies, "127.0.0.1", "10.0.0.1"), "10.0.0.1");
}

}  // namespace
}  // namespace chat
