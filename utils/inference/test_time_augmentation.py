"""Several views of one picture: mirrored and slightly turned, and their poses averaged.

Both moves are training's (:mod:`dataset.augment`), exact for a fisheye camera of round symmetry,
so that a moved picture is one that the same camera could have taken.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from base.cameras.camera import Camera
from base.errors import UserError
from base.skeleton import HEAD, NECK, RIGID_LIMBS, limb_lengths, neck_centred
from dataset.augment import move_images, move_joints2d, move_joints3d, move_matrices, swap_sides
from dataset.batch import to_input
from model.limbs import GivenLengths

_WITH_LENGTHS = GivenLengths()
#: Degrees between turned views: six views are turned by up to half of training's usual 15°.
_STEP = 7.5
#: Numbers of views; of more some would be turned further than pictures of training usually are.
_COUNTS = (1, 2, 4, 6, 8, 10)
#: A (1, 2, 2) matrix on normalised coordinates, and (1,) bool mirrored.
Move = tuple[Tensor, Tensor]


def view_moves(count: int) -> list[Move]:
    """How each view is made: one is the picture; of 2N there are N at even turns about 0, and the
    mirror image of each; UserError for a number that there is not."""
    if count not in _COUNTS:
        raise UserError(f"--views {count}: give 1 (the picture alone), 2, 4, 6, 8 or 10")
    if count == 1:
        return [(torch.eye(2)[None], torch.tensor([False]))]
    turns = math.radians(_STEP) * (torch.arange(count // 2) - (count // 2 - 1) / 2)
    mirrored = torch.tensor([False, True]).repeat_interleave(count // 2)
    matrices = move_matrices(turns.repeat(2), mirrored)
    return list(zip(matrices.split(1), mirrored.split(1), strict=True))


def moved_pictures(
    images: Tensor, moves: Sequence[Move], camera: Camera, device: torch.device
) -> Iterator[Tensor]:
    """Each view in turn of (B, S, S, 3) uint8 pictures of a camera: the same shape and type, on the
    device; of a move that changes nothing the pictures themselves."""
    for matrix, _ in moves:
        if torch.equal(matrix[0], torch.eye(2)):
            yield images
            continue
        matrices = matrix.to(device).expand(len(images), 2, 2)
        moved = move_images(to_input(images, device), matrices, camera)
        moved = moved.add_(1).mul_(127.5).round_().clamp_(0, 255)
        yield moved.to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def averaged(
    views: Sequence[tuple[np.ndarray, ...]], moves: Sequence[Move], camera: Camera
) -> tuple[np.ndarray, ...]:
    """The mean of what was found in each view, moved back: the fields of predictions, see
    :class:`~utils.inference.square_predictor.Prediction`. Poses are averaged in the camera's frame,
    lengths of bones apart: limbs that point in different ways have a shorter mean than they are.
    The radius is the mean radius: the views' errors are nearly the same ones, so that averaging
    hardly shrinks them (doc/evaluation.md)."""
    back = []
    for view, (matrix, mirrored) in zip(views, moves, strict=True):
        joints3d, joints2d, confidence, neck, uncertainty, raw = (
            None if values is None else torch.from_numpy(values) for values in view
        )
        # The matrices are orthogonal, and exchanging sides twice changes nothing.
        inverse = matrix.transpose(1, 2)
        places = joints3d + neck[:, None], joints3d + raw[:, None]
        found = [move_joints3d(pose, inverse, mirrored) for pose in places]
        found += [move_joints2d(joints2d, inverse, mirrored, camera)]
        scores = (confidence,) if uncertainty is None else (confidence, uncertainty)
        back.append(found + [swap_sides(score, mirrored) for score in scores])
    stacked = [torch.stack(same) for same in zip(*back, strict=True)]
    placed, raw, joints2d, *scores = (same.mean(0) for same in stacked)
    lengths = limb_lengths(stacked[0])[..., : len(RIGID_LIMBS)].mean(0)
    placed = _WITH_LENGTHS(placed, lengths)
    # Head has no heatmap.
    joints2d[:, HEAD] = camera.project(placed, clamp=True)[:, HEAD]
    uncertainty = scores[1].numpy() if len(scores) > 1 else None
    mean = neck_centred(placed), joints2d, scores[0], placed[:, NECK]
    return (*(values.numpy() for values in mean), uncertainty, raw[:, NECK].numpy())
