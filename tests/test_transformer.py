"""The project's own model through every command: training, evaluation, inference, export."""

import dataclasses
import json

import cv2
import numpy as np
import onnxruntime as ort
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import demo
import inference
import train
from base.camera import RELEASE_CAMERA
from base.errors import UserError
from base.set_type import SetType
from dataset import open_split
from dataset.transforms import SquareCrop
from utils import export_onnx
from utils.common.networks import check_camera, load_pose_model
from utils.inference.pose_predictor import PosePredictor

BEST = "checkpoints/model_best.tar"


def content(path):
    return torch.load(path, weights_only=True)


def arguments(stage, data, log_dir, *more):
    common = ["--gpu", "cpu", "--data_root", str(data), "--log_dir", str(log_dir)]
    return ["--training_type", stage, *common, *map(str, more)]


def test_each_stage_writes_what_the_next_one_needs(tiny_transformer_runs):
    keys = {
        "train2d": {"resnet_state_dict"},
        "train3d": {"resnet_state_dict", "transformer_state_dict"},
        "finetune": {"resnet_state_dict", "transformer_state_dict"},
        "whole": {"resnet_state_dict", "transformer_state_dict"},
    }
    for stage, log_dir in tiny_transformer_runs.items():
        stored = content(log_dir / BEST)
        assert {key for key in stored if key.endswith("_state_dict")} == keys[stage] | {
            "optimizer_state_dict"
        }
        camera = SquareCrop(64).camera(RELEASE_CAMERA)
        assert stored["camera"] == dataclasses.asdict(camera)
        events = EventAccumulator(str(log_dir)).Reload()
        metric = "joints2d_px" if stage == "train2d" else "mpjpe_mm"
        assert events.Scalars(f"validation/{metric}")
        assert events.Images("validation_frames")
        if stage != "train2d":
            assert any("mpjpe_mm/" in tag for tag in events.Tags()["scalars"]), events.Tags()


def test_train3d_leaves_the_2d_module_as_it_was(tiny_transformer_runs):
    before, after = (
        content(tiny_transformer_runs[stage] / BEST)["resnet_state_dict"]
        for stage in ("train2d", "train3d")
    )
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_finetune_starts_from_both_modules(tiny_transformer_runs):
    trained = content(tiny_transformer_runs["finetune"] / BEST)
    for stage, key in (("train2d", "resnet_state_dict"), ("train3d", "transformer_state_dict")):
        start = content(tiny_transformer_runs[stage] / BEST)[key]
        moved = [
            (trained[key][name] - value).abs().max()
            for name, value in start.items()
            if name.endswith("weight") and value.dim() > 1
        ]
        # A few steps of at most 1e-3 each.
        assert 0 < max(moved) < 1e-2


