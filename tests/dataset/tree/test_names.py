"""Which files of a folder are frames: by whole names, one a number, nobody else's."""

import re

import pytest

from base.frame import FrameId
from dataset.faults import UNREADABLE_FOLDER, Fault
from dataset.tree.names import pair_files

PATH = "TrainSet/ann/env_001/cam_down"
P, L = "rgba/ann.rgba.", "json/ann_"

#: The files of a folder, those of them that are used, and the faults with their frame number.
CASES = {
    "the release's names": (
        names := [f"{P}000001.png", f"{P}1000000.png", f"{L}000001.json", f"{L}1000000.json"],
        names,
        {},
    ),
    "other padding and capitals": (
        names := [f"{P}1.PNG", f"{P}00000002.png", f"{L}0001.JSON", f"{L}2.json"],
        names,
        {},
    ),
    "hidden, foreign and unfinished files": (
        [
            *(f"{P}000001.png", "rgba/._ann.rgba.000001.png", "rgba/Thumbs.db", "rgba/notes.txt"),
            *(f"{L}000001.json", "json/._ann_000001.json", f"{L}000001.json.part"),
        ],
        [f"{P}000001.png", f"{L}000001.json"],
        {},
    ),
    "two spellings, one the release's": (
        [f"{P}000001.PNG", f"{P}000001.png", f"{L}000001.json", f"{L}01.json", f"{L}1.json"],
        [f"{P}000001.png", f"{L}000001.json"],
        dict.fromkeys(
            [("duplicate file", name) for name in (f"{P}000001.PNG", f"{L}01.json", f"{L}1.json")]
        ),
    ),
    "two spellings, none the release's": (
        [f"{P}000001.png", f"{L}01.json", f"{L}1.json"],
        [f"{P}000001.png"],
        {("duplicate file", f"{L}01.json"): 1, ("duplicate file", f"{L}1.json"): 1},
    ),
    "partners that are missing": (
        names := [f"{P}000001.png", f"{P}000002.png", f"{L}000002.json", f"{L}000003.json"],
        names,
        {("picture without label", names[0]): 1, ("label without picture", names[3]): 3},
    ),
    "another character's, all of them": (
        ["rgba/bob.rgba.000001.png", "json/bob_000001.json", "json/bob_000002.json", "json/o.json"],
        [],
        {("renamed folder", ""): None, ("unexpected file", "json/o.json"): None},
    ),
    "labels only": ([f"{L}000001.json"], [f"{L}000001.json"], {}),
}
#: Names that no frame has, beside one that has all.
for odd in (
    *("rgba/joann.rgba.000001.png", f"{P}000001.png.jpg", "json/Copy of ann_000001.json"),
    *(f"{L}000001 (1).json", f"{L}a_000001.json", f"{L}00000\u0661.json", f"{L}0000000001.json"),
):
    used = [f"{P}000001.png", f"{L}000001.json"]
    CASES[odd] = [*used, odd], used, {("unexpected file", odd): None}


@pytest.mark.parametrize("case", CASES)
def test_files_are_paired_by_their_whole_names(case):
    names, used, faults = CASES[case]
    content = {}
    for kind, _, name in (path.partition("/") for path in names):
        content.setdefault(kind, []).append(name)
    folder = pair_files(PATH, content)
    for kind, found in (("rgba", folder.pictures), ("json", folder.labels)):
        assert [f"{kind}/{name}" for name in found.values()] == [n for n in used if n[:4] == kind]
        assert all(int(re.search(r"(\d+)\.", name)[1]) == number for number, name in found.items())
    assert {(f.kind, f.where, f.frame_id) for f in folder.faults} == {
        (kind, f"{PATH}/{name}".rstrip("/"), number and FrameId("ann", "env_001", number))
        for (kind, name), number in faults.items()
    }


def test_nothing_is_missing_beside_a_folder_that_cannot_be_listed():
    refused = Fault(UNREADABLE_FOLDER, f"{PATH}/rgba", "Permission denied")
    folder = pair_files(PATH, {"rgba": refused, "json": ["ann_000001.json"]})
    assert folder.faults == [refused] and folder.labels == {1: "ann_000001.json"}
    assert folder.pictures == {}
