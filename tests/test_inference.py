"""The inference command as a user runs it: pictures in, poses.json and drawn pictures out."""

import csv
import json
import os
import shutil
import signal
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import av
import cv2
import killing
import numpy as np
import pybvh
import pytest
import torch
import torch.distributed
from commands import names, refused, run_inference
from limits import file_size_limit
from live_packets import rig_joints

from base.cameras import camera_to_dict
from base.cameras.fisheye import equidistant_camera
from base.errors import UserError
from base.files import sha256
from base.headset import mount_rotation
from base.release_camera import RELEASE_CAMERA
from base.skeleton import JOINTS
from dataset.lens_warp import CameraWarp
from dataset.square_crop import SquareCrop
from utils.common.command import run_command
from utils.common.cores import read_ahead
from utils.common.pretrained import model_name
from utils.drawing.write import VideoFile
from utils.inference import predictor
from utils.inference import run as run_module
from utils.inference.predictor import EgoPosePredictor, Prepared
from utils.inference.sinks.drawings import PictureSink
from utils.inference.smoothing import OneEuroFilter
from utils.inference.square_predictor import Prediction, SquarePredictor
from utils.inference.trained_range import TrainedRange

pytestmark = pytest.mark.usefixtures("tiny_kind")
#: What a body stands on.
FEET = [(side, name) for side in ("Left", "Right") for name in ("Foot", "ToeBase")]
FORMATS = ("--format", "json", "npz", "csv", "bvh", "glb")
#: Name of a file that is not UTF-8, and how it is written.
ODD_CLIP, ODD_TEXT = b"cl\xffip:.mp4", r"cl\xffip:.mp4"


