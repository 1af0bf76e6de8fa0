"""The release's camera in the world, and poses placed before it."""

import numpy as np
import pytest
import torch

from base.release_camera import (
    RELEASE_CAMERA,
    euler_sxyz_to_matrix,
    fit_translation,
    matrix_to_euler_sxyz,
    world_to_camera,
)


def test_the_releases_camera():
    # By hand, 60° towards +x and +y: the polynomial of π / 3 is 0.977170.
    ray = np.array([[np.sqrt(0.75), 0, 0.5], [0, np.sqrt(0.75), 0.5], [0, 0, 1]])
    expected = [[999.2273, 400.9522], [654.6810, 745.6027], [654.6810, 400.9522]]
    assert np.abs(RELEASE_CAMERA.project(ray) - expected).max() < 1e-3
    assert (RELEASE_CAMERA.width, RELEASE_CAMERA.height) == (1280, 800)


def test_euler_angles_turn_about_static_axes_in_order_x_y_z_and_round_trip():
    # x by 90° takes y to z; then z by 90° leaves z.
    assert np.allclose(euler_sxyz_to_matrix(np.array([90, 0, 90])) @ [0, 1, 0], [0, 0, 1])
    # y by 90° takes z to x; then z by 90° takes x to y.
    assert np.allclose(euler_sxyz_to_matrix(np.array([0, 90, 90])) @ [0, 0, 1], [0, 1, 0])
    rng = np.random.default_rng(1)
    for angles in [*rng.uniform(-220, 220, (50, 3)), [30.0, 90.0, 10.0], [30.0, -90.0, 10.0]]:
        matrix = euler_sxyz_to_matrix(np.array(angles))
        assert np.allclose(euler_sxyz_to_matrix(matrix_to_euler_sxyz(matrix)), matrix, atol=1e-7)


def test_looking_down_the_left_hand_is_on_the_right_and_forward_is_down_in_the_picture():
    # Maya's world has y up.  This wearer faces +z, so the left hand is towards +x.
    eye, looking_down = np.array([0.0, 160.0, 0.0]), np.array([-90.0, 0.0, 0.0])
    floor_left_ahead = np.array([[0.0, 0, 0], [50.0, 160, 0], [0, 160, 50.0]])
    seen = world_to_camera(floor_left_ahead, eye, looking_down)
    assert np.allclose(seen, [[0, 0, 160], [50, 0, 0], [0, 50, 0]])


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_translation_is_recovered_from_rays(kind):
    rng = np.random.default_rng(2)
    pose = rng.normal(size=(5, 16, 3)) * 0.4
    placed = pose + rng.normal(size=(5, 1, 3)) * 0.1 + [0, 0, 1.2]
    rays = placed / np.linalg.norm(placed, axis=-1, keepdims=True)
    weights = rng.uniform(0.1, 1, (5, 16))
    # A joint without weight may be seen anywhere.
    weights[:, 1], rays[:, 1] = 0, [1, 0, 0]
    moved = fit_translation(kind(pose), kind(rays), kind(weights))
    assert np.allclose(np.asarray(moved), (placed - pose)[:, 0], atol=1e-6)
