#!/usr/bin/env python3
"""How chatd starts and ends: wrong configuration, data directories and ports have answers with an
exit code, and docs/configuration.md names every option with its default.

usage: startup_test.py CHATD
"""

import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from harness import DEADLINE_S, ROOT, Chatd, curl

CHATD = sys.argv.pop(1)

WRONG_CONFIGURATION, BAD_DATA_DIRECTORY, PORT_TAKEN = 2, 3, 4


class StartupTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="chatd-startup-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def run_chatd(self, *arguments, env=None):
        return subprocess.run([CHATD, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=DEADLINE_S, env=env)

    def fails(self, code, *arguments, **more):
        """The message of a chatd that ends at once with this code."""
        arguments = ["--data-dir", str(self.directory / "data"), "--listen", "127.0.0.1:0",
                     *arguments]
        result = self.run_chatd(*arguments, **more)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stderr

    def config(self, text):
        path = self.directory / "chatd.yaml"
        path.write_text(text)
        return str(path)

    def test_broken_yaml_is_refused_with_its_line(self):
        for text, line in (("listen: [1\n", ":"), ("\nlog_level: loud\n", ":2:"),
                           ("log_level: info\nlog_levle: info\n", ":2:"), ("- a\n- b\n", ":"),
                           ("policy:\n  hello_timeout: soon\n", ":2:")):
            with self.subTest(text=text):
                message = self.fails(WRONG_CONFIGURATION, "--config", self.config(text))
                self.assertIn("chatd.yaml" + line, message)

    def test_unknown_names_are_refused_with_the_nearest(self):
        self.assertIn("log_level", self.fails(
            WRONG_CONFIGURATION, "--config", self.config("log_levle: info\n")))
        self.assertIn("log-level", self.fails(WRONG_CONFIGURATION, "--log-levle", "info"))
        self.assertIn("CHATD_LOG_LEVEL", self.fails(WRONG_CONFIGURATION,
                                                    env={"CHATD_LOG_LEVLE": "info"}))

    def test_a_missing_configuration_file_is_told(self):
        self.assertIn("nothing.yaml", self.fails(WRONG_CONFIGURATION, "--config",
                                                 str(self.directory / "nothing.yaml")))

    def test_flags_win_over_the_environment_and_that_over_the_file(self):
        config = self.config("data_dir: /x\nreactors: 1\nstore_threads: 1\naccount_threads: 1\n")
        result = self.run_chatd("--config", config, "--print-config", "--reactors", "3",
                                env={"CHATD_REACTORS": "2", "CHATD_STORE_THREADS": "2"})
        self.assertEqual(result.returncode, 0, result.stderr)
        for line in ('reactors: "3"', 'store_threads: "2"', 'account_threads: "1"'):
            self.assertIn(line, result.stdout)
        again = self.run_chatd("--print-config", "--config", self.config(result.stdout))
        self.assertEqual(again.stdout, result.stdout)

    def test_check_config_only_checks(self):
        good = self.config(f"data_dir: {self.directory}/data\n")
        self.assertEqual(self.run_chatd("--check-config", "--config", good).returncode, 0)
        self.assertFalse((self.directory / "data").exists())

    def test_an_unusable_data_directory_is_told(self):
        (self.directory / "file").write_text("")
        for path in (self.directory / "file", self.directory / "file/below", "/proc/chatd"):
            message = self.fails(BAD_DATA_DIRECTORY, "--data-dir", str(path))
            self.assertIn(str(path), message)

    def test_a_data_directory_belongs_to_one_process(self):
        first = Chatd(CHATD)
        self.addCleanup(first.stop)
        self.assertIn("data", self.fails(BAD_DATA_DIRECTORY, "--data-dir",
                                         first.directory + "/data"))

    def test_a_taken_port_is_told(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for flag in ("--listen", "--admin-listen"):
                message = self.fails(PORT_TAKEN, flag, f"127.0.0.1:{port}")
                self.assertIn(str(port), message)

    def test_sigterm_and_sigint_end_in_order_and_a_restart_follows(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            chatd = Chatd(CHATD)
            self.assertEqual(curl("GET", chatd.public + "/readyz")[0], 200)
            ready = json.loads(pathlib.Path(chatd.directory, "ready.json").read_text())
            self.assertEqual(ready["pid"], chatd.process.pid)
            chatd.process.send_signal(number)
            self.assertEqual(chatd.process.wait(DEADLINE_S), 0, chatd.log())
            chatd.start()
            chatd.stop()

    def test_sighup_reads_the_log_level_again(self):
        config = self.config("log_level: info\n")
        chatd = Chatd(CHATD, "--config", config)
        self.addCleanup(chatd.stop)
        for text, said in (("log_level: debug\n", "log level debug"),
                           ("log_level: loud\n", "nothing changed")):
            self.config(text)
            chatd.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + DEADLINE_S
            while said not in chatd.log():
                self.assertLess(time.monotonic(), deadline, chatd.log())
            self.assertEqual(curl("GET", chatd.public + "/readyz")[0], 200)

    def test_the_documentation_names_every_option_with_its_default(self):
        page = (ROOT / "docs/configuration.md").read_text()
        rows = re.findall(r"^\| `([a-z_.]+)` \| (.*?) \|", page, re.M)
        documented = {name: value.replace("`", "") for name, value in rows}
        result = self.run_chatd("--print-config", "--data-dir", "/x", env={})
        self.assertEqual(result.returncode, 0, result.stderr)
        section, actual = "", {"data_dir": "needed", "delay_dir": "delay in data_dir",
                               "ready_file": "none", "journal": "none",
                               "admin_listen": "loopback, the port after listen",
                               "limits.trusted_sources": "none", "trusted_proxies": "none"}
        for line in result.stdout.splitlines():
            indent, name, value = re.fullmatch(r'( *)(\w+):(?: "(.*)")?', line).groups()
            if value is None:
                section = name + "."
            elif name not in actual:
                actual[(section if indent else "") + name] = value
        self.assertEqual(documented.keys(), actual.keys())
        for name, value in actual.items():
            self.assertEqual(documented[name], value, name)


if __name__ == "__main__":
    unittest.main()
