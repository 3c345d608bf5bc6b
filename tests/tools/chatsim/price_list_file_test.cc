#include "tools/chatsim/price_list_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace chat::sim {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kPrices =
    "currency: USD\n"
    "machines:\n"
    "  - {name: a, cores: 8, memory: 32GiB, network_gbit_per_s: 10, price: 120}\n"
    "  - {name: b, cores: 16, memory: 64GiB, network_gbit_per_s: 25, price: 230.5}\n"
    "storage_gib_month: 0.08\n"
    "traffic_out_gib: 0.01\n"
    "million_pushes: 0\n";

std::string refusal_of(const std::string& pattern, const std::string& replacement) {
  const std::string text = std::regex_replace(std::string(kPrices), std::regex(pattern),
                                              replacement, std::regex_constants::format_first_only);
  const auto prices = parse_price_list(text, "p.yaml");
  return prices ? "accepted" : prices.error().text;
}

TEST(PriceListFile, ReadsMachinesAndPrices) {
  const auto prices = parse_price_list(kPrices, "p.yaml");
  ASSERT_TRUE(prices) << prices.error().text;
  EXPECT_EQ(prices->currency, "USD");
  ASSERT_NE(prices->machine("b"), nullptr);
  EXPECT_EQ(prices->machine("b")->cores, 16u);
  EXPECT_EQ(prices->machine("b")->memory_bytes, 64ull << 30);
  EXPECT_EQ(prices->machine("b")->network_bits_per_s, 25e9);
  EXPECT_EQ(prices->machine("b")->price, 230.5);
  EXPECT_EQ(prices->machine("c"), nullptr);
  EXPECT_EQ(prices->storage_gib_month, 0.08);
}

TEST(PriceListFile, TellsMistakesWithTheirLine) {
  EXPECT_THAT(refusal_of("cores: 8", "core: 8"),
              AllOf(HasSubstr("p.yaml:3"), HasSubstr("\"cores\"")));
  EXPECT_THAT(refusal_of("price: 120", "price: -1"), HasSubstr("p.yaml:3"));
  EXPECT_THAT(refusal_of("million_pushes: 0\n", ""), HasSubstr("million_pushes"));
  EXPECT_THAT(refusal_of("name: b", "name: a"), HasSubstr("\"a\" is there twice"));
  EXPECT_EQ(load_price_list("/nowhere/prices.yaml").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace chat::sim
