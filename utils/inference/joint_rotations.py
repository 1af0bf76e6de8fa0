"""Joint rotations of results, before these are written or sent."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError
from utils.inference.outputs import FramePose, Sink, Summary
from utils.motion.rig import NUM_RIG_JOINTS, PARENTS, RIG_JOINTS
from utils.motion.solver import LiveSolver, solve_clip
from utils.motion.world import World

#: Metres, of a bone.
_LONGEST = 3.0


def skeleton_entry(offsets: np.ndarray, sequence: str = "") -> dict[str, Any]:
    """A skeleton with these offsets from parents, for ``poses.json`` and streams."""
    return {
        "sequence": sequence,
        "joint_names": list(RIG_JOINTS),
        "parents": list(PARENTS),
        "offsets": (np.round(offsets, 5) + 0.0).tolist(),
    }


def read_skeletons(path: Path) -> dict[str, np.ndarray]:
    """Sequence → (20, 3) metres: offsets of the skeletons in a ``poses.json``; UserError without
    one."""
    try:
        stated = json.loads(path.read_bytes())["skeletons"]
        if not stated or any(each["joint_names"] != list(RIG_JOINTS) for each in stated):
            raise ValueError(path)
        shape = NUM_RIG_JOINTS, 3
        found = {
            each["sequence"]: np.array(each["offsets"], float).reshape(shape) for each in stated
        }
        if not all((np.abs(offsets) < _LONGEST).all() for offsets in found.values()):
            raise ValueError(path)  # centimetres, or NaN
        return found
    except (LookupError, TypeError, ValueError):
        why = "no poses.json with skeletons: one is written by --rotations"
        raise UserError(f"{path}: {why}") from None


class WithMotion(Sink):
    """Hands results on to other sinks together with their motion: those of a sequence when all are
    there, for bones are measured over it, ``live`` ones at once. ``known`` are bones of sequences,
    as of :func:`read_skeletons`; one alone is of all. ``world`` makes what places a sequence in the
    room; pictures have ``fps``."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        fps: float,
        live: bool = False,
        known: dict[str, np.ndarray] | None = None,
        world: Callable[[], World] | None = None,
    ) -> None:
        self._sinks, self._fps, self._new_world, self._known = sinks, fps, world, known or {}
        self._live = LiveSolver(self._bones("")) if live else None
        self._held: list[FramePose] = []
        self._offsets: dict[str, np.ndarray] = {}  # of each sequence

    def _bones(self, sequence: str) -> np.ndarray | None:
        one = self._known.values() if len(self._known) == 1 else ()
        return self._known.get(sequence, *one)

    @property
    def note(self) -> str:  # type: ignore[override]
        return "  ".join(filter(None, (sink.note for sink in self._sinks)))

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        if self._held and self._held[-1].sequence != result.sequence:
            self._hand_on()
        self._held.append(result)
        if self._live is not None:
            self._hand_on(picture)

    def _hand_on(self, picture: np.ndarray | None = None) -> None:
        """Frames of a sequence that are held, with their motion."""
        held, self._held = self._held, []
        sequence = held[0].sequence
        joints3d = np.stack([result.pose.joints3d + result.pose.neck for result in held])
        if self._live is None:
            motion = solve_clip(joints3d, self._bones(sequence))
        else:
            motion = self._live(joints3d)
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
