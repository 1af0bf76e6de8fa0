"""The exported model: the same poses, any batch, and what is none."""

import json
import re

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
import yaml
from commands import refused

from base.cameras import camera_to_dict
from base.cameras.fisheye import FisheyeCamera
from base.files import sha256
from base.headset import Headset, load_headset, mount_rotation
from base.release_camera import RELEASE_SQUARE
from base.skeleton import JOINTS
from dataset.lens_warp import CameraWarp
from utils import export_onnx
from utils.common.networks import load_pose_model
from utils.common.pretrained import PRETRAINED
from utils.inference.onnx_export import WarpLayer
from utils.inference.onnx_metadata import METADATA_KEY
from utils.inference.predictor import EgoPosePredictor

pytestmark = pytest.mark.usefixtures("tiny_kind")
#: Nothing about it is symmetric.
LENS = FisheyeCamera(60.0, 63.0, 118.0, 88.0, (0.02, -0.01, 3e-3, -5e-4), 230, 190)
MOUNT = {"rotate": 90.0, "forward": 20.0, "left": -10.0}


def pictures(count, width, height, seed=0):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, height // 8, width // 8, 3), np.uint8)
    return np.stack([cv2.resize(item, (width, height)) for item in small])


@pytest.fixture(scope="module")
def exported(tiny_checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_onnx.main(["--load_model", str(tiny_checkpoint), "--output", str(path)])
    return path


def test_onnxruntime_alone_gives_pytorchs_joints_at_any_batch(exported, tiny_checkpoint):
    onnx.checker.check_model(onnx.load(exported))
    session = ort.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    model = load_pose_model(tiny_checkpoint).model
    for count in (1, 5):
        images = pictures(count, 64, 64)
        heatmaps, joints3d = session.run(["heatmaps", "joints3d"], {"images": images})
        with torch.inference_mode():
            expected = model(torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1)
        centred = expected.joints3d - expected.joints3d[:, :1]
        assert np.abs(joints3d - centred.numpy()).max() < 1e-4
        assert np.abs(heatmaps - expected.heatmaps.numpy()).max() < 1e-4


def test_what_is_no_export_of_ours_is_one_clear_line(exported, tmp_path):
    model, path = onnx.load(exported), tmp_path / "model.onnx"
    del model.metadata_props[:]
    for content, message in (
        (None, "no model at"),
        (b"no model", "not a readable ONNX model"),
        (model.SerializeToString(), "not an export of utils"),
    ):
        if content is not None:
            path.write_bytes(content)
        refused(message, EgoPosePredictor, path)


@pytest.mark.parametrize(
    ("name", "value", "variance", "message"),
    [
        ("a.pt", 0, 1, "must end in .onnx"),
        ("a.onnx", float("inf"), 1, r"broken\.tar: .* 1\.weight holds NaN or infinite"),
        ("a.onnx", 0, -1, "poses are not finite: the checkpoint is damaged"),
    ],
)
def test_what_cannot_be_exported_leaves_the_last_file(
    tiny_network, tmp_path, monkeypatch, name, value, variance, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.onnx").write_text("the last one")
    content = torch.load(tiny_network, weights_only=True)
    content["tiny3d_state_dict"]["1.weight"][3, 5] = value
    content["tiny2d_state_dict"]["1.running_var"][0] = variance
    torch.save(content, tmp_path / "broken.tar")
    refused(message, export_onnx.main, ["--load_model", "broken.tar", "--output", name])
    assert {path.name for path in tmp_path.iterdir()} == {"a.onnx", "broken.tar"}
    assert (tmp_path / "a.onnx").read_text() == "the last one"


def test_the_file_says_what_others_need_and_nothing_of_the_machine(with_headset, tiny_network):
    model = onnx.load(with_headset)
    onnx.checker.check_model(model, full_check=True)
    text = re.sub(r'raw_data: ".*"', "", str(model))  # weights
    assert all(name in text for name in ('"images"', '"GridSample"', f'"{METADATA_KEY}"'))
    assert not re.search(r"/\w|\.py\b", text)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 18)]
    assert {node.domain for node in model.graph.node} == {""} and not model.functions
    stated = json.loads(model.metadata_props[0].value)
    assert stated["model"] == tiny_network.name and stated["model_sha256"] == sha256(tiny_network)
    outputs = {output.name for output in model.graph.output}
    assert stated["joint_names"] == list(JOINTS) and stated["outputs"].keys() == outputs


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"more": 1}, {"camera": {}}, {"mounts": {"edge": 1e999}}],
)
def test_an_export_that_says_something_else_than_it_is_is_refused(with_headset, tmp_path, change):
    model = onnx.load(with_headset)
    stated = json.loads(model.metadata_props[0].value)
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(stated | change)})
    onnx.save(model, tmp_path / "a.onnx")
    refused(r"a\.onnx: not an export of utils/export_onnx", EgoPosePredictor, tmp_path / "a.onnx")


