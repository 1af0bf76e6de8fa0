"""Weights to give away: small, whole, the same poses; used where no model is named."""

import json
import shutil

import pytest
import torch
from commands import BEST, refused, run_demo, run_train

import demo
import inference
import train
from base.errors import UserError
from base.files import sha256, write_text
from utils import export_weights
from utils.common import pretrained
from utils.common.checkpoint import RESNET, read_checkpoint
from utils.inference.predictor import EgoPosePredictor

COMMANDS = ["python utils/make_synthetic.py --train 8", "python train.py --config tiny"]


@pytest.fixture(scope="module")
def results(tiny_checkpoint, tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    run_demo(tiny_checkpoint, tiny_data, folder, "--num_vis", 0)
    return folder / "results.json"


def export(source, results, output, most=50_000_000, made=COMMANDS[0]):
    """Export as a user does; the dual branch, tiny as it is, needs 42 MB."""
    flags = ["--load_model", str(source), "--results", str(results), "--output", str(output)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_weights, "MOST_BYTES", most)
        export_weights.main([*flags, "--data_command", made, "--command", COMMANDS[1]])


@pytest.fixture(scope="module")
def weights(tiny_checkpoint, results, tmp_path_factory):
    """The tiny checkpoint, exported with its calibration."""
    path = tmp_path_factory.mktemp("weights") / "base.tar"
    model = tmp_path_factory.mktemp("model") / "model_best.tar"
    model.symlink_to(tiny_checkpoint)
    write_text(model.with_suffix(".confidence.json"), "{}")
    export(model, results, path)
    calibration = path.with_suffix(".confidence.json")
    assert calibration.read_text() == "{}"
    calibration.unlink()
    return path


@pytest.fixture
def given_weights(weights, monkeypatch):
    """The tiny weights are the pretrained ones."""
    monkeypatch.setattr(pretrained, "PRETRAINED", weights)
    monkeypatch.setattr(pretrained, "REPOSITORY", weights.parent.parent)
    return weights


def test_the_file_is_small_and_keeps_what_the_model_needs(weights, tiny_checkpoint):
    content = torch.load(weights, weights_only=True)
    original = torch.load(tiny_checkpoint, weights_only=True, mmap=True)
    assert content.keys() ^ original.keys() == {"made_by", "training"}
    assert content["config"] == original["config"] and content["camera"] == original["camera"]
    assert torch.equal(content["mean_pose"], original["mean_pose"])
    assert content["made_by"] == {
        key: original["training"][key] for key in ("stage", "epoch", "best_value")
    } | {"commands": COMMANDS}
    trunk = content[RESNET]
    assert trunk["conv1.weight"].dtype == torch.float16
    assert trunk["bn1.running_var"].dtype == torch.float32
    # Half of each weight.
    assert weights.stat().st_size < tiny_checkpoint.stat().st_size / 1.9
    # The same noise for both; in millimetres.
    assert 0.001 < export_weights.joints_moved(tiny_checkpoint, weights) < 2
    assert export_weights.joints_moved(weights, weights) == 0


def test_the_card_has_the_figures_of_the_run_and_the_commands_in_order(weights, results):
    card = weights.with_suffix(".md").read_text()
    found = json.loads(results.read_text())
    whole = found["full"]["All"]
    low, high = whole["mpjpe_interval"]
    for line in (
        f"| MPJPE, full body, mm | {whole['mpjpe']:.1f} [{low:.1f}, {high:.1f}] |",
        f"| MPJPE of hidden joints, mm | {found['visibility']['hidden']['mpjpe']:.1f} ",
        f"| SHA-256 | `{sha256(weights)}` |",
        "\n".join(f"    {command}" for command in COMMANDS),
    ):
        assert line in card


@pytest.mark.parametrize(
    ("name", "most", "message"),
    [
        ("egopose.pt", 1, r"--output .*egopose\.pt: checkpoints are called \.tar"),
        (None, 1, "--output must be another file"),
        ("a.tar", 1_000_000, "file of at most 1 MB"),
        ("other.tar", 50_000_000, r"--results is of another file.*demo\.py"),
        ("moved.tar", 50_000_000, r"half precision moves its joints by 1\.1 mm"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_leaves_nothing(
    name, most, message, tiny_checkpoint, results, tmp_path, monkeypatch
):
    if name == "other.tar":
        content = json.loads(results.read_text()) | {"model_sha256": "0" * 64}
        results = tmp_path / "results.json"
        results.write_text(json.dumps(content))
    monkeypatch.setattr(export_weights, "joints_moved", lambda *_: 1.1)
    (tmp_path / "new").mkdir()
    output = tmp_path / "new" / name if name else tiny_checkpoint
    refused(message, export, tiny_checkpoint, results, output, most)
    with pytest.raises(UserError, match="of frames of utils/make_synthetic"):
        export(tiny_checkpoint, results, tmp_path / "new" / "a.tar", made="another set")
    assert not list(tmp_path.glob("new/*"))


def test_an_earlier_calibration_does_not_stay(tiny_checkpoint, results, tmp_path, monkeypatch):
    monkeypatch.setattr(export_weights, "exported", lambda *_: {})
    monkeypatch.setattr(export_weights, "joints_moved", lambda *_: 1.0)
    (tmp_path / "a.confidence.json").write_text("{}")
    export(tiny_checkpoint, results, tmp_path / "a.tar")
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar", "a.md"}
    with pytest.raises(UserError, match=r"fc1\.weight: not finite"):
        export_weights.halved({"fc1.weight": torch.full((2, 2), 1e6)})


def test_commands_use_the_pretrained_weights_and_say_so(given_weights, tiny_data, tmp_path, capsys):
    folder = next((tiny_data / "TestSet").glob("*/*/cam_down/rgba"))
    flags = ["--gpu", "cpu", "--save_dir", str(tmp_path)]
    demo.main([*flags, "--num_vis", "0", "--data_root", str(tiny_data)])
    printed = capsys.readouterr().out
    assert printed.startswith("Model: the pretrained weights, trained on synthetic frames only (")
    # The mean pose comes with the weights.
    assert "carries no mean pose" not in printed
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["model_sha256"] == sha256(given_weights)
    inference.main([*flags, "--input_dir", str(folder), "--no_pictures"])
    assert "Model: the pretrained weights" in capsys.readouterr().out
    assert EgoPosePredictor(gpu="cpu").checkpoint == given_weights
    shutil.copyfile(given_weights, small := given_weights.with_name("small.tar"))
    for name, file in {"pretrained": given_weights, "box": given_weights, "small": small}.items():
        given = "--training_type", "finetune", "--data_root", ".", "--load_3d_model", name
        parsed = train.parse_arguments([*given])
        assert parsed.load_3d_model == file
    log = tmp_path / "log"
    run_train("finetune", tiny_data, log, "--load_model", "pretrained", "--lr", 1e-9)
    # At such a rate nothing moves: it did start from these weights, at epoch 1.
    before, after = (read_checkpoint(path) for path in (given_weights, log / BEST))
    assert after.training.epoch == 1
    before, after = (one.networks[RESNET]["conv1.weight"] for one in (before, after))
    assert torch.allclose(after, before.float(), atol=1e-6) and after.dtype == torch.float32


def test_a_checkout_without_the_weights_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "PRETRAINED", tmp_path / "base.tar")
    command = ["--data_root", ".", "--save_dir", str(tmp_path / "a")]
    refused(r"no pretrained weights.*--load_model", demo.main, command)
    assert not (tmp_path / "a").exists()
