"""What doc/extending.md shows works as it stands there: a new kind of model, one file, one line."""

import json
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import demo
import inference
import model
import train

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


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The page's file and line in place, and a configuration that names it."""
    code, line, *_ = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len([row for row in code.splitlines() if row.strip()]) <= 80
    kind, place = re.fullmatch(r'\s*"(\w+)": "([\w.:]+)",\s*', line).groups()
    module, name = place.split(":")
    path = tmp_path / f"{module.rpartition('.')[2]}.py"
    path.write_text(code)
    monkeypatch.setattr(model, "__path__", [*model.__path__, str(tmp_path)])
    monkeypatch.setitem(model.KINDS, kind, f"{module}:{name}")
    monkeypatch.delitem(sys.modules, module, raising=False)
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
