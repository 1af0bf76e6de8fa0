"""The inference command as a user runs it: pictures in, poses.json and drawn pictures out."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pybvh
import pytest
import torch

import inference
from base.camera import RELEASE_CAMERA
from base.cameras.fisheye import equidistant_camera
from base.errors import UserError
from base.skeleton import JOINTS
from dataset.pictures import read_picture
from dataset.transforms import SquareCrop
from utils.common.command import run_command
from utils.inference.mount import mount_rotation
from utils.inference.predictor import EgoPosePredictor, Pose, Prepared
from utils.inference.read_ahead import read_ahead
from utils.inference.results import FrameResult
from utils.inference.shared import part_path, writing_part
from utils.inference.smoothing import OneEuroFilter, OneEuroOptions
from utils.inference.warp import CameraWarp


def checkered(height, width, channels=3, seed=0):
    """A picture with structure at every scale, so that a shift shows."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, channels), np.uint8)
    return cv2.resize(small, (width, height)).reshape(height, width, channels)


def write(path, image):
    assert cv2.imwrite(str(path), image)
    return path


def run(checkpoint, save_dir, *more):
    inference.main(
        [
            *("--gpu", "cpu", "--precision", "fp32", "--load_model", str(checkpoint)),
            *("--save_dir", str(save_dir), *more),
        ]
    )


def infer(checkpoint, pictures, save_dir, *more):
    run(checkpoint, save_dir, "--input_dir", str(pictures), *more)


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


