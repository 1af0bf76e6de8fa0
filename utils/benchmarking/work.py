"""Carrying the runs out: sets made, rows trained and tested, one after the other."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from utils.benchmarking.frames import is_made, make_set, set_fingerprint
from utils.benchmarking.launch import Launcher
from utils.benchmarking.machine import machine
from utils.benchmarking.plan import Plan
from utils.benchmarking.runs import Run, carry_out, check_same, write_configs
from utils.benchmarking.spec import Benchmark
from utils.benchmarking.videos import videos_root


def _left(runs: Sequence[Run], todo: Sequence[Run]) -> str:
    """Time that the runs still to do will take, by those that are done, in words."""

    def seconds(run: Run) -> float | None:
        return run.record().get("wall_seconds")

    trained = [run for run in runs if run.finished and run.seed is not None]
    known = [(run, seconds(run)) for run in trained if seconds(run)]
    if not known:
        return ""
    mean = sum(taken for _, taken in known) / len(known)
    total = 0.0
    for run in todo:
        same = [taken for other, taken in known if other.row == run.row]
        total += sum(same) / len(same) if same else mean
    return f", about {total / 60:.0f} min left"


def check_runs(runs: Sequence[Run], root: Path) -> dict[str, Any]:
    """Check that what is there of runs was made as they are now, on this set.

    Returns:
        Fingerprint of the set.

    Raises:
        UserError: if not.
    """
    frames = set_fingerprint(root)
    for run in runs:
        check_same(run, frames)
    return frames


def carry_out_runs(runs: Sequence[Run], root: Path, device: str, launcher: Launcher) -> None:
    """Train and test what is not finished on a set, saying how far it is.

    Raises:
        UserError: where one fails, or belongs to another configuration.
        KeyboardInterrupt: where it was stopped.
    """
    frames = check_runs(runs, root)
    for number, run in enumerate(runs, 1):
        if run.finished:
            print(f"[{number}/{len(runs)}] {run.name}: finished")
            continue
        todo = [other for other in runs[number - 1 :] if not other.finished]
        print(f"[{number}/{len(runs)}] {run.name}{_left(runs, todo)}", flush=True)
        began = time.monotonic()
        before = run.record().get("wall_seconds", 0.0)
        try:
            carry_out(run, root, frames, device, launcher)
        finally:
            run.note(wall_seconds=before + time.monotonic() - began)


def carry_out_all(
    benchmark: Benchmark,
    scale_name: str,
    plan: Plan,
    root: Path,
    gpu: str,
    check: Callable[[str, Path], str],
    launcher: Launcher,
) -> dict[str, str]:
    """Make the sets, train and test what is not finished.

    Args:
        benchmark: what it consists of.
        scale_name: the scale.
        plan: its runs.
        root: the set, made where it is missing.
        gpu: the device, as ``--gpu``.
        check: compares a set, "set" or "videos", with what is written down, and says what the
            table is to say of it.
        launcher: runs the commands.

    Returns:
        What ``check`` said of each set that is there.

    Raises:
        UserError: where one fails, or belongs to another configuration or set.
        KeyboardInterrupt: where it was stopped.
    """
    scale, videos, device = benchmark.scales[scale_name], benchmark.videos, machine(gpu)
    if plan.rows:
        flags = benchmark.make_synthetic
        make_set(scale, scale.picture_size, benchmark.seed, flags, root, launcher)
    known = {"set": check("set", root)}
    write_configs(plan.rows)
    carry_out_runs(plan.rows, root, device, launcher)
    where = videos_root(root)
    if plan.videos:
        flags = videos.make_synthetic
        make_set(scale.videos, scale.picture_size, videos.seed, flags, where, launcher)
        write_configs(plan.videos)
    # Half of a set is nothing to rows that do without it.
    if is_made(where):
        known["videos"] = check("videos", where)
        carry_out_runs(plan.videos, where, device, launcher)
    return known
