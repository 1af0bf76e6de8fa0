"""Poses of mirrored and turned views come back to the joints, sides and places they are of."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from commands import refused
from torch import nn

import demo
import inference
from base.cameras.fisheye import equidistant_camera
from base.skeleton import (
    HEAD,
    HEATMAP_JOINTS,
    JOINTS,
    LIMB_CHILDREN,
    NECK,
    limb_lengths,
    neck_centred,
)
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from model.pose_model import PoseOutput
from utils.inference.predictor import EgoPosePredictor
from utils.inference.square_predictor import SquarePredictor, within_probability
from utils.inference.test_time_augmentation import averaged, view_moves

SIZE, CPU = 128, torch.device("cpu")
#: Off the centre by 5 and 4 pixels, focal lengths that differ.
CAMERA = replace(equidistant_camera(SIZE, SIZE, (58.5, 67.5), 64, 130), fx=58.0)
#: Channel → the pair of joints that it marks, the left one at larger x; metres from the camera.
PAIRS = {0: ("LeftHand", "RightHand", 0.5), 1: ("LeftFoot", "RightFoot", 0.9)}
#: Joint → pixel and brightness of its marker; the Neck is the only one of channel 2.
MARKS = {
    **{"LeftHand": (94, 78, 250), "RightHand": (28, 63, 120)},
    **{"LeftFoot": (84, 46, 90), "RightFoot": (36, 38, 200), "Neck": (62, 104, 180)},
}
ROWS = [JOINTS.index(name) for name in MARKS]


def picture() -> np.ndarray:
    """(1, S, S, 3) uint8."""
    y, x = np.mgrid[:SIZE, :SIZE]
    drawn = np.zeros((1, SIZE, SIZE, 3))
    for name, (u, v, height) in MARKS.items():
        channel = next((c for c, pair in PAIRS.items() if name in pair), 2)
        drawn[0, ..., channel] += height * np.exp(-((x - u) ** 2 + (y - v) ** 2) / 18)
    return drawn.round().astype(np.uint8)


class Reader(nn.Module):
    """Reads the markers; of two it calls the one further right the left, as a network must that
    sees a person's front only.  ``bias`` (metres) is its fault in its camera's frame, ``own`` is
    whether it gives places and uncertainties, which tell how bright a marker is."""

    input_size, lags, subpixel = SIZE, (), True

    def __init__(self, bias=(0.0, 0.0, 0.0), own=True, lags=()):
        super().__init__()
        self.bias, self.own, self.lags = torch.tensor(bias), own, lags
        self.exports = ("heatmaps", "joints3d", "uncertainty") if own else ("heatmaps", "joints3d")

    def forward(self, images=None, rays=None, history=None):
        if history is not None:  # the first frame of a history
            poses, known = history
            first = poses[torch.arange(len(poses)), known.sum(1) - 1]
            return PoseOutput(None, first, first, torch.full(first.shape[:2], 0.1))
        light = (images + 1) / 2
        grid = torch.arange(SIZE, dtype=torch.float32)
        pixels, metres = torch.zeros(len(images), 16, 2), torch.full((16, 1), 0.3)
        amount = torch.ones(len(images), 16)

        def mark(joint, part):
            amount[:, joint] = part.sum((1, 2)) / 30
            place = [(part.sum(axis) * grid).sum(1) for axis in (1, 2)]
            pixels[:, joint] = torch.stack(place, -1) / part.sum((1, 2))[:, None]

        mark(NECK, light[:, 2])
        pixels[:] = pixels[:, NECK : NECK + 1].clone()
        for channel, (left, right, away) in PAIRS.items():
            both = light[:, channel]
            middle = (both.sum(1) * grid).sum(1) / both.sum((1, 2))
            is_left = (grid > middle[:, None])[:, None]
            for name, part in ((left, both * is_left), (right, both * ~is_left)):
                mark(JOINTS.index(name), part)
                metres[JOINTS.index(name)] = away
        placed = CAMERA.unproject(pixels, clamp=True) * metres + self.bias
        heatmaps = draw_heatmaps(pixels, SIZE, HeatmapShape(64, 2.0))
        heatmaps = heatmaps * amount[:, list(HEATMAP_JOINTS), None, None] / 2
        more = (placed, amount / 10) if self.own else ()
        return PoseOutput(heatmaps, placed, *more)

    def memory(self, output):
        return (output.camera3d,)


def predict(views=1, images=None, moves=None, **reader):
    predictor = SquarePredictor(Reader(**reader), CPU, "fp32", CAMERA, views=views)
    predictor.moves = moves or predictor.moves
    return predictor(torch.from_numpy(picture() if images is None else images))


def placed(found):
    return found.joints3d + found.neck[:, None]


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("number", range(6))
def test_every_view_finds_what_the_picture_shows(number, own):
    plain, found = predict(own=own), predict(moves=[view_moves(6)[number]] * 2, own=own)
    seen = np.array([mark[:2] for mark in MARKS.values()])
    assert np.abs(plain.joints2d[0, ROWS] - seen).max() < 0.1
    assert np.abs(found.joints2d - plain.joints2d).max() < 0.1
    assert np.abs(placed(found) - placed(plain)).max() < (3e-3 if own else 2e-2)
    assert np.abs(found.joints3d[:, NECK]).max() == 0
    # This network's own poses are those before the camera.
    assert np.abs(found.raw_neck - plain.raw_neck).max() < 3e-3 < np.abs(plain.raw_neck).min()
    scores = (found.uncertainty, plain.uncertainty) if own else (found[2], plain[2])
    assert np.ptp(scores[1]) > 0.1
    assert np.abs(scores[0] - scores[1]).max() < 0.02


def test_views_are_mirrored_and_turned_evenly():
    for count, turns in ((2, [0]), (4, [-3.75, 3.75]), (6, [-7.5, 0, 7.5])):
        moves = view_moves(count)
        assert [bool(mirrored) for _, mirrored in moves] == sorted([False, True] * len(turns))
        # The image of the y axis, which mirroring leaves alone, tells the turn.
        angles = [float(torch.rad2deg(torch.atan2(-m[0, 0, 1], m[0, 1, 1]))) for m, _ in moves]
        assert angles == pytest.approx(turns * 2, abs=1e-4)


def test_the_mean_is_of_the_poses_in_the_cameras_frame():
    bias = (0.05, 0.03, -0.02)
    truth, plain, two, six = placed(predict()), *(predict(n, bias=bias) for n in (1, 2, 6))
    assert placed(plain) - truth == pytest.approx(np.broadcast_to(bias, truth.shape), abs=1e-6)
    # Mirrored, the fault in x is the opposite one; turned, that in y is a little shorter.
    cos = (1 + 2 * np.cos(np.radians(7.5))) / 3
    for found, expected in ((two, (0, 0.03, -0.02)), (six, (0, 0.03 * cos, -0.02))):
        off = placed(found) - truth
        assert off == pytest.approx(np.broadcast_to(expected, truth.shape), abs=1.5e-3)
        expected = CAMERA.project(torch.from_numpy(placed(found)), clamp=True)[:, HEAD]
        assert found.joints2d[:, HEAD] == pytest.approx(expected.numpy(), abs=1e-3)
        assert np.array_equal(
            found.confidence, within_probability(torch.from_numpy(found.uncertainty))
        )


def test_each_view_has_a_history_of_its_own():
    predictor = SquarePredictor(Reader((0.05, 0, 0), lags=(0, 1)), CPU, "fp32", CAMERA, views=2)
    tracks, images = predictor.new_tracks(), torch.from_numpy(picture())
    for number in range(3):
        found = predictor(images, [("clip", number)], tracks)
        assert placed(found) == pytest.approx(placed(predict()), abs=1.5e-3)


def test_other_counts_are_refused():
    for given in (0, 3, 1.5, 12, -2, "x"):
        refused(f"--views {given}: give 1 .*, 2, 4, 6, 8 or 10", EgoPosePredictor, views=given)


@pytest.mark.usefixtures("tiny_kind")
def test_both_commands_average_views(tiny_network, tiny_data, tmp_path):
    common = ["--load_model", tiny_network, "--gpu", "cpu", "--precision", "fp32", "--views", 2]
    folder = next((tiny_data / "TestSet").glob("*/*/cam_down/rgba"))
    both = EgoPosePredictor(tiny_network, "training", gpu="cpu", precision="fp32", views=2)
    expected = both(sorted(folder.iterdir())[0])
    alone = EgoPosePredictor(tiny_network, "training", gpu="cpu", precision="fp32")
    assert np.abs(expected.joints3d - alone(sorted(folder.iterdir())[0]).joints3d).max() > 1e-3
    for command, *flags in (
        (inference, "--input_dir", folder, "--camera", "training", "--format", "npz"),
        (demo, "--data", "test", "--data_root", tiny_data, "--num_vis", "0", "--workers", "0"),
    ):
        out = tmp_path / command.__name__
        command.main(list(map(str, [*common, *flags, "--save_dir", out])))
        stored = np.load(out / "poses.npz")
        first = stored["joints3d"][0] if command is inference else stored["predicted"][0]
        assert neck_centred(first) == pytest.approx(expected.joints3d, abs=1e-4)


def test_limbs_that_point_in_different_ways_keep_their_length():
    rng, still = np.random.default_rng(0), view_moves(1) * 2
    one = neck_centred(np.float32(rng.normal(0, 0.3, (1, 16, 3))))
    other = one.copy()
    elbow, hand, hip = (JOINTS.index(f"Left{name}") for name in ("ForeArm", "Hand", "UpLeg"))
    other[0, hand, :2] = one[0, hand, :2] + (0.3, -0.2)
    other[0, hip] += 0.05
    place = np.float32([[0.0, -0.2, 0.3]])
    views = [
        (pose, one[..., :2], np.ones((1, 16), "f4"), place, None, place) for pose in (one, other)
    ]
    found, *_ = averaged(views, still, CAMERA)
    mean, bone = (one + other) / 2, found[0, hand] - found[0, elbow]
    length = np.mean([np.linalg.norm(pose[0, hand] - pose[0, elbow]) for pose in (one, other)])
    straight = mean[0, hand] - mean[0, elbow]
    assert np.linalg.norm(straight) < 0.98 * length
    assert np.allclose(bone, straight * length / np.linalg.norm(straight), atol=1e-6)
    # Shoulders, hips and Neck are the means, and so is all that the views agree on.
    same = [joint for joint in range(16) if joint not in (hand, *range(hip + 1, hip + 4))]
    assert np.allclose(found[0, same], mean[0, same], atol=1e-6)
    foot = JOINTS.index("LeftFoot")
    both = limb_lengths(np.concatenate([one, other]))[:, LIMB_CHILDREN.index(foot)]
    assert limb_lengths(found)[0, LIMB_CHILDREN.index(foot)] == pytest.approx(both.mean(), rel=1e-5)
