"""Pixel facts of a drawn frame: which colour stands where; and films that browsers play."""

import os
from contextlib import closing
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from sample_poses import standing

from base.release_camera import RELEASE_SQUARE
from base.skeleton import HEAD, JOINTS, NECK
from utils.drawing.frame_painter import DrawnPose, FramePainter, Viewpoint, draw_legend
from utils.drawing.skeleton_pen import draw_skeleton
from utils.drawing.style import BACKDROP, PAPER, PREDICTED, TRUTH
from utils.drawing.text import draw_text
from utils.drawing.write import VideoFile

GREY = np.full((800, 800, 3), 90, np.uint8)
CAMERA = RELEASE_SQUARE.resized(800, 800)
HANDS, ELBOWS, FEET, ARMS, HIPS = (
    [JOINTS.index(f"Left{part}"), JOINTS.index(f"Right{part}")]
    for part in ("Hand", "ForeArm", "Foot", "Arm", "UpLeg")
)


PAINTER = FramePainter()


def on_square(joints3d: np.ndarray) -> DrawnPose:
    return DrawnPose.through_camera(joints3d, CAMERA)


def colour_at(picture: np.ndarray, point: np.ndarray) -> np.ndarray:
    x, y = np.rint(point).astype(int)
    return picture[y, x].astype(int)


