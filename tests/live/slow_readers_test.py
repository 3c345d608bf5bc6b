#!/usr/bin/env python3
"""One per cent of 5,000 users read 1 KiB/s: chatd drops what it may, tells them to sync and closes
them, and the response latency of everybody else stays what it is without them. Prints the
figures.

Two runs of scenarios/slow-readers.yaml without them frame one with them: how far those two are
apart is what the machine itself moves.
"""

import unittest

from simulation import ROOT, Chatd, Simulation, counters, programs

CHATD, CHATSIM = programs()
SCENARIO = (ROOT / "scenarios/slow-readers.yaml").read_text()
NOBODY_SLOW = SCENARIO.replace("users: 0.01, bytes_per_s", "users: 0, bytes_per_s")
ALLOWED = 0.10


class SlowReadersTest(unittest.TestCase):
    def run_once(self, scenario):
        chatd = Chatd(CHATD)
        self.addCleanup(chatd.stop)
        simulation = Simulation(CHATSIM, chatd, scenario)
        simulation.finish()
        result = simulation.result
        for name in ("lost", "duplicate", "reordered", "phantom", "not_sent"):
            self.assertEqual(result["messages"][name], 0, f"{name}: {result['findings']}")
        return result["latency_ms"]["response"], counters(chatd)

    def test_the_others_do_not_notice(self):
        self.assertNotEqual(SCENARIO, NOBODY_SLOW)
        before, calm = self.run_once(NOBODY_SLOW)
        slow, counted = self.run_once(SCENARIO)
        after, _ = self.run_once(NOBODY_SLOW)
        for name, latency in (("without", before), ("with", slow), ("without", after)):
            print(f"{name:8} slow readers: response p50 {latency['p50']:.2f} ms, "
                  f"p99 {latency['p99']:.2f} ms, max {latency['max']:.1f} ms", flush=True)
        names = ("slow_readers_lagged", "durable_dropped", "ephemeral_dropped",
                 "slow_reader_stalls", "slow_reader_overflows")
        print("counted: " + ", ".join(f"{name} {counted[name]}" for name in names), flush=True)
        self.assertEqual(calm["slow_reader_stalls"] + calm["slow_reader_overflows"], 0)
        self.assertGreater(counted["slow_reader_stalls"] + counted["slow_readers_lagged"], 10)
        without = max(before["p99"], after["p99"])
        self.assertLess(slow["p99"], without * (1 + ALLOWED))


if __name__ == "__main__":
    unittest.main()
