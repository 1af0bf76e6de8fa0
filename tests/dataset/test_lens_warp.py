"""One scene through two lenses: the same picture for the network, the same joints for the user."""

import cv2
import numpy as np
import pytest

from base.cameras.fisheye import equidistant_camera
from base.cameras.ocam import OCamCamera
from base.cameras.pinhole import PinholeCamera
from base.headset import mount_rotation
from base.release_camera import RELEASE_SQUARE, FisheyeCamera
from dataset.lens_warp import CameraWarp

SIDE = 184
TARGET = RELEASE_SQUARE.resized(SIDE, SIDE)

OCAM = OCamCamera(
    cx=615.0,
    cy=527.5,
    polynomial=(292.4, 0.0, -1.0756e-3, -2.07e-7, -4.49e-10),
    affine=((1.0, 3e-4), (-2e-4, 0.9997)),
    width=1280,
    height=1024,
    radius=512.0,
).resized(640, 512)
KANNALA_BRANDT = FisheyeCamera(205.0, 202.0, 350.0, 240.0, (0.02, -0.01, 3e-3, -5e-4), 700, 480)
PINHOLE = PinholeCamera(250, 252, 325, 235, (-0.05, 0.01, 1e-3, -1e-3, 0.0), 650, 470)
#: Many more pixels than the network's picture.
FINE = equidistant_camera(1200, 1000, (595.0, 505.0), 475.0, 185.0)
LENSES = [OCAM, KANNALA_BRANDT, PINHOLE, FINE]


def light(rays):
    """What is seen along (…, 3) unit rays: a smooth pattern on a sphere, (…, 3) in [0, 255]."""
    x, y, z = np.moveaxis(rays, -1, 0)
    red = np.sin(9 * x + 2 * y) * np.cos(7 * y)
    green = np.sin(8 * y + 3 * z)
    blue = np.cos(11 * x) * np.sin(6 * z + y)
    return 127.5 + 100 * np.stack([red, green, blue], -1)


def render(camera, rotation=None):
    """The sphere through a lens."""
    v, u = np.mgrid[: camera.height, : camera.width].astype(float)
    rays = camera.unproject(np.stack([u, v], -1), clamp=True)
    # Row vectors: a ray of the turned camera, back in the upright frame.
    seen = light(rays if rotation is None else rays @ rotation)
    return np.round(seen).astype(np.uint8)


@pytest.fixture(scope="module")
def expected():
    return render(TARGET)


@pytest.mark.parametrize("lens", LENSES)
def test_a_scene_through_another_lens_becomes_the_training_cameras_picture(lens, expected):
    rotation = mount_rotation(180, 12, -5)
    warp = CameraWarp(lens, TARGET, rotation)
    warped = warp.image(render(lens, rotation)).astype(float)
    inner = cv2.erode(warp.seen.astype(np.uint8), np.ones((5, 5))) > 0
    assert inner.mean() > 0.25
    error = np.abs(warped - expected)[inner]
    assert error.mean() < 1.0 and np.percentile(error, 99.5) < 6.0
    assert not warped[~warp.seen].any()


@pytest.mark.parametrize("lens", LENSES)
def test_joints_seen_by_both_lenses_land_on_each_other(lens):
    rng = np.random.default_rng(0)
    rotation = mount_rotation(90, 10, 4)
    warp = CameraWarp(lens, TARGET, rotation)
    joints = rng.normal([0, 0.1, 0.8], 0.35, (400, 3))
    in_lens = lens.project(joints @ rotation.T)
    in_square = TARGET.project(joints)
    both = lens.in_view(joints @ rotation.T) & TARGET.in_view(joints)
    assert both.sum() > 50
    assert np.abs(warp.points_back(in_square) - in_lens)[both].max() < 1e-6
    assert np.abs(warp.points(in_lens) - in_square)[both].max() < 1e-6


def test_shrinking_a_lot_averages_over_areas():
    # Stripes one pixel wide are grey from afar; point samples of them would be black or white.
    warp = CameraWarp(FINE, TARGET)
    assert warp.factor >= 3
    stripes = np.zeros((FINE.height, FINE.width, 3), np.uint8)
    stripes[:, ::2] = 255
    seen = warp.image(stripes)[warp.seen]
    assert abs(float(seen.mean()) - 127.5) < 2 and seen.std() < 45
