"""The average of checkpoints."""

import pytest
import torch

import demo
from base.errors import UserError
from utils import average_weights
from utils.average_weights import average
from utils.common.checkpoint import RESNET, read_checkpoint

LIFTING = "autoencoder_state_dict"


def test_shares_weigh_and_counters_are_the_last_ones():
    first = {"a": torch.tensor([0.0, 4.0]).half(), "steps": torch.tensor(3)}
    last = {"a": torch.tensor([8.0, 0.0]), "steps": torch.tensor(7)}
    mean = average([first, last], [3.0, 1.0])
    assert mean["a"].tolist() == [2.0, 3.0] and mean["a"].dtype == torch.float32
    assert mean["steps"] == 7


@pytest.fixture(scope="module")
def moved(tiny_checkpoint, tmp_path_factory):
    """The tiny checkpoint with every weight of its trunk's first layer larger by two."""
    path = tmp_path_factory.mktemp("moved") / "moved.tar"
    content = torch.load(tiny_checkpoint, weights_only=True)
    content[RESNET]["conv1.weight"] = content[RESNET]["conv1.weight"] + 2
    torch.save(content, path)
    return path


def test_the_average_is_a_model_like_the_others(tiny_checkpoint, moved, tiny_data, tmp_path):
    path = tmp_path / "runs" / "average.tar"
    average_weights.main(["--load_model", str(tiny_checkpoint), str(moved), "--output", str(path)])
    before, after = read_checkpoint(tiny_checkpoint), read_checkpoint(path)
    change = after.networks[RESNET]["conv1.weight"] - before.networks[RESNET]["conv1.weight"]
    assert torch.allclose(change, torch.ones(()), atol=1e-5)
    assert all(
        torch.allclose(
            after.networks["autoencoder_state_dict"][name].float(), value.float(), atol=1e-6
        )
        for name, value in before.networks["autoencoder_state_dict"].items()
    )
    assert after.optimizer is None and after.config == before.config
    demo.main(
        [
            *("--gpu", "cpu", "--load_model", str(path), "--data", "test", "--num_vis", "0"),
            *("--data_root", str(tiny_data), "--save_dir", str(tmp_path / "test")),
        ]
    )
    assert (tmp_path / "test" / "results.json").is_file()


def test_bad_input_is_refused(tiny_checkpoint, tiny_runs, moved, tmp_path):
    one, two = str(tiny_checkpoint), str(moved)
    stage = str(tiny_runs["train2d"] / "checkpoints" / "model_best.tar")
    output = str(tmp_path / "average.tar")
    for models, more, message in (
        ([one], [], "two checkpoints or more"),
        ([one, two], ["--shares", "1"], "one number for each"),
        ([one, two], ["--shares", "0", "0"], "not all 0"),
        ([one, two], ["--shares", "-1", "2"], "none negative"),
        ([one, stage], [], "not of one model: autoencoder_state_dict, one has none"),
        ([one, str(tmp_path / "none.tar")], [], "no checkpoint at"),
        ([one, two], ["--output", one], "another file"),
        ([one, two], ["--output", str(tmp_path / "a.txt")], "are called .tar"),
    ):
        with pytest.raises(UserError, match=message):
            average_weights.main(["--output", output, "--load_model", *models, *more])
    assert not list(tmp_path.iterdir())
