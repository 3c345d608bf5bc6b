#!/usr/bin/env python3
"""A day in the depth fleet through the program: the same for any number of threads, and told as
reports/run.schema.json says. Usage: fleet_test.py CHATSIM"""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "reports/run.schema.json").read_text())
DAY = str(ROOT / "scenarios/day-50m.yaml")
CHATSIM = ""


class FleetTest(unittest.TestCase):
    def run_day(self, *arguments):
        """The exit code, the JSON and what was said."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "day.json"
            done = subprocess.run(
                [CHATSIM, "run", DAY, "--virtual", "--fleet", "--json", str(path), *arguments],
                capture_output=True, text=True, timeout=120)
            self.assertTrue(path.exists(), done.stderr)
            result = json.loads(path.read_text())
        jsonschema.Draft202012Validator(SCHEMA).validate(result)
        return done.returncode, result, done.stdout

    def test_a_day_is_the_same_for_any_number_of_threads(self):
        small = ["--users", "20000", "--duration", "1h", "-q"]
        _, one, said = self.run_day(*small, "--threads", "1")
        code, two, _ = self.run_day(*small, "--threads", "2", "--check-determinism")
        self.assertEqual(code, 1)  # Its gates are those of fifty million users.
        self.assertEqual(one["virtual"]["digest"], two["virtual"]["digest"])
        self.assertEqual(one["virtual"]["counters"], two["virtual"]["counters"])
        self.assertEqual(one["series"], two["series"])
        self.assertEqual(one["virtual"]["depth"], "fleet")
        self.assertGreater(one["virtual"]["heartbeats"], 20_000)
        self.assertTrue(any("run again" in note for note in two["notes"]))
        self.assertIn(one["virtual"]["digest"], said)

    def test_an_interrupted_day_is_partial_and_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "day.json"
            command = [CHATSIM, "run", DAY, "--virtual", "--users", "300000", "--json", str(path)]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True) as run:
                self.assertIn("run", run.stderr.readline())
                run.send_signal(signal.SIGINT)
                run.stderr.read()
                self.assertEqual(run.wait(60), 3)
            result = json.loads(path.read_text())
        self.assertIn("partial", result["invalid_reasons"][0])
        self.assertLess(result["virtual"]["simulated_s"], 86_400)

    def test_a_day_does_not_run_on_a_chatd(self):
        done = subprocess.run([CHATSIM, "run", DAY, "--target", "/no/ready.json"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--virtual", done.stderr)


if __name__ == "__main__":
    CHATSIM = sys.argv.pop(1)
    unittest.main()
