"""Rotations of many vectors at once (x to the left, y up, z ahead), and the T-pose: arms along ±x
with the palms down, legs along -y, feet along +z."""

import re

import numpy as np
from scipy.spatial.transform import Rotation

#: Name and sign of x of each side.
SIDES = ("Left", 1.0), ("Right", -1.0)
_DOWN, _AHEAD = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])


def unit(vectors: np.ndarray) -> np.ndarray:
    """(…, 3) vectors of length 1, those of none as they are."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def rotation(axis: str, degrees: np.ndarray) -> np.ndarray:
    """(…, 3, 3) rotations about the x, y or z axis by (…) degrees.  Not by SciPy's quaternions:
    turns there and back must cancel exactly, or a flat foot jumps between 180 and -180 degrees."""
    angle, k = np.radians(degrees), "xyz".index(axis)
    i, j = (k + 1) % 3, (k + 2) % 3
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., k, k] = 1.0
    matrix[..., i, i] = matrix[..., j, j] = np.cos(angle)
    matrix[..., j, i] = np.sin(angle)
    matrix[..., i, j] = -matrix[..., j, i]
    return matrix


def align(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(3, 3) smallest rotation from direction ``start`` (3,) to ``end``."""
    return Rotation.align_vectors(end, start)[0].as_matrix()


def apply(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Vectors (…, 3) turned by matrices (…, 3, 3)."""
    return np.einsum("...ab,...b->...a", matrix, vector)


def to_tpose(at: dict[str, np.ndarray], level_feet: bool = False) -> dict[str, np.ndarray]:
    """(3, 3) rotation of each bone of arms and legs from a rest pose to the T-pose, of the joints'
    (3,) positions at rest, y up, facing +z; ``level_feet`` are flat and straight already."""
    turns = {}
    for side, sign in SIDES:
        outward = np.array([sign, 0.0, 0.0])
        for chain, way in (("Arm ForeArm Hand", outward), ("UpLeg Leg Foot", _DOWN)):
            first, second, last = (side + name for name in chain.split())
            turns[first] = align(at[second] - at[first], way)
            turns[second] = align(turns[first] @ (at[last] - at[second]), way) @ turns[first]
        fore = hand = turns[f"{side}ForeArm"]
        knuckles = [at.get(f"{side}Hand{finger}1") for finger in ("Middle", "Index", "Pinky")]
        if all(knuckle is not None for knuckle in knuckles):
            # Fingers outward and the row of knuckles with the index finger in front.
            middle, index, pinky = knuckles
            hand = align(fore @ (middle - at[f"{side}Hand"]), outward) @ fore
            across = (hand @ (index - pinky)) * (0.0, 1.0, 1.0)
            if np.linalg.norm(across) >= 1e-6:
                hand = align(across, _AHEAD) @ hand
        turns |= {name: hand for name in at if re.match(f"{side}Hand([A-Z]|$)", name)}
        # Half of the twist between elbow and palm belongs to the forearm.
        twist = hand @ fore.T
        half = np.arctan2(twist[2, 1] - twist[1, 2], twist[1, 1] + twist[2, 2]) / 2
        turns[f"{side}ForeArm"] = Rotation.from_rotvec([half, 0.0, 0.0]).as_matrix() @ fore
        # The foot keeps its sole flat and only turns to point ahead.
        toes = (at[f"{side}ToeBase"] - at[f"{side}Foot"]) * (1.0, 0.0, 1.0)
        plain = level_feet or np.linalg.norm(toes) < 1e-6
        turns[f"{side}Foot"] = turns[f"{side}ToeBase"] = np.eye(3) if plain else align(toes, _AHEAD)
    return turns
