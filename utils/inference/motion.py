"""Joint rotations of results, before these are written or sent."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError
from utils.inference.outputs import FramePose, Sink, Summary
from utils.motion.rig import NUM_RIG_JOINTS, PARENTS, REST, RIG_JOINTS
from utils.motion.solver import LiveSolver, solve_clip
from utils.motion.world import World

_SIDES = "Left", "Right"
#: Metres: rounding of offsets, and lengths that bones have.
_OFF, _SHORTEST, _LONGEST = 1e-4, 1e-3, 10.0


def skeleton_entry(offsets: np.ndarray, sequence: str = "") -> dict[str, Any]:
    """A skeleton with these offsets from parents, for ``poses.json`` and streams."""
    return {
        "sequence": sequence,
        "joint_names": list(RIG_JOINTS),
        "parents": list(PARENTS),
        "offsets": (np.round(offsets, 5) + 0.0).tolist(),
    }


def read_skeleton(path: Path) -> np.ndarray:
    """(20, 3) metres: offsets of the first skeleton in a ``poses.json``; UserError without one, or
    for one whose bones do not rest as those of :mod:`utils.motion.rig`."""
    try:
        stated = json.loads(path.read_bytes())["skeletons"][0]
        offsets = np.array(stated["offsets"], np.float64)
        right = stated["joint_names"] == list(RIG_JOINTS) and np.isfinite(offsets).all()
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        right = False
    if not right or offsets.shape != (NUM_RIG_JOINTS, 3):
        raise UserError(f"{path}: no poses.json with skeletons: one is written by --rotations")
    lengths = np.linalg.norm(offsets, axis=1)
    bones = lengths[REST.any(1)]
    # What is not symmetric is no skeleton of ours either: the solver takes the left side's lengths.
    left, right = ([k for k, name in enumerate(RIG_JOINTS) if side in name] for side in _SIDES)
    fits = np.abs(offsets - REST * lengths[:, None]).max() < _OFF and bones.min() > _SHORTEST
    if not fits or bones.max() > _LONGEST or np.abs(lengths[left] - lengths[right]).max() > _OFF:
        raise UserError(f"{path}: its skeleton has other bones than those that --rotations writes")
    return offsets


class WithMotion(Sink):
    """Hands results on to other sinks together with their motion: those of a sequence when all are
    there, for bones are measured over it, ``live`` ones at once. ``offsets`` (20, 3) are bones that
    are known, metres; ``world`` makes what places a sequence in the room; pictures have ``fps``."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        fps: float,
        live: bool = False,
        offsets: np.ndarray | None = None,
        world: Callable[[], World] | None = None,
    ) -> None:
        self._sinks, self._fps, self._live, self._new_world = sinks, fps, live, world
        self._solve = LiveSolver(offsets) if live else partial(solve_clip, offsets=offsets)
        self._held: list[FramePose] = []
        self._offsets: dict[str, np.ndarray] = {}  # of each sequence

    @property
    def closed(self) -> bool:  # type: ignore[override]
        return any(sink.closed for sink in self._sinks)

    @property
    def note(self) -> str:  # type: ignore[override]
        return "  ".join(filter(None, (sink.note for sink in self._sinks)))

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        if self._held and self._held[-1].sequence != result.sequence:
            self._hand_on()
        self._held.append(result)
        if self._live:
            self._hand_on(picture)

    def _hand_on(self, picture: np.ndarray | None = None) -> None:
        """Frames of a sequence that are held, with their motion."""
        held, self._held = self._held, []
        sequence = held[0].sequence
        motion = self._solve(np.stack([result.pose.joints3d + result.pose.neck for result in held]))
        if self._new_world is not None:
            if sequence not in self._offsets:
                self._world = self._new_world()
            motion = self._world.place(motion, [result.seconds(self._fps) for result in held])
        self._offsets[sequence] = motion.offsets
        for number, result in enumerate(held):
            for sink in self._sinks:
                sink.add(replace(result, motion=motion.frame(number)), picture)

    def finish(self, summary: Summary) -> None:
        if self._held:
            self._hand_on()
        summary.skeletons = [skeleton_entry(at, name) for name, at in self._offsets.items()]
        for sink in self._sinks:
            sink.finish(summary)
