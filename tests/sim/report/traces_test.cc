#include "sim/report/traces.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace chat::sim {
namespace {

Action some_action() { return {.at = seconds(3), .n = 1, .chat = 2, .size = 100, .pick = 4}; }

uint64_t hash_of(const Action& action) {
  ActionTrace trace;
  trace.add(action);
  return trace.hash();
}

TEST(ActionTrace, TellsNumberKindTargetAndSizeApartAndNothingElse) {
  const uint64_t hash = hash_of(some_action());
  Action other = some_action();
  other.n = 2;
  EXPECT_NE(hash_of(other), hash);
  other = some_action();
  other.kind = ActionKind::edit;
  EXPECT_NE(hash_of(other), hash);
  other = some_action();
  other.chat = 3;
  EXPECT_NE(hash_of(other), hash);
  other = some_action();
  other.pick = 5;
  EXPECT_NE(hash_of(other), hash);
  other = some_action();
  other.size = 101;
  EXPECT_NE(hash_of(other), hash);
  other = some_action();
  other.at = seconds(4);
  EXPECT_EQ(hash_of(other), hash);
}

TEST(Traces, HaveALineForEachDeviceAndOneDigest) {
  std::vector<ActionTrace> traces(4);
  const uint64_t empty = digest_of(traces);
  traces[1].add(some_action());
  traces[3].add(some_action());
  traces[3].add(some_action());
  EXPECT_EQ(actions_of(traces), 3u);
  EXPECT_NE(digest_of(traces), empty);
  const std::string text = traces_text(traces, 2);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_EQ(text.rfind("0 0 0 ", 0), 0u);
  EXPECT_NE(text.find("\n1 0 1 "), std::string::npos);
  EXPECT_NE(text.find("\n1 1 2 "), std::string::npos);
}

}  // namespace
}  // namespace chat::sim
