"""SIGTERM and SIGINT as a request that the loop fulfils at its next step."""

import contextlib
import signal
import threading
from types import FrameType


class Interruption(contextlib.AbstractContextManager["Interruption"]):
    """While entered, the first signal sets :attr:`signal` and the second acts as it always does.
    Outside the main thread, where Python delivers no signals, nothing is changed."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._handlers: dict[signal.Signals, object] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._handlers[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        self.__exit__()
