// What every AccountStore has to do, run on each implementation.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "server/accounts/memory_account_store.h"
#include "server/accounts/sql_account_store.h"
#include "tests/support/temp_dir.h"

namespace chat {
namespace {

constexpr WallTime kNow{1'700'000'000'000};
constexpr uint64_t kFirstImported = kImportedUserIdMin;
constexpr Duration kRefreshTtl = seconds(30 * 24 * 3600);

struct Implementation {
  const char* name;
  std::function<Result<std::unique_ptr<AccountStore>>(const TempDir&)> open;
};

const Implementation kImplementations[] = {
    {"Memory",
     [](const TempDir&) { return make_memory_account_store({.refresh_ttl = kRefreshTtl}); }},
    {"Sqlite",
     [](const TempDir& dir) {
       return open_sql_account_store({.path = dir / "accounts.db", .refresh_ttl = kRefreshTtl});
     }},
};

class AccountStoreConformance : public testing::TestWithParam<Implementation> {
 protected:
  AccountStoreConformance() {
    auto opened = GetParam().open(dir_);
    EXPECT_TRUE(opened) << opened.error().text;
    store_ = std::move(*opened);
    store_->set_ended_listener([this](const AccountChanged& change) { ended_.push_back(change); });
  }

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
  LoginGrant log_in(UserId user, WallTime now = kNow) {
    return store().open_login(user, now).value();
  }
  std::vector<LoginId> login_ids(UserId user, WallTime now = kNow) {
    std::vector<LoginId> ids;
    const auto logins = store().logins(user, now).value();
    for (const Login& login : logins) ids.push_back(login.login);
    return ids;
  }
  std::string why_not_renewed(const std::string& token, WallTime now = kNow) {
    const auto renewed = store().renew_login(token, now);
    if (renewed) return "renewed";
    EXPECT_EQ(renewed.error().code, ErrorCode::unauthenticated);
    return renewed.error().text;
  }

