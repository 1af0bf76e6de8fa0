"""The table of the release, and finding its archives on disk."""

from collections import Counter

import pytest

from base.errors import UserError
from base.set_type import SetType
from dataset.release import CHARACTERS, find_archives, missing_parts, select_characters


def test_the_table_has_the_releases_sets_and_parts():
    counts = Counter(character.set_type for character in CHARACTERS.values())
    assert counts == {SetType.TRAIN: 21, SetType.TEST: 12, SetType.VAL: 1}
    assert sum(len(character.parts) for character in CHARACTERS.values()) == 216
    assert CHARACTERS["female_002_f_s"].parts == ["female_002_f_s.tar.gz.partaa"]
    assert CHARACTERS["female_003_a_a"].parts[-1] == "female_003_a_a.tar.gz.partaf"
    assert CHARACTERS["male_008_a_a"].set_type is SetType.VAL


def test_characters_are_selected_by_set_and_by_name():
    assert [c.name for c in select_characters(["val"])] == ["male_008_a_a"]
    assert [c.name for c in select_characters(None, ["male_001_a_a", "female_001_a_a"])] == [
        "female_001_a_a",
        "male_001_a_a",
    ]
    with pytest.raises(UserError, match="no character male_099"):
        select_characters(None, ["male_099_a_a"])
    with pytest.raises(UserError, match="belongs to TestSet"):
        select_characters(["train"], ["male_001_a_a"])


def test_archives_are_found_in_order_and_a_missing_part_is_named(tmp_path):
    for letter in "bdaf":
        (tmp_path / f"female_003_a_a.tar.gz.parta{letter}").touch()
    (tmp_path / "male_003_f_s.tar.gz").touch()
    (tmp_path / "notes.txt").touch()
    found = find_archives(tmp_path)
    assert list(found) == ["female_003_a_a", "male_003_f_s"]
    assert [path.name[-1] for path in found["female_003_a_a"]] == ["a", "b", "d", "f"]
    assert missing_parts("female_003_a_a", found["female_003_a_a"]) == [
        "female_003_a_a.tar.gz.partac",
        "female_003_a_a.tar.gz.partae",
    ]
    assert missing_parts("male_003_f_s", found["male_003_f_s"]) == []


def test_a_character_both_whole_and_in_parts_is_refused(tmp_path):
    (tmp_path / "male_003_f_s.tar.gz").touch()
    (tmp_path / "male_003_f_s.tar.gz.partaa").touch()
    with pytest.raises(UserError, match="both whole and in parts"):
        find_archives(tmp_path)