def test_train3d_goes_on_without_the_module_it_started_from(
    tiny_transformer_runs, tiny_data, tmp_path
):
    """Its checkpoint has all that is needed, the configuration too."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    path = tiny_transformer_runs["train3d"] / "checkpoints" / "checkpoint_1.tar"
    (folder / path.name).write_bytes(path.read_bytes())
    train.main(arguments("train3d", tiny_data, tmp_path, "--resume", "--epochs", 2))
    before, after = (content(folder / f"checkpoint_{epoch}.tar") for epoch in (1, 2))
    for key, same in (("resnet_state_dict", True), ("transformer_state_dict", False)):
        kept = [torch.equal(value, after[key][name]) for name, value in before[key].items()]
        assert all(kept) == same


def test_checkpoints_of_the_other_kind_are_refused_with_one_line(
    tiny_transformer_runs, tiny_runs, tiny_data, tiny_config, tiny_transformer_config, tmp_path
):
    own, paper = tiny_transformer_runs, tiny_runs
    configs = {"transformer": tiny_transformer_config, "autoencoder": tiny_config}
    cases = [
        ("train2d", "transformer", ["--load_model", paper["train2d"] / BEST]),
        ("train2d", "autoencoder", ["--load_model", own["train2d"] / BEST]),
        ("train3d", "transformer", ["--load_2d_model", paper["train2d"] / BEST]),
        ("train3d", "autoencoder", ["--load_model", own["train3d"] / BEST]),
        ("finetune", "transformer", ["--load_model", paper["finetune"] / BEST]),
        ("finetune", "autoencoder", ["--load_model", own["finetune"] / BEST]),
        (
            "finetune",
            "autoencoder",
            [
                *("--load_2d_model", own["train2d"] / BEST),
                *("--load_3d_model", paper["train3d"] / BEST),
            ],
        ),
    ]
    for stage, kind, options in cases:
        more = [*options, "--config", configs[kind]]
        with pytest.raises(UserError, match=f"model.kind is '{kind}'") as caught:
            train.main(arguments(stage, tiny_data, tmp_path / "log", *more))
        assert "\n" not in str(caught.value) and str(options[1]) in str(caught.value)
        assert not (tmp_path / "log").exists()
    # Without a configuration the first checkpoint's holds, and the second does not fit it.
    mixed = ["--load_2d_model", own["train2d"] / BEST, "--load_3d_model", paper["train3d"] / BEST]
    with pytest.raises(UserError, match=r"--load_3d_model .* kind 'autoencoder'"):
        train.main(arguments("finetune", tiny_data, tmp_path / "log", *mixed))


def test_resume_refuses_a_run_of_the_other_kind(tiny_runs, tiny_data, tiny_transformer_config):
    log_dir = tiny_runs["finetune"]
    more = ["--resume", "--config", tiny_transformer_config]
    with pytest.raises(UserError, match="kind 'autoencoder'"):
        train.main(arguments("finetune", tiny_data, log_dir, *more))


def test_what_is_missing_or_of_another_size_is_named(
    tiny_transformer_runs, tiny_data, tiny_transformer_config, tmp_path
):
    config = ["--config", tiny_transformer_config]
    with pytest.raises(UserError, match="give --load_2d_model"):
        train.main(arguments("train3d", tiny_data, tmp_path / "log", *config))
    wider = tmp_path / "wider.yml"
    wider.write_text(tiny_transformer_config.read_text().replace("dim: 32", "dim: 64"))
    load = ["--load_model", tiny_transformer_runs["finetune"] / BEST, "--config", wider]
    with pytest.raises(UserError, match=r"model\.transformer\.dim 32, not 64"):
        train.main(arguments("finetune", tiny_data, tmp_path / "log", *load))
    with pytest.raises(UserError, match="of train2d, but one of finetune is needed"):
        load_pose_model(tiny_transformer_runs["train2d"] / BEST)


def test_the_uncertainty_holds_nine_joints_of_ten_of_the_set_it_was_fitted_on(
    tiny_transformer, tiny_data
):
    loaded = load_pose_model(tiny_transformer)
    predictor = PosePredictor(loaded.model, torch.device("cpu"), "fp32")
    frames = list(open_split(tiny_data, SetType.VAL, 64))
    found = predictor(torch.from_numpy(np.stack([frame.image for frame in frames])))
    truth = np.stack([frame.joints3d for frame in frames])
    distance = np.linalg.norm(found.joints3d + found.neck[:, None] - truth, axis=-1)
    share = (distance <= found.uncertainty).mean()
    assert share == pytest.approx(0.9, abs=1.01 / distance.size)


def test_data_of_another_camera_is_refused_by_the_one_kind_and_reported_by_the_other(
    capsys, tmp_path
):
    camera = SquareCrop(64).camera(RELEASE_CAMERA)
    other = dataclasses.replace(camera, fx=1.1 * camera.fx)
    for kind in ("autoencoder", "transformer"):
        check_camera(tmp_path / "model.tar", kind, camera, dataclasses.replace(camera))
    with pytest.raises(UserError, match="knows one camera only"):
        check_camera(tmp_path / "model.tar", "autoencoder", camera, other)
    assert capsys.readouterr().err == ""
    check_camera(tmp_path / "model.tar", "transformer", camera, other)
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and "whose rays the model is given" in printed


def test_two_predictors_of_one_model_each_have_their_own_camera(tiny_transformer):
    model = load_pose_model(tiny_transformer).model
    camera = SquareCrop(64).camera(RELEASE_CAMERA)
    other = dataclasses.replace(camera, fx=0.5 * camera.fx, fy=0.5 * camera.fy)
    images = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    first = PosePredictor(model, torch.device("cpu"), "fp32", camera)
    before = first(images).joints3d
    second = PosePredictor(model, torch.device("cpu"), "fp32", other)
    assert np.abs(second(images).joints3d - before).max() > 1e-4
    assert np.array_equal(first(images).joints3d, before)


def test_demo_reports_errors_by_uncertainty(tiny_transformer, tiny_data, tmp_path, capsys):
    demo.main(
        [
            *("--load_model", str(tiny_transformer), "--data_root", str(tiny_data)),
            *("--gpu", "cpu", "--save_dir", str(tmp_path), "--num_vis", "1", "--workers", "0"),
        ]
    )
    assert "90 % regions cover" in capsys.readouterr().out
    figures = json.loads((tmp_path / "results.json").read_text())["uncertainty"]
    assert len(figures["deciles"]) == 10
    radii = [decile["radius"] for decile in figures["deciles"]]
    assert radii == sorted(radii)
    with np.load(tmp_path / "poses.npz") as poses:
        distance = np.linalg.norm(poses["predicted"] - poses["target"], axis=-1)
        assert figures["coverage"] == pytest.approx((distance <= poses["uncertainty"]).mean())


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        small = rng.integers(0, 256, (10, 16, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(small, (160, 100)))
    return folder


def test_inference_writes_uncertainty_and_the_export_gives_the_same(
    tiny_transformer, pictures, tmp_path
):
    exported = tmp_path / "model.onnx"
    export_onnx.main(["--load_model", str(tiny_transformer), "--output", str(exported)])
    session = ort.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    assert names == ["heatmaps", "joints3d", "camera3d", "uncertainty", "visibility"]
    found = []
    for model in (tiny_transformer, exported):
        out = tmp_path / model.suffix[1:]
        common = ["--input_dir", str(pictures), "--save_dir", str(out), "--no_pictures"]
        common += ["--precision", "fp32", "--gpu", "cpu", "--format", "json", "csv", "npz"]
        inference.main(["--load_model", str(model), *common])
        found.append(json.loads((out / "poses.json").read_text()))
        with np.load(out / "poses.npz") as arrays:
            assert arrays["uncertainty"].shape == (3, 16)
        head, first, *_ = (out / "poses.csv").read_text().splitlines()
        column = head.split(",").index("uncertainty_m")
        frame = found[-1]["frames"][0]
        assert float(first.split(",")[column]) == pytest.approx(frame["uncertainty"][0], abs=1e-5)
        assert "radius" in found[-1]["units"]["uncertainty"]
        assert "probability" in found[-1]["units"]["confidence"]
    for one, other in zip(*(item["frames"] for item in found), strict=True):
        for key, tolerance in (("joints3d", 1e-4), ("uncertainty", 1e-4), ("neck", 1e-4)):
            assert np.abs(np.subtract(one[key], other[key])).max() < tolerance
        assert np.abs(np.subtract(one["confidence"], other["confidence"])).max() < 1e-3


def test_int8_leaves_what_makes_poses_precise(tiny_transformer, tiny_data, tmp_path):
    pictures = next((tiny_data / "TrainSet").glob("*/*/cam_down/rgba"))
    path = tmp_path / "int8.onnx"
    export_onnx.main(
        [
            *("--load_model", str(tiny_transformer), "--output", str(path), "--int8"),
            *("--pictures", str(pictures)),
        ]
    )
    import onnx

    graph = onnx.load(path).graph
    quantised = {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    made = {output: node.op_type for node in graph.node for output in node.output}
    assert quantised
    assert not {"MatMul", "Softmax", "LayerNormalization"} & {made.get(n) for n in quantised}
