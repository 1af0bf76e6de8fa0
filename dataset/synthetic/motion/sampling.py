"""Which frames of a movement are taken."""

import numpy as np

from dataset.synthetic.body.poser import Poser
from dataset.synthetic.motion.bvh_timeline import BvhTimeline
from dataset.synthetic.motion.timeline import Timeline
from dataset.synthetic.motion.world_frames import Frames

_ATTEMPTS = 8


def draw_frames(
    poser: Poser,
    camera: np.ndarray,
    timeline: Timeline | BvhTimeline,
    starts: list[int],
    stride: int,
    draws: list[np.random.Generator],
) -> Frames:
    """Frames of a timeline: for each start one of the ``stride`` frames from there on.

    Where there is a choice, a frame in which an arm goes through the body is left for another.

    Args:
        poser: of the person.
        camera: (3,) from the head joint, which hands keep clear of, centimetres.
        timeline: what they do.
        starts: N frame numbers.
        stride: frames to choose among; 1 for none.
        draws: N generators, so that a frame does not depend on its neighbours.
    """
    if stride == 1:
        return timeline.place(starts)
    rows, frames = np.arange(len(starts)), None
    for _ in range(_ATTEMPTS):
        drawn = timeline.place([starts[row] + int(draws[row].integers(stride)) for row in rows])
        if frames is None:
            frames = drawn
        else:
            frames.replace(rows, drawn)
        rows = rows[poser.volumes.hit(drawn.joints, drawn.turns, camera)]
        if len(rows) == 0:
            break
    return frames
