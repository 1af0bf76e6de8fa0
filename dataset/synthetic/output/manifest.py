"""The output folder, and the note in it of what its set is made with."""

import json
import shutil
from pathlib import Path

from base.errors import UserError
from base.files import write_text
from base.set_type import SetType
from dataset.packed.shards import MANIFEST as PACKED_MANIFEST
from dataset.packed.shards import MISMADE, PackOptions
from dataset.synthetic.output.shard_folder import STAGING

_MANIFEST = "synthetic.json"


def prepare_output(
    root: Path, made_with: dict, resume: bool, overwrite: bool, pack: PackOptions | None
) -> None:
    """Get the output folder ready and note in it the options that the set is made with.

    With ``resume`` it may hold a set made with the same options; with ``overwrite`` a synthetic set
    in it is deleted.

    Raises:
        UserError: if the folder holds something else.
    """
    manifest = root / _MANIFEST
    made_with = made_with | {"pack": pack and pack.as_dict()}
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file: give a folder with --output")
    filled = root.is_dir() and any(root.iterdir())
    if filled and not manifest.is_file():
        raise UserError(
            f"{root} is not empty and holds no synthetic set: give another folder with --output"
        )
    if filled and not (resume or overwrite):
        raise UserError(
            f"{root} already holds a synthetic set: go on with it with --resume, or replace it "
            "with --overwrite"
        )
    if filled and overwrite:
        for name in (*(set_type.folder for set_type in SetType), STAGING):
            if (root / name).is_dir():
                shutil.rmtree(root / name)
        (root / PACKED_MANIFEST).unlink(missing_ok=True)
    elif filled:
        try:
            _check_same(manifest, made_with)
        except MISMADE:
            raise UserError(f"{manifest} cannot be read: start anew with --overwrite") from None
    if pack is not None:
        write_text(root / PACKED_MANIFEST, json.dumps(pack.as_dict(), indent=1) + "\n")
    write_text(manifest, json.dumps(made_with, indent=2) + "\n")


def _check_same(manifest: Path, made_with: dict) -> None:
    root, before = manifest.parent, json.loads(manifest.read_bytes())
    for key, value in json.loads(json.dumps(made_with)).items():
        old = before.get(key)
        if old == value:
            continue
        if key == "version":
            what = "by another version of this program"
        elif key == "pack":
            sizes = [
                f"--pack_size {each['size']}" if each else "no --pack" for each in (old, value)
            ]
            what = f"with {sizes[0]}, not {sizes[1]}"
        elif key == "clutter":
            what = f"{'with' if old else 'without'} --clutter"
        elif key == "camera" and old:
            what = "with --camera by another version of this program"
        elif key == "camera":  # of the release; sets of other headsets have another key
            what = "with another --headset"
        elif isinstance(value or old, (dict, list)):
            what = f"with another --{key}"
        else:
            what = f"with --{key} {old}, not {value}"
        raise UserError(
            f"{root} was made {what}: resume in the same way, or start anew with --overwrite"
        )
