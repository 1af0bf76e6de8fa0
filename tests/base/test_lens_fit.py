"""Lenses fitted to labels."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import refused
from scipy.spatial.transform import Rotation

from base.cameras.fisheye import ThinPrismFisheyeCamera
from base.headset import load_headset
from base.lens_fit import fit_lens
from base.release_camera import RELEASE_CAMERA

LABELS = Path(__file__).parents[2].parent / "shared/other_sets/egobody3m"
with_labels = pytest.mark.skipif(not LABELS.exists(), reason="EgoBody3M's labels are not here")
SIZES = ((636, 480), (1280, 1024), (1280, 1024), (636, 480))


def seen_points(camera, rotation, position, count=60):
    """Points in view, in another frame than the camera's, and their pixels and depths."""
    rng = np.random.default_rng(0)
    points = rng.uniform((-80, -60, -170), (80, 90, 0), (400, 3))
    inside = (points - position) @ rotation.T
    pixels = camera.project(inside)
    good = np.flatnonzero((inside[:, 2] > 1) & camera.in_picture(pixels))[:count]
    return points[good], pixels[good], inside[good, 2]


@pytest.mark.parametrize("with_depth", [False, True])
@pytest.mark.parametrize("turn", [(0, 180, 0), (200, 10, -50)])
def test_a_known_lens_and_place_are_found_again(turn, with_depth):
    k, p, s = (0.02, -0.01, 0.0, 0.0), (0.002, -0.001), (0.0,) * 4
    camera = ThinPrismFisheyeCamera(300.0, 300.0, 410.0, 395.0, k, p, s, 800, 800)
    rotation = Rotation.from_euler("XYZ", turn, degrees=True).as_matrix()
    position = np.array([3.0, 5.0, -8.0])
    points, pixels, depth = seen_points(camera, rotation, position)
    fit = fit_lens(points, pixels, 800, 800, depth if with_depth else None)
    assert fit.off(points, pixels).max() < 0.02
    np.testing.assert_allclose(fit.rotation, rotation, atol=2e-3)
    np.testing.assert_allclose(fit.position, position, atol=0.1)
    assert fit.camera.fx == pytest.approx(300, abs=0.5)
    np.testing.assert_allclose(((points - fit.position) @ fit.rotation.T)[:, 2], depth, atol=0.1)


def test_labels_that_determine_no_lens_are_refused():
    rotation, position = np.diag([1.0, -1.0, -1.0]), np.zeros(3)
    points, pixels, _ = seen_points(RELEASE_CAMERA, rotation, position)
    refused("needs 15", fit_lens, points[:14], pixels[:14], 1280, 800)
    flat = points * (1, 1, 0) - (0, 0, 100)
    refused("one plane", fit_lens, flat, RELEASE_CAMERA.project(flat @ rotation), 1280, 800)
    refused("one place", fit_lens, points * 0, pixels, 1280, 800)


def egobody3m(camera):
    """(N, 3) joints in the axes of the headset, centimetres (x left, y up, z ahead), and (N, 3)
    pixels and depth, of those before a camera: behind it labels are mirrored."""
    joints, labels = [], []
    for path in sorted(LABELS.glob("*/frame*.json")):
        frame = json.loads(path.read_text())
        world = np.array(frame["world_from_headset_xf_cm"])
        joints.append((np.array(frame["joint_positions_world_cm"]) - world[:3, 3]) @ world[:3, :3])
        labels.append(frame[f"projected_joint_positions_cam{camera}_px"])
    joints, labels = np.concatenate(joints), np.concatenate(labels)
    return joints[labels[:, 2] > 0], labels[labels[:, 2] > 0]


@with_labels
@pytest.mark.parametrize("camera", range(4))
def test_a_lens_reproduces_the_labels_of_egobody3m(camera):
    joints, labels = egobody3m(camera)
    fit = fit_lens(joints, labels[:, :2], *SIZES[camera], labels[:, 2])
    points = (joints - fit.position) @ fit.rotation.T
    np.testing.assert_allclose(points[:, 2], labels[:, 2], atol=0.01)
    pixels = fit.camera.project(points)
    seen = np.isfinite(pixels).all(-1)
    # The labels of camera 2 were made with a lens that folds over at 82°: beyond, it sees nothing.
    assert seen.all() if camera != 2 else seen.sum() > 30
    assert np.abs(pixels - labels[:, :2])[seen].max() < 0.3


@with_labels
def test_the_profile_reproduces_the_labels_of_egobody3m():
    joints, labels = egobody3m(0)
    headset = load_headset("egobody3m")
    left, up, ahead = (joints - (0, -3.5, 2.5) - headset.position).T  # the nose as assumed there
    pixels = headset.camera.project(np.stack([left, ahead, -up], -1) @ headset.rotation.T)
    assert np.abs(pixels - labels[:, :2]).max() < 0.3
