"""File names that no text takes as they are."""

import os

import pytest

from utils.inference.source import name_text, plain_name


@pytest.mark.parametrize(
    "name, text, plain",
    [
        ("sub/ä b-1.png".encode(), "sub/ä b-1.png", "sub/ä b-1.png"),
        ("😀.png".encode(), "😀.png", "😀.png"),
        (b"-\xff\xc3.png", r"-\xff\xc3.png", "-__.png"),
        (b"a\nb\x1b.png", r"a\x0ab\x1b.png", "a_b_.png"),
        (b"a\\xff.png", r"a\x5cxff.png", "a_xff.png"),
        ("a\u2028.png".encode(), r"a\xe2\x80\xa8.png", "a_.png"),
        (b"x" * 255, "x" * 255, "x" * 180),
        ("aä".encode() * 85, "aä" * 85, "aä" * 60),
    ],
)
def test_a_name_becomes_one_line_that_can_be_undone_and_one_that_every_program_takes(
    name, text, plain
):
    assert name_text(os.fsdecode(name)) == text and len(text.splitlines()) == 1
    assert text.encode().decode("unicode_escape").encode("latin-1") == name
    assert plain_name(os.fsdecode(name)) == plain
