"""Places: a floor, four walls or a horizon, things standing about, and the light.

Axes and units are the world's: centimetres, y up, the floor at y = 0.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dataset.synthetic.scene.floors import FLOORS, floor_texture
from dataset.synthetic.scene.furniture import Boxes, draw_furniture
from dataset.synthetic.scene.lights import lamps, light_map
from dataset.synthetic.scene.textures import INDOOR, OUTDOOR, draw_colour, mipmap
from dataset.synthetic.scene.walls import wall_panorama


@dataclass(frozen=True)
class Place:
    """One environment."""

    floor: list[np.ndarray]  # mipmap of (S, S, 3) uint8 textures, finest first, sRGB-like (gamma 2)
    walls: np.ndarray  # (WALL_HEIGHT, WALL_WIDTH, 3) uint8 panorama, its first row at the top
    centre: np.ndarray  # (2,) x and z of the middle of the room
    half: np.ndarray  # (2,) half its extent along x and z
    height: float  # of the walls
    above: np.ndarray  # (3,) linear colour over the walls: ceiling or sky
    floor_turn: float  # angle of the floor's pattern, radians
    gloss: float  # how much the floor mirrors at grazing angles
    light_map: np.ndarray  # share of the main light that reaches the floor around the origin
    lamps: np.ndarray  # what the floor mirrors from above
    things: Boxes  # what stands about
    sun: np.ndarray  # (3,) unit vector towards the main light
    sun_colour: np.ndarray  # (3,) linear
    ambient: np.ndarray  # (3,) linear

    @cached_property
    def floor_light(self) -> np.ndarray:
        """(3,) float32 linear light that the floor throws back, its mean over the place."""
        coarse = self.floor[-1].astype(np.float32)
        albedo = (coarse * coarse).mean((0, 1)) / 255**2
        sun = self.light_map.mean() * self.sun[1] * self.sun_colour
        return (albedo * (sun + self.ambient)).astype(np.float32)


def make_place(rng: np.random.Generator) -> Place:
    """Draw an environment."""
    floor = list(FLOORS.values())[rng.integers(len(FLOORS))]
    outdoors = floor.outdoors
    half = rng.uniform(500, 1400, 2) if outdoors else rng.uniform(300, 540, 2)
    centre = rng.uniform(-1, 1, 2) * (half - 280.0) * 0.6
    height = rng.uniform(300, 700) if outdoors else rng.uniform(230, 320)
    things = draw_furniture(rng, centre, half, OUTDOOR if outdoors else INDOOR)
    elevation, azimuth = np.radians(rng.uniform(38, 82)), rng.uniform(0, 2 * np.pi)
    level = np.cos(elevation)
    sun = np.array([level * np.cos(azimuth), np.sin(elevation), level * np.sin(azimuth)])
    warm = rng.uniform(-0.06, 0.1) if outdoors else rng.uniform(-0.05, 0.18)
    tint = np.array([1 + warm, 1.0, 1 - warm])
    share = rng.uniform(0.4, 0.8) if outdoors else rng.uniform(0.25, 0.7)
    above = np.array([0.84, 0.89, 0.95]) if outdoors else draw_colour(rng, INDOOR[:2], 0.0)
    return Place(
        floor=mipmap(floor_texture(floor, rng)),
        walls=wall_panorama(rng, outdoors),
        centre=centre,
        half=half,
        height=float(height),
        above=above**2,
        floor_turn=float(rng.uniform(0, np.pi)),
        gloss=float(floor.gloss * rng.uniform(0.3, 1.0)),
        light_map=light_map(rng, outdoors),
        lamps=lamps(rng, outdoors),
        things=things,
        sun=sun,
        sun_colour=tint * share * 1.6,
        ambient=(2 - tint) * (1 - share) * 1.25,
    )
