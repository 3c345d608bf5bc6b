#!/usr/bin/env python3
"""A server that stands still shows in response latency and not in service latency; a generator that
stands still makes the run invalid."""

import signal
import unittest

from simulation import Chatd, Simulation, programs, wait_s

CHATD, CHATSIM = programs()
STALL_S = 6


class StallTest(unittest.TestCase):
    def setUp(self):
        self.chatd = Chatd(CHATD)
        self.addCleanup(self.chatd.stop)

    def test_a_stopped_server_shows_in_response_and_not_in_service_latency(self):
        simulation = Simulation(CHATSIM, self.chatd, "stall.yaml")
        simulation.wait_for_run_second(20)
        self.chatd.process.send_signal(signal.SIGSTOP)
        wait_s(simulation.process, STALL_S)
        self.chatd.process.send_signal(signal.SIGCONT)
        simulation.finish()
        result = simulation.result
        self.assertEqual(result["messages"]["lost"], 0, result["findings"])
        self.assertEqual(result["messages"]["duplicate"], 0, result["findings"])
        self.assertGreaterEqual(result["latency_ms"]["response"]["p95"], 2500)
        self.assertLess(result["latency_ms"]["service"]["p95"], 50)

    def test_a_stopped_generator_makes_the_run_invalid(self):
        simulation = Simulation(CHATSIM, self.chatd, "stall.yaml", "--duration", "15s")
        simulation.wait_for_run_second(5)
        simulation.process.send_signal(signal.SIGSTOP)
        wait_s(simulation.process, 3)
        simulation.process.send_signal(signal.SIGCONT)
        self.assertEqual(simulation.finish(), 3)
        result = simulation.result
        self.assertFalse(result["valid"])
        self.assertIn("stood still", " ".join(result["invalid_reasons"]))
        self.assertFalse(any(gate["passed"] for gate in result["gates"]))


if __name__ == "__main__":
    unittest.main()
