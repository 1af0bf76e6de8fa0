"""Photographs of a headset that is not the release's: see doc/inference.md on ``--rotate``."""

from pathlib import Path

import numpy as np
import pytest

from base.skeleton import JOINTS
from dataset.pictures import read_picture
from utils.common.pretrained import PRETRAINED
from utils.inference.predictor import EgoPosePredictor

FRAMES = Path(__file__).parents[3].parent / "shared" / "real_frames" / "scene_ego"
ELBOWS_AND_SHOULDERS = ("LeftArm", "LeftForeArm", "RightArm", "RightForeArm")
#: Where they are seen in the pictures, pixels, by eye.
SEEN = {
    "img_001000.jpg": [(480, 738), (528, 658), (845, 745), (824, 682)],
    "img_001796.jpg": [(320, 754), (344, 658), (680, 754), (632, 682)],
}


@pytest.mark.skipif(not FRAMES.is_dir() or not PRETRAINED.is_file(), reason="not here")
def test_an_upside_down_camera_needs_its_calibration_only():
    pictures = [read_picture(FRAMES / name) for name in SEEN]
    camera = FRAMES / "fisheye_calibration.json"
    predictor = EgoPosePredictor(PRETRAINED, camera=camera, gpu="cpu", precision="fp32")
    predictor.study(pictures)
    assert {view.lens.headset.rotate for view in predictor.preprocessing.values()} == {180.0}
    for pose, seen in zip(predictor.batch(pictures), SEEN.values(), strict=True):
        rows = [JOINTS.index(name) for name in ELBOWS_AND_SHOULDERS]
        assert np.linalg.norm(pose.joints2d[rows] - seen, axis=1).max() < 70
