"""The average of checkpoints."""

import dataclasses

import pytest
import torch

from base.errors import UserError
from base.release_camera import RELEASE_SQUARE
from utils import average_weights
from utils.average_weights import average
from utils.common.checkpoint import RESNET, read_checkpoint
from utils.common.config import parse_config

LIFTING = "autoencoder_state_dict"


def test_shares_weigh_and_counters_are_the_last_ones():
    first = {"a": torch.tensor([0.0, 4.0]).half(), "steps": torch.tensor(3)}
    last = {"a": torch.tensor([8.0, 0.0]), "steps": torch.tensor(7)}
    mean = average([first, last], [3.0, 1.0])
    assert mean["a"].tolist() == [2.0, 3.0] and mean["a"].dtype == torch.float32
    assert mean["steps"] == 7


@pytest.fixture
def checkpoints(tmp_path):
    """Six checkpoints: two that fit, then one of another stage, shape, camera and size each."""
    config = parse_config({"data": {"input_size": 64}}, "test")
    camera = dataclasses.asdict(RELEASE_SQUARE.resized(*[config.data.input_size] * 2))
    paths = []
    changes = (
        {"training": {"stage": "finetune", "epoch": 1, "best_epoch": 1, "best_value": 1.0}},
        {"optimizer_state_dict": {"state": {}}, "scheduler": {}, "made_by": {}, "note": "kept"},
        {LIFTING: None},
        {RESNET: {"final_layer.weight": torch.ones(3)}},
        {"camera": camera | {"fx": camera["fx"] + 1}},
        {LIFTING: {"b1_fc1.weight": torch.tensor([3.0, 1e39], dtype=torch.float64)}},
    )
    for number, more in enumerate(changes):
        content = {
            RESNET: {"final_layer.weight": torch.full((2,), 2.0 * number)},
            LIFTING: {"b1_fc1.weight": torch.full((2,), 3.0)},
            **{"config": config.model_dump(), "camera": camera},
        }
        paths.append(str(tmp_path / f"{number}.tar"))
        torch.save({k: v for k, v in (content | more).items() if v is not None}, paths[-1])
    return paths


def run(paths, output, *options):
    average_weights.main(["--load_model", *paths, "--output", str(output), *options])


@pytest.mark.parametrize(("options", "expected"), [([], 1.0), (["--shares", "0.3", "0.1"], 0.5)])
def test_the_average_is_a_checkpoint_without_the_state_of_a_run(
    checkpoints, tmp_path, options, expected
):
    output = tmp_path / "runs" / "average.tar"
    run(checkpoints[:2], output, *options)
    after, last = read_checkpoint(output), read_checkpoint(checkpoints[1])
    assert after.networks[RESNET]["final_layer.weight"].tolist() == [expected] * 2
    assert after.networks[LIFTING]["b1_fc1.weight"].tolist() == [3.0] * 2
    assert after.config == last.config and after.camera == last.camera
    content = torch.load(output, weights_only=True)
    assert content.keys() == {RESNET, LIFTING, "config", "camera", "note"}


@pytest.mark.parametrize(
    ("which", "options", "message"),
    [
        ([0], [], "two checkpoints or more"),
        ([0, 1], ["--shares", "1"], "one number for each"),
        ([0, 1], ["--shares", "0", "0"], "not all 0"),
        ([0, 1], ["--shares", "-1", "2"], "none negative"),
        ([0, 1], ["--shares", "inf", "2"], "--shares"),
        ([0, 2], [], f"not of one model: {LIFTING}, one has none"),
        ([3, 1], [], f"not of one model: {RESNET}, networks of different names or shapes"),
        ([4, 1], [], r"4\.tar and .*1\.tar were trained for other cameras"),
        ([0, 9], [], "no checkpoint at"),
        ([0, 1], ["--output", "0.tar"], "another file"),
        ([0, 1], ["--output", "a.txt"], "are called .tar"),
        ([5, 1], [], rf"5\.tar: {LIFTING}: b1_fc1\.weight holds NaN or infinite values"),
        ([0, 9], ["--output", "/proc/a/b.tar"], "/proc/a: cannot be made a folder"),
        ([0, 9], ["--output", "/proc/b.tar"], "/proc: cannot be written"),
    ],
)
def test_bad_input_is_refused(checkpoints, tmp_path, monkeypatch, which, options, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        run([f"{tmp_path}/{number}.tar" for number in which], tmp_path / "average.tar", *options)
    assert {path.name for path in tmp_path.iterdir()} == {f"{number}.tar" for number in range(6)}
