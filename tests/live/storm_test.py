#!/usr/bin/env python3
"""All links break at once: everybody comes back with jitter, nothing is lost, and the result says
how fast they were accepted and when the last one had everything again."""

import unittest

from simulation import Chatd, Simulation, programs

CHATD, CHATSIM = programs()


class StormTest(unittest.TestCase):
    def test_everybody_comes_back_and_nothing_is_lost(self):
        chatd = Chatd(CHATD)
        self.addCleanup(chatd.stop)
        simulation = Simulation(CHATSIM, chatd, "reconnect-storm.yaml", "--users", "600",
                                "--duration", "26s")
        simulation.finish()
        result = simulation.result
        for name in ("lost", "duplicate", "reordered", "phantom", "not_sent"):
            self.assertEqual(result["messages"][name], 0, f"{name}: {result['findings']}")
        storm = result["storm"]
        self.assertGreaterEqual(storm["dropped"], 590)
        self.assertEqual(storm["recovered"], storm["dropped"])
        self.assertGreaterEqual(sum(storm["accepts"]), storm["dropped"])
        self.assertGreater(storm["accepts_per_s"], 0)
        # Jitter: they are spread over the window that chatd announced, 5 s or more.
        self.assertGreater(storm["full_recovery_s"], 2)
        self.assertGreater(storm["welcome_ms"]["p90"] - storm["welcome_ms"]["p50"], 500)
        self.assertIn("storm", simulation.report)


if __name__ == "__main__":
    unittest.main()
