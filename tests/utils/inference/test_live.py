"""Live sources: the newest frame wins, and what is gone is opened again."""

import os
import threading
import time
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
    moments = {"b_10.png": 5, "b_9.png": 5, "z.png": 4, ".c.png": 6}
    monkeypatch.setattr(os, "listdir", lambda _: [*moments])
    monkeypatch.setattr(watched_folder, "_written", lambda path: moments[path.name])
    assert watched_folder._Pictures(Path("in")).newest() == (5, Path("in/b_10.png"))


def test_where_the_newest_picture_is_removed_those_before_it_are_no_news(folder, tmp_path):
    folder("a.png", 1)
    folder("b.png", 2)
    watched = open_live(str(tmp_path / "in"))._frames
    (tmp_path / "in" / "b.png").unlink()
    assert next(watched) is None
    folder("c.png", 3)
    assert shown([next(watched)]) == [3]
    (tmp_path / "in" / "c.png").unlink()
    assert next(watched) is None


def test_in_a_large_folder_what_is_new_or_replaced_is_seen_and_few_files_are_looked_at(
    folder, tmp_path, monkeypatch
):
    for k in range(60):
        folder(f"{k}.png", k)
    looked, written = [], watched_folder._written
    monkeypatch.setattr(watched_folder, "_LOOKED_AT", 5)
    monkeypatch.setattr(
        watched_folder, "_written", lambda path: looked.append(path) or written(path)
    )
    watched = open_live(str(tmp_path / "in"))._frames
    looked.clear()
    folder("new.png", 100)
    assert shown([next(watched)]) == [100]
    folder("new.png", 101)
    assert shown([next(watched)]) == [101] and len(looked) <= 2 * (5 + 5 + 1)
    folder("0.png", 102)
    looks = [next(watched) for _ in range(61 // 5 + 2)]
    assert shown(filter(None, looks)) == [102]


def test_a_link_to_an_old_picture_is_a_new_picture(folder, tmp_path):
    folder("a.png", 1)
    (tmp_path / "in" / "a.png").rename(tmp_path / "elsewhere.png")
    folder("b.png", 2)
    watched = open_live(str(tmp_path / "in"))._frames
    (tmp_path / "in" / "c.png").symlink_to(tmp_path / "elsewhere.png")
    assert shown([next(watched)]) == [1]


def test_a_folder_that_is_removed_is_waited_for(folder, tmp_path, monkeypatch):
    path, gone, messages = tmp_path / "in", tmp_path / "gone", []
    frames = iter(open_live(str(path)))
    path.rename(gone)

    def say(text):
        """The folder comes back when it is missed."""
        messages.append(text)
        if "again" in text:
            gone.rename(path)

    # A picture comes while there is none.
    clock = SimpleNamespace(sleep=lambda _: folder("a.png", 7), time=time.time)
    monkeypatch.setattr(watched_folder, "time", clock)
    monkeypatch.setattr(live_module, "_FIRST_PAUSE_S", 1e-3)
    monkeypatch.setattr(live_module.tqdm, "write", say)
    assert shown([next(frames)]) == [7]
    assert "the folder cannot be read (No such file or directory); it is opened" in messages[0]


def test_a_defect_in_a_source_is_not_taken_for_its_end():
    def frames(error):
        yield grey(0)
        raise error

    source = LiveSource("a camera", lambda: (30.0, frames(UserError("too large"))))
    assert shown(source) == [0] and source.fault == "a camera is given up: too large"
    with pytest.raises(ZeroDivisionError):
        list(LiveSource("a camera", lambda: (30.0, frames(ZeroDivisionError()))))


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
