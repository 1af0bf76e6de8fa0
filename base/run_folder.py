"""An output folder that holds the results of one run, never those of two."""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from base.errors import UserError
from base.files import make_folder, write_bytes
from base.lock import clear_leftovers, locked

#: In the folder: what is not kept yet, and the names of the files that the last run left.
_NEW, _LIST = ".unfinished", ".files"


class RunFolder(contextlib.ExitStack):
    """While entered, ``path`` is held for this process (:func:`base.lock.locked`) and ``new`` is an
    empty folder in it for the run to write to. :meth:`keep` moves what is there to ``path``; a run
    that fails or is killed before leaves the results of the last one as they were. A run that
    ``adds`` to them removes none. UserError where what it ``reads`` is in the folder, or is it."""

    def __init__(self, path: Path, adds: bool = False, reads: Iterable[Path] = ()) -> None:
        super().__init__()
        self.path, self.new = Path(path), Path(path) / _NEW
        for each in reads:
            if Path(os.path.realpath(each)).is_relative_to(os.path.realpath(path)):
                raise UserError(
                    f"{path}: holds the input {each}, which results could replace: give another "
                    "folder to write to (--save_dir)"
                )
        self._kept: list[str] = self._listed() if adds else []

    def __enter__(self) -> "RunFolder":
        super().__enter__()
        self.enter_context(locked(self.path))
        clear_leftovers(self.path)
        shutil.rmtree(self.new, ignore_errors=True)  # of a run that was killed
        self.callback(shutil.rmtree, make_folder(self.new), ignore_errors=True)
        return self

    @property
    def holds_results(self) -> bool:
        """Whether it has those of an earlier run."""
        return any((self.path / name).is_file() for name in self._listed())

    def keep(self) -> None:
        """Move what was written since the last call to ``path``; at the first call the files that
        an earlier run moved there, and those alone, are removed. UserError where what was written
        is not there any more."""
        if not self.new.is_dir():
            raise UserError(f"{self.path}: was removed while results were written to it")
        found = (path for path in self.new.rglob("*") if path.is_file())
        # What is written last, and says that the rest is there, comes last.
        found = sorted(found, key=lambda path: path.stat().st_mtime_ns)
        names = [path.relative_to(self.new).as_posix() for path in found]
        old = [] if self._kept else self._listed()
        if old:
            print("The results of an earlier run in this folder are replaced.")
        self._list([*self._kept, *old, *names])  # whenever this is killed, the next run knows all
        for name in reversed(old):
            target = self.path / name
            with contextlib.suppress(OSError, ValueError):  # gone, or not to be removed
                if target.parent.resolve().is_relative_to(self.path.resolve()):
                    target.unlink()
                    for folder in target.parents[: name.count("/")]:  # where it is empty
                        folder.rmdir()
        for name in names:
            make_folder((self.path / name).parent)
            try:
                (self.new / name).replace(self.path / name)
            except OSError as error:
                raise UserError(f"{self.path / name}: {error.strerror}") from None
        self._kept += names
        self._list(self._kept)

    def _list(self, names: list[str]) -> None:
        text = "\n".join(dict.fromkeys(names))
        write_bytes(self.path / _LIST, text.encode(errors="surrogateescape"), single_writer=True)

    def _listed(self) -> list[str]:
        with contextlib.suppress(OSError):
            return (self.path / _LIST).read_text("utf-8", "surrogateescape").split("\n")
        return []
