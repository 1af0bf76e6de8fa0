"""Poses of a body whose bones keep their lengths, metres, x to the left, y forward, z down."""

from contextlib import closing

import numpy as np
from scipy.spatial.transform import Rotation

from base.skeleton import JOINTS
from utils.inference.outputs import FramePose, RunInfo
from utils.motion.solver import solve_clip

#: A standing person before the camera.
STANDING = {
    "Neck": (0, 0, 0.15),
    "Head": (0, 0.03, 0.0),
    "LeftArm": (0.18, 0, 0.22),
    "LeftForeArm": (0.25, 0.02, 0.5),
    "LeftHand": (0.24, 0.15, 0.72),
    "LeftUpLeg": (0.1, 0, 0.7),
    "LeftLeg": (0.1, 0.03, 1.12),
    "LeftFoot": (0.1, -0.02, 1.52),
    "LeftToeBase": (0.12, 0.12, 1.58),
}


def standing():
    pose = np.zeros((16, 3))
    for name, place in STANDING.items():
        pose[JOINTS.index(name)] = place
        if name.startswith("Left"):
            mirrored = np.multiply(place, (-1, 1, 1))
            pose[JOINTS.index(name.replace("Left", "Right"))] = mirrored
    return pose


def written(kind, path, clip, times, fps=30.0):
    """The file that a format makes of the motion of a clip whose frames are at times, seconds."""
    motion = solve_clip(clip)
    with closing(kind(path, RunInfo(None, fps, False, "camera"))) as sink:
        for index, time in enumerate(times):
            place = index, float(time), index
            sink.add(FramePose("a", "a", (1, 1), None, *place, motion=motion.frame(index)), None)
        sink.finish(None)
    return path


def turning(rng, degrees):
    axis = rng.normal(size=3)
    return Rotation.from_rotvec(rng.uniform(-degrees, degrees) * axis, degrees=True).as_matrix()


def moving(frames, degrees=35):
    """Every part turned at random, by up to that about axes of length 1 or so."""
    rng = np.random.default_rng(0)
    chains = [("Neck", "Head")]
    for side in ("Left", "Right"):
        for chain in (("Arm", "ForeArm", "Hand"), ("UpLeg", "Leg", "Foot", "ToeBase")):
            names = [side + name for name in chain]
            chains += [names[k:] for k in range(len(names) - 1)]
    clip = []
    for _ in range(frames):
        pose = standing()
        for names in chains:
            first, *rest = (JOINTS.index(name) for name in names)
            pose[rest] = (pose[rest] - pose[first]) @ turning(rng, degrees) + pose[first]
        clip.append(pose @ turning(rng, 180) + rng.normal(0, 0.2, 3))
    return np.array(clip)
