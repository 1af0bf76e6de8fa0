"""What doc/extending.md shows works as it stands there: one file and one line each."""

import json
import re
import sys

import cv2
import numpy as np
import pytest
import release
import torch
from commands import BEST, names, records, run_demo, run_inference, run_train

import dataset
import inference
import model
from base import cameras
from base.release_camera import RELEASE_CAMERA
from base.set_type import SetType
from model.rays import CameraRays
from utils import check_data
from utils.common.paths import REPOSITORY
from utils.inference import sinks
from utils.inference.predictor import EgoPosePredictor

PAGE = (REPOSITORY / "doc" / "extending.md").read_text(encoding="utf-8")
CONFIG = """
precision: fp32
log_every: 1
data: {input_size: 64, workers: 0}
heatmap: {sigma: 1.0}
train2d: &stage {epochs: 1, batch_size: 4}
train3d: {epochs: 1, batch_size: 4, joint_noise: 0.02}
finetune: *stage
"""


@pytest.fixture
def extended(tmp_path, monkeypatch):
    """The file and the line of a section of the page in place."""

    def extend(title, package, registry, last=False):
        section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
        code, line = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        assert len([row for row in code.splitlines() if row.strip()]) <= 80
        name, place = re.fullmatch(r'\s*"(\w+)": "([\w.:]+)",\s*', line).groups()
        module = place.partition(":")[0]
        (tmp_path / f"{module.rpartition('.')[2]}.py").write_text(code)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        monkeypatch.delitem(sys.modules, module, raising=False)
        # The module of the page does not outlive the test.
        monkeypatch.setitem(sys.modules, module, None)
        monkeypatch.delitem(sys.modules, module)
        known = getattr(package, registry)
        registries.append((known, dict(known)))
        lines = known | {name: place} if last else {name: place} | known
        known.clear()
        known.update(lines)
        return section

    registries = []
    yield extend
    for registry, lines in registries:
        registry.clear()
        registry.update(lines)


def test_a_perceptron_is_trained_evaluated_and_run_in_inference(extended, tiny_data, tmp_path):
    section = extended("A kind of model", model, "KINDS")
    settings = re.search(r"```yaml\n(.*?)```", section, re.DOTALL)[1]
    config = tmp_path / "mlp.yml"
    config.write_text(CONFIG + settings.replace("1024", "32"))
    log_dir = tmp_path / "log"
    run_train("all", tiny_data, log_dir, "--config", config)
    best = log_dir / "Finetune" / BEST
    logged = records(log_dir / "Train3d")[0]["loss"]
    assert {"pose", "limb_cosine", "limb_distance"} <= logged.keys()
    results = run_demo(best, tiny_data, tmp_path / "demo", "--num_vis", 0)
    assert results["frames"] == 6 and results["full"]["All"]["mpjpe"] > 0
    noise = np.random.default_rng(0).integers(0, 256, (100, 160, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "one.png"), noise)
    more = ("--input", tmp_path / "one.png", "--no_pictures")
    frames = run_inference(best, tmp_path / "poses", *more)["frames"]
    assert np.array(frames[0]["joints3d"]).shape == (16, 3)


def test_a_format_is_opened_trained_on_and_evaluated(
    extended, tiny_checkpoint, tiny_config, tmp_path
):
    extended("A data format", dataset, "FORMATS")
    root, rng = tmp_path / "arrays", np.random.default_rng(0)
    for kind in SetType:
        (root / kind.folder).mkdir(parents=True)
        joints3d = np.stack([release.pose_for(n) for n in range(4)]).astype(np.float32)
        joints2d = RELEASE_CAMERA.project(joints3d).astype(np.float32)
        np.savez(
            root / f"{kind.folder}.npz",
            person=[f"{kind.value}_1"] * 4,
            action=["walking"] * 4,
            joints2d=joints2d,
            joints3d=joints3d,
            seen=rng.random((4, 16)) < 0.5,
        )
        for n in range(4):
            picture = np.full((800, 1280, 3), 10 * n, np.uint8)
            cv2.imwrite(str(root / kind.folder / f"{n:06d}.jpg"), picture)
    data = dataset.open_split(root, SetType.VAL, 64)
    assert data[2].image.shape == (64, 64, 3) and (data[2].image == 20).all()
    np.testing.assert_allclose(data[2].joints2d, data.camera.project(data[2].joints3d), atol=1e-3)
    assert str(data.frame_id(3)) == "val_1/room/000003" and data.annotations().occlusion_known
    check_data.main(["--data_root", str(root)])
    (root / "TrainSet" / "000001.jpg").write_bytes(b"")
    (root / "skip_list.txt").write_text("TestSet/test_1/room/2\n")
    with pytest.raises(SystemExit):
        check_data.main(["--data_root", str(root)])
    report = json.loads((root / "report.json").read_text())["sets"]
    [fault] = report[0]["faults"]
    assert (fault["kind"], fault["where"]) == ("unreadable picture", "TrainSet/train_1/room/000001")
    run_train("train3d", root, tmp_path / "log", "--config", tiny_config, "--epochs", 1)
    results = run_demo(tiny_checkpoint, root, tmp_path / "demo", "--num_vis", 1)
    assert results["frames"] == 3


@pytest.mark.usefixtures("tiny_kind")
def test_an_output_format_holds_the_poses_and_is_in_the_help(
    extended, tiny_network, tmp_path, capsys
):
    extended("An output format", sinks, "FORMATS", last=True)
    with pytest.raises(SystemExit):
        inference.main(["--help"])
    assert "any of json, npz, csv, bvh, glb, jsonl" in " ".join(capsys.readouterr().out.split())
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (64, 96, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), noise)
    common = ["--load_model", str(tiny_network), "--gpu", "cpu", "--precision", "fp32"]
    common += ["--input_dir", str(tmp_path), "--save_dir", str(tmp_path / "out"), "--no_pictures"]
    inference.main([*common, "--format", "jsonl"])
    assert names(tmp_path / "out") == ["poses.jsonl"]
    lines = [json.loads(row) for row in (tmp_path / "out" / "poses.jsonl").read_text().splitlines()]
    assert [entry["file"] for entry in lines] == ["0.png", "1.png", "2.png"]
    pose = EgoPosePredictor(tiny_network, gpu="cpu", precision="fp32")(tmp_path / "2.png")
    assert np.abs(lines[2]["joints3d"] - pose.joints3d - pose.neck).max() < 1e-4


def test_a_camera_model_is_stored_and_projects(extended):
    extended("A camera model", cameras, "CAMERAS")
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
