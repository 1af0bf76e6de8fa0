"""The table of the release, and finding its archives on disk."""

import errno
import os
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
    for name in (*(f"female_003_a_a.tar.gz.parta{c}" for c in "bdaf"), "male_003_f_s.tar.gz"):
        (tmp_path / name).touch()
    found = find_archives(tmp_path)
    assert list(found) == ["female_003_a_a", "male_003_f_s"]
    assert [path.name[-1] for path in found["female_003_a_a"]] == ["a", "b", "d", "f"]
    missing = missing_parts("female_003_a_a", found["female_003_a_a"])
    assert missing == ["female_003_a_a.tar.gz.partac", "female_003_a_a.tar.gz.partae"]
    assert missing_parts("male_003_f_s", found["male_003_f_s"]) == []


@pytest.mark.parametrize("places", [("", ".partaa"), ("", "/more"), ("/old.partaa", "/new.partab")])
def test_a_character_in_two_places_is_refused(places, tmp_path):
    for place in places:
        folder, _, part = place.partition(".")
        path = tmp_path / folder.strip("/") / f"male_003_f_s.tar.gz{'.' * bool(part)}{part}"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    refused("two archives of male_003_f_s; move one of them away", find_archives, tmp_path)


def test_folders_below_are_searched_frames_and_hidden_ones_not(tmp_path, monkeypatch, capsys):
    found = tmp_path / "a/b/male_003_f_s.tar.gz"
    others = ("c/cam_down/x.tar.gz", ".d/y.tar.gz", "e/._x.tar.gz", "f/notes.txt")
    for path in (found, *(tmp_path / name for name in others)):
        path.parent.mkdir(parents=True)
        path.touch()
    (tmp_path / "lost+found").mkdir()
    true = os.scandir

    def scandir(path):  # permissions do not keep the superuser out
        if str(path).endswith("lost+found"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return true(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert find_archives(tmp_path) == {"male_003_f_s": [found]}
    line = f"left out: {tmp_path}/lost+found: cannot be read (Permission denied)\n"
    assert capsys.readouterr().err == line
