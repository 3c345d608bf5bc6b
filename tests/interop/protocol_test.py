"""Proves that docs/protocol.md is enough to write a client from.

The client (protocol_client.py, protocol_schema.py) was written from the page alone. Its stories are
told in one of the encodings, each group of them on a chatd of its own. At the end nothing of what
the page lists may have been left out: every frame of the client was sent, every frame of the server
and every kind of event came, with every field that they have, and every call of REST was made.

usage: protocol_test.py CHATD CHATCTL json|proto [-k STORY]
"""

import re
import sys
import unittest

import protocol_chat_stories
import protocol_device_stories
import protocol_log_stories
from harness import ROOT
from protocol_schema import ENUM_NUMBERS, Json, Proto, TYPES
from protocol_talk import SEEN, Talk

STORIES = [protocol_chat_stories, protocol_device_stories, protocol_log_stories]
# What no client of this version sends or gets: features are not defined yet, rooms of a cursor are
# not looked at, chat_id of a new chat is for the operator.
NOT_USED = {"Hello.features", "Welcome.features", "Resume.rooms", "Ack.rooms", "RoomCursor.chat_id",
            "RoomCursor.seq", "CreateChat.chat_id"}


class Page:
    """The tables of docs/protocol.md."""

    def __init__(self):
        text = (ROOT / "docs/protocol.md").read_text()
        self.rest = text[text.index("\n## REST"):text.index("\n## A conversation")]
        self.reference = text[text.index("\n## Reference"):text.index("\n### Examples")]

    def calls(self):
        """METHOD path of each call."""
        return set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /[\w/]+)", self.rest))

    def rows(self):
        """(message, [name number type …]) of each row of the reference."""
        message = None
        for row in re.findall(r"^\|(.*?)\|(.*?)\|", self.reference, re.MULTILINE):
            message = "".join(re.findall(r"\*\*(\w+)\*\*", row[0])) or message
            yield message, re.findall(r"`(\w+ \d+ \w+[\[\]?]*)`", row[1])

    def fields(self):
        """Type.field of all messages."""
        return {f"{message}.{field.split()[0]}" for message, fields in self.rows()
                for field in fields}


class TheClientAndThePage(unittest.TestCase):
    """Comes last: what the stories have used."""

    def test_the_tables_of_the_client_are_those_of_the_page(self):
        on_page = {(message, field.rstrip("?")) for message, fields in Page().rows()
                   for field in fields}
        of_client = {(name, f"{field.name} {field.number} {field.type}{'[]' * field.repeated}")
                     for name, fields in TYPES.items() for field in fields.values()}
        self.assertEqual(of_client - on_page, set())

    def test_every_frame_every_event_and_every_field_was_seen(self):
        fields = Page().fields()
        self.assertGreater(len(fields), 250)
        self.assertEqual(sorted(fields - SEEN - NOT_USED), [])

    def test_every_call_of_rest_was_made(self):
        self.assertGreater(len(Page().calls()), 25)
        self.assertEqual(sorted(Page().calls() - SEEN), [])

    def test_every_status_reason_and_mode_was_seen(self):
        for enum in ("SendStatus", "PresenceMode", "PresenceState", "ChatKind", "Role"):
            self.assertEqual(sorted(ENUM_NUMBERS[enum].keys() - SEEN), [])


def classes_in(module):
    return [each for each in vars(module).values()
            if isinstance(each, type) and issubclass(each, Talk) and each is not Talk]


def load_tests(loader, tests, pattern):
    suite = unittest.TestSuite()
    for stories in [each for module in STORIES for each in classes_in(module)]:
        suite.addTests(loader.loadTestsFromTestCase(stories))
    suite.addTests(loader.loadTestsFromTestCase(TheClientAndThePage))
    return suite


if __name__ == "__main__":
    Talk.encoding = {"json": Json, "proto": Proto}[sys.argv[3]]
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[4:]])
