"""Which files of a folder are frames: by whole names, one a number, nobody else's."""

import pytest

from base.frame import FrameId
from dataset.faults import UNREADABLE_FOLDER, Fault
from dataset.tree.names import pair_files

PATH = "TrainSet/ann/env_001/cam_down"
REFUSED = Fault(UNREADABLE_FOLDER, f"{PATH}/rgba", "Permission denied")

#: Names in rgba and in json, then the pictures, the labels and the faults with their frame number.
CASES = {
    "the release's names": (
        ["ann.rgba.000001.png", "ann.rgba.1000000.png"],
        ["ann_000001.json", "ann_1000000.json"],
        {1: "ann.rgba.000001.png", 1000000: "ann.rgba.1000000.png"},
        {1: "ann_000001.json", 1000000: "ann_1000000.json"},
        set(),
    ),
    "other padding and capitals": (
        ["ann.rgba.1.PNG", "ann.rgba.00000002.png"],
        ["ann_0001.JSON", "ann_2.json"],
        {1: "ann.rgba.1.PNG", 2: "ann.rgba.00000002.png"},
        {1: "ann_0001.JSON", 2: "ann_2.json"},
        set(),
    ),
    "hidden and foreign files": (
        ["ann.rgba.000001.png", "._ann.rgba.000001.png", ".ann.rgba.000001.png.part", "Thumbs.db"],
        ["ann_000001.json", "._ann_000001.json", ".DS_Store", "ann_000001.json.part", "notes.txt"],
        {1: "ann.rgba.000001.png"},
        {1: "ann_000001.json"},
        set(),
    ),
    "names that only look like it": (
        ["ann.rgba.000001.png", "joann.rgba.000001.png", "ann.rgba.000001.png.jpg"],
        ["ann_000001.json", "Copy of ann_000001.json", "ann_000001 (1).json", "ann_a_000001.json"],
        {1: "ann.rgba.000001.png"},
        {1: "ann_000001.json"},
        {
            ("unexpected file", "rgba/joann.rgba.000001.png", None),
            ("unexpected file", "rgba/ann.rgba.000001.png.jpg", None),
            ("unexpected file", "json/Copy of ann_000001.json", None),
            ("unexpected file", "json/ann_000001 (1).json", None),
            ("unexpected file", "json/ann_a_000001.json", None),
        },
    ),
    "digits of other scripts and too many": (
        ["ann.rgba.000001.png"],
        ["ann_00000\u0661.json", "ann_000001.json", "ann_0000000001.json"],
        {1: "ann.rgba.000001.png"},
        {1: "ann_000001.json"},
        {
            ("unexpected file", "json/ann_00000\u0661.json", None),
            ("unexpected file", "json/ann_0000000001.json", None),
        },
    ),
    "two spellings, one the release's": (
        ["ann.rgba.000001.PNG", "ann.rgba.000001.png"],
        ["ann_000001.json", "ann_01.json", "ann_1.json"],
        {1: "ann.rgba.000001.png"},
        {1: "ann_000001.json"},
        {
            ("duplicate file", "rgba/ann.rgba.000001.PNG", None),
            ("duplicate file", "json/ann_01.json", None),
            ("duplicate file", "json/ann_1.json", None),
        },
    ),
    "two spellings, none the release's": (
        ["ann.rgba.000001.png"],
        ["ann_01.json", "ann_1.json"],
        {1: "ann.rgba.000001.png"},
        {},
        {("duplicate file", "json/ann_01.json", 1), ("duplicate file", "json/ann_1.json", 1)},
    ),
    "partners that are missing": (
        ["ann.rgba.000001.png", "ann.rgba.000002.png"],
        ["ann_000002.json", "ann_000003.json"],
        {1: "ann.rgba.000001.png", 2: "ann.rgba.000002.png"},
        {2: "ann_000002.json", 3: "ann_000003.json"},
        {
            ("picture without label", "rgba/ann.rgba.000001.png", 1),
            ("label without picture", "json/ann_000003.json", 3),
        },
    ),
    "another character's, all of them": (
        ["bob.rgba.000001.png"],
        ["bob_000001.json", "bob_000002.json", "odd.json"],
        {},
        {},
        {("renamed folder", "", None), ("unexpected file", "json/odd.json", None)},
    ),
    "labels only": (None, ["ann_000001.json"], {}, {1: "ann_000001.json"}, set()),
    "pictures that cannot be listed": (
        REFUSED,
        ["ann_000001.json"],
        {},
        {1: "ann_000001.json"},
        {("unreadable folder", "rgba", None)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_files_are_paired_by_their_whole_names(case):
    rgba, labels, expected_pictures, expected_labels, expected_faults = CASES[case]
    content = {"json": labels} if rgba is None else {"rgba": rgba, "json": labels}
    folder = pair_files(PATH, content)
    assert (folder.pictures, folder.labels) == (expected_pictures, expected_labels)
    assert folder.labels_only == (rgba is None)
    assert {(f.kind, f.where, f.frame_id) for f in folder.faults} == {
        (kind, f"{PATH}/{name}".rstrip("/"), number and FrameId("ann", "env_001", number))
        for kind, name, number in expected_faults
    }


def test_a_renamed_folder_is_told_with_its_name():
    [fault] = pair_files(PATH, {"rgba": ["bob.rgba.1.png"], "json": ["bob_1.json"]}).faults
    assert fault.detail == "its 2 files are named after bob: rename the folder ann to that"
