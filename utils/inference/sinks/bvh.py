"""``poses.bvh``: motion for animation tools, a skeleton with Mixamo's names, turned at joints."""

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from base.skeleton import JOINT_PREFIX
from utils.inference.outputs import Steps, Summary
from utils.inference.sinks.whole import ClipFormat
from utils.motion.rig import CHILDREN, NUM_RIG_JOINTS, REST, RIG_JOINTS, ROOT
from utils.motion.solver import Motion

_CENTIMETRES = 100.0
#: Length of a bone that ends without a joint of ours, centimetres: for the eye only.
_TIP_CM = 8.0
#: Share of a frame by which timestamps of a constant rate may be off: milliseconds at 100 a second.
_ROUNDED = 0.06


def euler_zxy(rotations: Rotation) -> np.ndarray:
    """Angles (F, 3), degrees, with R = Rz · Rx · Ry, without jumps in time."""
    with warnings.catch_warnings():
        # Straight up or down only z ± y is determined; SciPy then makes y zero.
        warnings.simplefilter("ignore", UserWarning)
        angles = rotations.as_euler("ZXY", degrees=True)
    return np.unwrap(angles, period=360, axis=0)


def _row(values: Sequence[float]) -> str:
    return " ".join(f"{value:.6f}" for value in np.round(values, 6) + 0.0)  # never -0.0


def bvh_text(motion: Motion, fps: float) -> str:
    """The file's content: hierarchy, then one line for each frame."""
    columns, lines = [motion.root * _CENTIMETRES], ["HIERARCHY"]

    def write(row: int, pad: str) -> None:
        name, kind, channels = RIG_JOINTS[row], "JOINT", "CHANNELS 3"
        if name == ROOT:
            kind, channels = "ROOT", "CHANNELS 6 Xposition Yposition Zposition"
        lines.extend([f"{pad}{kind} {JOINT_PREFIX}{name}", f"{pad}{{"])
        lines.append(f"{pad}\tOFFSET {_row(motion.offsets[row] * _CENTIMETRES)}")
        lines.append(f"{pad}\t{channels} Zrotation Xrotation Yrotation")
        columns.append(euler_zxy(Rotation.from_quat(motion.rotations[:, row])))
        for child in CHILDREN[name]:
            write(RIG_JOINTS.index(child), pad + "\t")
        if not CHILDREN[name]:
            tip = _row(REST[row] * _TIP_CM)
            lines.extend([f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET {tip}", f"{pad}\t}}"])
        lines.append(f"{pad}}}")

    write(RIG_JOINTS.index(ROOT), "")
    table = np.concatenate(columns, 1)
    timing = f"Frames: {len(table)}", f"Frame Time: {1 / fps:.10f}"
    lines += ["MOTION", *timing, *map(_row, table)]
    return "\n".join(lines) + "\n"


def at_constant_rate(motion: Motion, steps: Sequence[float]) -> Motion:
    """Frames at rising ``steps`` as a frame at every whole step from 0 to the last: a BVH file has
    neither gaps nor a variable rate. Between frames lie straight ways and least turns; before the
    first one it stands still. Steps that are whole but for rounded timestamps change nothing."""
    whole = np.round(steps)
    rounded = np.abs(whole - steps).max() < _ROUNDED and (np.diff(whole) > 0).all()
    steps = whole if rounded else np.asarray(steps)
    every = np.arange(int(whole[-1]) + 1)
    if np.array_equal(steps, every):
        return motion
    within = np.clip(every, steps[0], steps[-1])
    root = np.stack([np.interp(every, steps, column) for column in motion.root.T], -1)
    turns = np.repeat(motion.rotations[:1], len(every), 0)
    if len(steps) > 1:
        for row in range(NUM_RIG_JOINTS):
            slerp = Slerp(steps, Rotation.from_quat(motion.rotations[:, row]))
            turns[:, row] = slerp(within).as_quat(canonical=True)
    return Motion(motion.offsets, root, turns)


class BvhFormat(ClipFormat):
    """Resampled at a constant rate."""

    def finish(self, summary: Summary) -> None:
        steps = [*map(Steps(self.run.fps), self.results)]
        self.stream.write(bvh_text(at_constant_rate(self.motion(), steps), self.run.fps))