@pytest.fixture
def clip(tmp_path):
    """A video of 24 frames at 12 a second."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 12.0, (128, 80))
    for number in range(24):
        writer.write(checkered(80, 128, seed=number // 6))
    writer.release()
    return path


def test_every_format_holds_the_same_poses(tiny_checkpoint, clip, tmp_path, capsys):
    out = tmp_path / "out"
    run(
        *(tiny_checkpoint, out, "--input", str(clip), "--format", "json", "npz", "csv", "bvh"),
        *("--video", "--no_pictures", "--batch_size", "5"),
    )
    names = ["poses.bvh", "poses.csv", "poses.json", "poses.mp4", "poses.npz"]
    assert sorted(path.name for path in out.iterdir()) == names
    frames = json.loads((out / "poses.json").read_text())["frames"]
    assert [frame["frame"] for frame in frames] == list(range(24))
    assert np.allclose([frame["time"] for frame in frames], np.arange(24) / 12, atol=1e-5)
    joints3d = np.array([frame["joints3d"] for frame in frames])
    neck = np.array([frame["neck"] for frame in frames])

    arrays = np.load(out / "poses.npz", allow_pickle=False)
    assert np.abs(arrays["joints3d"] - joints3d).max() < 1e-5
    assert arrays["files"].tolist() == ["clip.avi"] * 24
    assert arrays["joint_names"].tolist() == list(JOINTS)
    for name, shape in {"joints2d": (24, 16, 2), "confidence": (24, 16), "neck": (24, 3)}.items():
        assert arrays[name].shape == shape
        assert np.abs(arrays[name] - [frame[name] for frame in frames]).max() < 0.01

    with (out / "poses.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 24 * 16 and rows[17]["joint"] == "Head" and rows[17]["frame"] == "1"
    metres = np.array([[float(row[f"{axis}_m"]) for axis in "xyz"] for row in rows])
    assert np.abs(metres.reshape(24, 16, 3) - joints3d).max() < 2e-5

    motion = pybvh.read_bvh_file(out / "poses.bvh")
    assert motion.frame_count == 24 and motion.fps == pytest.approx(12, rel=1e-3)
    row = motion.joint_names.index("mixamorig:Hips")
    hips = (joints3d + neck[:, None])[:, [8, 12]].mean(1)
    found = np.asarray(motion.joint_positions())[:, row] / 100
    assert np.abs(found[:, 0] - hips[:, 0]).max() < 1e-4
    assert np.abs(found[:, 2] - hips[:, 1]).max() < 1e-4

    video = cv2.VideoCapture(str(out / "poses.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(12)
    assert sum(1 for _ in iter(lambda: video.read()[0], False)) == 24
    assert "128×80: taken for the training camera's" in capsys.readouterr().out


def test_every_name_that_a_file_system_holds_gets_a_pose_or_is_named(
    tiny_checkpoint, tmp_path, capsys
):
    folder, out = tmp_path / "in", tmp_path / os.fsdecode(b"out\xff")
    whole = cv2.imencode(".png", checkered(64, 64))[1].tobytes()
    names = [
        *(b"-a.png", b"\xff.png", b"\xfe.png", b"new\nline.png", b"back\\slash.png", b"%d.png"),
        *("😀.png".encode(), "ü".encode() * 125 + b".png", b"\xfd" * 251 + b".png"),
        *(b"sub\xff/a\xff.png", b"sub\xfe/a.png"),
    ]
    for name in (*names, b"broken\xff.png"):
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if b"broken" in name else whole)
    os.mkfifo(folder / "pipe.png")
    more = ("--recursive", "--video", "--format", "json", "csv", "npz", "bvh")
    infer(tiny_checkpoint, folder, out, *more)
    content = json.loads((out / "poses.json").read_text(encoding="utf-8"))
    with (out / "poses.csv").open(newline="", encoding="utf-8") as stream:
        in_table = {row["file"] for row in csv.DictReader(stream)}
    texts = [frame["file"] for frame in content["frames"]]
    assert in_table == set(texts) == set(np.load(out / "poses.npz")["files"])
    back = [text.encode().decode("unicode_escape").encode("latin-1") for text in texts]
    assert sorted(back) == sorted(names)
    unreadable = {item["file"]: item["reason"] for item in content["unreadable"]}
    assert unreadable == {
        r"broken\xff.png": "not a picture that can be decoded",
        "pipe.png": "not a file",
    }
    drawings = {(out / frame["picture"]).read_bytes()[:3] for frame in content["frames"]}
    assert drawings == {b"\xff\xd8\xff"}
    # One clip a folder, whatever the folder's name.
    for kind in ("bvh", "mp4"):
        clips = {str(path.relative_to(out)) for path in out.rglob(f"poses.{kind}")}
        assert clips == {f"{folder}poses.{kind}" for folder in ("", "sub_/", "sub__2/")}
    assert r"  broken\xff.png: not a picture" in capsys.readouterr().out


def test_a_video_whose_name_is_not_utf_8_is_read(tiny_checkpoint, clip, tmp_path):
    odd = clip.rename(os.fsdecode(os.fsencode(tmp_path) + b"/cl\xffip:.avi"))
    run(tiny_checkpoint, tmp_path / "out", "--input", str(odd), "--no_pictures")
    frames = json.loads((tmp_path / "out" / "poses.json").read_text())["frames"]
    assert {frame["file"] for frame in frames} == {r"cl\xffip:.avi"} and len(frames) == 24


def test_folders_are_sequences_and_gaps_stay_gaps(tiny_checkpoint, tmp_path):
    numbers = {"": (9, 10, 11), "walk": (8, 9, 10, 11, 12), "walk/on": (1, 2)}
    broken = {"walk/f_10.png", "walk/on/f_1.png"}
    for folder, those in numbers.items():
        (tmp_path / "in" / folder).mkdir(exist_ok=True, parents=True)
        for number in those:
            name = f"{folder}/f_{number}.png".lstrip("/")
            write(tmp_path / "in" / name, checkered(64, 64, seed=10 * len(folder) + number))
            if name in broken:
                (tmp_path / "in" / name).write_bytes(b"")

    def result(name, *more):
        infer(tiny_checkpoint, tmp_path / "in", tmp_path / name, "--recursive", *more)
        frames = json.loads((tmp_path / name / "poses.json").read_text())["frames"]
        return {frame["file"]: np.array(frame["joints3d"]) for frame in frames}

    raw = result("raw", "--format", "json", "bvh", "--video", "--fps", "20")
    smooth = result("smooth", "--smooth", "1", "0", "--fps", "20", "--no_pictures")
    files = [f"{folder}/f_{n}.png".lstrip("/") for folder, those in numbers.items() for n in those]
    assert list(raw) == [file for file in files if file not in broken]
    for folder, those in numbers.items():
        expected = OneEuroFilter(OneEuroOptions(1.0, 0.0))
        for index, number in enumerate(those):
            file = f"{folder}/f_{number}.png".lstrip("/")
            if file not in broken:
                assert np.abs(smooth[file] - expected(raw[file], index / 20)).max() < 3e-5
        # Later frames are at their time in what knows no gaps.
        motion = pybvh.read_bvh_file(tmp_path / "raw" / folder / "poses.bvh")
        assert motion.frame_count == len(those) and motion.fps == pytest.approx(20, rel=1e-3)
        video = cv2.VideoCapture(str(tmp_path / "raw" / folder / "poses.mp4"))
        assert sum(1 for _ in iter(lambda: video.read()[0], False)) == len(those)  # noqa: B023
    # What was drawn is not taken for pictures of the wearer.
    infer(tiny_checkpoint, tmp_path, tmp_path / "again", "--recursive", "--no_pictures")
    again = json.loads((tmp_path / "again" / "poses.json").read_text())
    assert [frame["file"] for frame in again["frames"]] == [f"in/{file}" for file in raw]
    drawn = {"file": "raw/pictures", "reason": "drawings of an earlier run"}
    assert again["left_out"] == [drawn]


def test_smoothing_takes_jitter_away(tiny_checkpoint, clip, tmp_path):
    steps = []
    for name, more in (("raw", []), ("smooth", ["--smooth", "0.5", "0"])):
        out = tmp_path / name
        run(tiny_checkpoint, out, "--input", str(clip), "--no_pictures", *more)
        frames = json.loads((out / "poses.json").read_text())["frames"]
        steps.append(np.abs(np.diff([frame["joints2d"] for frame in frames], axis=0)).max())
    assert 0 < steps[1] < 0.5 * steps[0]


def test_a_lens_of_the_training_cameras_shape_is_told_by_its_image_circle(
    tiny_checkpoint, tiny_data, tmp_path, capsys
):
    # Pictures of the set, and what a lens with 180 degrees across the height would have seen.
    another = CameraWarp(RELEASE_CAMERA, equidistant_camera(1280, 800, (640, 400), 400, 180))
    squares = []
    for folder, lens, assumed in (
        (tmp_path / "training", "taken for the training camera's, by its image circle", False),
        (tmp_path / "another", "unlike the training camera's, equidistant, 180° assumed", True),
    ):
        folder.mkdir()
        for path in sorted((tiny_data / "TestSet").rglob("*.png"))[:4]:
            seen = read_picture(path)
            write(folder / path.name, (another.image(seen) if assumed else seen)[..., ::-1])
        infer(tiny_checkpoint, folder, tmp_path / "out", "--no_pictures")
        [told] = json.loads((tmp_path / "out" / "poses.json").read_text())["lenses"]
        assert told["assumed"] == assumed and lens in told["lens"]
        assert f"1280×800: {told['lens']}\n" in capsys.readouterr().out
        predictor = EgoPosePredictor(tiny_checkpoint, gpu="cpu")
        pictures = [read_picture(path) for path in sorted(folder.iterdir())]
        predictor.study(pictures)
        squares.append([predictor.prepare(picture).square.astype(float) for picture in pictures])
    # The network is shown the same scene, wherever both lenses see it.
    assert np.abs(np.subtract(*squares)).mean((1, 2, 3)).max() < 5


def test_a_calibrated_picture_has_its_joints_in_its_own_pixels(tiny_checkpoint, tmp_path):
    # The network sees the same square whether the picture is the training camera's or that of
    # another lens, upside down, re-rendered; so the joints lie along the same rays.
    camera = equidistant_camera(900, 900, (450, 440), 430, 185)
    calibration = tmp_path / "calib.json"
    matrix = [[camera.fx, 0, 450], [0, camera.fy, 440], [0, 0, 1]]
    calibration.write_text(json.dumps({"K": matrix, "D": [0, 0, 0, 0], "DIM": [900, 900]}))
    seen = cv2.GaussianBlur(checkered(800, 1280), (0, 0), 6)
    to_user = CameraWarp(RELEASE_CAMERA, camera, mount_rotation(180).T)
    users = to_user.image(seen)
    plain = EgoPosePredictor(tiny_checkpoint, camera="training", gpu="cpu", precision="fp32")
    lens = EgoPosePredictor(
        tiny_checkpoint, camera=calibration, rotate=180, gpu="cpu", precision="fp32"
    )
    squares = [
        predictor.prepare(image).square for predictor, image in ((plain, seen), (lens, users))
    ]
    inner = CameraWarp(camera, SquareCrop(64).camera(RELEASE_CAMERA), mount_rotation(180)).seen
    difference = np.abs(np.subtract(*squares, dtype=float))[inner]
    assert np.percentile(difference, 95) < 12
    pose = lens(users)
    rays = camera.unproject(pose.joints2d.astype(float)) @ mount_rotation(180)
    square = lens.prepare(users)
    expected = plain.poses([Prepared(square.square, plain.prepare(seen).view)])[0].joints2d
    inside = camera.angle(rays) < 1.5
    assert np.abs(RELEASE_CAMERA.project(rays) - expected)[inside].max() < 0.5


#: Inference that, told "stopped", sends itself a signal in its second batch.
STOPPED = """
import signal, sys
sys.path.insert(0, {repository!r})
import inference
from utils.common.command import run_command
from utils.inference.predictor import EgoPosePredictor
how, poses, calls = sys.argv.pop(1), EgoPosePredictor.poses, []
def stopped(self, *arguments):
    calls.append(arguments)
    if len(calls) == 2 and how == "stopped":
        signal.raise_signal(signal.SIGTERM)
    return poses(self, *arguments)
