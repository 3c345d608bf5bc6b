#include "sim/live/endpoint.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace chat::sim {
namespace {

TEST(Endpoint, IsReadFromUrlsAndRefusesWhatIsNone) {
  const auto endpoint = Endpoint::parse("http://127.0.0.1:8080/");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host, "127.0.0.1");
  EXPECT_EQ(endpoint->port, 8080);
  EXPECT_EQ(endpoint->authority(), "127.0.0.1:8080");
  EXPECT_EQ(Endpoint::parse("chat.example")->port, 80);
  for (const char* wrong : {"", "http://", "https://a:1", "http://a:b", "http://a:1/path", "a b"}) {
    EXPECT_FALSE(Endpoint::parse(wrong)) << wrong;
  }
}

TEST(Target, NeedsTheAdminAddressOnlyWithAUrl) {
  EXPECT_FALSE(Target::open("http://127.0.0.1:1", ""));
  const auto target = Target::open("http://127.0.0.1:1", "http://127.0.0.1:2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->admin_endpoint().port, 2);
}

TEST(Target, FollowsItsReadyFile) {
  const TempDir dir;
  const std::string path = dir / "ready.json";
  EXPECT_EQ(Target::open(path, "").error().code, ErrorCode::unavailable);
  std::ofstream(path) << R"({"public":"http://127.0.0.1:5","admin":"http://127.0.0.1:6","pid":1})";
  auto target = Target::open(path, "");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->public_endpoint().port, 5);
  EXPECT_EQ(target->admin_endpoint().port, 6);
  std::ofstream(path) << "half a f";
  EXPECT_FALSE(target->reload());
  EXPECT_EQ(target->public_endpoint().port, 5);
  std::ofstream(path) << R"({"public":"http://127.0.0.1:7","admin":"http://127.0.0.1:8","pid":2})";
  EXPECT_TRUE(target->reload());
  EXPECT_EQ(target->public_endpoint().port, 7);
}

}  // namespace
}  // namespace chat::sim