def places_of(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """(n, 2) pixels (x, y) of about that colour."""
    return np.argwhere(np.abs(picture.astype(int) - colour).max(-1) < 12)[:, ::-1]


def panels(*poses: DrawnPose) -> tuple[np.ndarray, np.ndarray]:
    """The picture and the 3D view, without caption and legend."""
    body = PAINTER.paint(GREY, *poses)[PAINTER.header : PAINTER.header + PAINTER.side]
    return body[:, :-480], body[:, -480:]


def test_joints_and_bones_are_in_the_hue_of_their_pose_and_the_shade_of_their_side():
    truth, predicted = standing(), standing()
    predicted[[*HANDS, *ELBOWS], 2] += 0.3
    predicted[[NECK, HEAD], 0] += 0.06
    # The floor is that of the truth: legs below it do not lift the poses.
    predicted[8:, 2] += 0.4
    left, right = panels(on_square(predicted), on_square(truth))
    bodies = [truth - truth[NECK], predicted - predicted[NECK]]
    floor = np.append(bodies[0][FEET, :2].mean(0) / 2, bodies[0][:, 2].max())
    view = Viewpoint(480, 640, np.vstack(bodies) - floor)
    for pose, body, shades in zip((truth, predicted), bodies, (TRUTH, PREDICTED), strict=True):
        # The camera's formula for pixels of 800, moved to pixels of 640.
        pixels = (CAMERA.project(pose) + 0.5) * 0.8 - 0.5
        seen = view.project(body - floor)[:, :2]
        for panel, points in ((left, pixels), (right, seen)):
            for hand, elbow, shade in zip(HANDS, ELBOWS, shades[1:], strict=True):
                for place in (points[hand], points[[hand, elbow]].mean(0)):
                    assert np.abs(colour_at(panel, place) - shade).max() < 40
            # x to the wearer's left is right in both panels.
            assert points[HANDS[0], 0] > points[NECK, 0] > points[HANDS[1], 0]
    bones = ([NECK, HEAD], 0), ([NECK, ARMS[0]], 1), ([NECK, ARMS[1]], 2), (HIPS, 0)
    for ends, shade in bones:
        middle = colour_at(right, seen[ends].mean(0))
        assert np.abs(middle - PREDICTED[shade]).max() < 40


def seen_by(kind: str, colour: np.ndarray) -> np.ndarray:
    """L*a*b* of colours (n, 3) as eyes without one kind of cone see them: Machado et al. (2009)."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    linear = (linear @ np.reshape(CONES[kind], (3, 3)).T).clip(0, 1)
    return cv2.cvtColor(linear[None].astype(np.float32), cv2.COLOR_LRGB2LAB)[0]


CONES = {
    "all": np.eye(3),
    "protanopia": (0.152, 1.053, -0.205, 0.115, 0.786, 0.099, -0.004, -0.048, 1.052),
    "deuteranopia": (0.367, 0.861, -0.228, 0.280, 0.673, 0.047, -0.012, 0.043, 0.969),
    "tritanopia": (1.256, -0.077, -0.179, -0.078, 0.931, 0.148, 0.005, 0.691, 0.304),
}


@pytest.mark.parametrize("kind", CONES)
def test_hues_and_sides_are_told_apart_by_colour_blind_eyes(kind):
    shades = seen_by(kind, np.array([*PREDICTED, *TRUTH]) / 255)
    gaps = np.linalg.norm(shades[:, None] - shades[None], axis=-1)
    assert gaps[:3, 3:].min() > 50 and min(gaps[1, 2], gaps[4, 5]) > 30


@pytest.mark.parametrize("near", [0, 1])
def test_what_is_near_is_drawn_over_what_is_far(near):
    points, depth, canvas = np.full((16, 2), np.nan), np.full(16, 5.0), GREY[:100, :100].copy()
    points[HANDS], points[NECK], depth[HANDS[near]] = [50.0, 50.0], [50.0, 10.0], 4.0
    draw_skeleton(canvas, points, PREDICTED, PAPER, 1.0, depth)
    assert np.abs(colour_at(canvas, points[HANDS[0]]) - PREDICTED[1 + near]).max() < 5


def test_confidence_is_opacity_of_joints_and_of_bones_between_them():
    points, sure, canvas = np.full((16, 2), np.nan), np.full(16, 1.0), GREY[:100, :100].copy()
    points[HANDS[0]], points[ELBOWS[0]], sure[HANDS[0]] = [20, 50], [80, 50], 0.0
    draw_skeleton(canvas, points, PREDICTED, PAPER, 1.0, confidence=sure)
    # A joint of confidence 0 is still a fifth of its colour.
    faint = 90 + 0.2 * (np.array(PREDICTED[1]) - 90)
    for x, colour in ((20, faint), (50, faint), (80, PREDICTED[1])):
        assert colour_at(canvas, (x, 50)) == pytest.approx(np.array(colour), abs=2)
    assert (canvas[:30] == 90).all()


SHAPES = [
    ([1280, 800], [1024, 640]),
    ([300, 900], [214, 640]),
    ([1000, 100], [2560, 640]),
    ([100, 1000], [160, 640]),
]


@pytest.mark.parametrize(("shape", "size"), np.array(SHAPES))
def test_joints_stay_in_place_on_pictures_of_any_shape(shape, size):
    joints2d, image = np.full((16, 2), np.nan), np.full((*shape[::-1], 3), 90, np.uint8)
    joints2d[NECK] = shape * [0.5, 0.25] - 0.5
    panel = PAINTER.picture(image, [(DrawnPose(joints2d, np.zeros((16, 3))), PREDICTED)])
    assert panel.shape[1::-1] == tuple(size)
    expected = size * [0.5, 0.25] - 0.5
    assert places_of(panel, PREDICTED[0]).mean(0) == pytest.approx(expected, abs=0.6)


def test_joints_without_a_place_are_left_out_and_the_rest_is_drawn():
    behind, gone = standing(), on_square(standing())
    behind[HEAD] = [0.0, -0.3, -0.2]
    pose = on_square(behind)
    assert np.isnan(pose.joints2d).all(1).nonzero()[0].tolist() == [HEAD]
    gone.joints2d[HANDS[0]] = gone.joints3d[HANDS[0]] = np.nan
    gone.joints2d[HEAD] = 1e12  # would wrap around in OpenCV's integers
    panel, _ = panels(gone)
    points = (pose.joints2d + 0.5) * 0.8 - 0.5
    for place in (points[HANDS[0]], (2 * points[HANDS[0]] + points[ELBOWS[0]]) / 3):
        assert np.abs(colour_at(panel, place) - 90).max() < 5
    assert np.abs(colour_at(panel, points[NECK]) - PREDICTED[0]).max() < 40
    nothing = DrawnPose(np.full((16, 2), np.nan), np.full((16, 3), np.nan))
    empty, view = panels(nothing)
    assert (empty == 90).all() and not len(places_of(view, PREDICTED[0]))


RAISED = standing()
RAISED[HANDS, 2] -= 1.2
EXTREME = {
    "arms raised": (RAISED, standing()),
    "lying": (standing()[:, [0, 2, 1]] * [1, 1, -1], standing()),
    "predicted below the floor": (standing(), standing() + np.linspace(0, 1, 16)[:, None]),
    "predicted far off": (standing(), 4 * standing()),
    "part unknown": (np.where(np.arange(16)[:, None] < 6, standing(), np.nan), standing()),
}


@pytest.mark.parametrize("name", EXTREME)
def test_the_view_holds_both_bodies_and_the_floor(name, monkeypatch):
    views, project = [], Viewpoint.project

    def noted(view, points):
        views.append(project(view, points))
        return views[-1]

    monkeypatch.setattr(Viewpoint, "project", noted)
    poses = [DrawnPose(np.zeros((16, 2)), pose - pose[NECK]) for pose in EXTREME[name]]
    picture = PAINTER.view([*zip(poses, (TRUTH, PREDICTED), strict=True)])
    # What was drawn by the final view: floor, shadows and bodies, at least 4 % from each edge.
    drawn = np.vstack([places[:, :2] for places in views[1:]])
    drawn = drawn[np.isfinite(drawn).all(1)]
    assert picture.shape == (640, 480, 3) and len(drawn) > 50
    assert drawn.min() > 18 and (drawn.max(0) < [480 - 18, 640 - 18]).all()
    picture[10:-10, 10:-10] = BACKDROP
    assert (picture == BACKDROP).all()  # the border
    # What is there fills one side of the panel.
    assert 0.65 < (np.ptp(drawn, 0) / [480, 640]).max() < 0.901


def test_the_eye_is_in_front_of_the_wearer_to_their_left_and_stands_still_for_small_poses():
    pose = standing() - [0.0, 0.0, standing()[:, 2].max()]
    view = Viewpoint(480, 640, pose[:0])
    points = view.project(pose)
    assert points[HEAD, 1] < points[NECK, 1] < points[JOINTS.index("LeftLeg"), 1]
    # It sees the left hand nearer than the right one, and than the body behind it.
    assert points[HANDS[0], 2] < min(points[HANDS[1], 2], points[NECK, 2])
    bent = pose * [0.8, 1.0, 0.8]
    assert np.array_equal(Viewpoint(480, 640, bent).project(bent), view.project(bent))


def test_the_legend_names_hues_and_shades_of_what_is_there():
    def tones(*shown: bool) -> list[int]:
        legend = draw_legend(1120, 1.0, *shown)
        assert legend.shape == (36, 1120, 3)
        found = [places_of(legend, shade) for shade in (*PREDICTED[1:], *TRUTH[1:])]
        return [round(places[:, 0].mean()) if len(places) > 50 else 0 for places in found]

    places = tones(True, True)
    assert all(places) and places == sorted(places)
    assert tones(True, False) == [*places[:2], 0, 0] and tones(False, False) == [0, 0, 0, 0]


def test_the_caption_holds_title_and_note_and_cuts_what_is_too_long():
    written = PAINTER.paint(GREY, None, title="walking " * 60, note="MPJPE 43.2 mm")
    ink = (written[: PAINTER.header] < 128).all(-1).any(0)
    assert ink[:300].any() and ink[-150:].any() and not ink[:8].any() and not ink[-8:].any()
    assert (PAINTER.paint(GREY, None)[: PAINTER.header] == 255).all()


@pytest.mark.parametrize("place", [(-20, -3), (90, 28), (30, 15)])
def test_text_outside_the_canvas_is_cut_off_where_it_ends(place):
    large, small = np.zeros((230, 300, 3), np.uint8), np.zeros((30, 100, 3), np.uint8)
    draw_text(large, "frame 12", (place[0] + 100, place[1] + 100), 20, PAPER)
    draw_text(small, "frame 12", place, 20, PAPER)
    assert small.any() and np.array_equal(small, large[100:130, 100:200])


def film(path, fps, shape, count=20):
    """Blue enters over red from the left."""
    with closing(VideoFile(path, fps)) as video:
        for number in range(count):
            picture = np.full((*shape, 3), (255, 0, 0), np.uint8)
            picture[:, : shape[1] * number // count] = 0, 0, 255
            video.add(picture)


@pytest.mark.parametrize(
    ("fps", "rate"),
    [(29.97002997002997, Fraction(30000, 1001)), (12.5, Fraction(25, 2)), (0.5, 0.5)],
)
def test_films_are_h264_of_the_right_rate_size_and_colours(tmp_path, fps, rate):
    path = tmp_path / os.fsdecode(b"a\xff:b.mp4")
    film(path, fps, (101, 161))
    with path.open("rb") as file, av.open(file) as container:
        [stream] = container.streams
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.frames) == (160, 100, 20)
        assert stream.average_rate == rate == 20 / (stream.duration * stream.time_base)
        of = stream.codec_context
        assert (of.colorspace, of.color_range, of.color_primaries) == (1, 1, 1)
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for number, frame in enumerate(np.array(frames, int)):
        edge = 161 * number // 20
        assert np.abs(frame[:, edge + 8 :] - (255, 0, 0)).max(initial=0) < 12
        assert np.abs(frame[:, : max(0, edge - 8)] - (0, 0, 255)).max(initial=0) < 12
    content = path.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    film(tmp_path / "none.mp4", fps, (100, 160), count=0)
    assert not (tmp_path / "none.mp4").exists()
