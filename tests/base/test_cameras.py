"""Every lens: agreement with OpenCV and the formulas, inverses, ranges, storage; the release's
camera in the world, and poses placed before it."""

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from base.cameras import CAMERAS, camera_from_dict, camera_to_dict
from base.cameras.camera import MAX_THETA
from base.cameras.fisheye import FisheyeCamera, ThinPrismFisheyeCamera, equidistant_camera
from base.cameras.ocam import OCamCamera
from base.cameras.pinhole import FovCamera, PinholeCamera
from base.cameras.sphere import DoubleSphereCamera, EucmCamera, UnifiedCamera
from base.registry import load_class
from base.release_camera import (
    RELEASE_CAMERA,
    euler_sxyz_to_matrix,
    fit_translation,
    matrix_to_euler_sxyz,
    world_to_camera,
)

OCAM_TERMS = (292.4, 0.0, -1.0756e-3, -2.07e-7, -4.49e-10), ((1.0, 3e-3), (-2e-3, 0.998))
OCAM = OCamCamera(615.0, 527.5, *OCAM_TERMS, 1280, 1024, 512.0)
KB4 = (0.4000314, -0.5594667, 0.7679678, -0.4383507)
BENT = FisheyeCamera(610.28, 612.9, 704, 704, KB4, 1408, 1408)
PINHOLE = PinholeCamera(600, 610, 645, 470, (-0.3, 0.1, 1e-3, -2e-3, -0.01), 1280, 960)
WIDE = PinholeCamera(420, 420, 640, 480, (0.4, 0.02, 0, 0, 0.001, 0.75, 0.1, 0.005), 1280, 960)
BRACKETS = (0.3, -0.1, 1e-3, -2e-3, 0.02, 0.1, 0.05, 0.01)
PRISM = PinholeCamera(600, 610, 645, 470, (*BRACKETS, 3e-3, -1e-3, -4e-3, 2e-3), 1280, 960)
#: The omni camera of Kalibr's and of OpenCV's documentation of cv2.omnidir.
OMNI = (-0.33519, 0.13211, 5.5967e-4, 5.7686e-4)
UNIFIED = UnifiedCamera(833.006, 830.345, 373.85, 253.749, 0.80066, OMNI, 752, 480)
#: Camera 0 of TUM-VI at 512 pixels, as Basalt comes with it.
TUM_VI = DoubleSphereCamera(158.286, 158.274, 254.961, 256.889, -0.17213, 0.593118, 512, 512)
EUCM = EucmCamera(190.9, 190.9, 254.9, 256.9, 0.62, 1.05, 512, 512)
_KALIBR = 334.23991339518517, 333.6035571683483, 368.20264278064553, 252.393048692916
FOV = FovCamera(*_KALIBR, 0.962084349711143, 752, 480)
#: A lens of the COLMAP cameras of ETH3D, and one in the range of Project Aria's.
ETH3D = ThinPrismFisheyeCamera(
    *(3411.42, 3410.02, 3041.29, 2014.07, (0.21047, 0.21102, -0.158023, 0.406856)),
    *((-5.36231e-06, 0.00051541), (-8.46499e-05, 0.0, 0.000861313, 0.0), 6048, 4032, False),
)
ARIA = ThinPrismFisheyeCamera(
    *(241.6, 241.6, 321.2, 236.3, (-0.025, 0.1, -0.07, 0.012, 0.001, -0.0004), (-0.001, 0.002)),
    *((-0.0008, 0.0005, 0.003, -0.0006), 640, 480),
)
CAMERAS_USED = {
    **{"release": RELEASE_CAMERA, "bent": BENT, "ocam": OCAM, "unified": UNIFIED},
    **{"tum-vi": TUM_VI, "eucm": EUCM, "fov": FOV, "eth3d": ETH3D, "aria": ARIA},
    **{"pinhole": PINHOLE, "wide": WIDE, "prism": PRISM},
    "ideal": PinholeCamera(300, 300, 320, 240, (), 640, 480),
}
every_camera = pytest.mark.parametrize("camera", CAMERAS_USED.values(), ids=CAMERAS_USED)


