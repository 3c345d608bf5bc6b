#include "tools/chatsim/scenario_virtual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/chatsim/scenario_file.h"

namespace chat::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Result<Scenario> read(const std::string& sections) {
  return parse_scenario("name: small\nusers: 10\n" + sections, "s.yaml");
}

std::string refusal_of(const std::string& sections) {
  const auto scenario = read(sections);
  return scenario ? "accepted" : scenario.error().text;
}

TEST(ScenarioVirtual, SaysNothingUnlessTheFileDoes) {
  const auto scenario = read("");
  ASSERT_TRUE(scenario) << scenario.error().text;
  EXPECT_EQ(scenario->virtual_setup, VirtualSetup());
  EXPECT_THAT(scenario->faults, IsEmpty());
  EXPECT_THAT(virtual_sections(*scenario), IsEmpty());
}

TEST(ScenarioVirtual, SetsServersAndDisks) {
  const auto scenario = read(R"(
servers:
  processes: 3
  engines: 2
  account_check: 2ms
  cpu: {turn: 1us, input: 2us, output: 3us, input_kib: 4us, output_kib: 5us, spread: 0.5}
disk: {read: 1ms, readers: 7, sync: 2ms, write: 3us, write_kib: 4us, group_max: 9, spread: 1}
)");
  ASSERT_TRUE(scenario) << scenario.error().text;
  const VirtualSetup& setup = scenario->virtual_setup;
  EXPECT_EQ(setup.processes, 3u);
  EXPECT_EQ(setup.engines_per_process, 2u);
  EXPECT_EQ(setup.account_check, milliseconds(2));
  EXPECT_EQ(setup.cpu, (CpuCosts{.turn = microseconds(1),
                                 .input = microseconds(2),
                                 .output = microseconds(3),
                                 .input_kib = microseconds(4),
                                 .output_kib = microseconds(5),
                                 .spread = 0.5}));
  EXPECT_EQ(setup.disk, (DiskModel{.read = milliseconds(1),
                                   .readers = 7,
                                   .sync = milliseconds(2),
                                   .write = microseconds(3),
                                   .write_kib = microseconds(4),
                                   .group_max = 9,
                                   .spread = 1}));
  EXPECT_THAT(virtual_sections(*scenario), ElementsAre("servers", "disk"));
}

TEST(ScenarioVirtual, SetsNetworks) {
  const auto scenario = read(R"(
network:
  client:
    round_trip: 60ms
    jitter: 5ms
    loss: {share: 0.01, burst: 300ms}
    retransmit: 250ms
    up: 64KiB
    down: 1MiB
    handshake: 2
    silent: 0.4
  peer:
    round_trip: 1ms
    jitter: 10us
    loss: {share: 0.02, burst: 5ms}
    bandwidth: 10MiB
    repeated: 0.03
    overtaken: {share: 0.04, by: 7ms}
  mailbox: 1us
)");
  ASSERT_TRUE(scenario) << scenario.error().text;
  const VirtualSetup& setup = scenario->virtual_setup;
  const PathModel up{.delay = milliseconds(30),
                     .jitter = milliseconds(5),
                     .bytes_per_s = 64 << 10,
                     .loss = {.share = 0.01, .burst = milliseconds(300)},
                     .retransmit_after = milliseconds(250)};
  PathModel down = up;
  down.bytes_per_s = 1 << 20;
  EXPECT_EQ(setup.client,
            (ClientPath{.up = up, .down = down, .handshake_round_trips = 2, .silent_share = 0.4}));
  EXPECT_EQ(setup.peer, (PathModel{.delay = microseconds(500),
                                   .jitter = microseconds(10),
                                   .bytes_per_s = 10 << 20,
                                   .loss = {.share = 0.02, .burst = milliseconds(5)},
                                   .repeated_share = 0.03,
                                   .overtaken_share = 0.04,
                                   .overtaken_by = milliseconds(7)}));
  EXPECT_EQ(setup.mailbox, microseconds(1));
  EXPECT_THAT(virtual_sections(*scenario), ElementsAre("network"));
}