  TempDir dir_;
  std::unique_ptr<AccountStore> store_;
  std::vector<AccountChanged> ended_;  ///< What the store has told.
};
INSTANTIATE_TEST_SUITE_P(Stores, AccountStoreConformance, testing::ValuesIn(kImplementations),
                         [](const auto& given) { return given.param.name; });

NewAccount imported(uint64_t id, const std::string& name) { return {UserId{id}, name, "", ""}; }

// ---------------------------------------------------------------- sign-up

TEST_P(AccountStoreConformance, ANewUserIsFoundByIdNameAndEmail) {
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

TEST_P(AccountStoreConformance, TakenNamesAndAddressesAreRefusedAndNamed) {
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

TEST_P(AccountStoreConformance, BadNamesAddressesAndPasswordsAreRefused) {
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

// ---------------------------------------------------------------- import

TEST_P(AccountStoreConformance, AnImportIsRepeatable) {
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

TEST_P(AccountStoreConformance, AnImportWithoutIdsIsRepeatableByName) {
  const NewAccount user{{}, "anna", "anna@example.org", ""};
  for (const bool created : {true, false}) {
    const Imported result = import_one(user).value();
    EXPECT_EQ(result.created, created);
    EXPECT_EQ(result.user, UserId{1});
  }
}

TEST_P(AccountStoreConformance, BadLinesOfAnImportDoNotStopTheOthers) {
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

TEST_P(AccountStoreConformance, AnImportedPasswordWorks) {
  ASSERT_TRUE(import_one({UserId{kFirstImported}, "anna", "anna@example.org", "correct horse"}));
  EXPECT_TRUE(store().log_in("anna@example.org", "correct horse"));
}

// ---------------------------------------------------------------- lists and names

TEST_P(AccountStoreConformance, ListPagesById) {
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

TEST_P(AccountStoreConformance, NamesComeInTheOrderAsked) {
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

TEST_P(AccountStoreConformance, RenameKeepsTheIdAndRefusesTakenNames) {
  const Account anna = make("anna");
  make("ben");
  EXPECT_EQ(store().rename(anna.user, "Anna B").value().user_name, "Anna B");
  EXPECT_EQ(store().find_by_name("anna b").value().user, anna.user);
  EXPECT_EQ(store().rename(anna.user, "ANNA B").value().user_name, "ANNA B") << "own name";
  EXPECT_EQ(store().rename(anna.user, "Ben").error().code, ErrorCode::already_exists);
  EXPECT_EQ(store().rename(anna.user, "1").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(store().rename(UserId{99}, "new").error().code, ErrorCode::not_found);
}

TEST_P(AccountStoreConformance, MissingAnswersInTheOrderAsked) {
  const Account anna = make("anna");
  ASSERT_TRUE(import_one(imported(kFirstImported + 700, "far")));
  const std::vector<UserId> asked{UserId{2}, anna.user, UserId{kFirstImported + 700},
                                  UserId{kFirstImported + 701}, UserId{0}};
  EXPECT_EQ(store().missing(asked),
            (std::vector<UserId>{UserId{2}, UserId{kFirstImported + 701}, UserId{0}}));
}

// ---------------------------------------------------------------- credentials

TEST_P(AccountStoreConformance, LogInTakesTheRightPasswordOnly) {
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

TEST_P(AccountStoreConformance, OfConcurrentSignUpsWithOneNameOrAddressOneSucceeds) {
  for (const bool same_name : {true, false}) {
    std::atomic<int> created{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&, i] {
        const std::string own = "user" + std::to_string(i);
        const auto result = store().create({{},
                                            same_name ? "One Name" : own,
                                            same_name ? own + "@example.org" : "one@example.org",
                                            ""},
                                           kNow);
        if (result) ++created;
        if (!result && result.error().code == ErrorCode::already_exists) ++refused;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(created, 1) << same_name;
    EXPECT_EQ(refused, 5) << same_name;
  }
  EXPECT_EQ(store().user_count(), 2u);
}

TEST_P(AccountStoreConformance, NamesOfAllScriptsAreKeptAsTheyAreAndFound) {
  for (const std::string name :
       {"Zo\xc3\xab", "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", "\xe5\xb0\x8f\xe6\x98\x8e",
        "\xf0\x9f\x90\xb8 frog", "O'Neil \"x\" ;--"}) {
    const Account made = store().create({{}, name, "", ""}, kNow).value();
    EXPECT_EQ(store().find_by_name(name).value().user, made.user) << name;
    EXPECT_EQ(store().find(made.user).value().user_name, name);
    EXPECT_EQ(code_of_create({{}, name, "", ""}), ErrorCode::already_exists) << name;
  }
  ASSERT_TRUE(store().create({{}, "ZO\xc3\x8b", "", ""}, kNow))
      << "only ASCII letters are compared without case";
}

TEST_P(AccountStoreConformance, UsersWithoutAnAddressDoNotStandInEachOthersWay) {
  EXPECT_TRUE(store().create({{}, "anna", "", ""}, kNow));
  EXPECT_TRUE(store().create({{}, "ben", "", ""}, kNow));
  EXPECT_EQ(store().find_by_email("").error().code, ErrorCode::not_found);
}

// ---------------------------------------------------------------- log-ins

TEST_P(AccountStoreConformance, ARefreshTokenIsReplacedAtEachUseAndKeepsItsLogIn) {
  const Account anna = make("anna");
  const LoginGrant first = log_in(anna.user);
  EXPECT_EQ(first.account.user_name, "anna");
  const WallTime later = kNow + seconds(60);
  const LoginGrant second = store().renew_login(first.refresh_token, later).value();
  EXPECT_EQ(second.account.user, anna.user);
  EXPECT_EQ(second.login, first.login);
  EXPECT_NE(second.refresh_token, first.refresh_token);
  const auto logins = store().logins(anna.user, later).value();
  ASSERT_EQ(logins.size(), 1u);
  EXPECT_EQ(logins[0].created, kNow);
  EXPECT_EQ(logins[0].last_used, later);
  EXPECT_TRUE(store().renew_login(second.refresh_token, later));
  EXPECT_EQ(why_not_renewed("unknown"), "the refresh token is not known");
  EXPECT_EQ(store().open_login(UserId{9}, kNow).error().code, ErrorCode::not_found);
  EXPECT_TRUE(ended_.empty());
}

TEST_P(AccountStoreConformance, LogInsHaveIdsThatGrowAndAreNeverGivenTwice) {
  const Account anna = make("anna"), ben = make("ben");
  const LoginId first = log_in(anna.user).login, second = log_in(ben.user).login;
  EXPECT_TRUE(first);
  EXPECT_GT(second, first);
  ASSERT_TRUE(store().end_login(ben.user, second, kNow));
  const WallTime much_later = kNow + kRefreshTtl * 3;
  EXPECT_GT(log_in(anna.user, much_later).login, second) << "also when all were forgotten";
}

TEST_P(AccountStoreConformance, ALogOutEndsOneLogInAndTellsOfIt) {
  const Account anna = make("anna"), ben = make("ben");
  const LoginGrant phone = log_in(anna.user), laptop = log_in(anna.user), other = log_in(ben.user);
  EXPECT_EQ(login_ids(anna.user), (std::vector<LoginId>{phone.login, laptop.login}));
  ASSERT_TRUE(store().end_login(anna.user, phone.login, kNow));
  EXPECT_EQ(login_ids(anna.user), std::vector<LoginId>{laptop.login});
  EXPECT_EQ(why_not_renewed(phone.refresh_token), "this log-in has ended; log in again");
  EXPECT_TRUE(store().renew_login(laptop.refresh_token, kNow));
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].user, anna.user);
  EXPECT_EQ(ended_[0].ended, std::vector<LoginId>{phone.login});
  EXPECT_EQ(ended_[0].ended_until, WallTime{});

  for (const auto& [user, login] : {std::pair(anna.user, phone.login),
                                    {anna.user, other.login},
                                    {anna.user, LoginId{999}},
                                    {UserId{9}, laptop.login}}) {
    EXPECT_EQ(store().end_login(user, login, kNow).error().code, ErrorCode::not_found);
  }
  EXPECT_EQ(ended_.size(), 1u);
  EXPECT_EQ(login_ids(ben.user), std::vector<LoginId>{other.login});
}

TEST_P(AccountStoreConformance, AReusedRefreshTokenEndsItsLogInOnlyAndTellsOfIt) {
  const Account anna = make("anna");
  const LoginGrant phone = log_in(anna.user), laptop = log_in(anna.user);
  const LoginGrant next = store().renew_login(phone.refresh_token, kNow).value();
  EXPECT_NE(why_not_renewed(phone.refresh_token).find("used before"), std::string::npos);
  EXPECT_EQ(why_not_renewed(next.refresh_token), "this log-in has ended; log in again");
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].ended, std::vector<LoginId>{phone.login});
  EXPECT_TRUE(store().renew_login(laptop.refresh_token, kNow));
}

TEST_P(AccountStoreConformance, AllOtherLogInsEndAndTheOwnOneGoesOn) {
  const Account anna = make("anna");
  const LoginGrant own = log_in(anna.user), phone = log_in(anna.user), laptop = log_in(anna.user);
  EXPECT_EQ(store().end_other_logins(anna.user, own.login, kNow).value(), 2u);
  EXPECT_EQ(login_ids(anna.user), std::vector<LoginId>{own.login});
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].ended, (std::vector<LoginId>{phone.login, laptop.login}));
  EXPECT_EQ(store().end_other_logins(anna.user, own.login, kNow).value(), 0u);
  EXPECT_EQ(ended_.size(), 1u);
}

TEST_P(AccountStoreConformance, EverythingOfAUserEndsWithTheTokensMadeUpToThen) {
  const Account anna = make("anna");
  const LoginGrant phone = log_in(anna.user);
  log_in(anna.user);
  EXPECT_EQ(store().end_all_logins(anna.user, kNow).value(), 2u);
  EXPECT_TRUE(login_ids(anna.user).empty());
  EXPECT_EQ(why_not_renewed(phone.refresh_token), "this log-in has ended; log in again");
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].ended_until, kNow);
  EXPECT_EQ(store().end_all_logins(anna.user, kNow + seconds(1)).value(), 0u);
  EXPECT_EQ(ended_.size(), 2u) << "tokens without a log-in may have been made meanwhile";
  EXPECT_EQ(store().end_all_logins(UserId{9}, kNow).error().code, ErrorCode::not_found);
}

TEST_P(AccountStoreConformance, AStartingServerIsToldWhatHasEnded) {
  const Account anna = make("anna"), ben = make("ben");
  const LoginGrant early = log_in(anna.user), late = log_in(anna.user);
  ASSERT_TRUE(store().end_login(anna.user, early.login, kNow));
  ASSERT_TRUE(store().end_login(anna.user, late.login, kNow + seconds(10)));
  ASSERT_TRUE(store().end_all_logins(ben.user, kNow));
  const auto ends = [&](WallTime since, UserId user, LoginId login, WallTime issued) {
    const auto changes = store().ended_after(since).value();
    return std::any_of(changes.begin(), changes.end(), [&](const AccountChanged& change) {
      return change.user == user && change.ends(login, issued);
    });
  };
  const WallTime before{kNow.ms - 1};
  EXPECT_TRUE(ends(before, anna.user, early.login, kNow));
  EXPECT_TRUE(ends(before, anna.user, late.login, kNow));
  EXPECT_FALSE(ends(kNow + seconds(5), anna.user, early.login, kNow)) << "its tokens are over";
  EXPECT_TRUE(ends(kNow + seconds(5), anna.user, late.login, kNow));
  EXPECT_TRUE(ends(before, ben.user, LoginId{}, kNow));
  EXPECT_FALSE(ends(before, ben.user, LoginId{}, kNow + milliseconds(1)));
}

TEST_P(AccountStoreConformance, RefreshTokensExpireAndAreForgotten) {
  const Account anna = make("anna");
  const LoginGrant login = log_in(anna.user);
  const WallTime later = kNow + kRefreshTtl;
  EXPECT_NE(why_not_renewed(login.refresh_token, later).find("expired"), std::string::npos);
  EXPECT_TRUE(login_ids(anna.user, later).empty());
  const LoginGrant next = log_in(anna.user, later);
  EXPECT_EQ(why_not_renewed(login.refresh_token, later), "the refresh token is not known");
  EXPECT_EQ(login_ids(anna.user, later), std::vector<LoginId>{next.login});
}

TEST_P(AccountStoreConformance, ALogInThatIsUsedOutlivesItsFirstToken) {
  const Account anna = make("anna");
  LoginGrant login = log_in(anna.user);
  for (int i = 1; i <= 4; ++i) {
    const WallTime now = kNow + kRefreshTtl / 2 * i;
    login = store().renew_login(login.refresh_token, now).value();
    log_in(anna.user, now);  // Forgets what has expired.
    EXPECT_EQ(login_ids(anna.user, now).front(), login.login) << i;
  }
}

}  // namespace
}  // namespace chat
