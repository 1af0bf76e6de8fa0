"""Joints as the labels have them: where the release's characters have their joints.

The body model's rig bears Mixamo's names, yet some of its joints lie elsewhere in the body than in
the characters of the release.  Where was measured on a real frame of a T-pose: the picture tells
where the camera is against nose, lip and chin, the labels in which directions the joints lie.  The
body moves about its own joints; only what is written down is moved, rigidly with its bone.
"""

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


def release_joints(body: Body, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Joints as they are written in the labels.

    Args:
        body: whose joints they are.
        joints: (J, 3) joints the body moves about, world centimetres.
        turns: (J, 3, 3) turns of the bones on top of the T-pose.

    Returns:
        (J, 3) world centimetres.
    """
    row = body.rig.index
    moved = joints.copy()
    scale = float(np.ptp(body.vertices[:, 1])) / 170.0
    thighs = [row("LeftUpLeg"), row("RightUpLeg")]
    middle = joints[thighs].mean(0)
    moved[thighs] = middle + _HIP_WIDTH * (joints[thighs] - middle)
    for name, (carrier, offset) in _MOVED.items():
        moved[row(name)] += turns[row(carrier)] @ (scale * np.array(offset))
    return moved
