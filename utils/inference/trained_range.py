"""Whether a view is one that a model was trained on: the headset, and what the model makes of it.

How well this tells is in doc/inference.md.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from base.headset import RELEASE_HEADSET, Headset
from base.skeleton import JOINTS
from dataset.headset_view import Transform
from dataset.lens_warp import CameraWarp
from utils.inference.square_predictor import Prediction

#: Mean place of the Neck in the view of the release's headset, metres, and what a model was trained
#: on that does not say it: 1000 synthetic training frames of 25 people (seed 1).  "uncertainty" is
#: of the trunk, see :func:`trunk_uncertainty`: above that of all but about 1 % of synthetic test
#: frames.  "edge" are degrees from straight down to which all is seen; below, errors grow.
RELEASE_NECK = (0.002, -0.187, 0.108)
RELEASE_RANGE = {
    "neck": ((-0.041, -0.233, 0.087), (0.045, -0.140, 0.125)),
    "uncertainty": 0.046,
    "edge": 55.0,
}
#: Metres by which the predicted Neck must be outside.
_MARGIN = 0.03
_TRUNK = [
    JOINTS.index(n) for n in ("Neck", "Head", "LeftArm", "RightArm", "LeftUpLeg", "RightUpLeg")
]


def trunk_uncertainty(uncertainty: np.ndarray) -> np.ndarray:
    """(…) metres: geometric mean of the radii (…, 16) of the joints whose places a camera on the
    head fixes most. A model is less certain of these where the camera is not where it was in
    training, while it predicts the Neck where it always was."""
    return np.exp(np.log(uncertainty[..., _TRUNK]).mean(-1))


class TrainedRange:
    """The views that a model was trained on; ``mounts`` is what its checkpoint says of them, see
    :class:`utils.common.checkpoint.Mounts`."""

    def __init__(self, mounts: Mapping[str, Any] | None = None) -> None:
        known = RELEASE_RANGE | dict(mounts or {})
        self._low, self._high = np.array(known["neck"])
        self._uncertainty, self._edge = known["uncertainty"], known["edge"]

    def _beyond(self, neck: np.ndarray) -> np.ndarray:
        """By how much (…, 3) places of the Neck are outside, metres, negative inside: (…)."""
        return np.maximum(self._low - neck, neck - self._high).max(-1)

    def fault(self, headset: Headset, transform: Transform) -> str:
        """What of a headset, whose pictures ``transform`` brings into the view, is outside the
        range, or an empty string."""
        faults = []
        left, up, ahead = np.subtract(headset.position, RELEASE_HEADSET.position) / 100
        # As the camera goes up, the Neck goes down in its view.
        beyond = self._beyond(np.add(RELEASE_NECK, (-left, -ahead, up)))
        if beyond > 0:
            faults.append(f"the camera is {100 * beyond:.1f} cm outside its places in training")
        edge = np.degrees(transform.edge) if isinstance(transform, CameraWarp) else np.inf
        if edge < self._edge:
            faults.append(f"nothing is seen beyond {edge:.0f}° from straight down to one side")
        return "; ".join(faults)

    def limits(self) -> dict[str, Any]:
        """What :meth:`left_by` compares with, for the page (utils/export_web.py): metres."""
        low, high = (self._low - _MARGIN).tolist(), (self._high + _MARGIN).tolist()
        limits = {"neck": [low, high], "uncertainty": self._uncertainty, "trunk": _TRUNK}
        return limits | {"edge": float(np.radians(self._edge))}

    def left_by(self, found: Prediction) -> np.ndarray:
        """(B,) bool, which predictions are those of a view outside the range."""
        outside = self._beyond(found.neck) > _MARGIN
        if found.uncertainty is not None:
            outside |= trunk_uncertainty(found.uncertainty) > self._uncertainty
        return outside
