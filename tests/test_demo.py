"""The evaluation command, as a user runs it."""

import csv
import hashlib
import json
import re
import shutil
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
import torch
from commands import BEST, names, pack, refused, run_demo

import demo
from base.errors import UserError
from base.set_type import SetType
from base.skeleton import neck_centred
from dataset import open_split
from dataset.scene_ego import SceneEgo
from dataset.tree.mocap import Mocap
from utils import draw_figures
from utils.common.networks import load_pose_model
from utils.drawing.split_painter import SplitPainter, evenly_spaced
from utils.evaluation.mpjpe import distances, joint_errors
from utils.evaluation.poses import read_poses
from utils.inference.square_predictor import SquarePredictor

pytestmark = pytest.mark.usefixtures("tiny_kind")


def read_rows(folder):
    with (folder / "frames.csv").open() as file:
        return list(csv.DictReader(file))


def test_errors_tables_and_pictures(tiny_checkpoint, tiny_data, tmp_path, capsys):
    results = run_demo(tiny_checkpoint, tiny_data, tmp_path, "--num_vis", "3", "--batch_size", "4")
    printed = capsys.readouterr().out

    dataset = open_split(tiny_data, SetType.TEST, 64)
    loaded = load_pose_model(tiny_checkpoint)
    frames = [dataset[index] for index in range(len(dataset))]
    predictor = SquarePredictor(loaded.model, torch.device("cpu"), "fp32")
    predictions = predictor(torch.from_numpy(np.stack([frame.image for frame in frames])))
    placed = predictions.joints3d + predictions.neck[:, None]
    targets = np.stack([frame.joints3d for frame in frames])
    with torch.inference_mode():
        raw = predictor.forward(torch.from_numpy(np.stack([f.image for f in frames]))).joints3d
    errors = joint_errors(placed, targets).mean(1)
    for frame, error in zip(frames, errors, strict=True):
        line = re.search(rf"^{frame.frame_id} +([\d.]+) mm  {frame.action}$", printed, re.M)
        assert float(line.group(1)) == pytest.approx(error, abs=0.06 + 1e-4 * error)
    assert results["frames"] == len(dataset) == 6 and results["skipped"] == []
    everything = results["full"]["All"]
    expected = {"mpjpe": errors.mean(), "absolute": distances(placed, targets).mean()}
    expected["mpjpe_official"] = distances(raw.numpy(), neck_centred(targets)).mean()
    baseline = joint_errors(np.broadcast_to(loaded.mean_pose, targets.shape), targets)
    expected["mpjpe_mean_pose"] = baseline.mean()
    assert {key: everything[key] for key in expected} == pytest.approx(expected, rel=1e-4)
    assert results["model_sha256"] == hashlib.sha256(tiny_checkpoint.read_bytes()).hexdigest()
    assert results["visibility"]["visible"]["joints"] == sum(f.visible.sum() for f in frames)

    assert results["rotations"]["axes"] == "world" and results["rotations"]["frames"] == 6
    assert re.search(rf"^rotation error +{results['rotations']['mpjae']:.1f} ", printed, re.M)

    # Every table and file says the same.
    row = re.search(r"^this model, full body +([\d.]+)", printed, re.M)
    assert row.group(1) == f"{everything['mpjpe']:.1f}"
    assert re.search(r"^xR-EgoPose, dual branch \(2019\) +58\.2", printed, re.M)
    for name in ("table.txt", "table.md", "table.tex"):
        assert f"{everything['mpjpe']:.1f}" in (tmp_path / name).read_text()
    assert (tmp_path / "table.txt").read_text() in printed
    rows = read_rows(tmp_path)
    assert [float(row["mpjpe"]) for row in rows] == pytest.approx(errors.tolist(), rel=1e-4)
    poses = read_poses(tmp_path / "poses.npz")
    assert poses.predicted == pytest.approx(placed, abs=1e-4)
    assert [str(frame_id) for frame_id in poses.frame_ids] == [
        f"{row['character']}/{row['environment']}/{int(row['frame']):06d}" for row in rows
    ]
    # Of six frames the first, the third and the last.
    drawn = [str(poses.frame_ids[row]).replace("/", "_") + ".png" for row in (0, 2, 5)]
    assert names(tmp_path / "pictures") == sorted(drawn)
    assert cv2.imread(str(tmp_path / "pictures" / drawn[0])).shape == (720, 1120, 3)


