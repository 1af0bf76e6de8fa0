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
from tqdm import tqdm

from base.actions import ACTION_GROUPS, action_group
from base.files import write_text
from base.set_type import SetType
from base.skeleton import JOINT_PREFIX, JOINTS, NECK
from dataset.pictures import read_picture
from utils.common.command import run_command
from utils.common.paths import DEFAULT_DATA_ROOT
from utils.drawing.sheet import choose_pictures, draw_sheet
from utils.drawing.write import save_picture

_SIDES = ("Left", "Right")
#: Joints of the real annotations, in their order.
REAL_JOINTS: tuple[str, ...] = (
    *("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"),
    *(side + name for side in _SIDES for name in ("Shoulder", "Arm", "ForeArm", "Hand")),
    *(side + name for side in _SIDES for name in ("UpLeg", "Leg", "Foot", "ToeBase")),
)
#: Bones whose directions are compared, as (start, end).
BONES: tuple[tuple[str, str], ...] = (
    ("Neck", "Head"),
    *(
        (side + a, side + b)
        for side in _SIDES
        for a, b in (("Arm", "ForeArm"), ("ForeArm", "Hand"))
    ),
    *((side + a, side + b) for side in _SIDES for a, b in (("UpLeg", "Leg"), ("Leg", "Foot"))),
    *((f"{side}Foot", f"{side}ToeBase") for side in _SIDES),
)
#: Bones shorter than this in the picture have no direction to speak of, pixels of 256.
_SHORT = 3.0
_NEIGHBOURS = 10
_REGION = 0.99
#: Side of the pictures on the sheet.
_TILE = 192
#: Of squares of 256 pixels: the radius inside the black rim, and the rows and columns where chin or
#: lip stand on nearly every picture.
_RADIUS, _CHIN = 115, (slice(2, 14), slice(112, 144))


def read_labels(root: Path, set_type: SetType, count: int) -> dict:
    """Labels of up to ``count`` frames of a split, spread over it.

    Returns:
        ``pixels`` (N, 22, 2) of the central square as 256×256, ``poses`` (N, 16, 3) millimetres
        from the Neck, ``visible`` (N, 16) bool, False everywhere for frames without a picture,
        ``pictured`` (N,) bool, ``groups`` N names or None,
        ``characters`` (N,) numbers.
    """
    paths = sorted((root / set_type.folder).glob("*/*/cam_down/json/*.json"))
    if not paths:
        raise UserError(
            f"{root / set_type.folder} holds no labels: make a set, or give --data_root"
        )
    chosen = np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)
    found: dict[str, list] = {name: [] for name in ("pixels", "poses", "visible", "groups")}
    characters = []
    pictured = []
    for row in tqdm(chosen, unit="label", desc=f"reading {set_type.folder}"):
        path = paths[row]
        label = json.loads(path.read_bytes())
        names = [joint["name"].removeprefix(JOINT_PREFIX) for joint in label["joints"]]
        all_pixels = np.array(label["pts2d_fisheye"]).T
        seen = [names.index(name) for name in JOINTS]
        points = np.array(label["pts3d_fisheye"]).T[seen] * 10.0
        found["pixels"].append(all_pixels[[names.index(name) for name in REAL_JOINTS]])
        found["poses"].append(points - points[NECK])
        found["visible"].append(np.array(label["visible"])[seen])
        found["groups"].append(action_group(label["action"]))
        characters.append(path.parts[-5])
        pictured.append((path.parent.parent / "rgba").is_dir())
    pixels = (np.stack(found["pixels"]) + 0.5 - [240.0, 0.0]) * 256 / 800 - 0.5
    return {
        "pixels": pixels,
        "poses": np.stack(found["poses"]),
        "visible": np.stack(found["visible"]),
        "groups": found["groups"],
        "characters": np.unique(characters, return_inverse=True)[1],
        "pictured": np.array(pictured),
    }


