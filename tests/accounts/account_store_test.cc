#include "server/accounts/account_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/support/temp_dir.h"

namespace chat {
namespace {

constexpr WallTime kNow{1'700'000'000'000};
constexpr uint64_t kFirstImported = kImportedUserIdMin;

class AccountStoreTest : public testing::Test {
 protected:
  AccountStoreTest() { reopen(); }

  void reopen() {
    store_.reset();
    auto opened = AccountStore::open({.path = path()});
    ASSERT_TRUE(opened) << opened.error().text;
    store_ = std::move(*opened);
  }
  std::string path() const { return dir_ / "accounts.db"; }
  AccountStore& store() { return *store_; }

  Account make(const std::string& name, const std::string& password = "") {
    return store().create({{}, name, name + "@example.org", password}, kNow).value();
  }
  ErrorCode code_of_create(const NewAccount& account) {
    const auto created = store().create(account, kNow);
    return created ? ErrorCode::internal : created.error().code;
  }
  Result<Imported> import_one(const NewAccount& account) {
    return store().import({&account, 1}, kNow).at(0);
  }

 private:
  TempDir dir_;
  std::unique_ptr<AccountStore> store_;
};

NewAccount imported(uint64_t id, const std::string& name) { return {UserId{id}, name, "", ""}; }

// ---------------------------------------------------------------- sign-up

TEST_F(AccountStoreTest, ANewUserIsFoundByIdNameAndEmail) {
  const Account made = make("Anna");
  EXPECT_EQ(made.user, UserId{1});
  EXPECT_EQ(made.email, "anna@example.org") << "the address is kept in lower case";
  EXPECT_EQ(make("ben").user, UserId{2});
  EXPECT_EQ(store().find(made.user).value().user_name, "Anna");
  EXPECT_EQ(store().find(made.user).value().created, kNow);
  EXPECT_EQ(store().find_by_name("anna").value().user, made.user) << "names ignore case";
  EXPECT_EQ(store().find_by_email("ANNA@Example.ORG").value().user, made.user);
  for (const char* key : {"1", "Anna", "anna@example.org"}) {
    EXPECT_EQ(store().find_by_key(key).value().user, made.user) << key;
  }
  for (const char* key : {"9", "nobody", "@", "", "99999999999999999999"}) {
    EXPECT_EQ(store().find_by_key(key).error().code, ErrorCode::not_found) << key;
  }
  EXPECT_EQ(store().find(UserId{9}).error().code, ErrorCode::not_found);
}

TEST_F(AccountStoreTest, TakenNamesAndAddressesAreRefusedAndNamed) {
  make("anna");
  const auto same_email = store().create({{}, "other", "Anna@example.org", ""}, kNow);
  ASSERT_FALSE(same_email);
  EXPECT_EQ(same_email.error().code, ErrorCode::already_exists);
  EXPECT_EQ(same_email.error().text, "the e-mail address is taken");
  const auto same_name = store().create({{}, "ANNA", "x@example.org", ""}, kNow);
  ASSERT_FALSE(same_name);
  EXPECT_EQ(same_name.error().code, ErrorCode::already_exists);
  EXPECT_EQ(same_name.error().text, "the user name is taken");
  EXPECT_EQ(make("ben").user, UserId{2}) << "a refused sign-up uses no id";
}

TEST_F(AccountStoreTest, BadNamesAddressesAndPasswordsAreRefused) {
  for (const char* name :
       {"", " a", "a ", "a\nb", "a@b", "123", "\xff", "\xed\xa0\x80", "\xc0\xaf"}) {
    EXPECT_EQ(code_of_create({{}, name, "", ""}), ErrorCode::invalid_argument) << name;
  }
  for (const char* email : {"a", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "\xff@b"}) {
    EXPECT_EQ(code_of_create({{}, "ok", email, ""}), ErrorCode::invalid_argument) << email;
  }
  const std::string long_email = std::string(260, 'a') + "@b";
  EXPECT_EQ(code_of_create({{}, std::string(65, 'a'), "", ""}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_create({{}, "ok", long_email, ""}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_create({{}, "ok", "", "short"}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_create({{}, "ok", "", std::string(1025, 'x')}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_create(imported(kFirstImported, "ok")), ErrorCode::invalid_argument);
  EXPECT_EQ(store().user_count(), 0u);
  EXPECT_TRUE(store().create({{}, "Zo\xc3\xab \xe2\x98\x83", "", ""}, kNow));
}

TEST_F(AccountStoreTest, OfConcurrentSignUpsWithOneAddressOneSucceeds) {
  std::atomic<int> created{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto result =
          store().create({{}, "user" + std::to_string(i), "same@example.org", ""}, kNow);
      if (result) ++created;
      if (!result && result.error().code == ErrorCode::already_exists) ++refused;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(refused, 3);
}

TEST_F(AccountStoreTest, EverythingIsThereAfterARestart) {
  const Account anna = make("anna", "correct horse");
  ASSERT_TRUE(import_one(imported(kFirstImported, "imported")));
  const std::string token = store().issue_refresh_token(anna.user, kNow).value();
  reopen();
  EXPECT_EQ(store().user_count(), 2u);
  const std::vector<UserId> both{anna.user, UserId{kFirstImported}};
  EXPECT_TRUE(store().missing(both).empty());
  EXPECT_EQ(store().find_by_name("imported").value().user, UserId{kFirstImported});
  EXPECT_TRUE(store().log_in("anna@example.org", "correct horse"));
  EXPECT_TRUE(store().rotate_refresh_token(token, kNow));
  EXPECT_EQ(make("ben").user, UserId{2}) << "imported ids do not move the store's own ids";
}

// ---------------------------------------------------------------- import

TEST_F(AccountStoreTest, AnImportIsRepeatable) {
  std::vector<NewAccount> users;
  for (uint64_t i = 0; i < 100; ++i) {
    users.push_back(imported(kFirstImported + i, "u" + std::to_string(i)));
  }
  for (const bool created : {true, false}) {
    const auto results = store().import(users, kNow);
    ASSERT_EQ(results.size(), 100u);
    for (uint64_t i = 0; i < 100; ++i) {
      EXPECT_EQ(results[i].value().created, created);
      EXPECT_EQ(results[i].value().user, UserId{kFirstImported + i});
    }
  }
  EXPECT_EQ(store().user_count(), 100u);
}

TEST_F(AccountStoreTest, AnImportWithoutIdsIsRepeatableByName) {
  const NewAccount user{{}, "anna", "anna@example.org", ""};
  for (const bool created : {true, false}) {
    const Imported result = import_one(user).value();
    EXPECT_EQ(result.created, created);
    EXPECT_EQ(result.user, UserId{1});
  }
}

TEST_F(AccountStoreTest, BadLinesOfAnImportDoNotStopTheOthers) {
  make("anna");
  const std::vector<NewAccount> users{
      imported(kFirstImported, "one"),
      imported(5, "low"),
      imported(kFirstImported, "renamed"),
      imported(kFirstImported + 1, "anna"),
      {UserId{kFirstImported + 2}, "mail", "anna@example.org", ""},
      {UserId{kFirstImported + 3}, "two", "two@example.org", ""},
  };
  const auto results = store().import(users, kNow);
  ASSERT_EQ(results.size(), 6u);
  EXPECT_TRUE(results[0]);
  EXPECT_EQ(results[1].error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(results[2].error().code, ErrorCode::already_exists);
  EXPECT_NE(results[2].error().text.find("exists with the name one"), std::string::npos);
  EXPECT_EQ(results[3].error().code, ErrorCode::already_exists);
  EXPECT_EQ(results[4].error().code, ErrorCode::already_exists);
  EXPECT_TRUE(results[5]);
  EXPECT_EQ(store().user_count(), 3u);
}

TEST_F(AccountStoreTest, AnImportedPasswordWorks) {
  ASSERT_TRUE(import_one({UserId{kFirstImported}, "anna", "anna@example.org", "correct horse"}));
  EXPECT_TRUE(store().log_in("anna@example.org", "correct horse"));
}

// ---------------------------------------------------------------- lists and names

TEST_F(AccountStoreTest, ListPagesById) {
  for (const char* name : {"a", "b", "c", "d"}) make(name);
  ASSERT_TRUE(import_one(imported(kFirstImported, "e")));
  std::vector<std::string> names;
  std::optional<UserId> after = UserId{};
  int pages = 0;
  for (; after; ++pages) {
    const AccountPage page = store().list(*after, 2).value();
    for (const Account& account : page.accounts) names.push_back(account.user_name);
    after = page.next_after;
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  const AccountPage last = store().list(UserId{4}, 2).value();
  ASSERT_EQ(last.accounts.size(), 1u);
  EXPECT_EQ(last.accounts[0].user, UserId{kFirstImported});
  EXPECT_EQ(last.accounts[0].created, kNow);
  EXPECT_TRUE(store().list(UserId{kFirstImported}, 2).value().accounts.empty());
}

TEST_F(AccountStoreTest, NamesComeInTheOrderAsked) {
  std::vector<NewAccount> users;
  for (uint64_t i = 0; i < 1200; ++i) {
    users.push_back(imported(kFirstImported + i, "u" + std::to_string(i)));
  }
  for (const auto& result : store().import(users, kNow)) ASSERT_TRUE(result) << result.error().text;
  std::vector<UserId> asked{UserId{kFirstImported + 11}, UserId{7}, UserId{kFirstImported + 1}};
  const auto few = store().names(asked).value();
  EXPECT_EQ(few, (std::vector<std::optional<std::string>>{"u11", std::nullopt, "u1"}));
  asked.assign(1201, UserId{kFirstImported + 1199});
  const auto many = store().names(asked).value();
  ASSERT_EQ(many.size(), 1201u);
  EXPECT_EQ(many.front(), "u1199");
  EXPECT_EQ(many.back(), "u1199");
  EXPECT_TRUE(store().names({}).value().empty());
}

TEST_F(AccountStoreTest, RenameKeepsTheIdAndRefusesTakenNames) {
  const Account anna = make("anna");
  make("ben");
  EXPECT_EQ(store().rename(anna.user, "Anna B").value().user_name, "Anna B");
  EXPECT_EQ(store().find_by_name("anna b").value().user, anna.user);
  EXPECT_EQ(store().rename(anna.user, "ANNA B").value().user_name, "ANNA B") << "own name";
  EXPECT_EQ(store().rename(anna.user, "Ben").error().code, ErrorCode::already_exists);
  EXPECT_EQ(store().rename(anna.user, "1").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(store().rename(UserId{99}, "new").error().code, ErrorCode::not_found);
}

TEST_F(AccountStoreTest, MissingAnswersInTheOrderAsked) {
  const Account anna = make("anna");
  ASSERT_TRUE(import_one(imported(kFirstImported + 700, "far")));
  const std::vector<UserId> asked{UserId{2}, anna.user, UserId{kFirstImported + 700},
                                  UserId{kFirstImported + 701}, UserId{0}};
  EXPECT_EQ(store().missing(asked),
            (std::vector<UserId>{UserId{2}, UserId{kFirstImported + 701}, UserId{0}}));
}

// ---------------------------------------------------------------- credentials

TEST_F(AccountStoreTest, LogInTakesTheRightPasswordOnly) {
  const Account anna = make("anna", "correct horse");
  make("ben");
  EXPECT_EQ(store().log_in("Anna@example.org", "correct horse").value().user, anna.user);
  const auto wrong = store().log_in("anna@example.org", "wrong horse");
  const auto unknown = store().log_in("nobody@example.org", "correct horse");
  const auto without = store().log_in("ben@example.org", "");
  for (const auto* result : {&wrong, &unknown, &without}) {
    ASSERT_FALSE(*result);
    EXPECT_EQ(result->error().code, ErrorCode::unauthenticated);
    EXPECT_EQ(result->error().text, "the e-mail address or the password is wrong");
  }
}

TEST_F(AccountStoreTest, PasswordsAreKeptOnlyAsArgon2id) {
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

TEST_F(AccountStoreTest, ARefreshTokenIsReplacedAtEachUse) {
  const Account anna = make("anna");
  const std::string first = store().issue_refresh_token(anna.user, kNow).value();
  const RefreshGrant second = store().rotate_refresh_token(first, kNow).value();
  EXPECT_EQ(second.account.user, anna.user);
  EXPECT_EQ(second.account.user_name, "anna");
  EXPECT_NE(second.refresh_token, first);
  EXPECT_TRUE(store().rotate_refresh_token(second.refresh_token, kNow));
  EXPECT_EQ(store().rotate_refresh_token("unknown", kNow).error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(store().issue_refresh_token(UserId{9}, kNow).error().code, ErrorCode::not_found);
}

TEST_F(AccountStoreTest, AReusedRefreshTokenRevokesItsFamilyOnly) {
  const Account anna = make("anna");
  const std::string phone = store().issue_refresh_token(anna.user, kNow).value();
  const std::string laptop = store().issue_refresh_token(anna.user, kNow).value();
  const std::string next = store().rotate_refresh_token(phone, kNow).value().refresh_token;
  const auto reused = store().rotate_refresh_token(phone, kNow);
  ASSERT_FALSE(reused);
  EXPECT_EQ(reused.error().code, ErrorCode::unauthenticated);
  EXPECT_NE(reused.error().text.find("used before"), std::string::npos);
  const auto revoked = store().rotate_refresh_token(next, kNow);
  ASSERT_FALSE(revoked);
  EXPECT_NE(revoked.error().text.find("revoked"), std::string::npos);
  EXPECT_TRUE(store().rotate_refresh_token(laptop, kNow));
}

TEST_F(AccountStoreTest, RefreshTokensExpireAndAreForgotten) {
  const Account anna = make("anna");
  const std::string token = store().issue_refresh_token(anna.user, kNow).value();
  const WallTime later = kNow + seconds(30 * 24 * 3600);
  const auto expired = store().rotate_refresh_token(token, later);
  ASSERT_FALSE(expired);
  EXPECT_NE(expired.error().text.find("expired"), std::string::npos);
  ASSERT_TRUE(store().issue_refresh_token(anna.user, later));
  const auto forgotten = store().rotate_refresh_token(token, later);
  ASSERT_FALSE(forgotten);
  EXPECT_NE(forgotten.error().text.find("not known"), std::string::npos);
}

TEST_F(AccountStoreTest, LogOutRevokesTheFamilyOfTheToken) {
  const Account anna = make("anna");
  const std::string token = store().issue_refresh_token(anna.user, kNow).value();
  EXPECT_TRUE(store().revoke_refresh_token(token, kNow));
  EXPECT_TRUE(store().revoke_refresh_token("unknown", kNow));
  EXPECT_FALSE(store().rotate_refresh_token(token, kNow));
}

// ---------------------------------------------------------------- trouble

Error error_of_open(const std::string& path) {
  const auto opened = AccountStore::open({.path = path});
  EXPECT_FALSE(opened) << "the database opened";
  return opened ? Error{} : opened.error();
}

TEST(AccountStoreFiles, ADamagedDatabaseIsRefusedWithItsPathAndTheRemedy) {
  const TempDir dir;
  std::ofstream(dir / "a.db") << std::string(5000, 'x');
  const Error error = error_of_open(dir / "a.db");
  EXPECT_EQ(error.code, ErrorCode::corrupt) << error.text;
  EXPECT_NE(error.text.find(dir / "a.db"), std::string::npos) << error.text;
  EXPECT_NE(error.text.find("restore a backup"), std::string::npos) << error.text;
}

TEST(AccountStoreFiles, ADirectoryThatCannotBeMadeIsNamed) {
  const TempDir dir;
  std::ofstream(dir / "file") << "x";
  const Error error = error_of_open(dir / "file/a.db");
  EXPECT_EQ(error.code, ErrorCode::unavailable) << error.text;
  EXPECT_NE(error.text.find(dir / "file/a.db"), std::string::npos) << error.text;
  EXPECT_NE(error.text.find("writable"), std::string::npos) << error.text;
}

TEST(AccountStoreFiles, ADirectoryWithoutPermissionIsNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TempDir dir;
  mkdir((dir / "closed").c_str(), 0500);
  const Error error = error_of_open(dir / "closed/a.db");
  EXPECT_EQ(error.code, ErrorCode::unavailable) << error.text;
}

TEST(AccountStoreFiles, APathWithAQuotationMarkIsRefused) {
  const TempDir dir;
  EXPECT_EQ(error_of_open(dir / "a\"b.db").code, ErrorCode::invalid_argument);
}

TEST(AccountStoreFiles, APathWithSpacesAndEqualSignsWorks) {
  const TempDir dir;
  const std::string path = dir / "my data = here/a.db";
  ASSERT_TRUE(AccountStore::open({.path = path}));
  EXPECT_TRUE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace chat
