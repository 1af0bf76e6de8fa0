"""A check in parts: each reads its share of the pictures, and keeps what it finds for the last."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter

from base.files import write_text
from base.set_type import SetType
from base.work_parts import PARTS, Part, writing
from dataset.annotations import LABELS
from dataset.check import Check, check_pictures
from dataset.faults import Fault
from dataset.pictures import changed
from dataset.split import Split

_FAULTS = TypeAdapter(dict[SetType, list[Fault]])


def state(sets: Mapping[SetType, Split], how: str) -> str:
    """Changes when sets are checked in another way, or their pictures or frames have changed."""
    digest = hashlib.blake2b(how.encode(), digest_size=16)
    for set_type, data in sets.items():
        table = data.table
        lists = table.characters, table.environments, table.headsets
        digest.update(repr((set_type, *lists)).encode())
        # Joints are computed: on another processor their last bits may differ.
        for name in sorted({*table.rows.dtype.names} - {*LABELS}):
            digest.update(table.rows[name].tobytes())
        for path in data.picture_files():
            digest.update(f"{path} {changed(path)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


@contextmanager
def in_parts(
    root: Path, part: Part, checks: Sequence[Check], jobs: int, made_with: str
) -> Iterator[dict[SetType, list[Fault]] | None]:
    """Do a part of some checks, unless what it found is in ``root`` already, ``made_with`` the same
    :func:`state`; yields what all parts have found, which is then removed, or None where others are
    missing."""
    with writing(root, part):
        paths = {each: each.folder(root) / f"{made_with}.json" for each in part.all()}
        if not paths[part].is_file():
            found = _FAULTS.dump_python(check_pictures(part.share(checks), jobs), mode="json")
            write_text(paths[part], json.dumps(found), single_writer=True)
        with part.finished(root, made_with) as complete:
            if not complete:
                yield None
                return
            found = [_FAULTS.validate_python(json.loads(p.read_bytes())) for p in paths.values()]
            yield {s: [fault for each in found for fault in each.get(s, [])] for s in SetType}
            shutil.rmtree(root, ignore_errors=True)


def are_left(root: Path) -> bool:
    """Whether there are parts that none has put together."""
    return any(root.glob(f"{PARTS}/*/*.json"))
