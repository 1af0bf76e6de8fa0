"""The official release as published: its characters, their sets, and the parts they come in."""

import os
import re
import string
import sys
from dataclasses import dataclass
from pathlib import Path

from base.errors import UserError
from base.set_type import SetType

#: Where the parts are published.
BASE_URL = "https://github.com/facebookresearch/xR-EgoPose/releases/download/v1.0"

#: The renderings and labels of a frame, each in a folder of its own.
PASSES: tuple[str, ...] = ("depth", "json", "objectId", "rgba", "rot", "worldp")

#: The passes that training uses; the other four are most of the release's terabyte.
TRAINING_PASSES: tuple[str, ...] = ("json", "rgba")

#: Set → "character last-letter": the parts run from ``aa`` to ``a`` and that letter.
_TABLE: dict[SetType, str] = {
    SetType.TRAIN: """
        female_001_a_a i  female_002_a_a j  female_002_f_s a  female_003_a_a f  female_005_a_a i
        female_006_a_a i  female_007_a_a h  female_009_a_a i  female_011_a_a f  female_014_a_a f
        female_015_a_a j  male_003_f_s a    male_004_a_a i    male_005_a_a j    male_006_f_s a
        male_007_a_a i    male_008_f_s a    male_009_a_a h    male_010_f_s a    male_011_f_s a
        male_014_a_a i""",
    SetType.VAL: "male_008_a_a i",
    SetType.TEST: """
        female_004_a_a i  female_008_a_a i  female_010_a_a i  female_012_a_a f  female_012_f_s a
        male_001_a_a i    male_002_a_a j    male_004_f_s a    male_006_a_a i    male_007_f_s a
        male_010_a_a i    male_014_f_s a""",
}


@dataclass(frozen=True, slots=True)
class Character:
    """One archive of the release, a gzipped tar cut into parts.

    The name is gender_id_body_height: body a(verage) or f(ull), height a(verage) or s(hort).
    """

    name: str
    set_type: SetType
    #: File names of the parts, in the order of the stream they are cut from.
    parts: list[str]


#: Every character of the release by name: 21 to train on, 1 to validate on, 12 to test on.
CHARACTERS: dict[str, Character] = {
    name: Character(
        name, set_type, [f"{name}.tar.gz.parta{c}" for c in string.ascii_lowercase if c <= letter]
    )
    for set_type, table in _TABLE.items()
    for name, letter in re.findall(r"(\S+) (\w)\b", table)
}


def select_characters(
    sets: list[str] | None = None, names: list[str] | None = None
) -> list[Character]:
    """Characters of some sets (values of SetType, None for all), or some of those by name, in the
    table's order; UserError for a name that the release does not have, or not in these sets."""
    chosen = [c for c in CHARACTERS.values() if sets is None or c.set_type.value in sets]
    for name in names or ():
        if name not in CHARACTERS:
            raise UserError(f"the release has no character {name}: see dataset/release/table.py")
        if CHARACTERS[name] not in chosen:
            folder = CHARACTERS[name].set_type.folder
            raise UserError(f"{name} belongs to {folder}, which --sets leaves out")
    return [character for character in chosen if names is None or character.name in names]


_ARCHIVE = re.compile(r"(?P<name>\w+)\.tar\.gz(?P<part>\.part[a-z]{2})?")


def find_archives(folder: Path) -> dict[str, list[Path]]:
    """Archives that lie in a folder or below it: character → its parts in order.

    A whole ``{character}.tar.gz`` counts as an archive of one part; UserError where the folder is
    missing or holds two archives of a character, in two folders or whole and in parts.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    found: dict[str, list[Path]] = {}
    kinds: dict[str, tuple] = {}

    def report(error: OSError) -> None:
        print(f"left out: {error.filename}: cannot be read ({error.strerror})", file=sys.stderr)

    for parent, folders, names in os.walk(folder, onerror=report):
        # Extracted frames are very many, and none of them is an archive.
        folders[:] = sorted(name for name in folders if name != "cam_down" and name[0] != ".")
        for match in filter(None, map(_ARCHIVE.fullmatch, sorted(names))):
            character, kind = match["name"], (parent, match["part"] is None)
            paths, path = found.setdefault(character, []), Path(parent, match[0])
            if kinds.setdefault(character, kind) != kind:
                raise UserError(
                    f"{paths[0]} and {path}: two archives of {character}; move one of them away"
                )
            paths.append(path)
    return dict(sorted(found.items()))


def missing_parts(name: str, found: list[Path]) -> list[str]:
    """Names of the parts that the archive of a character of the release lacks."""
    if found[-1].suffix == ".gz":
        return []
    return sorted(set(CHARACTERS[name].parts) - {path.name for path in found})