EgoPosePredictor.poses = stopped
run_command(inference.main)
"""


def test_several_processes_write_what_one_writes(tiny_checkpoint, pictures, tmp_path):
    arguments = ["--load_model", str(tiny_checkpoint), "--input_dir", str(pictures)]
    arguments += ["--gpu", "cpu", "--precision", "fp32", "--format", "json", "csv", "npz"]
    shared_dir, alone_dir = tmp_path / "shared", tmp_path / "alone"
    script = tmp_path / "stopped.py"
    script.write_text(STOPPED.format(repository=str(Path(inference.__file__).parent)))

    def together(how):
        command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=3"]
        command += ["--standalone", str(script), how, *arguments]
        return subprocess.run(
            [*command, "--save_dir", str(shared_dir), "--batch_size", "1"],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )

    # Of a run that was killed; and all are asked to end: what they have is one result.
    parts = shared_dir / ".parts"
    parts.mkdir(parents=True)
    for name in (".00001.k2x.part.jsonl", "00005.jsonl"):
        (parts / name).write_text("half a li")
    assert "Stopped by SIGTERM" in together("stopped").stdout
    files = ["exact.png", "grey.jpeg", "same.jpg", "same.png", "wide.PNG"]
    first = json.loads((shared_dir / "poses.json").read_text())
    assert [frame["file"] for frame in first["frames"]] == files[:4]
    assert not parts.exists()
    assert together("whole").returncode == 0
    inference.main([*arguments, "--save_dir", str(alone_dir)])
    outs = (shared_dir, alone_dir)
    for folder in ("", "pictures"):
        names = [sorted(path.name for path in (out / folder).iterdir()) for out in outs]
        assert names[0] == names[1]
    shared, alone = (
        json.loads((out / "poses.json").read_text()) for out in (shared_dir, alone_dir)
    )
    assert shared["unreadable"] == alone["unreadable"]
    for one, other in zip(shared["frames"], alone["frames"], strict=True):
        assert (one["file"], one["picture"]) == (other["file"], other["picture"])
        assert np.abs(np.subtract(one["joints3d"], other["joints3d"])).max() < 1e-4


def test_what_a_process_found_stands_before_it_ends(tmp_path):
    zeros = np.zeros((16, 3), np.float32)
    pose = Pose(zeros, zeros[:, :2], zeros[:, 0], zeros[0], 0.0, False)
    with writing_part(part_path(tmp_path, 3)) as part:
        part.add(FrameResult("a.png", "a", (64, 64), pose), np.empty(0))
        [line] = part_path(tmp_path, 3).read_text().splitlines()
    assert json.loads(line)["file"] == "a.png"


class FakeCamera:
    """A camera of 60 frames a second that is unplugged after twelve frames."""

    def __init__(self, target):
        self.left = 12

    def isOpened(self):
        return True

    def get(self, name):
        return 60.0

    def grab(self):
        return True

    def read(self):
        time.sleep(1 / 60)
        self.left -= 1
        return (True, checkered(80, 128, seed=self.left)) if self.left >= 0 else (False, None)

    def release(self):
        self.left = 0


def test_a_camera_is_followed_until_it_is_gone(tiny_checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    run(tiny_checkpoint, tmp_path, "--input", "0", "--camera", "training", "--smooth")
    output = capsys.readouterr().out
    assert "no display here" in output and "camera 0 gives no more frames" in output
    frames = json.loads((tmp_path / "poses.json").read_text())["frames"]
    times = [frame["time"] for frame in frames]
    assert 1 <= len(frames) <= 12 and times[0] == 0 and times == sorted(times)
    assert [path.name for path in tmp_path.iterdir()] == ["poses.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_complete_files(number, tiny_checkpoint, pictures, tmp_path, monkeypatch):
    original = EgoPosePredictor.poses

    def interrupted(self, *arguments):
        signal.raise_signal(number)
        return original(self, *arguments)

    monkeypatch.setattr(EgoPosePredictor, "poses", interrupted)
    with pytest.raises(SystemExit) as caught:
        infer(tiny_checkpoint, pictures, tmp_path / "out", "--batch_size", "3")
    assert caught.value.code == 128 + number
    content = json.loads((tmp_path / "out" / "poses.json").read_text())
    assert 0 < len(content["frames"]) <= 3
    for frame in content["frames"]:
        assert cv2.imread(str(tmp_path / "out" / frame["picture"])) is not None


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
    (tmp_path / "calib.json").write_text(
        json.dumps({"K": np.eye(3).tolist(), "D": [0, 0], "model": "fisheye"})
    )
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
        "no such picture": [*good, "--input", str(tmp_path / "none.png")],
        "there is no camera 97": [*good, "--input", "97"],
        "4 distortion coefficients, found 2": [
            *(*good, "--input_dir", str(pictures), "--camera", str(tmp_path / "calib.json")),
        ],
        "--fov is for a lens": [
            *(*good, "--input_dir", str(pictures), "--camera", "training", "--fov", "180"),
        ],
        "--smooth takes": [*good, "--input_dir", str(pictures), "--smooth", "1"],
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


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        Exception("[ONNXRuntimeError] : 1 : FAIL : Failed to allocate memory for requested buffer"),
        MemoryError(),
    ],
)
@pytest.mark.parametrize("size, advice", [("7", "lower --batch_size"), ("1", "--gpu cpu has")])
def test_running_out_of_memory_says_what_to_lower(
    error, size, advice, tiny_checkpoint, pictures, tmp_path, monkeypatch
):
    def poses(self, *arguments):
        raise error

    monkeypatch.setattr(EgoPosePredictor, "poses", poses)
    with pytest.raises(UserError, match=f"out of memory with --batch_size {size}: {advice}"):
        infer(tiny_checkpoint, pictures, tmp_path / "out", "--batch_size", size)
    assert not list((tmp_path / "out").glob("**/*"))


def test_a_world_size_without_torchrun_is_refused(tiny_checkpoint, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match=r"WORLD_SIZE=2 .*not RANK and .*unset WORLD_SIZE"):
        infer(tiny_checkpoint, pictures, tmp_path / "out")


def test_a_console_without_a_character_ends_no_command(monkeypatch):
    console = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", console)
    run_command(lambda: print("128×80", flush=True))
    assert console.buffer.getvalue() == b"128\\xd780\n"


def test_reading_ahead_keeps_order_and_its_bound():
    taken = []

    def items():
        for number in range(20):
            taken.append(number)
            yield number

    # Ready at most: five in the queue, one that waits to be put there, one that is handed out.
    results = read_ahead(items(), lambda number: number * number, threads=3, ahead=5)
    for number, result in enumerate(results):
        assert result == number * number
        assert len(taken) <= number + 7
    assert len(taken) == 20


def test_what_goes_wrong_while_reading_ahead_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(read_ahead([1, 0, 2], lambda number: 1 / number, threads=2, ahead=2))
