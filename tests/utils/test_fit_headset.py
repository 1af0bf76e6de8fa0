"""The command that fits a headset file."""

import json

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pytest
from commands import refused
from matplotlib.backend_bases import KeyEvent, MouseEvent

from base.cameras import camera_to_dict
from base.cameras.fisheye import equidistant_camera
from base.headset import Headset, load_headset
from dataset.pictures import read_picture
from utils import fit_headset
from utils.drawing.style import PREDICTED, TRUTH
from utils.drawing.text import text_width
from utils.fitting.wearer import MARKS, wearer

CAMERA = equidistant_camera(400, 300, (205.0, 152.0), 150.0, 185.0)
HEADSET = Headset(CAMERA, (1.0, 3.0, 9.0), -8.0, 5.0, 90.0)


@pytest.fixture
def files(tmp_path):
    lens = camera_to_dict(CAMERA) | {"fisheye": True}
    for name in ("calib.json", "calib.yml"):
        (tmp_path / name).write_text(json.dumps(lens))
    left, up, ahead = (wearer("hanging", 1.72)[0] - HEADSET.position).T
    pixels = CAMERA.project(np.stack([left, ahead, -up], -1) @ HEADSET.rotation.T).tolist()
    marks = dict(zip(MARKS[1:], pixels[1:], strict=True))
    (tmp_path / "points.json").write_text(json.dumps({"a.png": marks, "b.png": marks}))
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((300, 400, 3), np.uint8))
    return tmp_path


def options(folder, **changed):
    values = {"pictures": ["a.png", "b.png"], "camera": "calib.json", "points": "points.json"}
    values |= {"output": "mine.yml"} | changed
    rows = ((f"--{key}", *np.ravel(value)) for key, value in values.items() if value is not None)
    return [str(folder / word) if "." in word else word for row in rows for word in row]


def test_a_fit_is_orange_a_mark_blue_and_no_name_overlaps_another(monkeypatch):
    names = {}

    def note(canvas, text, place, size, *_, anchor, **__):
        names[text] = (place[0] - (anchor == "r") * text_width(text, size, True), place[1])

    monkeypatch.setattr(fit_headset, "draw_text", note)
    fitted = {"nose": (200, 40), "chin": (202, 44), "left_foot": (214, 150)}
    fitted |= {"right_foot": (206, 151), "left_wrist": (np.nan, np.nan)}
    fitted = {name: np.array(place, float) for name, place in fitted.items()}
    picture = np.zeros((300, 400, 3), np.uint8)
    drawn = fit_headset.draw_fit(picture, {"chin": (150.0, 60.0)}, fitted).astype(int)
    assert (drawn[151, 206] == PREDICTED[0]).all()
    assert np.abs(drawn[60, 144] - TRUTH[0]).max() < 40
    assert set(names) == {"nose", "chin", "left foot", "right foot"}
    # Heights of text are 12 pixels.
    assert names["chin"][1] - names["nose"][1] >= 12
    assert names["right foot"][0] + text_width("right foot", 12, True) < 206
    assert names["left foot"][0] > 214


def test_marks_make_a_headset_file_and_pictures_of_the_fit(files, capsys):
    fit_headset.main(options(files))
    headset = load_headset(files / "mine.yml")
    np.testing.assert_allclose(headset.position, HEADSET.position, atol=0.4)
    assert (headset.forward, headset.left, headset.rotate) == pytest.approx((-8, 5, 90), abs=1)
    assert headset.camera == CAMERA
    text = (files / "mine.yml").read_text()
    assert "14 marks in 2 pictures" in text and "residual" in text and text.count("±") == 5
    assert "mine_a.png" in capsys.readouterr().out
    drawn = read_picture(files / "mine_b.png")
    assert drawn.shape == (300, 400, 3)
    x, y = np.rint(json.loads((files / "points.json").read_text())["b.png"]["chin"]).astype(int)
    assert drawn[y - 8 : y + 9, x - 8 : x + 9].any()


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"output": "mine.png"}, "give a .yml file"),
        ({"output": "calib.yml", "camera": "calib.yml#1"}, "calib.yml is read"),
        ({"output": "a.yml", "pictures": ["b.png", "a_b.png"]}, "a_b.png is read"),
        ({"pictures": ["a.png", "a.jpg"]}, "mine_a.png is read, or written twice"),
        ({"points": None}, "no display"),
        ({"pose": "tpose"}, "no mount fits the marks"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(files, changed, message):
    refused(message, fit_headset.main, options(files, **changed))
    assert not list(files.glob("mine*"))


def test_the_window_marks_skips_and_goes_back():
    pictures = dict.fromkeys(("a.png", "b.png"), np.zeros((300, 400, 3), np.uint8))
    points, saved = {"a.png": {"nose": (7.0, 8.0)}, "b.png": {}}, []

    def opened(said):
        window = fit_headset.MarkingWindow(
            pictures, ("nose", "chin"), points, lambda: saved.append(1)
        )
        assert said in window.figure.axes[0].get_title()  # the first that is missing
        return window, window.figure.canvas, window.figure.axes[0]

    def click(x, y):
        at, kind = axes.transData.transform((x, y)), "button_press_event"
        canvas.callbacks.process(kind, MouseEvent(kind, canvas, *at, 1))

    def press(key):
        canvas.callbacks.process("key_press_event", KeyEvent("key_press_event", canvas, key))

    window, canvas, axes = opened("a.png: mark the chin")
    click(120.0, 33.0)
    assert points["a.png"] == {"nose": (7, 8), "chin": (120, 33)} and len(saved) == 1
    assert "b.png: mark the nose" in axes.get_title()
    press("n")
    assert "b.png: mark the chin" in axes.get_title()
    click(50.0, 60.0)  # the last closes the window
    assert points["b.png"] == {"chin": (50, 60)} and not plt.fignum_exists(window.figure.number)
    window, canvas, axes = opened("b.png: mark the nose")
    press("u")
    assert points["a.png"] == {"nose": (7, 8)} and len(saved) == 3
    assert "a.png: mark the chin" in axes.get_title()
    plt.close(window.figure)
