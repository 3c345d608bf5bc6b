#include "core/base/utf8.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

TEST(Utf8, AcceptsWellFormedTextOnly) {
  for (const char* good : {"", "plain text of more than eight bytes", "äöü€𝄞", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "12345678\xc2\x80"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc2",
                          "\xe2\x82", "\xf0\x9d\x84", "12345678\xff", "\xe2\x28\xa1"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Utf8, ShowsAQuestionMarkForEachByteThatIsNoCharacter) {
  EXPECT_EQ(displayable("plain, äöü€𝄞"), "plain, äöü€𝄞");
  EXPECT_EQ(displayable("a\xff\xe2\x82z"), "a???z");
  EXPECT_EQ(displayable(""), "");
}

TEST(Utf8, CutsBetweenCharacters) {
  EXPECT_EQ(displayable("ab€cd", 4), "ab");
  EXPECT_EQ(displayable("ab€cd", 5), "ab€");
  EXPECT_EQ(displayable("a\xff\xff", 2), "a?");
}

}  // namespace
}  // namespace chat
