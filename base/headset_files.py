"""The headsets that come with the project, by name."""

from pathlib import Path

from base.errors import UserError

#: Where they are.
PROFILES = Path(__file__).resolve().parent.parent / "experiments" / "headsets"


def headset_path(name: str | Path) -> Path:
    """A headset file, or one of :data:`PROFILES` by its name; UserError where it is neither."""
    path = Path(name)
    if not path.suffix and not path.is_file():
        path = PROFILES / f"{name}.yml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in PROFILES.glob("*.yml")))
        raise UserError(f"--headset {name}: no such file; give a headset file, or one of {known}")
    return path
