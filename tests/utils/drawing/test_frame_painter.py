"""Pixel facts of a drawn frame: which colour stands where."""

import numpy as np
import pytest
from sample_poses import standing

from base.release_camera import RELEASE_SQUARE
from base.skeleton import HEAD, JOINTS, NECK
from utils.drawing import skeleton_pen
from utils.drawing.frame_painter import DrawnPose, FramePainter, Viewpoint
from utils.drawing.style import PAPER, PREDICTED, TRUTH
from utils.drawing.text import draw_text

GREY = np.full((800, 800, 3), 90, np.uint8)
CAMERA = RELEASE_SQUARE.resized(800, 800)
HANDS = [JOINTS.index("LeftHand"), JOINTS.index("RightHand")]
ELBOWS = [JOINTS.index("LeftForeArm"), JOINTS.index("RightForeArm")]
FEET = [JOINTS.index("LeftFoot"), JOINTS.index("RightFoot")]


@pytest.fixture(scope="module")
def painter() -> FramePainter:
    return FramePainter()


def on_square(joints3d: np.ndarray) -> DrawnPose:
    return DrawnPose.through_camera(joints3d, CAMERA)


def colour_at(picture: np.ndarray, point: np.ndarray) -> np.ndarray:
    x, y = np.rint(point).astype(int)
    return picture[y, x].astype(int)


