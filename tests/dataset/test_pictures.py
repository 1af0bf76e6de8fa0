"""Reading pictures of any kind, and refusing what is none."""

import io
import os
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from base.errors import BrokenFrameError
from base.release_camera import RELEASE_CAMERA
from dataset.pictures import decode_camera_picture, decode_picture, is_picture, read_picture

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def write(path, image):
    assert cv2.imwrite(str(path), image)
    return path


def test_pictures_of_any_channels_and_depth_become_rgb_of_eight_bits(tmp_path):
    bgr, grey = RGB[..., ::-1], RGB[..., 0]
    assert np.array_equal(read_picture(write(tmp_path / "a.png", bgr)), RGB)
    assert np.array_equal(read_picture(write(tmp_path / "g.png", grey)), grey[..., None] + 0 * RGB)
    bgra = np.dstack([bgr, np.full((20, 30), 7, np.uint8)])
    assert np.array_equal(read_picture(write(tmp_path / "t.png", bgra)), RGB)
    deep = read_picture(write(tmp_path / "d.png", bgr.astype(np.uint16) * 257))
    assert deep.dtype == np.uint8 and np.abs(deep.astype(int) - RGB).max() <= 1


def test_what_is_no_picture_of_the_release_is_broken(tmp_path):
    for content in (b"", b"text"):
        with pytest.raises(BrokenFrameError, match=r"not a picture"):
            decode_picture(content, "a")
    with pytest.raises(BrokenFrameError, match=r"cannot be read"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(BrokenFrameError, match=r"a.png: .*30×20"):
        decode_camera_picture(write(tmp_path / "a.png", RGB).read_bytes(), "a.png", RELEASE_CAMERA)


def stating(suffix, width, height):
    """A small file whose header states a picture of another size."""
    data = bytearray(cv2.imencode(suffix, RGB)[1].tobytes())
    if suffix == ".png":
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    else:
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize(
    "suffix, width, height",
    [
        (".png", 40000, 40000),
        (".png", 30000, 20000),
        (".png", 1_100_000, 200),
        (".jpg", 65000, 64000),
    ],
)
def test_a_picture_that_is_too_large_is_refused_with_its_size_undecoded(
    suffix, width, height, monkeypatch, tmp_path
):
    monkeypatch.setattr(cv2, "imdecode", None)
    (tmp_path / "a").write_bytes(stating(suffix, width, height))
    assert is_picture(tmp_path / "a")
    with pytest.raises(BrokenFrameError, match=r"^a: a picture of more than 134 million pixels"):
        decode_picture(stating(suffix, width, height), "a")
    with pytest.raises(BrokenFrameError, match=r"^a: picture is 1281×800, expected 1280×800"):
        decode_camera_picture(stating(".png", 1281, 800), "a", RELEASE_CAMERA)


def saved(kind, *images, **options):
    """A file of one or more pictures, by Pillow."""
    file = io.BytesIO()
    images = [Image.fromarray(image) for image in images]
    more = {"save_all": True, "append_images": images[1:]} if len(images) > 1 else {}
    pillow_heif.register_heif_opener()
    images[0].save(file, kind, **more, **options)
    return file.getvalue()


@pytest.fixture
def smooth():
    """A picture (240, 320, 3) that compression changes little."""
    return cv2.resize(RGB[:3, :4], (320, 240), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "AVIF", "HEIF"])
def test_each_kind_is_read_as_it_was_saved_and_turned_as_it_says(kind, smooth, tmp_path):
    data = saved(kind, smooth)
    Image.OPEN.pop("HEIF")  # as before the first of them is opened
    (tmp_path / "a").write_bytes(data)
    assert is_picture(tmp_path / "a") and not is_picture(Path(__file__))
    assert np.abs(decode_picture(data, "a").astype(int) - smooth).mean() < 4
    if kind in ("PNG", "JPEG", "WEBP", "AVIF"):
        exif = Image.Exif()
        exif[274] = 6  # to be turned clockwise by 90°
        turned = decode_picture(saved(kind, smooth, exif=exif), "a").astype(int)
        assert np.abs(turned - np.rot90(smooth, -1)).mean() < 4
    ends = (1, 12) if kind in ("PNG", "JPEG") else ()  # others have no mark at their end
    for cut in (len(data) // 3, *(len(data) - missing for missing in (40, *ends))):
        with pytest.raises(BrokenFrameError, match=r"^a: "):
            decode_picture(data[:cut], "a")


@pytest.mark.parametrize(
    "options", [{"quality": 92}, {"progressive": True}, {"restart_marker_rows": 2}]
)
def test_a_jpeg_damaged_inside_is_broken(options):
    noisy = np.random.default_rng(1).integers(0, 256, (240, 321, 3), np.uint8)
    data = saved("JPEG", noisy, **options)
    middle, extra = len(data) // 2, saved("JPEG", RGB)
    for whole in (data, data + bytes(99), data + extra, saved("JPEG", noisy[..., 0])):
        decode_picture(whole, "a")
    for change in (b"\xff\xd9", bytes(2000) + data[middle + 2000 :]):
        with pytest.raises(BrokenFrameError, match=r"^a: a picture of 321×240 pixels, damaged"):
            decode_picture(data[:middle] + change, "a")


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_a_tiff_damaged_inside_is_broken(compression, smooth):
    data = saved("TIFF", smooth, compression=compression)
    middle = len(data) // 2
    with pytest.raises(BrokenFrameError, match=r"^a: a picture of 320×240 pixels, damaged"):
        decode_picture(data[:middle] + bytes(RGB)[:500] + data[middle + 500 :], "a")


def test_of_several_pictures_in_a_file_none_is_taken_unless_it_says_which(smooth, monkeypatch):
    for kind in ("PNG", "TIFF", "WEBP", "AVIF"):
        with pytest.raises(BrokenFrameError, match=r"^a: 2 pictures in one file"):
            decode_picture(saved(kind, smooth, 255 - smooth), "a")
    heic = saved("HEIF", smooth, 255 - smooth, primary_index=1)
    assert np.abs(decode_picture(heic, "a") + smooth.astype(int) - 255).mean() < 4
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF")
    with pytest.raises(BrokenFrameError, match=r"^a: not .*pip install pillow-heif"):
        decode_picture(heic, "a")


def test_only_files_are_read_and_names_are_printed_without_escapes(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(BrokenFrameError, match=r"pipe.png: cannot be read \(no regular file\)"):
        read_picture(tmp_path / "pipe.png")
    for odd in ("\x1b[31mred", "a\nb", "\x9b2J", "nul\0"):
        with pytest.raises(BrokenFrameError) as caught:
            read_picture(tmp_path / odd)
        assert str(caught.value).isprintable() and "cannot be read" in str(caught.value)


@settings(derandomize=True, max_examples=150, deadline=None, database=None)
@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF", "BMP", "AVIF", "HEIF", ""]),
    st.lists(st.tuples(st.integers(0, 2**16), st.binary(min_size=1, max_size=8)), max_size=4),
    st.integers(0, 2**16),
)
def test_mutated_and_random_bytes_are_a_picture_or_a_broken_frame(kind, changes, cut):
    data = bytearray(saved(kind, RGB) if kind else b"\xff\xd8\xff")
    for place, new in changes:
        place %= len(data)
        data[place : place + len(new)] = new
    try:
        image = decode_picture(bytes(data[: cut or None]), "a")
    except BrokenFrameError as error:
        assert str(error).startswith("a: ")
    else:
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
