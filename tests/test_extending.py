"""What doc/extending.md shows works as it stands there: a kind of model and a camera model, each
one file and one line."""

import json
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import demo
import inference
import model
import train
from base import cameras
from model.rays import CameraRays

PAGE = Path(train.__file__).parent / "doc" / "extending.md"
BEST = "checkpoints/model_best.tar"
CONFIG = """
precision: fp32
log_every: 1
data: {input_size: 64, workers: 0}
heatmap: {sigma: 1.0}
train2d: &stage {epochs: 1, batch_size: 4}
train3d: {<<: *stage, joint_noise: 0.02}
finetune: *stage
"""


def register(number, package, registry, folder, monkeypatch):
    """Put the page's file and line of that number in place; the name of the module."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    code, line = blocks[2 * number : 2 * number + 2]
    assert len([row for row in code.splitlines() if row.strip()]) <= 80
    name, place = re.fullmatch(r'\s*"(\w+)": "([\w.:]+)",\s*', line).groups()
    module = place.split(":")[0]
    (folder / f"{module.rpartition('.')[2]}.py").write_text(code)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.setitem(registry, name, place)
    monkeypatch.delitem(sys.modules, module, raising=False)
    return module


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The page's file and line in place, and a configuration that names it."""
    module = register(0, model, model.KINDS, tmp_path, monkeypatch)
    settings = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    path = tmp_path / "mlp.yml"
    path.write_text(CONFIG + settings.replace("1024", "32"))
    yield path
    sys.modules.pop(module, None)


def test_a_perceptron_is_trained_evaluated_and_run_in_inference(config, tiny_data, tmp_path):
    common = ["--gpu", "cpu", "--data_root", str(tiny_data)]
    log_dir = tmp_path / "log"
    train.main(
        ["--training_type", "all", "--config", str(config), "--log_dir", str(log_dir), *common]
    )
    best = log_dir / "Finetune" / BEST
    records = map(json.loads, (log_dir / "Train3d" / "log.jsonl").read_text().splitlines())
    assert {"pose", "limb_cosine", "limb_distance"} <= next(records)["loss"].keys()
    demo.main(
        [
            *("--load_model", str(best), "--save_dir", str(tmp_path / "demo"), "--num_vis", "0"),
            *("--workers", "0", *common),
        ]
    )
    results = json.loads((tmp_path / "demo" / "results.json").read_text())
    assert results["frames"] == 6 and results["full"]["All"]["mpjpe"] > 0
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (100, 160, 3), np.uint8)
    cv2.imwrite(str(pictures / "one.png"), noise)
    out = tmp_path / "poses"
    inference.main(
        [
            *("--load_model", str(best), "--input_dir", str(pictures), "--gpu", "cpu"),
            *("--save_dir", str(out), "--no_pictures"),
        ]
    )
    frames = json.loads((out / "poses.json").read_text())["frames"]
    assert np.array(frames[0]["joints3d"]).shape == (16, 3)


def test_a_camera_model_is_stored_and_projects(tmp_path, monkeypatch):
    module = register(1, cameras, cameras.CAMERAS, tmp_path, monkeypatch)
    fields = {"fx": 300, "fy": 310, "cx": 320, "cy": 240, "width": 640, "height": 480}
    camera = cameras.camera_from_dict({"model": "equisolid"} | fields)
    assert cameras.camera_to_dict(camera) == {"model": "equisolid"} | fields
    # 60° to the right: 2 · 300 · sin 30° = 300 pixels.
    ray = np.array([np.sqrt(0.75), 0, 0.5])
    assert np.allclose(camera.project(ray), [620, 240])
    assert np.allclose(camera.unproject(np.array([620.0, 240.0])), ray)
    assert np.allclose(CameraRays(camera)(torch.tensor([620.0, 240.0])).numpy(), ray, atol=1e-6)
    # Never past 100°, which lands 460 pixels away.
    assert np.isnan(camera.unproject(np.array([790.0, 240.0]))).all()
    sys.modules.pop(module)
