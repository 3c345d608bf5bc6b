#!/usr/bin/env python3
"""The JSON of a result is what reports/run.schema.json says, and the schema is not too lenient."""

import json
import pathlib
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "reports/run.schema.json").read_text())
GOLDEN = json.loads((ROOT / "tests/sim/report/golden/result.json").read_text())


class RunSchemaTest(unittest.TestCase):
    def test_the_schema_itself_is_valid(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_a_result_is_valid(self):
        jsonschema.Draft202012Validator(SCHEMA).validate(GOLDEN)

    def test_a_result_without_a_field_is_refused(self):
        for key in GOLDEN:
            lacking = {k: v for k, v in GOLDEN.items() if k != key}
            with self.subTest(key=key), self.assertRaises(jsonschema.ValidationError):
                jsonschema.Draft202012Validator(SCHEMA).validate(lacking)

    def test_a_result_with_an_unknown_field_is_refused(self):
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate({**GOLDEN, "surprise": 1})


if __name__ == "__main__":
    unittest.main()
