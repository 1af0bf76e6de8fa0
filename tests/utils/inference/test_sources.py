"""Sources of frames: pictures by folder, pattern and name; videos whole and cut off; cameras."""

import cv2
import numpy as np
import pytest

from base.errors import UserError
from utils.inference.open_source import open_source
from utils.inference.video import VideoSource


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


def test_a_sample_of_a_video_is_from_all_over_it(tmp_path):
    sample = VideoSource(video(tmp_path / "clip.avi")).sample(4)
    assert np.abs(np.array([frame.mean() for frame in sample]) - [0, 20, 40, 60]).max() < 4


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
