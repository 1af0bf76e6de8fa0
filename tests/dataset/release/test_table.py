"""The table of the release, and finding its archives on disk."""

from collections import Counter

import pytest
from commands import refused

from base.set_type import SetType
from dataset.release.table import CHARACTERS, find_archives, missing_parts, select_characters


def test_the_table_has_the_releases_sets_and_parts():
    counts = Counter(character.set_type for character in CHARACTERS.values())
    assert counts == {SetType.TRAIN: 21, SetType.TEST: 12, SetType.VAL: 1}
    assert sum(len(character.parts) for character in CHARACTERS.values()) == 216
    assert CHARACTERS["female_002_f_s"].parts == ["female_002_f_s.tar.gz.partaa"]
    assert CHARACTERS["female_003_a_a"].parts[-1] == "female_003_a_a.tar.gz.partaf"
    assert CHARACTERS["male_008_a_a"].set_type is SetType.VAL


def test_characters_are_selected_by_set_and_by_name():
    assert [c.name for c in select_characters(["val"])] == ["male_008_a_a"]
    names = ["female_001_a_a", "male_001_a_a"]
    assert [c.name for c in select_characters(None, names[::-1])] == names
    refused("no character male_099", select_characters, None, ["male_099_a_a"])
    refused("belongs to TestSet", select_characters, ["train"], ["male_001_a_a"])


def test_archives_are_found_in_order_and_missing_parts_are_named(tmp_path):
    found = {
        "a": [f"female_003_a_a.tar.gz.parta{c}" for c in "abdf"],
        "b/c": ["male_003_f_s.tar.gz"],
    }
    # Frames and what is hidden are passed over.
    others = ("c/cam_down/x.tar.gz", ".d/y.tar.gz", "e/._x.tar.gz", "f/notes.txt")
    files = [f"{folder}/{name}" for folder, names in found.items() for name in names[::-1]]
    for path in (tmp_path / name for name in (*files, *others)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    parts, [whole] = ([tmp_path / folder / name for name in found[folder]] for folder in found)
    archives = find_archives(tmp_path)
    assert archives == {"female_003_a_a": parts, "male_003_f_s": [whole]}
    assert list(archives) == sorted(archives)
    missing = missing_parts("female_003_a_a", parts)
    assert missing == ["female_003_a_a.tar.gz.partac", "female_003_a_a.tar.gz.partae"]
    assert missing_parts("male_003_f_s", [whole]) == []


@pytest.mark.parametrize("places", [("", ".partaa"), ("", "/more"), ("/old.partaa", "/new.partab")])
def test_a_character_in_two_places_is_refused(places, tmp_path):
    for place in places:
        folder, _, part = place.partition(".")
        path = tmp_path / folder.strip("/") / f"male_003_f_s.tar.gz{'.' * bool(part)}{part}"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    refused("two archives of male_003_f_s; move one of them away", find_archives, tmp_path)
