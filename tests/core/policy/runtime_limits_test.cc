#include "core/policy/runtime_limits.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

TEST(RuntimeLimits, EveryFieldReadsBackWhatItWrites) {
  RuntimeLimits limits;
  ASSERT_TRUE(set_limit(limits, "presence_mode", "fetch"));
  ASSERT_TRUE(set_limit(limits, "group_members_max", "499"));
  ASSERT_TRUE(set_limit(limits, "attachments_allowed", "false"));
  ASSERT_TRUE(set_limit(limits, "trusted_sources", "10.1.,fd00:"));
  EXPECT_EQ(limits.presence_mode, PresenceMode::fetch);
  EXPECT_EQ(limits.trusted_sources, (std::vector<std::string>{"10.1.", "fd00:"}));
  RuntimeLimits copy;
  for (const LimitField& field : limit_fields()) {
    EXPECT_TRUE(field.set(copy, field.get(limits))) << field.name;
  }
  EXPECT_EQ(copy, limits);
}

TEST(RuntimeLimits, AGroupNeverGrowsBeyond499) {
  RuntimeLimits limits;
  EXPECT_FALSE(set_limit(limits, "group_members_max", "500"));
  EXPECT_EQ(limits, RuntimeLimits());
}

TEST(RuntimeLimits, WrongValuesAreRefusedWithTheNameAndWhatIsExpected) {
  RuntimeLimits limits;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"presence_mode", "loud"},
                                                        {"group_members_max", "many"},
                                                        {"group_members_max", ""},
                                                        {"room_members_max", "7x"},
                                                        {"accepts_per_second", "-1"},
                                                        {"attachments_allowed", "1"},
                                                        {"trusted_sources", "10.1.,,"},
                                                        {"trusted_sources", "localhost"}}) {
    const Status set = set_limit(limits, name, value);
    ASSERT_FALSE(set) << name << "=" << value;
    EXPECT_EQ(set.error().text.rfind(name + ": expected ", 0), 0u) << set.error().text;
  }
  EXPECT_EQ(limits, RuntimeLimits());
}

TEST(RuntimeLimits, AnUnknownNameIsRefusedWithTheNearestOne) {
  RuntimeLimits limits;
  const Status set = set_limit(limits, "group_member_max", "5");
  ASSERT_FALSE(set);
  EXPECT_NE(set.error().text.find("did you mean \"group_members_max\"?"), std::string::npos);
}

}  // namespace
}  // namespace chat
