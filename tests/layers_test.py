#!/usr/bin/env python3
"""Reads the sources and fails where a layer, a size or a header comment breaks the rules.

core/ knows no world: no socket, thread, file, environment, stream or clock. server/ and sim/ do
not know each other. Each foreign library is included in one folder only; docs/architecture.md says
why. Run it alone with: python3 tests/layers_test.py
"""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["core", "server", "sim", "tools", "tests", ".ci"]

COLUMNS_MAX = 100
FILE_LINES_MAX = 600
TEST_FILE_LINES_MAX = 900
ONE_FILE_BY_DESIGN = {"core/wire/chat.proto": 800}
GENERATED = {"tests/seeds/core_digest.h"}
FUNCTION_LINES_MAX = 70
HEADER_COMMENT_LINES_MIN = 2

# Which folders of ours a folder may include.
LAYERS = {
    "core": {"core"},
    "server": {"core", "server"},
    "sim": {"core", "sim"},
    "tools": {"core", "server", "sim", "tools"},
    "tests": {"core", "server", "sim", "tools", "tests"},
}
# The only programs that may know the real world's drivers.
SERVER_USERS = ("tools/chatd/", "tests/")

# System headers that bring a world into core/.
WORLD_HEADERS = re.compile(
    r"(sys|netinet|arpa|net|linux)/.*"
    r"|(pthread|unistd|fcntl|time|poll|signal|dirent|netdb|semaphore|dlfcn|spawn|sched)\.h"
    r"|chrono|ctime|thread|mutex|shared_mutex|atomic|condition_variable|future|semaphore|latch"
    r"|barrier|stop_token|fstream|iostream|istream|ostream|syncstream|filesystem|random|csignal"
    r"|boost/(asio|beast|thread|chrono|filesystem|interprocess|process|random)[./].*")
# Calls that do the same through headers that core/ needs for something else.
WORLD_CALLS = re.compile(
    r"\b(getenv|setenv|fopen|freopen|tmpfile|clock_gettime|gettimeofday|random_device|srand|rand)"
    r"\s*\(|\bsystem_clock\b|\bsteady_clock\b|\btime\s*\(\s*(nullptr|NULL|0)\s*\)")
CORE_LIBRARIES = ("boost/", "google/protobuf/")

