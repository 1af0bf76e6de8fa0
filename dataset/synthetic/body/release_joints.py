"""Joints as the labels have them: where the release's characters have theirs, and which are hidden.

Some joints of the rig lie elsewhere in the body. Where was measured on a real frame of a T-pose:
the picture tells where the camera is against nose, lip and chin, the labels in which directions the
joints lie. Only what is written down is moved, rigidly with its bone."""

import numpy as np

from dataset.synthetic.body.body_model import Body

#: Centimetres (across, up, ahead) for a body 170 cm tall, in the axes of the bone that carries it.
#: The skull turns about a point at the level of the jaw, not of the ears; the neck begins lower and
#: 2.7 cm behind it: as the chest turns under the head, the real Neck swings by that much.
_MOVED: dict[str, tuple[str, tuple[float, float, float]]] = {
    "Head": ("Head", (0.0, -2.6, -1.0)),
    "Neck": ("Spine2", (0.0, -4.0, -1.9)),
    "LeftUpLeg": ("Hips", (0.0, 0.0, 3.5)),
    "RightUpLeg": ("Hips", (0.0, 0.0, 3.5)),
}
#: Hips are this much closer to the middle than the body's thighs turn about.
_HIP_WIDTH = 0.66

#: How far a joint may lie under the surface that is seen before it, centimetres for a body 170 cm
#: tall, by the start of its name without the side: half the thickness of the flesh and the cloth
#: around it, with some room.  Beyond that something else is in between.
_DEEPEST = {
    **{"HandThumb": 3.5, "Hand": 5.0, "ForeArm": 8.0, "Arm": 11.0, "Shoulder": 11.0},
    **{"UpLeg": 17.0, "Leg": 10.0, "Foot": 9.0, "ToeBase": 6.0},
    **{"Neck": 14.0, "Head": 16.0, "Hips": 22.0, "Spine": 22.0},
}


def _scale(body: Body) -> float:
    return float(np.ptp(body.vertices[:, 1])) / 170.0


def release_joints(body: Body, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """(J, 3) joints of the labels from those a body moves about, world centimetres, and (J, 3, 3)
    turns of its bones on top of the T-pose."""
    row, moved, scale = body.rig.index, joints.copy(), _scale(body)
    thighs = [row("LeftUpLeg"), row("RightUpLeg")]
    middle = joints[thighs].mean(0)
    moved[thighs] = middle + _HIP_WIDTH * (joints[thighs] - middle)
    for name, (carrier, offset) in _MOVED.items():
        moved[row(name)] += turns[row(carrier)] @ (scale * np.array(offset))
    return moved


def occluded(lead: np.ndarray, body: Body) -> np.ndarray:
    """(J,) which joints are hidden from the camera, by the centimetres ``lead`` (J,) by which the
    first surface on the way to each lies before it."""
    plain = [name.removeprefix("Left").removeprefix("Right") for name in body.rig.names]
    deep = [next(cm for start, cm in _DEEPEST.items() if name.startswith(start)) for name in plain]
    return lead > np.array(deep) * _scale(body)