def checkered(height, width, channels=3, seed=0):
    """A picture with structure at every scale, so that a shift shows."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, channels), np.uint8)
    return cv2.resize(small, (width, height)).reshape(height, width, channels)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


@pytest.fixture(scope="module")
def fp32(tiny_kind, tiny_network):
    return EgoPosePredictor(tiny_network, gpu="cpu", precision="fp32")


@pytest.fixture
def infer(tiny_network, tmp_path):
    """Predict poses as a user does."""
    return lambda *more, out=tmp_path / "out": run_inference(tiny_network, out, *more)


@pytest.fixture
def pictures(tmp_path):
    """Five pictures of every kind, a broken one, and what is no picture."""
    folder = tmp_path / "pictures in"
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


FILES = ["exact.png", "grey.jpeg", "same.jpg", "same.png", "wide.PNG"]


def test_every_picture_gets_its_pose_and_a_drawing(
    tiny_network, fp32, pictures, tmp_path, capsys, infer
):
    content = infer("--input_dir", pictures, "--batch_size", 2)
    assert [frame["file"] for frame in content["frames"]] == FILES
    for frame in content["frames"]:
        alone = fp32(pictures / frame["file"])
        assert np.abs(frame["joints3d"] - alone.joints3d).max() < 1e-4
        assert np.abs(frame["joints2d"] - alone.joints2d).max() < 0.1
        assert np.abs(frame["confidence"] - alone.confidence).max() < 1e-3
        assert np.abs(frame["neck"] - alone.neck).max() < 1e-3
        assert frame["residual"] == pytest.approx(alone.residual, abs=0.1)
        drawn = cv2.imread(str(tmp_path / "out" / frame["picture"]))
        assert drawn is not None and drawn.std() > 1
    assert len({frame["picture"] for frame in content["frames"]}) == 5
    assert content["frames"][-1]["size"] == [128, 80]
    assert content["joint_names"] == list(JOINTS) and content["lenses"][0]["assumed"]
    assert content["units"]["joints3d"].startswith("metres")
    digest = sha256(tiny_network)
    head = {"model": model_name(tiny_network, digest), "model_sha256": digest, "schema": 1}
    head |= {"input_size": 64, "precision": "fp32", "views": 1, "height": None}
    assert {key: content[key] for key in head} == head
    page = (killing.REPOSITORY / "doc" / "inference.md").read_text("utf-8")
    section = page.partition("### poses.json")[2].partition("\n### ")[0]
    keys = {*content, *content["frames"][0], *content["lenses"][0]}
    assert not [key for key in keys if f'"{key}"' not in section]
    assert [item["file"] for item in content["unreadable"]] == ["cut.png", "empty.jpg"]
    output = capsys.readouterr().out
    assert "Poses of 5 frames" in output and "2 of 7 could not be read" in output
    assert "cut.png: cut off after" in output and "empty.jpg: not a picture" in output


def film(tmp_path, count):
    """A video of frames at 12 a second."""
    path = tmp_path / os.fsdecode(ODD_CLIP)
    with closing(VideoFile(path, 12)) as video:
        for number in range(count):
            video.add(checkered(80, 128, seed=number // 6))
    return path


def count_frames(path):
    with path.open("rb") as file, av.open(file) as film:
        [stream] = film.streams
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        return stream.average_rate, sum(1 for _ in film.decode(video=0))


@pytest.fixture
def clip(tmp_path):
    return film(tmp_path, 24)


def places_of(content):
    """(F, J, 3) metres, of the joints of a poses.json with one skeleton."""
    (skeleton,) = content["skeletons"]
    frames = [frame | {"offsets": skeleton["offsets"]} for frame in content["frames"]]
    return np.array([[*rig_joints(frame, skeleton).values()] for frame in frames])


def test_every_format_holds_the_same_poses(clip, tmp_path, capsys, monkeypatch, infer):
    out = tmp_path / "out"
    monkeypatch.setattr(predictor, "DISAGREEMENT", 10.0)
    monkeypatch.setattr(
        TrainedRange, "left_by", lambda _, found: np.arange(len(found.neck)) % 2 < 1
    )
    more = (*FORMATS, "--video", "--no_pictures", "--batch_size", 5, "--rotations")
    frames = (content := infer("--input", clip, *more, out=out))["frames"]
    kinds = ("bvh", "csv", "glb", "json", "mp4", "npz")
    assert names(out) == [f"poses.{kind}" for kind in kinds]
    assert [frame["frame"] for frame in frames] == list(range(24))
    assert np.allclose([frame["time"] for frame in frames], np.arange(24) / 12, atol=1e-5)
    arrays = np.load(out / "poses.npz", allow_pickle=False)
    assert arrays["files"].tolist() == [ODD_TEXT] * 24 == [frame["file"] for frame in frames]
    assert arrays["joint_names"].tolist() == list(JOINTS)
    assert arrays["frame"].tolist() == list(range(24)) and arrays["size"][0].tolist() == [128, 80]
    flags = ("disagrees", "out_of_range")
    written = ("joints3d", "neck", "joints2d", "confidence", "residual", *flags, "time")
    of_json = [np.array([frame[name] for frame in frames], float) for name in written]
    for name, values in zip(written, of_json, strict=True):
        bound = 0.01 if name in ("joints2d", "residual") else 1e-4
        assert np.abs(arrays[name] - values).max() < bound

    with (out / "poses.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 24 * 16 and rows[17]["joint"] == "Head" and rows[17]["frame"] == "1"
    assert rows[0]["uncertainty_m"] == ""
    columns = "x_m y_m z_m neck_x_m neck_y_m neck_z_m x_px y_px confidence residual_px "
    columns += "disagrees out_of_range"
    found = np.array([[float(row[column]) for column in columns.split()] for row in rows])
    widths = (3, 3, 2, 1, 1, 1, 1)
    each = [v.reshape(24, -1, width) for v, width in zip(of_json, widths, strict=False)]
    expected = np.concatenate([np.broadcast_to(v, (24, 16, v.shape[-1])) for v in each], -1)
    assert np.abs(found - expected.reshape(found.shape)).max() < 0.01

    motion = pybvh.read_bvh_file(out / "poses.bvh")
    assert motion.frame_count == 24 and motion.fps == pytest.approx(12, rel=1e-8)
    (skeleton,) = content["skeletons"]
    names_of = [f"mixamorig:{name}" for name in skeleton["joint_names"]]
    rows = [motion.joint_names.index(name) for name in names_of]
    expected = places_of(content)
    found = np.asarray(motion.joint_positions())[:, rows] / 100
    off = found - expected
    assert np.abs(off - off[0, 0]).max() < 1e-3 and np.abs(off[..., [0, 2]]).max() < 1e-3  # a floor
    for name in ("root", "rotations"):
        assert np.abs(arrays[name] - [frame[name] for frame in frames]).max() < 1e-4
    assert np.abs(arrays["offsets"] - skeleton["offsets"]).max() < 1e-4
    assert arrays["rig_joints"].tolist() == skeleton["joint_names"]
    assert arrays["rig_parents"].tolist() == skeleton["parents"]
    assert count_frames(out / "poses.mp4") == (12, 24)
    output = capsys.readouterr().out
    # Of every batch of five, and of the four that are left, every other frame.
    assert "14 views unlike those in training: see 'out_of_range'" in output
    assert "128×80: taken for the training camera's" in output
    assert "poses.json, poses.npz, poses.csv, poses.bvh, poses.glb, poses.mp4\n" in output


def test_every_name_of_a_file_gets_a_pose_or_is_named(tmp_path, capsys, infer):
    folder, out = tmp_path / "in", tmp_path / os.fsdecode(b"out\xff")
    whole = cv2.imencode(".png", checkered(64, 64))[1].tobytes()
    files = [
        *(b"-a.png", b"\xff.png", b"\xfe.png", b"new\nline.png", b"back\\slash.png", b"%d.png"),
        *("ü".encode() * 125 + b".png", b"\xfd" * 251 + b".png"),
        *(b"sub\xff/a\xff.png", b"sub\xfe/a.png"),
    ]
    for name in (*files, b"broken\xff.png"):
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if b"broken" in name else whole)
    os.mkfifo(folder / "pipe.png")
    more = ("--recursive", "--video", *FORMATS)
    content = infer("--input_dir", folder, *more, out=out)
    texts = [frame["file"] for frame in content["frames"]]
    with (out / "poses.csv").open(newline="", encoding="utf-8") as stream:
        in_table = {row["file"] for row in csv.DictReader(stream)}
    assert in_table == {text.replace("-a", "'-a") for text in texts}
    assert set(texts) == set(np.load(out / "poses.npz")["files"])
    back = [text.encode().decode("unicode_escape").encode("latin-1") for text in texts]
    assert sorted(back) == sorted(files)
    reasons = [(item["file"], item["reason"]) for item in content["unreadable"]]
    broken = (r"broken\xff.png", "not a picture that can be decoded")
    assert sorted(reasons) == [broken, ("pipe.png", "cannot be read (no regular file)")]
    drawings = {(out / frame["picture"]).read_bytes()[:3] for frame in content["frames"]}
    assert drawings == {b"\xff\xd8\xff"}
    # One clip a folder, whatever the folder's name.
    for kind in ("bvh", "mp4"):
        clips = {str(path.relative_to(out)) for path in out.rglob(f"poses.{kind}")}
        assert clips == {f"{folder}poses.{kind}" for folder in ("", "sub_/", "sub__2/")}
    output = capsys.readouterr().out
    assert r"  broken\xff.png: not a picture" in output


def test_folders_are_sequences_and_gaps_stay_gaps(tmp_path, infer):
    numbers = {"": (9, 10, 11), "walk/": (8, 9, 10, 11, 12), "walk/on/": (1, 2)}
    files = [f"{folder}f_{number}.png" for folder, those in numbers.items() for number in those]
    for seed, file in enumerate(files):
        path = write(tmp_path / "in" / file, checkered(64, 64, seed=seed))
        if file in ("walk/f_10.png", "walk/on/f_1.png"):
            path.write_bytes(b"")

    def result(name, *more):
        more = ("--input_dir", tmp_path / "in", "--recursive", "--fps", 20, *more)
        frames = infer(*more, out=tmp_path / name)["frames"]
        keys = ("joints3d", "neck", "joints2d")
        return {f["file"]: [np.array(f[key]) for key in keys] for f in frames}

    raw = result("raw", "--format", "json", "bvh", "--video")
    smooth = result("smooth", "--smooth", 1, 2, "--no_pictures")
    assert [*raw] == [file for file in files if (tmp_path / "in" / file).stat().st_size]
    for folder, those in numbers.items():
        expected = [OneEuroFilter(1.0, 2.0) for _ in range(3)]
        for index, number in enumerate(those):
            file = f"{folder}f_{number}.png"
            # Pixels are smoothed as if the picture's side were a metre.
            for k, (scale, bound) in enumerate(((1, 3e-5), (1, 3e-5), (64, 0.02))):
                if file in raw:
                    value = expected[k](raw[file][k] / scale, index / 20) * scale
                    assert np.abs(smooth[file][k] - value).max() < bound
        # Later frames are at their time in what knows no gaps.
        motion = pybvh.read_bvh_file(tmp_path / "raw" / folder / "poses.bvh")
        assert motion.frame_count == len(those) and motion.fps == pytest.approx(20, rel=1e-8)
        assert count_frames(tmp_path / "raw" / folder / "poses.mp4") == (20, len(those))
    # What was drawn is not taken for pictures of the wearer.
    more = ("--input_dir", tmp_path, "--recursive", "--no_pictures")
    again = infer(*more, out=tmp_path / "again")
    assert [frame["file"] for frame in again["frames"]] == [f"in/{file}" for file in raw]
    drawn = {"file": "raw/pictures", "reason": "drawings of an earlier run"}
    rest = {"file": "raw/poses.bvh and 7 more", "reason": "not named as a picture"}
    assert again["left_out"] == [drawn, rest]


def test_motion_has_the_bones_and_the_room_that_are_asked_for(clip, tmp_path, infer):
    first = infer("--input", clip, "--rotations", "--no_pictures", out=tmp_path / "first")
    stated = json.loads((tmp_path / "first" / "poses.json").read_text())
    stated["skeletons"][0]["offsets"] = [
        [1.5 * value for value in offset] for offset in stated["skeletons"][0]["offsets"]
    ]
    (tmp_path / "larger.json").write_text(json.dumps(stated))
    gravity = tmp_path / "imu.csv"
    gravity.write_text("time,gx,gy,gz\n0,0,9.8,0\n")  # who looks straight up
    more = ("--rotations", "--no_pictures", "--skeleton", tmp_path / "larger.json", "--world")
    turned = infer("--input", clip, *more, gravity, out=tmp_path / "turned")
    upright = infer("--input", clip, *more, out=tmp_path / "upright")
    assert first["units"]["root"].endswith("the camera is at 0, 0, 0")
    for placed in (turned, upright):
        assert placed["units"]["root"].endswith("the floor is at y = 0")
        (skeleton,) = placed["skeletons"]
        expected = stated["skeletons"][0]["offsets"]
        assert np.allclose(skeleton["offsets"], expected, atol=2e-5)
        rows = [skeleton["joint_names"].index(side + name) for side, name in FEET]
        lowest = places_of(placed)[:, rows, 1]
        foot = np.linalg.norm(expected[skeleton["joint_names"].index("LeftToeBase")])
        assert lowest.min() > 0.16 * foot and lowest.min(1).max() < 0.5 * foot
    hips = [np.array(run["frames"][0]["rotations"][0]) for run in (turned, upright)]
    assert not np.allclose(*hips, atol=0.1)


def test_a_calibrated_picture_has_its_joints_in_its_own_pixels(tiny_network, fp32, tmp_path):
    # The network sees the same square whether the picture is the training camera's or that of
    # another lens, upside down, re-rendered; so the joints lie along the same rays.
    camera = equidistant_camera(900, 900, (450, 440), 430, 185)
    calibration = tmp_path / "calib.json"
    matrix = [[camera.fx, 0, 450], [0, camera.fy, 440], [0, 0, 1]]
    calibration.write_text(json.dumps({"K": matrix, "D": [0, 0, 0, 0], "DIM": [900, 900]}))
    seen = cv2.GaussianBlur(checkered(800, 1280), (0, 0), 6)
    users = CameraWarp(RELEASE_CAMERA, camera, mount_rotation(180).T).image(seen)
    options = {"gpu": "cpu", "precision": "fp32"}
    lens = EgoPosePredictor(tiny_network, camera=calibration, rotate=180, **options)
    plain, square = SquareCrop(64, 1280, 800), lens.prepare(users).square
    inner = CameraWarp(camera, plain.camera(RELEASE_CAMERA), mount_rotation(180)).seen
    difference = np.abs(np.subtract(plain.image(seen), square, dtype=float))[inner]
    assert np.percentile(difference, 95) < 12
    rays = camera.unproject(lens(users).joints2d.astype(float)) @ mount_rotation(180)
    expected = fp32.poses([Prepared(square, plain)])[0].joints2d
    inside = camera.angle(rays) < 1.5
    assert np.abs(RELEASE_CAMERA.project(rays) - expected)[inside].max() < 0.5


def test_pictures_are_brought_into_the_view_of_the_checkpoint(tiny_network, tmp_path, monkeypatch):
    view, mounts = equidistant_camera(64, 64, (31.5, 31.5), 32, 130), {"neck": [[5.0] * 3] * 2}
    content = torch.load(tiny_network, weights_only=True)
    content |= {"camera": camera_to_dict(view), "mounts": mounts}
    torch.save(content, tmp_path / "other.tar")
    trained = EgoPosePredictor(tmp_path / "other.tar", camera="training", rotate=0, gpu="cpu")
    ray = np.array([0.3, 0.5, 1.0])
    picture = np.zeros((800, 1280, 3), np.uint8)
    at = np.round(RELEASE_CAMERA.project(ray)).astype(int).tolist()
    cv2.circle(picture, at, 16, (255,) * 3, -1)
    y, x = np.nonzero(trained.prepare(picture).square[..., 0] > 100)
    assert np.hypot(*(view.project(ray) - [x.mean(), y.mean()])) < 0.5
    assert "cm outside" in trained.preprocessing[1280, 800, None].out_of_range
    certain_where(monkeypatch, lambda square: 0.5)
    monkeypatch.setattr(TrainedRange, "left_by", lambda _, found: np.zeros(len(found.neck), bool))
    assert trained(picture).out_of_range and not trained(picture).disagrees
    trained.preprocessing.clear()
    trained.range = TrainedRange()
    assert not trained(picture).out_of_range


def test_a_camera_is_followed_until_it_is_gone(tmp_path, monkeypatch, capsys, infer):
    shown = [(True, checkered(80, 128, seed=seed)) for seed in range(12)]
    camera = SimpleNamespace(get=lambda _: 60.0, grab=lambda: True, release=lambda: None)
    camera.read = lambda: shown.pop() if shown else (False, None)
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: camera)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    more = ("--input", 0, "--camera", "training", "--smooth")
    frames = infer(*more, out=tmp_path)["frames"]
    output = capsys.readouterr().out
    assert "no display here" in output and "camera 0 gives no more frames" in output
    times = [frame["time"] for frame in frames]
    assert 1 <= len(frames) <= 12 and times[0] == 0 and times == sorted(times)
    assert [frame["frame"] for frame in frames] == list(range(len(frames)))
    assert names(tmp_path) == ["poses.json"]


def test_a_second_run_replaces_the_first_unless_it_fails(
    pictures, tmp_path, monkeypatch, capsys, infer
):
    out = tmp_path / "out"
    more = ("--format", "json", "csv", "bvh", "--video", "--recursive")
    write(pictures / "walk" / "a.png", checkered(64, 64))
    infer("--input_dir", pictures, *more, out=out)
    assert (out / "walk" / "poses.mp4").is_file()
    (out / "pictures" / "notes.txt").write_text("mine")
    assert "earlier run" not in capsys.readouterr().out
    content = infer("--input", pictures / "same.png", out=out)
    assert "The results of an earlier run in this folder are replaced" in capsys.readouterr().out
    assert len(content["frames"]) == 1 and names(out) == ["pictures", "poses.json"]
    left = [".drawings", "notes.txt", "same.jpg"]
    assert names(out / "pictures") == left
    monkeypatch.setattr(PictureSink, "finish", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        infer("--input_dir", pictures, *more, out=out)
    assert names(out) == ["pictures", "poses.json"] and names(out / "pictures") == left
    assert json.loads((out / "poses.json").read_text()) == content


@pytest.mark.parametrize(
    ("given", "out"),
    [
        ("--input film/poses.mp4 --video", "film"),
        ("--input_dir film --recursive", "film"),
        ("--input_dir links", "film"),
    ],
)
def test_input_among_the_results_is_refused(given, out, clip, tmp_path, monkeypatch, infer):
    monkeypatch.chdir(tmp_path)
    image = write(tmp_path / "film" / "pictures" / "a.png", checkered(64, 64))
    shutil.copy(clip, tmp_path / "film" / "poses.mp4")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a.png").symlink_to(image)
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    refused(r"^film: holds the input .* \(--save_dir\)$", infer, *given.split(), out=Path(out))
    assert before == {p: p.is_file() and p.read_bytes() for p in tmp_path.rglob("*")}


def test_a_full_disk_leaves_the_last_film(tmp_path, capfd, infer):
    out = tmp_path / "out"
    more = ("--input", film(tmp_path, 6), "--video", "--no_pictures")
    infer(*more, out=out)
    before = (out / "poses.mp4").read_bytes()
    # In the film, and in its index (about 900 bytes); drawn again it may differ by some bytes.
    for size in (len(before) // 2, len(before) - 200):
        with file_size_limit(size), pytest.raises(UserError, match=f"^{out}: cannot be written"):
            infer(*more, out=out)
        assert "Traceback" not in capfd.readouterr().err
        assert (out / "poses.mp4").read_bytes() == before
        assert names(out) == ["poses.json", "poses.mp4"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_complete_files(number, pictures, tmp_path, monkeypatch, infer, capsys):
    original = EgoPosePredictor.poses

    def interrupted(self, *arguments):
        signal.raise_signal(number)
        return original(self, *arguments)

    monkeypatch.setattr(EgoPosePredictor, "poses", interrupted)
    more = ("--input_dir", pictures, "--batch_size", 3)
    with pytest.raises(SystemExit) as caught:
        infer(*more)
    assert caught.value.code == 128 + number
    frames = json.loads((tmp_path / "out" / "poses.json").read_text())["frames"]
    assert 0 < len(frames) <= 3
    for frame in frames:
        assert cv2.imread(str(tmp_path / "out" / frame["picture"])) is not None
    before = (tmp_path / "out" / "poses.json").read_bytes()
    with pytest.raises(SystemExit, match=str(128 + number)):
        infer("--input_dir", pictures, "--batch_size", 2, "--format", "csv")
    assert (tmp_path / "out" / "poses.json").read_bytes() == before
    assert "an earlier run" in capsys.readouterr().out and not (tmp_path / "out/poses.csv").exists()


def test_arrays_and_paths_of_any_size_give_the_same_joints(fp32, tmp_path):
    small = checkered(64, 64)
    assert np.array_equal(fp32.prepare(small).square, small)
    # Three times as large by repetition, which averaging over areas undoes exactly, and 30 pixels
    # more on either side, which the centred crop cuts off.
    large = np.pad(small.repeat(3, 0).repeat(3, 1), ((0, 0), (30, 30), (0, 0)))
    path = write(tmp_path / "a.png", small[..., ::-1])
    first, second, read = fp32.batch([small, large, path])
    # A picture of the network's own size has the network's pixels.
    own = fp32.network(torch.from_numpy(small[None])).joints2d[0]
    assert np.allclose(first.joints2d, own, atol=1e-3)
    assert np.allclose(first.joints3d, second.joints3d, atol=1e-5)
    expected = (first.joints2d + 0.5) * 3 - 0.5 + [30, 0]
    assert np.allclose(second.joints2d, expected, atol=1e-2)
    assert second.residual == pytest.approx(3 * first.residual, rel=1e-3)
    assert np.array_equal(read.joints3d, first.joints3d)
    assert fp32.batch([]) == []
    for wrong in (small.astype(np.float32), small[..., :2], np.empty((0, 4), np.uint8)):
        with pytest.raises(ValueError, match="a picture"):
            fp32(wrong)
    for wrong in (None, b"a.png"):
        with pytest.raises(TypeError):
            fp32(wrong)


def certain_where(monkeypatch, seen):
    """Replace the network by one whose confidence in a square is what ``seen`` makes of it."""
    calls = []

    def predict(self, squares, *_):
        calls.append(len(squares))
        count = len(squares)
        joints3d, neck = np.zeros((count, 16, 3), np.float32), np.float32([[0, -0.2, 0.1]] * count)
        joints2d = self.camera.project(joints3d + neck[:, None]).astype(np.float32)
        confidence = np.float32([[seen(square)] * 16 for square in squares.numpy()])
        return Prediction(joints3d, joints2d, confidence, neck)

    for method in ("__call__", "one_view"):
        monkeypatch.setattr(SquarePredictor, method, predict)
    return calls


def with_face(side, turn, white=255):
    """A grey picture with a light patch at the top, turned counter-clockwise by degrees."""
    picture = np.full((side, side, 3), 60, np.uint8)
    picture[side // 32 : side // 4, side // 3 : side * 2 // 3] = white
    return np.rot90(picture, turn // 90)


@pytest.mark.parametrize("turn", [0, 90, 270])
def test_pictures_are_turned_as_is_most_certain(
    turn, tiny_network, tmp_path, monkeypatch, capsys, infer
):
    # A face, white, at the top and a hand, red, at the right, which nothing mirrors.
    upright = np.full((200, 200, 3), 60, np.uint8)
    upright[10:50, 60:140], upright[80:120, 150:190] = 255, (255, 0, 0)
    calls = certain_where(monkeypatch, lambda square: 0.2 + 0.4 * (square[8, 32].min() > 200))
    camera = {"K": [[70, 0, 99.5], [0, 70, 99.5], [0, 0, 1]], "D": [0, 0, 0, 0], "DIM": [200, 200]}
    (tmp_path / "calib.json").write_text(json.dumps(camera))
    for number in range(5):
        # Counter-clockwise, to be turned back clockwise.
        taken = np.rot90(upright, turn // 90)
        write(tmp_path / "in" / f"{number}.png", taken[..., ::-1])
    more = ("--input_dir", tmp_path / "in", "--camera", tmp_path / "calib.json")
    [lens] = infer(*more)["lenses"]
    assert lens["rotate"] == turn and np.allclose(lens["rotation_to_camera"], mount_rotation(turn))
    found = "found by the network: mean confidence 0.60, of the next best turn 0.20"
    assert lens["orientation"] == found and calls == [4, 4, 4, 5]
    assert f"rotated by {turn}°, {found}" in capsys.readouterr().out
    turning = EgoPosePredictor(tiny_network, camera=tmp_path / "calib.json", gpu="cpu")
    square = turning.prepare(taken).square
    assert square[8, 32].min() > 200 and square[32, 57].tolist() == [255, 0, 0]


def test_each_size_and_each_folder_has_its_own_turn(tmp_path, monkeypatch, capsys, infer):
    certain_where(monkeypatch, lambda square: 0.2 + 0.4 * (square[8, 32].min() > 200))
    expected = {}
    for name, side, turn in (
        *(("a", 64, 0), ("b", 64, 180), ("b", 128, 90)),
        *(("c", 96, None), ("c", 192, 270), ("dark", 64, None)),
    ):
        picture = with_face(side, turn or 0, 60 if turn is None else 255)
        for number in range(5 if name == "a" else 3):
            write(tmp_path / "in" / name / f"{side}_{number}.png", picture)
        expected[name, side] = 270 if name == "c" else turn or 0
    more = ("--input_dir", tmp_path / "in", "--recursive", "--camera", "training")
    content = infer(*more)
    lenses = {(lens["folder"], lens["size"][0]): lens for lens in content["lenses"]}
    assert {key: lens["rotate"] for key, lens in lenses.items()} == expected
    assert lenses["dark", 64]["orientation"].startswith("as of pictures of 64×64, found by")
    assert lenses["c", 96]["orientation"].startswith("as of pictures of 192×192, found by")
    upright = {frame["file"]: frame["confidence"][0] > 0.5 for frame in content["frames"]}
    assert all(upright[file] == ("dark" not in file and "/96_" not in file) for file in upright)
    assert "b, 64×64: training camera" in capsys.readouterr().out


def test_a_folder_that_shows_no_image_circle_has_the_lens_of_the_others(tiny_network):
    bright = cv2.circle(np.zeros((200, 200, 3), np.uint8), (100, 100), 60, (200, 200, 200), -1)
    predictor = EgoPosePredictor(tiny_network, rotate=0, gpu="cpu")
    predictor.study([bright] * 3)
    predictor.study([np.full_like(bright, 90)], "indoors")
    (*_, all_of_them), (*_, indoors) = predictor.preprocessing
    everyone, one = (view.lens.lens for view in predictor.preprocessing.values())
    assert (all_of_them, indoors) == (None, "indoors")
    assert everyone == one and "image circle of 60 px found" in one


@pytest.mark.parametrize(
    ("certain", "faces", "turns"),
    [
        # A size that does not tell is turned as the one that tells most.
        ((0, 1), ((64, 0, 60), (96, 90, 140), (128, 180, 255)), [180, 90, 180]),
        ((0.1, 0.1), ((64, 180),) * 3, [0]),  # noise: the network is certain nowhere
    ],
)
def test_a_turn_is_taken_where_it_is_certain(certain, faces, turns, tiny_network, monkeypatch):
    least, more = certain
    certain_where(monkeypatch, lambda square: least + more * square[8, 32].min() / 255)
    predictor = EgoPosePredictor(tiny_network, camera="training", gpu="cpu")
    predictor.study([with_face(*face) for face in faces])
    assert [view.lens.headset.rotate for view in predictor.preprocessing.values()] == turns


def test_the_turn_is_sought_in_one_view_and_taken_if_certain(tiny_network, monkeypatch):
    calls, forward = [], SquarePredictor.forward
    monkeypatch.setattr(
        SquarePredictor, "forward", lambda self, *rest: calls.append(1) or forward(self, *rest)
    )
    six = EgoPosePredictor(tiny_network, gpu="cpu", views=6)
    six.study([checkered(64, 64, seed=seed) for seed in range(8)])
    [view] = six.preprocessing.values()
    assert len(calls) == 8 and view.lens.headset.rotate == 0
    assert view.lens.orientation.startswith("assumed, none is convincing: mean confidence")
    six(checkered(64, 64))
    assert len(calls) == 8 + 6


def test_few_large_pictures_are_in_memory_at_a_time(tmp_path, monkeypatch, infer):
    sizes = []
    monkeypatch.setattr(run_module, "PICTURE_BYTES", 3 * 64 * 64 * 3)
    original = EgoPosePredictor.poses

    def poses(self, prepared, *rest):
        sizes.append(len(prepared))
        return original(self, prepared, *rest)

    monkeypatch.setattr(EgoPosePredictor, "poses", poses)
    for number in range(7):
        write(tmp_path / "in" / f"{number}.png", checkered(64, 64))
    infer("--input_dir", tmp_path / "in")
    assert sizes == [3, 3, 1]


@pytest.mark.parametrize(("share", "disagrees"), [(0.09, False), (0.11, True)])
def test_pose_and_picture_disagree_by_the_joints_that_are_seen(fp32, monkeypatch, share, disagrees):
    joints3d, neck = np.zeros((1, 16, 3), np.float32), np.float32([[0, 0, 1]])
    joints2d = fp32.network.camera.project(joints3d + neck) + np.float32([share * 64, 0])
    joints2d[:, 1:3] = 0  # Head, which has no heatmap, and a joint that is not seen
    confidence = np.ones((1, 16), np.float32)
    confidence[:, 2] = 0
    found = Prediction(joints3d, joints2d, confidence, neck)
    monkeypatch.setattr(SquarePredictor, "__call__", lambda *_: found)
    [pose] = fp32.poses([Prepared(np.zeros((64, 64, 3), np.uint8), SquareCrop(64, 128, 128))])
    assert pose.disagrees == disagrees
    assert pose.residual == pytest.approx(share * 128, rel=1e-3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--input_dir none", "none: no such folder of pictures"),
        ("--input_dir a.png", "a.png: no folder: give it as --input"),
        ("--input_dir nested", "; --recursive for those in its folders"),
        ("--input_dir broken other", "other: one value too many"),
        ("--input_dir broken", "none of the pictures (2) could be read; the first, a.png: "),
        ("--input a.png --camera calib.json", "distortion coefficients, found 2"),
        ("--input a.png --smooth 1 -1", "and the rise, 0 or more"),
        ("--input a.png --mount nan 0", "--mount [nan, 0.0]"),
        ("--input calib.json", "neither a picture nor a video that can be read: of another kind"),
        ("--input calib.json a.png", "a.png: one value too many; quote a pattern"),
        ("--input a.png --camera no.json", "give a calibration file, or 'training' or 'circle'"),
        ("--input a.png --save_dir a.png", "a.png: no folder can be written there"),
        ("--input_dir . --recursive --rotations --world imu.csv", "imu.csv: is of one sequence"),
        ("--input a.png --world", "--world is of motion: add --rotations"),
        ("--input a.png --stream udp://127.0.0.1:9", "--stream takes a camera, a stream"),
        ("--input_dir . --recursive --stream udp://127.0.0.1:9", "--recursive: a folder is"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(line, message, tmp_path, capsys, monkeypatch, infer):
    monkeypatch.chdir(tmp_path)
    for name in ("broken/a.png", "broken/b.jpg"):
        write(tmp_path / name, checkered(64, 64)).write_bytes(b"no picture")
    write(tmp_path / "a.png", checkered(64, 64))
    (tmp_path / "nested" / "b").mkdir(parents=True)
    calibration = {"K": np.eye(3).tolist(), "D": [0, 0], "model": "fisheye"}
    (tmp_path / "calib.json").write_text(json.dumps(calibration))
    with pytest.raises(SystemExit) as caught:
        run_command(lambda: infer(*line.split()))
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert caught.value.code == 2
    assert last.startswith("error: ") and message in last
    assert not (tmp_path / "out").exists() or names(tmp_path / "out") == []


@pytest.mark.parametrize(("size", "advice"), [("2", "lower --batch_size"), ("1", "--gpu cpu has")])
def test_out_of_memory_says_what_to_lower(size, advice, pictures, monkeypatch, infer):
    fault = Mock(side_effect=torch.OutOfMemoryError("CUDA out of memory."))
    monkeypatch.setattr(EgoPosePredictor, "poses", fault)
    more = ("--input_dir", pictures, "--batch_size", size)
    refused(f"out of memory with --batch_size {size}: {advice}", infer, *more)


def test_reading_ahead_keeps_order_its_bound_and_what_goes_wrong():
    taken = []

    def items():
        for number in range(20):
            # Decoding a video is iterating it.
            assert threading.current_thread() is not threading.main_thread()
            taken.append(number)
            yield number

    results = read_ahead(items(), lambda number: number * number, threads=3, ahead=5)
    for number, result in enumerate(results):
        assert result == number * number
        assert len(taken) <= number + 6
    assert len(taken) == 20
    with pytest.raises(ZeroDivisionError):
        list(read_ahead([1, 0, 2], lambda number: 1 / number, threads=2, ahead=2))
