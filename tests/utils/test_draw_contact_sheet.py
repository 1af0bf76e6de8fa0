"""The sheet of frames."""

import cv2
import numpy as np
from commands import pack

from utils import draw_contact_sheet
from utils.drawing.frame_painter import draw_sheet


def test_pictures_stand_row_by_row():
    pictures = [np.full((4, 4, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = draw_sheet(pictures, columns=2)
    assert sheet.shape == (8, 8, 3)
    assert sheet[::4, ::4, 0].tolist() == [[10, 20], [30, 255]]
    assert draw_sheet(pictures, columns=9).shape == (4, 12, 3)


def test_a_packed_set_gives_the_sheet_of_the_extracted_one(tiny_data, tmp_path, capsys):
    packed, sheets = tmp_path / "packed", (tmp_path / "tree.png", tmp_path / "packed.png")
    pack(tiny_data, packed, 48)
    options = ["--count", "5", "--columns", "3", "--size", "96"]
    for root, path in zip((tiny_data, packed), sheets, strict=True):
        draw_contact_sheet.main(["--data_root", str(root), *options, "--output", str(path)])
    assert "5 frames" in capsys.readouterr().out
    tree, shards = (cv2.imread(str(path)).astype(float) for path in sheets)
    assert tree.shape == shards.shape == (2 * 96, 3 * 96, 3)
    # The same frames in the same places, but for what 48 pixels hold.
    assert np.abs(tree - shards).mean() < 12
