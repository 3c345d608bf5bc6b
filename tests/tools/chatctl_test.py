#!/usr/bin/env python3
"""chatctl against a server that answers like the admin port of chatd: output, errors, exit codes.

usage: chatctl_test.py CHATCTL
"""

import base64
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

CHATCTL = sys.argv.pop(1)

OK, FAILED, USAGE, NOT_FOUND, AUTH, UNREACHABLE = range(6)

CHAT_HEX = "8123456789abcdef8123456789abcdef"
CHAT_BASE64 = base64.b64encode(bytes.fromhex(CHAT_HEX)).decode()
ALICE = {"userId": "7", "userName": "alice", "email": "a@example.org", "createdMs": "1700000000000"}
CHAT = {"chatId": CHAT_BASE64, "kind": "GROUP", "title": "Lunch — a rather long title, cut to fit",
        "memberCount": 2, "lastSeq": "12345"}

# A working call of every verb. A verb without one fails the test that walks the tree.
EXAMPLES = {
    "status": [],
    "user create": ["alice", "--email", "a@example.org"],
    "user show": ["alice"],
    "user list": [],
    "logins": ["alice"],
    "logout": ["alice", "12"],
    "session close": ["1", "77"],
    "drain": ["--window", "10s"],
    "token mint": ["7", "8", "--ttl", "15m"],
    "chat list": [],
    "chat show": [CHAT_HEX],
    "chat members": [CHAT_BASE64],
    "presence get": ["7", "8"],
    "session list": ["--user", "7"],
    "limits": [],
    "limits set": ["group_members_max=250"],
    "faults": [],
    "faults set": ["store_hang_writes=true"],
    "commands": [],
}


class StubAdmin(http.server.BaseHTTPRequestHandler):
    """Canned answers; server.requests remembers (method, path, query, body)."""

    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_any(self, method):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size)) if size else None
        self.server.requests.append((method, url.path, query, body))
        if self.server.forced is not None:
            return self.answer(*self.server.forced)
        path = url.path.removeprefix("/admin/v1/")
        if path == "users" and method == "GET":
            return self.answer(200, self.page_of_users(query))
        answers = {
            "status": {"version": "0.1.0", "uptime_s": 11520.5, "ready": True, "engines": 2,
                       "connections": 12345, "sessions": 12000, "chats_loaded": 10,
                       "users_loaded": 20, "store": {"kind": "rocksdb", "epoch": 99},
                       "process": {"pid": 1, "cpu_s": 1.5, "rss_bytes": 1 << 24, "fds": 40,
                                   "fds_max": 1024},
                       "counters": {"sends_stored": 1000, "lagged": 0, "sessions": 12000}},
            "users": ALICE,
            "users/alice": ALICE,
            "users/alice/logins": {"logins": [{"loginId": "12", "createdMs": "1700000000000",
                                               "lastUsedMs": "1700000500000"}]},
            "users/alice/logout": {"logins_ended": 1},
            "drain": {"draining": True, "connections": 12},
            "sessions/close": self.page_of_sessions({"after": "5"}),
            "tokens": {"tokens": [{"user_id": 7, "token": "t7"}, {"user_id": 8, "token": "t8"}]},
            "chats": {"chats": [CHAT]},
            f"chats/{CHAT_HEX}": {"chat": CHAT, "members": [
                {"userId": "7", "role": "OWNER", "joinedSeq": "1", "deliveredSeq": "12"}],
                "fannedSeq": "12345"},
            "presence": {"entries": [{"userId": "7", "state": "ONLINE"},
                                     {"userId": "8", "state": "OFFLINE", "lastSeenMs": "1"}]},
            "sessions": self.page_of_sessions(query),
            "limits": {"presence_mode": "push", "group_members_max": 250,
                       "attachments_allowed": True, "trusted_sources": ["10.1.", "fd00:"]},
            "faults": {"store_slow_ms": 0, "store_fail_one_in": 0, "store_unknown_one_in": 0,
                       "store_hang_reads": False, "store_hang_writes": True,
                       "delay_log_slow_ms": 0, "delay_log_fail_one_in": 0,
                       "delay_log_hang": False},
        }
        if path in answers:
            return self.answer(200, answers[path])
        return self.answer(404, {"code": "NOT_FOUND", "message": f"there is no {path}"})

    def page_of_users(self, query):
        first = int(query.get("after", 0)) + 1
        last = min(1200, first + int(query["limit"]) - 1)
        users = [{"userId": str(n), "userName": f"u{n}"} for n in range(first, last + 1)]
        return {"users": users, **({"next_after": last} if last < 1200 else {})}

    def page_of_sessions(self, query):
        """The first page is empty, as after a filter."""
        if "after" not in query:
            return {"nextAfterConn": "5"}
        return {"sessions": [{"conn": "6", "userId": "7", "deviceId": "phone", "client": "web 1.0",
                              "state": "live", "pushedThrough": "5", "queuedBytes": "2048",
                              "connectedMs": "1700000000000"}]}

    def do_GET(self):
        self.handle_any("GET")

    def do_POST(self):
        self.handle_any("POST")

    def do_PUT(self):
        self.handle_any("PUT")

    def log_message(self, *args):
        pass


