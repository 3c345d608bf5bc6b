#!/usr/bin/env python3
"""The message store answers nobody for a while, under load: sends are answered DELAYED, and when
it is back nothing is lost, nothing is there twice, everything is in order. The third argument is
how long."""

import sys
import unittest

from simulation import Chatd, Simulation, programs, wait_s
from harness import curl  # noqa: E402  (simulation has set the path)

CHATD, CHATSIM = programs()
DOWN_S = int(sys.argv.pop(1))


class StoreDownTest(unittest.TestCase):
    def setUp(self):
        self.chatd = Chatd(CHATD, "--fault-injection", "true")
        self.addCleanup(self.chatd.stop)

    def make_faults(self, **faults):
        status, answer = curl("PUT", f"{self.chatd.admin}/admin/v1/faults", faults)
        self.assertEqual(status, 200, answer)

    def counters(self):
        return curl("GET", f"{self.chatd.admin}/admin/v1/status")[1]["counters"]

    def test_a_store_that_hangs_loses_and_repeats_nothing(self):
        simulation = Simulation(CHATSIM, self.chatd, "stall.yaml", "--duration",
                                f"{DOWN_S + 40}s")
        simulation.wait_for_run_second(15)
        self.make_faults(store_hang_reads=True, store_hang_writes=True)
        wait_s(simulation.process, DOWN_S)
        self.assertGreater(self.counters()["delayed_now"], 0)
        self.make_faults(store_hang_reads=False, store_hang_writes=False)
        simulation.finish()
        messages = simulation.result["messages"]
        for name in ("lost", "duplicate", "reordered", "phantom"):
            self.assertEqual(messages[name], 0, f"{name}: {simulation.result['findings']}")
        counters = self.counters()
        self.assertGreater(messages["sends_delayed"], 100)
        self.assertGreaterEqual(counters["sends_delayed"], messages["sends_delayed"])
        self.assertEqual(counters["delayed_stored"], counters["sends_delayed"])
        self.assertEqual(counters["delayed_now"], 0)
        self.assertEqual(messages["acked"], messages["sent"])

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
