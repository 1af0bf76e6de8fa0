"""Weights to give away: small, whole, the same poses; used where no model is named."""

import json

import numpy as np
import pytest
import torch

import demo
import inference
import train
from base.errors import UserError
from base.files import sha256, write_text
from utils import draw_predictions, export_weights
from utils.common import pretrained
from utils.common.checkpoint import RESNET, read_checkpoint
from utils.common.networks import load_pose_model
from utils.inference.pose_predictor import PosePredictor
from utils.inference.predictor import EgoPosePredictor


@pytest.fixture(scope="module")
def results(tiny_checkpoint, tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    demo.main(
        [
            *("--gpu", "cpu", "--load_model", str(tiny_checkpoint), "--num_vis", "0"),
            *("--data_root", str(tiny_data), "--save_dir", str(folder)),
        ]
    )
    return folder / "results.json"


def export(source, results, output, most=50_000_000, data="make_synthetic.py --train 12", more=()):
    """Export as a user does; the dual branch, tiny as it is, needs 42 MB."""
    flags = [
        *more,
        *("--load_model", str(source), "--results", str(results), "--output", str(output)),
        *("--command", "python train.py --config tiny"),
        *("--data_command", f"python utils/{data}"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_weights, "MOST_BYTES", most)
        export_weights.main(flags)


@pytest.fixture(scope="module")
def weights(tiny_checkpoint, results, tmp_path_factory):
    """The tiny checkpoint, exported."""
    path = tmp_path_factory.mktemp("weights") / "egopose.tar"
    export(tiny_checkpoint, results, path)
    return path


@pytest.fixture
def boxed(weights, monkeypatch):
    """The tiny weights are the pretrained ones."""
    monkeypatch.setattr(pretrained, "PRETRAINED", weights)
    monkeypatch.setattr(pretrained, "REPOSITORY", weights.parent.parent)
    return weights


@pytest.fixture
def empty_box(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "PRETRAINED", tmp_path / "egopose.tar")


def test_the_file_is_small_and_keeps_what_the_model_needs(weights, tiny_checkpoint):
    content = torch.load(weights, weights_only=True)
    whole = torch.load(tiny_checkpoint, weights_only=True)
    assert not {"optimizer_state_dict", "scheduler", "training"} & content.keys()
    assert content["config"] == whole["config"]
    assert torch.equal(content["mean_pose"], whole["mean_pose"])
    assert content["made_by"]["commands"] == [
        "python utils/make_synthetic.py --train 12",
        "python train.py --config tiny",
    ]
    assert content["made_by"]["stage"] == "finetune"
    trunk = content["resnet_state_dict"]
    assert trunk["conv1.weight"].dtype == torch.float16
    assert trunk["bn1.running_var"].dtype == torch.float32
    # Adam's two moments go, and half of each weight.
    assert weights.stat().st_size < tiny_checkpoint.stat().st_size / 5


def test_the_poses_stay(weights, tiny_checkpoint, tiny_data):
    pictures = torch.randint(0, 255, (3, 64, 64, 3), dtype=torch.uint8)
    poses = [
        PosePredictor(load_pose_model(path).model, torch.device("cpu"), "fp32")(pictures).joints3d
        for path in (tiny_checkpoint, weights)
    ]
    distance = np.linalg.norm(poses[0] - poses[1], axis=-1)
    assert 0 < distance.max() < 0.002 and np.linalg.norm(poses[0]) > 0


def test_the_card_has_the_figures_of_the_run(weights, results):
    card = (weights.parent / "README.md").read_text()
    found = json.loads(results.read_text())
    assert f"| MPJPE, full body, mm | {found['full']['All']['mpjpe']:.1f}" in card
    assert f"| MPJPE of hidden joints, mm | {found['visibility']['hidden']['mpjpe']:.1f}" in card
    assert "python utils/make_synthetic.py --train 12" in card and "synthetic frames only" in card
    assert "resnet18, pictures of 64 px" in card and "MIT" in card and "CC0" in card
    assert max(map(len, card.splitlines())) < 120


def test_a_calibration_goes_along_and_an_old_one_does_not_stay(tiny_checkpoint, results, tmp_path):
    beside, output = tmp_path / "egopose.confidence.json", tmp_path / "egopose.tar"
    calibration = tiny_checkpoint.with_suffix(".confidence.json")
    write_text(calibration, "{}")
    try:
        export(tiny_checkpoint, results, output)
        assert beside.read_text() == "{}"
    finally:
        calibration.unlink()
    export(tiny_checkpoint, results, output)
    assert not beside.exists()


def test_too_large_a_file_leaves_nothing(tiny_checkpoint, results, tmp_path):
    assert export_weights.MOST_BYTES == 40_000_000
    with pytest.raises(UserError, match="at most 1 MB"):
        export(tiny_checkpoint, results, tmp_path / "new" / "egopose.tar", 1_000_000)
    assert list((tmp_path / "new").iterdir()) == []


def test_figures_of_another_model_are_refused(tiny_checkpoint, results, tmp_path):
    # The same name and place, but not the same weights.
    other = json.loads(results.read_text()) | {"model_sha256": "0" * 64}
    path = tmp_path / "results.json"
    path.write_text(json.dumps(other))
    with pytest.raises(UserError, match=r"--results is of another file.*demo\.py"):
        export(tiny_checkpoint, path, tmp_path / "egopose.tar")
    assert not (tmp_path / "egopose.tar").exists()


def test_weights_of_other_data_get_no_card_that_says_synthetic(tiny_checkpoint, results, tmp_path):
    with pytest.raises(UserError, match="own licence"):
        export(tiny_checkpoint, results, tmp_path / "egopose.tar", data="pack_data.py")


def test_a_model_trained_on_two_sets_names_all_four_commands_in_order(
    tiny_checkpoint, results, tmp_path
):
    first = "python utils/make_synthetic.py --train 8", "python train.py --config first"
    flags = "--data_command", first[0], "--command", first[1]
    export(tiny_checkpoint, results, tmp_path / "egopose.tar", more=flags)
    second = "python utils/make_synthetic.py --train 12", "python train.py --config tiny"
    assert "\n".join(f"    {command}" for command in (*first, *second)) in (
        tmp_path / "README.md"
    ).read_text(encoding="utf-8")
    with pytest.raises(UserError, match="2 --data_command and 1 --command"):
        export(tiny_checkpoint, results, tmp_path / "egopose.tar", more=flags[:2])


def test_a_weight_beyond_half_precision_is_named():
    with pytest.raises(UserError, match=r"fc1\.weight: not finite"):
        export_weights.halved({"fc1.weight": torch.full((2, 2), 1e6)})


@pytest.mark.parametrize("name", ["egopose.pt", None])
def test_another_name_or_the_checkpoint_itself_is_refused(tiny_checkpoint, results, tmp_path, name):
    output = tiny_checkpoint if name is None else tmp_path / name
    with pytest.raises(UserError, match="--output"):
        export(tiny_checkpoint, results, output)


def test_demo_without_a_model_uses_the_box_and_says_so(boxed, tiny_data, tmp_path, capsys):
    demo.main(
        [
            *("--gpu", "cpu", "--num_vis", "0", "--data_root", str(tiny_data)),
            *("--save_dir", str(tmp_path)),
        ]
    )
    printed = capsys.readouterr().out
    assert printed.startswith("Model: the pretrained weights") and "synthetic" in printed
    # The mean pose comes with the weights.
    assert "carries no mean pose" not in printed
    assert json.loads((tmp_path / "results.json").read_text())["model_sha256"] == sha256(boxed)


def test_inference_without_a_model_uses_the_box(boxed, tiny_data, tmp_path, capsys):
    folder = next((tiny_data / "TestSet").glob("*/*/cam_down/rgba"))
    inference.main(
        [
            *("--gpu", "cpu", "--input_dir", str(folder), "--no_pictures"),
            *("--save_dir", str(tmp_path)),
        ]
    )
    assert "Model: the pretrained weights" in capsys.readouterr().out
    assert EgoPosePredictor(gpu="cpu").checkpoint == boxed


def test_tools_that_ask_for_a_model_know_the_box_by_name(boxed, tiny_data, tmp_path, capsys):
    folder = next((tiny_data / "TestSet").glob("*/*/cam_down/rgba"))
    draw_predictions.main(
        [
            *("--input_dir", str(folder), "--camera", "training", "--gpu", "cpu"),
            *("--output", str(tmp_path / "sheet.png")),
        ]
    )
    assert "Model: the pretrained weights" in capsys.readouterr().out
    flags = ["--training_type", "temporal", "--load_3d_model", "pretrained"]
    assert train.parse_arguments(flags).load_3d_model == boxed


def test_the_box_is_trained_further_with_one_flag(boxed, tiny_data, tmp_path, capsys):
    train.main(
        [
            *("--training_type", "finetune", "--load_model", "pretrained", "--gpu", "cpu"),
            *("--data_root", str(tiny_data), "--log_dir", str(tmp_path), "--lr", "1e-9"),
        ]
    )
    assert "starting at epoch 1" in capsys.readouterr().out
    after = read_checkpoint(tmp_path / "checkpoints" / "model_best.tar")
    assert after.training.epoch == 1 and after.config.model.backbone == "resnet18"
    before = read_checkpoint(boxed).networks[RESNET]["conv1.weight"].float()
    # At such a rate nothing moves: it did start from these weights.
    assert torch.allclose(after.networks[RESNET]["conv1.weight"], before, atol=1e-6)
    assert after.networks[RESNET]["conv1.weight"].dtype == torch.float32


def test_an_empty_box_is_one_clear_line(empty_box, tiny_data, tmp_path):
    commands = [
        lambda: demo.main(["--save_dir", str(tmp_path / "demo")]),
        lambda: inference.main(["--input_dir", str(tmp_path)]),
        lambda: train.main(["--training_type", "finetune", "--load_model", "pretrained"]),
        lambda: EgoPosePredictor(),
    ]
    for command in commands:
        with pytest.raises(UserError, match=r"no pretrained weights.*--load_model") as raised:
            command()
        assert "\n" not in str(raised.value)
    assert not (tmp_path / "demo").exists()
