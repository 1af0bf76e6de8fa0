"""How close a synthetic set is to real frames: a sheet side by side, and statistics of its labels.

python utils/compare_synthetic.py --data_root data/synthetic --save_dir comparison
python utils/compare_synthetic.py --real real_frames --save_dir comparison

--real is a folder of real pictures (256x256 or larger squares), with their 2D joints in
joints2d.json if that is to be compared: a list of {"joints": 22 x 2 pixels of 256x256}.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError  # before OpenCV, to explain what that lacks

# isort: split
import cv2
import numpy as np
from scipy.spatial import cKDTree

from base.actions import ACTION_GROUPS, action_group
from base.files import write_text
from base.set_type import SetType
from base.skeleton import JOINTS, LIMBS, neck_centred
from dataset import open_split
from dataset.annotations import Annotations
from dataset.pictures import read_picture
from utils.common.command import run_command
from utils.common.paths import DEFAULT_DATA_ROOT
from utils.draw_contact_sheet import choose_pictures, draw_sheet
from utils.drawing.write import save_picture

#: Joints of the real annotations, in their order.
REAL_JOINTS: tuple[str, ...] = (
    *("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"),
    *(side + name for side in ("Left", "Right") for name in ("Shoulder", "Arm", "ForeArm", "Hand")),
    *(side + name for side in ("Left", "Right") for name in ("UpLeg", "Leg", "Foot", "ToeBase")),
)
#: Bones whose directions are compared: of head and limbs, not those of the trunk.
_BONES = LIMBS[:-3]
#: Bones shorter than this in the picture have no direction to speak of, pixels of 256.
_SHORT = 3.0
_NEIGHBOURS, _REGION = 10, 0.99
#: Side of the pictures on the sheet.
_TILE = 192
#: Of squares of 256 pixels: the radius inside the black rim, and the rows and columns where chin or
#: lip stand on nearly every picture.
_RADIUS, _CHIN = 115, (slice(2, 14), slice(112, 144))


def read_labels(
    root: Path, set_type: SetType, count: int, pictures: bool = False
) -> tuple[Annotations, np.ndarray]:
    """Labels of up to ``count`` frames spread over a split, in pixels of the square as 256×256.

    Returns:
        The labels, and (N,) the number of the character of each frame.
    """
    split = open_split(root, set_type, 256, pictures)
    rows = np.linspace(0, len(split) - 1, min(count, len(split))).astype(int)
    every = split.annotations()
    labels = Annotations(
        every.joints2d[rows],
        every.joints3d[rows],
        every.visible[rows],
        [every.actions[row] for row in rows],
    )
    names = [split.frame_id(int(row)).character for row in rows]
    return labels, np.unique(names, return_inverse=True)[1]


def share_inside(
    real: np.ndarray, synthetic: np.ndarray, characters: np.ndarray | None = None
) -> float | None:
    """Share of real points inside the region that holds 99 % of the synthetic ones.

    The region is where the distance to the 10th nearest synthetic point is at most the 99th
    percentile of that distance among the synthetic points themselves, each measured against the
    other characters: the real frames are of a person the set does not have either, and what stands
    still in one person's pictures, as the Head does, would have a region without extent.

    Args:
        real: (N, D).
        synthetic: (M, D).
        characters: (M,) numbers of whose the synthetic points are; None for one of each.

    Returns:
        None where too few points are of other characters for such a region.
    """
    if characters is None or len(np.unique(characters)) == 1:
        characters = np.arange(len(synthetic))
    own = np.empty(len(synthetic))
    for character in np.unique(characters):
        mine = characters == character
        own[mine] = _kth_distance(synthetic[mine], synthetic[~mine], _NEIGHBOURS)
    # No value between two: one of them may be infinite.
    limit = np.quantile(own, _REGION, method="lower")
    if not np.isfinite(limit):
        return None
    return float((_kth_distance(real, synthetic, _NEIGHBOURS) <= limit).mean())


def _kth_distance(points: np.ndarray, among: np.ndarray, k: int) -> np.ndarray:
    """(N,) distance of (N, D) points to their k-th nearest of (M, D), infinite for M below k."""
    return cKDTree(among).query(points, [k])[0][:, 0]


def compare_joints(
    real: np.ndarray, synthetic: np.ndarray, characters: np.ndarray | None = None
) -> dict[str, dict[str, float]]:
    """Shares of real joints and bone directions inside the synthetic 99 % regions.

    Args:
        real, synthetic: (N, 16, 2) and (M, 16, 2) pixels of 256×256.
        characters: as of :func:`share_inside`.

    Returns:
        "joints" and "bones", without those that have no region.
    """
    if characters is None:
        characters = np.arange(len(synthetic))
    shares: dict[str, dict[str, float | None]] = {"joints": {}, "bones": {}}
    for row, name in enumerate(JOINTS):
        shares["joints"][name] = share_inside(real[:, row], synthetic[:, row], characters)
    for start, end in _BONES:
        drawn = [each[:, end] - each[:, start] for each in (real, synthetic)]
        lengths = [np.linalg.norm(bone, axis=1, keepdims=True) for bone in drawn]
        long = [length[:, 0] > _SHORT for length in lengths]
        ours, theirs = (b[ok] / n[ok] for b, n, ok in zip(drawn, lengths, long, strict=True))
        if len(ours) and len(theirs) > _NEIGHBOURS + 1:
            name = f"{JOINTS[start]}-{JOINTS[end]}"
            shares["bones"][name] = share_inside(ours, theirs, characters[long[1]])
    return {
        kind: {name: share for name, share in found.items() if share is not None}
        for kind, found in shares.items()
    }


def visibility(labels: Annotations) -> dict[str, dict[str, float]]:
    """Share of frames in which each joint is visible, by action group."""
    groups = np.array([action_group(action) or "" for action in labels.actions])
    rows = {"All": np.full(len(groups), True)} | {g: groups == g for g in ACTION_GROUPS}
    return {
        group: dict(zip(JOINTS, labels.visible[chosen].mean(0).tolist(), strict=True))
        for group, chosen in rows.items()
        if chosen.any()
    }


def diversity(train: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Distances from poses (N, 16, 3) to the nearest other one, their medians over poses."""
    train, test = (poses.reshape(len(poses), -1) / np.sqrt(len(JOINTS)) for poses in (train, test))
    return {
        "test to train": float(np.median(_kth_distance(test, train, 1))),
        "train to train": float(np.median(_kth_distance(train, train, 2))),
    }