def places_of(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """(n, 2) pixels (x, y) of about that colour."""
    return np.argwhere(np.abs(picture.astype(int) - colour).max(-1) < 12)[:, ::-1]


def panels(painter: FramePainter, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture and the 3D view, without caption and legend."""
    body = picture[painter.header : painter.header + painter.side]
    return body[:, : -painter.side], body[:, -painter.side :]


def test_left_is_filled_and_right_hollow_in_the_colour_of_its_pose_in_both_panels(painter):
    truth, predicted = standing(), standing()
    predicted[[*HANDS, *ELBOWS], 2] += 0.3
    # The floor is that of the truth: legs below it do not lift the poses.
    predicted[8:, 2] += 0.4
    left, right = panels(painter, painter.paint(GREY, on_square(predicted), on_square(truth)))
    centred = truth - truth[NECK]
    floor = np.append(centred[FEET, :2].mean(0) / 2, centred[:, 2].max())
    for pose, colour in ((predicted, PREDICTED), (truth, TRUTH)):
        # The camera's formula for pixels of 800, moved to pixels of 640.
        pixels = (CAMERA.project(pose) + 0.5) * 0.8 - 0.5
        seen = Viewpoint(640).project(pose - pose[NECK] - floor)[:, :2]
        for panel, points in ((left, pixels), (right, seen)):
            for hand, elbow, core in zip(HANDS, ELBOWS, (colour, PAPER), strict=True):
                for place in (points[hand], points[[hand, elbow]].mean(0)):
                    assert np.abs(colour_at(panel, place) - core).max() < 40
            # x to the wearer's left is right in both panels.
            assert points[HANDS[0], 0] > points[NECK, 0] > points[HANDS[1], 0]


def test_hands_and_toes_carry_the_letter_of_their_side(monkeypatch):
    letters = []

    def note(canvas, text, place, *_, **__):
        letters.append((text, place))

    monkeypatch.setattr(skeleton_pen, "draw_text", note)
    points = on_square(standing()).joints2d
    skeleton_pen.SkeletonPen(1.0).draw(GREY.copy(), points, PREDICTED, PAPER)
    nearest = [JOINTS[np.hypot(*(points - place).T).argmin()] for _, place in letters]
    assert sorted(nearest) == ["LeftHand", "LeftToeBase", "RightHand", "RightToeBase"]
    assert [name[0] for name in nearest] == [letter for letter, _ in letters]
    # 17 pixels beyond the hand, on the side away from the middle of the body, and one right.
    hand, place = points[HANDS[0]], letters[nearest.index("LeftHand")][1]
    away = hand - points.mean(0)
    assert place - np.array([1, 0]) == pytest.approx(hand + 17 * away / np.linalg.norm(away))


@pytest.mark.parametrize(("near", "core"), [(0, PREDICTED), (1, PAPER)])
def test_what_is_near_is_drawn_over_what_is_far(near, core):
    points, depth = np.full((16, 2), np.nan), np.full(16, 5.0)
    points[HANDS], points[NECK], depth[HANDS[near]] = [50.0, 50.0], [50.0, 10.0], 4.0
    canvas = np.full((100, 100, 3), 90, np.uint8)
    skeleton_pen.SkeletonPen(1.0).draw(canvas, points, PREDICTED, PAPER, depth)
    assert np.abs(colour_at(canvas, points[HANDS[0]]) - core).max() < 40


@pytest.mark.parametrize(
    ("height", "width", "size", "left", "top"),
    [
        (160, 160, (640, 640), 0, 0),
        (800, 1280, (1024, 640), 0, 0),
        (100, 1000, (1138, 114), 0, 263),
        (1000, 100, (64, 640), 208, 0),
    ],
)
def test_joints_stay_in_place_on_pictures_of_any_shape(painter, height, width, size, left, top):
    joints2d = np.full((16, 2), np.nan)
    joints2d[NECK] = [width * 0.5 - 0.5, height * 0.25 - 0.5]
    image = np.full((height, width, 3), 90, np.uint8)
    panel = painter.picture(image, [(DrawnPose(joints2d, np.zeros((16, 3))), PREDICTED)])
    ground = places_of(panel, (90, 90, 90))
    assert ground.min(0).tolist() == [left, top] and panel.shape[1] % 2 == 0
    assert tuple(ground.max(0) + 1 - [left, top]) == size
    expected = [left + size[0] * 0.5 - 0.5, top + size[1] * 0.25 - 0.5]
    assert places_of(panel, PREDICTED).mean(0) == pytest.approx(expected, abs=0.6)


def test_joints_without_a_place_are_left_out_and_the_rest_is_drawn(painter):
    behind = standing()
    behind[HEAD] = [0.0, -0.3, -0.2]
    pose, gone = on_square(behind), on_square(standing())
    assert np.isnan(pose.joints2d).all(1).nonzero()[0].tolist() == [HEAD]
    gone.joints2d[HANDS[0]] = gone.joints3d[HANDS[0]] = np.nan
    gone.joints2d[HEAD] = 1e12  # would wrap around in OpenCV's integers
    panel, _ = panels(painter, painter.paint(GREY, gone))
    points = (pose.joints2d + 0.5) * 0.8 - 0.5
    assert np.abs(colour_at(panel, points[HANDS[0]]) - 90).max() < 5
    assert np.abs(colour_at(panel, points[NECK]) - PREDICTED).max() < 40
    nothing = DrawnPose(np.full((16, 2), np.nan), np.full((16, 3), np.nan))
    empty, view = panels(painter, painter.paint(GREY, nothing))
    assert (empty == 90).all() and not len(places_of(view, PREDICTED))


def test_the_eye_of_the_view_is_before_the_wearer_and_a_little_to_their_left():
    view, pose = Viewpoint(640), standing()
    points = view.project(pose - [0.0, 0.0, pose[:, 2].max()])
    assert points[HEAD, 1] < points[NECK, 1] < points[JOINTS.index("LeftLeg"), 1]
    # It sees the left hand nearer than the right one, and than the body behind it.
    assert points[HANDS[0], 2] < min(points[HANDS[1], 2], points[NECK, 2])
    assert points[:, :2].min() > 0 and points[:, :2].max() < 640


def test_the_caption_holds_title_and_note_and_cuts_what_is_too_long(painter):
    written = painter.paint(GREY, None, title="walking " * 60, note="MPJPE 43.2 mm")
    ink = (written[: painter.header] < 128).all(-1).any(0)
    assert ink[:300].any() and ink[-150:].any() and not ink[:8].any() and not ink[-8:].any()
    assert (painter.paint(GREY, None)[: painter.header] == 255).all()


@pytest.mark.parametrize("place", [(-20, -3), (90, 28), (30, 15)])
def test_text_outside_the_canvas_is_cut_off_where_it_ends(place):
    large, small = np.zeros((230, 300, 3), np.uint8), np.zeros((30, 100, 3), np.uint8)
    draw_text(large, "frame 12", (place[0] + 100, place[1] + 100), 20, PAPER)
    draw_text(small, "frame 12", place, 20, PAPER)
    assert small.any() and np.array_equal(small, large[100:130, 100:200])