def directions(camera, count=500):
    """Unit rays all over the lens, the axis and the rim included."""
    rng = np.random.default_rng(0)
    theta, phi = rng.uniform(0, camera.max_theta, count), rng.uniform(0, 2 * np.pi, count)
    theta[:2] = 0, camera.max_theta
    return np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1)


def grid(camera, step, margin):
    """Pixels all over the picture, and so far around it."""
    sides = (np.arange(-margin, side + margin, step) for side in (camera.width, camera.height))
    return np.stack(np.meshgrid(*map(np.asarray, sides)), -1).astype(float)


def random_camera(kind, rng):
    f, picture, spread = rng.uniform(150, 900, 2), (640.0, 480.0, 1280, 960), rng.normal
    at, size = (*f, *picture[:2]), picture[2:]
    k, p = tuple(spread(0, [0.3, 0.2, 0.1, 0.05])), tuple(spread(0, 0.01, 2))
    prism, plane = tuple(spread(0, 0.01, 4)), tuple(spread(0, [0.4, 0.4, 0.01, 0.01, 0.1]))
    terms = (*plane, *spread(0, 0.3, 3), *prism)
    affine = ((1.0, 0.01), (-0.02, 0.99))
    g = (f[0], *spread(0, [0.02, 1e-3, 1e-6, 1e-9]))
    of_kind = {
        "fisheye": (*at, k[: rng.integers(5)], *size),
        "pinhole": (*at, terms[: rng.choice([0, 4, 5, 8, 12])], *size),
        "ocam": (*picture[:2], g, affine, *size, rng.uniform(200, 800)),
        "unified": (*at, rng.uniform(0, 3), plane[: rng.choice([0, 4, 5])], *size),
        "double_sphere": (*at, rng.uniform(-0.9, 1.2), rng.uniform(0, 1), *size),
        "eucm": (*at, rng.uniform(0, 1), rng.uniform(0.2, 3), *size),
        "fov": (*at, rng.uniform(0.05, 3), *size),
        "thin_prism_fisheye": (*at, k, p, prism, *size, bool(rng.integers(2))),
    }
    return load_class(CAMERAS[kind])(*of_kind[kind])


@pytest.mark.parametrize("kind", CAMERAS)
def test_inverses_of_random_lenses_are_right_or_not_a_number(kind):
    covered = 0
    rng = np.random.default_rng(1)
    for camera in (random_camera(kind, rng) for _ in range(60)):
        pixels = grid(camera, 37, 200)
        rays = camera.unproject(pixels)
        inside = np.isfinite(rays).all(-1)
        covered += inside.sum()
        back = camera.project(rays[inside])
        assert np.abs(back - pixels[inside]).max(initial=0) < 1e-6, camera
        # The other way too: the ray is the one that the pixel was made of, on no other branch.
        rays = directions(camera)
        found = camera.unproject(camera.project(rays))
        lost = np.isnan(found[:, 0])
        assert lost.mean() < 0.01 and not lost[camera.angle(rays) < 0.95 * camera.max_theta].any()
        assert np.abs(found - rays)[~lost].max() < 1e-6, camera
    assert covered > 10000


