"""From heatmaps and a pose to joints in the picture and a place before the camera."""

import json

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from base.cameras import camera_to_dict
from base.cameras.fisheye import equidistant_camera
from base.errors import UserError
from base.headset import RELEASE_HEADSET, Headset
from base.release_camera import RELEASE_SQUARE
from base.skeleton import HEAD, HEATMAP_JOINTS, NECK
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from model.pose_model import PoseOutput
from utils.inference.pose_predictor import (
    INPUT,
    METADATA_KEY,
    OnnxPosePredictor,
    PosePredictor,
    within_probability,
)

SIZE = 192
CAMERA = RELEASE_SQUARE.resized(SIZE, SIZE)
TRUTH = torch.from_numpy(
    np.random.default_rng(0).uniform([-0.4, -0.3, 0.4], [0.4, 0.3, 1.4], (3, 16, 3)).astype("f4")
)
CENTRED = TRUTH - TRUTH[:, NECK : NECK + 1]


class Oracle(nn.Module):
    """Knows the answer: heatmaps of the true pixels, and the true pose away from its place."""

    input_size, lags, exports = SIZE, (), ("heatmaps", "joints3d")

    def __init__(self, subpixel=True, **more):
        super().__init__()
        self.subpixel, shape = subpixel, HeatmapShape(48, 2.0, subpixel)
        heatmaps = draw_heatmaps(CAMERA.project(TRUTH), SIZE, shape)
        self.output = PoseOutput(heatmaps, CENTRED + 0.3, **more)

    def forward(self, images, rays):
        return self.output


def predict(oracle):
    predictor = PosePredictor(oracle, torch.device("cpu"), "fp32")
    return predictor(torch.zeros(3, SIZE, SIZE, 3, dtype=torch.uint8))


def test_joints_land_where_the_camera_sees_them_and_the_pose_where_it_was():
    result = predict(Oracle())
    assert np.abs(result.joints2d - CAMERA.project(TRUTH).numpy()).max() < 0.5
    assert np.abs(result.neck - TRUTH[:, NECK].numpy()).max() < 5e-3
    assert np.abs(result.joints3d - CENTRED.numpy()).max() < 1e-5
    assert result.confidence.min() > 0.85 and result.uncertainty is None
    assert np.array_equal(result.confidence[:, HEAD], result.confidence[:, NECK])


def test_joints_of_a_network_that_learned_the_references_maps_are_not_half_a_cell_off():
    result, rows = predict(Oracle(subpixel=False)), list(HEATMAP_JOINTS)
    off = (result.joints2d - CAMERA.project(TRUTH).numpy())[:, rows]
    assert np.abs(off).max() < SIZE / 48 / 2 + 0.2  # centres are rounded to whole cells
    assert np.abs(off.mean((0, 1))).max() < 0.4  # 1.9 if they were read as our own
    assert np.abs(result.raw_neck - 0.3 - CENTRED[:, NECK].numpy()).max() < 1e-6


def test_a_model_with_a_place_and_an_uncertainty_decides_itself():
    radius = torch.linspace(0.02, 0.3, 16).expand(3, 16)
    result = predict(Oracle(camera3d=TRUTH + 0.05, uncertainty=radius))
    assert np.abs(result.neck - TRUTH[:, NECK].numpy() - 0.05).max() < 1e-6
    assert np.array_equal(result.uncertainty, radius.numpy())
    assert np.array_equal(result.confidence, within_probability(radius.numpy()))
    # At the radius that covers 90 % of the joints it is 90 %.
    assert within_probability(np.array([0.1, 1e-3, 10.0])) == pytest.approx([0.9, 1, 0], abs=1e-3)


def test_a_picture_in_which_nothing_is_seen_still_gives_finite_numbers():
    oracle = Oracle()
    oracle.output.heatmaps.zero_()
    result = predict(oracle)
    assert all(np.isfinite(values).all() for values in result if values is not None)
    assert result.confidence.max() == 0
    # All joints count alike: their mean lies on the one ray.
    mean = np.delete(result.joints3d + result.neck[:, None], HEAD, 1).mean(1)
    seen = np.delete(result.joints2d, HEAD, 1)[:, 0].astype(float)
    rays = CAMERA.unproject(seen, clamp=True)
    assert np.linalg.norm(np.cross(mean, rays), axis=-1).max() < 1e-3


@pytest.mark.parametrize("place", [(1, 5, 2), (2, NECK, 0)])
def test_poses_that_are_not_finite_are_refused_whatever_they_are_for(place):
    oracle = Oracle()
    oracle.output.joints3d[place] = float("nan")
    with pytest.raises(UserError, match="not finite: the checkpoint is damaged"):
        predict(oracle)


def test_an_exported_model_says_its_view_and_the_headsets_it_was_trained_on(tmp_path):
    images = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [None, 64, 64, 3])
    copy = helper.make_tensor_value_info("heatmaps", TensorProto.UINT8, [None, 64, 64, 3])
    node = helper.make_node("Identity", [INPUT], ["heatmaps"])
    model = helper.make_model(
        helper.make_graph([node], "copy", [images], [copy]),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    view, mounts = equidistant_camera(64, 64, (31.5, 31.5), 32, 130), {"neck": [[0] * 3, [1] * 3]}
    for more, expected in (
        ({"camera": camera_to_dict(view), "mounts": mounts}, (view, mounts)),
        ({"headset": Headset(view).as_dict()}, (RELEASE_SQUARE.resized(64, 64), None)),
        ({}, (RELEASE_SQUARE.resized(64, 64), None)),
    ):
        helper.set_model_props(model, {METADATA_KEY: json.dumps({"input_size": 64} | more)})
        onnx.save(model, tmp_path / "model.onnx")
        predictor = OnnxPosePredictor(tmp_path / "model.onnx")
        assert (predictor.camera, predictor.mounts) == expected
    headset = Headset(view).as_dict()
    for described in (
        *([], 7, {}, {"input_size": "wide"}, {"input_size": 32}),
        *({"camera": {}}, {"camera": 1}, {"camera": camera_to_dict(view) | {"fx": "far"}}),
        *({"camera": camera_to_dict(view.resized(32, 32))}, {"headset": "xr-egopose"}),
        *({"headset": headset | {"more": 1}}, {"headset": headset | {"rotate": "x"}}),
        {"headset": RELEASE_HEADSET.as_dict()},  # of other pictures than the model takes
    ):
        if isinstance(described, dict) and described:
            described = {"input_size": 64} | described
        helper.set_model_props(model, {METADATA_KEY: json.dumps(described)})
        onnx.save(model, tmp_path / "model.onnx")
        with pytest.raises(UserError, match=r"model\.onnx: what it says .*: export it again"):
            OnnxPosePredictor(tmp_path / "model.onnx")
