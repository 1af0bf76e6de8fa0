"""Headsets of any kind: lens and mount, each drawn over the range that its constant states."""

import math

import numpy as np

from base.cameras.fisheye import FisheyeCamera
from base.headset import RELEASE_HEADSET, Headset
from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.head_camera import CLEARANCE, depth_at

#: Left of the middle: of a single camera, and of a camera of a pair.
LEFT, ASIDE = 4.0, (4.0, 8.0)
_SHARE_ASIDE = 0.35
#: Above and ahead of the release's, or below and behind it.  Lower, the camera of a bent head is in
#: the chest in one of a hundred frames; here in none of 480.
UP, AHEAD = (-8.0, 12.0), (-5.0, 12.0)
#: Tilt ahead and to the left, each to both sides.
FORWARD, TILT_LEFT = 25.0, 15.0
#: Across the image circle.
FOV = 120.0, 200.0
#: Quarter turns of the sensor, and their shares.
TURNS, _TURN_SHARES = (0, 90, 180, 270), (0.7, 0.1, 0.1, 0.1)
#: Width and height: common sensors, the large ones at half their resolution.
SIZES = (640, 400), (640, 480), (640, 512), (640, 640), (848, 800)
LOWEST = min(height for _, height in SIZES)
#: Diameter of the image circle as a share of the pictures' shorter side: above 1 it is cut.
CIRCLE = 0.95, 1.3
#: Radius over angle, θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶): k1 is -1/24 for an equisolid lens, 0 for an
#: equidistant and 1/12 for a stereographic one.
K1, K2, K3 = (-0.07, 0.09), (-0.01, 0.01), (-0.002, 0.002)
#: The radius rises at least so fast up to the rim, of its rise on the axis.
_LEAST_RISE = 0.35
#: Principal point from the middle, share of the shorter side; height of a pixel over its width.
CENTRE, ASPECT = 0.02, 0.01


def draw_headset(body: Body, rng: np.random.Generator) -> Headset:
    """Draw a headset that does not reach into the face of a person."""
    fov = round(rng.uniform(*FOV), 1)
    width, height = SIZES[rng.integers(len(SIZES))]
    short, angles = min(width, height), np.linspace(0, math.radians(fov / 2), 100)
    rise = [0.0]
    while min(rise) < _LEAST_RISE:
        k = (*(round(rng.uniform(*span), 5) for span in (K1, K2, K3)), 0.0)
        radius = FisheyeCamera(1.0, 1.0, 0.0, 0.0, k, width, height).radius_of(angles)
        rise = np.diff(radius) / angles[1]
    f = rng.uniform(*CIRCLE) * short / 2 / radius[-1]
    fy = f * rng.uniform(1 - ASPECT, 1 + ASPECT)
    cx, cy = ((s - 1) / 2 + short * rng.uniform(-CENTRE, CENTRE) for s in (width, height))
    lens = FisheyeCamera(*(round(float(x), 3) for x in (f, fy, cx, cy)), k, width, height)
    aside = float(rng.uniform(*ASIDE) * rng.choice((-1, 1)))
    left = aside if rng.random() < _SHARE_ASIDE else float(rng.uniform(-LEFT, LEFT))
    _, up, ahead = RELEASE_HEADSET.position
    up, ahead = up + float(rng.uniform(*UP)), ahead + float(rng.uniform(*AHEAD))
    ahead = max(ahead, depth_at(body, left, up)[1] + CLEARANCE)
    return Headset(
        lens,
        position=(round(left, 2), round(up, 2), math.ceil(100 * ahead) / 100),
        forward=round(rng.uniform(-FORWARD, FORWARD), 1),
        left=round(rng.uniform(-TILT_LEFT, TILT_LEFT), 1),
        rotate=float(rng.choice(TURNS, p=_TURN_SHARES)),
        fov=fov,
        name="any",
    )
