"""What the live tests share: a run of chatsim that can be watched and disturbed meanwhile."""

import json
import pathlib
import re
import subprocess
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))

from harness import Chatd, curl  # noqa: E402  (the path has to be set first)

__all__ = ["Chatd", "ROOT", "Simulation", "counters", "programs", "wait_s"]

SCHEMA = json.loads((ROOT / "reports/run.schema.json").read_text())
DEADLINE_S = 200


def programs():
    """The paths of chatd and chatsim, taken off the command line before unittest reads it."""
    return [sys.argv.pop(1), sys.argv.pop(1)]


def counters(chatd):
    """What the engines of a chatd have counted so far."""
    return curl("GET", f"{chatd.admin}/admin/v1/status")[1]["counters"]


def wait_s(process, seconds):
    """Lets time pass that is part of a scenario; ends early when the process does."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass


class Simulation:
    """`chatsim run` of a scenario against a chatd, or against what a ready file names."""

    def __init__(self, chatsim, chatd, scenario, *arguments, target=None):
        self.directory = pathlib.Path(chatd.directory)
        self.json_path = self.directory / "run.json"
        self.report_path = self.directory / "run.html"
        path = ROOT / "scenarios" / scenario
        if "\n" in scenario:  # The text of a scenario, not the name of a file.
            path = self.directory / "scenario.yaml"
            path.write_text(scenario)
        self.lines = []
        self.process = subprocess.Popen(
            [chatsim, "run", str(path), "--target",
             str(target or f"{chatd.directory}/ready.json"),
             "--json", str(self.json_path), "--report", str(self.report_path), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def wait_for_run_second(self, second):
        """Returns when the progress says that this second of the run phase has passed."""
        if not self.reaches_run_second(second):
            raise AssertionError(f"no second {second} in the run:\n{self.text()}")

    def reaches_run_second(self, second):
        """As wait_for_run_second(); False when the run ends without having shown it."""
        for line in self.process.stdout:
            self.lines.append(line)
            match = re.match(r"run +(\d+)/", line)
            if match and int(match.group(1)) >= second:
                return True
        return False

    def text(self):
        return "".join(self.lines)

    def finish(self):
        """Waits for the end; the exit code. Then `result` and `report` can be read."""
        self.lines += self.process.stdout.readlines()
        self.process.wait(DEADLINE_S)
        self.process.stdout.close()
        print(self.text(), flush=True)
        return self.process.returncode

    @property
    def result(self):
        result = json.loads(self.json_path.read_text())
        jsonschema.Draft202012Validator(SCHEMA).validate(result)
        return result

    @property
    def report(self):
        return self.report_path.read_text()
