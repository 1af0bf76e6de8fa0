"""The inference command as a user runs it: pictures in, poses.json and drawn pictures out."""

import json
import sys

import cv2
import numpy as np
import pytest
import torch

import inference
from base.skeleton import JOINTS
from utils.command import run_command
from utils.inference.predictor import EgoPosePredictor
from utils.inference.read_ahead import read_ahead


def checkered(height, width, channels=3, seed=0):
    """A picture with structure at every scale, so that a shift shows."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, channels), np.uint8)
    return cv2.resize(small, (width, height)).reshape(height, width, channels)


def write(path, image):
    assert cv2.imwrite(str(path), image)
    return path


def infer(checkpoint, pictures, save_dir, *more):
    inference.main(
        [
            *("--gpu", "cpu", "--precision", "fp32", "--load_model", str(checkpoint)),
            *("--input_dir", str(pictures), "--save_dir", str(save_dir), *more),
        ]
    )


@pytest.fixture
def pictures(tmp_path):
    """Five pictures of every kind, a broken one, and what is no picture."""
    folder = tmp_path / "pictures in"
    folder.mkdir()
    write(folder / "wide.PNG", checkered(80, 128, 4))
    write(folder / "grey.jpeg", checkered(70, 64, 1))
    write(folder / "exact.png", checkered(64, 64))
    write(folder / "same.jpg", checkered(100, 100))
    write(folder / "same.png", checkered(100, 100, seed=1))
    whole = (folder / "wide.PNG").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_every_picture_of_a_folder_gets_a_pose_and_a_drawing(
    tiny_checkpoint, pictures, tmp_path, capsys
):
    infer(tiny_checkpoint, pictures, tmp_path / "out", "--batch_size", "2")
    content = json.loads((tmp_path / "out" / "poses.json").read_text())
    files = ["exact.png", "grey.jpeg", "same.jpg", "same.png", "wide.PNG"]
    assert [frame["file"] for frame in content["frames"]] == files
    for frame in content["frames"]:
        joints3d = np.array(frame["joints3d"])
        assert joints3d.shape == (16, 3) and np.array_equal(joints3d[0], [0, 0, 0])
        assert np.array(frame["joints2d"]).shape == (16, 2)
        confidence = np.array(frame["confidence"])
        assert confidence.shape == (16,) and 0 <= confidence.min() <= confidence.max() <= 1
        drawn = cv2.imread(str(tmp_path / "out" / frame["picture"]))
        assert drawn is not None and drawn.std() > 1
    assert len({frame["picture"] for frame in content["frames"]}) == 5
    assert content["frames"][-1]["size"] == [128, 80]
    assert content["joint_names"] == list(JOINTS)
    assert content["units"]["joints3d"].startswith("metres")
    assert content["checkpoint"] == str(tiny_checkpoint)
    assert [item["file"] for item in content["unreadable"]] == ["cut.png", "empty.jpg"]
    output = capsys.readouterr().out
    assert "2 of 7 could not be read" in output
    assert "cut.png: cut off after" in output and "empty.jpg: not a picture" in output


def test_the_order_and_number_of_pictures_at_once_change_nothing(
    tiny_checkpoint, pictures, tmp_path
):
    frames = []
    for size in ("1", "16"):
        infer(tiny_checkpoint, pictures, tmp_path / size, "--batch_size", size, "--no_pictures")
        frames.append(json.loads((tmp_path / size / "poses.json").read_text())["frames"])
        assert [path.name for path in (tmp_path / size).iterdir()] == ["poses.json"]
    for one, other in zip(*frames, strict=True):
        assert one["file"] == other["file"]
        assert np.abs(np.subtract(one["joints3d"], other["joints3d"])).max() < 1e-4
        assert np.abs(np.subtract(one["joints2d"], other["joints2d"])).max() < 0.1


def test_joints_land_on_the_same_spot_of_a_larger_and_wider_picture(tiny_checkpoint):
    predictor = EgoPosePredictor(tiny_checkpoint, gpu="cpu", precision="fp32")
    small = checkered(64, 64)
    # Three times as large by repetition, which averaging over areas undoes exactly, and 30 pixels
    # more on either side, which the centred crop cuts off.
    large = np.pad(small.repeat(3, 0).repeat(3, 1), ((0, 0), (30, 30), (0, 0)))
    first, second = predictor.batch([small, large])
    assert np.allclose(first.joints3d, second.joints3d, atol=1e-5)
    expected = (first.joints2d + 0.5) * 3 - 0.5 + [30, 0]
    assert np.allclose(second.joints2d, expected, atol=1e-2)


def test_a_square_picture_of_the_networks_size_reaches_it_untouched(tiny_checkpoint):
    predictor = EgoPosePredictor(tiny_checkpoint, gpu="cpu")
    picture = checkered(64, 64)
    assert np.array_equal(predictor.prepare(picture).square, picture)


def test_a_path_and_its_rgb_pixels_give_one_pose(tiny_checkpoint, tmp_path):
    predictor = EgoPosePredictor(str(tiny_checkpoint), gpu="cpu", precision="fp32")
    rgb = checkered(64, 64)
    path = write(tmp_path / "a.png", rgb[..., ::-1])
    assert np.array_equal(predictor(path).joints3d, predictor(rgb).joints3d)
    with pytest.raises(ValueError, match="uint8"):
        predictor(rgb.astype(np.float32))
    assert predictor.batch([]) == []


def bad_inputs(tmp_path, checkpoint, runs, pictures):
    """Argument lists that a person might give, and what the one line must say."""
    broken, empty = tmp_path / "broken", tmp_path / "empty"
    broken.mkdir()
    empty.mkdir()
    (broken / "a.png").write_bytes(b"no picture")
    (broken / "b.jpg").write_bytes(b"")
    (tmp_path / "file").write_text("in the way")
    good = ["--load_model", str(checkpoint)]
    return {
        "no such folder of pictures": [*good, "--input_dir", str(tmp_path / "none")],
        "holds no picture": [*good, "--input_dir", str(empty)],
        "none of the 2 pictures could be read": [*good, "--input_dir", str(broken)],
        "no checkpoint at": ["--load_model", "none.tar", "--input_dir", str(pictures)],
        "of train2d, but one of finetune": [
            *("--load_model", str(runs["train2d"] / "checkpoints" / "model_best.tar")),
            *("--input_dir", str(pictures)),
        ],
        "no CUDA device": [*good, "--input_dir", str(pictures), "--gpu", "7"],
        "--batch_size 0": [*good, "--input_dir", str(pictures), "--batch_size", "0"],
        "cannot be made a folder": [
            *(*good, "--input_dir", str(pictures), "--save_dir", str(tmp_path / "file")),
        ],
    }


def test_bad_input_ends_with_one_clear_line_and_exit_2(
    tmp_path, tiny_checkpoint, tiny_runs, pictures, capsys, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    save = ["--save_dir", str(tmp_path / "out")]
    for message, argv in bad_inputs(tmp_path, tiny_checkpoint, tiny_runs, pictures).items():
        monkeypatch.setattr(sys, "argv", ["inference.py", *save, *argv])
        with pytest.raises(SystemExit) as caught:
            run_command(inference.main)
        last = capsys.readouterr().err.strip().splitlines()[-1]
        assert caught.value.code == 2
        assert last.startswith("error: ") and message in last
        assert not list(tmp_path.glob("out/*"))


def test_reading_ahead_keeps_order_and_its_bound():
    taken = []

    def items():
        for number in range(20):
            taken.append(number)
            yield number

    results = read_ahead(items(), lambda number: number * number, threads=3, ahead=5)
    for number, result in enumerate(results):
        assert result == number * number
        assert len(taken) <= number + 6
    assert len(taken) == 20


def test_what_goes_wrong_while_reading_ahead_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(read_ahead([1, 0, 2], lambda number: 1 / number, threads=2, ahead=2))
