#include "sim/virtual/world_setup.h"

#include <gtest/gtest.h>

#include "sim/memory_store/memory_chat_store.h"

namespace chat::sim {
namespace {

Scenario small_scenario() {
  Scenario scenario;
  scenario.name = "small";
  scenario.users = 10;
  scenario.virtual_setup.processes = 2;
  scenario.virtual_setup.engines_per_process = 3;
  return scenario;
}

TEST(WorldSetup, HasTheServersOfTheScenario) {
  Scenario scenario = small_scenario();
  scenario.regions = {{.name = "near"}, {.name = "far", .round_trip = seconds(1)}};
  const WorldOptions options = world_of(scenario);
  EXPECT_EQ(options.engines_of_process, (std::vector{3, 3}));
  EXPECT_EQ(options.users, 10u);
  ASSERT_EQ(options.network->clients.size(), 2u);
  EXPECT_EQ(options.network->clients[1].up.delay, milliseconds(500));
  EXPECT_EQ(options.disk, scenario.virtual_setup.disk);
}

TEST(WorldSetup, InflictsEveryFaultButThoseOfDevices) {
  MemoryChatStore store(1);
  VirtualWorld world(world_of(small_scenario()), store);
  for (const FaultKind kind : kFaultKinds) {
    const Fault fault{.at = {},
                      .kind = kind,
                      .lasts = seconds(1),
                      .process = 1,
                      .other = 0,
                      .share = 0.5,
                      .factor = 3,
                      .ahead = seconds(2)};
    EXPECT_EQ(inflict(fault, world), kind != FaultKind::drop) << name_of(kind);
    EXPECT_EQ(world.is_up(1), kind != FaultKind::crash) << name_of(kind);
    world.run_until(world.now() + seconds(2));
    EXPECT_TRUE(world.is_up(1));
  }
}

}  // namespace
}  // namespace chat::sim
