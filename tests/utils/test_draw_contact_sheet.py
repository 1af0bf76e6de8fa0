"""The sheet of frames."""

import cv2
import numpy as np
import pytest

from base.errors import UserError
from utils import draw_contact_sheet
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