# A foreign library's headers and the folders that may include them.
FOREIGN = {
    r"(libwebsockets\.h|lws_.*|ev\.h|uv\.h)": ["server/transport/"],
    r"rocksdb/.*": ["server/rocksdb/"],
    r"(soci|sqlite3).*": ["server/accounts/"],
    r"sodium.*": ["server/accounts/"],
    r"jwt\.h": ["server/accounts/"],
    r"boost/beast.*": ["server/admin/"],
    r"boost/asio.*": ["server/admin/", "sim/live/"],
    r"yaml-cpp/.*": ["tools/common/"],
    r"curl/.*": ["tools/http/"],
    r"Eigen/.*": ["sim/cost/"],
    r"benchmark/.*": ["tests/bench/"],
    r"(gtest|gmock)/.*": ["tests/"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCE_SUFFIXES = {".h", ".cc", ".proto", ".py", ".js", ".mjs", ".sh", ".cmake"}


def source_files(suffixes=None):
    """Every source file of ours: by suffix, scripts by their first line, CMakeLists.txt."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if not path.is_file() or "node_modules" in path.parts or "__pycache__" in path.parts:
                continue
            if suffixes is not None:
                if path.suffix in suffixes:
                    yield path
            elif (path.suffix in SOURCE_SUFFIXES or path.name == "CMakeLists.txt"
                  or (path.suffix == "" and path.read_bytes()[:2] == b"#!")):
                yield path


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def includes_of(text):
    """(line number, is a system include, what is included)"""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == "<", match.group(2)


def without_comments(text):
    """C++ text with its comments and string literals blanked, line numbers kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def wrong_includes(name, text):
    """Sentences about the includes of one file that break a layer."""
    layer = name.split("/")[0]
    for number, is_system, target in includes_of(text):
        where = f"{name}:{number}: {target}"
        if not is_system:
            first = target.split("/")[0]
            if first not in LAYERS:
                yield f"{where}: includes of ours start at the repository root"
            elif first not in LAYERS[layer]:
                yield f"{where}: {layer}/ may not include {first}/"
            elif first == "server" and layer != "server" and not name.startswith(SERVER_USERS):
                yield f"{where}: only chatd knows the drivers of server/"
            continue
        if layer == "core":
            if WORLD_HEADERS.fullmatch(target):
                yield f"{where}: core/ knows no world"
            elif "/" in target and not target.startswith(CORE_LIBRARIES):
                yield f"{where}: core/ uses the standard library, Boost headers and protobuf only"
        for library, folders in FOREIGN.items():
            if layer == "tests" and "tests/" not in folders[0]:
                continue  # A test may use a library as an independent peer.
            if re.fullmatch(library, target) and not name.startswith(tuple(folders)):
                yield f"{where}: this library belongs to {' and '.join(folders)} only"


def world_calls(name, text):
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        match = WORLD_CALLS.search(line)
        if match:
            yield f"{name}:{number}: core/ knows no world: {match.group(0).strip()}"


def long_functions(name, text):
    """Functions at namespace scope: from a line at column 0 that opens a body to the next }."""
    opened = None
    for number, line in enumerate(text.splitlines(), 1):
        if opened is None:
            if (line.endswith("{") and line[0] not in " #/}"
                    and not re.match(r"(namespace|class|struct|enum|union|extern|template<)", line)
                    and not re.search(r"=\s*\{$", line)):
                opened = number
        elif line.startswith("}"):
            if number - opened + 1 > FUNCTION_LINES_MAX:
                yield f"{name}:{opened}: a function of {number - opened + 1} lines"
            opened = None


def leading_comment_lines(text):
    count = 0
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        count += 1
    return count


class LayersTest(unittest.TestCase):
    maxDiff = None

    def expect_none(self, problems):
        problems = list(problems)
        self.assertFalse(problems, "\n" + "\n".join(problems))

    def test_every_include_stays_within_its_layer_and_library_folder(self):
        self.expect_none(problem for path in source_files({".h", ".cc"})
                         for problem in wrong_includes(name_of(path), path.read_text()))

    def test_core_calls_no_clock_environment_file_or_foreign_chance(self):
        self.expect_none(problem for path in source_files({".h", ".cc"})
                         if name_of(path).startswith("core/")
                         for problem in world_calls(name_of(path), path.read_text()))

    def test_included_files_of_ours_exist(self):
        self.expect_none(
            f"{name_of(path)}:{number}: {target} does not exist"
            for path in source_files({".h", ".cc"})
            for number, is_system, target in includes_of(path.read_text())
            if not is_system and not target.endswith(".pb.h") and target not in GENERATED
            and not (ROOT / target).exists())

    def test_no_line_is_longer_than_100_columns(self):
        self.expect_none(f"{name_of(path)}:{number}: {len(line)} columns"
                         for path in source_files()
                         for number, line in enumerate(path.read_text().splitlines(), 1)
                         if len(line) > COLUMNS_MAX)

    def test_no_file_is_longer_than_its_limit(self):
        for path in source_files():
            limit = TEST_FILE_LINES_MAX if name_of(path).startswith("tests/") else FILE_LINES_MAX
            limit = ONE_FILE_BY_DESIGN.get(name_of(path), limit)
            with self.subTest(file=name_of(path)):
                self.assertLessEqual(len(path.read_text().splitlines()), limit)

    def test_no_function_is_longer_than_70_lines(self):
        self.expect_none(problem for path in source_files({".cc"})
                         for problem in long_functions(name_of(path), path.read_text()))

    def test_every_header_starts_with_a_comment_and_is_guarded(self):
        self.expect_none(f"{name_of(path)}: starts without its comment"
                         for path in source_files({".h"})
                         if leading_comment_lines(path.read_text()) < HEADER_COMMENT_LINES_MIN)
        self.expect_none(f"{name_of(path)}: no #pragma once" for path in source_files({".h"})
                         if "\n#pragma once\n" not in path.read_text())


class CheckerTest(unittest.TestCase):
    """The rules above find what is planted."""

    def test_a_clock_in_core_is_found(self):
        self.assertTrue(list(wrong_includes("core/a.h", "#include <chrono>\n")))
        self.assertTrue(list(wrong_includes("core/a.h", "#  include <sys/socket.h>\n")))
        self.assertTrue(list(wrong_includes("core/a.h", "#include <boost/asio/ip/tcp.hpp>\n")))
        self.assertFalse(list(wrong_includes("server/a.h", "#include <chrono>\n")))
        self.assertTrue(list(world_calls("core/a.cc", 'auto x = std::getenv("HOME");')))
        self.assertFalse(list(world_calls("core/a.cc", '// getenv("HOME")\nf("getenv()");')))

    def test_server_and_sim_do_not_include_each_other(self):
        self.assertTrue(list(wrong_includes("server/a.h", '#include "sim/b.h"\n')))
        self.assertTrue(list(wrong_includes("sim/a.h", '#include "server/b.h"\n')))
        self.assertTrue(list(wrong_includes("tools/chatctl/a.cc", '#include "server/b.h"\n')))
        self.assertFalse(list(wrong_includes("tools/chatd/a.cc", '#include "server/b.h"\n')))

    def test_a_foreign_library_outside_its_folder_is_found(self):
        text = "#include <rocksdb/db.h>\n"
        self.assertTrue(list(wrong_includes("server/admin/a.cc", text)))
        self.assertFalse(list(wrong_includes("server/rocksdb/a.cc", text)))

    def test_a_long_function_is_found(self):
        body = "void f() {\n" + "  g();\n" * FUNCTION_LINES_MAX + "}\n"
        self.assertTrue(list(long_functions("a.cc", body)))
        self.assertFalse(list(long_functions("a.cc", "namespace x {\n" + body[10:50] + "}\n")))


if __name__ == "__main__":
    unittest.main()
