"""Sources of frames: pictures by folder, pattern and name; videos whole and cut off; cameras."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from base.errors import UserError
from utils.inference.picture_source import DRAWINGS_MARK, open_source
from utils.inference.source import name_text, plain_name


def picture(path, value=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((20, 30, 3), value, np.uint8))
    return path


def video(path, frames=40, fps=20.0):
    """A clip whose grey level is twice the frame's number."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 2 * number % 256, np.uint8))
    writer.release()
    return path


def files(given, **options):
    return [shot.file for shot in open_source(str(given), **options)]


def test_a_folder_a_pattern_and_a_picture_name_their_pictures(tmp_path):
    for name in ("b.PNG", "a.jpg", "sub/c.png", "sub/deep/d.jpeg"):
        picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    assert files(tmp_path) == ["a.jpg", "b.PNG"]
    assert files(tmp_path, recursive=True) == ["a.jpg", "b.PNG", "sub/c.png", "sub/deep/d.jpeg"]
    assert files(tmp_path / "a.jpg") == ["a.jpg"]
    assert files(tmp_path / "sub" / "*.png") == ["c.png"]
    everything = ["a.jpg", "b.PNG", "sub/c.png", "sub/deep/d.jpeg"]
    assert files(tmp_path / "**" / "*.*[gG]") == everything


