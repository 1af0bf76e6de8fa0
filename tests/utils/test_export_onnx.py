"""The exported model: the same poses, any batch, and what is none."""

from types import SimpleNamespace

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from base.errors import UserError
from utils import export_onnx
from utils.common.networks import load_pose_model
from utils.inference.pose_predictor import fold_batch_norms
from utils.inference.predictor import EgoPosePredictor


def squares(count, side=64, seed=0):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, side // 8, side // 8, 3), np.uint8)
    return np.stack([cv2.resize(item, (side, side)) for item in small])


@pytest.fixture(scope="module")
def exported(tiny_checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_onnx.main(["--load_model", str(tiny_checkpoint), "--output", str(path)])
    return path


def test_batch_norms_fold_away_without_a_trace(tiny_checkpoint):
    plain, folded = (load_pose_model(tiny_checkpoint).model for _ in range(2))
    fold_batch_norms(folded.pose2d)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.pose2d.modules())
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        difference = plain(images).heatmaps - folded(images).heatmaps
    assert difference.abs().max() < 1e-5 * plain.pose2d(images).abs().max() + 1e-6


def test_onnxruntime_alone_gives_pytorchs_joints_at_any_batch(exported, tiny_checkpoint):
    onnx.checker.check_model(onnx.load(exported))
    session = ort.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    model = load_pose_model(tiny_checkpoint).model
    for count in (1, 5):
        images = squares(count)
        heatmaps, joints3d = session.run(["heatmaps", "joints3d"], {"images": images})
        normalised = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.inference_mode():
            expected = model(normalised)
        centred = expected.joints3d - expected.joints3d[:, :1]
        assert np.abs(joints3d - centred.numpy()).max() < 1e-4
        assert np.abs(heatmaps - expected.heatmaps.numpy()).max() < 1e-4


def test_the_difference_is_a_mean_over_joints_in_millimetres():
    def predictor(offset):
        poses = np.zeros((1, 16, 3))
        poses[0, :8, 0] = offset
        return lambda square: SimpleNamespace(joints3d=poses)

    found = export_onnx.difference_mm(predictor(0.0), predictor(0.003), squares(2))
    assert found == pytest.approx([1.5, 1.5])


def test_what_is_no_export_of_ours_is_one_clear_line(exported, tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(UserError, match="no model at"):
        EgoPosePredictor(path)
    for content in (b"", b"no model"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not a readable ONNX model") as caught:
            EgoPosePredictor(path)
        assert "\n" not in str(caught.value)
    model = onnx.load(exported)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(UserError, match="an ONNX model, but not of utils"):
        EgoPosePredictor(path)


def test_wrong_options_are_refused(tiny_checkpoint):
    for more, message in ((["a.pt"], "must end in .onnx"), (["a.onnx", "--int8"], "needs --pict")):
        with pytest.raises(UserError, match=message):
            export_onnx.main(["--load_model", str(tiny_checkpoint), "--output", *more])
