"""Which joints are hidden from the camera."""

import numpy as np

from dataset.synthetic.body.body_model import Body

#: How far a joint may lie under the surface that is seen before it, centimetres for a body 170 cm
#: tall, by the start of its name without the side: half the thickness of the flesh and the cloth
#: around it, with some room.  Beyond that something else is in between.
_DEEPEST = {
    **{"HandThumb": 3.5, "Hand": 5.0, "ForeArm": 8.0, "Arm": 11.0, "Shoulder": 11.0},
    **{"UpLeg": 17.0, "Leg": 10.0, "Foot": 9.0, "ToeBase": 6.0},
    **{"Neck": 14.0, "Head": 16.0, "Hips": 22.0, "Spine": 22.0},
}


def occluded(lead: np.ndarray, body: Body) -> np.ndarray:
    """Which joints are hidden.

    Args:
        lead: (J,) centimetres by which the first surface on the way from the camera to each joint
            lies before the joint.
        body: whose joints they are.

    Returns:
        (J,) bool.
    """
    plain = [name.removeprefix("Left").removeprefix("Right") for name in body.rig.names]
    deep = [next(cm for start, cm in _DEEPEST.items() if name.startswith(start)) for name in plain]
    return lead > np.array(deep) * float(np.ptp(body.vertices[:, 1])) / 170.0
