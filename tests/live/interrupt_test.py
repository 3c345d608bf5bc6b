#!/usr/bin/env python3
"""Ctrl-C ends a run early, and its result says so."""

import signal
import unittest

from simulation import Chatd, Simulation, programs

CHATD, CHATSIM = programs()


class InterruptTest(unittest.TestCase):
    def test_ctrl_c_ends_a_run_with_a_partial_result_that_is_still_accounted_for(self):
        chatd = Chatd(CHATD)
        self.addCleanup(chatd.stop)
        simulation = Simulation(CHATSIM, chatd, "ten-chats.yaml", "--duration", "10m")
        simulation.wait_for_run_second(1)
        simulation.process.send_signal(signal.SIGINT)
        self.assertEqual(simulation.finish(), 3)
        result = simulation.result
        self.assertIn("partial", " ".join(result["invalid_reasons"]))
        self.assertEqual([phase["name"] for phase in result["phases"]],
                         ["prepare", "ramp", "run", "quiet", "audit"])
        self.assertLess(result["phases"][2]["length_s"], 300)
        messages = result["messages"]
        self.assertGreater(messages["sent"], 0)
        self.assertEqual(messages["acked"], messages["sent"])
        self.assertEqual(messages["delivered"], messages["expected_deliveries"])


if __name__ == "__main__":
    unittest.main()
