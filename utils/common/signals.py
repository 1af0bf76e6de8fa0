"""SIGTERM and SIGINT as a wish that the loop fulfils at its next step."""

import contextlib
import signal
import threading
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interruption(contextlib.AbstractContextManager["Interruption"]):
    """While entered, the first signal sets :attr:`signal` and the second acts as it always does.

    Outside the main thread, where Python delivers no signals, nothing is changed.

    Attributes:
        signal: what was received, None so far.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


class Stopped(SystemExit):
    """A run that was asked to stop, after its checkpoint was written; status 128 + signal."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(128 + number)
