"""Making a whole set: the folder, the jobs and the worker processes that make its frames."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np
from tqdm import tqdm

from base.errors import UserError
from base.headset import RELEASE_HEADSET
from base.lock import clear_leftovers, locked
from dataset.packed.shards import PackOptions
from dataset.synthetic.body.body_model import load_rig, make_body
from dataset.synthetic.body.head_camera import is_inside
from dataset.synthetic.job import WATCHED_STRIDE, run_job
from dataset.synthetic.output.manifest import PARTS, prepare_output
from dataset.synthetic.output.shard_folder import put_together, remove_indices
from dataset.synthetic.recipe import LABELS_PER_CHARACTER, Counts, Job, Recipe, plan

#: Frames of a split at most; seconds in which another part has prepared the folder, or its index.
_MOST_FRAMES, _PATIENCE = 10_000_000, 120
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _start_worker() -> None:
    """One thread each; Ctrl-C is the parent's to handle; no worker outlives the parent."""
    import cv2
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    def follow_parent() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=follow_parent, daemon=True).start()


def _run_all(recipe: Recipe, jobs: list[Job], workers: int) -> Iterator[int]:
    """Run jobs in worker processes, and finish each folder as soon as its frames are complete;
    yields the number of frames of each job as it ends."""
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # of the workers' libraries
    left = Counter(job.folder for job in jobs)
    spawn = get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(jobs)), spawn, initializer=_start_worker)
    try:
        running = {pool.submit(run_job, recipe, job): job.folder for job in jobs}
        for done in as_completed(running):
            yield done.result()
            folder = running.pop(done)
            left[folder] -= 1
            if not left[folder]:
                folder.finish()
    except BrokenProcessPool:
        raise UserError(
            "a worker process was ended from outside, most likely for lack of memory: go on with "
            "--resume and fewer --workers"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def generate(
    root: Path,
    recipe: Recipe,
    counts: Counts,
    workers: int,
    resume: bool,
    overwrite: bool,
    part: tuple[int, int],
    pack: PackOptions | None,
) -> int:
    """Make a synthetic set in the release's layout, or in shards where ``pack`` says how, or the
    i-th of n parts of it for ``part`` (i, n); ``resume`` keeps the complete frames of a set made
    with the same recipe, ``overwrite`` deletes a set that is there.  Returns the number of frames
    written; a UserError for options or a folder that cannot be used."""
    number, parts = part
    longest = max(recipe.frames_per_character, LABELS_PER_CHARACTER) * recipe.stride
    faults = {
        f"--train, --val, --test and --label_frames lie between 0 and {_MOST_FRAMES}": (
            not 0 <= min(counts.values()) <= max(counts.values()) <= _MOST_FRAMES
        ),
        "nothing to make: give at least one of --train, --val, --test": max(counts.values()) <= 0,
        "--frames_per_character, --workers and --stride must be at least 1": (
            min(recipe.frames_per_character, workers, recipe.stride) < 1
        ),
        "--frames_per_character times --stride must stay below a million: frame numbers have six "
        "digits": longest >= 1_000_000,
        "--pack and --passes exclude each other: shards hold pictures and labels only": (
            pack and recipe.passes
        ),
        "--pack_size must lie between 32 and 800": pack and not 32 <= pack.size <= 800,
        "--clutter draws other things for each frame: give --stride 30 or more": (
            recipe.clutter and recipe.stride < WATCHED_STRIDE
        ),
        "--seed lies between 0 and 2^63": not 0 <= recipe.seed < 2**63,
        "--workers cannot be more than 1024": workers > 1024,
        f"--part {number}/{parts}: the first is 1/{parts}, the last {parts}/{parts}": (
            not 1 <= number <= parts
        ),
        "--overwrite would delete what the other parts wrote: empty the folder once": (
            overwrite and parts > 1
        ),
    }
    for message, wrong in faults.items():
        if wrong:
            raise UserError(message)
    if recipe.headsets != (RELEASE_HEADSET,):
        body = make_body(male=True, full=False, short=False, rng=np.random.default_rng(0))
        for headset in filter(None, recipe.headsets):
            if is_inside(body, headset):
                raise UserError(
                    f"--headset {headset.name}: its camera is inside the head; position is "
                    "centimetres from the tip of the nose: to the left, up, ahead"
                )
    made_with = recipe.described() | {"pack": pack and pack.as_dict()}
    # Every part but the first finds the folder filled.
    prepare = partial(prepare_output, root, made_with, resume or parts > 1, overwrite)
    prepare(write=False)
    print("preparing the body model: seconds, or a minute where it was never used", flush=True)
    load_rig()  # the first load of a machine fills a cache that the workers use
    with _writing(root, part, prepare):
        everything = plan(root, recipe, counts, pack)
        # A character in an environment goes into shards as a whole.
        units = list(dict.fromkeys(job.folder if pack else job for job in everything))
        mine = set(units[number - 1 :: parts])
        jobs = [job for job in everything if job in mine or job.folder in mine]
        total = sum(len(job.wanted) for job in jobs)
        folders = dict.fromkeys(job.folder for job in jobs)
        jobs = [left for job in jobs if (left := _still_to_do(job, recipe.stride))]
        missing = sum(len(job.wanted) for job in jobs)
        waiting = [folder for folder in folders if pack and folder.waiting()]
        if pack and (jobs or waiting):
            remove_indices(root)
        for folder in waiting:
            if all(job.folder != folder for job in jobs):
                folder.finish()  # a run was killed before it wrote these shards
        if jobs:
            with tqdm(total=total, initial=total - missing, unit="frame", desc=str(root)) as bar:
                for made in _run_all(recipe, jobs, workers):
                    bar.update(made)
        if pack:
            _complete_shards(root, pack, everything, recipe.stride, part)
    return missing


@contextmanager
def _writing(root: Path, part: tuple[int, int], prepare: Callable[[], None]) -> Iterator[None]:
    """Holds the folder, and calls ``prepare`` in it: alone, or as one of several parts that write
    side by side, each of which holds a folder of its own."""
    number, parts = part
    try:
        with ExitStack() as held, ExitStack() as first:
            if parts == 1:
                held.enter_context(locked(root))
                for other in (root / PARTS).glob("*"):
                    held.enter_context(locked(other))
                for folder in {path.parent for path in root.rglob(".*.part*")}:
                    clear_leftovers(folder)
            else:
                first.enter_context(locked(root, wait=_PATIENCE))
                held.enter_context(locked(root / PARTS / f"{number}-{parts}"))
            prepare()
            first.close()
            yield
    except OSError as error:
        raise UserError(f"cannot write to {root}: {error.strerror}") from None


def _still_to_do(job: Job, stride: int) -> Job | None:
    """The job less the frames that are there; None where they all are."""
    missing = job.folder.missing(n * stride for n in job.wanted)
    wanted = tuple(n for n in job.wanted if n * stride in missing)
    return replace(job, wanted=wanted) if wanted else None


def _complete_shards(
    root: Path, pack: PackOptions, everything: list[Job], stride: int, part: tuple[int, int]
) -> None:
    """Put the indices together, in a part only where all the other parts are done."""
    number, parts = part
    again = "the same command with --resume and without --part"
    if parts > 1 and any(job.folder.waiting() or _still_to_do(job, stride) for job in everything):
        print(f"part {number}/{parts} is complete; the last one makes the index, or {again}")
        return
    # Another part that ends at the same moment does it again.
    with locked(root, wait=_PATIENCE) if parts > 1 else nullcontext():
        put_together(root, pack)
