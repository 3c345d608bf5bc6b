#!/usr/bin/env python3
"""One per cent of the users read 1 KiB/s: chatd drops what it may, tells them to sync and closes
them, and they lose nothing. With PAIRS as the third argument also: the response latency of
everybody else stays what it is without them. Prints the figures.

Runs with and without slow readers take turns, so that a machine that gets slower or faster
meanwhile does so for both; the median of the runs counts.
"""

import statistics
import sys
import unittest

from simulation import ROOT, Chatd, Simulation, counters, programs

CHATD, CHATSIM = programs()
PAIRS = int(sys.argv.pop(1)) if sys.argv[1:] and sys.argv[1].isdigit() else 0
SCENARIO = (ROOT / "scenarios/slow-readers.yaml").read_text()
NOBODY_SLOW = SCENARIO.replace("users: 0.01, bytes_per_s", "users: 0, bytes_per_s")
ALLOWED = 0.10
COUNTED = ("slow_readers_lagged", "durable_dropped", "ephemeral_dropped", "slow_reader_stalls",
           "slow_reader_overflows")


class SlowReadersTest(unittest.TestCase):
    def run_once(self, scenario, *arguments):
        """The result of a run and what chatd counted in it."""
        chatd = Chatd(CHATD)
        try:
            simulation = Simulation(CHATSIM, chatd, scenario, *arguments)
            simulation.finish()
            result, counted = simulation.result, counters(chatd)
        finally:
            chatd.stop()
        for name in ("lost", "duplicate", "reordered", "phantom", "not_sent"):
            self.assertEqual(result["messages"][name], 0, f"{name}: {result['findings']}")
        return result, counted

    def expect_trouble(self, counted, at_least):
        print("counted: " + ", ".join(f"{name} {counted[name]}" for name in COUNTED), flush=True)
        self.assertGreaterEqual(counted["slow_reader_stalls"] + counted["slow_readers_lagged"],
                                at_least)

    @unittest.skipIf(PAIRS > 0, "part of the runs that are compared")
    def test_they_are_told_to_sync_or_closed_and_lose_nothing(self):
        _, counted = self.run_once(SCENARIO, "--users", "1000", "--duration", "60s")
        self.expect_trouble(counted, 5)

    @unittest.skipIf(PAIRS == 0, "compares latencies")
    def test_the_others_do_not_notice(self):
        self.assertNotEqual(SCENARIO, NOBODY_SLOW)
        p99 = {True: [], False: []}
        for pair in range(PAIRS):
            for slow in (pair % 2 == 0, pair % 2 != 0):
                result, counted = self.run_once(SCENARIO if slow else NOBODY_SLOW)
                self.assertTrue(result["valid"], result["invalid_reasons"])
                latency = result["latency_ms"]["response"]
                p99[slow].append(latency["p99"])
                print(f"{'with' if slow else 'without':8} slow readers: response p50 "
                      f"{latency['p50']:.2f} ms, p99 {latency['p99']:.2f} ms, max "
                      f"{latency['max']:.1f} ms", flush=True)
                if slow:
                    self.expect_trouble(counted, 25)
                else:
                    self.assertEqual(
                        counted["slow_reader_stalls"] + counted["slow_reader_overflows"], 0)
        median = {slow: statistics.median(values) for slow, values in p99.items()}
        print(f"median p99: {median[True]:.2f} ms with, {median[False]:.2f} ms without: "
              f"{median[True] / median[False] - 1:+.1%}", flush=True)
        self.assertLess(median[True], median[False] * (1 + ALLOWED))


if __name__ == "__main__":
    unittest.main()
