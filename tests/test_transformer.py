"""The project's own model and its temporal version: training, demo, inference and export."""

import shutil

import numpy as np
import onnxruntime as ort
import pytest
from commands import BEST, make_set, records, refused, run_demo, run_inference, run_train

from base.errors import UserError
from utils import export_onnx
from utils.common.networks import load_pose_model
from utils.inference.source import LazyFrame

LAGS = "dropout: 0.1, temporal: {lags: [0, 1, 3], dim: 16, layers: 1, heads: 2}}"
STAGE = """
temporal:
  {epochs: 2, epoch_frames: 8, batch_size: 4, views: 2, warmup_steps: 2, augment: {mirror: true}}
"""


def test_demo_reports_errors_by_uncertainty(tiny_transformer, tiny_data, tmp_path, capsys):
    results = run_demo(tiny_transformer, tiny_data, tmp_path, "--num_vis", 1)
    assert "joints in their 90 % regions" in capsys.readouterr().out
    with np.load(tmp_path / "poses.npz") as poses:
        distance = np.linalg.norm(poses["predicted"] - poses["target"], axis=-1)
        covered = (distance <= poses["uncertainty"]).mean()
    assert results["uncertainty"]["coverage"] == pytest.approx(covered)


@pytest.fixture(scope="module")
def exported(tiny_transformer, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_onnx.main(["--load_model", str(tiny_transformer), "--output", str(path)])
    return path


def test_inference_and_export_give_the_same_uncertainty(
    tiny_transformer, exported, tiny_data, tmp_path
):
    pictures = next((tiny_data / "TrainSet").glob("*/*/cam_down/rgba"))
    session = ort.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    assert names == ["heatmaps", "joints3d", "camera3d", "uncertainty", "visibility"]
    found = []
    for model in (tiny_transformer, exported):
        out = tmp_path / model.suffix[1:]
        more = ("--no_pictures", "--format", "json", "csv", "npz")
        content = run_inference(model, out, "--input_dir", pictures, *more)
        found.append(content["frames"])
        with np.load(out / "poses.npz") as arrays:
            assert arrays["uncertainty"].shape == (len(found[0]), 16)
        head, first, *_ = (out / "poses.csv").read_text().splitlines()
        written = float(first.split(",")[head.split(",").index("uncertainty_m")])
        assert written == pytest.approx(found[-1][0]["uncertainty"][0], abs=1e-5)
        assert "by its image circle" in content["lenses"][0]["lens"]
        assert "radius" in content["units"]["uncertainty"]
        assert "probability" in content["units"]["confidence"]
    for one, other in zip(*found, strict=True):
        for key in ("joints3d", "uncertainty", "neck", "confidence"):
            bound = 1e-3 if key == "confidence" else 1e-4
            assert np.abs(np.subtract(one[key], other[key])).max() < bound


def test_an_export_that_differs_leaves_the_last_one(
    tiny_transformer, exported, tmp_path, monkeypatch
):
    # The export itself is not made again.
    monkeypatch.setattr(export_onnx, "write_onnx", lambda *call: shutil.copy(exported, call[1]))
    monkeypatch.setattr(export_onnx, "TOLERANCE_MM", -1)
    path = tmp_path / "other.onnx"
    path.write_text("the last one")
    with pytest.raises(UserError, match="it is not written"):
        export_onnx.main(["--load_model", str(tiny_transformer), "--output", str(path)])
    assert path.read_text() == "the last one" and [*tmp_path.iterdir()] == [path]


# ------------------------------------------------------------- the temporal version


@pytest.fixture(scope="module")
def video_data(made_once):
    """Data root of videos: 14 training frames of two people, 5 validation, 6 test frames."""
    sizes = "--train 14 --val 5 --test 6 --video --frames_per_character 7"
    options = f"{sizes} --seed 0 --ray_step 4 --workers 1".split()
    return made_once("videos", lambda root: make_set(root, *options))


@pytest.fixture(scope="module")
def temporal(tmp_path_factory, video_data, tiny_transformer):
    """Log folder of its training."""
    folder = tmp_path_factory.mktemp("temporal")
    single = (tiny_transformer.parents[2] / "tiny.yml").read_text()
    text = single.replace("dropout: 0.1}", LAGS) + STAGE
    (folder / "config.yml").write_text(text)
    more = ("--config", folder / "config.yml", "--load_3d_model", tiny_transformer)
    run_train("temporal", video_data, folder / "log", *more)
    return folder / "log"


def test_its_checkpoint_is_a_whole_model_and_its_validation_names_the_single_frame_s_error(
    temporal,
):
    assert load_pose_model(temporal / BEST).model.temporal.lags == (0, 1, 3)
    last = [record for record in records(temporal) if record["kind"] == "validation"][-1]
    assert {"mpjpe_mm", "single_frame_mm"} <= last.keys()
    # Two epochs of 8 frames in batches of 4; all 14 would be 3 batches an epoch.
    assert last["step"] == 4


def test_without_a_configuration_it_is_that_of_the_model_it_starts_from(
    tiny_transformer, tiny_checkpoint, video_data, tiny_data, tmp_path
):
    option = "--load_3d_model"
    for data, start, message in (
        (video_data, (), "or give a checkpoint of a kind that has it"),
        (video_data, (option, tiny_checkpoint), "kind 'autoencoder' has train2d, train3d, finet"),
        # The pictures of the usual set are moments seconds apart.
        (tiny_data, (option, tiny_transformer), "no 13 frames of its TrainSet follow each other"),
    ):
        refused(message, run_train, "temporal", data, tmp_path / "log", *start)
    assert not (tmp_path / "log").exists()


def test_demo_looks_back_and_cuts_the_history_at_a_gap(temporal, video_data, tmp_path):
    def poses(name, data, batch):
        more = ("--num_vis", 0, "--batch_size", batch)
        run_demo(temporal / BEST, data, tmp_path / name, *more)
        with np.load(tmp_path / name / "poses.npz") as stored:
            return dict(zip(stored["frame"].tolist(), stored["predicted"], strict=True))

    whole, singly = poses("whole", video_data, 4), poses("singly", video_data, 1)
    assert all(np.abs(whole[n] - singly[n]).max() < 1e-4 for n in whole)
    first, *rest = sorted(whole)
    assert rest == [first + k for k in range(1, 6)]
    # A set of the same frames but one: those before it are as they were, those after it have lost
    # their past.
    shorter, missing = tmp_path / "shorter", rest[2]
    shorter.mkdir()
    for split in ("TrainSet", "ValSet", "TestSet"):
        (shorter / split).symlink_to(video_data / split)
    [character] = (path.name for path in (video_data / "TestSet").iterdir() if path.is_dir())
    (shorter / "skip_list.txt").write_text(f"TestSet/{character}/env_001/{missing}\n")
    cut = poses("cut", shorter, 16)
    assert sorted(cut) == [n for n in sorted(whole) if n != missing]
    assert all((np.abs(whole[n] - cut[n]).max() < 1e-4) == (n < missing) for n in cut)


def test_inference_reads_a_video_from_the_numbers_of_pictures(temporal, video_data, tmp_path):
    files = sorted((video_data / "TestSet").glob("*/*/cam_down/rgba/*.png"))

    def joints(name, names, *more):
        (tmp_path / name).mkdir()
        for path, file in zip(files, names, strict=True):
            (tmp_path / name / f"{file}.png").symlink_to(path)
        more = ("--input_dir", tmp_path / name, "--no_pictures", "--camera", "training", *more)
        frames = run_inference(temporal / BEST, tmp_path / f"{name}_out", *more)["frames"]
        return np.array([frame["joints3d"] for frame in frames])

    numbers = [f"shot_{number:03d}" for number in range(6)]
    by_two, by_four = (joints(f"by_{n}", numbers, "--batch_size", n) for n in (2, 4))
    single = joints("single", "abcdef")
    assert np.abs(by_two - by_four).max() < 1e-4
    assert np.abs(by_two[0] - single[0]).max() < 1e-4
    assert np.abs(by_two[1:] - single[1:]).max(axis=(1, 2)).min() > 1e-4


def test_a_picture_s_place_is_the_number_its_name_ends_in():
    for file, frame, place in (
        ("walk.mp4", 7, ("walk.mp4", 7)),
        ("a/shot_0012.png", None, ("a/shot_.png", 12)),
        ("0012.png", None, (".png", 12)),
        ("a/portrait.png", None, None),
    ):
        lazy = LazyFrame(file, "name", lambda: None, frame and frame + 5, index=frame or 0)
        assert lazy.place == place  # frames that a live source lost are no gap


def test_the_export_takes_each_frame_alone(temporal, exported, tmp_path, capsys, monkeypatch):
    # What is exported is the single-frame model: the one that was exported above.
    monkeypatch.setattr(export_onnx, "write_onnx", lambda *call: shutil.copy(exported, call[1]))
    path = tmp_path / "model.onnx"
    export_onnx.main(["--load_model", str(temporal / BEST), "--output", str(path)])
    assert "predicts each frame on its own" in capsys.readouterr().out
    assert path.is_file()