TEST(ScenarioVirtual, GivesEveryRegionItsRoundTrip) {
  const auto scenario = read(
      "network: {client: {round_trip: 40ms, jitter: 1ms}}\n"
      "regions: [{name: here}, {name: far, round_trip: 180ms}]\n");
  ASSERT_TRUE(scenario) << scenario.error().text;
  const NetworkModel network = network_of(scenario->virtual_setup, scenario->regions);
  ASSERT_EQ(network.clients.size(), 2u);
  EXPECT_EQ(network.clients[0].up.delay, milliseconds(20));
  EXPECT_EQ(network.clients[1].up.delay, milliseconds(90));
  EXPECT_EQ(network.clients[1].down.delay, milliseconds(90));
  EXPECT_EQ(network.clients[1].down.jitter, milliseconds(1));
  EXPECT_EQ(network_of(scenario->virtual_setup, {}).clients.size(), 1u);
}

TEST(ScenarioVirtual, SetsFaults) {
  const auto scenario = read(R"(
servers: {processes: 3}
faults:
  - {kind: crash, at: 0, for: 2s, process: 3}
  - {kind: partition, every: 10m}
  - {kind: slow_disk, at: 5s, factor: 4}
  - {kind: store_error, at: 6s, share: 0.5}
  - {kind: drop, every: 20s, share: 0.25}
  - {kind: clock_skew, at: 7s, behind: 3s}
)");
  ASSERT_TRUE(scenario) << scenario.error().text;
  const std::vector<FaultRule>& faults = scenario->faults;
  ASSERT_EQ(faults.size(), 6u);
  EXPECT_EQ(faults[0].kind, FaultKind::crash);
  EXPECT_EQ(faults[0].at, Duration());
  EXPECT_EQ(faults[0].lasts, seconds(2));
  EXPECT_EQ(faults[0].process, 3u);
  EXPECT_EQ(faults[1].at, std::nullopt);
  EXPECT_EQ(faults[1].every, minutes(10));
  EXPECT_EQ(faults[1].process, 0u);
  EXPECT_EQ(faults[2].factor, 4);
  EXPECT_EQ(faults[3].share, 0.5);
  EXPECT_EQ(faults[4].share, 0.25);
  EXPECT_EQ(faults[5].ahead, seconds(-3));
}

TEST(ScenarioVirtual, RefusesWhatCannotBe) {
  EXPECT_THAT(refusal_of("servers: {processes: 65}\n"), HasSubstr("processes"));
  EXPECT_THAT(refusal_of("disk: {readers: 0}\n"), HasSubstr("readers"));
  EXPECT_THAT(refusal_of("network: {client: {loss: {share: 1}}}\n"), HasSubstr("0.9"));
  EXPECT_THAT(refusal_of("network: {client: {loss: {share: 0.1, burst: 0}}}\n"),
              HasSubstr("network.client.loss.burst"));
  EXPECT_THAT(refusal_of("network: {peer: {retransmit: 1s}}\n"), HasSubstr("s.yaml:3"));
}

TEST(ScenarioVirtual, RefusesFaultsThatCannotBe) {
  EXPECT_THAT(refusal_of("faults: [{at: 3s}]\n"), HasSubstr("kind"));
  EXPECT_THAT(refusal_of("faults: [{kind: crsh, at: 3s}]\n"), HasSubstr("\"crash\""));
  EXPECT_THAT(refusal_of("faults: [{kind: crash}]\n"),
              HasSubstr("faults[0] (crash): needs either"));
  EXPECT_THAT(refusal_of("faults: [{kind: crash, at: 1s, every: 9s}]\n"),
              HasSubstr("either at or"));
  EXPECT_THAT(refusal_of("faults: [{kind: crash, at: 60s}]\n"), HasSubstr("within the run"));
  EXPECT_THAT(refusal_of("faults: [{kind: crash, at: 1s, factor: 3}]\n"),
              HasSubstr("faults[0].factor: unknown"));
  EXPECT_THAT(refusal_of("faults: [{kind: crash, at: 1s, process: 2}]\n"),
              HasSubstr("servers.processes, 1"));
  EXPECT_THAT(refusal_of("faults: [{kind: drop, at: 1s, for: 3s}]\n"),
              HasSubstr("faults[0].for: unknown"));
  EXPECT_THAT(refusal_of("faults: [{kind: partition, at: 1s}]\n"), HasSubstr("two processes"));
  EXPECT_THAT(refusal_of("faults: [{kind: clock_skew, at: 1s}]\n"), HasSubstr("ahead or behind"));
  EXPECT_THAT(refusal_of("faults: [{kind: store_error, every: 1ms}]\n"), HasSubstr("100ms"));
}

}  // namespace
}  // namespace chat::sim
