"""Frames of one person in the world, and which frames of a movement are used."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dataset.synthetic.body.poser import Poser

_ATTEMPTS = 8


@dataclass(frozen=True)
class Frames:
    """N frames, world axes: centimetres, y up, the floor at y = 0."""

    actions: np.ndarray  # (N,) clip names
    joints: np.ndarray  # (N, J, 3)
    turns: np.ndarray  # (N, J, 3, 3) turns of the bones on top of the T-pose
    # (N, 4) x, height, z of the middle of a seat's top, and its heading in radians; the height
    # is 0 where there is none
    seats: np.ndarray


def draw_frames(
    poser: Poser,
    camera: np.ndarray,
    place: Callable[[list[int]], Frames],
    starts: list[int],
    stride: int,
    draws: list[np.random.Generator],
) -> Frames:
    """Frames of a timeline: for each of N ``starts`` one of the ``stride`` frames from there on.

    Where there is a choice, a frame in which an arm goes through the body, or comes too near the
    ``camera`` (3,) centimetres from the head joint, is left for another.  There is a generator for
    each start, so that a frame does not depend on its neighbours.
    """
    if stride == 1:
        return place(starts)
    rows, frames = np.arange(len(starts)), None
    for _ in range(_ATTEMPTS):
        drawn = place([starts[row] + int(draws[row].integers(stride)) for row in rows])
        frames = frames or drawn
        for name, values in vars(drawn).items():
            getattr(frames, name)[rows] = values
        rows = rows[poser.volumes.hit(drawn.joints, drawn.turns, camera)]
        if len(rows) == 0:
            break
    return frames
