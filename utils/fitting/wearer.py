"""Where the parts of a wearer's body are that are marked in pictures.

Centimetres from the tip of the nose, to the wearer's left, up, ahead, of a person who stands
upright and looks straight ahead, feet side by side.  Places and how they change with the stature
are a straight line through 400 bodies of the synthetic set (``dataset/synthetic/body``; women and
men of 150 to 190 cm and all builds).  The deviations are those of the bodies, widened for posture,
clothes and where people mark.
"""

import numpy as np

from base.skeleton import MEAN_HEIGHT

#: Marks that move with the head and the camera.
ON_HEAD = ("nose", "chin")
#: The point about which the head is held more or less level.
NECK = np.array([0.0, -10.0, -15.8])

#: Place at the mean height, change of it per centimetre of stature, deviation; of the left side
#: where there are two.
#: The shoulder is the skin above the joint, the wrist its middle, the foot the tip of the toes.
_MIDDLE = {
    "nose": ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.3, 0.3, 0.3)),
    "chin": ((0.0, -6.7, -2.3), (0.0, -0.02, 0.0), (0.4, 0.6, 0.6)),
}
_FOOT = ((9.3, -155.6, 4.0), (0.07, -0.93, -0.01), (4.0, 1.5, 4.0))
_SIDE = {
    "hanging": {
        "shoulder": ((16.7, -13.2, -15.1), (0.07, -0.01, -0.08), (1.5, 1.5, 2.0)),
        "wrist": ((23.2, -70.0, -11.6), (0.16, -0.46, -0.07), (4.0, 2.0, 5.0)),
        "foot": _FOOT,
    },
    "tpose": {
        "shoulder": ((18.5, -14.8, -14.9), (0.14, -0.02, -0.09), (2.0, 1.5, 2.0)),
        "wrist": ((68.7, -19.2, -14.8), (0.52, -0.05, -0.09), (2.5, 4.0, 4.0)),
        "foot": _FOOT,
    },
}
#: Of the arms.
POSES = tuple(_SIDE)
#: What is marked, from head to foot.
MARKS = (*_MIDDLE, *(f"{side}_{part}" for part in _SIDE["hanging"] for side in ("left", "right")))


def wearer(pose: str, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Places of :data:`MARKS` and their standard deviations, (8, 3) centimetres each, of a person
    of ``height`` metres with the arms in one of :data:`POSES`."""
    mirror = np.array([[-1.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    rows = [np.array(row) for row in _MIDDLE.values()]
    rows += [row * sign for row in map(np.array, _SIDE[pose].values()) for sign in (1, mirror)]
    table = np.array(rows)
    return table[:, 0] + table[:, 1] * 100 * (height - MEAN_HEIGHT), table[:, 2]
