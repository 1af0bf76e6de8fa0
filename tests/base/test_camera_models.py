"""Other people's lenses: inverses, bounds, and agreement with OpenCV and the toolbox's formula."""

import cv2
import numpy as np
import pytest

from base.camera import FisheyeCamera
from base.equidistant import equidistant_camera
from base.ocam_camera import OCamCamera
from base.pinhole_camera import PinholeCamera

OCAM = OCamCamera(
    cx=615.0,
    cy=527.5,
    polynomial=(292.4, 0.0, -1.0756e-3, -2.07e-7, -4.49e-10),
    affine=((1.0, 3e-3), (-2e-3, 0.998)),
    width=1280,
    height=1024,
    radius=512.0,
)
PINHOLE = PinholeCamera(600, 610, 645, 470, (-0.3, 0.1, 1e-3, -2e-3, -0.01), 1280, 960)
WIDE = PinholeCamera(420, 420, 640, 480, (0.4, 0.02, 0, 0, 0.001, 0.75, 0.1, 0.005), 1280, 960)
CAMERAS = [OCAM, PINHOLE, WIDE, equidistant_camera(640, 480, (320, 240), 230, 190)]


def directions(camera, count=500):
    """Unit rays all over the lens, its rim included."""
    rng = np.random.default_rng(0)
    # Tangential distortion is not round, so that the pinhole's rim is not quite.
    rim = camera.max_theta * (0.95 if camera is PINHOLE else 1)
    theta = rng.uniform(0, rim, count)
    theta[:2] = 0, rim
    phi = rng.uniform(0, 2 * np.pi, count)
    x, y = np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi)
    return np.stack([x, y, np.cos(theta)], -1)


@pytest.mark.parametrize("camera", CAMERAS)
def test_unprojecting_undoes_projecting_up_to_the_rim(camera):
    rays = directions(camera)
    pixels = camera.project(2.5 * rays)
    assert np.abs(camera.unproject(pixels) - rays).max() < 1e-6
    inner = rays[camera.angle(rays) < 0.99 * camera.max_theta]
    assert camera.covers(camera.project(inner)).all()


@pytest.mark.parametrize("camera", CAMERAS)
def test_what_is_past_the_rim_is_drawn_in_and_told_apart(camera):
    points = np.array([[0.3, 0.3, -1.0], [0.0, 0.0, -1.0], [1.0, 0.0, -0.5]])
    pixels = camera.project(points)
    assert np.isfinite(pixels).all() and not camera.in_view(points).any()
    far = np.array([[1e4, 1e4], [-1e4, 3.0]])
    assert not camera.covers(far).any()
    tolerance = 0.02 if camera is PINHOLE else 1e-6
    assert np.allclose(camera.angle(camera.unproject(far)), camera.max_theta, atol=tolerance)


@pytest.mark.parametrize("camera", CAMERAS)
def test_crop_and_resize_move_pixels_by_their_areas(camera):
    points = directions(camera)
    moved = camera.cropped(100, 50, 400, 300).resized(800, 150)
    expected = (camera.project(points) - [100, 50] + 0.5) * [2.0, 0.5] - 0.5
    assert np.abs(moved.project(points) - expected).max() < 1e-6
    assert np.abs(moved.unproject(expected) - camera.unproject(camera.project(points))).max() < 1e-6


def test_shapes_are_kept():
    for camera in CAMERAS:
        assert camera.project(np.ones((2, 3, 3))).shape == (2, 3, 2)
        assert camera.unproject(np.ones((2, 3, 2))).shape == (2, 3, 3)
        assert camera.unproject(np.ones(2)).shape == (3,)
        assert camera.project(np.empty((0, 3))).shape == (0, 2)


@pytest.mark.parametrize("camera", [PINHOLE, WIDE])
def test_pinhole_agrees_with_opencv(camera):
    points = directions(camera)
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    terms = np.array(camera.distortion)
    expected, _ = cv2.projectPoints(points[:, None], np.zeros(3), np.zeros(3), matrix, terms)
    assert np.abs(camera.project(points) - expected[:, 0]).max() < 1e-6


def test_barrel_distortion_bounds_the_pinhole_where_it_turns():
    # The slope of r (1 - 0.3 r²) falls to a tenth at r = 1.
    bent = PinholeCamera(300, 300, 320, 240, (-0.3, 0, 0, 0), 640, 480)
    assert np.tan(bent.max_theta) == pytest.approx(1.0, abs=2e-3)
    with pytest.raises(ValueError, match="3 distortion terms"):
        PinholeCamera(300, 300, 320, 240, (-0.3, 0, 0), 640, 480)


def test_ocam_rays_follow_the_toolboxs_formula():
    # cam2world of the toolbox: rows first, z backwards, a0 … = -g0 ….
    c, d, e = OCAM.affine[1][1], OCAM.affine[1][0], OCAM.affine[0][1]
    row, column = 300.0, 900.0
    x, y = np.linalg.solve([[c, d], [e, 1.0]], [row - OCAM.cy, column - OCAM.cx])
    rho = np.hypot(x, y)
    z = sum(-g * rho**i for i, g in enumerate(OCAM.polynomial))
    expected = np.array([y, x, -z]) / np.sqrt(x * x + y * y + z * z)
    assert np.abs(OCAM.unproject(np.array([column, row])) - expected).max() < 1e-12


def test_equidistant_radius_grows_evenly_with_the_angle():
    camera = equidistant_camera(640, 480, (320, 240), 230, 180)
    assert isinstance(camera, FisheyeCamera)
    for degrees in (0, 30, 90):
        theta = np.radians(degrees)
        pixel = camera.project(np.array([np.sin(theta), 0, np.cos(theta)]))
        assert np.allclose(pixel, [320 + 230 * degrees / 90, 240])
    for radius, fov in ((0, 180), (100, 0), (100, 400)):
        with pytest.raises(ValueError, match="no lens"):
            equidistant_camera(640, 480, (320, 240), radius, fov)
