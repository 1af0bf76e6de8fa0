"""Pack the release for training: cropped and resized once, tens of gigabytes in few files.

The files are tar shards of JPEGs (WebDataset convention), with an index for random access and all
labels of a set in one array file.  The same input gives the same bytes, however often packing was
interrupted; if interrupted, rerun the same command to continue.

straight from the downloaded parts, with nothing else on disk:
  python utils/pack_data.py --input downloads --output data/packed
from an extracted tree, or a synthetic set:
  python utils/pack_data.py --input data/synthetic --output data/packed
then train on it as on a tree:
  python train.py --training_type train2d --data_root data/packed
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from dataset.packed.options import PackOptions
from utils.common.command import command_parser, parse_early, run_command, whole_number


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    text = "folder of the downloaded parts, or one that holds TrainSet, ValSet and TestSet"
    parser = command_parser(__doc__, "output", "jobs", "headset", input={"help": text})
    options = PackOptions()
    for name, default, text in (
        ("size", options.size, "side of the pictures, 32 to 800"),
        ("quality", options.quality, "of the JPEGs, 1 to 100"),
        ("frames_per_shard", options.frames_per_shard, "frame numbers that a shard spans"),
    ):
        text += f" (default {default})"
        parser.add_argument(f"--{name}", type=whole_number(1), default=default, help=text)
    args = parser.parse_args(argv)
    if not 32 <= args.size <= 800 or args.quality > 100:
        raise UserError("--size must lie between 32 and 800, --quality between 1 and 100")
    if args.output.resolve() == args.input.resolve():
        raise UserError("--output must be another folder than --input")
    return args


parse_early(__name__, parse_arguments)

import threading
from concurrent.futures import Executor, ThreadPoolExecutor

from tqdm import tqdm

from base.headset import RELEASE_HEADSET, Headset, load_headset
from base.lock import clear_leftovers, locked
from base.set_type import SetType
from dataset.faults import Fault, summary
from dataset.packed.packed import is_packed
from dataset.packed.packing import is_packed_whole, pack_archive, pack_tree, refuse_other_set
from dataset.packed.shards import INDEX, ROWS, assemble, prepare_output, refuse_foreign
from dataset.release.table import CHARACTERS, find_archives, missing_parts
from dataset.split import set_folders
from utils.common.cores import for_each


def _pack_archives(
    archives: dict[str, list[Path]],
    output: Path,
    options: PackOptions,
    encoders: Executor,
    readers: int,
) -> list[str]:
    """Pack several characters at a time; returns what went wrong."""
    faults: list[str] = []
    total = sum(path.stat().st_size for parts in archives.values() for path in parts)
    stop = threading.Event()

    def pack(name: str) -> None:
        parts, split = archives[name], output / CHARACTERS[name].set_type.folder
        if is_packed_whole(split, name, parts):
            bar.update(sum(path.stat().st_size for path in parts))
            return
        try:
            if missing := missing_parts(name, parts):
                raise UserError(f"{', '.join(missing)} missing beside {parts[0]}")
            if skipped := pack_archive(name, parts, split, options, encoders, bar.update, stop):
                bar.write("\n".join([name, *skipped]), file=sys.stderr)
        except UserError as error:
            faults.append(str(error))

    with tqdm(total=total, desc="packing", unit="B", unit_scale=True, dynamic_ncols=True) as bar:
        for_each(archives, pack, readers, stop)
    return faults


def _assemble(
    args: argparse.Namespace, options: PackOptions, others: dict[SetType, list[Fault]]
) -> list[str]:
    """Put the indices together and say what there is; returns the sets that hold no label."""
    empty = []
    for set_type in SetType:
        split, faults = args.output / set_type.folder, others.get(set_type, [])
        packed = any((split / ROWS).glob("*.npz"))
        index = assemble(split, set_type, options, faults) if packed else {"left_out": faults}
        left_out = summary(index["left_out"])
        if not index.get("labels") and (packed or set_type in others):
            found = "; ".join(left_out) or "it holds no label"
            empty.append(f"{set_type.folder}: no frame can be used: {found}")
        # Of frames that the input no longer has.
        for path in {*split.glob("*.tar")} - {split / name for name in index.get("shards", ())}:
            path.unlink()
        if not packed:
            (split / INDEX).unlink(missing_ok=True)
            continue
        print(
            f"{set_type.folder}: {index['pictures']:,} frames in {len(index['shards'])} shards, "
            f"{index['labels']:,} labels"
        )
        for line in left_out:
            print(f"  left out: {line}")
        if left_out:
            print(f"  all that is left out is in {split / INDEX}")
    return empty


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    options = PackOptions(args.size, args.quality, args.frames_per_shard)
    if is_packed(args.input):
        raise UserError(f"{args.input}: is packed already: give the parts or the tree it is from")
    # Folders of these names may hold the downloaded parts instead.
    sets = set_folders(args.input)
    extracted = any(any((args.input / name.folder).glob("*/*/cam_down")) for name in sets)
    archives = {} if extracted else find_archives(args.input)
    if not (archives or sets):
        sets = "TrainSet, ValSet or TestSet"
        raise UserError(f"{args.input}: holds neither parts of the release nor frames in {sets}")
    if strangers := archives.keys() - CHARACTERS.keys():
        raise UserError(
            f"{args.input}: holds {', '.join(sorted(strangers))}, no characters of the release"
        )
    headset = load_headset(args.headset) if args.headset else RELEASE_HEADSET
    refuse_foreign(args.output)
    with locked(args.output):
        prepare_output(args.output, options)
        _pack(args, options, sets, archives, headset)


def _pack(
    args: argparse.Namespace,
    options: PackOptions,
    sets: list[SetType],
    archives: dict[str, list[Path]],
    headset: Headset,
) -> None:
    """Pack the characters of ``archives``, or of the extracted ``sets`` where there are none."""
    names: dict[SetType, set[str]] = {}
    for name in archives:
        names.setdefault(CHARACTERS[name].set_type, set()).add(f"{name}-")
    for set_type in () if archives else sets:
        cameras = (args.input / set_type.folder).glob("*/*/cam_down")
        names[set_type] = {f"{path.parts[-3]}-{path.parts[-2]}-" for path in cameras}
    refuse_other_set(args.output, names)
    for folder in (args.output, *args.output.glob("*Set"), *args.output.glob(f"*Set/{ROWS}")):
        clear_leftovers(folder)
    faults: list[str] = []
    others: dict[SetType, list[Fault]] = {}  # those that belong to no environment
    encoders, readers = ThreadPoolExecutor(args.jobs), max(1, min(4, args.jobs // 2))
    try:
        if archives:
            faults = _pack_archives(archives, args.output, options, encoders, readers)
        for set_type in () if archives else sets:
            how = set_type, args.output, options, encoders, headset
            works, others[set_type] = pack_tree(args.input, *how)
            with tqdm(desc=f"packing {set_type.folder}", unit="label") as bar:
                move = bar.update
                for_each(works, lambda work, move=move: move(work()), readers, threading.Event())
    finally:
        encoders.shutdown(wait=False, cancel_futures=True)
    faults += _assemble(args, options, others)
    if faults:
        raise UserError(
            f"{len(faults)} characters or sets are not complete: {'; '.join(faults)}. What was "
            "packed stays; run the same command again once the rest is right"
        )


if __name__ == "__main__":
    run_command(main)
