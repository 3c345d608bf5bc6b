#!/usr/bin/env python3
"""chatd is ended in order twice in the middle of a run and started again: its users leave when they
are told to, come back, and no message is missing or there twice."""

import unittest

from simulation import Chatd, Simulation, programs

CHATD, CHATSIM = programs()
END_DEADLINE_S = 60


class DrainTest(unittest.TestCase):
    def test_two_ends_in_order_lose_nothing_and_cut_nobody_off(self):
        chatd = Chatd(CHATD, "--drain-window", "2s", "--policy-go-away-patience", "30s")
        self.addCleanup(chatd.stop)
        simulation = Simulation(CHATSIM, chatd, "quickstart.yaml", "--users", "600")
        for second in (10, 35):
            simulation.wait_for_run_second(second)
            chatd.process.terminate()
            self.assertEqual(chatd.process.wait(END_DEADLINE_S), 0, chatd.log())
            chatd.start()
        self.assertNotIn("cut off", chatd.log())
        simulation.finish()
        result = simulation.result
        messages = result["messages"]
        for name in ("lost", "duplicate", "reordered", "phantom"):
            self.assertEqual(messages[name], 0, f"{name}: {result['findings']}")
        self.assertEqual(messages["acked"], messages["sent"])
        self.assertGreater(messages["sent"], 1000)
        self.assertEqual(result["server"]["restarts"], 2)


if __name__ == "__main__":
    unittest.main()
