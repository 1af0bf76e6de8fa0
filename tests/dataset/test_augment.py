"""Augmentation moves pictures, 2D and 3D labels together."""

import torch

from base.camera import RELEASE_CAMERA
from base.skeleton import HEATMAP_JOINTS, JOINTS
from dataset.augment import (
    Augmentation,
    Part,
    blur_images,
    change_appearance,
    change_colours,
    draw_moves,
    move_images,
    move_joints2d,
    move_joints3d,
)
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from dataset.transforms import SquareCrop

SIZE = 160
CAMERA = SquareCrop(SIZE).camera(RELEASE_CAMERA)


def some_joints(count: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 16, 3, generator=generator) * 0.25 + torch.tensor([0, 0, 0.9])


def some_moves(count: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    matrix, mirrored = draw_moves(count, Augmentation(rotation=25, mirror=True), generator)
    assert mirrored.any() and not mirrored.all()
    return matrix, mirrored


def test_moved_3d_joints_project_onto_moved_2d_joints():
    joints3d, (matrix, mirrored) = some_joints(), some_moves()
    joints2d = CAMERA.project(joints3d)
    moved = move_joints2d(joints2d, matrix, mirrored, CAMERA)
    assert torch.allclose(
        CAMERA.project(move_joints3d(joints3d, matrix, mirrored)), moved, atol=1e-3
    )


def test_the_picture_moves_with_its_joints():
    joints2d, (matrix, mirrored) = CAMERA.project(some_joints()), some_moves()
    shape = HeatmapShape(SIZE, sigma=3.0)
    moved = move_joints2d(joints2d, matrix, torch.zeros_like(mirrored), CAMERA)
    pictures = draw_heatmaps(joints2d, SIZE, shape)[:, :3] * 2 - 1
    expected = draw_heatmaps(moved, SIZE, shape)[:, :3] * 2 - 1
    stays = (moved[:, list(HEATMAP_JOINTS[:3])] - SIZE / 2).abs().amax(-1) < SIZE / 2 - 10
    difference = (move_images(pictures, matrix, CAMERA) - expected).abs().amax((2, 3))
    assert stays.any() and difference[stays].max() < 0.1


def test_a_mirrored_left_hand_becomes_the_right_hand_on_the_other_side():
    joints3d = some_joints(1)
    left, right = JOINTS.index("LeftHand"), JOINTS.index("RightHand")
    flip = torch.tensor([[[-1.0, 0], [0, 1]]])
    mirrored = move_joints3d(joints3d, flip, torch.tensor([True]))
    assert torch.equal(mirrored[0, right], joints3d[0, left] * torch.tensor([-1.0, 1, 1]))


def test_without_a_move_nothing_changes():
    matrix, mirrored = draw_moves(6, Augmentation(), torch.Generator().manual_seed(0))
    joints3d = some_joints()
    assert torch.equal(move_joints3d(joints3d, matrix, mirrored), joints3d)
    pictures = torch.rand(6, 3, SIZE, SIZE) * 2 - 1
    assert torch.allclose(move_images(pictures, matrix, CAMERA), pictures, atol=1e-4)


def test_colours_change_but_the_black_surround_stays_black():
    pictures = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8
    pictures[:, :, 0] = -1
    changed = change_colours(pictures, Augmentation(colour=0.8), torch.Generator().manual_seed(1))
    assert torch.equal(changed[:, :, 0], pictures[:, :, 0])
    assert (changed - pictures)[:, :, 1:].abs().mean() > 0.02
    assert changed.min() >= -1 and changed.max() <= 1


def test_contrast_changes_differences_and_not_only_their_level():
    """Under a gain alone the ratio of two grey values would stay what it was."""
    pictures = torch.full((64, 3, 8, 8), -0.6)
    pictures[..., 4:] = 0.2
    changed = change_colours(pictures, Augmentation(colour=0.5), torch.Generator().manual_seed(1))
    ratios = (changed[:, 0, 0, 7] + 1) / (changed[:, 0, 0, 0] + 1)
    # 0.6 / 0.2 before; exp(±0.2) times the distance from the mean, 0.4, after.
    assert 1.9 < ratios.min() < 2.4 and 4 < ratios.max() < 6
    same = change_colours(pictures, Augmentation(), torch.Generator())
    assert torch.allclose(same, pictures, atol=1e-6)


def test_a_point_of_light_is_blurred_to_a_gaussian_that_keeps_its_light():
    pictures = torch.zeros(3, 3, 33, 33)
    pictures[:, :, 16, 16] = 1.0
    options = Augmentation(blur=2.0)
    blurred = blur_images(pictures, options, torch.Generator().manual_seed(0))
    sigma = 2.0 * torch.rand(3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(blurred.sum((2, 3)), torch.ones(3, 3), atol=1e-5)
    offset = torch.arange(33) - 16.0
    for axis in (2, 3):
        variance = (blurred.sum(axis) * offset**2).sum(-1)
        assert torch.allclose(variance, (sigma**2)[:, None].expand(3, 3), atol=0.05)


def test_what_is_not_asked_for_is_neither_done_nor_drawn():
    pictures = torch.zeros(2, 3, 8, 8)
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    options = Augmentation(rotation=10, mirror=True)
    assert change_appearance(pictures, options, generator) is pictures
    assert torch.equal(generator.get_state(), before)
    assert options.changes and Augmentation(noise=0.1).changes and not Augmentation().changes


def test_what_happens_to_a_frame_does_not_depend_on_how_its_batch_is_divided():
    options = Augmentation(rotation=10, mirror=True, colour=0.5, blur=1.0)
    pictures = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def everything(pictures, part):
        generator = torch.Generator().manual_seed(7)
        moves = draw_moves(len(pictures), options, generator, part)
        return *moves, change_appearance(pictures, options, generator, part)

    whole = everything(pictures, Part())
    parts = [everything(pictures[2 * n : 2 * n + 2], Part(n, 3)) for n in range(3)]
    for expected, *found in zip(whole, *parts, strict=True):
        assert torch.allclose(torch.cat(found), expected, atol=1e-6)
