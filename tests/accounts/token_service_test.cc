#include "server/accounts/token_service.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace chat {
namespace {

constexpr WallTime kNow{1'700'000'000'000};
const std::string kKey(32, 'k');

std::string why_refused(const TokenService& tokens, const std::string& token, WallTime now = kNow) {
  const auto identity = tokens.verify(token, now);
  if (identity) return "accepted";
  EXPECT_EQ(identity.error().code, ErrorCode::unauthenticated);
  return identity.error().text;
}

TEST(TokenService, AMintedTokenNamesItsUserUntilItExpires) {
  const TokenService tokens(kKey);
  const std::string token =
      tokens.mint(UserId{kUserIdMax}, "Zo\xc3\xab \"x\"", kNow, seconds(60)).value();
  const Identity identity = tokens.verify(token, kNow).value();
  EXPECT_EQ(identity.user, UserId{kUserIdMax});
  EXPECT_EQ(identity.name, "Zo\xc3\xab \"x\"");
  EXPECT_EQ(identity.expires, kNow + seconds(60));
  EXPECT_TRUE(tokens.verify(token, WallTime{kNow.ms + 59'999}));
  EXPECT_EQ(why_refused(tokens, token, kNow + seconds(60)), "the access token has expired");
}

TEST(TokenService, TheExpiryIsRoundedUpToWholeSeconds) {
  const TokenService tokens(kKey);
  const std::string token = tokens.mint(UserId{1}, "a", kNow, milliseconds(1)).value();
  EXPECT_EQ(tokens.verify(token, kNow).value().expires, kNow + seconds(1));
}

TEST(TokenService, ATokenOfAnotherKeyIsRefused) {
  const TokenService other(std::string(32, 'x'));
  const std::string token = other.mint(UserId{1}, "a", kNow, seconds(60)).value();
  EXPECT_EQ(why_refused(TokenService(kKey), token), "the access token has a wrong signature");
}

TEST(TokenService, EveryChangedByteIsNoticed) {
  const TokenService tokens(kKey);
  const std::string token = tokens.mint(UserId{1}, "anna", kNow, seconds(60)).value();
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'Q' : 'A';
    EXPECT_NE(why_refused(tokens, changed), "accepted") << "byte " << i;
  }
}

TEST(TokenService, OtherAlgorithmsAreRefused) {
  const TokenService tokens(kKey);
  // {"sub":"1","exp":9999999999}, under {"alg":"none"} and under {"alg":"HS512"}.
  const std::string claims = ".eyJzdWIiOiIxIiwiZXhwIjo5OTk5OTk5OTk5fQ.";
  EXPECT_EQ(why_refused(tokens, "eyJhbGciOiJub25lIn0" + claims),
            "the access token is not signed with HS256");
  EXPECT_NE(why_refused(tokens, "eyJhbGciOiJub25lIn0" + claims + "AAAA"), "accepted");
  EXPECT_EQ(why_refused(tokens, "eyJhbGciOiJIUzUxMiJ9" + claims + "AAAA"),
            "the access token is not signed with HS256");
}

TEST(TokenService, GarbageIsRefused) {
  const TokenService tokens(kKey);
  EXPECT_EQ(why_refused(tokens, ""), "there is no access token");
  for (const char* token : {"x", "a.b", "a.b.c", "...", "\xff\xff.\xff.\xff"}) {
    EXPECT_EQ(why_refused(tokens, token), "the access token is malformed") << token;
  }
  EXPECT_EQ(why_refused(tokens, std::string(5000, 'a')), "the access token is malformed: too long");
}

// ---------------------------------------------------------------- log-ins that ended

TEST(TokenService, ATokenCarriesItsLogInAndWhenItWasMade) {
  const TokenService tokens(kKey);
  const std::string token = tokens.mint(UserId{1}, "a", kNow, seconds(60), LoginId{77}).value();
  EXPECT_EQ(tokens.verify(token, kNow).value().login, LoginId{77});
  EXPECT_EQ(tokens.verify(token, kNow).value().issued, kNow);
  const std::string minted = tokens.mint(UserId{1}, "a", kNow, seconds(60)).value();
  EXPECT_EQ(tokens.verify(minted, kNow).value().login, LoginId{});
}

TEST(TokenService, TheTokensOfALogInThatEndedAreRefused) {
  TokenService tokens(kKey);
  const std::string ended = tokens.mint(UserId{1}, "a", kNow, seconds(60), LoginId{7}).value();
  const std::string other = tokens.mint(UserId{1}, "a", kNow, seconds(60), LoginId{8}).value();
  tokens.end({.user = UserId{1}, .ended = {LoginId{7}}}, kNow);
  EXPECT_EQ(why_refused(tokens, ended), "this log-in has ended; log in again");
  EXPECT_TRUE(tokens.verify(other, kNow));
}

TEST(TokenService, EverythingThatWasMadeForAUserUntilThenIsRefused) {
  TokenService tokens(kKey);
  const std::string minted = tokens.mint(UserId{1}, "a", kNow, seconds(60)).value();
  const std::string of_login = tokens.mint(UserId{1}, "a", kNow, seconds(60), LoginId{7}).value();
  const std::string of_other = tokens.mint(UserId{2}, "b", kNow, seconds(60)).value();
  tokens.end({.user = UserId{1}, .ended_until = kNow}, kNow);
  EXPECT_EQ(why_refused(tokens, minted), "this log-in has ended; log in again");
  EXPECT_EQ(why_refused(tokens, of_login), "this log-in has ended; log in again");
  EXPECT_TRUE(tokens.verify(of_other, kNow));
  const WallTime later = kNow + milliseconds(1);
  const std::string next = tokens.mint(UserId{1}, "a", later, seconds(60)).value();
  EXPECT_TRUE(tokens.verify(next, later));
}

TEST(EndedTokens, AreForgottenWhenTheyWouldHaveExpiredAnyway) {
  EndedTokens ended(seconds(60), seconds(600));
  const Identity of_login{UserId{1}, "a", {}, LoginId{7}, kNow};
  const Identity minted{UserId{2}, "b", {}, {}, kNow};
  ended.add({.user = UserId{1}, .ended = {LoginId{7}}}, kNow);
  ended.add({.user = UserId{2}, .ended = {LoginId{8}}, .ended_until = kNow}, kNow);
  EXPECT_EQ(ended.size(), 3u);
  ended.add({.user = UserId{3}, .ended = {LoginId{9}}}, kNow + seconds(61));
  EXPECT_FALSE(ended.contains(of_login));
  EXPECT_TRUE(ended.contains(minted));
  ended.add({.user = UserId{3}, .ended = {LoginId{10}}}, kNow + seconds(700));
  EXPECT_FALSE(ended.contains(minted));
  EXPECT_EQ(ended.size(), 1u);
}

// ---------------------------------------------------------------- key file

TEST(TokenKey, IsMadeOnceForItsOwnerOnlyAndKept) {
  const TempDir dir;
  const std::string path = dir / "token.key";
  const auto first = TokenService::open(path);
  ASSERT_TRUE(first) << first.error().text;
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(info.st_size, 32);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  const std::string token = (*first)->mint(UserId{1}, "a", kNow, seconds(60)).value();
  const auto second = TokenService::open(path);
  ASSERT_TRUE(second);
  EXPECT_TRUE((*second)->verify(token, kNow));
  const auto other = TokenService::open(dir / "other.key");
  ASSERT_TRUE(other);
  EXPECT_FALSE((*other)->verify(token, kNow));
}

TEST(TokenKey, ThatOthersMayReadOrThatIsDamagedIsRefused) {
  const TempDir dir;
  const std::string path = dir / "token.key";
  ASSERT_TRUE(TokenService::open(path));
  chmod(path.c_str(), 0640);
  const auto open_to_others = TokenService::open(path);
  ASSERT_FALSE(open_to_others);
  EXPECT_EQ(open_to_others.error().code, ErrorCode::permission_denied);
  EXPECT_NE(open_to_others.error().text.find("chmod 600"), std::string::npos);
  chmod(path.c_str(), 0600);
  std::ofstream(path) << "short";
  const auto damaged = TokenService::open(path);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::corrupt);
}

TEST(TokenKey, ThatCannotBeMadeIsNamed) {
  const TempDir dir;
  const auto opened = TokenService::open(dir / "missing/token.key");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::unavailable);
  EXPECT_NE(opened.error().text.find(dir / "missing/token.key"), std::string::npos);
}

}  // namespace
}  // namespace chat
