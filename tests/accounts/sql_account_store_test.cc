#include "server/accounts/sql_account_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.h"

namespace chat {
namespace {

constexpr WallTime kNow{1'700'000'000'000};
constexpr uint64_t kFirstImported = kImportedUserIdMin;

class SqlAccountStoreTest : public testing::Test {
 protected:
  SqlAccountStoreTest() { reopen(); }

  void reopen() {
    store_.reset();
    auto opened = open_sql_account_store({.path = path()});
    ASSERT_TRUE(opened) << opened.error().text;
    store_ = std::move(*opened);
  }
  std::string path() const { return dir_ / "accounts.db"; }
  AccountStore& store() { return *store_; }
  Account make(const std::string& name, const std::string& password = "") {
    return store().create({{}, name, name + "@example.org", password}, kNow).value();
  }

 private:
  TempDir dir_;
  std::unique_ptr<AccountStore> store_;
};

TEST_F(SqlAccountStoreTest, EverythingIsThereAfterARestart) {
  const Account anna = make("anna", "correct horse");
  const NewAccount imported{UserId{kFirstImported}, "imported", "", ""};
  ASSERT_TRUE(store().import({&imported, 1}, kNow).at(0));
  const LoginGrant login = store().open_login(anna.user, kNow).value();
  const LoginGrant ended = store().open_login(anna.user, kNow).value();
  ASSERT_TRUE(store().end_login(anna.user, ended.login, kNow));
  reopen();
  EXPECT_EQ(store().user_count(), 2u);
  const std::vector<UserId> both{anna.user, UserId{kFirstImported}};
  EXPECT_TRUE(store().missing(both).empty());
  EXPECT_EQ(store().find_by_name("imported").value().user, UserId{kFirstImported});
  EXPECT_TRUE(store().log_in("anna@example.org", "correct horse"));
  EXPECT_TRUE(store().renew_login(login.refresh_token, kNow));
  EXPECT_FALSE(store().renew_login(ended.refresh_token, kNow));
  const auto changes = store().ended_after(WallTime{}).value();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].ended, std::vector<LoginId>{ended.login});
  EXPECT_EQ(make("ben").user, UserId{2}) << "imported ids do not move the store's own ids";
}

TEST_F(SqlAccountStoreTest, PasswordsAreKeptOnlyAsArgon2id) {
  make("anna", "correct horse battery");
  reopen();
  std::string bytes;
  for (const char* suffix : {"", "-wal"}) {
    std::ifstream file(path() + suffix, std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), {});
  }
  EXPECT_EQ(bytes.find("correct horse battery"), std::string::npos);
  EXPECT_NE(bytes.find("$argon2id$"), std::string::npos);
}

// ---------------------------------------------------------------- trouble

Error error_of_open(const std::string& path) {
  const auto opened = open_sql_account_store({.path = path});
  EXPECT_FALSE(opened) << "the database opened";
  return opened ? Error{} : opened.error();
}

TEST(SqlAccountStoreFiles, ADamagedDatabaseIsRefusedWithItsPathAndTheRemedy) {
  const TempDir dir;
  std::ofstream(dir / "a.db") << std::string(5000, 'x');
  const Error error = error_of_open(dir / "a.db");
  EXPECT_EQ(error.code, ErrorCode::corrupt) << error.text;
  EXPECT_NE(error.text.find(dir / "a.db"), std::string::npos) << error.text;
  EXPECT_NE(error.text.find("restore a backup"), std::string::npos) << error.text;
}

TEST(SqlAccountStoreFiles, ADirectoryThatCannotBeMadeIsNamed) {
  const TempDir dir;
  std::ofstream(dir / "file") << "x";
  const Error error = error_of_open(dir / "file/a.db");
  EXPECT_EQ(error.code, ErrorCode::unavailable) << error.text;
  EXPECT_NE(error.text.find(dir / "file/a.db"), std::string::npos) << error.text;
  EXPECT_NE(error.text.find("writable"), std::string::npos) << error.text;
}

TEST(SqlAccountStoreFiles, ADirectoryWithoutPermissionIsNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TempDir dir;
  mkdir((dir / "closed").c_str(), 0500);
  const Error error = error_of_open(dir / "closed/a.db");
  EXPECT_EQ(error.code, ErrorCode::unavailable) << error.text;
}

TEST(SqlAccountStoreFiles, APathWithAQuotationMarkIsRefused) {
  const TempDir dir;
  EXPECT_EQ(error_of_open(dir / "a\"b.db").code, ErrorCode::invalid_argument);
}

TEST(SqlAccountStoreFiles, APathWithSpacesAndEqualSignsWorks) {
  const TempDir dir;
  const std::string path = dir / "my data = here/a.db";
  ASSERT_TRUE(open_sql_account_store({.path = path}));
  EXPECT_TRUE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace chat
