"""The camera against OpenCV's own fisheye model, and its bounds."""

import cv2
import numpy as np
import pytest
import torch

from base.camera import (
    MAX_THETA,
    RELEASE_CAMERA,
    FisheyeCamera,
    euler_sxyz_to_matrix,
    fit_translation,
    matrix_to_euler_sxyz,
    world_to_camera,
)


@pytest.fixture
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(2000, 3))
    cloud[:, 2] = np.abs(cloud[:, 2]) + 0.02
    return cloud


def opencv_matrix(camera: FisheyeCamera) -> np.ndarray:
    return np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])


def test_projection_agrees_with_opencv(points):
    camera = RELEASE_CAMERA
    expected, _ = cv2.fisheye.projectPoints(
        points[:, None], np.zeros(3), np.zeros(3), opencv_matrix(camera), np.array(camera.k)
    )
    assert np.abs(camera.project(points) - expected[:, 0]).max() < 1e-4


def test_unprojection_agrees_with_opencv(points):
    camera = RELEASE_CAMERA
    near = points[camera.angle(points) < 1.2]
    pixels = camera.project(near)
    plane = cv2.fisheye.undistortPoints(pixels[:, None], opencv_matrix(camera), np.array(camera.k))
    rays = camera.unproject(pixels)
    assert np.abs(rays[:, :2] / rays[:, 2:] - plane[:, 0]).max() < 1e-5


def test_unprojection_inverts_projection_up_to_the_bound():
    theta = np.linspace(0, MAX_THETA - 1e-3, 300)[:, None]
    phi = np.linspace(0, 2 * np.pi, 16)
    rays = np.stack(
        [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta) + 0 * phi], -1
    )
    assert np.abs(RELEASE_CAMERA.unproject(RELEASE_CAMERA.project(rays)) - rays).max() < 1e-9


def test_corners_beyond_the_lens_stay_bounded():
    corners = np.array([[0.0, 0], [1279, 0], [0, 799], [1279, 799]])
    assert not RELEASE_CAMERA.covers(corners).any()
    rays = RELEASE_CAMERA.unproject(corners)
    assert np.allclose(np.linalg.norm(rays, axis=1), 1)
    assert np.allclose(RELEASE_CAMERA.angle(rays), RELEASE_CAMERA.max_theta)


def test_a_point_behind_the_camera_is_not_in_view():
    behind = np.array([[0.3, 0.3, -1.0], [0, 0, -1.0]])
    assert not RELEASE_CAMERA.in_view(behind).any()
    assert np.isfinite(RELEASE_CAMERA.project(behind)).all()


def test_the_bound_is_where_the_polynomial_turns():
    bent = FisheyeCamera(300, 300, 320, 240, (-0.3, 0.0, 0.0, 0.0), 640, 480)
    assert bent.max_theta == pytest.approx((1 / 0.9) ** 0.5, abs=1e-3)


def test_torch_and_numpy_agree(points):
    tensor = torch.from_numpy(points)
    pixels = RELEASE_CAMERA.project(points)
    assert np.abs(RELEASE_CAMERA.project(tensor).numpy() - pixels).max() < 1e-9
    rays = RELEASE_CAMERA.unproject(torch.from_numpy(pixels)).numpy()
    assert np.abs(rays - RELEASE_CAMERA.unproject(pixels)).max() < 1e-12


def test_projection_is_differentiable_off_the_axis(points):
    tensor = torch.from_numpy(points[:16]).requires_grad_()
    assert torch.autograd.gradcheck(RELEASE_CAMERA.project, (tensor,))


def test_crop_and_resize_move_pixels_by_their_areas(points):
    camera = RELEASE_CAMERA.cropped(240, 0, 800, 800).resized(400, 400)
    full = RELEASE_CAMERA.project(points)
    # Pixel areas: the left edge -0.5 of the window stays the left edge of the small picture.
    expected = (full - [240, 0] + 0.5) / 2 - 0.5
    assert np.abs(camera.project(points) - expected).max() < 1e-9


def test_euler_angles_round_trip():
    rng = np.random.default_rng(1)
    for angles in [*rng.uniform(-220, 220, (50, 3)), np.array([30.0, 90.0, 10.0])]:
        matrix = euler_sxyz_to_matrix(angles)
        assert np.allclose(euler_sxyz_to_matrix(matrix_to_euler_sxyz(matrix)), matrix, atol=1e-7)


def test_euler_angles_turn_about_static_axes_in_order_x_y_z():
    # x by 90° takes y to z; then z by 90° leaves z.
    assert np.allclose(euler_sxyz_to_matrix(np.array([90, 0, 90])) @ [0, 1, 0], [0, 0, 1])


def test_looking_down_the_left_hand_is_on_the_right_and_forward_is_down_in_the_picture():
    # Maya's world has y up.  This wearer faces +z, so the left hand is towards +x.
    eye, looking_down = np.array([0.0, 160.0, 0.0]), np.array([-90.0, 0.0, 0.0])
    floor, left, ahead = world_to_camera(
        np.array([[0.0, 0, 0], [50.0, 160, 0], [0, 160, 50.0]]), eye, looking_down
    )
    assert np.allclose(floor, [0, 0, 160])
    assert np.allclose(left, [50, 0, 0])
    assert np.allclose(ahead, [0, 50, 0])


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_translation_is_recovered_from_rays(kind):
    rng = np.random.default_rng(2)
    pose = rng.normal(size=(5, 16, 3)) * 0.4
    placed = pose + rng.normal(size=(5, 1, 3)) * 0.1 + [0, 0, 1.2]
    rays = placed / np.linalg.norm(placed, axis=-1, keepdims=True)
    weights = rng.uniform(0.1, 1, (5, 16))
    weights[:, 1] = 0
    moved = fit_translation(kind(pose), kind(rays), kind(weights))
    assert np.allclose(np.asarray(moved), (placed - pose)[:, 0], atol=1e-6)
