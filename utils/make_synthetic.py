"""Make a synthetic set in the release's layout: free bodies seen by the release's own camera."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.camera import RELEASE_CAMERA
from base.errors import UserError
from base.set_type import SetType
from dataset.packed.shards import PackOptions
from dataset.synthetic.generate import generate, pack_options
from dataset.synthetic.motion.bvh_timeline import find_clips
from dataset.synthetic.motion.programs import clips_named
from dataset.synthetic.recipe import DEFAULT_STRIDE, Recipe
from dataset.synthetic.render.renderer import PASSES
from dataset.synthetic.scene.place import load_panorama
from utils.common.command import run_command
from utils.common.cores import cpu_count
from utils.inference.calibration.calibration import load_calibration

#: Side of the square that half of the release's resolution gives.
_HALF = RELEASE_CAMERA.height // 2

_EXAMPLES = """examples:
  a set to try everything on, quickly drawn at half resolution:
    python utils/make_synthetic.py --output data/synthetic --train 1200 --val 80 --test 240 \\
        --ray_step 2
  videos: each character's 300 pictures are 10 seconds of movement:
    python utils/make_synthetic.py --output data/videos --train 6000 --val 300 --test 600 \\
        --frames_per_character 300 --video
  with depth, the third of eight parts on a cluster:
    python utils/make_synthetic.py --output data/large --train 100000 --passes depth objectId \\
        --part 3/8
  movement and places of your own:
    python utils/make_synthetic.py --output data/mine --train 2000 --bvh clips --panoramas 360
  nothing but stretching, of people of its own:
    python utils/make_synthetic.py --output data/stretching --train 6000 --seed 1 \\
        --actions UpperStretching LowerStretching
  straight into shards for training, the fastest way to many frames:
    python utils/make_synthetic.py --output data/packed --train 100000 --val 1000 --test 4000 --pack
  full resolution, and 50000 further training poses for the lifting module alone:
    python utils/make_synthetic.py --output data/synthetic --train 20000 --val 500 --test 2000 \\
        --label_frames 50000 --workers 8
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(
            "Make pictures and labels of people wearing the headset, in exactly the layout of the "
            "xR-EgoPose release, from a free parametric body model. The same seed gives the same "
            "files, whatever the number of workers. People move at 30 frames a second; by default "
            "one frame every five seconds is drawn, so that small sets are varied: see --stride "
            "and --video."
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the set")
    parser.add_argument("--train", type=int, default=800, help="training frames (default 800)")
    parser.add_argument("--val", type=int, default=80, help="validation frames (default 80)")
    parser.add_argument("--test", type=int, default=160, help="test frames (default 160)")
    parser.add_argument(
        "--label_frames",
        type=int,
        default=0,
        help="further training frames with labels only, in env_002 (default 0)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed (default 0)")
    parser.add_argument(
        "--workers",
        type=int,
        default=cpu_count(),
        help="processes (default: one per core, here %(default)s)",
    )
    parser.add_argument(
        "--frames_per_character",
        type=int,
        default=40,
        help="pictures before the next person and place (default 40)",
    )
    parser.add_argument(
        "--ray_step",
        type=int,
        choices=(1, 2, 4),
        help="1: a ray per pixel (default); 2: a ray per 2x2 pixels, enlarged to 1280x800, about "
        "three times as fast and enough for pictures that training shrinks anyway (default with "
        f"--pack up to {_HALF} pixels); 4: coarser, for trying things out",
    )
    parser.add_argument(
        "--pack",
        action="store_true",
        help="write shards as utils/pack_data.py makes them of a tree, without the tree: the same "
        "bytes",
    )
    parser.add_argument(
        "--pack_size",
        type=int,
        metavar="PIXELS",
        help="side of the pictures in shards (default 368)",
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--stride",
        type=int,
        default=DEFAULT_STRIDE,
        help="take one of so many frames of the movement, which runs at 30 a second; frame numbers "
        "go up by as much (default %(default)s)",
    )
    pace.add_argument(
        "--video",
        dest="stride",
        action="store_const",
        const=1,
        help="take every frame: the same as --stride 1",
    )
    parser.add_argument(
        "--bvh",
        type=Path,
        metavar="FOLDER",
        help="Mixamo-named BVH clips to take the movement from; a clip is called as its file, so "
        "that Boxing.bvh counts in the group of Boxing",
    )
    parser.add_argument(
        "--actions",
        nargs="+",
        metavar="NAME",
        default=[],
        help="what people do, nothing else: groups of the evaluation (Walking UpperStretching …) "
        "or clips (Boxing …); default: all of it",
    )
    parser.add_argument(
        "--panoramas",
        type=Path,
        metavar="FOLDER",
        help="equirectangular pictures (jpg, png) to use as places instead of drawn ones",
    )
    parser.add_argument(
        "--camera",
        metavar="FILE",
        default="training",
        help="calibration of another lens: OpenCV fisheye YAML or JSON, and what else inference.py "
        "--camera takes; pictures get its size (default: the release's)",
    )
    parser.add_argument(
        "--passes",
        nargs="+",
        choices=PASSES,
        default=[],
        help="further pictures of each frame: depth (16-bit PNG, millimetres along the optical "
        "axis), objectId (8-bit: 1 surroundings, 2 things, 3 skin, 4 hair, 5 top, 6 bottoms, "
        "7 shoes)",
    )
    parser.add_argument(
        "--part",
        type=_part,
        default=(1, 1),
        metavar="I/N",
        help="make the I-th of N parts of the set, for a cluster's job array: --part 3/16",
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="keep complete frames, add the rest")
    group.add_argument("--overwrite", action="store_true", help="replace a synthetic set")
    return parser


def _part(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not like 3/16")
    return int(number), int(count)


def _panoramas(folder: Path | None) -> tuple[Path, ...]:
    """Pictures of a folder, each of them looked at.

    Raises:
        UserError: for a folder without any, or with a broken one.
    """
    if folder is None:
        return ()
    if not folder.is_dir():
        raise UserError(f"--panoramas {folder}: no such folder")
    kinds = (".jpg", ".jpeg", ".png")
    found = tuple(sorted(p.resolve() for p in folder.iterdir() if p.suffix.lower() in kinds))
    if not found:
        raise UserError(f"--panoramas {folder} holds no .jpg or .png")
    for path in found:
        load_panorama(path)
    return found


def main(argv: list[str] | None = None) -> None:
    """Command line of the synthetic set."""
    args = _parser().parse_args(argv)
    camera = load_calibration(args.camera).camera
    if not camera.width:
        raise UserError(f"--camera {args.camera} does not state the size of its pictures")
    pack = None
    if args.pack:
        size = PackOptions().size if args.pack_size is None else args.pack_size
        pack = pack_options(size, args.stride)
    elif args.pack_size is not None:
        raise UserError("--pack_size is the size of shards: give --pack as well")
    if args.bvh and args.actions:
        raise UserError("--actions picks among the programs: with --bvh, put the clips you want in")
    actions = clips_named(args.actions)
    recipe = Recipe(
        args.seed,
        args.frames_per_character,
        args.ray_step or (2 if pack and pack.size <= _HALF else 1),
        args.stride,
        camera,
        _panoramas(args.panoramas),
        tuple(name for name in PASSES if name in args.passes),
        find_clips(args.bvh) if args.bvh else (),
        actions,
    )
    made = generate(
        args.output,
        recipe,
        {SetType.TRAIN: args.train, SetType.VAL: args.val, SetType.TEST: args.test},
        label_frames=args.label_frames,
        workers=args.workers,
        resume=args.resume,
        overwrite=args.overwrite,
        part=args.part,
        pack=pack,
    )
    print(f"wrote {made} frames to {args.output}")


if __name__ == "__main__":
    run_command(main)
