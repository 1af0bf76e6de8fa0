"""Find every fault of a data set, extracted or packed, before it spoils a training run.

Finds unreadable folders, stray files, images or labels without a counterpart, pictures that are
truncated or of another size, broken or impossible labels, labels that contradict the camera, and
characters in the wrong set.  Of other laboratories' sets also the label's own pixels, the order of
left and right and of the colours, the pairing by clocks, and whether the calibration fits the image
circle.  Prints a table and writes report.json.

every picture and label of every set:
  python utils/check_data.py --data_root data/xr_egopose
names and labels only, much faster:
  python utils/check_data.py --data_root data/xr_egopose --no_pictures
leave the faulty frames out of all training and evaluation from now on:
  python utils/check_data.py --data_root data/xr_egopose --write_skip_list
the third of eight parts on a cluster; the one that ends last compares the labels and reports:
  python utils/check_data.py --data_root data/xr_egopose --part 3/8

Exit status: 0 all is well, 1 something is wrong, 2 the data cannot be checked.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from base.remote import root_text, url_of
from utils.common.command import command_parser, counted, output_file, parse_early, run_command
from utils.common.part_runner import add_part_options, is_cut, run_parts


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    root = {"required": True, "help": "folder that holds TrainSet, ValSet and TestSet"}
    parser = command_parser(__doc__, "sets", "jobs", "headset", "format", data_root=root)
    add = parser.add_argument
    add("--no_pictures", action="store_true", help="decode no picture")
    text = "pixels that a 2D joint may lie off its projected 3D joint (default 5)"
    add("--max_residual", type=float, default=5.0, help=text)
    add("--report", type=output_file, help="default: DATA_ROOT/report.json")
    text = "add the faulty frames to DATA_ROOT/skip_list.txt; loaders leave them out"
    add("--write_skip_list", action="store_true", help=text)
    add_part_options(parser, "the check")
    args = parser.parse_args(argv)
    if (is_cut(args) or args.part) and not args.report and (url := url_of(args.data_root)):
        raise UserError(f"{url}: in parts, give --report in a folder that all machines see")
    args.report = args.report or args.data_root / "report.json"
    return args


parse_early(__name__, parse_arguments)

import json
import math
from contextlib import nullcontext

import numpy as np

from base.files import write_text
from base.headset import load_headset
from base.set_type import SetType
from base.work_parts import is_worker
from dataset import data_format, looked_for
from dataset.check import SetReport, check_labels, check_pictures, open_set
from dataset.check_parts import are_left, in_parts, state
from dataset.faults import BAD_SET, KINDS, OFF_CAMERA, OFF_PICTURE, Fault
from dataset.known_errors import other_value, read_pictures, spread
from dataset.recordings import RecordedSet
from dataset.skip_list import SKIP_LIST, add_to_skip_list
from dataset.split import rows_by_code
from utils.inference.image_circle import find_image_circle

_SHOWN = 10
#: Pictures in which a headset's image circle is looked for; by what share of its radius its centre
#: may be off the calibration's, and by how many degrees its rim.
_PICTURES, _MOST_OFF, _MOST_DEGREES = 12, 0.04, 4.0


def rim_faults(data: RecordedSet) -> list[Fault]:
    """Calibrations that do not fit the image circle in the pictures."""
    faults, table = [], data.table
    of_headsets = rows_by_code(table.rows["headset"], len(table.headsets))
    for headset, rows in zip(table.headsets, of_headsets, strict=True):
        pictures = read_pictures(data, spread(rows[data.has_picture[rows]], _PICTURES))
        circle = find_image_circle(pictures) if pictures else None
        if circle is None:
            continue
        camera, around = data.kept_camera(headset), np.linspace(0, 6.2, 63)
        ring = np.stack([np.cos(around), np.sin(around)], -1) * circle.radius + circle[:2]
        angle = np.degrees(np.median(camera.angle(camera.unproject(ring, clamp=True))))
        off = math.hypot(circle.x - camera.cx, circle.y - camera.cy) / circle.radius
        stated = angle if headset.fov is None else math.degrees(headset.rim)
        if off > _MOST_OFF or abs(angle - stated) > _MOST_DEGREES:
            detail = (
                f"image circle with centre ({circle.x:.0f}, {circle.y:.0f}), radius "
                f"{circle.radius:.0f} px; by the calibration the centre is ({camera.cx:.0f}, "
                f"{camera.cy:.0f}) and the rim at {angle:.0f}°, not at {stated:.0f}°"
                f"{other_value(data, 'camera')}"
            )
            faults.append(Fault(OFF_PICTURE, f"{data.set_type.folder}/{headset.name}", detail))
    return faults


def _print_set(report: SetReport) -> None:
    labels = f", {report.label_frames:,} labels without pictures" if report.label_frames else ""
    frames, good = len(report.frames), len(report.good)
    print(f"\n{report.set_type.folder}: {frames:,} frames, {good:,} good{labels}")
    for name, counts in (("character", report.characters()), ("action group", report.groups())):
        if counts:
            print(f"  {name:<32}{'frames':>10}")
            for key, count in sorted(counts.items()):
                print(f"    {key:<30}{count:>10,}")
    if report.residuals:
        print(
            "  2D joints off the projected 3D joints, px: median {median:.3f}, 99 % {p99:.3f}, "
            "largest {max:.3f}".format(**report.residuals)
        )
    for note in report.notes[:_SHOWN]:
        print(f"  {note}")
    for shift in report.shifts:
        print(
            f"  {shift.folder}: pairing by position would have given {shift.mislabelled} pictures "
            f"({shift.first:06d} to {shift.last:06d}) another frame's label "
            f"({shift.pictures} pictures, {shift.labels} labels)"
        )
    for kind in KINDS:
        faults = [fault for fault in report.faults if fault.kind == kind]
        if not faults:
            continue
        print(f"  {kind}: {len(faults)}", *faults[:_SHOWN], sep="\n    ")
        if len(faults) > _SHOWN:
            print(f"    and {len(faults) - _SHOWN} more")
        if kind == OFF_CAMERA:
            print("    (most frames? then they are of another headset: state it with --headset)")
    if report.skipped:
        print(f"  of frames that {SKIP_LIST} leaves out: {counted(len(report.skipped), 'fault')}")
    if not report.faults:
        print("  nothing else wrong" if report.skipped else "  nothing wrong")


def _write_skip_list(root: Path, reports: list[SetReport]) -> None:
    entries = [(r.set_type, f.frame_id, f.kind) for r in reports for f in r.faults if f.frame_id]
    if not entries:
        print(f"\nno frame to leave out: nothing added to {root / SKIP_LIST}")
        return
    added = add_to_skip_list(root, entries)
    print(f"\n{counted(added, 'frame')} added to {root / SKIP_LIST}")


def _report(args: argparse.Namespace, reports: list[SetReport]) -> int:
    """Print and write all that was found; returns how many faults."""
    for report in reports:
        _print_set(report)
    content = {"data_root": root_text(args.data_root)}
    content["sets"] = [report.as_dict() for report in reports]
    # A file name that is no UTF-8 comes out as JSON's own escapes.
    text = json.dumps(content, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace")
    write_text(args.report, text.decode() + "\n")
    wrong = sum(len(report.faults) for report in reports)
    if args.write_skip_list and wrong:
        _write_skip_list(args.data_root, reports)
    faults = f"{counted(wrong, 'fault')}; all of them in {args.report}"
    print(f"\n{faults}" if wrong else f"\nall is well: {args.report}")
    return wrong


def _check(args: argparse.Namespace, parts: Path) -> int:
    """Check all, or a part, which is kept in ``parts``; returns how many faults are reported."""
    root, form = args.data_root, data_format(args.data_root, format=args.format)
    form.chosen(args.format or "")
    names = [SetType(name) for name in args.sets] if args.sets else form.sets(root)
    if not names:
        text = "holds no TrainSet, ValSet or TestSet"
        raise UserError(f"{root_text(root)}: {text}: {looked_for(root, args.format)}")
    headset, sets, reports = args.headset and load_headset(args.headset), {}, {}
    for name in names:
        try:
            sets[name] = open_set(root, name, headset, args.format)
        except UserError as error:
            if len(names) == 1:
                raise
            reports[name] = SetReport(name, [Fault(BAD_SET, name.folder, str(error))])
    looked = {} if args.no_pictures else sets
    checks = [(name, check) for name, data in looked.items() for check in data.picture_checks()]
    if args.part:
        own = {"part", "jobs", "report", "data_root"}
        how = {name: value for name, value in vars(args).items() if name not in own}
        made_with = state(sets, f"{root_text(root)!r} {how}")
        work = in_parts(parts, args.part, checks, args.jobs, made_with)
    else:
        work = nullcontext(check_pictures(checks, args.jobs))
    with work as found:
        if found is None:
            return 0
        for name, data in sets.items():
            faults = None if args.no_pictures else found[name]
            if faults is not None and isinstance(data, RecordedSet):
                faults += rim_faults(data)
            reports[name] = check_labels(data, args.max_residual, faults)
        return _report(args, [reports[name] for name in names])


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    if not 0 <= args.max_residual < math.inf:
        raise UserError(f"--max_residual {args.max_residual:g}: a number of pixels, 0 or more")
    parts = args.report.with_name(f".{args.report.name}")
    if is_cut(args):
        run_parts("utils.check_data", argv, args.ray)
        if are_left(parts):
            raise UserError(f"{args.data_root}: has changed meanwhile: run the same command again")
        sets = json.loads(args.report.read_bytes())["sets"]
        wrong = sum(len(each["faults"]) for each in sets)
    else:
        wrong = _check(args, parts)
    if wrong and not is_worker():  # whose status is its parent's
        sys.exit(1)


if __name__ == "__main__":
    run_command(main)
