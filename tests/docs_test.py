#!/usr/bin/env python3
"""Reads the documents and fails where they name what is not there, or leave out what is.

Run it alone with: python3 tests/docs_test.py
"""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("core", "server", "sim", "tools", "tests", "scenarios", "reports", "docs")
MADE_BY_RUNS = ("reports/out",)


def documents():
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").rglob("*.md"))


def read(path):
    return (ROOT / path).read_text()


class DocsTest(unittest.TestCase):
    def expect_none(self, problems):
        problems = list(problems)
        self.assertFalse(problems, "\n" + "\n".join(problems))

    def test_every_link_leads_to_a_file(self):
        self.expect_none(
            f"{path.relative_to(ROOT)}: {target}"
            for path in documents()
            for target in re.findall(r"\]\(([^)#\s]+)", path.read_text())
            if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists())

    def test_every_path_in_the_text_exists(self):
        pattern = re.compile(r"`((?:%s)/[\w./-]*|\.ci/run)`" % "|".join(FOLDERS))
        self.expect_none(f"{path.relative_to(ROOT)}: {target}"
                         for path in documents()
                         for target in pattern.findall(path.read_text())
                         if not target.startswith(MADE_BY_RUNS) and not (ROOT / target).exists())

    def test_every_document_is_reachable_from_the_readme(self):
        seen, open_paths = set(), [ROOT / "README.md"]
        while open_paths:
            path = open_paths.pop()
            if path in seen:
                continue
            seen.add(path)
            links = re.findall(r"\]\(([^)#\s]+\.md)", path.read_text())
            open_paths += [(path.parent / link).resolve() for link in links]
        self.expect_none(str(path.relative_to(ROOT)) for path in documents() if path not in seen)

    def test_the_protocol_reference_names_every_frame_code_and_close_code(self):
        page = read("docs/protocol.md")
        schema = read("core/wire/chat.proto")
        names = set()
        for frame in ("ClientFrame", "ServerFrame"):
            body = re.search(r"message %s \{.*?oneof body \{(.*?)\}" % frame, schema, re.S)
            names |= set(re.findall(r"^\s*(\w+) \w+ = \d+;", body.group(1), re.M))
        names = {name.removesuffix("Start") for name in names}
        codes = re.search(r"enum ErrorCode \{(.*?)\}", schema, re.S).group(1)
        names |= {code for code in re.findall(r"(\w+) = [1-9]", codes)}
        close_codes = re.search(r"enum class CloseCode.*?\{(.*?)\}", read("core/engine/io.h"), re.S)
        names |= set(re.findall(r"= (4\d\d\d)", close_codes.group(1)))
        self.expect_none(name for name in sorted(names) if not re.search(rf"\b{name}\b", page))

    def test_the_reference_of_scenarios_lists_every_file(self):
        page = read("docs/scenarios.md")
        self.expect_none(path.name for path in sorted((ROOT / "scenarios").glob("*.yaml"))
                         if f"| `scenarios/{path.name}` |" not in page)

    def test_the_pages_for_operators_name_every_verb(self):
        verbs = re.findall(r'^\s+\{"([a-z ]+)",', read("tools/chatctl/verb.cc"), re.M)
        self.assertIn("status", verbs)
        page = read("docs/operations.md")
        self.expect_none(verb for verb in verbs if f"| `{verb}" not in page)


if __name__ == "__main__":
    unittest.main()
