#!/usr/bin/env python3
"""The record of seeds: its form, how slices join, and whether it speaks for the present core/.

usage: seeds_record_test.py SIM_SEEDS SOURCE_DIR
       seeds_record_test.py --show SOURCE_DIR     only tells what reports/seeds.json is worth
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest


def core_digest(source):
    """As tools/cmake/core_digest.cmake counts."""
    files = sorted(str(path.relative_to(source)) for path in (source / "core").rglob("*")
                   if path.suffix in (".cc", ".h", ".proto"))
    listing = "".join(
        f"{hashlib.sha256((source / file).read_bytes()).hexdigest()}  {file}\n" for file in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def faults_of(record):
    """What is wrong with the form of a record, as sentences."""
    faults = []
    if record.get("schema_version") != 1:
        faults.append("schema_version is not 1")
    slices = record.get("slices", [])
    if not slices:
        faults.append("there is no slice")
    end = 0
    for slice_ in slices:
        missing = {"first", "count", "failed", "cpu_s", "date", "core_digest",
                   "rare_paths"} - set(slice_)
        if missing:
            faults.append(f"a slice lacks {', '.join(sorted(missing))}")
            continue
        if slice_["first"] < end:
            faults.append(f"the slice from {slice_['first']} on overlaps the one before")
        if slice_["first"] == end:
            faults.append(f"the slice from {slice_['first']} on is not joined with the one before")
        end = slice_["first"] + slice_["count"]
        if slice_["count"] < 1:
            faults.append(f"the slice from {slice_['first']} on has no seeds")
        if slice_["failed"] != 0:
            faults.append(f"{slice_['failed']} seeds failed from {slice_['first']} on")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", slice_["date"]):
            faults.append(f"{slice_['date']} is no date")
        if not re.fullmatch(r"[0-9a-f]{64}", slice_["core_digest"]):
            faults.append(f"{slice_['core_digest']} is no digest")
    if len({slice_.get("core_digest") for slice_ in slices}) > 1:
        faults.append("the slices ran with different cores")
    return faults


def verdict(record, source):
    """What a record is worth, for people."""
    slices = record["slices"]
    seeds = sum(slice_["count"] for slice_ in slices)
    failed = sum(slice_["failed"] for slice_ in slices)
    valid = all(slice_["core_digest"] == core_digest(source) for slice_ in slices)
    text = f"{seeds} seeds, {failed} failed; "
    return text + ("recorded with this core/" if valid
                   else "core/ has changed since: run them anew")


def slice_of(first, count, **fields):
    return {"first": first, "count": count, "failed": 0, "cpu_s": 1.5, "date": "2026-01-31",
            "core_digest": "0" * 64, "rare_paths": {}, **fields}


def record_of(*slices):
    return {"schema_version": 1, "slices": list(slices)}


class SeedsRecord(unittest.TestCase):
    def record(self, path, *arguments, expect=0):
        ended = subprocess.run([SIM_SEEDS, "--record", path, "--threads", "1", *arguments],
                               capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(ended.returncode, expect, ended.stdout + ended.stderr)
        return ended

    def test_slices_that_touch_are_joined_and_name_the_core(self):
        with tempfile.TemporaryDirectory() as folder:
            path = str(pathlib.Path(folder) / "seeds.json")
            self.record(path, "--first", "5", "--count", "1")
            self.record(path, "--first", "1", "--count", "2")
            self.record(path, "--first", "3", "--count", "2")
            record = json.loads(pathlib.Path(path).read_text())
            self.assertEqual(faults_of(record), [])
            self.assertEqual([(s["first"], s["count"]) for s in record["slices"]], [(1, 5)])
            self.assertEqual(record["slices"][0]["core_digest"], core_digest(SOURCE))
            self.assertIn("recorded with this core/", verdict(record, SOURCE))

    def test_a_seed_is_not_recorded_twice(self):
        with tempfile.TemporaryDirectory() as folder:
            path = str(pathlib.Path(folder) / "seeds.json")
            self.record(path, "--first", "1", "--count", "2")
            ended = self.record(path, "--first", "2", "--count", "1", expect=2)
            self.assertIn("are recorded", ended.stderr)

    def test_a_file_that_is_no_record_is_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "seeds.json"
            path.write_text("[1, 2]")
            self.record(str(path), "--count", "1", expect=2)
            self.assertEqual(path.read_text(), "[1, 2]")

    def test_slices_apart_have_no_faults(self):
        self.assertEqual(faults_of(record_of(slice_of(1, 4), slice_of(7, 2))), [])

    def test_failed_seeds_are_a_fault(self):
        self.assertEqual(faults_of(record_of(slice_of(1, 4, failed=1))),
                         ["1 seeds failed from 1 on"])

    def test_slices_that_overlap_or_are_not_in_order_are_a_fault(self):
        overlaps = ["the slice from 4 on overlaps the one before"]
        self.assertEqual(faults_of(record_of(slice_of(1, 4), slice_of(4, 2))), overlaps)
        self.assertEqual(faults_of(record_of(slice_of(7, 4), slice_of(4, 2))), overlaps)

    def test_a_record_without_seeds_is_a_fault(self):
        self.assertEqual(faults_of(record_of()), ["there is no slice"])
        self.assertEqual(faults_of(record_of(slice_of(1, 0))),
                         ["the slice from 1 on has no seeds"])

    def test_the_record_of_the_repository_is_sound(self):
        path = SOURCE / "reports" / "seeds.json"
        if not path.exists():
            self.skipTest("nothing recorded")
        record = json.loads(path.read_text())
        self.assertEqual(faults_of(record), [])
        print(verdict(record, SOURCE))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--show"]:
        SOURCE = pathlib.Path(sys.argv[2])
        print(verdict(json.loads((SOURCE / "reports" / "seeds.json").read_text()), SOURCE))
    else:
        SIM_SEEDS = sys.argv.pop(1)
        SOURCE = pathlib.Path(sys.argv.pop(1))
        unittest.main()
