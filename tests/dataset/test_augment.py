"""Augmentation moves pictures, 2D and 3D labels together, by the amounts that are drawn."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from base.release_camera import RELEASE_SQUARE
from base.skeleton import HEATMAP_JOINTS, JOINTS
from dataset.augment import (
    Augmentation,
    BatchPart,
    augment,
    blur_images,
    change_colours,
    draw_moves,
    move_images,
    move_joints2d,
    move_joints3d,
    move_matrices,
)
from dataset.heatmaps import HeatmapShape, draw_heatmaps

SIZE = 160
CAMERA = RELEASE_SQUARE.resized(SIZE, SIZE)
EVERYTHING = Augmentation(rotation=25, mirror=True, colour=0.5, noise=0.1, blur=1.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_joints(count: int = 6) -> torch.Tensor:
    offset = torch.tensor([0, 0, 0.9])
    return torch.randn(count, 16, 3, generator=seeded()) * 0.25 + offset


def some_pictures(count: int, size: int) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=seeded()) * 2 - 1


def test_moves_are_turns_by_normal_angles_and_half_of_them_are_mirrored():
    matrix, mirrored = draw_moves(4000, Augmentation(rotation=25, mirror=True), seeded(3))
    assert 0.47 < mirrored.float().mean() < 0.53
    assert torch.allclose(torch.linalg.det(matrix), 1 - 2.0 * mirrored)
    squares = matrix @ matrix.transpose(1, 2)
    assert torch.allclose(squares, torch.eye(2).expand(4000, 2, 2), atol=1e-6)
    # The image of the y axis, which mirroring leaves alone, tells the turn.
    angles = torch.rad2deg(torch.atan2(-matrix[:, 0, 1], matrix[:, 1, 1]))
    expected = 25 * torch.randn(4000, generator=seeded(3))
    assert torch.allclose(torch.cos(torch.deg2rad(angles - expected)), torch.ones(4000))
    # x, not y, changes its sign.
    only = draw_moves(9, Augmentation(mirror=True), seeded())
    assert torch.equal(only[0][:, 0, 0], 1 - 2.0 * only[1]) and (only[0][:, 1, 1] == 1).all()
    matrix, mirrored = draw_moves(9, Augmentation(), seeded())
    assert torch.equal(matrix, torch.eye(2).expand(9, 2, 2)) and not mirrored.any()


def test_what_is_not_labelled_moves_with_its_joint():
    joints3d, visible = some_joints(2), torch.ones(2, 16, dtype=torch.bool)
    elbow, other = JOINTS.index("LeftForeArm"), JOINTS.index("RightForeArm")
    joints3d[:, elbow], visible[:, elbow] = math.nan, False
    joints2d = CAMERA.project(joints3d.double()).float()
    moves = move_matrices(torch.zeros(2), mirrored := torch.tensor([True, False])), mirrored
    _, *moved = augment(
        None, joints2d, joints3d, visible, Augmentation(mirror=True), CAMERA, seeded(), moves
    )
    expected = torch.zeros(2, 16, dtype=torch.bool)
    expected[0, other] = expected[1, elbow] = True
    for values in moved[:2]:
        assert torch.equal(values.isnan().all(-1), expected)
        assert torch.equal(values.isnan().any(-1), expected)
    assert torch.equal(~moved[2], expected)


def test_all_labels_and_the_picture_move_together():
    joints3d, shape = some_joints(), HeatmapShape(SIZE, sigma=3.0)
    joints2d = CAMERA.project(joints3d)
    visible = torch.rand(6, 16, generator=seeded(1)) < 0.5
    pictures = draw_heatmaps(joints2d, SIZE, shape)[:, :3] * 2 - 1
    options = Augmentation(rotation=25, mirror=True)
    images, moved2d, moved3d, seen = augment(
        pictures, joints2d, joints3d, visible, options, CAMERA, seeded(3)
    )
    matrix, mirrored = draw_moves(6, options, seeded(3))
    assert mirrored.any() and not mirrored.all()
    assert torch.allclose(CAMERA.project(moved3d), moved2d, atol=1e-3)
    assert torch.equal(moved3d, move_joints3d(joints3d, matrix, mirrored))
    other = {"Left": "Right", "Righ": "Left"}
    partner = [
        JOINTS.index(other.get(n[:4], "") + n.removeprefix("Left").removeprefix("Right"))
        for n in JOINTS
    ]
    assert torch.equal(seen, torch.where(mirrored[:, None], visible[:, partner], visible))
    # The picture shows each joint where it went, though left and right have changed their names.
    unswapped = move_joints2d(joints2d, matrix, torch.zeros(6, dtype=torch.bool), CAMERA)
    expected = draw_heatmaps(unswapped, SIZE, shape)[:, :3] * 2 - 1
    stays = (unswapped[:, list(HEATMAP_JOINTS[:3])] - SIZE / 2).abs().amax(-1) < SIZE / 2 - 10
    difference = (images - expected).abs().amax((2, 3))
    assert stays.sum() > 6 and difference[stays].max() < 0.06
    # Moves that are given are not drawn.
    given = draw_moves(6, options, seeded(8))
    _, other, *_ = augment(
        None, joints2d, joints3d, visible, options, CAMERA, seeded(3), moves=given
    )
    assert torch.equal(other, move_joints2d(joints2d, *given, CAMERA))


def test_what_comes_from_outside_the_picture_is_black():
    turn = torch.tensor([[[0.0, -1], [1, 0]]])
    moved = move_images(torch.ones(1, 3, SIZE, SIZE), turn, CAMERA)
    assert moved.min() == -1
    assert moved[..., SIZE // 2, SIZE // 2].min() == 1
    same = some_pictures(1, SIZE)
    assert torch.allclose(move_images(same, torch.eye(2)[None], CAMERA), same, atol=1e-4)


def test_each_frame_is_blurred_by_a_gaussian_of_its_own_width():
    pictures = some_pictures(3, 40)
    blurred = blur_images(pictures, Augmentation(blur=1.4), seeded(2)).numpy()
    sigmas = 1.4 * torch.rand(3, generator=seeded(2))
    assert sigmas.max() > 0.6
    for frame, sigma in enumerate(sigmas.tolist()):
        # Taps up to ceil(3 · 1.4) = 5 pixels away.
        expected = gaussian_filter(
            pictures[frame].numpy().astype(float), sigma, mode="nearest", radius=5, axes=(1, 2)
        )
        np.testing.assert_allclose(blurred[frame], expected, atol=1e-5)
    # So narrow that only the pixel itself is left, not a division by zero.
    still = blur_images(pictures[:1], Augmentation(blur=1e-9), seeded())
    assert torch.allclose(still, pictures[:1], atol=1e-6)


@pytest.mark.parametrize("part", [BatchPart(), BatchPart(1, 2)])
def test_colours_change_by_the_amounts_that_are_drawn(part):
    pictures = some_pictures(4, 8)
    pictures[:, :, 0] = -1
    options = Augmentation(colour=0.6, noise=0.2)
    changed = change_colours(pictures, options, seeded(1), part)
    generator = seeded(1)

    def drawn(*shape):
        every = torch.rand(4 * part.parts, *shape, generator=generator)
        return every[4 * part.number : 4 * part.number + 4]

    level, balance = 2 * drawn(1, 1, 1) - 1, 2 * drawn(3, 1, 1) - 1
    contrast = torch.exp(0.24 * (2 * drawn(1, 1, 1) - 1))
    amount = drawn(1, 1, 1)
    grey = (pictures + 1) / 2 * torch.exp(0.3 * level) * torch.exp(0.12 * balance)
    for frame in range(4):
        lit = grey[frame] > 0
        mean = grey[frame][lit].mean()
        grey[frame][lit] = mean + (grey[frame][lit] - mean) * contrast[frame]
    seed = int(torch.randint(2**62, (), generator=generator)) + part.number
    noise = torch.empty_like(grey).normal_(generator=seeded(seed))
    expected = (grey + 0.2 * amount * noise).clamp(0, 1) * 2 - 1
    torch.testing.assert_close(changed, expected, atol=1e-5, rtol=0)
    # Without noise the black surround stays black, and nothing more is drawn.
    generator = seeded(1)
    quiet = change_colours(pictures, Augmentation(colour=0.6), generator, part)
    assert torch.equal(quiet[:, :, 0], pictures[:, :, 0])
    black = change_colours(torch.full((1, 3, 4, 4), -1.0), Augmentation(colour=1), seeded())
    assert (black == -1).all()


@pytest.mark.parametrize(
    ("options", "moves", "changes", "needs"),
    [
        ({}, False, False, ""),
        ({"rotation": 0.1}, True, True, "moves"),
        ({"mirror": True}, True, True, "moves"),
        ({"colour": 0.1}, False, True, "picture"),
        ({"noise": 0.1}, False, True, "picture"),
        ({"blur": 1.0}, False, True, "picture"),
    ],
)
def test_what_is_not_asked_for_is_neither_done_nor_drawn(options, moves, changes, needs):
    options = Augmentation(**options)
    assert (options.moves, options.changes) == (moves, changes)
    pictures, joints3d = some_pictures(2, 16), some_joints(2)
    camera, visible = RELEASE_SQUARE.resized(16, 16), torch.zeros(2, 16, dtype=torch.bool)
    for images in (pictures, None):
        generator = seeded()
        before = generator.get_state()
        found = augment(
            images, camera.project(joints3d), joints3d, visible, options, camera, generator
        )
        drawn = not torch.equal(generator.get_state(), before)
        assert drawn == (needs == "moves" or (needs == "picture" and images is not None))
        assert torch.equal(found[2], joints3d) == (needs != "moves")
        if images is not None:
            assert torch.equal(found[0], images) == (not changes)
        else:
            assert found[0] is None


def test_what_happens_to_a_frame_does_not_depend_on_how_its_batch_is_divided():
    options = EVERYTHING.model_copy(update={"noise": 0.0})
    pictures, joints3d = some_pictures(6, 16), some_joints()
    camera, visible = RELEASE_SQUARE.resized(16, 16), torch.rand(6, 16) < 0.5
    labels = pictures, camera.project(joints3d), joints3d, visible
    whole = augment(*labels, options, camera, seeded(7))
    parts = [
        augment(
            *(v[2 * n : 2 * n + 2] for v in labels),
            options,
            camera,
            seeded(7),
            part=BatchPart(n, 3),
        )
        for n in range(3)
    ]
    for expected, *found in zip(whole, *parts, strict=True):
        assert torch.allclose(torch.cat(found).float(), expected.float(), atol=1e-6)


def test_strengths_have_bounds():
    edge = {"rotation": 180, "colour": 1, "noise": 1, "blur": 20}
    assert Augmentation(**edge).rotation == math.degrees(math.pi)
    for name, most in edge.items():
        for wrong in (-0.1, most + 0.1):
            with pytest.raises(ValueError, match=name):
                Augmentation(**{name: wrong})