def test_out_of_memory_says_what_to_lower(tiny_network, tiny_data, tmp_path, monkeypatch):
    fault = Mock(side_effect=torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    monkeypatch.setattr(SquarePredictor, "__call__", fault)
    message = r"memory with batches of 4 .*lower --batch_size"
    refused(message, run_demo, tiny_network, tiny_data, tmp_path, "--batch_size", "4")


def test_the_worst_are_drawn_in_the_place_of_older_ones(tiny_network, tiny_data, tmp_path):
    before = ("--data", "val", "--worst", 3, "--num_vis", 4, "--video", "--report")
    run_demo(tiny_network, tiny_data, tmp_path, *before)
    (tmp_path / "worst" / "notes.png").write_bytes(b"")
    more = ("--every", 4, "--worst", 2)
    run_demo(tiny_network, tiny_data, tmp_path, *more)
    rows = sorted(read_rows(tmp_path), key=lambda row: -float(row["mpjpe"]))

    def name(place, row):
        identity = f"{row['character']}_{row['environment']}_{int(row['frame']):06d}.png"
        return f"{place:03d}_{float(row['mpjpe']):.0f}mm_{identity}"

    assert names(tmp_path / "worst") == [name(1, rows[0]), name(2, rows[1]), "notes.png"]
    assert not {"video.mp4", "report.html"} & {*names(tmp_path)}
    assert len(list((tmp_path / "pictures").iterdir())) == 2


def test_a_video_and_a_report_of_a_packed_set_have_all_frames(tiny_network, tiny_data, tmp_path):
    packed, out = pack(tiny_data, tmp_path / "packed", 256), tmp_path / "out"
    results = run_demo(tiny_network, packed, out, "--video", "--report")
    labels = open_split(tiny_data, SetType.TEST, 64).annotations().joints3d
    mean_pose = load_pose_model(tiny_network).mean_pose
    error = joint_errors(np.broadcast_to(mean_pose, labels.shape), labels).mean()
    everything = results["full"]["All"]
    assert everything["mpjpe_mean_pose"] == pytest.approx(error, rel=1e-6)
    video = cv2.VideoCapture(str(out / "video.mp4"))
    frames = [frame for _, frame in iter(video.read, (False, None))]
    assert len(frames) == 6 and frames[0].shape == (720, 1120, 3)
    assert not (out / "pictures").exists()
    poses = read_poses(out / "poses.npz")
    painter = SplitPainter(packed, SetType.TEST, poses.camera)
    for row, frame in enumerate(frames):
        # Compression leaves small differences.
        assert np.median(np.abs(painter.paint(poses, row)[..., ::-1].astype(int) - frame)) < 5
    text = (out / "report.html").read_text()
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S).group(1))
    assert len(data["frames"]) == 6
    assert data["actions"][0]["y"][0] == pytest.approx(everything["mpjpe"])


def test_a_truth_in_another_frame_has_aligned_errors_alone(
    tiny_network, tiny_data, tmp_path, monkeypatch, capsys
):
    aligned_only = classmethod(lambda cls, which: f"{which.folder} was elsewhere")
    monkeypatch.setattr(Mocap, "aligned_only", aligned_only)
    monkeypatch.setattr(Mocap, "protocol", SceneEgo.protocol)
    results = run_demo(tiny_network, tiny_data, tmp_path, "--worst", 1, "--report", "--num_vis", 1)
    printed = capsys.readouterr().out
    assert printed.count("TestSet was elsewhere") == 1 and "absolute" not in printed
    assert results["full"]["All"].keys() >= {"pa_mpjpe", "pa_mpjpe_rigid", "frames"}
    assert "mpjpe" not in results["full"]["All"] and "joints" not in results
    mm = results["full"]["All"]["pa_mpjpe"]
    assert results["protocol"]["mm"]["PA-MPJPE"] == pytest.approx(mm)
    assert f"SceneEgo's own protocol: PA-MPJPE {mm:.1f} mm\n" in printed
    worst = max(float(row["pa_mpjpe"]) for row in read_rows(tmp_path))
    assert names(tmp_path / "worst")[0].startswith(f"001_{worst:.0f}mm_")
    assert len(re.findall(r"^female.* mm PA-MPJPE  |^male.* mm PA-MPJPE  ", printed, re.M)) == 6
    assert printed.count("\nPA-MPJPE, mm") == 1
    draw_figures.main([str(tmp_path)])
    told = capsys.readouterr()
    drawn = [line.rpartition("/")[2].partition(".")[0] for line in told.out.splitlines()]
    median = sorted(float(row["pa_mpjpe"]) for row in read_rows(tmp_path))[3]
    assert f"PA-MPJPE {median:.1f} mm" in told.out and "error_distribution" in drawn
    assert "errors_by_action" in drawn and "errors_by_joint" not in drawn
    assert "left out errors_by_joint: only errors after alignment (TestSet was els" in told.err


