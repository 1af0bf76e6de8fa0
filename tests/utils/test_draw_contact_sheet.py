"""The sheet of frames."""

import cv2
import numpy as np
import pytest

from base.errors import UserError
from utils import draw_contact_sheet, pack_data
from utils.draw_contact_sheet import draw_sheet


def test_pictures_stand_row_by_row():
    pictures = [np.full((4, 4, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = draw_sheet(pictures, columns=2)
    assert sheet.shape == (8, 8, 3)
    assert [sheet[0, 0, 0], sheet[0, 4, 0], sheet[4, 0, 0], sheet[4, 4, 0]] == [10, 20, 30, 255]


def test_a_sheet_of_a_set_is_written(tiny_data, tmp_path, capsys):
    path = tmp_path / "sheet.png"
    options = ["--data_root", str(tiny_data), "--count", "5", "--columns", "3", "--size", "32"]
    draw_contact_sheet.main([*options, "--output", str(path)])
    assert cv2.imread(str(path)).shape == (64, 96, 3)
    assert "5 frames" in capsys.readouterr().out


@pytest.mark.parametrize("size", ["24", "96"])
def test_a_packed_set_is_shrunk_or_enlarged(tiny_data, tmp_path, size):
    packed, sheets = tmp_path / "packed", (tmp_path / "tree.png", tmp_path / "packed.png")
    pack_data.main(["--input", str(tiny_data), "--output", str(packed), "--size", "48"])
    options = ["--count", "4", "--columns", "2", "--size", size]
    for root, path in zip((tiny_data, packed), sheets, strict=True):
        draw_contact_sheet.main(["--data_root", str(root), *options, "--output", str(path)])
    tree, shards = (cv2.imread(str(path)).astype(float) for path in sheets)
    assert tree.shape == shards.shape == (2 * int(size), 2 * int(size), 3)
    # The same frames in the same places, but for what 48 pixels hold.
    assert np.abs(tree - shards).mean() < 12
    assert np.abs(tree - shards[:, ::-1]).mean() > 24


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--count", "0", "--output", "a.png"], "at least 1"),
        (["--output", "a.txt"], "give a .png or .jpg"),
        (["--data_root", "nowhere", "--output", "a.png"], "no TrainSet in nowhere"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        draw_contact_sheet.main(options)