class ChatctlTest(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StubAdmin)
        self.server.requests = []
        self.server.forced = None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.addCleanup(lambda: (self.server.shutdown(), self.server.server_close()))

    def chatctl(self, *arguments, stdin="", url=None, env=None):
        environment = {"PATH": os.environ["PATH"], "CHATCTL_ADMIN": url or self.url}
        environment.update({name: value for name, value in os.environ.items() if "SAN_" in name})
        environment.update(env or {})
        return subprocess.run([CHATCTL, *arguments], input=stdin, text=True, timeout=60,
                              capture_output=True, env=environment)

    def ok(self, *arguments, **more):
        result = self.chatctl(*arguments, **more)
        self.assertEqual((result.returncode, result.stderr), (OK, ""), result)
        return result.stdout

    def fails(self, code, *arguments, **more):
        result = self.chatctl(*arguments, **more)
        self.assertEqual((result.returncode, result.stdout), (code, ""), result)
        self.assertTrue(result.stderr.startswith("chatctl: "), result.stderr)
        return result.stderr

    # -- the tree

    def test_every_verb_answers_json_and_nothing_else_with_o_json(self):
        commands = json.loads(self.ok("commands", "-o", "json"))["commands"]
        self.assertEqual({command["verb"] for command in commands}, set(EXAMPLES))
        for command in commands:
            with self.subTest(verb=command["verb"]):
                words = command["verb"].split() + EXAMPLES[command["verb"]]
                for option in (["-o", "json"], ["-ojson"], ["--output=json"]):
                    self.assertIsInstance(json.loads(self.ok(*words, *option)), dict)
                self.assertIsInstance(json.loads(self.ok("-o", "json", *words)), dict)

    def test_every_verb_has_a_table_within_80_columns_but_for_tokens(self):
        for verb, arguments in EXAMPLES.items():
            with self.subTest(verb=verb):
                table = self.ok(*verb.split(), *arguments)
                with self.assertRaises(ValueError):
                    json.loads(table)
                for line in table.splitlines():
                    self.assertEqual(line, line.rstrip())
                    if verb not in ("session list", "session close", "chat list"):
                        self.assertLessEqual(len(line), 80)

    def test_every_verb_and_group_has_help(self):
        for verb in EXAMPLES:
            self.assertIn(f"chatctl {verb}", self.ok(*verb.split(), "--help"))
            self.assertIn(verb, self.ok(verb.split()[0], "--help"))
            self.assertIn(verb, self.ok("--help"))
        self.assertRegex(self.ok("--version"), r"^chatctl \d+\.\d+\.\d+\n$")

    # -- what is asked and shown

    def test_status_shows_figures_as_people_read_them(self):
        table = self.ok("status")
        self.assertIn("3 h 12 min", table)
        self.assertIn("12,345", table)
        self.assertIn("16.0 MiB", table)
        self.assertIn("sends stored", table)
        self.assertNotIn("lagged", table)
        self.assertEqual(table.count("sessions"), 1)

    def test_lists_fetch_pages_until_the_limit(self):
        users = json.loads(self.ok("user", "list", "--limit", "0", "-o", "json"))
        self.assertEqual([int(user["userId"]) for user in users["users"]], list(range(1, 1201)))
        self.assertNotIn("next_after", users)
        some = json.loads(self.ok("user", "list", "--limit", "700", "-o", "json"))
        self.assertEqual((len(some["users"]), some["next_after"]), (700, 700))
        rest = json.loads(self.ok("user", "list", "--limit", "0", "--after", "700", "-ojson"))
        self.assertEqual(int(rest["users"][0]["userId"]), 701)

    def test_an_empty_page_with_a_cursor_is_not_the_end(self):
        sessions = json.loads(self.ok("session", "list", "-o", "json"))
        self.assertEqual(sessions["sessions"][0]["deviceId"], "phone")
        self.assertEqual([query.get("after") for _, _, query, _ in self.server.requests],
                         [None, "5"])

    def test_a_server_that_turns_in_circles_is_noticed(self):
        self.server.forced = (200, {"users": [], "next_after": 5})
        self.assertIn("again", self.fails(FAILED, "user", "list", "--limit", "0"))

    def test_chats_are_named_by_hex_base64_or_import_key(self):
        for name in (CHAT_HEX, CHAT_BASE64):
            self.assertIn(CHAT_HEX, self.ok("chat", "show", name))
        self.fails(NOT_FOUND, "chat", "show", "name:lobby")
        self.assertRegex(self.server.requests[-1][1], r"^/admin/v1/chats/[0-9a-f]{32}$")
        self.assertIn("no chat id", self.fails(USAGE, "chat", "show", "lobby"))

    def test_limits_are_set_by_name_and_value(self):
        table = self.ok("limits", "set", "group_members_max=250", "trusted_sources=10.1.,fd00:")
        self.assertEqual(self.server.requests[-1], (
            "PUT", "/admin/v1/limits", {},
            {"group_members_max": "250", "trusted_sources": "10.1.,fd00:"}))
        self.assertRegex(table, r"group_members_max +250")
        self.assertIn("NAME=VALUE", self.fails(USAGE, "limits", "set", "group_members_max"))

    def test_a_log_out_names_one_log_in_or_all(self):
        self.ok("logout", "alice", "12")
        self.ok("logout", "alice")
        self.assertEqual([(path, body) for _, path, _, body in self.server.requests],
                         [("/admin/v1/users/alice/logout", {"login_id": "12"}),
                          ("/admin/v1/users/alice/logout", {})])
        self.fails(USAGE, "logout")
        self.fails(USAGE, "logout", "alice", "12", "13")

    def test_a_drain_is_told_in_whole_seconds(self):
        self.ok("drain", "--window", "2m", "--url", "wss://b.example")
        self.assertEqual(self.server.requests[-1][3], {
            "window_s": 120, "reconnect_after_s": 0, "url": "wss://b.example"})
        for window in ("soon", "1500ms", "-5s"):
            self.fails(USAGE, "drain", "--window", window)

    def test_a_session_is_closed_by_engine_and_connection(self):
        self.ok("session", "close", "1", "77")
        self.assertEqual(self.server.requests[-1][3], {"engine": "1", "conn": "77"})

    def test_passwords_come_from_a_file_or_stdin_only(self):
        self.ok("user", "create", "bob", "--password-file", "-", stdin="s3cret\nrest\n")
        self.assertEqual(self.server.requests[-1][3], {"user_name": "bob", "password": "s3cret"})
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("from a file\n")
            file.flush()
            self.ok("user", "create", "bob", "--password-file", file.name)
        self.assertEqual(self.server.requests[-1][3]["password"], "from a file")
        self.fails(USAGE, "user", "create", "bob", "--password-file", "/nonexistent")
        self.fails(USAGE, "user", "create", "bob", "--password-file", "-", stdin="")

    def test_tokens_are_asked_for_in_seconds(self):
        self.ok("token", "mint", "7", "8", "--ttl", "15m")
        self.assertEqual(self.server.requests[-1][3], {"user_ids": [7, 8], "ttl_s": 900})
        self.fails(USAGE, "token", "mint", "7", "--ttl", "soon")
        self.fails(USAGE, "token", "mint", "alice")

    def test_an_empty_list_says_so(self):
        self.server.forced = (200, {})
        self.assertEqual(self.ok("chat", "list"), "no chats\n")
        self.assertEqual(json.loads(self.ok("chat", "list", "-o", "json")), {"chats": []})

    # -- which chatd

    def test_the_admin_port_comes_from_flag_ready_file_or_environment(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(json.dumps({"public": "http://x", "admin": self.url, "pid": 1}))
            file.flush()
            self.ok("status", "--ready-file", file.name, url="http://127.0.0.1:1")
        self.ok("status", "--admin", self.url + "/", url="http://127.0.0.1:1")
        self.assertIn("--admin", self.fails(USAGE, "status", env={"CHATCTL_ADMIN": ""}))
        self.fails(UNREACHABLE, "status", "--ready-file", "/nonexistent")

    def test_a_proxy_of_the_environment_is_not_used(self):
        self.ok("status", env={"http_proxy": "http://127.0.0.1:1", "all_proxy": "http://x:1"})

    # -- errors

    def test_each_kind_of_failure_has_its_exit_code(self):
        for status, code in ((400, USAGE), (401, AUTH), (403, AUTH), (404, NOT_FOUND),
                             (409, FAILED), (500, FAILED), (503, UNREACHABLE)):
            with self.subTest(status=status):
                self.server.forced = (status, {"message": "the reason"})
                self.assertIn("the reason", self.fails(code, "user", "show", "x", "-o", "json"))
                self.server.forced = (status, b"<html>")
                self.assertIn(str(status), self.fails(code, "user", "show", "x"))

    def test_nobody_there_is_unreachable_and_says_what_to_look_at(self):
        self.assertIn("running", self.fails(UNREACHABLE, "status", url="http://127.0.0.1:1"))

    def test_an_answer_that_is_no_json_is_a_failure(self):
        self.server.forced = (200, b"<html>hello</html>")
        self.assertIn("admin port", self.fails(FAILED, "status"))

    def test_wrong_command_lines_say_what_is_right(self):
        self.assertIn("chatctl user show USER", self.fails(USAGE, "user", "show"))
        self.assertIn("too much", self.fails(USAGE, "status", "now"))
        self.assertIn("status", self.fails(USAGE, "statsu"))
        self.assertIn("user list", self.fails(USAGE, "user"))
        self.assertIn("user list", self.fails(USAGE, "user", "lits"))
        self.assertIn("has no option --ttl", self.fails(USAGE, "status", "--ttl", "1h"))
        self.assertIn("--colour", self.fails(USAGE, "status", "--colour", "red"))
        self.assertIn("json", self.fails(USAGE, "status", "-o", "yaml"))
        self.assertIn("Verbs:", self.fails(USAGE))
        self.fails(USAGE, "user", "list", "--limit", "-1")
        self.fails(USAGE, "status", "--admin", "ftp://127.0.0.1/")


if __name__ == "__main__":
    unittest.main()
