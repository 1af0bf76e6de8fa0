"""Whatever a document holds, reading it ends soon, with plain values or one line."""

import json
import os

import pytest
import yaml
from commands import refused
from hypothesis import given, settings
from hypothesis import strategies as st

from base.documents import parse_json, parse_yaml, read_bounded, read_document
from base.errors import UserError

LAUGHS = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
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
        (parse_yaml, LAUGHS, "repeats its own parts"),
        (parse_yaml, LAUGHS.replace("[*", "{<<: [*").replace("]\n", "]}\n"), "in line"),
        (parse_yaml, "a: &a {x: 1}\nb: {<<: *a}", "line 2: merge keys"),
        (parse_yaml, "a: 1\nb: 2\na: 3", "line 3: the key 'a' for the second time"),
        (parse_yaml, "&a [*a]", "repeats its own parts"),
        (parse_yaml, "- " * 10**5, "nested too deeply"),
        (parse_yaml, "[" * 70 + "]" * 70, "nested too deeply"),
        (parse_yaml, "a: 1" + ":59" * 10**5, "a number of 300001 characters"),
        (parse_yaml, "a: 1.0e+39", "is not finite, or too large"),
        (parse_yaml, "a: .nan", "is not finite, or too large"),
        (parse_yaml, "!!int ''", "not valid YAML: a value that cannot be"),
        (parse_yaml, "!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        (parse_yaml, "!!binary aGk=", "could not determine a constructor"),
        (parse_yaml, "a: b: c", "not valid YAML in line 1"),
        (parse_yaml, b"a: \xff", "not a text in UTF-8 or UTF-16"),
        (parse_yaml, "\n" * (2**20 + 1), "larger than 1 MiB"),
        (parse_json, "[" * 10**6, "nested too deeply"),
        (parse_json, "[" * 65 + "]" * 65, "nested too deeply"),
        (parse_json, "9" * 5000, "not valid JSON"),
        (parse_json, '{"a": [1e39]}', "is not finite, or too large"),
        (parse_json, "[NaN]", "is not finite, or too large"),
        (parse_json, "[1,\n2", "not valid JSON in line 2"),
        (parse_json, b"\xff", "not valid JSON"),
    ],
)
def test_what_is_beyond_bounds_is_refused(parse, text, reason):
    refused(reason, parse, text)


def test_yaml_gives_plain_values_dates_as_texts():
    found = parse_yaml("a: &a [1, 2.5, x]\nb: *a\nc: 2020-13-01\nd: {e, f}\n---\ng: true")
    whole = {"a": (plain := [1, 2.5, "x"]), "b": plain, "c": "2020-13-01"}
    assert found == [whole | {"d": {"e": None, "f": None}}, {"g": True}]


def test_json_may_have_a_byte_order_mark_or_be_utf_16_and_hold_nan_where_that_is_allowed():
    for coding in ("utf-8", "utf-8-sig", "utf-16"):
        assert parse_json('{"é": ["[", 3.4e38]}'.encode(coding)) == {"é": ["[", 3.4e38]}
    assert str(parse_json("[NaN, 1e999]", finite=False)) == "[nan, inf]"


@FUZZ
@given(VALUES, st.binary() | st.text() | st.text(alphabet="[]{}:,&*!<-? \n'\"#|>%@`a1.e+~"))
def test_what_is_written_is_read_and_any_text_gives_values_or_one_line(value, text):
    assert parse_json(json.dumps(value)) == value
    assert parse_yaml(yaml.safe_dump(value)) == [value]
    for parse in (parse_json, parse_yaml):
        try:
            json.dumps(parse(text))
        except UserError as error:
            assert str(error)


def test_only_whole_plain_files_of_bounded_size_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    for name, content in (("a.json", "[1]"), ("a.yml", "[1]"), ("two.yml", "a\n---\nb"), ("0", "")):
        (tmp_path / name).write_text(content)
    assert read_document(tmp_path / "a.json") == read_document(tmp_path / "a.yml") == [1]
    assert read_document(tmp_path / "0") is None and read_bounded(tmp_path / "a.yml", 3) == b"[1]"
    wrong = {"pipe.json": "is a pipe", "": "Is a directory", "two.yml": "holds 2 documents"}
    for name, reason in wrong.items():
        refused(f"^{tmp_path / name}: {reason}", read_document, tmp_path / name)
    refused(r"^it: No such", read_document, tmp_path / "none", "it")
    for name, reason in (("a.yml", "is larger than"), ("pipe.json", "is a pipe")):
        with pytest.raises(OSError, match=reason) as caught:
            read_bounded(tmp_path / name, 2)
        assert caught.value.filename == str(tmp_path / name)  # for the commands' one line
