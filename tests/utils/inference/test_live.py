"""Live sources: the newest frame wins, and what is gone is opened again."""

import contextlib
import os
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from commands import refused

from base.errors import BrokenFrameError, UserError
from utils.inference import live as live_module
from utils.inference import watched_folder
from utils.inference.live import LiveSource, PlayedVideo, captured_frame
from utils.inference.picture_source import open_live


def grey(value):
    return captured_frame("a camera", np.full((4, 4, 3), value, np.uint8))


def shown(frames):
    return [int(frame.read()[0, 0, 0]) for frame in frames]


def test_frames_that_are_not_taken_in_time_are_dropped_and_the_newest_comes_next():
    taken, produced = threading.Event(), threading.Event()

    def frames():
        yield grey(0)
        assert taken.wait(10)
        yield from map(grey, range(1, 10))
        produced.set()
        assert finished.wait(10)

    finished = threading.Event()
    source = LiveSource("a camera", lambda: (30.0, frames()))
    iterator = iter(source)
    found = [next(iterator)]
    taken.set()
    assert produced.wait(10)
    found.append(next(iterator))
    finished.set()
    assert list(iterator) == [] and shown(found) == [0, 9] and source.dropped == 8
    assert [(frame.index, frame.frame, frame.name[-6:]) for frame in found] == [
        (0, 0, "000000"),
        (1, 1, "000001"),
    ]
    first, last = found
    assert first.place[0] == last.place[0] and last.place[1] == first.place[1] + 1  # for histories
    assert first.time == 0 and last.time == last.captured - first.captured > 0


def test_a_source_that_is_gone_is_opened_again_until_it_is_back(monkeypatch, capsys):
    pauses = []
    monkeypatch.setattr(live_module, "POLL_S", 1e-3)
    monkeypatch.setattr(live_module, "_FIRST_PAUSE_S", 1e-3)
    monkeypatch.setattr(live_module, "_LONGEST_PAUSE_S", 4e-3)
    openings = iter([[grey(0)], UserError("no"), cv2.error("no"), None, None, [grey(1), grey(2)]])
    interruption = SimpleNamespace(signal=None)

    def start():
        pauses.append(1)
        now = next(openings)
        if isinstance(now, Exception):
            raise now
        return 30.0, frames(now or [])

    def frames(now):
        for frame in now:
            yield frame
            step.wait()
        return "a camera gives no more frames"

    step = threading.Barrier(2, timeout=10)
    source = LiveSource("a camera", start, returns=True)
    source.interruption = interruption
    found = []
    for frame in source:
        found.append(frame)
        if len(found) == 3:
            interruption.signal = 2
        step.wait()
    assert shown(found) == [0, 1, 2] and [frame.index for frame in found] == [0, 1, 2]
    assert len(pauses) == 6 and source.fault == ""
    assert capsys.readouterr().out.splitlines() == [
        "a camera gives no more frames; it is opened again until it is back",
        "a camera is back",
    ]


def test_a_source_that_hangs_is_opened_again(monkeypatch, capsys):
    monkeypatch.setattr(live_module, "TIMEOUT_S", 0.02)
    monkeypatch.setattr(live_module, "POLL_S", 1e-3)
    monkeypatch.setattr(live_module, "_FIRST_PAUSE_S", 1e-3)
    hung = threading.Event()
    openings = iter([lambda: hung.wait(10), lambda: None])

    def frames():
        next(openings)()
        yield grey(1)
        hung.wait(10)

    source = LiveSource("a camera", lambda: (30.0, frames()), returns=True)
    assert shown([next(iter(source))]) == [1]
    hung.set()
    assert "a camera gives no more frames; it is" in capsys.readouterr().out


def test_an_interruption_ends_the_wait_for_a_frame():
    interruption = SimpleNamespace(signal=None)

    def frames():
        while True:
            interruption.signal = 2
            yield None

    source = LiveSource("a camera", lambda: (30.0, frames()))
    source.interruption = interruption
    assert list(source) == []


@pytest.fixture
def folder(tmp_path):
    def write(name, value, share=1.0, side=8):
        data = cv2.imencode(".png", np.full((side, side, 3), value, np.uint8))[1].tobytes()
        (tmp_path / "in" / name).write_bytes(data[: int(len(data) * share)])

    (tmp_path / "in").mkdir()
    return write


def test_a_folder_gives_pictures_as_they_are_complete_and_none_that_was_there(folder, tmp_path):
    folder("a_old.png", 1, side=200)
    source = open_live(str(tmp_path / "in"))
    assert [picture[0, 0, 0] for picture in source.sample(8)] == [1]
    watched = source._frames
    assert next(watched) is None
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    folder("b.png", 2, 0.5)
    assert next(watched) is None
    folder("b.png", 2)
    frame = next(watched)
    assert frame.file == "b.png" and shown([frame]) == [2] and next(watched) is None
    folder("b_9.png", 3)
    folder("b_10.png", 4)
    assert shown([next(watched)]) == [4] and next(watched) is None


def test_of_pictures_written_at_once_the_last_by_number_is_the_newest(monkeypatch):
    def entry(name, moment):
        stat = SimpleNamespace(st_ctime_ns=moment)
        return SimpleNamespace(name=name, path=f"in/{name}", stat=lambda: stat)

    listed = [entry("b_10.png", 5), entry("b_9.png", 5), entry("z.png", 4), entry(".c.png", 6)]
    monkeypatch.setattr(os, "scandir", lambda _: contextlib.nullcontext(listed))
    assert watched_folder._newest(Path("in")) == (5, Path("in/b_10.png"))


def test_a_video_is_played_at_its_own_rate(monkeypatch):
    now = [100.0]

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(live_module, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    times = [0.0, 0.05, 0.5, 0.6]
    frames = [replace(grey(k), frame=k, time=seconds) for k, seconds in enumerate(times)]

    class Video(list):
        name, reads, fps, fault = "a.mp4", (), 20.0, ""

    played = list(PlayedVideo(Video(frames))._frames)
    assert [f.captured - 100 for f in played if f] == pytest.approx(times)
    assert played.count(None) == 4  # an interruption is noticed while there is nothing to show


def test_a_picture_that_stays_broken_is_named(folder, tmp_path, monkeypatch):
    source = open_live(str(tmp_path / "in"))
    assert source.sample(8) == []
    folder("b.png", 2, 0.5)
    monkeypatch.setattr(watched_folder, "_UNCHANGED_S", -1.0)
    frame = next(source._frames)
    with pytest.raises(BrokenFrameError, match=r"^cut off after"):
        frame.read()
    assert frame.file == "b.png" and next(source._frames) is None


def test_what_is_not_live_is_one_line(folder, tmp_path):
    folder("a.png", 1)
    message = "--stream takes a camera, a stream, a video or a folder"
    refused(message, open_live, str(tmp_path / "in" / "a.png"))
    refused(message, open_live, str(tmp_path / "in" / "*.png"))
    refused("no camera 97", open_live, "97")
    refused("no such picture, folder, video", open_live, str(tmp_path / "none"))
