// ChatStoreConformance: the fixture of the suite that every implementation of ChatStore runs. Each
// test gets a new store. The tests stand in files by idea (…_conformance_test.cc), the tested
// implementations in conformance_stores.cc: a later backend only adds itself there. A suite with a
// fixture of its own derives it from this one and is instantiated with tested_stores(). Thread
// rule: one thread per test.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "core/store/chat_store.h"
#include "tests/store/store_fixture.h"
#include "tests/support/temp_dir.h"

namespace chat::store_test {

using Seqs = std::vector<uint64_t>;

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<ChatStore>(const std::string& dir)> open;
};

/// Every store that runs the suite.
std::vector<Implementation> tested_stores();
inline std::string name_of_test(const testing::TestParamInfo<Implementation>& tested) {
  return tested.param.name;
}

inline void PrintTo(const Implementation& implementation, std::ostream* out) {
  *out << implementation.name;
}

class ChatStoreConformance : public testing::TestWithParam<Implementation> {
 protected:
  ChatStore& store() { return *store_; }

  /// Stores `count` events in `chat`, which is new.
  void fill(const ChatId& chat, uint64_t count) {
    ASSERT_EQ(append(store(), append_of(chat, 0, count)).outcome, WriteOutcome::stored);
  }

 private:
  TempDir dir_;
  std::unique_ptr<ChatStore> store_ = GetParam().open(dir_.path());
};

}  // namespace chat::store_test
