"""What a person is to do for some seconds, and where."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class CirclePath:
    """The circle a person walks on: bounded for ever, and the same for all clips of a person."""

    centre: tuple[float, float] = (0.0, 0.0)  # x and z, centimetres
    radius: float = 80.0  # centimetres
    sense: float = 1.0  # 1.0 or -1.0
    start: float = 0.0  # angle where the clip begins, radians
    facing: float = 0.0  # turn of someone who stands against the direction of the path, degrees

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
    """One clip of a timeline."""

    action: str  # its name
    first: int = 0  # its first frame; the blend from the one before begins there
    # seconds in which it takes over from the clip before; its own time begins after
    blend: float = 0.0
    duration: float = 5.0  # seconds after the blend
    path: CirclePath = CirclePath()  # where it happens
    steps: int = 6  # of those that walk
    step_length: float = 55.0  # centimetres