@every_camera
def test_unprojecting_undoes_projecting_up_to_the_rim_and_past_it_is_nan_or_drawn_in(camera):
    rays = directions(camera)
    pixels = camera.project(2.5 * rays)
    assert np.abs(camera.unproject(pixels, clamp=True) - rays).max() < 1e-6
    inner = camera.angle(rays) < 0.99 * camera.max_theta
    assert np.abs(camera.unproject(pixels[inner]) - rays[inner]).max() < 1e-9
    assert camera.unproject(np.ones(2)).shape == (3,)
    assert camera.unproject(np.ones((0, 3, 2))).shape == (0, 3, 3)
    assert np.isnan(camera.unproject(np.full(2, np.nan), clamp=True)[:2]).all()
    past = camera.max_theta + np.array([0.01, 0.5])
    points = [(0.6 * np.sin(theta), 0.8 * np.sin(theta), np.cos(theta)) for theta in past]
    points = np.array([*points, (0.3, 0.3, -1.0), (0.0, 0.0, -1.0)])
    assert np.isnan(camera.project(points)).all() and not camera.in_view(points).any()
    rim = np.array([0.6, 0.8, 1 / np.tan(camera.max_theta)])
    clamped = camera.project(points, clamp=True)
    assert np.isfinite(clamped).all()
    assert np.abs(clamped[:2] - camera.project(rim)).max() < 1e-6
    far = np.array([[1e5, 1e5], [-1e5, -1e4]])
    rays = camera.unproject(far, clamp=True)
    assert np.isnan(camera.unproject(far)).all() and np.allclose(np.linalg.norm(rays, axis=-1), 1)
    assert np.allclose(camera.angle(rays), camera.max_theta)
    sides = far / np.linalg.norm(far, axis=-1, keepdims=True)
    assert (np.sum(rays[:, :2] * sides, -1) > 0.95 * np.sin(camera.max_theta)).all()


def test_in_view_is_in_range_and_in_the_picture():
    camera = PinholeCamera(100, 100, 49.5, 39.5, (), 100, 80)
    inside = np.array([[-0.5, 10], [99.4, 10], [9, 79.4], [5, -0.5]])
    outside = np.array([[-0.6, 10], [99.5, 10], [9, 79.5], [5, -0.6]])
    assert camera.in_picture(inside).all() and not camera.in_picture(outside).any()
    points = np.array([[0, 0, 2.0], [0.9, 0, 2.0], [1.1, 0, 2.0], [0, 0, -2.0]])
    assert camera.in_view(points).tolist() == [True, True, False, False]


@every_camera
def test_torch_and_numpy_agree(camera):
    points = np.random.default_rng(2).normal(size=(400, 3))
    pixels = grid(camera, 50, 300)
    for method, given, off in (camera.project, points, 1e-9), (camera.unproject, pixels, 1e-12):
        for clamp in (False, True):
            expected, found = method(given, clamp), method(torch.from_numpy(given), clamp)
            np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=off)
        single = method(torch.from_numpy(given).float(), True)
        assert single.dtype == torch.float32 and single.isfinite().all()
    rays = torch.from_numpy(directions(camera)).float()
    middle = camera.angle(rays) < 0.9 * camera.max_theta
    assert (camera.unproject(camera.project(rays)) - rays)[middle].abs().max() < 1e-4
    inner = 2 * torch.from_numpy(directions(camera)[10:14]) * torch.tensor([0.9, 0.9, 1.0])
    assert torch.autograd.gradcheck(camera.project, inner.requires_grad_(), atol=1e-4)


@every_camera
def test_storing_loses_nothing_and_crop_and_resize_move_pixels_by_their_areas(camera):
    points = directions(camera)
    assert camera_from_dict(json.loads(json.dumps(camera_to_dict(camera)))) == camera
    moved = camera.cropped(100, 50, 400, 300).resized(800, 150)
    assert (moved.width, moved.height) == (800, 150)
    # The left edge -0.5 of the window stays the left edge of the resized picture.
    expected = (camera.project(points) - [100, 50] + 0.5) * [2.0, 0.5] - 0.5
    assert np.abs(moved.project(points) - expected).max() < 1e-6


def seen_by_opencv(camera, points, terms, project=cv2.projectPoints):
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    return project(points[:, None], np.zeros(3), np.zeros(3), matrix, np.array(terms))[0][:, 0]


@pytest.mark.parametrize("camera", [RELEASE_CAMERA, PINHOLE, WIDE, PRISM])
def test_lenses_agree_with_opencv(camera):
    points = directions(camera)[2:]
    points = points[points[:, 2] > 0.02]
    if camera is RELEASE_CAMERA:
        expected = seen_by_opencv(camera, points, camera.k, cv2.fisheye.projectPoints)
    else:
        expected = seen_by_opencv(camera, points, camera.distortion)
    assert np.abs(camera.project(points) - expected).max() < 1e-4


