"""The official release as published: its characters, their sets, and the parts they come in."""

import re
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
    """One archive of the release: a gzipped tar cut into parts.

    Attributes:
        name: gender_id_body_height, body a(verage) or f(ull), height a(verage) or s(hort).
        set_type: the set it belongs to.
        last: last letter of the last part.
    """

    name: str
    set_type: SetType
    last: str

    @property
    def parts(self) -> list[str]:
        """File names of the parts, in the order of the stream they are cut from."""
        letters = (chr(code) for code in range(ord("a"), ord(self.last) + 1))
        return [f"{self.name}.tar.gz.parta{letter}" for letter in letters]


#: Every character of the release by name: 21 to train on, 1 to validate on, 12 to test on.
CHARACTERS: dict[str, Character] = {
    name: Character(name, set_type, last)
    for set_type, table in _TABLE.items()
    for name, last in re.findall(r"(\S+) (\w)\b", table)
}


def select_characters(
    sets: list[str] | None = None, names: list[str] | None = None
) -> list[Character]:
    """Characters of some sets, or some by name, in the table's order.

    Args:
        sets: values of :class:`~base.set_type.SetType`; None for all.
        names: names of characters; None for all of the sets.

    Raises:
        UserError: for a name that the release does not have, or not in these sets.
    """
    chosen = [c for c in CHARACTERS.values() if sets is None or c.set_type.value in sets]
    if names is None:
        return chosen
    for name in names:
        if name not in CHARACTERS:
            raise UserError(f"the release has no character {name}: see dataset/release.py")
        if CHARACTERS[name] not in chosen:
            folder = CHARACTERS[name].set_type.folder
            raise UserError(f"{name} belongs to {folder}, which --sets leaves out")
    return [character for character in chosen if character.name in names]


_ARCHIVE = re.compile(r"^(?P<name>\w+)\.tar\.gz(\.part(?P<part>[a-z]{2}))?$")


def find_archives(folder: Path) -> dict[str, list[Path]]:
    """Archives that lie in a folder: character → its parts in order.

    A whole ``{character}.tar.gz`` counts as an archive of one part.

    Raises:
        UserError: where the folder is missing or a character lies there both whole and in parts.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of downloaded parts")
    whole: dict[str, Path] = {}
    parts: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        match = _ARCHIVE.match(path.name)
        if not match or not path.is_file():
            continue
        if match["part"]:
            parts.setdefault(match["name"], []).append(path)
        else:
            whole[match["name"]] = path
    both = sorted(whole.keys() & parts.keys())
    if both:
        raise UserError(f"{folder}: holds {both[0]} both whole and in parts; move one of them away")
    return dict(sorted((parts | {name: [path] for name, path in whole.items()}).items()))


def missing_parts(name: str, found: list[Path]) -> list[str]:
    """Names of the parts that an archive needs and ``found`` lacks.

    Of a character that the release does not have, only a gap between the parts can be told.
    """
    if any(path.name.endswith(".tar.gz") for path in found):
        return []
    present = {path.name for path in found}
    if name in CHARACTERS:
        expected = CHARACTERS[name].parts
    else:
        expected = Character(name, SetType.TRAIN, found[-1].name[-1]).parts
    return [part for part in expected if part not in present]
