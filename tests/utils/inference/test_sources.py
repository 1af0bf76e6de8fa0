"""Sources of frames: pictures by folder, pattern and name; videos whole and cut off; cameras."""

import os
import socket
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from commands import refused
from http_server import Faults, serving

from base.errors import UserError
from utils.inference import picture_source
from utils.inference import video as video_module
from utils.inference.picture_source import DRAWINGS_MARK, open_source
from utils.inference.source import name_text, plain_name


def picture(path, value=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((20, 30, 3), value, np.uint8))
    return path


def files(given, **options):
    return [shot.file for shot in open_source(str(given), **options)]


def test_a_folder_a_pattern_and_a_picture_name_their_pictures(tmp_path):
    taken = ["a.jpg", "b.PNG", "c.bmp", "d.tif", "e.avif", "f.heic", "g.webp"]
    for name in (*taken, "sub/c.png", "._a.png", ".DS_Store", "notes.txt", "clip.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert files(tmp_path) == taken and files(tmp_path / "a.jpg") == ["a.jpg"]
    assert files(tmp_path, recursive=True) == [*taken, "sub/c.png"]
    assert files(tmp_path / "sub" / "*.png") == ["c.png"]
    left_out = {"file": "clip.gif and 1 more", "reason": "not named as a picture"}
    assert open_source(str(tmp_path)).left_out == [left_out]


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


@pytest.mark.parametrize("there, taken", [(3, [0, 1, 2]), (12, [0, 1, 3, 4, 6, 7, 9, 10])])
def test_a_sample_is_evenly_spread(tmp_path, there, taken):
    for number in range(there):
        picture(tmp_path / f"{number}.png", number)
    assert [image[0, 0, 0] for image in open_source(str(tmp_path)).sample(8)] == taken


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Pictures among what is none of the wearer: the folder to search, what is left out of it."""
    for name in (
        *("in/a/1.png", "in/pictures/2.png", "elsewhere/3.png", "in/locked/4.png"),
        *("in/.git/5.png", "in/@eaDir/6.png", "in/a/__MACOSX/7.png", "in/new/pictures/a/8.jpg"),
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
        "locked": "cannot be read (Permission denied)",
        "new/pictures": "drawings of an earlier run",
    }


def test_folders_below_a_folder_are_followed_once_and_none_is_left_out_without_a_word(tree):
    folder, left_out = tree
    source = open_source(str(folder), recursive=True)
    assert [shot.file for shot in source] == ["a/1.png", "link/3.png", "pictures/2.png"]
    assert {item["file"]: item["reason"] for item in source.left_out} == left_out
    with pytest.raises(UserError, match=r"no picture \(.*\); pictures: drawings of an earlier run"):
        open_source(str(folder / "new"), recursive=True)


UNEVEN = np.cumsum([0] + [0.02, 0.05, 0.1] * 13).round(3)
EVEN = np.arange(40) / 20
#: File, codec, times of the frames, options of codec and container.
CLIPS = {
    "a.mp4": ("libx264", EVEN, {"g": "8", "bf": "2"}, {"movflags": "faststart"}),
    "late.mp4": ("libx264", EVEN + 3, {}, {}),
    "pieces.mp4": ("libx264", EVEN, {"g": "8"}, {"movflags": "frag_keyframe+empty_moov"}),
    "uneven.mp4": ("libx264", UNEVEN, {}, {}),
    "a.mkv": ("libx264", EVEN, {"g": "8"}, {}),
    "uneven.mkv": ("libx264", UNEVEN, {}, {}),
    "live.mkv": ("libx264", EVEN, {}, {"live": "1"}),
    "a.webm": ("libvpx-vp9", EVEN, {}, {}),
    "av1.webm": ("libsvtav1", EVEN, {"preset": "12"}, {}),
    "turned.mov": ("libx264", EVEN, {}, {}),
    "a.avi": ("mjpeg", EVEN, {}, {}),
    "a.ts": ("libx264", EVEN, {"g": "8"}, {}),
    "a.gif": ("gif", EVEN, {}, {}),
    "raw.h264": ("libx264", EVEN, {"bf": "0"}, {}),
}


def clip(path):
    """The clip of :data:`CLIPS` of a file's name: each frame is grey, three times its number, with
    a white corner at the upper left and noise at the right; ``turned`` lies on its side."""
    codec, times, options, container = CLIPS[path.name]
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    with av.open(str(path), "w", options=container) as file:
        stream = file.add_stream(codec, rate=20, options=options)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")
        if codec not in ("mjpeg", "gif"):
            stream.codec_context.time_base = Fraction(1, 1000)
        if path.stem == "turned":
            stream.set_display_rotation(90)
        for number, seconds in enumerate(times):
            picture = np.full((48, 64, 3), 3 * number, np.uint8)
            picture[:16, :16] = 255
            picture[:16, 32:] = np.random.default_rng(number).integers(0, 256, (16, 32, 3))
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.time_base, frame.pts = Fraction(1, 1000), round(1000 * seconds)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    # SVT-AV1 makes a superuser's thread one of real time, and what is started by it later.
    os.sched_setscheduler(0, policy, priority)
    return path


def numbers(shots):
    """The numbers of clip's frames, by their grey; their corner is where it belongs."""
    pictures = [shot.read() for shot in shots]
    for picture in pictures:
        corner = picture[-16:, :16] if picture.shape[0] == 64 else picture[:16, :16]
        assert corner[4:-4, 4:-4].min() > 220
    return [round(picture[24:40, 24:40].mean() / 3) for picture in pictures]


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name in CLIPS:
        clip(folder / name)
    return folder


@pytest.mark.parametrize("name", CLIPS)
def test_video_frames_come_in_order_with_their_times(name, clips):
    source = open_source(str(clips / name))
    shots = list(source)
    times = np.arange(40) / 25 if name == "raw.h264" else CLIPS[name][1] - CLIPS[name][1][0]
    assert [shot.frame for shot in shots] == list(range(40))
    assert np.allclose([shot.time for shot in shots], times, atol=1e-9)
    found, coarse = np.array(numbers(shots)), 6 if name == "a.gif" else 1
    assert np.abs(found - np.arange(40)).max() <= coarse
    assert shots[7].name == f"{Path(name).stem}_000007" and shots[7].file == name
    assert source.fault == "" and source.total in (None, 40, 40 * 50)
    assert "uneven" in name or source.fps == pytest.approx(25 if name == "raw.h264" else 20)
    if name not in ("live.mkv", "raw.h264"):
        spread = [round(frame[24:40, 24:40].mean() / 3) for frame in source.sample(4)]
        wanted = np.searchsorted(times, np.arange(4) * (times[-1] + 0.05) / 4 - 1e-6)
        # A transport stream has no index to find a time by.
        assert np.abs(spread - wanted).max() <= (8 if name == "a.ts" else coarse)


@pytest.mark.parametrize("name", ["a.mp4", "pieces.mp4", "a.mkv", "a.webm", "av1.webm", "a.avi"])
def test_a_video_that_is_cut_off_gives_what_is_there_and_says_so(name, clips, tmp_path):
    whole = (clips / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) * 7 // 10])
    source = open_source(str(tmp_path / name))
    found = numbers(list(source))
    assert 8 <= len(found) < 40 and np.abs(found - np.arange(len(found)))[:-1].max() <= 1
    text = f"{name}: {len(found)} frames could be read, up to "
    assert source.fault.startswith(text) and "cut off or damaged" in source.fault


def test_videos_at_an_address_are_read_and_streams_without_an_end_are_live(clips, monkeypatch):
    with serving(clips) as address:
        source = open_source(f"{address}/uneven.mp4")
        shots = list(source)
        assert np.allclose([shot.time for shot in shots], UNEVEN) and not source.live
        assert np.abs(numbers(shots) - np.arange(40)).max() <= 1
        live = open_source(f"{address}/live.mkv".replace("//", "//me:secret@"))
        assert live.live and len(live.sample(3)) == 3
        shown = [round(shot.read()[24:40, 24:40].mean() / 3) for shot in live]
        assert shown == sorted(shown) and 1 <= len(shown) <= 37 and "no more frames" in live.fault
        assert "secret" not in live.name and live.name in live.fault
        refused(r"none.mp4: not a video .*404", open_source, f"{address}/none.mp4")
    monkeypatch.setattr(video_module, "TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for scheme in ("http", "rtsp"):
            address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/x"
            refused(f"{address}: .*(no answer within 0.3 s|of another kind)", open_source, address)
    refused("Connection refused", open_source, "rtsp://127.0.0.1:9/x")
    monkeypatch.setattr(picture_source, "open_camera", lambda *given, **how: (*given, how))
    assert open_source("3") == (3, {"returns": False})
    assert open_source("/dev/video4", live=True) == (4, {"returns": True})


def test_an_index_at_the_end_needs_a_server_of_ranges(clips, tmp_path, monkeypatch):
    whole = (clips / "uneven.mp4").read_bytes()
    index = whole.rindex(b"moov") - 4
    gap = (1 << 21).to_bytes(4, "big") + b"free" + bytes((1 << 21) - 8)  # more than is buffered
    (tmp_path / "uneven.mp4").write_bytes(whole[:index] + gap + whole[index:])
    faults = Faults()
    with serving(tmp_path, faults) as address:
        assert len(list(open_source(f"{address}/uneven.mp4"))) == 40
        faults.ignore_range.add("uneven.mp4")
        monkeypatch.setattr(video_module, "TIMEOUT_S", 1.0)
        refused("answers no range requests", open_source, f"{address}/uneven.mp4")


def test_what_is_not_there_or_cannot_be_read_is_one_clear_line(clips, tmp_path):
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no video\n" * 100)
    whole = (clips / "late.mp4").read_bytes()  # its index is at the end
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    for given, message in (
        ("empty.mp4", "neither a picture nor a video that can be read"),
        ("notes.txt", "it holds none"),
        ("cut.mp4", "cut off before"),
        ("none.png", "no such picture, folder, video or pattern"),
        ("*.png", "no picture"),
    ):
        assert given in refused(message, open_source, str(tmp_path / given))
    refused("no camera 97 at this machine", open_source, "97")


@pytest.mark.parametrize(
    "name, text, plain",
    [
        ("sub/ä b-1.png".encode(), "sub/ä b-1.png", "sub/ä b-1.png"),
        (b"-\xff\xc3.png", r"-\xff\xc3.png", "-__.png"),
        (b"a\nb\x1b.png", r"a\x0ab\x1b.png", "a_b_.png"),
        (b"a\\xff.png", r"a\x5cxff.png", "a_xff.png"),
        ("a\u2028.png".encode(), r"a\xe2\x80\xa8.png", "a_.png"),
        ("aä".encode() * 85, "aä" * 85, "aä" * 60),
    ],
)
def test_a_name_becomes_one_line_that_can_be_undone_and_one_that_every_program_opens(
    name, text, plain
):
    assert name_text(os.fsdecode(name)) == text and len(text.splitlines()) == 1
    assert text.encode().decode("unicode_escape").encode("latin-1") == name
    assert plain_name(os.fsdecode(name)) == plain
