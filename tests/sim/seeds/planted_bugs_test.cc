// The model test is tested: every bug that is planted here has to be found within 1,000 seeds.
#include <gtest/gtest.h>

#include <cstdio>

#include "sim/seeds/seed_run.h"
#include "tests/sim/seeds/planted_frames.h"
#include "tests/sim/seeds/planted_stores.h"

namespace chat::sim {
namespace {

constexpr uint64_t kSeeds = 1'000;

struct Bug {
  const char* name;
  std::function<void(SeedOptions&)> plant;
  const char* finding;  ///< Part of what has to be found; empty = anything.
};

template <class Store>
void with_store(SeedOptions& options) {
  options.make_store = [](uint64_t epoch) { return std::make_unique<Store>(epoch); };
}

template <ForgetfulStore::Forgets kForgets>
void forgetting(SeedOptions& options) {
  options.make_store = [](uint64_t epoch) {
    return std::make_unique<ForgetfulStore>(epoch, kForgets);
  };
  options.on_crash = [](ChatStore& store) { static_cast<ForgetfulStore&>(store).crash(); };
}

template <class Log>
void with_delay_log(SeedOptions& options) {
  options.make_delay_log = [] { return std::make_unique<Log>(); };
}

template <std::function<void(std::string&)> (*kMake)()>
void tampering(SeedOptions& options) {
  options.tamper = kMake();
}

const Bug kBugs[] = {
    {"SendsAreAnsweredBeforeTheyAreDurable", forgetting<ForgetfulStore::Forgets::appends>, "lost:"},
    {"AnInboxSeqIsUsedAgainAfterACrash", forgetting<ForgetfulStore::Forgets::inbox_writes>,
     "was two entries"},
    {"FanOutIsNotDrivenAgain", with_store<FannedOutStore>, "lost:"},
    {"KeysAreNotCheckedAfterARestart", with_store<KeylessStore>, "duplicate:"},
    {"AKeyAnswersWithAnotherSeq", with_store<WrongKeyStore>, "acknowledged"},
    {"AnEntryOfAnInboxIsLeftOut", with_store<HoleyInboxStore>, "is not dense"},
    {"TwoEntriesOfAnInboxAreSwapped", with_store<SwappingStore>, "goes back"},
    {"TwoHomesWriteToOneChat", with_store<FencelessStore<AppendEvents>>, ""},
    {"TwoHomesWriteToOneInbox", with_store<FencelessStore<AppendInboxes>>, ""},
    {"WhoLeftIsAMemberAgainAfterARestart", with_store<ClingingStore>, "phantom:"},
    {"MarksAreLoadedTooLow", with_store<LowMarkStore>, "forgot what user"},
    {"APushComesTwice", tampering<repeats_a_push>, "duplicate:"},
    {"APageIsOutOfOrder", tampering<reorders_a_page>, ""},
    {"APageIsCut", tampering<cuts_a_page>, "lost:"},
    {"APageSaysDoneBeforeTheHead", tampering<says_done_on_every_page>, "lost:"},
    {"AnAnswerNamesAnotherRequest", tampering<answers_another_request>, "not quiet"},
    {"AnAnswerNamesAnotherSeq", tampering<acknowledges_another_seq>, "acknowledged"},
    {"DeletedTextsAreKept", with_store<UnforgettingStore>, "has kept its text"},
    {"AnEditGoesToAnotherMessage", tampering<edits_another_message>, "shows chat"},
    {"AReturningDeviceGetsADeletedText", tampering<brings_a_deleted_text>, "unlike the log's"},
    {"AChangeOfPresenceIsNotTold", tampering<hides_presence>, "presence, told to"},
    {"AModeOfPresenceIsNotTold", tampering<hides_a_new_mode>, "presence, told to"},
    {"AReceiptIsNotTold", tampering<hides_receipts>, "thinks that user"},
    {"ANewEventIsCalledPruned", tampering<calls_pruned>, "pruned without reason"},
    {"WhatIsTooOldIsKept", with_store<AimlessStore>, "which is too old"},
    {"AChatIsNotEnded", with_store<AimlessStore>, "should be over"},
    {"MoreThanIsTooOldIsPruned", with_store<OverPrunedStore>, "pruned without reason"},
    {"TheUnreadAreMiscounted", with_store<MiscountingStore>, "unread"},
    {"TheTailOfADelayLogIsLost", with_delay_log<TaillessDelayLog>, "lost:"},
    {"ATextIsChanged", tampering<changes_a_text>, "content unlike the log's"},
};

class PlantedBug : public ::testing::TestWithParam<Bug> {};

INSTANTIATE_TEST_SUITE_P(Bugs, PlantedBug, ::testing::ValuesIn(kBugs),
                         [](const auto& bug) { return std::string(bug.param.name); });

TEST_P(PlantedBug, IsFound) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SeedOptions options;
    options.seed = seed;
    GetParam().plant(options);
    const SeedResult result = run_seed(options);
    if (result.passed()) continue;
    const std::string found = result.describe();
    if (found.find(GetParam().finding) == std::string::npos) continue;
    std::printf("found by seed %llu\n", static_cast<unsigned long long>(seed));
    return;
  }
  FAIL() << "not found by " << kSeeds << " seeds";
}

}  // namespace
}  // namespace chat::sim
