"""What a person is to do for some seconds, and where."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class CirclePath:
    """The circle a person walks on: bounded for ever, and the same for all clips of a person.

    Attributes:
        centre: x and z, centimetres.
        radius: centimetres.
        sense: 1.0 or -1.0.
        start: angle where the clip begins, radians.
        facing: turn of someone who stands against the direction of the path, degrees.
    """

    centre: tuple[float, float] = (0.0, 0.0)
    radius: float = 80.0
    sense: float = 1.0
    start: float = 0.0
    facing: float = 0.0

    def at(self, advance: float, aside: float = 0.0) -> tuple[float, float, float]:
        """Where one is after ``advance`` centimetres, ``aside`` of the line to the left.

        Returns:
            x and z in centimetres and the heading along the path, degrees from +z towards +x.
        """
        angle = self.start + self.sense * advance / self.radius
        heading = angle + (math.pi / 2 if self.sense > 0 else -math.pi / 2)
        # Facing (sin h, cos h), the left is at (cos h, -sin h).
        x = self.centre[0] + self.radius * math.sin(angle) + aside * math.cos(heading)
        z = self.centre[1] + self.radius * math.cos(angle) - aside * math.sin(heading)
        return x, z, math.degrees(heading)


@dataclass(frozen=True)
class Clip:
    """One clip of a timeline.

    Attributes:
        action: its name.
        first: its first frame; the blend from the one before begins there.
        blend: seconds in which it takes over from the clip before; its own time begins after.
        duration: seconds after the blend.
        path: where it happens.
        steps, step_length: of those that walk; centimetres.
    """

    action: str
    first: int = 0
    blend: float = 0.0
    duration: float = 5.0
    path: CirclePath = CirclePath()
    steps: int = 6
    step_length: float = 55.0