def _kth_distance(
    points: np.ndarray,
    among: np.ndarray,
    k: int,
    characters: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """(N,) distance of (N, D) points to their k-th nearest of (M, D).

    With ``characters``, the (N,) and (M,) numbers of whose they are, only those of others count.
    """
    found = np.empty(len(points))
    for start in range(0, len(points), 256):
        rows = slice(start, start + 256)
        apart = np.linalg.norm(points[rows, None] - among, axis=-1)
        if characters is not None:
            apart[characters[0][rows, None] == characters[1]] = np.inf
        found[rows] = np.partition(apart, k - 1, axis=1)[:, k - 1]
    return found


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
    own = _kth_distance(synthetic, synthetic, _NEIGHBOURS, (characters, characters))
    # No value between two: one of them may be infinite.
    limit = np.quantile(own, _REGION, method="lower")
    if not np.isfinite(limit):
        return None
    return float((_kth_distance(real, synthetic, _NEIGHBOURS) <= limit).mean())


def compare_joints(
    real: np.ndarray, synthetic: np.ndarray, characters: np.ndarray | None = None
) -> dict[str, dict[str, float]]:
    """Shares of real joints and bone directions inside the synthetic 99 % regions.

    Args:
        real, synthetic: (N, 22, 2) pixels of 256×256.
        characters: numbers of whose the synthetic ones are, see :func:`share_inside`.

    Returns:
        "joints" and "bones", without those that have no region.
    """
    if characters is None:
        characters = np.arange(len(synthetic))
    row = {name: number for number, name in enumerate(REAL_JOINTS)}
    joints = {
        name: share_inside(real[:, row[name]], synthetic[:, row[name]], characters)
        for name in REAL_JOINTS
        if name in JOINTS
    }
    bones = {}
    for start, end in BONES:
        drawn = [each[:, row[end]] - each[:, row[start]] for each in (real, synthetic)]
        lengths = [np.linalg.norm(bone, axis=1) for bone in drawn]
        long = [length > _SHORT for length in lengths]
        directions = [
            bone[rows] / length[rows, None]
            for bone, length, rows in zip(drawn, lengths, long, strict=True)
        ]
        if len(directions[0]) and len(directions[1]) > _NEIGHBOURS + 1:
            bones[f"{start}-{end}"] = share_inside(*directions, characters[long[1]])
    return {
        kind: {name: share for name, share in shares.items() if share is not None}
        for kind, shares in (("joints", joints), ("bones", bones))
    }


def visibility(labels: dict) -> dict[str, dict[str, float]]:
    """Share of frames with a picture in which each joint is visible, by action group."""
    rates = {}
    groups = np.array([group or "" for group in labels["groups"]])
    for group in ("All", *ACTION_GROUPS):
        rows = labels["pictured"] & ((group == "All") | (groups == group))
        if rows.any():
            shares = labels["visible"][rows].mean(0)
            rates[group] = dict(zip(JOINTS, shares.tolist(), strict=True))
    return rates


def diversity(train: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Millimetres from poses to the nearest other one, medians over poses (N, 16, 3)."""
    flat = [poses.reshape(len(poses), -1) / np.sqrt(len(JOINTS)) for poses in (train, test)]
    return {
        "test to train": float(np.median(_kth_distance(flat[1], flat[0], 1))),
        "train to train": float(np.median(_kth_distance(flat[0], flat[0], 2))),
    }


def _real_joints(path: Path) -> np.ndarray:
    try:
        entries = json.loads(path.read_bytes())
        joints = np.array([entry["joints"] for entry in entries], float)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read as a list of frames' joints: {error}") from None
    if joints.shape[1:] != (len(REAL_JOINTS), 2):
        raise UserError(f"{path}: each frame must have {len(REAL_JOINTS)} joints of 2 pixels")
    return joints


def _real_pictures(folder: Path, size: int) -> list[np.ndarray]:
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    pictures = []
    for path in paths:
        picture = read_picture(path)
        pictures.append(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA))
    if not pictures:
        raise UserError(f"--real {folder} holds no .png or .jpg")
    return pictures


def _sheet(synthetic: list[np.ndarray], real: list[np.ndarray]) -> np.ndarray:
    """The synthetic frames, and two columns of real ones on the right where there are any."""
    left = draw_sheet(synthetic, 8)
    if not real:
        return left
    rows = left.shape[0] // len(real[0])
    right = draw_sheet([real[k % len(real)] for k in range(2 * rows)], 2)
    bar = np.full((left.shape[0], 12, 3), 255, np.uint8)
    return np.concatenate([left, bar, right], 1)


def _print_shares(title: str, shares: dict[str, float]) -> None:
    if not shares:
        return
    print(f"\n{title}")
    for name, share in shares.items():
        print(f"  {name:<28}{100 * share:6.1f} %")
    print(f"  {'mean':<28}{100 * float(np.mean(list(shares.values()))):6.1f} %")


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


def _print_colours(colours: dict[str, dict[str, float]]) -> None:
    print("\nMeans over pictures, of 255" + "".join(f"{kind:>12}" for kind in colours))
    for name in colours["synthetic"]:
        print(f"  {name:<25}" + "".join(f"{found[name]:12.0f}" for found in colours.values()))


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

    train = read_labels(options.data_root, SetType.TRAIN, options.count)
    test = read_labels(options.data_root, SetType.TEST, options.count)
    results: dict = {
        "frames": {"train": len(train["poses"]), "test": len(test["poses"])},
        "visibility": visibility(train),
        "diversity_mm": diversity(train["poses"], test["poses"]),
    }
    real = options.real / "joints2d.json" if options.real else None
    if real is not None and real.is_file():
        results["real"] = compare_joints(_real_joints(real), train["pixels"], train["characters"])
        _print_shares("Real joints inside the synthetic 99 % region", results["real"]["joints"])
        _print_shares("Real bone directions inside it", results["real"]["bones"])
        if not results["real"]["joints"]:
            print("Too few synthetic people for regions of their joints: compare a larger set.")
    if results["visibility"]:
        _print_shares("Visible joints, all actions", results["visibility"]["All"])
    print("\nNearest other pose, median millimetres")
    for name, distance in results["diversity_mm"].items():
        print(f"  {name:<28}{distance:6.1f}")
    pictures = choose_pictures(options.data_root, SetType.TRAIN, 64, _TILE, options.seed)
    real_pictures = _real_pictures(options.real, _TILE) if options.real else []
    results["colours"] = {"synthetic": picture_colours(pictures)}
    if real_pictures:
        results["colours"]["real"] = picture_colours(real_pictures)
    _print_colours(results["colours"])
    save_picture(options.save_dir / "sheet.png", _sheet(pictures, real_pictures))
    write_text(options.save_dir / "statistics.json", json.dumps(results, indent=1) + "\n")
    print(f"\n{options.save_dir / 'sheet.png'}, statistics.json beside it")


if __name__ == "__main__":
    run_command(main)
