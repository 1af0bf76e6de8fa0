"""A tiny synthetic set and networks trained on it for a few steps, made once for all tests."""

from pathlib import Path

import pytest

import train

#: Small enough that all three stages take seconds; large enough for every layer.
TINY_CONFIG = """
precision: fp32
data: {input_size: 64, workers: 0}
heatmap: {sigma: 1.0}
model: {depth: 18, lifting: {latent: 16, batch_norm: true}}
loss: {coordinates: 1.0}
train2d: {epochs: 2, batch_size: 4}
train3d: {epochs: 2, batch_size: 8}
finetune: {epochs: 1, batch_size: 4, lr: 1.0e-4}
"""


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory) -> Path:
    """Configuration file of the tiny networks."""
    path = tmp_path_factory.mktemp("config") / "tiny.yml"
    path.write_text(TINY_CONFIG)
    return path


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory) -> Path:
    """Data root with 12 training, 4 validation and 6 test frames, and 16 labels without picture."""
    from utils import make_synthetic

    root = tmp_path_factory.mktemp("data") / "synthetic"
    make_synthetic.main(
        [
            *("--output", str(root), "--train", "12", "--val", "4", "--test", "6"),
            *("--label_frames", "16", "--seed", "0", "--ray_step", "4", "--workers", "1"),
            *("--frames_per_character", "4"),
        ]
    )
    return root


@pytest.fixture(scope="session")
def tiny_runs(tmp_path_factory, tiny_data, tiny_config) -> dict[str, Path]:
    """Log folders of the three stages, trained one after the other as a user would."""
    folder = tmp_path_factory.mktemp("runs")
    runs = {name: folder / name for name in ("train2d", "train3d", "finetune")}
    common = ["--gpu", "cpu", "--data_root", str(tiny_data), "--config", str(tiny_config)]
    for name in ("train2d", "train3d"):
        train.main(["--training_type", name, "--log_dir", str(runs[name]), *common])
    train.main(
        [
            *("--training_type", "finetune", "--log_dir", str(runs["finetune"]), *common),
            *("--load_2d_model", str(runs["train2d"] / "checkpoints" / "model_best.tar")),
            *("--load_3d_model", str(runs["train3d"] / "checkpoints" / "model_best.tar")),
        ]
    )
    return runs


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny_runs) -> Path:
    """A finetuned checkpoint of the tiny networks."""
    return tiny_runs["finetune"] / "checkpoints" / "model_best.tar"
