#!/usr/bin/env python3
"""chatd is killed three times in the middle of a run and started again: the run goes on, and no
acknowledged message is missing or there twice."""

import unittest

from simulation import Chatd, Simulation, programs

CHATD, CHATSIM = programs()


class CrashTest(unittest.TestCase):
    def test_three_kills_lose_nothing_and_repeat_nothing(self):
        chatd = Chatd(CHATD)
        self.addCleanup(chatd.stop)
        simulation = Simulation(CHATSIM, chatd, "quickstart.yaml", "--users", "600")
        for second in (10, 25, 40):
            simulation.wait_for_run_second(second)
            chatd.kill()
            chatd.start()
        simulation.finish()
        result = simulation.result
        messages = result["messages"]
        for name in ("lost", "duplicate", "reordered", "phantom"):
            self.assertEqual(messages[name], 0, f"{name}: {result['findings']}")
        self.assertEqual(messages["acked"], messages["sent"])
        self.assertGreater(messages["sent"], 1000)
        self.assertEqual(result["server"]["restarts"], 3)


if __name__ == "__main__":
    unittest.main()
