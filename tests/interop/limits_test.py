#!/usr/bin/env python3
"""Limits that an operator changes while chatd runs, over admin HTTP and by chatctl.

usage: limits_test.py CHATD CHATCTL
"""

import json
import subprocess
import sys
import unittest

from harness import DEADLINE_S, Chatd, People, curl

CHATD, CHATCTL = sys.argv.pop(1), sys.argv.pop(1)


class LimitsTest(unittest.TestCase):
    def setUp(self):
        self.chatd = Chatd(CHATD, "--limits-group-members-max", "3")
        self.addCleanup(self.chatd.stop)

    def limits(self, method="GET", body=None):
        return curl(method, self.chatd.admin + "/admin/v1/limits", body)

    def chatctl(self, *arguments):
        return subprocess.run([CHATCTL, "--admin", self.chatd.admin, *arguments], text=True,
                              capture_output=True, timeout=DEADLINE_S)

    def test_the_limits_of_the_configuration_are_shown(self):
        status, limits = self.limits()
        self.assertEqual(status, 200)
        self.assertEqual((limits["group_members_max"], limits["presence_mode"],
                          limits["attachments_allowed"], limits["trusted_sources"]),
                         (3, "push", True, []))

    def test_a_partial_change_leaves_the_rest_and_is_gone_after_a_restart(self):
        before = self.limits()[1]
        change = {"presence_mode": "fetch", "trusted_sources": ["10.1.", "fd00:"]}
        self.assertEqual(self.limits("PUT", change), (200, before | change))
        self.assertEqual(self.limits(), (200, before | change))
        self.chatd.process.terminate()
        self.chatd.process.wait(DEADLINE_S)
        self.chatd.start()
        self.assertEqual(self.limits(), (200, before))

    def test_wrong_changes_are_refused_whole(self):
        before = self.limits()
        for change, said in (({"room_members_max": 5, "group_member_max": 5}, "group_members_max"),
                             ({"room_members_max": 5, "group_members_max": 500}, "499"),
                             ({"accepts_per_second": "many"}, "whole number"),
                             ({"attachments_allowed": None}, "true or false")):
            status, answer = self.limits("PUT", change)
            self.assertEqual(status, 400)
            self.assertIn(said, answer["message"])
            self.assertEqual(self.limits(), before)

    def test_a_raised_limit_holds_on_every_engine_at_once(self):
        people = People(self.chatd)
        owner = people["ann"]
        others = [people[name]["userId"] for name in ("ben", "cid", "dan")]
        body = {"kind": "GROUP", "title": "four", "memberIds": others}
        create = lambda: curl("POST", self.chatd.public + "/v1/chats", body, owner["accessToken"])
        self.assertEqual(create()[1]["code"], "LIMIT_REACHED")
        result = self.chatctl("limits", "set", "group_members_max=4", "-o", "json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["group_members_max"], 4)
        for _ in range(8):
            self.assertIn(create()[0], (200, 201))
        self.assertIn("push", self.chatctl("limits").stdout)
        refused = self.chatctl("limits", "set", "group_members=4")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("group_members_max", refused.stderr)


if __name__ == "__main__":
    unittest.main()
