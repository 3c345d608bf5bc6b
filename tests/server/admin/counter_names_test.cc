#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "server/admin/counter_fields.h"
#include "sim/cost/quantity.h"

namespace chat {
namespace {

/// The names in "a+b-c".
std::vector<std::string> names_in(std::string_view sum) {
  std::vector<std::string> names(1);
  for (const char c : sum) {
    if (c == '+' || c == '-') {
      names.emplace_back();
    } else {
      names.back() += c;
    }
  }
  return names;
}

TEST(CounterNames, AreThoseThatCostsAreCountedIn) {
  for (const sim::QuantityInfo& info : sim::quantities()) {
    if (info.counters.empty()) continue;
    for (const std::string& name : names_in(info.counters)) {
      if (name.starts_with("store.")) continue;
      EXPECT_NE(std::ranges::find(counter_fields(), name, &CounterField::name),
                counter_fields().end())
          << info.name << " is counted in " << name << ", which chatd does not tell";
    }
  }
}

}  // namespace
}  // namespace chat
