"""Files of motion: one a sequence, none over the border of two."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import numpy as np

from utils.inference.results import FrameResult, Sink, Summary


class ClipSink(Sink):
    """Hands each sequence to a sink of its own, which is complete when the next one begins."""

    def __init__(
        self, stack: ExitStack, writing: Callable[[Path], AbstractContextManager[Sink]], path: Path
    ) -> None:
        self._stack, self._writing, self._path = stack, writing, path
        self._clip: Sink | None = None
        self._sequence = ""

    def add(self, result: FrameResult, picture: np.ndarray) -> None:
        """See :meth:`Sink.add`."""
        if self._clip is None or result.sequence != self._sequence:
            if self._clip is not None:
                self._clip.finish(Summary())
                self._stack.close()
            self._sequence = result.sequence
            path = self._path.parent / result.sequence / self._path.name
            self._clip = self._stack.enter_context(self._writing(path))
        self._clip.add(result, picture)

    def finish(self, summary: Summary) -> None:
        """See :meth:`Sink.finish`."""
        if self._clip is not None:
            self._clip.finish(summary)


@contextmanager
def writing_clips(
    writing: Callable[[Path], AbstractContextManager[Sink]], path: Path
) -> Iterator[ClipSink]:
    """A file for each sequence, in the sequence's folder of ``path``'s.

    Args:
        writing: opens the file of one sequence.
        path: that of a sequence without a folder of its own.
    """
    with ExitStack() as stack:
        yield ClipSink(stack, writing, path)
