"""Work on several cores."""

import threading

import pytest

from utils.common import cores


def test_the_first_error_is_raised_without_those_who_never_end(monkeypatch):
    monkeypatch.setattr(cores, "_GRACE", 0.05)
    stop, begun, forever, done = *(threading.Event() for _ in range(3)), []

    def work(item):
        if item == 0 and begun.wait(60):
            raise ValueError("the first")
        if item == 1:
            begun.set()
            forever.wait(60)
        done.append(item)

    with pytest.raises(ValueError, match="the first"):
        cores.for_each(range(100), work, 2, stop)
    assert stop.is_set() and len(done) < 99 and 1 not in done
    forever.set()


def test_all_is_worked_on_once():
    stop, done = threading.Event(), []
    cores.for_each(range(100), done.append, 8, stop)
    assert sorted(done) == list(range(100)) and not stop.is_set()