@pytest.fixture(scope="module")
def headset_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("headset") / "mine.yml"
    about = {"camera": camera_to_dict(LENS), "position": [3, 0, 5], "fov": 150} | MOUNT
    path.write_text(yaml.safe_dump(about))
    return path


@pytest.fixture(scope="module")
def with_headset(tiny_network, headset_file):
    path = headset_file.with_name("mine.onnx")
    flags = ["--load_model", str(tiny_network), "--headset", str(headset_file)]
    export_onnx.main([*flags, "--output", str(path)])
    return path


@pytest.mark.parametrize("halvings", [0, 2])
def test_the_layer_shows_the_warps_pixels(halvings):
    lens = LENS.resized(LENS.width * 2**halvings // 3, LENS.height * 2**halvings // 3)
    target = RELEASE_SQUARE.resized(64, 64)
    warp = CameraWarp(lens, target, mount_rotation(**MOUNT), rim=1.4)
    assert warp.halvings == halvings and 0.2 < warp.seen.mean() < 0.9
    seen = pictures(1, lens.width, lens.height)
    layer = WarpLayer(warp)
    found = layer(torch.from_numpy(seen).permute(0, 3, 1, 2).float())
    off = np.abs(found[0].permute(1, 2, 0).numpy() - warp.image(seen[0]))
    assert off.max() <= 1 and off.mean() < 0.001
    assert not found[:, :, ~torch.from_numpy(warp.seen)].any()


def test_a_headsets_export_gives_pytorchs_poses(with_headset, headset_file, tiny_network):
    metadata = onnx.load(with_headset).metadata_props[0].value
    headset = load_headset(headset_file)
    assert Headset.from_dict(json.loads(metadata)["headset"]) == headset
    whole = EgoPosePredictor(tiny_network, headset=headset_file, gpu="cpu", precision="fp32")
    exported = EgoPosePredictor(with_headset)
    seen = list(pictures(3, LENS.width, LENS.height, 1))
    assert np.array_equal(exported.prepare(seen[0]).square, seen[0])
    for expected, found in zip(whole.batch(seen), exported.batch(seen), strict=True):
        assert np.ptp(expected.joints3d) > 0.3
        assert np.abs(found.joints3d - expected.joints3d).max() < 1e-4
        assert np.abs(found.neck - expected.neck).max() < 1e-3
        assert np.abs(found.joints2d - expected.joints2d).max() < 0.05
    [view] = exported.preprocessing.values()
    assert view.lens.headset == headset and not view.lens.assumed


def test_other_pictures_and_cameras_than_the_headsets_are_refused(with_headset, headset_file):
    for options in ({"camera": "training"}, {"mount": (5, 0)}, {"headset": headset_file}):
        refused(r"mine\.onnx: .* leave out", EgoPosePredictor, with_headset, **options)
    message = r"mine\.onnx: .* --views needs an export without"
    refused(message, EgoPosePredictor, with_headset, views=2)
    refused(r"460×380.*230×190", EgoPosePredictor(with_headset), pictures(1, 460, 380)[0])


def test_the_pretrained_weights_are_exported_by_default():
    assert export_onnx.parse_arguments(["--output", "a.onnx"]).load_model == PRETRAINED