#: Pixels of POINTS by COLMAP 4.2.1 (pycolmap, img_from_cam), to which Project Aria's own
#: projectaria_tools 2.3.0 agrees for its lens.
POINTS = np.array([[0.3, -0.2, 1.0], [-1.1, 0.7, 1.0], [0.9, 1.3, 0.8]])
COLMAP = """
eth3d 4051.54825189 1341.30768484  -739.64031523 4422.36622427  7692.19624946 8730.25736865
aria 390.7896109 189.9867443  132.83444669 356.69519024  476.38169185 460.02358174
fov 472.25843883 183.15459189  93.52860102 426.85283479  589.57722253 571.54753625
eucm 309.91642412 220.22238392  106.46316324 351.35980521  375.52790695 431.14031004
"""


@pytest.mark.parametrize("row", COLMAP.strip().splitlines())
def test_lenses_agree_with_colmap(row):
    name, *pixels = row.split()
    off = CAMERAS_USED[name].project(POINTS) - np.array(pixels, float).reshape(3, 2)
    assert np.abs(off).max() < 2e-8


def test_the_unified_and_double_sphere_lenses_follow_their_geometry():
    unified = replace(UNIFIED, distortion=(*UNIFIED.distortion, 0.05))
    rays = directions(unified)
    plane = rays + np.array([0, 0, unified.xi])
    expected = seen_by_opencv(unified, plane / plane[:, 2:], unified.distortion)
    assert np.abs(unified.project(rays) - expected).max() < 1e-6
    # From the first sphere's centre to the second's, and to that of projection.
    rays, alpha = directions(TUM_VI), TUM_VI.alpha
    second = rays + np.array([0, 0, TUM_VI.xi])
    second /= np.linalg.norm(second, axis=-1, keepdims=True)
    plane = second[:, :2] / (second[:, 2:] + alpha / (1 - alpha)) / (1 - alpha)
    expected = plane * [TUM_VI.fx, TUM_VI.fy] + [TUM_VI.cx, TUM_VI.cy]
    assert np.abs(TUM_VI.project(rays) - expected).max() < 1e-9


def test_ranges_end_where_the_lens_turns():
    # θ (1 - 0.3 θ²) turns at 1 / √0.9; the release's polynomial past 100°.
    folding = FisheyeCamera(300, 300, 320, 240, (-0.3, 0.0, 0.0, 0.0), 640, 480)
    assert folding.max_theta == pytest.approx((1 / 0.9) ** 0.5, abs=1e-3)
    assert RELEASE_CAMERA.max_theta == MAX_THETA == pytest.approx(np.radians(100))
    # A fisheye lens that falls from the start has no range to speak of.
    assert replace(folding, k=(-1e6, 0, 0, 0)).max_theta < 0.001
    # The slope of r (1 - 0.3 r²) falls to a tenth at r = 1.
    barrel = PinholeCamera(300, 300, 320, 240, (-0.3, 0, 0, 0), 640, 480)
    assert np.tan(barrel.max_theta) == pytest.approx(1.0, abs=2e-3)
    assert np.degrees(replace(barrel, distortion=()).max_theta) == pytest.approx(85)
    # r / (1 - r²) has a pole at r = 1, and rises again past it; at r = 0.9592 it is 12.
    pole = replace(barrel, distortion=(0, 0, 0, 0, 0, -1.0, 0, 0))
    assert np.tan(pole.max_theta) == pytest.approx(0.9592, abs=1e-3)
    # Opposite to (p2, p1) the slope is 1 - 6 · 0.1 · r, a tenth at r = 1.5.
    bent = replace(barrel, distortion=(0, 0, 0.06, -0.08))
    assert np.tan(bent.max_theta) == pytest.approx(1.5, abs=0.01)
    # Depth 100 at every radius: 45° at the image circle; falling depth: 100° and no further.
    flat = replace(OCAM, polynomial=(100.0,), radius=100.0)
    assert np.degrees(flat.max_theta) == pytest.approx(45)
    deep = replace(OCAM, polynomial=(100.0, -1.0), radius=500.0)
    assert np.degrees(deep.max_theta) == pytest.approx(100, abs=0.1)
    turning = replace(OCAM, polynomial=(100.0, 0.0, 0.01), radius=500.0)
    assert np.degrees(turning.max_theta) == pytest.approx(np.degrees(np.arctan(0.5)), abs=0.01)


