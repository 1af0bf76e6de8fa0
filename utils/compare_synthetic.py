"""How many joints of real frames lie where a synthetic set has them in the picture.

python utils/compare_synthetic.py --data_root data/synthetic --real joints2d.json

--real is a list of {"joints": 22 x 2 pixels}, a frame each, in squares of 256x256 of the lens.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import command_parser, parse_early, run_command


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = command_parser(__doc__, "data_root")
    parser.add_argument("--real", type=Path, required=True, help="joints of the real frames")
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import json

import numpy as np
from scipy.spatial import cKDTree

from base.errors import UserError
from base.set_type import SetType
from base.skeleton import JOINTS, LIMBS
from dataset import open_split

#: Joints of the real annotations, in their order.
REAL_JOINTS: tuple[str, ...] = (
    *("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"),
    *(side + name for side in ("Left", "Right") for name in ("Shoulder", "Arm", "ForeArm", "Hand")),
    *(side + name for side in ("Left", "Right") for name in ("UpLeg", "Leg", "Foot", "ToeBase")),
)
#: Labels that are compared, at most.
_LABELS = 4000
#: Bones shorter than this in the picture have no direction to speak of, pixels of 256.
_SHORT = 3.0
_NEIGHBOURS, _REGION = 10, 0.99


def _read_joints(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """(N, 16, 2) joints of frames spread over TrainSet, pixels of 256×256, and (N,) characters."""
    split = open_split(root, SetType.TRAIN, 256, pictures=False)
    rows = np.linspace(0, len(split) - 1, min(_LABELS, len(split))).astype(int)
    characters = [split.frame_id(int(row)).character for row in rows]
    return split.annotations().joints2d[rows], np.array(characters)


def _kth_distance(points: np.ndarray, among: np.ndarray, k: int) -> np.ndarray:
    """(N,) distance of (N, D) points to their k-th nearest of (M, D), infinite for M below k."""
    return cKDTree(among).query(points, [k])[0][:, 0]


def share_inside(real: np.ndarray, synthetic: np.ndarray, people: np.ndarray) -> float | None:
    """Share of real points (N, D) inside the region that holds 99 % of the synthetic ones (M, D);
    None where too few are of other people. The region is where the distance to the 10th nearest
    synthetic point is at most the 99th percentile of that distance among the synthetic points
    themselves, each measured against those of other ``people`` (M,): the real frames are of a
    person the set does not have either."""
    if len(np.unique(people)) == 1:
        people = np.arange(len(synthetic))
    own = [
        _kth_distance(synthetic[people == person], synthetic[people != person], _NEIGHBOURS)
        for person in np.unique(people)
    ]
    # No value between two: one of them may be infinite.
    limit = np.quantile(np.concatenate(own), _REGION, method="lower")
    if not np.isfinite(limit):
        return None
    return float((_kth_distance(real, synthetic, _NEIGHBOURS) <= limit).mean())


def _directions(joints: np.ndarray, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of a bone where it is long enough in the picture, and (N,) bool where it is."""
    way = joints[:, end] - joints[:, start]
    length = np.linalg.norm(way, axis=1, keepdims=True)
    long = length[:, 0] > _SHORT
    return way[long] / length[long], long


def compare_joints(
    real: np.ndarray, synthetic: np.ndarray, people: np.ndarray
) -> dict[str, dict[str, float]]:
    """Shares of real joints and bone directions inside the synthetic 99 % regions. ``real`` (N, 16,
    2) and ``synthetic`` (M, 16, 2) are pixels of 256×256, ``people`` as of :func:`share_inside`.
    Returns "joints" and "bones", without those that have no region."""
    shares = {"joints": {}, "bones": {}}
    for row, name in enumerate(JOINTS):
        shares["joints"][name] = share_inside(real[:, row], synthetic[:, row], people)
    for start, end in LIMBS[:-3]:  # those of head and limbs, not of the trunk
        ours, _ = _directions(real, start, end)
        theirs, long = _directions(synthetic, start, end)
        if len(ours) and len(theirs) > _NEIGHBOURS + 1:
            name = f"{JOINTS[start]}-{JOINTS[end]}"
            shares["bones"][name] = share_inside(ours, theirs, people[long])
    return {
        kind: {name: share for name, share in found.items() if share is not None}
        for kind, found in shares.items()
    }


def _real_joints(path: Path) -> np.ndarray:
    """(N, 16, 2) of the real annotations."""
    try:
        joints = np.array([entry["joints"] for entry in json.loads(path.read_bytes())], float)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise UserError(f"{path} cannot be read as a list of frames' joints") from None
    if joints.shape[1:] != (len(REAL_JOINTS), 2) or not np.isfinite(joints).all():
        raise UserError(f"{path}: each frame must have {len(REAL_JOINTS)} joints of 2 pixels")
    return joints[:, [REAL_JOINTS.index(name) for name in JOINTS]]


def main(argv: list[str] | None = None) -> None:
    options = parse_arguments(argv)
    found = compare_joints(_real_joints(options.real), *_read_joints(options.data_root))
    if not found["joints"]:
        print("Too few synthetic people for regions of their joints: compare a larger set.")
    for kind, shares in found.items():
        if shares:
            print(f"\nReal {kind} inside the synthetic 99 % region, %")
            for name, share in (shares | {"mean": np.mean(list(shares.values()))}).items():
                print(f"  {name:<28}{100 * share:6.1f}")


if __name__ == "__main__":
    run_command(main)
