"""Rays inside the network are those of the camera, wherever its axis and whatever its lens."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from base.cameras.ocam import OCamCamera
from base.cameras.pinhole import PinholeCamera
from base.cameras.sphere import DoubleSphereCamera
from base.errors import UserError
from base.release_camera import RELEASE_SQUARE, FisheyeCamera
from model.rays import CameraRays

CAMERAS = {
    "training": RELEASE_SQUARE.resized(160, 160),
    "plain": FisheyeCamera(60.0, 61.0, 70.0, 90.5, (0.0, 0.0, 0.0, 0.0), 160, 120),
    "turned": FisheyeCamera(-60.0, -60.0, 79.5, 79.5, (0.02, -0.01, 0.0, 0.0), 160, 160),
    "double sphere": DoubleSphereCamera(50.0, 50.0, 79.5, 79.5, -0.17, 0.59, 160, 160),
    "pinhole": PinholeCamera(60.0, 60.0, 79.5, 79.5, (-0.1, 0.01, 0.0, 0.0), 160, 160),
    "ocam": OCamCamera(79.5, 79.5, (60.0, 0.0, -5e-3), ((1.0, 0.01), (0.0, 0.9)), 160, 160, 80.0),
}


@pytest.mark.parametrize("name", CAMERAS)
def test_rays_are_the_camera_s(name):
    camera = CAMERAS[name]
    rays = CameraRays(camera)
    beside = camera.unproject(np.array([camera.cx + 1e-3, camera.cy]))
    assert rays.radians_per_side == pytest.approx(1e3 * camera.width * abs(beside[0]), rel=1e-5)
    assert not rays.state_dict()
    pixels = np.random.default_rng(0).uniform(-0.5, 159.5, (20000, 2))
    pixels = np.concatenate([pixels, [[1070.0, 90.5], [70.0, -909.5]]])  # far beyond the lens
    found = rays(torch.from_numpy(pixels).float()).numpy()
    assert np.abs(np.linalg.norm(found, axis=-1) - 1).max() < 1e-5
    error = np.abs(found - camera.unproject(pixels, clamp=True))
    assert np.quantile(error, 0.9) < 1e-6 and error.max() < 1e-4


def test_a_view_with_tangential_terms_is_refused():
    with pytest.raises(UserError, match="PinholeCamera has"):
        CameraRays(replace(CAMERAS["pinhole"], distortion=(0.0, 0.0, 1e-3, 0.0)))


def test_the_gradient_is_finite_on_the_axis_and_right_beside_it():
    camera = CAMERAS["turned"]
    rays = CameraRays(camera)
    axis = torch.tensor([79.5, 79.5], requires_grad=True)
    rays(axis).sum().backward()
    assert torch.isfinite(axis.grad).all()
    place = torch.tensor([100.0, 40.0], dtype=torch.float64)
    slope = torch.autograd.functional.jacobian(camera.unproject, place)
    ours = torch.autograd.functional.jacobian(rays, place.float())
    assert (ours - slope).abs().max() < 1e-4


def test_the_grid_holds_the_rays_of_cell_centres():
    camera = CAMERAS["plain"]
    grid = CameraRays(camera).grid(8, 10).numpy()
    # Cell (2, 7): columns 112 to 127 and rows 30 to 44 of the picture.
    assert grid.shape == (8, 10, 3)
    assert np.abs(grid[2, 7] - camera.unproject(np.array([119.5, 37.0]))).max() < 1e-5


def test_a_pixel_that_is_not_a_number_has_no_ray_and_spoils_no_other():
    rays = CameraRays(CAMERAS["training"])
    pixels = torch.tensor([[80.0, 70.0], [float("nan"), 3.0]])
    found = rays(pixels)
    assert torch.equal(found[0], rays(pixels[:1])[0]) and not torch.isfinite(found[1]).all()
