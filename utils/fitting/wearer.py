"""Where a wearer who stands upright has what is marked in pictures: the average person, and how
differently people are built.

Centimetres from the tip of the nose: to the wearer's left, up, ahead.  The numbers are of 600
bodies of the synthetic set (``dataset/synthetic/body``; half of them men, 154 to 188 cm tall, of
all builds), posed upright with the head level: a straight line over their statures, and the
deviations from it.
"""

import numpy as np

#: Of the stature in centimetres to which the table's places belong.
_STATURE = 172.0
HANGING, T_POSE = "hanging", "tpose"
#: Marks on the head, which do not move against the camera.
ON_HEAD = ("nose", "chin")
