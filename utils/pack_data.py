"""Pack a set for training: cropped and resized once, tens of gigabytes in few files.

The files are tar shards of JPEGs (WebDataset convention), with an index for random access and all
labels of a set in one array file.  The same input gives the same bytes, however often packing was
interrupted; if interrupted, rerun the same command to continue.

straight from the downloaded parts, with nothing else on disk:
  python utils/pack_data.py --input downloads --output data/packed
from an extracted tree, a synthetic set, or that of another laboratory:
  python utils/pack_data.py --input data/synthetic --output data/packed
to object storage, through a folder on this machine, or what is packed already as it is:
  python utils/pack_data.py --input downloads --output s3://bucket/packed
  python utils/pack_data.py --input data/packed --output s3://bucket/packed
the third of eight parts on a cluster:
  python utils/pack_data.py --input downloads --output data/packed --part 3/8
then train on it as on a tree:
  python train.py --training_type train2d --data_root data/packed
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from base.remote import root_path, url_of
from dataset.packed.options import PackOptions
from utils.common.command import command_parser, parse_early, run_command, whole_number
from utils.common.part_runner import add_part_options, is_cut, run_parts


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    text = "folder of the downloaded parts, or one that holds TrainSet, ValSet and TestSet"
    output = {"type": str, "help": "folder to write to, or s3://bucket/packed, gs://…, hf://…"}
    parser = command_parser(
        __doc__, "jobs", "headset", "format", input={"help": text}, output=output
    )
    options = PackOptions()
    text = f"side of the pictures, 32 to 800 (default {options.size}, or less where less is kept)"
    parser.add_argument("--size", type=whole_number(1), help=text)
    for name, default, text in (
        ("quality", options.quality, "of the JPEGs, 1 to 100"),
        ("frames_per_shard", options.frames_per_shard, "frame numbers that a shard spans"),
    ):
        text += f" (default {default})"
        parser.add_argument(f"--{name}", type=whole_number(1), default=default, help=text)
    add_part_options(parser, "the packing")
    args = parser.parse_args(argv)
    if not 32 <= (args.size or options.size) <= 800 or args.quality > 100:
        raise UserError("--size must lie between 32 and 800, --quality between 1 and 100")
    args.url = url_of(root_path(args.output)) if "://" in args.output else None
    if args.url and args.url.startswith("http"):
        raise UserError(f"--output {args.url}: http is for reading only")
    if args.url and (args.part or is_cut(args)):
        raise UserError(f"--output {args.url}: is not written in parts: pack into a shared folder")
    args.output = root_path(args.output, "packing")
    if args.output.resolve() == args.input.resolve():
        raise UserError("--output must be another folder than --input")
    return args


parse_early(__name__, parse_arguments)

import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack

from tqdm import tqdm

from base.headset import load_headset
from base.lock import clear_leftovers, locked
from base.set_type import SetType
from base.work_parts import Part, writing
from dataset import data_format, format_name, looked_for
from dataset.faults import Fault, summary
from dataset.packed import packing
from dataset.packed.packed import is_packed
from dataset.packed.remote_set import claim, upload_set
from dataset.packed.shards import INDEX, ROWS, assemble, prepare_output, refuse_foreign
from dataset.release.table import CHARACTERS, find_archives, missing_parts
from dataset.skip_list import read_skip_list
from dataset.split import Split
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
        if packing.is_packed_whole(split, name, parts):
            bar.update(sum(path.stat().st_size for path in parts))
            return
        try:
            if missing := missing_parts(name, parts):
                raise UserError(f"{', '.join(missing)} missing beside {parts[0]}")
            how = split, options, encoders, bar.update, stop
            if skipped := packing.pack_archive(name, parts, *how):
                bar.write("\n".join([name, *skipped]), file=sys.stderr)
        except UserError as error:
            faults.append(str(error))

    with tqdm(total=total, desc="packing", unit="B", unit_scale=True, dynamic_ncols=True) as bar:
        for_each(archives, pack, readers, stop)
    return faults


def _assemble(
    output: Path,
    options: PackOptions,
    others: dict[SetType, list[Fault]],
    sets: dict[SetType, Split],
) -> list[str]:
    """Put the indices together and say what there is; returns the sets that hold no label."""
    empty = []
    for set_type in SetType:
        split, faults = output / set_type.folder, others.get(set_type, [])
        packed, how = any((split / ROWS).glob("*.npz")), options.of(sets.get(set_type))
        index = assemble(split, set_type, how, faults) if packed else {"left_out": faults}
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
        frames, shards = f"{index['pictures']:,} frames", len(index["shards"])
        print(f"{set_type.folder}: {frames} in {shards} shards, {index['labels']:,} labels")
        print(*(f"  left out: {line}\n" for line in left_out), sep="", end="")
        if left_out:
            print(f"  all that is left out is in {split / INDEX}")
    return empty


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    if is_cut(args):
        run_parts("utils.pack_data", argv, args.ray)
        return
    form = data_format(args.input, format=args.format)
    if is_packed(args.input):
        _upload_packed(args, form)
        return
    refuse_foreign(args.output)
    how = {"check": True, "headset": args.headset and load_headset(args.headset)}
    how |= {"format": args.format, "size": args.size}
    sets = {s: form(args.input, s, **how) for s in form.sets(args.input)}
    choices = ",".join(f"{k}={v}" for k, v in form.chosen(args.format or "").items())
    source = ":".join(filter(None, [format_name(form), choices]))
    size = args.size or min([PackOptions().size, *(d.kept for d in sets.values() if d.kept)])
    options = PackOptions(size, args.quality, args.frames_per_shard, source)
    # Folders of these names may hold the downloaded parts instead.
    given = any(data.faults or len(data.table.rows) for data in sets.values())
    archives = {} if given else find_archives(args.input)
    if not (archives or sets):
        raise UserError(
            f"{args.input}: holds neither parts of the release nor frames in TrainSet, ValSet or "
            f"TestSet: {looked_for(args.input, args.format)}"
        )
    if strangers := archives.keys() - CHARACTERS.keys():
        raise UserError(
            f"{args.input}: holds {', '.join(sorted(strangers))}, no characters of the release"
        )
    if args.url:
        with locked(args.output):
            prepare_output(args.output, options)
            claim(args.output, args.url)
    _pack(args.output, options, args.jobs, {} if archives else sets, archives, args.part)
    if args.url:
        with locked(args.output):
            upload_set(args.output, args.url)
        print(f"{args.url} is complete; {args.output} may be deleted")


def _upload_packed(args: argparse.Namespace, form: type[Split]) -> None:
    """Bring a packed set to object storage."""
    usual = PackOptions()
    other = args.quality != usual.quality or args.frames_per_shard != usual.frames_per_shard
    if not args.url or args.size or args.headset or args.format or other:
        raise UserError(
            f"{args.input}: is packed already: give the parts or the tree it is from, or upload it "
            "as it is, without other options, to s3://…"
        )
    for set_type in form.sets(args.input):
        form(args.input, set_type)  # refuses one that is not complete
    with locked(args.input):
        claim(args.input, args.url)
        upload_set(args.input, args.url)
    print(f"{args.url} is complete")


def _pack(
    output: Path,
    options: PackOptions,
    jobs: int,
    sets: dict[SetType, Split],
    archives: dict[str, list[Path]],
    part: Part | None,
) -> None:
    """Pack the characters of ``archives``, and the ``sets``, or a part of all that."""
    found = {set_type: packing.environments(data) for set_type, data in sets.items()}
    names = {s: {f"{'-'.join(place)}-" for place in own if place} for s, own in found.items()}
    for name in archives:
        names.setdefault(CHARACTERS[name].set_type, set()).add(f"{name}-")
    faults: list[str] = []
    # Those that belong to no environment.
    others = {s: own.pop(None, ([], []))[1] for s, own in found.items()}
    made_with = f"{[*archives]} {options} {[(s, sorted(own)) for s, own in found.items()]}"
    if part:
        archives = {name: archives[name] for name in part.share(sorted(archives))}
        mine = set(part.share((s, place) for s, own in found.items() for place in sorted(own)))
        found = {s: {p: own[p] for p in own if (s, p) in mine} for s, own in found.items()}

    def prepare() -> None:
        refuse_foreign(output)
        prepare_output(output, options)
        packing.refuse_other_set(output, names)
        for folder in (output, *output.glob("*Set"), *output.glob(f"*Set/{ROWS}")):
            if part is None:
                clear_leftovers(folder)

    encoders, readers = ThreadPoolExecutor(jobs), max(1, min(4, jobs // 2))
    with ExitStack() as held:
        held.enter_context(writing(output, part, prepare))
        try:
            if archives:
                faults = _pack_archives(archives, output, options, encoders, readers)
            for set_type, data in sets.items():
                how = read_skip_list(data.root, set_type), output, options.of(data), encoders
                total = sum(len(rows) for rows, _ in found[set_type].values())
                title = f"packing {set_type.folder}"
                with tqdm(total=total, desc=title, unit="label") as bar:

                    def pack(item: tuple, data: Split = data, how: tuple = how) -> None:
                        place, (rows, left_out) = item
                        packing.pack_environment(data, place, rows, left_out, *how)
                        bar.update(len(rows))

                    for_each(found[set_type].items(), pack, readers, threading.Event())
        finally:
            encoders.shutdown(wait=False, cancel_futures=True)
        if part is None:
            faults += _assemble(output, options, others, sets)
        elif not faults and held.enter_context(part.finished(output, made_with)):
            faults = _assemble(output, options, others, sets)
    if faults:
        raise UserError(
            f"{len(faults)} characters or sets are not complete: {'; '.join(faults)}. What was "
            "packed stays; run the same command again once the rest is right"
        )


if __name__ == "__main__":
    run_command(main)
