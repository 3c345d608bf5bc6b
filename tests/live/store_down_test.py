#!/usr/bin/env python3
"""The message store answers nobody for a while, under load: sends are answered DELAYED, edits,
deletions and reactions are refused for now, and when it is back nothing is lost, nothing is there
twice, everything is in order. The third argument is how long. Prints the figures."""

import sys
import time
import unittest

from simulation import ROOT, Chatd, Simulation, counters, programs, wait_s
from harness import curl  # noqa: E402  (simulation has set the path)

CHATD, CHATSIM = programs()
DOWN_S = int(sys.argv.pop(1))
DEADLINE_S = 60
WORKLOAD = (ROOT / "scenarios/stall.yaml").read_text() + """
edits: {rate: 0.1}
deletions: {rate: 0.05}
reactions: {rate: 0.1}
"""


class StoreDownTest(unittest.TestCase):
    def setUp(self):
        self.chatd = Chatd(CHATD, "--fault-injection", "true")
        self.addCleanup(self.chatd.stop)

    def make_faults(self, **faults):
        status, answer = curl("PUT", f"{self.chatd.admin}/admin/v1/faults", faults)
        self.assertEqual(status, 200, answer)

    def wait_until_drained(self, simulation):
        """Until nothing is delayed any more; how many seconds that took."""
        began = time.monotonic()
        while counters(self.chatd)["delayed_now"] > 0:
            self.assertLess(time.monotonic() - began, DEADLINE_S)
            wait_s(simulation.process, 0.02)
        return time.monotonic() - began

    def test_a_store_that_hangs_loses_and_repeats_nothing(self):
        simulation = Simulation(CHATSIM, self.chatd, WORKLOAD, "--duration", f"{DOWN_S + 40}s")
        simulation.wait_for_run_second(15)
        self.make_faults(store_hang_reads=True, store_hang_writes=True)
        wait_s(simulation.process, DOWN_S)
        waiting = counters(self.chatd)["delayed_now"]
        self.assertGreater(waiting, 0)
        self.make_faults(store_hang_reads=False, store_hang_writes=False)
        drained_s = self.wait_until_drained(simulation)
        simulation.finish()
        result = simulation.result
        messages, changes, counted = result["messages"], result["changes"], counters(self.chatd)
        print(f"store away for {DOWN_S} s: {messages['sends_delayed']} of {messages['sent']} sends "
              f"DELAYED, {waiting} waited when it came back, drained after {drained_s:.2f} s",
              flush=True)
        for name in ("lost", "duplicate", "reordered", "phantom", "stale", "not_sent"):
            self.assertEqual(messages[name], 0, f"{name}: {result['findings']}")
        self.assertGreater(messages["sends_delayed"], 100)
        self.assertGreaterEqual(counted["sends_delayed"], messages["sends_delayed"])
        self.assertEqual(counted["delayed_stored"], counted["sends_delayed"])
        self.assertEqual(counted["delayed_now"], 0)
        self.assertEqual(messages["acked"], messages["sent"])
        for kind in ("edits", "deletions", "reactions"):
            self.assertEqual(changes[kind]["acked"] + changes[kind]["refused"],
                             changes[kind]["sent"], kind)
            self.assertGreater(changes[kind]["acked"], 50, kind)

    def test_it_ends_while_its_store_hangs(self):
        self.make_faults(store_hang_reads=True, store_hang_writes=True)
        curl("GET", f"{self.chatd.admin}/admin/v1/faults")


class WithoutTheOptionTest(unittest.TestCase):
    def test_faults_are_refused(self):
        chatd = Chatd(CHATD)
        self.addCleanup(chatd.stop)
        for method in ("GET", "PUT"):
            status, answer = curl(method, f"{chatd.admin}/admin/v1/faults", {})
            self.assertEqual(status, 403)
            self.assertIn("--fault-injection", answer["message"])


if __name__ == "__main__":
    unittest.main()
