"""Making a whole set: the folder, the jobs and the worker processes that make its frames."""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np
from tqdm import tqdm

from base.documents import read_document
from base.errors import UserError
from base.files import write_text
from base.headset import RELEASE_HEADSET
from base.lock import clear_leftovers, locked
from dataset.packed.shards import MANIFEST as PACKED_MANIFEST
from dataset.packed.shards import PackOptions
from dataset.synthetic.body.body_model import load_rig, make_body
from dataset.synthetic.body.head_camera import is_inside
from dataset.synthetic.job import WATCHED_STRIDE, run_job
from dataset.synthetic.output import STAGING, put_together, remove_indices
from dataset.synthetic.recipe import LABELS_PER_CHARACTER, Counts, Job, Recipe, plan

_MANIFEST = "synthetic.json"
#: Holds a folder for each part that is being made; seconds in which another has prepared the set,
#: or its index.
_PARTS, _PATIENCE = ".parts", 120


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
    for name in ("OMP", "OPENBLAS", "MKL"):  # the workers' libraries
        os.environ[f"{name}_NUM_THREADS"] = "1"
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


def check_folder(root: Path, made_with: dict, resume: bool) -> None:
    """UserError for an output folder that holds something, but with ``resume`` a set that was
    ``made_with`` the same options."""
    manifest = root / _MANIFEST
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file: give a folder with --output")
    if not root.is_dir() or all(path.name in (".lock", _PARTS) for path in root.iterdir()):
        return
    if not manifest.is_file():
        raise UserError(
            f"{root} is not empty and holds no synthetic set: give another folder with --output"
        )
    other = "or give another folder with --output"
    if not resume:
        raise UserError(f"{root} already holds a synthetic set: go on with it by --resume, {other}")
    try:
        before = {**read_document(manifest)}
    except (TypeError, UserError):
        raise UserError(f"{manifest} cannot be read: give another folder with --output") from None
    now = json.loads(json.dumps(made_with))
    for key in {**now, **before}:
        if (before.get(key) or None) != (now.get(key) or None):
            how = f"with another --{'headset' if key == 'camera' else key:.40}"
            how = "by another version of this program" if key == "version" else how
            raise UserError(f"{root} was made {how}: resume in the same way, {other}")


def generate(
    root: Path,
    recipe: Recipe,
    counts: Counts,
    workers: int,
    resume: bool,
    pack: PackOptions | None,
    part: tuple[int, int] = (1, 1),
) -> int:
    """Make a synthetic set in the release's layout, or in shards where ``pack`` says how, or the
    i-th of n parts of it for ``part`` (i, n), which may run side by side; with ``resume`` the
    complete frames of a set made with the same recipe are kept.  Returns the number of frames
    written; a UserError for options or a folder that cannot be used."""
    number, parts = part
    longest = max(recipe.frames_per_character, LABELS_PER_CHARACTER) * recipe.stride
    faults = {
        "nothing to make: give at least one of --train, --val, --test": not any(counts.values()),
        "--frames_per_character times --stride must stay below a million: frame numbers have six "
        "digits": longest >= 1_000_000,
        "--pack and --passes exclude each other: shards hold pictures and labels only": (
            pack and recipe.passes
        ),
        "--clutter draws other things for each frame: give --stride 30 or more": (
            recipe.clutter and recipe.stride < WATCHED_STRIDE
        ),
    }
    if found := [message for message, wrong in faults.items() if wrong]:
        raise UserError(found[0])
    made_with = recipe.described() | {"pack": pack and pack.as_dict()}
    if parts == 1:
        check_folder(root, made_with, resume)
    print("preparing the body model: seconds, or a minute where it was never used", flush=True)
    load_rig()  # the first load of a machine fills a cache that the workers use
    body = make_body(male=True, full=False, short=False, rng=np.random.default_rng(0))
    for headset in recipe.headsets:
        if headset not in (None, RELEASE_HEADSET) and is_inside(body, headset):
            raise UserError(
                f"--headset {headset.name}: its camera is inside the head; position is "
                "centimetres from the tip of the nose: to the left, up, ahead"
            )
    with ExitStack() as held, ExitStack() as first:
        (held if parts == 1 else first).enter_context(locked(root, _PATIENCE * (parts > 1)))
        check_folder(root, made_with, resume or parts > 1)
        others = (root / _PARTS).glob("*")
        for folder in others if parts == 1 else (root / _PARTS / f"{number}-{parts}",):
            held.enter_context(locked(folder))
        for folder in {path.parent for path in root.rglob(".*.part*") if parts == 1}:
            clear_leftovers(folder)
        if pack:
            remove_indices(root)
            write_text(root / PACKED_MANIFEST, json.dumps(made_with["pack"], indent=1) + "\n")
        write_text(root / _MANIFEST, json.dumps(made_with, indent=2) + "\n")
        first.close()
        everything = plan(root, recipe, counts, pack)
        # A character in an environment goes into shards as a whole.
        units = list(dict.fromkeys(job.folder if pack else job for job in everything))
        mine = set(units[number - 1 :: parts])
        jobs = [job for job in everything if job in mine or job.folder in mine]
        total, folders = sum(len(job.wanted) for job in jobs), {job.folder for job in jobs}
        jobs = [left for job in jobs if (left := _still_to_do(job, recipe.stride)).wanted]
        for folder in folders - {job.folder for job in jobs}:
            folder.finish()  # a run was killed before it wrote these shards
        missing = sum(len(job.wanted) for job in jobs)
        if jobs:
            with tqdm(total=total, initial=total - missing, unit="frame", desc=str(root)) as bar:
                for made in _run_all(recipe, jobs, workers):
                    bar.update(made)
        if pack and parts > 1:
            # In this order: what another part makes is missing, then waiting, then in shards.
            to_do = any(_still_to_do(job, recipe.stride).wanted for job in everything)
            if to_do or any((root / STAGING).glob("*/*")):
                again = "the same command with --resume and without --part"
                print(f"part {number}/{parts} is complete; the last makes the index, or {again}")
                return missing
            held.enter_context(locked(root, _PATIENCE))
        if pack:
            put_together(root, pack)
    return missing


def _still_to_do(job: Job, stride: int) -> Job:
    """The job less the frames that are there."""
    missing = job.folder.missing(n * stride for n in job.wanted)
    return replace(job, wanted=tuple(n for n in job.wanted if n * stride in missing))
