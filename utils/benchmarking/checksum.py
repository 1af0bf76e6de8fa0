"""The checksum of a set: the same wherever the set was made.

Identities and clips are hashed and have to be equal.  Joints and grey levels are rounded by other
vector units and JPEG encoders: they are summed, each value with a fixed pseudo-random sign, and the
sums compared within a tolerance, in which rounding cancels and a misplaced joint does not.
"""

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from base.set_type import SetType
from dataset import open_split
from utils.drawing.split_painter import evenly_spaced

#: Largest difference of equal sets: metres, pixels, grey levels of a signed sum over the root of
#: its number of terms; share of visible joints (a ray can pass an edge on either side).
TOLERANCES = {"joints3d": 2e-6, "joints2d": 2e-4, "pictures": 0.2, "visible": 1e-3}


def signed_sums(values: np.ndarray) -> list[float]:
    """Four sums of all values with pseudo-random signs, over the root of their number."""
    flat, sums = np.asarray(values, np.float64).ravel(), []
    for number in range(4):
        # SHAKE-256 (FIPS 202), which no version of a library changes.
        bits = hashlib.shake_256(b"%d" % number).digest(-(-flat.size // 8))
        signs = 1.0 - 2.0 * np.unpackbits(np.frombuffer(bits, np.uint8))[: flat.size]
        sums.append(float((signs * flat).sum() / np.sqrt(max(1, flat.size))))
    return sums


def set_checksum(root: Path, picture_size: int) -> dict[str, dict[str, Any]]:
    """For each split: of its labels, and of a grid of mean colours of 500 pictures."""
    found = {}
    for kind in SetType:
        data = open_split(root, kind, picture_size)
        labels, names = data.annotations(), [str(data.frame_id(row)) for row in range(len(data))]
        order = np.argsort(names)
        lines = "".join(f"{names[row]} {labels.actions[row]}\n" for row in order)
        images = (data[row].image.astype(np.float32) for row in evenly_spaced(order, 500))
        grids = [cv2.resize(image, (4, 4), interpolation=cv2.INTER_AREA) for image in images]
        found[kind.folder] = {
            "frames": len(names),
            "characters": len({name.split("/")[0] for name in names}),
            "identities_sha256": hashlib.sha256(lines.encode()).hexdigest(),
            "visible": float(labels.visible.mean()),
            "joints3d": signed_sums(labels.joints3d[order]),
            "joints2d": signed_sums(labels.joints2d[order]),
            "pictures": signed_sums(np.stack(grids)),
        }
    return found


def differences(expected: dict[str, dict], found: dict[str, dict]) -> list[str]:
    """Where a set is another one, as "TestSet: joints3d"; empty for equal sets."""

    def same(key: str, one: Any, other: Any) -> bool:
        exact = key not in TOLERANCES
        return one == other if exact else np.allclose(one, other, rtol=0, atol=TOLERANCES[key])

    keys = [(folder, key) for folder, split in expected.items() for key in split]
    return [f"{f}: {key}" for f, key in keys if not same(key, expected[f][key], found[f][key])]
