#!/usr/bin/env python3
"""One plan, two worlds: a thousand users do the same on a real chatd and in virtual time."""

import json
import pathlib
import subprocess
import unittest

from simulation import Chatd, Simulation, programs

CHATD, CHATSIM = programs()

USERS = 1_000
SCENARIO = f"""
name: traces
users: {USERS}
arrival: {{over: 5s}}
duration: 15s
devices: {{per_user: 2}}
chats:
  direct: {{per_user: 2}}
  groups: {{count: 100, size: {{min: 3, max: 20, skew: 1}}}}
  rooms: {{count: 2, size: 50}}
activity: {{users_skew: 0.5, chats_skew: 1}}
sends: {{rate: 0.1, text: {{min: 64, max: 500, skew: 1}}}}
edits: {{rate: 0.02}}
deletions: {{rate: 0.02}}
reactions: {{rate: 0.02}}
leaves: {{rate: 0.005}}
reads: {{every: 10s}}
drops: {{users: 0.3, every: 6s, away: {{min: 100ms, max: 2s}}, clean: 0.5}}
presence: {{every: 15s, users: 10}}
history: {{every: 10s, limit: 30}}
"""


class TracesTest(unittest.TestCase):
    def setUp(self):
        self.chatd = Chatd(CHATD)
        self.addCleanup(self.chatd.stop)
        self.directory = pathlib.Path(self.chatd.directory)

    def live(self):
        """What every device did on the chatd, and the result."""
        traces = self.directory / "live.txt"
        simulation = Simulation(CHATSIM, self.chatd, SCENARIO, "--traces", str(traces))
        # A loaded machine may make the run invalid by its latency; what users do stays the same.
        self.assertIn(simulation.finish(), (0, 3), simulation.text())
        return traces.read_text().splitlines(), simulation.result

    def virtual(self, *arguments):
        traces = self.directory / "virtual.txt"
        result = self.directory / "virtual.json"
        subprocess.run([CHATSIM, "run", str(self.directory / "scenario.yaml"), "--virtual",
                        "--traces", str(traces), "--json", str(result), *arguments],
                       check=True, timeout=200)
        return traces.read_text().splitlines(), json.loads(result.read_text())

    def test_users_do_the_same_live_and_in_virtual_time(self):
        live, live_result = self.live()
        virtual, virtual_result = self.virtual()
        self.assertEqual(len(live), 2 * USERS)
        self.assertEqual([pair for pair in zip(live, virtual) if pair[0] != pair[1]], [])
        self.assertEqual(live_result["actions"], virtual_result["actions"])
        self.assertGreater(live_result["actions"]["executed"], 5 * USERS)
        for result in (live_result, virtual_result):
            for name in ("lost", "duplicate", "reordered", "phantom", "stale"):
                self.assertEqual(result["messages"][name], 0, (name, result["findings"]))
        other, _ = self.virtual("--seed", "2")
        same = sum(a == b for a, b in zip(other, virtual))
        self.assertLess(same, USERS, "another seed is another plan")


if __name__ == "__main__":
    unittest.main()
