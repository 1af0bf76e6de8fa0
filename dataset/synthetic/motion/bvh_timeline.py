"""What a person does over time where the motion is a user's own: passages of BVH clips, one after
another, blended, on one small piece of floor."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from base.errors import UserError
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.motion.retarget import action_of, between, load_clip, turns_of
from dataset.synthetic.motion.take import ease
from dataset.synthetic.motion.world_frames import Frames
from dataset.synthetic.rotations import rotation

#: Frames of a passage, at most; those that a passage takes over from the one before in.
_LONGEST, _SHORTEST, _BLEND = 210, 30, 30
#: How far a passage gets from its middle, leg lengths, and a person from theirs, centimetres.
_REACH, _ROOM = 1.6, 170.0
#: Turns tried at the start of a passage, least first, radians.
_TURNS = [math.radians(sign * turn) for turn in range(0, 181, 20) for sign in (1, -1)]


@dataclass(frozen=True)
class _Passage:
    """A piece of a clip in a timeline."""

    path: Path  # the clip's file
    start: int  # its first frame in the clip
    count: int  # frames
    first: int  # its first frame in the timeline
    blend: int  # frames in which it takes over from the passage before
    turn: float  # by which it is turned about the vertical, radians
    shift: np.ndarray  # (2,) by which it is moved then, centimetres


def find_clips(folder: Path) -> tuple[Path, ...]:
    """The BVH files of a folder, each of them read once.

    Raises:
        UserError: for a folder without any, or with one that cannot be used.
    """
    if not folder.is_dir():
        raise UserError(f"--bvh {folder}: no such folder")
    found = tuple(sorted(p.resolve() for p in folder.iterdir() if p.suffix.lower() == ".bvh"))
    if not found:
        raise UserError(f"--bvh {folder} holds no .bvh")
    for path in found:
        load_clip(path)
    return found


_clip = lru_cache(maxsize=16)(load_clip)


@cache
def _footage(path: Path) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """What planning needs of a clip, little enough to be kept for all of them.

    Returns:
        (F, 2) x and z of the Hips in leg lengths, (F,) their heading in radians from +z towards
        +x, and first frame and end of each passage.
    """
    clip = _clip(path)
    facing = clip.turns[:, clip.names.index("Hips"), :, 2]
    return clip.root, np.arctan2(facing[:, 0], facing[:, 2]), passages(clip.root)


def passages(root: np.ndarray) -> list[tuple[int, int]]:
    """Cut a clip into pieces that are short and stay near one spot.

    Args:
        root: (F, 2) where the Hips are, leg lengths.

    Returns:
        First frame and end of each piece; together they are the whole clip.
    """
    pieces, start = [], 0
    while start < len(root):
        piece = root[start : start + _LONGEST]
        extent = np.maximum.accumulate(piece) - np.minimum.accumulate(piece)
        far = np.hypot(*extent.T) / 2 > _REACH
        end = start + (int(far.argmax()) if far.any() else len(piece))
        pieces.append((start, end))
        start = end
    first, end = pieces[-1]
    longer = max(0, end - _SHORTEST)
    if longer < first and np.hypot(*np.ptp(root[longer:end], axis=0)) / 2 <= _REACH:
        pieces[-1] = longer, end
    return pieces


class BvhTimeline:
    """The passages of one person in one environment, as :class:`timeline.Timeline`.

    Args:
        poser: of the person.
        random: gives the random numbers of a purpose from its integer key.
        paths: BVH files to draw from, each as often as any other.
    """

    def __init__(
        self, poser: Poser, random: Callable[..., np.random.Generator], paths: tuple[Path, ...]
    ):
        self._poser, self._paths, self._rng = poser, paths, random(0)
        self._centre = self._rng.uniform(-25.0, 25.0, 2)
        self._plan: list[_Passage] = []
        self._firsts: list[int] = []
        self._end = 0

    def _extend(self) -> None:
        """Plan the next passage; what it is depends on nothing but those before."""
        rng, leg = self._rng, self._poser.bones.leg_length
        path = self._paths[rng.integers(len(self._paths))]
        root, headings, pieces = _footage(path)
        lengths = np.array([end - start for start, end in pieces], float)
        start, end = pieces[rng.choice(len(lengths), p=lengths / lengths.sum())]
        count, blend = end - start, 0
        spot = self._centre + rng.uniform(-60.0, 60.0, 2)
        heading = rng.uniform(-math.pi, math.pi)
        if self._plan:
            # Where the passage before is when this one takes over.
            before = self._plan[-1]
            blend = min(_BLEND, before.count // 3, count // 3)
            frame = before.start + before.count - max(blend, 1)
            old_root, old_headings, _ = _footage(before.path)
            spot = _rotated(old_root[frame] * leg, before.turn) + before.shift
            heading = float(old_headings[frame]) + before.turn
        walked = root[start:end] * leg
        plain = heading - float(headings[start])

        def reach(turn: float) -> float:
            moved = spot + _rotated(walked - walked[0], turn)
            return float(np.linalg.norm(moved - self._centre, axis=1).max())

        choices = [plain + turn for turn in _TURNS]
        turn = next((t for t in choices if reach(t) <= _ROOM), None)
        if turn is None:
            turn = min(choices, key=reach)
        first = self._end - blend
        shift = spot - _rotated(walked[0], turn)
        self._plan.append(_Passage(path, start, count, first, blend, turn, shift))
        self._firsts.append(first)
        self._end = first + count

    def _posed(self, number: int, frames: np.ndarray) -> tuple[np.ndarray, ...]:
        """(N, J, 3, 3) turns, (N, 2) x and z, and (N,) height of frames of a passage, in the
        world."""
        passage, leg = self._plan[number], self._poser.bones.leg_length
        clip, rows = _clip(passage.path), passage.start + frames - passage.first
        turns = _yaw(passage.turn) @ turns_of(clip, self._poser, rows)
        spots = _rotated(clip.root[rows] * leg, passage.turn) + passage.shift
        return turns, spots, clip.height[rows] * leg

    def place(self, frames: list[int]) -> Frames:
        """Frames of the person, posed and put into the world."""
        # A frame near the end belongs to the next passage as well.
        while max(frames) >= self._end - _BLEND:
            self._extend()
        wanted = np.array(frames)
        numbers = np.searchsorted(self._firsts, wanted, side="right") - 1
        turns = np.empty((len(frames), len(self._poser.body.rig.names), 3, 3))
        spots, height = np.empty((len(frames), 2)), np.empty(len(frames))
        for number in np.unique(numbers):
            rows = np.flatnonzero(numbers == number)
            passage = self._plan[number]
            turns[rows], spots[rows], height[rows] = self._posed(number, wanted[rows])
            rows = rows[wanted[rows] - passage.first < passage.blend]
            if len(rows):
                since = (wanted[rows] - passage.first + 1) / (passage.blend + 1)
                share = np.array([ease(value) for value in since])
                old = self._posed(number - 1, wanted[rows])
                turns[rows] = _blended(old[0], turns[rows], share)
                spots[rows] = old[1] * (1 - share[:, None]) + spots[rows] * share[:, None]
                height[rows] = old[2] * (1 - share) + height[rows] * share
        joints = self._poser.stand(turns, height)
        joints[..., [0, 2]] += spots[:, None]
        actions = np.array([action_of(self._plan[number].path) for number in numbers], object)
        return Frames(actions, joints, turns, np.zeros((len(frames), 4)))


def _blended(old: np.ndarray, new: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(N, J, 3, 3) turns between two: the person turns round evenly, the rest goes over."""
    ahead = [np.arctan2(turns[:, 0, 0, 2], turns[:, 0, 2, 2]) for turns in (old, new)]
    change = (ahead[1] - ahead[0] + np.pi) % (2 * np.pi) - np.pi
    old = _yaw(share * change)[:, None] @ old
    new = _yaw((share - 1) * change)[:, None] @ new
    return between(old, new, share[:, None])


def _yaw(angle: float | np.ndarray) -> np.ndarray:
    """(…, 3, 3) turns about the vertical, from +z towards +x, by radians."""
    return rotation("y", np.degrees(angle))


def _rotated(points: np.ndarray, turn: float) -> np.ndarray:
    """(…, 2) x and z turned about the vertical, from +z towards +x, by radians."""
    c, s = math.cos(turn), math.sin(turn)
    return points @ np.array([[c, -s], [s, c]])
