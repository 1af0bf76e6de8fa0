"""A tiny synthetic set and networks trained on it for a few steps, made once for all tests."""

import json
import os
from pathlib import Path

import pytest

# Before torch is imported: of tests that run side by side, and of the commands that they start,
# each has a core to itself.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import tiny_model

import train
from model import KINDS

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


def pytest_collection_modifyitems(items):
    """On a mutant (doc/development.md) the fastest tests come first: most fail within a second."""
    if os.environ.get("MUTANT_UNDER_TEST") and (stats := Path("mutmut-stats.json")).is_file():
        seconds = json.loads(stats.read_text())["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))


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


#: Everything that draws random numbers or remembers past steps is switched on.
TINY_TRANSFORMER_CONFIG = """
precision: fp32
log_every: 1
data: {input_size: 64, workers: 0}
heatmap: {sigma: 1.0}
model:
  kind: transformer
  transformer: {channels: 16, dim: 32, layers: 2, heads: 4, dropout: 0.1}
loss: {coordinates: 1.0, camera_pose: 1.0, uncertainty: 0.1, visibility: 0.1, earlier: 0.5}
train2d: &stage
  epochs: 1
  batch_size: 4
  optimizer: adamw
  schedule: cosine
  warmup_steps: 3
  clip_norm: 1.0
  ema_decay: 0.9
  augment: {rotation: 10, mirror: true, colour: 0.3, noise: 0.02}
train3d: *stage
finetune: {<<: *stage, epochs: 2}
"""


@pytest.fixture(scope="session")
def tiny_transformer_config(tmp_path_factory) -> Path:
    """Configuration file of a tiny network of the project's own kind."""
    path = tmp_path_factory.mktemp("config") / "tiny_transformer.yml"
    path.write_text(TINY_TRANSFORMER_CONFIG)
    return path


@pytest.fixture(scope="session")
def tiny_transformer_runs(tmp_path_factory, tiny_data, tiny_transformer_config) -> dict[str, Path]:
    """Log folders of the stages of the project's own model, "whole" being all at once."""
    folder = tmp_path_factory.mktemp("transformer")
    best = {
        name: folder / name / "checkpoints" / "model_best.tar" for name in ("train2d", "train3d")
    }
    common = ["--gpu", "cpu", "--data_root", str(tiny_data)]
    common += ["--config", str(tiny_transformer_config)]
    modules = {
        "train2d": [],
        "train3d": ["--load_2d_model", str(best["train2d"])],
        "finetune": [
            *("--load_2d_model", str(best["train2d"])),
            *("--load_3d_model", str(best["train3d"])),
        ],
        "whole": [],
    }
    for name, options in modules.items():
        stage = "finetune" if name == "whole" else name
        log_dir = folder / name
        train.main(["--training_type", stage, "--log_dir", str(log_dir), *options, *common])
    return {name: folder / name for name in modules}


@pytest.fixture(scope="session")
def tiny_transformer(tiny_transformer_runs) -> Path:
    """A finetuned checkpoint of the tiny network of the project's own kind."""
    return tiny_transformer_runs["finetune"] / "checkpoints" / "model_best.tar"


@pytest.fixture(scope="module")
def tiny_kind():
    """The kind of model of ``tiny_model`` is there; its configuration file is ``tiny_file``."""
    tiny_model.register()
    yield
    del KINDS["tiny"]


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory) -> Path:
    """Configuration file of the model that takes milliseconds to train."""
    path = tmp_path_factory.mktemp("config") / "tiny_kind.yml"
    path.write_text(tiny_model.CONFIG)
    return path
