// Access tokens, which are verified on every Hello, and the import of users.
#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "server/accounts/sql_account_store.h"
#include "server/accounts/token_service.h"
#include "tests/support/temp_dir.h"

namespace chat {
namespace {

constexpr WallTime kNow{1'700'000'000'000};

void BM_TokenMint(benchmark::State& state) {
  const TokenService tokens(std::string(32, 'k'));
  for (auto _ : state) {
    benchmark::DoNotOptimize(tokens.mint(UserId{12345}, "anna", kNow, seconds(60)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TokenMint);

void BM_TokenVerify(benchmark::State& state) {
  const TokenService tokens(std::string(32, 'k'));
  const std::string token = tokens.mint(UserId{12345}, "anna", kNow, seconds(60)).value();
  for (auto _ : state) benchmark::DoNotOptimize(tokens.verify(token, kNow));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TokenVerify);

void BM_AccountImport(benchmark::State& state) {
  const TempDir dir;
  auto store = open_sql_account_store({.path = dir / "accounts.db"});
  if (!store) throw std::runtime_error(store.error().text);
  uint64_t next = kImportedUserIdMin;
  for (auto _ : state) {
    std::vector<NewAccount> users;
    for (int i = 0; i < 1000; ++i, ++next) {
      users.push_back({UserId{next}, "user" + std::to_string(next), "", ""});
    }
    benchmark::DoNotOptimize((*store)->import(users, kNow));
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(BM_AccountImport)->UseRealTime();

void BM_AccountMissing(benchmark::State& state) {
  const TempDir dir;
  auto store = open_sql_account_store({.path = dir / "accounts.db"});
  if (!store) throw std::runtime_error(store.error().text);
  std::vector<NewAccount> users;
  std::vector<UserId> asked;
  for (uint64_t i = 0; i < 1000; ++i) {
    asked.push_back(UserId{kImportedUserIdMin + i});
    users.push_back({asked.back(), "user" + std::to_string(i), "", ""});
  }
  (*store)->import(users, kNow);
  for (auto _ : state) benchmark::DoNotOptimize((*store)->missing(asked));
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(BM_AccountMissing);

}  // namespace
}  // namespace chat
