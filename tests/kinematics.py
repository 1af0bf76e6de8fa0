"""Forward kinematics by plain quaternion algebra, as a receiver of poses does it."""

from collections.abc import Mapping

import numpy as np


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of quaternions x y z w: first ``b``, then ``a``."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return np.array(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ]
    )


def turned(vector: np.ndarray, q: np.ndarray) -> np.ndarray:
    """A vector turned by a unit quaternion."""
    x, y, z, w = q
    return product(product(q, np.array([*vector, 0.0])), np.array([-x, -y, -z, w]))[:3]


def rebuilt(
    parents: Mapping[str, str | None],
    places: Mapping[str, np.ndarray],
    rotations: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Where each joint is, from its place and turn relative to its parent; parents come first."""
    found: dict[str, np.ndarray] = {}
    turns: dict[str, np.ndarray] = {}
    for name, parent in parents.items():
        if parent is None:
            found[name], turns[name] = np.array(places[name]), np.array(rotations[name])
        else:
            found[name] = found[parent] + turned(np.array(places[name]), turns[parent])
            turns[name] = product(turns[parent], np.array(rotations[name]))
    return found
