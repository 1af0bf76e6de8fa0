"""Packages of npm, in the versions that a lock file states."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from base.errors import UserError
from base.lock import locked
from base.remote import cache_folder

_CACHE = cache_folder()
_NPM = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
#: Of a registry that does not answer, milliseconds.
_NPM += ("--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000", "--fetch-timeout=60000")


def install_packages(folder: Path) -> Path:
    """The folder ``node_modules`` with what ``package.json`` and ``package-lock.json`` of a folder
    ask for, in the user's cache: fetched once for each lock file. No script of a package is run.
    UserError without npm, or where its registry cannot be reached."""
    files = [folder / "package.json", folder / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    target = _CACHE / f"npm-{digest[:16]}"
    with locked(target, wait=600):
        complete = target / ".complete"
        if not complete.exists():
            if shutil.which("npm") is None:
                raise UserError("there is no npm, which fetches the page's libraries: get Node.js")
            for file in files:
                shutil.copy(file, target)
            run = subprocess.run(_NPM, cwd=target, capture_output=True, text=True)
            if run.returncode:
                errors = run.stderr.strip().removeprefix("npm error ").splitlines()
                why = next((line for line in errors if "network" in line), errors[-1])
                raise UserError(f"npm could not fetch the page's libraries: {why}")
            complete.touch()
    return target / "node_modules"
