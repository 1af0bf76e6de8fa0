"""A tiny synthetic set and networks trained on it for a few steps, made once for all tests."""

import fcntl
import functools
import json
import os
from pathlib import Path
from unittest import mock

import pytest

# Before torch is imported: of tests that run side by side, and of the commands that they start,
# each has a core to itself.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from commands import BEST, TINY_SET, make_set, pack, run_train

#: Small enough that all three stages take seconds; large enough for every layer.
TINY_CONFIG = """
precision: fp32
data: {input_size: 64, workers: 0}
heatmap: {sigma: 1.0}
model: {backbone: resnet18, autoencoder: {latent: 16, batch_norm: true}}
loss: {coordinates: 1.0}
train2d: {epochs: 1, batch_size: 4}
train3d: {epochs: 2, batch_size: 8}
finetune: {epochs: 1, batch_size: 4, lr: 1.0e-4}
"""


def pytest_collection_modifyitems(items):
    """On a mutant (doc/development.md) the fastest tests come first: most fail within a second."""
    if os.environ.get("MUTANT_UNDER_TEST") and (stats := Path("mutmut-stats.json")).is_file():
        seconds = json.loads(stats.read_text())["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Folder of a name that the first process of the tests to ask for it fills, for all of them."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def made_once(name, fill):
        with (root / f"{name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.fstat(lock.fileno()).st_size:
                fill(root / name)
                lock.write("made")
        return root / name

    return made_once


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory) -> Path:
    """Configuration file of the tiny networks."""
    path = tmp_path_factory.mktemp("config") / "tiny.yml"
    path.write_text(TINY_CONFIG)
    return path


@pytest.fixture(scope="session")
def tiny_data(made_once) -> Path:
    """Data root with 12 training, 4 validation and 6 test frames, and 16 labels without picture."""
    return made_once("synthetic", lambda root: make_set(root, *TINY_SET))


@pytest.fixture(scope="session")
def tiny_packed(made_once, tiny_data) -> Path:
    """The same packed at 64 pixels, in shards of three frame numbers."""
    return made_once("packed", lambda root: pack(tiny_data, root, 64, "--frames_per_shard", 3))


@pytest.fixture(scope="session")
def tiny_runs(made_once, tiny_data, tiny_config) -> dict[str, Path]:
    """Log folders of the three stages, trained one after the other as a user would."""

    def train(folder):
        first = [folder / "train2d" / BEST, folder / "train3d" / BEST]
        start = "--load_2d_model", first[0], "--load_3d_model", first[1]
        for name, more in (("train2d", ()), ("train3d", ()), ("finetune", start)):
            run_train(name, tiny_data, folder / name, "--config", tiny_config, *more)

    folder = made_once("runs", train)
    return {name: folder / name for name in ("train2d", "train3d", "finetune")}


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
loss: {coordinates: 1.0, camera_pose: 1.0, uncertainty: 0.1, visibility: 0.1, aux: 0.5}
finetune: {epochs: 2, batch_size: 4, optimizer: adamw, warmup_steps: 3, clip_norm: 1.0}
"""


@pytest.fixture(scope="session")
def tiny_transformer(made_once, tiny_data) -> Path:
    """A finetuned checkpoint of a tiny network of the project's own kind."""

    def train(folder):
        folder.mkdir()
        (folder / "tiny.yml").write_text(TINY_TRANSFORMER_CONFIG)
        run_train("finetune", tiny_data, folder / "log", "--config", folder / "tiny.yml")

    return made_once("transformer", train) / "log" / BEST


@pytest.fixture(scope="session")
def rendered_for(made_once):
    """Frames for the writers of a set in ``tests/other_sets``, by its name."""
    import pickle

    from other_sets import common, ego_body3m, unreal_ego

    makers = {
        "scene_ego": lambda: common.render("sceneego", 8, 4),
        "mo2cap2": lambda: common.render("mo2cap2"),  # EgoPW's too
        "unreal_ego": unreal_ego.render_unreal_ego,
        "ego_body3m": ego_body3m.render_ego_body3m,
    }

    def rendered_for(name):
        path = made_once(f"{name}.rendered", lambda p: p.write_bytes(pickle.dumps(makers[name]())))
        return pickle.loads(path.read_bytes())

    return functools.cache(rendered_for)


@pytest.fixture(scope="module")
def tiny_kind():
    """The kind of model of ``tiny_model`` is there; its configuration file is ``tiny_file``."""
    import tiny_model

    from model import KINDS

    tiny_model.register()
    yield
    del KINDS["tiny"]


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory) -> Path:
    """Configuration file of the model that takes milliseconds to train."""
    from tiny_model import CONFIG

    path = tmp_path_factory.mktemp("config") / "tiny_kind.yml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def run(tiny_data, tiny_file, tmp_path):
    """Train in ``tmp_path / "log"``, by default the model that takes milliseconds."""

    def run(stage, *more, config=tiny_file, data=tiny_data):
        given = ("--config", config) if config else ()
        run_train(stage, data, tmp_path / "log", *given, *more)

    return run


@pytest.fixture(scope="session")
def tiny_network(tmp_path_factory, tiny_file) -> Path:
    """Checkpoint of random weights of that kind, with poses of the size of a body: with
    ``tiny_kind`` what takes least time to predict with."""
    import torch

    import model
    from utils.common.checkpoint import save_checkpoint
    from utils.common.config import load_config

    path = tmp_path_factory.mktemp("network") / "tiny.tar"
    torch.manual_seed(0)
    with mock.patch.dict(model.KINDS, tiny="tiny_model:TinyModel"):
        config = load_config(tiny_file)
        network = model.build(config.model, 64, ["pose2d", "lifting"])
    network.lifting[1].weight.data *= 0.3
    weights = {network.parts[name].key: getattr(network, name) for name in ("pose2d", "lifting")}
    content = {key: part.state_dict() for key, part in weights.items()}
    mean_pose = torch.linspace(-0.5, 0.5, 48).reshape(16, 3)
    save_checkpoint(path, content | {"config": config.model_dump(), "mean_pose": mean_pose})
    return path
