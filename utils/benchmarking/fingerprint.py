"""The checksum of a set: the same wherever the set was made.

Which frames there are, and what is done in them, is drawn by NumPy's generators and is the same
everywhere: identities and clips are hashed, and have to be equal.  Joints and pictures go through
the vector units of the processor, through libraries built for it and through a JPEG encoder, so
their last bits are not: a joint moves by a ten-thousandth of a millimetre, a grey level by one.  A
hash of them would call equal sets different.  They are summed up instead, each value with a sign of
its own from a fixed pseudo-random sequence, and the sums compared within a tolerance: rounding
cancels, while a single joint some millimetres off shows, and so does one of the pictures looked at
being another.
"""

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from base.errors import BrokenFrameError, UserError
from base.set_type import SetType
from dataset.mocap import open_split

#: Differently signed sums of the same values, lest something fall out of one.
_SUMS = 4
#: Sides of the grids of mean colours that stand for a picture.
_GRID = 4
#: Pictures of each split that are looked at, evenly spread.
_PICTURES = 500

#: Largest difference of what is the same: metres, pixels and grey levels of a signed sum over the
#: root of the number of its terms; share of the joints that count as visible (a ray cast in single
#: precision can pass an edge on either side).
TOLERANCES = {"joints3d": 2e-6, "joints2d": 2e-4, "pictures": 0.2, "visible": 1e-3}


def signed_sums(values: np.ndarray) -> list[float]:
    """Sums of all values, each with a fixed pseudo-random sign, over the root of their number.

    The signs are bits of SHAKE-256 (FIPS 202), so that no version of a library changes them.
    """
    flat = np.asarray(values, np.float64).ravel()
    sums = []
    for number in range(_SUMS):
        bits = hashlib.shake_256(b"%d" % number).digest(-(-flat.size // 8))
        signs = 1.0 - 2.0 * np.unpackbits(np.frombuffer(bits, np.uint8))[: flat.size]
        sums.append(float((signs * flat).sum() / np.sqrt(max(1, flat.size))))
    return sums


def split_fingerprint(root: Path, set_type: SetType, picture_size: int) -> dict[str, Any]:
    """What identifies a split.

    Raises:
        UserError: for one that is missing, or has a picture that cannot be read.
    """
    dataset = open_split(root, set_type, picture_size)
    labels = dataset.annotations()
    names = [str(dataset.frame_id(row)) for row in range(len(dataset))]
    order = np.argsort(names)
    lines = "".join(f"{names[row]} {labels.actions[row]}\n" for row in order)
    colours = []
    shown = order[np.linspace(0, len(order) - 1, min(_PICTURES, len(order))).round().astype(int)]
    for row in tqdm(shown, desc=f"checksum of {set_type.folder}", unit="picture", leave=False):
        try:
            image = dataset[row].image
        except BrokenFrameError as error:
            raise UserError(f"{root}: {error}; make the set anew") from None
        colours.append(
            cv2.resize(image.astype(np.float32), (_GRID, _GRID), interpolation=cv2.INTER_AREA)
        )
    return {
        "frames": len(names),
        "characters": len({name.split("/")[0] for name in names}),
        "identities_sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "visible": float(labels.visible.mean()),
        "joints3d": signed_sums(labels.joints3d[order]),
        "joints2d": signed_sums(labels.joints2d[order]),
        "pictures": signed_sums(np.stack(colours)),
    }


def fingerprint(root: Path, picture_size: int) -> dict[str, Any]:
    """What identifies a set: folder of each split → :func:`split_fingerprint`.

    Raises:
        UserError: as :func:`split_fingerprint`.
    """
    return {kind.folder: split_fingerprint(root, kind, picture_size) for kind in SetType}


def differences(written: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """In what a set is not the one that was written down; empty where it is."""
    different = []
    for folder, expected in written.items():
        have = found.get(folder, {})
        for key, value in expected.items():
            other = have.get(key)
            same = value == other
            if key in TOLERANCES and other is not None and np.shape(value) == np.shape(other):
                same = bool(np.allclose(value, other, rtol=0, atol=TOLERANCES[key]))
            if not same:
                different.append(f"{folder}: {key}")
    return different
