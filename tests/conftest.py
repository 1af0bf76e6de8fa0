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
from commands import BEST, run_train

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
    start = ("--load_2d_model", runs["train2d"] / BEST, "--load_3d_model", runs["train3d"] / BEST)
    for name, log_dir in runs.items():
        more = start if name == "finetune" else ()
        run_train(name, tiny_data, log_dir, "--config", tiny_config, *more)
    return runs


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny_runs) -> Path:
    """A finetuned checkpoint of the tiny networks."""
    return tiny_runs["finetune"] / BEST


TINY_TRANSFORMER_CONFIG = """
precision: fp32
log_every: 1
data: {input_size: 64, workers: 0}
heatmap: {sigma: 1.0}
model:
  kind: transformer
  transformer: {channels: 16, dim: 32, layers: 2, heads: 4, dropout: 0.1}
loss: {coordinates: 1.0, camera_pose: 1.0, uncertainty: 0.1, visibility: 0.1, earlier: 0.5}
finetune: {epochs: 2, batch_size: 4, optimizer: adamw, warmup_steps: 3, clip_norm: 1.0}
"""


@pytest.fixture(scope="session")
def tiny_transformer(tmp_path_factory, tiny_data) -> Path:
    """A finetuned checkpoint of a tiny network of the project's own kind."""
    folder = tmp_path_factory.mktemp("transformer")
    (folder / "tiny.yml").write_text(TINY_TRANSFORMER_CONFIG)
    run_train("finetune", tiny_data, folder / "log", "--config", folder / "tiny.yml")
    return folder / "log" / BEST


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
