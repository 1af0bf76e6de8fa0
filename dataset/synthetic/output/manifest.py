"""The output folder, and the note in it of what its set is made with."""

import json
import shutil
from pathlib import Path

from base.documents import read_document
from base.errors import UserError
from base.files import write_text
from base.set_type import SetType
from dataset.packed.shards import MANIFEST as PACKED_MANIFEST
from dataset.synthetic.output.shard_folder import STAGING

_MANIFEST = "synthetic.json"
#: Holds a lock for each part that is being made.
PARTS = ".parts"


def prepare_output(
    root: Path, made_with: dict, resume: bool, overwrite: bool, write: bool = True
) -> None:
    """Get the output folder ready and note in it the options that the set is made with; a UserError
    if it holds something else.  With ``resume`` it may hold a set made with the same options; with
    ``overwrite`` a synthetic set in it is deleted.  Without ``write`` all is only checked."""
    manifest = root / _MANIFEST
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file: give a folder with --output")
    filled = root.is_dir() and any(path.name not in (".lock", PARTS) for path in root.iterdir())
    if filled and not manifest.is_file():
        raise UserError(
            f"{root} is not empty and holds no synthetic set: give another folder with --output"
        )
    if filled and not (resume or overwrite):
        raise UserError(
            f"{root} already holds a synthetic set: go on with it with --resume, or replace it "
            "with --overwrite"
        )
    if filled and not overwrite:
        _check_same(manifest, made_with)
    if not write:
        return
    if filled and overwrite:
        for name in (*(set_type.folder for set_type in SetType), STAGING):
            if (root / name).is_dir():
                shutil.rmtree(root / name)
        (root / PACKED_MANIFEST).unlink(missing_ok=True)
    if made_with["pack"]:
        write_text(root / PACKED_MANIFEST, json.dumps(made_with["pack"], indent=1) + "\n")
    write_text(manifest, json.dumps(made_with, indent=2) + "\n")


def _check_same(manifest: Path, made_with: dict) -> None:
    try:
        before = {**read_document(manifest)}
    except (TypeError, UserError):
        raise UserError(f"{manifest} cannot be read: start anew with --overwrite") from None
    now = json.loads(json.dumps(made_with))
    for key in {**now, **before}:
        old, value = before.get(key), now.get(key)
        if old == value or not (old or value):
            continue
        flag = "headset" if key == "camera" else key
        what = f"with another --{flag}"
        if key == "version":
            what = "by another version of this program"
        elif type(old) is type(value) is int:
            what = f"with --{flag} {old!s:.20}, not {value}"
        raise UserError(
            f"{manifest.parent} was made {what}: resume in the same way, or start anew with "
            "--overwrite"
        )
