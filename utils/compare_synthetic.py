"""How close a synthetic set is to real frames: a sheet side by side, and statistics.

python utils/compare_synthetic.py --data_root data/synthetic --save_dir comparison
python utils/compare_synthetic.py --real real_frames --save_dir comparison

--real is a folder of real pictures (256x256 or larger squares), with their 2D joints in
joints2d.json if that is to be compared: a list of {"joints": 22 x 2 pixels of 256x256}.
"""

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

from base.files import write_text
from base.set_type import SetType
from base.skeleton import JOINTS, LIMBS
from dataset import open_split
from dataset.pictures import read_picture
from utils.common.command import command_parser, output_folder, run_command
from utils.drawing.sheet import choose_pictures, draw_sheet
from utils.drawing.write import save_picture

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
#: Side of the pictures on the sheet.
_TILE = 192
#: Of squares of 256 pixels: the radius inside the black rim, and the rows and columns where chin or
#: lip are on nearly every picture.
_RADIUS, _CHIN = 115, (slice(2, 14), slice(112, 144))


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


def picture_colours(pictures: Sequence[np.ndarray]) -> dict[str, float]:
    """Means over squares (S, S, 3) uint8 RGB of the whole lens, of 255: brightness and saturation
    (of HSV) inside the rim, brightness of the chin, and ``spread``, the deviation of the brightness
    between pictures."""
    squares = [cv2.resize(p, (256, 256), interpolation=cv2.INTER_AREA) for p in pictures]
    inside = np.hypot(*(np.mgrid[:256, :256] - 127.5)) < _RADIUS
    grey = np.array([cv2.cvtColor(square, cv2.COLOR_RGB2GRAY) for square in squares])
    hsv = np.array([cv2.cvtColor(square, cv2.COLOR_RGB2HSV) for square in squares])
    return {
        "brightness": float(grey[:, inside].mean()),
        "spread": float(grey[:, inside].mean(1).std()),
        "saturation": float(hsv[:, inside, 1].mean()),
        "chin": float(grey[(slice(None), *_CHIN)].mean()),
    }


def _real_joints(path: Path) -> np.ndarray:
    """(N, 16, 2) of the real annotations."""
    try:
        joints = np.array([entry["joints"] for entry in json.loads(path.read_bytes())], float)
    except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as a list of frames' joints: {error}") from None
    if joints.shape[1:] != (len(REAL_JOINTS), 2) or not (np.abs(joints) < 1e6).all():
        raise UserError(f"{path}: each frame must have {len(REAL_JOINTS)} joints of 2 pixels")
    return joints[:, [REAL_JOINTS.index(name) for name in JOINTS]]


def _real_pictures(folder: Path) -> list[np.ndarray]:
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if not paths:
        raise UserError(f"--real {folder} holds no .png or .jpg")
    pictures = []
    for path in paths:
        picture = read_picture(path)
        height, width = picture.shape[:2]
        if height != width:
            raise UserError(
                f"--real {path}: {width}×{height}: give squares of the whole lens, of the "
                "release's pictures columns 240 to 1040"
            )
        pictures.append(cv2.resize(picture, (_TILE, _TILE), interpolation=cv2.INTER_AREA))
    return pictures


def _print_table(title: str, rows: dict[str, float]) -> None:
    print(f"\n{title}")
    for name, value in rows.items():
        print(f"  {name:<28}{value:6.1f}")


def main(argv: list[str] | None = None) -> None:
    parser = command_parser(__doc__, "data_root", save_dir={"type": output_folder})
    parser.add_argument("--real", type=Path, help="folder of real pictures and joints2d.json")
    options = parser.parse_args(argv)
    if options.real is not None and not options.real.is_dir():
        raise UserError(f"--real {options.real}: no such folder")

    real = _real_pictures(options.real) if options.real else []
    root = options.data_root
    results: dict = {}
    if options.real and (path := options.real / "joints2d.json").is_file():
        results["real"] = compare_joints(_real_joints(path), *_read_joints(root))
        if not results["real"]["joints"]:
            print("Too few synthetic people for regions of their joints: compare a larger set.")
        for kind, shares in results["real"].items():
            if shares:
                shares = shares | {"mean": np.mean(list(shares.values()))}
                percent = {name: 100 * share for name, share in shares.items()}
                _print_table(f"Real {kind} inside the synthetic 99 % region, %", percent)
    pictures = choose_pictures(root, SetType.TRAIN, 64, _TILE, seed=0)
    sheet = draw_sheet(pictures, 8)
    results["colours"] = {"synthetic": picture_colours(pictures)}
    if real:
        results["colours"]["real"] = picture_colours(real)
        # Two columns of them on the right.
        column = draw_sheet([real[k % len(real)] for k in range(2 * len(sheet) // _TILE)], 2)
        gap = np.full((len(sheet), 12, 3), 255, np.uint8)
        sheet = np.concatenate([sheet, gap, column], 1)
    for kind, colours in results["colours"].items():
        _print_table(f"Means over {kind} pictures, of 255", colours)
    save_picture(options.save_dir / "sheet.png", sheet)
    write_text(options.save_dir / "statistics.json", json.dumps(results, indent=1) + "\n")
    print(f"\n{options.save_dir / 'sheet.png'}, statistics.json beside it")


if __name__ == "__main__":
    run_command(main)