def test_frames_come_folder_by_folder_in_natural_order_with_their_places(tmp_path):
    for name in ("b10/z.png", "b10/a.png", "b9/f_10.png", "b9/f_9.png", "z.png", "b9/c/x.png"):
        picture(tmp_path / name)
    (tmp_path / "b9" / "f_9.png").write_bytes(b"broken, but in its place")
    shots = list(open_source(str(tmp_path), recursive=True))
    assert [(shot.file, shot.index, shot.sequence) for shot in shots] == [
        ("z.png", 0, ""),
        ("b9/f_9.png", 0, "b9"),
        ("b9/f_10.png", 1, "b9"),
        ("b9/c/x.png", 0, "b9/c"),
        ("b10/a.png", 0, "b10"),
        ("b10/z.png", 1, "b10"),
    ]
    assert files(tmp_path / "b*" / "*.png") == [shot.file for shot in shots[1:3] + shots[4:]]
    # Processes that share them give them the same places and names.
    parts = [open_source(str(tmp_path), recursive=True, rank=rank, ranks=4) for rank in range(4)]
    shared = [(shot.file, shot.index, shot.name) for part in parts for shot in part]
    assert shared == [(shot.file, shot.index, shot.name) for shot in shots]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Pictures among what is none of the wearer: the folder to search, what is left out of it."""
    for name in (
        *("in/a/1.png", "in/pictures/2.png", "elsewhere/3.png", "in/locked/4.png"),
        *("in/.ipynb_checkpoints/5.png", "in/@eaDir/6.png", "in/a/__MACOSX/7.png"),
        *("in/new/pictures/a/8.jpg", "in/.git/10.png"),
    ):
        picture(tmp_path / name)
    (tmp_path / "in/new/pictures" / DRAWINGS_MARK).touch()
    (tmp_path / "in/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/a/loop").symlink_to(tmp_path / "in")
    (tmp_path / "elsewhere/loop").symlink_to(tmp_path / "in/a")
    scandir = os.scandir

    def guarded(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    # Permissions do not keep the superuser out.
    monkeypatch.setattr(os, "scandir", guarded)
    return tmp_path / "in", {
        "a/loop": "a link to a folder that is searched already",
        "link/loop": "a link to a folder that is searched already",
        "locked": "cannot be read (Permission denied)",
        "new/pictures": "drawings of an earlier run",
    }


def test_folders_below_a_folder_are_followed_once_and_none_is_left_out_without_a_word(tree):
    folder, left_out = tree
    source = open_source(str(folder), recursive=True)
    assert [shot.file for shot in source] == ["a/1.png", "link/3.png", "pictures/2.png"]
    assert {item["file"]: item["reason"] for item in source.left_out} == left_out
    by_pattern = open_source(str(folder / "**" / "*.png"))
    assert [shot.file for shot in by_pattern] == ["a/1.png", "link/3.png", "pictures/2.png"]
    assert by_pattern.left_out == source.left_out
    assert files(folder / "**" / "l*" / "**" / "*.png") == ["3.png"]
    with pytest.raises(UserError, match="holds a picture; pictures drawings of an earlier run"):
        open_source(str(folder / "new"), recursive=True)


def test_exif_orientation_is_honoured(tmp_path):
    from PIL import Image

    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:10, :15] = 255
    exif = Image.Exif()
    exif[274] = 6  # to be turned clockwise by 90°
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95)
    (shot,) = open_source(str(tmp_path / "a.jpg"))
    seen = shot.read()
    assert seen.shape == (30, 20, 3)
    assert seen[:12, 12:].mean() > 240 and seen[:12, :8].mean() < 15


def test_video_frames_come_in_order_with_their_times(tmp_path):
    source = open_source(str(video(tmp_path / "clip.avi")))
    assert (source.total, source.fps) == (40, 20.0)
    shots = list(source)
    assert [shot.frame for shot in shots] == list(range(40))
    assert np.allclose([shot.time for shot in shots], np.arange(40) / 20, atol=1e-6)
    levels = [shot.read().mean() for shot in shots]
    assert np.abs(np.array(levels) - 2 * np.arange(40)).max() < 4
    assert source.fault == ""
    assert np.abs([frame.mean() - 20 * k for k, frame in enumerate(source.sample(4))]).max() < 4


def test_frames_without_timestamps_are_timed_by_the_frame_rate(tmp_path, monkeypatch):
    path = video(tmp_path / "clip.avi", frames=4)
    frames = [(True, np.zeros((48, 64, 3), np.uint8))] * 4 + [(False, None)]

    class Untimed:
        def __init__(self, target):
            self.grab, self.read = lambda: True, iter(frames).__next__

        def get(self, name):
            return {cv2.CAP_PROP_FPS: 20.0}.get(name, 0.0)

    monkeypatch.setattr(cv2, "VideoCapture", Untimed)
    assert np.allclose([frame.time for frame in open_source(str(path))], np.arange(4) / 20)


def test_a_video_that_is_cut_off_gives_what_is_there_and_says_so(tmp_path):
    path = video(tmp_path / "clip.avi", frames=200)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = open_source(str(path))
    shots = list(source)
    assert 50 < len(shots) < 150
    if source.total is not None:
        assert "cut off or damaged" in source.fault and "clip.avi" in source.fault


def test_what_is_not_there_or_cannot_be_read_is_one_clear_line(tmp_path):
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("no video " * 100)
    cut = cv2.VideoWriter(str(tmp_path / "a.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 20.0, (64, 48))
    for number in range(40):
        cut.write(np.full((48, 64, 3), number, np.uint8))
    cut.release()
    whole = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    for given, message in (
        ("empty.mp4", "not a video that can be read"),
        ("text.mp4", "not a video that can be read"),
        ("cut.mp4", "cut off so early"),
        ("none.png", "no such picture, folder, video or pattern"),
        ("*.png", "no picture matches"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            open_source(str(tmp_path / given))
        assert "\n" not in str(caught.value) and given in str(caught.value)
    with pytest.raises(UserError, match="no camera 97 at this machine"):
        open_source("97")


@pytest.mark.parametrize(
    "name, text, plain",
    [
        ("sub/ä b-1.png".encode(), "sub/ä b-1.png", "sub/ä b-1.png"),
        (b"-\xff\xc3.png", r"-\xff\xc3.png", "-__.png"),
        (b"a\nb\x1b.png", r"a\x0ab\x1b.png", "a_b_.png"),
        (b"a\\xff.png", r"a\x5cxff.png", "a_xff.png"),
        ("a\u2028.png".encode(), r"a\xe2\x80\xa8.png", "a_.png"),
        (b"x" * 255, "x" * 255, "x" * 180),
        ("aä".encode() * 85, "aä" * 85, "aä" * 60),
    ],
)
def test_a_name_becomes_one_line_that_can_be_undone_and_one_that_every_program_opens(
    name, text, plain
):
    assert name_text(os.fsdecode(name)) == text and len(text.splitlines()) == 1
    assert text.encode().decode("unicode_escape").encode("latin-1") == name
    assert plain_name(os.fsdecode(name)) == plain
