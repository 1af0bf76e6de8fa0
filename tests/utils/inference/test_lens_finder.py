"""Which lens a picture was taken with, by its image circle or by what is stated."""

import cv2
import numpy as np
import pytest
from commands import refused

from base.cameras.fisheye import equidistant_camera
from base.errors import UserError
from base.headset import load_headset
from base.release_camera import RELEASE_CAMERA, RELEASE_SQUARE
from dataset.lens_warp import RIM, CameraWarp
from dataset.square_crop import SquareCrop
from utils.inference.image_circle import find_image_circle
from utils.inference.lens_finder import LensFinder


def fisheye_picture(width, height, centre, radius, seed=0, dark=12):
    """Things of all brightnesses in a disc, on a sensor that is not quite black."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (12, 16, 3), np.uint8)
    scene = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:height, :width]
    lit = np.clip(radius - np.hypot(x - centre[0], y - centre[1]), 0, 1)[..., None]
    noise = rng.normal(dark, 1.5, scene.shape)
    return np.clip(scene * lit + noise * (1 - lit), 0, 255).astype(np.uint8)


def through(camera):
    rim = camera.project(np.array([np.sin(RIM), 0.0, np.cos(RIM)]))[0] - camera.cx
    return fisheye_picture(camera.width, camera.height, (camera.cx, camera.cy), rim)


@pytest.mark.parametrize(
    "width, height, centre, radius",
    [
        (1280, 1024, (615.0, 527.0), 500.0),  # the rim cut off at the bottom
        (640, 480, (318.0, 243.0), 200.0),
        (1024, 1024, (487.0, 527.0), 500.0),
    ],
)
def test_the_image_circle_is_found(width, height, centre, radius):
    pictures = [fisheye_picture(width, height, centre, radius, seed) for seed in range(3)]
    for seen in (pictures[:1], pictures):
        circle = find_image_circle(seen)
        found = np.array([circle.x, circle.y, circle.radius])
        assert np.abs(found - [*centre, radius]).max() < 0.015 * radius


def test_no_circle_is_seen_where_there_is_none():
    scene = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    box = np.zeros((480, 640, 3), np.uint8)
    box[100:300, 200:500] = 200
    # A quarter of a rim is needed.
    sliver = fisheye_picture(640, 480, (320, 240), 200)
    sliver[60:] = sliver[0, 0]
    for picture in (cv2.resize(scene, (640, 480)), np.zeros_like(box), box, sliver):
        assert find_image_circle([picture]) is None


TARGET = RELEASE_SQUARE.resized(64, 64)


def view(picture, **options):
    """What is known of a picture's lens, and the network's view of it."""
    lens = LensFinder(**options).find([picture])
    return lens, lens.view(TARGET)


@pytest.mark.parametrize(
    "picture, transform, assumed, lens",
    [
        (through(RELEASE_CAMERA), SquareCrop, False, "by its image circle"),
        (through(RELEASE_SQUARE.resized(400, 400)), SquareCrop, False, "by its image circle"),
        # Equidistant, 180 degrees across the height; and the release's lens but for its place.
        (
            *(fisheye_picture(1280, 800, (640, 400), 400), CameraWarp, True),
            "px found at (640, 400), unlike the training camera's",
        ),
        (
            *(fisheye_picture(1280, 800, (600, 400), 459), CameraWarp, True),
            "px found at (600, 400), unlike the training camera's",
        ),
        (np.full((400, 400, 3), 90, np.uint8), SquareCrop, True, "assumed by its shape"),
    ],
)
def test_the_training_camera_is_known_by_its_circle_or_assumed(picture, transform, assumed, lens):
    found, seen = view(picture)
    assert (type(seen), found.assumed) == (transform, assumed)
    assert lens in found.lens


def test_another_fisheye_is_taken_for_equidistant_and_that_is_said():
    found, seen = view(fisheye_picture(640, 480, (318, 243), 200))
    assert isinstance(seen, CameraWarp) and found.assumed
    assert "no calibration" in found.lens and "180° assumed" in found.lens
    # The rim of the circle is 90° off axis, whichever way.
    rim = np.array([[118.0, 243.0], [318.0, 43.0]])
    angles = np.degrees(seen.source.angle(seen.source.unproject(rim)))
    assert np.abs(angles - 90).max() < 2
    stated, seen = view(fisheye_picture(640, 480, (318, 243), 200), fov=150)
    angles = np.degrees(seen.source.angle(seen.source.unproject(rim)))
    assert np.abs(angles - 75).max() < 2 and "150° as stated" in stated.lens


def test_without_any_hint_the_picture_is_shown_as_it_is_and_that_is_said():
    plain = np.full((480, 640, 3), 200, np.uint8)
    found, seen = view(plain)
    assert isinstance(seen, SquareCrop) and found.assumed and "--camera" in found.lens
    refused("no image circle is seen in pictures of 640×480", view, plain, camera="circle")
    wide = view(plain, camera="circle", fov=160)[1].source
    assert np.degrees(wide.angle(wide.unproject(np.array([-0.5, 239.5])))) == pytest.approx(80)


HEADSET = """
camera: {model: fisheye, fx: 250, fy: 251, cx: 395, cy: 310, k: [0.01, 0, 0, 0],
         width: 800, height: 600}
position: [0, 5, 8]
forward: 20
left: -10
rotate: 180
fov: 130
"""


def test_a_headset_says_lens_mount_and_field_of_view(tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text(HEADSET)
    headset = load_headset(path)
    # Pictures of half the size; the view of a network that was trained with another camera.
    target = equidistant_camera(96, 96, (47.5, 47.5), 48, 180)
    lens = LensFinder(headset=str(path)).find([np.zeros((300, 400, 3), np.uint8)])
    seen = lens.view(target)
    assert "mine" in lens.lens and not lens.assumed and lens.headset.position == (0, 5, 8)
    rays = np.random.default_rng(0).normal([0, 0, 1.0], 0.4, (300, 3))
    turned = rays @ headset.rotation.T
    inner = headset.camera.angle(turned) < np.radians(64)
    places = (headset.camera.project(turned) + 0.5) / 2 - 0.5
    assert 100 < inner.sum() < 290
    assert np.abs(seen.points(places) - target.project(rays))[inner].max() < 1e-6
    # Beyond the stated field of view nothing is shown.
    x, y = np.round(target.project(rays, clamp=True)).astype(int).T
    outer = (headset.camera.angle(turned) > np.radians(67)) & (target.angle(rays) < 1.5)
    assert seen.seen[y[inner], x[inner]].all() and not seen.seen[y[outer], x[outer]].any()
    with pytest.raises(UserError, match="a picture of 400×400 is neither"):
        LensFinder(headset=str(path)).find([np.zeros((400, 400, 3), np.uint8)])


@pytest.mark.parametrize(
    "options, message",
    [
        ({"camera": "training", "fov": 180}, "--camera training has one"),
        ({"fov": 500}, "--fov 500"),
        ({"headset": "xr-egopose", "rotate": 0.0}, "--headset says it all"),
        ({"headset": "nowhere"}, "--headset nowhere"),
        ({"rotate": float("nan")}, "--rotate nan"),
        ({"mount": (1, (2, 3))}, r"--mount \(1, \(2, 3\)\): left: .* a valid number"),
        ({"mount": (0, float("inf"))}, "left: "),
        ({"mount": (70, 70)}, "tilted by more than 80°"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    refused(message, LensFinder, **options)
