"""Views that a model was not trained on are told from those that it was."""

from dataclasses import replace

import numpy as np
import pytest

from base.cameras.fisheye import equidistant_camera
from base.headset import RELEASE_HEADSET
from base.release_camera import RELEASE_SQUARE
from utils.inference.lens_finder import Lens
from utils.inference.square_predictor import Prediction
from utils.inference.trained_range import RELEASE_NECK, TrainedRange

VIEW = RELEASE_SQUARE.resized(64, 64)
OTHER = replace(RELEASE_HEADSET, camera=equidistant_camera(400, 400, (199.5, 199.5), 199, 180))
UP, AHEAD = (0.0, -3.2 + 8, 2.3), (0.0, -3.2, 2.3 + 8)


@pytest.mark.parametrize(
    ("headset", "mounts", "fault"),
    [
        (RELEASE_HEADSET, None, ""),
        (replace(OTHER, fov=120), None, ""),
        (replace(OTHER, fov=100), None, "beyond 50° from straight down"),
        (replace(OTHER, fov=100), {"edge": 45.0}, ""),
        (replace(OTHER, forward=45), None, "beyond 46° from straight down"),
        # 2 cm are left above and ahead of the release's Neck, at −18.7 and 10.8 cm.
        (replace(OTHER, position=UP), None, "6.3 cm outside"),
        (replace(OTHER, position=AHEAD), None, "3.4 cm outside"),
        (replace(OTHER, position=UP), {"neck": [[-0.1, -0.3, 0], [0.1, -0.1, 0.2]]}, ""),
        (RELEASE_HEADSET, {"neck": [[-0.1, -0.3, 0], [0.1, -0.1, 0.1]]}, "0.8 cm outside"),
    ],
)
def test_a_headset_outside_the_range_is_named(headset, mounts, fault):
    found = TrainedRange(mounts).fault(headset, Lens(headset, "", False).view(VIEW))
    assert fault in found and bool(fault) == bool(found)


def test_a_frame_is_outside_by_its_neck_or_by_the_uncertainty_of_the_trunk():
    neck = np.float32([RELEASE_NECK] * 5)
    neck[1] += [0.06, 0, 0]
    neck[2] += [0.08, 0, 0]
    uncertainty = np.full((5, 16), 0.04)
    uncertainty[3, [3, 4, 6, 7]] = 0.5  # of arms, which are often hidden
    uncertainty[4, [0, 1, 2, 5, 8, 12]] = 0.05
    found = Prediction(np.zeros((5, 16, 3)), np.zeros((5, 16, 2)), np.ones((5, 16)), neck)
    assert TrainedRange().left_by(found).tolist() == [False, False, True, False, False]
    found = found._replace(uncertainty=uncertainty)
    assert TrainedRange().left_by(found).tolist() == [False, False, True, False, True]
    assert not TrainedRange({"uncertainty": 0.06}).left_by(found)[4]