def picture_colours(pictures: Sequence[np.ndarray]) -> dict[str, float]:
    """Means over pictures, squares (S, S, 3) uint8 RGB of the whole lens, of 255.

    Returns:
        ``brightness`` and ``saturation`` (of HSV) inside the rim, ``chin``: brightness at the
        middle of the upper rim, and ``spread``: deviation of the brightness between pictures.
    """
    squares = [cv2.resize(p, (256, 256), interpolation=cv2.INTER_AREA) for p in pictures]
    inside = np.hypot(*(np.mgrid[:256, :256] - 127.5)) < _RADIUS
    grey = [cv2.cvtColor(square, cv2.COLOR_RGB2GRAY) for square in squares]
    brightness = [one[inside].mean() for one in grey]
    saturation = [cv2.cvtColor(one, cv2.COLOR_RGB2HSV)[inside, 1].mean() for one in squares]
    return {
        "brightness": float(np.mean(brightness)),
        "spread": float(np.std(brightness)),
        "saturation": float(np.mean(saturation)),
        "chin": float(np.mean([one[_CHIN].mean() for one in grey])),
    }


def _real_joints(path: Path) -> np.ndarray:
    """(N, 16, 2) of the real annotations."""
    try:
        joints = np.array([entry["joints"] for entry in json.loads(path.read_bytes())], float)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read as a list of frames' joints: {error}") from None
    if joints.shape[1:] != (len(REAL_JOINTS), 2):
        raise UserError(f"{path}: each frame must have {len(REAL_JOINTS)} joints of 2 pixels")
    return joints[:, [REAL_JOINTS.index(name) for name in JOINTS]]


