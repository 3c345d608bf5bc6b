#!/usr/bin/env python3
"""The whole workload – several devices per user, direct chats, groups, rooms, edits, deletions,
reactions, reads, drops, users who leave groups and come back – while chatd is killed every few
seconds or asks everybody to go, and while a proxy splits, delays, stalls and cuts connections:
nothing is lost, there twice or out of order, and nobody is shown what was deleted or changed."""

import pathlib
import unittest

from faulty_proxy import FaultyProxy
from simulation import Chatd, Simulation, programs

CHATD, CHATSIM = programs()
DEADLINE_S = 30

WORKLOAD = """
name: faults
users: 150
devices: {per_user: 3}
arrival: {over: 3s}
duration: 30s
json_share: 0.3
chats:
  direct: {per_user: 3}
  groups: {count: 40, size: {min: 3, max: 15, skew: 0.5}}
  rooms: {count: 3, size: 60}
activity: {users_skew: 0.5, chats_skew: 0.5}
sends: {rate: 0.3, text: {min: 64, max: 1500, skew: 1}, queue_max: 1000}
edits: {rate: 0.1}
deletions: {rate: 0.04}
reactions: {rate: 0.1}
leaves: {rate: 0.03, away: {min: 500ms, max: 4s}}
reads: {every: 6s}
drops: {users: 0.3, every: 10s, away: {min: 100ms, max: 3s}, clean: 0.4}
presence: {every: 10s, users: 10}
history: {every: 10s, limit: 30}
generator: {send_lag_p99: 5s, stall: 10s, cpu: 1}
gates: ["lost == 0", "duplicate == 0", "reordered == 0", "phantom == 0", "stale == 0"]
"""
KILLED_AT_S = (3, 7, 11, 15, 20, 25)


class FaultsTest(unittest.TestCase):
    def setUp(self):
        self.chatd = Chatd(CHATD)
        self.addCleanup(self.chatd.stop)

    def judge(self, simulation):
        simulation.finish()
        result = simulation.result
        messages = result["messages"]
        for name in ("lost", "duplicate", "reordered", "phantom", "stale", "not_sent"):
            self.assertEqual(messages[name], 0, f"{name}: {result['findings']}")
        self.assertEqual(messages["acked"] + messages["refused"], messages["sent"])
        changes = result["changes"]
        for kind in ("edits", "deletions", "reactions"):
            self.assertEqual(changes[kind]["acked"] + changes[kind]["refused"],
                             changes[kind]["sent"], kind)
            self.assertGreater(changes[kind]["acked"], 10, kind)
        # Who has left a group may do nothing there, but few are out at any time.
        self.assertLess(messages["refused"], messages["sent"] / 5)
        self.assertGreater(changes["leaves"], 20)
        self.assertGreater(changes["tombstones"], 0)
        self.assertGreater(messages["sent"], 200)
        self.assertGreater(messages["delivered"], 10 * messages["sent"])
        return result

    def test_kills_every_few_seconds_lose_nothing_and_repeat_nothing(self):
        simulation = Simulation(CHATSIM, self.chatd, WORKLOAD)
        kills = 0
        for second in KILLED_AT_S:
            if not simulation.reaches_run_second(second):
                break  # A machine on which a start takes many seconds.
            self.chatd.kill()
            self.chatd.start()
            kills += 1
        result = self.judge(simulation)
        self.assertGreaterEqual(kills, 3)
        self.assertEqual(result["server"]["restarts"], kills)

    def test_devices_that_are_asked_to_go_lose_nothing(self):
        simulation = Simulation(CHATSIM, self.chatd, WORKLOAD, "--duration", "12s")
        simulation.wait_for_run_second(4)
        self.chatd.process.terminate()
        self.assertEqual(self.chatd.process.wait(DEADLINE_S), 0)
        self.chatd.start()
        result = self.judge(simulation)
        self.assertGreater(result["connections"]["go_aways"], 300)
        self.assertEqual(result["server"]["restarts"], 1)

    def test_a_network_that_splits_delays_and_cuts_loses_nothing_and_repeats_nothing(self):
        directory = pathlib.Path(self.chatd.directory)
        proxy = FaultyProxy(directory / "ready.json", directory / "proxy.json", seed=17)
        self.addCleanup(proxy.stop)
        simulation = Simulation(CHATSIM, self.chatd, WORKLOAD, target=proxy.ready_file)
        result = self.judge(simulation)
        print(f"proxy: {proxy.counts}", flush=True)
        for fault in ("cut", "split", "delayed", "stalled"):
            self.assertGreater(proxy.counts[fault], 0, fault)
        self.assertGreater(proxy.counts["cut"], 50)
        self.assertGreater(result["connections"]["reconnects"], 300)


if __name__ == "__main__":
    unittest.main()
