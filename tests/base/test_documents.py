"""Whatever a document holds, reading it ends with plain values or one line."""

import json

import pytest
import yaml
from commands import refused
from hypothesis import given, settings
from hypothesis import strategies as st

from base.documents import parse_json, parse_yaml, read_document
from base.errors import UserError

FUZZ = settings(derandomize=True, max_examples=100, deadline=None, database=None)
NUMBERS = st.integers(-(10**9), 10**9) | st.floats(width=32, allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("parse", "text", "reason"),
    [
        (parse_yaml, "- " * 10**5, "not valid YAML"),
        (parse_yaml, "!!int ''", "not valid YAML: a value that cannot be"),
        (parse_yaml, "!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        (parse_yaml, "a: b: c", "not valid YAML in line 1"),
        (
            parse_yaml,
            "a: 1\nb: {c: 1, c: 2}",
            "not valid YAML in line 2: the key 'c' for the second",
        ),
        (parse_yaml, b"a: \xff", "not a text in UTF-8 or UTF-16"),
        (parse_yaml, "\n" * (2**20 + 1), "larger than 1 MiB"),
        (parse_json, "[" * 10**6, "not valid JSON"),
        (parse_json, "9" * 5000, "not valid JSON"),
        (parse_json, "[1,\n2", "not valid JSON in line 2"),
        (parse_json, b"\xff", "not valid JSON"),
    ],
)
def test_what_is_no_document_is_refused(parse, text, reason):
    refused(reason, parse, text)


def test_json_may_have_a_byte_order_mark_or_be_utf_16():
    for coding in ("utf-8", "utf-8-sig", "utf-16"):
        assert parse_json('{"é": ["[", 3.4e38]}'.encode(coding)) == {"é": ["[", 3.4e38]}


@FUZZ
@given(VALUES, st.binary() | st.text() | st.text(alphabet="[]{}:,&*!<-? \n'\"#|>%@`a1.e+~"))
def test_what_is_written_is_read_and_any_text_gives_values_or_one_line(value, text):
    assert parse_json(json.dumps(value)) == value
    assert parse_yaml(yaml.safe_dump(value)) == [value]
    for parse in (parse_json, parse_yaml):
        try:
            parse(text)
        except UserError as error:
            assert str(error)


def test_the_one_document_of_a_file_is_read(tmp_path):
    for name, content in (("a.json", "[1]"), ("a.yml", "[1]"), ("two.yml", "a\n---\nb"), ("0", "")):
        (tmp_path / name).write_text(content)
    assert read_document(tmp_path / "a.json") == read_document(tmp_path / "a.yml") == [1]
    assert read_document(tmp_path / "0") is None
    wrong = {"": "Is a directory", "two.yml": "holds 2 documents"}
    for name, reason in wrong.items():
        refused(f"^{tmp_path / name}: {reason}", read_document, tmp_path / name)
    refused(r"^it: No such", read_document, tmp_path / "none", "it")
