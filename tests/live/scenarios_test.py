#!/usr/bin/env python3
"""Whole runs of small scenarios against a real chatd, and what chatsim says when there is none."""

import subprocess
import unittest

from simulation import ROOT, Chatd, Simulation, programs

CHATD, CHATSIM = programs()

EVERYTHING = """
name: everything
users: 120
arrival: {over: 2s}
duration: 12s
json_share: 0.5
chats:
  direct: {per_user: 2}
  groups: {count: 20, size: {min: 3, max: 12, skew: 1}}
  rooms: {count: 2, size: 40}
activity: {users_skew: 0.5, chats_skew: 1}
sends: {rate: 0.7, text: {min: 64, max: 2000, skew: 1}}
edits: {rate: 0.1}
deletions: {rate: 0.1}
reactions: {rate: 0.1}
reads: {every: 3s}
drops: {users: 0.5, every: 4s, away: {min: 100ms, max: 2s}, clean: 0.5}
presence: {every: 4s, users: 10}
history: {every: 3s, limit: 30}
gates: ["lost == 0", "duplicate == 0", "reordered == 0", "phantom == 0", "stale == 0",
        "not_sent == 0", "changes.acked + changes.refused == changes.sent"]
"""

PASSWORDS = """
name: passwords
users: 8
arrival: {over: 2s}
duration: 3s
login: password
chats: {groups: {count: 2, size: {min: 4, max: 4}}}
sends: {rate: 2}
gates: ["lost == 0", "duplicate == 0", "acked == sent", "errors == 0"]
"""

BIG_ROOM = """
name: small-ladder
users: 50
arrival: {over: 1s}
chats: {rooms: {count: 1, size: 50}}
ladder: {rates: [5, 10, 20], hold: 3s, pass: ["latency.response.p99 < 5s", "not_sent == 0"]}
generator: {send_lag_p99: 2s, stall: 5s, cpu: 1}
gates: ["lost == 0", "duplicate == 0", "ladder.rate >= 5"]
"""


class ScenariosTest(unittest.TestCase):
    def setUp(self):
        self.chatd = Chatd(CHATD)
        self.addCleanup(self.chatd.stop)

    def run_scenario(self, scenario, *arguments):
        simulation = Simulation(CHATSIM, self.chatd, scenario, *arguments)
        code = simulation.finish()
        return code, simulation

    def judge(self, code, simulation):
        """The delivery gates; a loaded machine may make the run invalid by latency alone."""
        result = simulation.result
        self.assertIn(code, (0, 1, 3), simulation.text())
        for name in ("lost", "duplicate", "reordered", "phantom", "stale", "not_sent"):
            self.assertEqual(result["messages"][name], 0, f"{name}: {result['findings']}")
        self.assertGreater(result["messages"]["sent"], 0)
        self.assertEqual(result["messages"]["acked"], result["messages"]["sent"])
        self.assertEqual(result["messages"]["delivered"],
                         result["messages"]["expected_deliveries"])
        return result

    def test_ten_chats_of_five_users_are_accounted_for_exactly(self):
        result = self.judge(*self.run_scenario("ten-chats.yaml", "--duration", "8s"))
        self.assertEqual(result["users"], {"asked": 50, "peak": 50})
        messages = result["messages"]
        self.assertEqual(messages["expected_deliveries"], 5 * messages["acked"])

    def test_everything_at_once_loses_nothing(self):
        code, simulation = self.run_scenario(EVERYTHING)
        result = self.judge(code, simulation)
        self.assertGreater(result["connections"]["reconnects"], 50)
        self.assertGreater(result["catch_up_ms"]["count"], 0)
        for kind in ("edits", "deletions", "reactions"):
            self.assertGreater(result["changes"][kind]["acked"], 20, kind)
        self.assertGreater(result["changes"]["tombstones"], 0)
        self.assertIn('id="chart-latency"', simulation.report)
        self.assertIsNotNone(result["server"])

    def test_users_can_log_in_by_password(self):
        result = self.judge(*self.run_scenario(PASSWORDS))
        self.assertEqual(result["users"]["peak"], 8)

    def test_a_ladder_names_its_highest_valid_step(self):
        result = self.judge(*self.run_scenario(BIG_ROOM))
        self.assertEqual([step["rate_per_s"] for step in result["ladder"]], [5, 10, 20])


class FailuresTest(unittest.TestCase):
    def exit_code(self, *arguments):
        done = subprocess.run([CHATSIM, *arguments], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def test_usage_and_bad_scenarios_exit_with_2(self):
        self.assertEqual(self.exit_code("run")[0], 2)
        self.assertEqual(self.exit_code("walk")[0], 2)
        self.assertEqual(self.exit_code("run", str(ROOT / "scenarios/stall.yaml"))[0], 2)
        code, text = self.exit_code("check", str(ROOT / "scenarios/scenario.schema.json"))
        self.assertEqual(code, 2)
        self.assertIn("scenario.schema.json:", text)

    def test_a_good_scenario_is_checked_without_a_server(self):
        for path in (ROOT / "scenarios").glob("*.yaml"):
            self.assertEqual(self.exit_code("check", str(path))[0], 0)

    def test_no_chatd_exits_with_4(self):
        scenario = str(ROOT / "scenarios/stall.yaml")
        self.assertEqual(self.exit_code("run", scenario, "--target", "/no/ready.json")[0], 4)
        self.assertEqual(self.exit_code("run", scenario, "--target", "http://127.0.0.1:1",
                                        "--admin", "http://127.0.0.1:1")[0], 4)

    def test_help_tells_the_exit_codes(self):
        for arguments in (["--help"], ["run", "--help"], ["check", "--help"]):
            code, text = self.exit_code(*arguments)
            self.assertEqual(code, 0)
            self.assertIn("Exit codes", text)


if __name__ == "__main__":
    unittest.main()