def test_without_mean_pose_it_is_the_training_set_s_or_none(
    tiny_checkpoint, tiny_data, tmp_path, capsys
):
    content = torch.load(tiny_checkpoint, weights_only=True)
    own = content.pop("mean_pose")
    torch.save(content, tmp_path / "bare.tar")
    bare = load_pose_model(tmp_path / "bare.tar")
    found, whose = demo.training_mean_pose(bare, tiny_data, None)
    assert found == pytest.approx(np.asarray(own), abs=1e-6) and "TrainSet" in whose
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "TestSet").symlink_to(tiny_data / "TestSet")
    more = "--report", "--num_vis", 0
    results = run_demo(tmp_path / "bare.tar", tmp_path / "root", tmp_path / "out", *more)
    printed = capsys.readouterr().out
    assert "No row of a mean pose: the checkpoint carries none" in printed
    assert "mpjpe_mean_pose" not in results["full"]["All"] and results["mean_pose"] is None
    assert "\nmean pose, full" not in printed
    # The labels are of the release's headset, of which the figures are published.
    assert results["headsets"] == ["xr-egopose"] and "dual branch (2019)" in printed
    assert "headset: xr-egopose." in (tmp_path / "out" / "report.html").read_text()
    draw_figures.main([str(tmp_path / "out")])
    assert "left out error" not in capsys.readouterr().err


def test_broken_pictures_are_skipped_unless_all_are(tiny_network, tiny_data, tmp_path, capsys):
    root, out = tmp_path / "data", tmp_path / "out"
    shutil.copytree(tiny_data, root)
    _, path, *others = sorted((root / "ValSet").glob("*/*/cam_down/rgba/*.png"))
    path.write_bytes(path.read_bytes()[:5000])
    results = run_demo(tiny_network, root, out, "--num_vis", "0", "--data", "val")
    assert results["data"] == "val" and results["frames"] == 3
    [skipped] = results["skipped"]
    assert skipped["frame"] == f"{path.parents[3].name}/env_001/{int(path.stem[-6:]):06d}"
    assert str(path) in skipped["reason"]
    assert f"ValSet: 1 frames skipped: {path}" in capsys.readouterr().err
    assert not (out / "pictures").exists()
    for path in (_, *others):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="none of 4 frames could be read"):
        run_demo(tiny_network, root, tmp_path / "none", "--data", "val")
    assert not (tmp_path / "none").exists()


def test_bad_input_is_one_clear_line(tiny_network, tiny_runs, tiny_data, tmp_path):
    (tmp_path / "file").write_text("")
    pictures = tmp_path / "TestSet" / "male_001_a_a" / "env_001" / "cam_down" / "rgba"
    pictures.mkdir(parents=True)
    cv2.imwrite(str(pictures / "male_001_a_a.rgba.000001.png"), np.zeros((800, 1280), np.uint8))
    other = tiny_runs["train2d"] / BEST
    for model, root, save_dir, message in (
        (tiny_network, "nowhere", "out", "--data_root .*/nowhere: no such folder"),
        (tiny_network, ".", "out", "picture without label"),
        (other, tiny_data, "out", "of train2d, but one of finetune is needed"),
        (tiny_network, tiny_data, tiny_data / "TestSet", "holds the input .*TestSet, which"),
    ):
        refused(message, run_demo, model, tmp_path / root, tmp_path / save_dir)
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit, match="2"):
        run_demo(tiny_network, tiny_data, tmp_path / "file")


def test_drawn_frames_are_evenly_spaced_and_a_report_has_runs_of_twenty_neighbours():
    assert evenly_spaced(range(101), 5) == [0, 25, 50, 75, 100] and evenly_spaced([], 4) == []
    for count, chosen in ((0, []), (1, [7]), (3, [7, 8, 9]), (50, [7, 8, 9])):
        assert evenly_spaced([7, 8, 9], count) == chosen
    report_rows = demo.report_rows
    assert report_rows(1000, 60) == [*range(20), *range(490, 510), *range(980, 1000)]
    assert report_rows(61, 60) == [*range(40), *range(41, 61)]
    assert report_rows(61, 61) == [*range(61)] and report_rows(15, 10) == [*range(15)]


@pytest.mark.parametrize("flags", ["--num_vis -1", "--every 2 --num_vis 3", "--video --num_vis 0"])
def test_wrong_flags_are_refused_by_the_parser(flags, capsys):
    with pytest.raises(SystemExit) as exit_:
        demo.main(["--save_dir", "out", *flags.split()])
    assert exit_.value.code == 2 and "error:" in capsys.readouterr().err
