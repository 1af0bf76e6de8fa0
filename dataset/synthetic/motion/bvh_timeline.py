"""A user's own motion: passages of BVH clips, one after another, blended, on a small floor."""

import math
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dataset.synthetic.body.poser import Poser
from dataset.synthetic.motion.performance import ease
from dataset.synthetic.motion.retarget import action_of, between, load_clip, turns_of
from dataset.synthetic.motion.timeline import Frames
from dataset.synthetic.rotations import rotation

#: Frames of a passage, at most and for the last one of a clip at least, and of a blend, at most.
_LONGEST, _SHORTEST, _BLEND = 210, 30, 30
#: How far a passage gets from its middle, leg lengths, and a person from theirs, centimetres.
_REACH, _ROOM = 1.6, 170.0
#: Turns tried at the start of a passage, least first, radians.
_TURNS = [math.radians(sign * turn) for turn in range(0, 181, 20) for sign in (1, -1)]

_clip = lru_cache(maxsize=16)(load_clip)


class _Passage(NamedTuple):
    """A piece of a clip in a timeline."""

    path: Path
    start: int  # its first frame in the clip
    first: int  # and in the timeline
    count: int  # frames of it
    blend: int  # frames in which it takes over from the one before
    turn: float  # on the floor, radians
    shift: np.ndarray  # (2,) centimetres


@cache
def _floor_plan(path: Path) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """What planning needs of a clip, small enough to keep: (F, 2) x and z of the Hips, leg lengths,
    (F,) their heading in radians from +z towards +x, and the passages."""
    clip = _clip(path)
    facing = clip.turns[:, clip.names.index("Hips"), :, 2]
    return clip.root, np.arctan2(facing[:, 0], facing[:, 2]), passages(clip.root)


def passages(root: np.ndarray) -> list[tuple[int, int]]:
    """Cut a clip, with its Hips at (F, 2) leg lengths, into pieces that are short and stay near one
    spot: first frame and end of each; together they are the whole clip."""
    pieces, end = [], 0
    while end < len(root):
        start, piece = end, root[end : end + _LONGEST]
        extent = np.maximum.accumulate(piece) - np.minimum.accumulate(piece)
        far = np.hypot(*extent.T) / 2 > _REACH
        end += int(far.argmax()) if far.any() else len(piece)
        pieces.append((start, end))
    longer = max(0, end - _SHORTEST)
    if longer < start and np.hypot(*np.ptp(root[longer:end], axis=0)) / 2 <= _REACH:
        pieces[-1] = longer, end
    return pieces


class BvhTimeline:
    """The passages of one person in one environment, as :class:`timeline.Timeline`; each of the
    BVH files ``paths`` is drawn as often as any other."""

    def __init__(
        self, poser: Poser, random: Callable[..., np.random.Generator], paths: tuple[Path, ...]
    ):
        self._poser, self._paths, self._rng = poser, paths, random(0)
        self._leg = poser.bones.leg_length
        self._centre = self._rng.uniform(-25.0, 25.0, 2)
        self._plan: list[_Passage] = []
        self._end = 0

    def _extend(self) -> None:
        """Plan the next passage; what it is depends on nothing but those before."""
        rng, leg = self._rng, self._leg
        path = self._paths[rng.integers(len(self._paths))]
        root, headings, pieces = _floor_plan(path)
        lengths = np.ptp(pieces, axis=1)
        start, end = pieces[rng.choice(len(lengths), p=lengths / lengths.sum())]
        count, blend = end - start, 0
        spot = self._centre + rng.uniform(-60.0, 60.0, 2)
        heading = rng.uniform(-math.pi, math.pi)
        if self._plan:
            # Where the passage before is when this one takes over.
            before = self._plan[-1]
            blend = min(_BLEND, before.count // 3, count // 3)
            frame = before.start + before.count - max(blend, 1)
            old_root, old_headings, _ = _floor_plan(before.path)
            spot = _rotated(old_root[frame] * leg, before.turn) + before.shift
            heading = float(old_headings[frame]) + before.turn
        walked = root[start:end] * leg

        def reach(turn: float) -> float:
            moved = spot + _rotated(walked - walked[0], turn)
            return float(np.linalg.norm(moved - self._centre, axis=1).max())

        choices = [heading - float(headings[start]) + turn for turn in _TURNS]
        turn = min(choices, key=lambda turn: max(reach(turn), _ROOM))  # the first within the room
        shift = spot - _rotated(walked[0], turn)
        self._plan.append(_Passage(path, start, self._end - blend, count, blend, turn, shift))
        self._end += count - blend

    def _posed(self, number: int, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, J, 3, 3) turns, and (N, 3) x, z and height of frames of a passage, in the world."""
        passage = self._plan[number]
        clip, rows = _clip(passage.path), passage.start + frames - passage.first
        turns = _yaw(passage.turn) @ turns_of(clip, self._poser, rows)
        spots = _rotated(clip.root[rows] * self._leg, passage.turn) + passage.shift
        return turns, np.column_stack([spots, clip.height[rows] * self._leg])

    def place(self, frames: list[int]) -> Frames:
        """Frames of the person, posed and put into the world."""
        # A frame near the end belongs to the next passage as well.
        while max(frames) >= self._end - _BLEND:
            self._extend()
        wanted = np.array(frames)
        firsts = [passage.first for passage in self._plan]
        numbers = np.searchsorted(firsts, wanted, side="right") - 1
        turns = np.empty((len(frames), len(self._poser.body.rig.names), 3, 3))
        spots = np.empty((len(frames), 3))
        for number in np.unique(numbers):
            rows, passage = np.flatnonzero(numbers == number), self._plan[number]
            turns[rows], spots[rows] = self._posed(number, wanted[rows])
            rows = rows[wanted[rows] - passage.first < passage.blend]
            if len(rows):
                since = (wanted[rows] - passage.first + 1) / (passage.blend + 1)
                share = np.vectorize(ease)(since)[:, None]
                old_turns, old_spots = self._posed(number - 1, wanted[rows])
                turns[rows] = _blended(old_turns, turns[rows], share)
                spots[rows] = old_spots * (1 - share) + spots[rows] * share
        joints = self._poser.stand(turns, spots[:, 2])
        joints[..., [0, 2]] += spots[:, None, :2]
        actions = np.array([action_of(self._plan[number].path) for number in numbers], object)
        return Frames(actions, joints, turns, np.zeros((len(frames), 4)), np.full_like(actions, ""))


def _blended(old: np.ndarray, new: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(N, J, 3, 3) turns between two by (N, 1): the person turns round evenly, the rest follows."""
    before, after = (np.arctan2(turns[:, :1, 0, 2], turns[:, :1, 2, 2]) for turns in (old, new))
    change = (after - before + np.pi) % (2 * np.pi) - np.pi
    return between(_yaw(share * change) @ old, _yaw((share - 1) * change) @ new, share)


def _yaw(angle: float | np.ndarray) -> np.ndarray:
    """(…, 3, 3) turns about the vertical, from +z towards +x, by radians."""
    return rotation("y", np.degrees(angle))


def _rotated(points: np.ndarray, turn: float) -> np.ndarray:
    """(…, 2) x and z turned about the vertical, from +z towards +x, by radians."""
    c, s = math.cos(turn), math.sin(turn)
    x, z = points[..., 0], points[..., 1]
    # Not as a product of matrices, whose last bits depend on the number of points.
    return np.stack([x * c + z * s, z * c - x * s], -1)
