#include "core/base/base64.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

TEST(Base64, GivesTheVectorsOfTheRfcAndReadsThemBack) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(bytes_from_base64(text), bytes);
  }
}

TEST(Base64, RoundTripsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(bytes_from_base64(to_base64(bytes.substr(0, size))), bytes.substr(0, size));
  }
}

TEST(Base64, ReadsTheUrlAlphabetAndTextWithoutPadding) {
  EXPECT_EQ(bytes_from_base64("-_8"), "\xfb\xff");
  EXPECT_EQ(bytes_from_base64("+/8="), "\xfb\xff");
  EXPECT_EQ(bytes_from_base64("Zg"), "f");
}

TEST(Base64, RefusesForeignCharactersAndWrongLengths) {
  for (const char* text : {"Z", "Zm9vY", "Zg=", "Zg===", "====", "Z=g=", "Zm 9", "Zm9v\n", "é"}) {
    EXPECT_FALSE(bytes_from_base64(text)) << text;
  }
}

}  // namespace
}  // namespace chat