def _real_pictures(folder: Path) -> list[np.ndarray]:
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if not paths:
        raise UserError(f"--real {folder} holds no .png or .jpg")
    size = _TILE, _TILE
    return [cv2.resize(read_picture(path), size, interpolation=cv2.INTER_AREA) for path in paths]


def _sheet(synthetic: list[np.ndarray], real: list[np.ndarray]) -> np.ndarray:
    """The synthetic frames, and two columns of real ones on the right where there are any."""
    left = draw_sheet(synthetic, 8)
    if not real:
        return left
    count = 2 * left.shape[0] // _TILE
    right = draw_sheet([real[k % len(real)] for k in range(count)], 2)
    return np.concatenate([left, np.full((len(left), 12, 3), 255, np.uint8), right], 1)


def _print_shares(title: str, shares: dict[str, float]) -> None:
    print(f"\n{title}")
    for name, share in (shares | {"mean": float(np.mean(list(shares.values())))}).items():
        print(f"  {name:<28}{100 * share:6.1f} %")


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_root", type=Path, default=DEFAULT_DATA_ROOT)
    parser.add_argument("--real", type=Path, help="folder of real pictures and joints2d.json")
    parser.add_argument("--save_dir", type=Path, required=True, help="folder to write to")
    parser.add_argument("--count", type=int, default=4000, help="labels to read (default 4000)")
    parser.add_argument("--seed", type=int, default=0, help="which frames the sheet shows")
    options = parser.parse_args(argv)
    if options.count < 2 * _NEIGHBOURS or options.seed < 0:
        raise UserError(f"--count must be at least {2 * _NEIGHBOURS}, --seed at least 0")
    if options.real is not None and not options.real.is_dir():
        raise UserError(f"--real {options.real}: no such folder")

    root = options.data_root
    train, characters = read_labels(root, SetType.TRAIN, options.count)
    test, _ = read_labels(root, SetType.TEST, options.count)
    pictured, _ = read_labels(root, SetType.TRAIN, options.count, pictures=True)
    poses = (neck_centred(labels.joints3d.astype(float)) * 1000.0 for labels in (train, test))
    results: dict = {
        "frames": {"train": len(train), "test": len(test)},
        "visibility": visibility(pictured),
        "diversity_mm": diversity(*poses),
    }
    real = options.real / "joints2d.json" if options.real else None
    if real is not None and real.is_file():
        found = results["real"] = compare_joints(_real_joints(real), train.joints2d, characters)
        if not found["joints"]:
            print("Too few synthetic people for regions of their joints: compare a larger set.")
        for kind, title in (("joints", "joints"), ("bones", "bone directions")):
            if found[kind]:
                _print_shares(f"Real {title} inside the synthetic 99 % region", found[kind])
    _print_shares("Visible joints, all actions", results["visibility"]["All"])
    print("\nNearest other pose, median millimetres")
    for name, distance in results["diversity_mm"].items():
        print(f"  {name:<28}{distance:6.1f}")
    pictures = choose_pictures(root, SetType.TRAIN, 64, _TILE, options.seed)
    real_pictures = _real_pictures(options.real) if options.real else []
    colours = results["colours"] = {"synthetic": picture_colours(pictures)}
    if real_pictures:
        colours["real"] = picture_colours(real_pictures)
    print("\nMeans over pictures, of 255" + "".join(f"{kind:>12}" for kind in colours))
    for name in colours["synthetic"]:
        print(f"  {name:<25}" + "".join(f"{means[name]:12.0f}" for means in colours.values()))
    save_picture(options.save_dir / "sheet.png", _sheet(pictures, real_pictures))
    write_text(options.save_dir / "statistics.json", json.dumps(results, indent=1) + "\n")
    print(f"\n{options.save_dir / 'sheet.png'}, statistics.json beside it")


if __name__ == "__main__":
    run_command(main)