def test_ranges_of_sphere_lenses_are_those_of_their_authors():
    unified = replace(UNIFIED, xi=8.0, distortion=())
    assert np.cos(unified.max_theta) == pytest.approx(-1 / 8, abs=1e-3)
    assert np.tan(replace(unified, xi=0.0).max_theta) == pytest.approx(12, rel=0.01)
    # Usenko et al., equation 50: rays are defined up to r² = 1 / (2 α - 1).
    steep = replace(TUM_VI, xi=-0.2, alpha=0.95)
    assert steep.max_radius == pytest.approx(0.9**-0.5, abs=1e-5)
    # x / d: the orthographic lens.
    assert replace(EUCM, alpha=1.0, beta=1.0).max_theta == pytest.approx(np.pi / 2, abs=1e-3)
    assert FOV.max_theta == np.pi / 2


@pytest.mark.parametrize(
    ("camera", "change", "message"),
    [
        (PINHOLE, {"distortion": (-0.3, 0, 0)}, "3 distortion terms"),
        (UNIFIED, {"distortion": (-0.3,)}, "1 distortion terms"),
        (UNIFIED, {"xi": -0.1}, "xi is -0.1"),
        (TUM_VI, {"xi": -1.0}, "xi is -1.0"),
        (TUM_VI, {"alpha": 1.1}, "alpha 1.1"),
        (EUCM, {"beta": 0.0}, "beta 0.0"),
        (FOV, {"omega": 55.0}, "in radians"),
        (ARIA, {"s": (0.0, 0.0)}, "s.2 is missing"),
        (OCAM, {"affine": ((1, 0), (0,))}, "affine"),
        (OCAM, {"affine": ((1, 1), (1, 1))}, "affine is"),
        (BENT, {"model": "cube"}, "there is fisheye, pinhole, .*, but no 'cube'"),
        (BENT, {"model": "pinhole"}, "distortion is missing"),
        (BENT, {"s": 1.0}, "unknown key s"),
        (BENT, {"model": ["a"]}, r"but no \['a'\]"),
        (BENT, {"fx": [200]}, r"fx: .* number, not \[200\]"),
        (BENT, {"k": 3}, "k: .*, not 3"),
        (BENT, {"k": [1, [2, 3]]}, r"k.1: .* number, not \[2, 3\]"),
        (PINHOLE, {"fx": math.inf}, "fx: .* finite"),
        (PINHOLE, {"height": 2**15}, "^height: .*, not 32768"),
        (PINHOLE, {"height": 10.5}, "^height: .*, not 10.5"),
        (PINHOLE, {"width": -1}, "^width: .*, not -1"),
    ],
)
def test_what_no_lens_has_is_refused(camera, change, message):
    with pytest.raises(ValueError, match=message):
        camera_from_dict(camera_to_dict(camera) | change)


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
    rays = [[0, 0, 1], [0.5, 0, 0.75**0.5], [1, 0, 0]]  # 0°, 30° and 90°
    pixels = [[320, 240], [320 + 230 / 3, 240], [550, 240]]
    assert np.allclose(camera.project(np.array(rays)), pixels)
    for radius, fov in ((0, 180), (-1, 180), (100, 0), (100, 360)):
        with pytest.raises(ValueError, match="no lens"):
            equidistant_camera(640, 480, (320, 240), radius, fov)


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
