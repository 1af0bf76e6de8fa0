"""Make pictures and labels of people wearing the headset, in exactly the layout of the xR-EgoPose
release, from a free parametric body model.  The same seed gives the same files, whatever the number
of workers.

a set to try everything on, quickly drawn at half resolution:
  python utils/make_synthetic.py --output data/synthetic --train 1200 --val 80 --test 240 \\
      --ray_step 2
videos: each character's 300 pictures are 10 seconds of motion:
  python utils/make_synthetic.py --output data/videos --train 6000 --val 300 --test 600 \\
      --frames_per_character 300 --video
straight into shards, the third of eight parts on a cluster:
  python utils/make_synthetic.py --output data/packed --train 100000 --pack --part 3/8
for your own headset, or for any:
  python utils/make_synthetic.py --output data/mine --headset mine.yml
  python utils/make_synthetic.py --output data/any --train 20000 --headset any
motion of your own:
  python utils/make_synthetic.py --output data/mine --train 2000 --bvh clips
more in doc/synthetic.md
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dataset.packed.options import PackOptions
from dataset.synthetic import DEFAULT_STRIDE, PASSES
from utils.common.command import (
    command_parser,
    number,
    parse_early,
    run_command,
    whole_number,
)
from utils.common.cores import cpu_count
from utils.common.part_runner import add_part_options, is_cut, run_parts


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    text = "headset files or names of experiments/headsets, with which the characters take turns "
    text += "(default: the release's); 'any': another lens and mount for each character"
    parser = command_parser(__doc__, "output", headset={"nargs": "+", "default": [], "help": text})
    add = parser.add_argument
    for name, least, most, default, text in (
        ("train", 0, 10**7, 800, "training frames"),
        ("val", 0, 10**7, 80, "validation frames"),
        ("test", 0, 10**7, 160, "test frames"),
        ("label_frames", 0, 10**7, 0, "further training frames with labels only, in env_002"),
        ("seed", 0, 2**63 - 1, 0, "seed"),
        ("workers", 1, 1024, cpu_count(), "processes, by default one per core"),
        ("frames_per_character", 1, 10**6, 40, "pictures before the next person and place"),
    ):
        text += " (default %(default)s)"
        add(f"--{name}", type=whole_number(least, most), default=default, help=text)
    text = "1: a ray per pixel (default); 2: a ray per 2x2 pixels, enlarged, twice as fast "
    text += "(default with --pack up to half of the pictures' height); 4: coarser, for trying out"
    add("--ray_step", type=int, choices=(1, 2, 4), help=text)
    text = "write shards, as utils/pack_data.py makes of a tree"
    add("--pack", action="store_true", help=text)
    text = f"side of the pictures in shards (default {PackOptions().size})"
    add("--pack_size", type=whole_number(32, 800), metavar="PIXELS", help=text)
    pace = parser.add_mutually_exclusive_group()
    text = "use one of so many frames of the motion, which runs at 30 a second (default "
    text += "%(default)s: a small set is varied); frame numbers go up by as much"
    pace.add_argument("--stride", type=whole_number(1, 10**6), default=DEFAULT_STRIDE, help=text)
    text = "the same as --stride 1"
    pace.add_argument("--video", dest="stride", action="store_const", const=1, help=text)
    text = "BVH clips with Mixamo's names to use as motion, named after their files (Boxing.bvh)"
    add("--bvh", type=Path, metavar="FOLDER", help=text)
    text = "share of the people who move as the clips of --bvh, the others by programs (default 1)"
    add("--bvh_share", type=number(0.01, 1.0), default=1.0, metavar="SHARE", help=text)
    text = "all that people do: groups of the evaluation (Walking …) or clips (Boxing …)"
    add("--actions", nargs="+", metavar="NAME", default=[], help=text)
    text = "further pictures of each frame: depth (16-bit PNG, millimetres on the optical axis), "
    text += "objectId (8-bit: 1 surroundings, 2 things, 3 skin, 4 hair, 5 top, 6 bottoms, 7 shoes)"
    add("--passes", nargs="+", choices=PASSES, default=[], help=text)
    text = "things lie and furniture stands around, one in seven wearers holds something, and "
    text += "people often just stand, arms at rest: what a network mistakes for hands and feet"
    add("--clutter", action="store_true", help=text)
    add("--resume", action="store_true", help="keep complete frames, add the rest")
    add_part_options(parser, "the set")
    args = parser.parse_args(argv)
    is_cut(args)  # refuses what exclude each other
    return args


parse_early(__name__, parse_arguments)

from base.errors import UserError
from base.headset import RELEASE_HEADSET, load_headset
from base.set_type import SetType
from base.work_parts import is_worker
from dataset.synthetic.any_headset import LOWEST
from dataset.synthetic.generate import generate
from dataset.synthetic.motion.programs import clips_named
from dataset.synthetic.motion.retarget import load_clip
from dataset.synthetic.output import LABELS_ONLY, PICTURES
from dataset.synthetic.recipe import Recipe


def find_clips(folder: Path | None) -> tuple[Path, ...]:
    """The BVH files of a folder, each of them checked by reading it once."""
    if folder is None:
        return ()
    if not folder.is_dir():
        raise UserError(f"--bvh {folder}: no such folder")
    found = tuple(sorted(p.resolve() for p in folder.iterdir() if p.suffix.lower() == ".bvh"))
    if not found:
        raise UserError(f"--bvh {folder} holds no .bvh")
    for path in found:
        load_clip(path)
    return found


def pack_options(size: int, stride: int) -> PackOptions:
    """How a set is packed: shards of up to 1000 frames, whose numbers are ``stride`` apart."""
    return PackOptions(size, frames_per_shard=1000 * stride)


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    if is_cut(args):
        run_parts("utils.make_synthetic", argv, args.ray)
        frames = args.train + args.val + args.test + args.label_frames
        print(f"{args.output} is complete: {frames} frames")
        return
    headsets = [None if name == "any" else load_headset(name) for name in args.headset]
    headsets = tuple(headsets) or (RELEASE_HEADSET,)
    lowest = min(headset.camera.height if headset else LOWEST for headset in headsets)
    if args.pack_size and not args.pack:
        raise UserError("--pack_size is the size of shards: give --pack as well")
    if args.bvh_share < 1 and not args.bvh:
        raise UserError("--bvh_share is a share of people who move as clips: give --bvh as well")
    if args.bvh and args.actions:
        raise UserError("--actions picks among the programs: with --bvh, put the clips you want in")
    pack = pack_options(args.pack_size or PackOptions().size, args.stride) if args.pack else None
    recipe = Recipe(
        args.seed,
        args.frames_per_character,
        args.ray_step or (2 if pack and pack.size <= lowest // 2 else 1),
        args.stride,
        headsets,
        tuple(name for name in PASSES if name in args.passes),
        find_clips(args.bvh),
        clips_named(args.actions),
        args.clutter,
        args.bvh_share,
    )
    counts = {
        (SetType.TRAIN, PICTURES): args.train,
        (SetType.VAL, PICTURES): args.val,
        (SetType.TEST, PICTURES): args.test,
        (SetType.TRAIN, LABELS_ONLY): args.label_frames,
    }
    made = generate(args.output, recipe, counts, args.workers, args.resume, pack, args.part)
    if not is_worker():  # whose parent tells of all parts
        print(f"wrote {made} frames to {args.output}")


if __name__ == "__main__":
    run_command(main)
