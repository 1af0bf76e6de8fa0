"""Making a whole set: the folder, the jobs and the worker processes that make its frames."""

import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from base.documents import read_document
from base.errors import UserError
from base.files import write_text
from base.headset import RELEASE_HEADSET
from base.lock import clear_leftovers
from base.work_parts import PARTS, Part, in_processes, writing
from dataset.packed.shards import MANIFEST as PACKED_MANIFEST
from dataset.packed.shards import PackOptions
from dataset.synthetic.body.body_model import load_rig, make_body
from dataset.synthetic.body.head_camera import is_inside
from dataset.synthetic.job import WATCHED_STRIDE, run_job
from dataset.synthetic.output import put_together, remove_indices
from dataset.synthetic.recipe import LABELS_PER_CHARACTER, Counts, Job, Recipe, plan

_MANIFEST = "synthetic.json"


def check_folder(root: Path, made_with: dict, resume: bool) -> None:
    """UserError for an output folder that holds something, but with ``resume`` a set that was
    ``made_with`` the same options."""
    manifest = root / _MANIFEST
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file: give a folder with --output")
    if not root.is_dir() or all(path.name[0] == "." for path in root.iterdir()):
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
            newer = key == "version" or (key == "clutter" and before.get(key) and now.get(key))
            how = "by another version of this program" if newer else how
            raise UserError(f"{root} was made {how}: resume in the same way, {other}")


def generate(
    root: Path,
    recipe: Recipe,
    counts: Counts,
    workers: int,
    resume: bool,
    pack: PackOptions | None,
    part: Part | None = None,
) -> int:
    """Make a synthetic set in the release's layout, or in shards where ``pack`` says how, or only a
    ``part`` of it, which may run beside others; with ``resume`` the complete frames of a set made
    with the same recipe are kept.  Returns the number of frames written; a UserError for options or
    a folder that cannot be used."""
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
    check_folder(root, made_with, resume or (part is not None and (root / PARTS).is_dir()))
    print("preparing the body model: seconds, or a minute where it was never used", flush=True)
    load_rig()  # the first load of a machine fills a cache that the workers use
    body = make_body(male=True, full=False, short=False, rng=np.random.default_rng(0))
    for headset in recipe.headsets:
        if headset not in (None, RELEASE_HEADSET) and is_inside(body, headset):
            raise UserError(
                f"--headset {headset.name}: its camera is inside the head; position is "
                "centimetres from the tip of the nose: to the left, up, ahead"
            )

    def prepare() -> None:
        check_folder(root, made_with, resume or part is not None)
        for folder in {path.parent for path in root.rglob(".*.part*") if part is None}:
            clear_leftovers(folder)
        write_text(root / _MANIFEST, json.dumps(made_with, indent=2) + "\n")
        if pack:
            write_text(root / PACKED_MANIFEST, json.dumps(made_with["pack"], indent=1) + "\n")

    with ExitStack() as held:
        held.enter_context(writing(root, part, prepare))
        jobs = plan(root, recipe, counts, pack)
        if part:
            # A character in an environment goes into shards as a whole.
            mine = set(part.share(dict.fromkeys(job.folder if pack else job for job in jobs)))
            jobs = [job for job in jobs if job in mine or job.folder in mine]
        total, folders = sum(len(job.wanted) for job in jobs), {job.folder for job in jobs}
        jobs = [left for job in jobs if (left := _still_to_do(job, recipe.stride)).wanted]
        left = Counter(job.folder for job in jobs)
        for folder in folders - {*left}:
            folder.finish()  # a run was killed before it wrote these shards
        missing = sum(len(job.wanted) for job in jobs)
        if jobs:
            remove_indices(root)
            with tqdm(total=total, initial=total - missing, unit="frame", desc=str(root)) as bar:
                for job, made in in_processes(run_job, jobs, min(workers, len(jobs)), recipe):
                    bar.update(made)
                    left[job.folder] -= 1
                    if not left[job.folder]:
                        job.folder.finish()
        complete = held.enter_context(part.finished(root, f"{counts}")) if part else True
        if pack and complete:
            put_together(root, pack)
    return missing


def _still_to_do(job: Job, stride: int) -> Job:
    """The job less the frames that are there."""
    missing = job.folder.missing(n * stride for n in job.wanted)
    return replace(job, wanted=tuple(n for n in job.wanted if n * stride in missing))
