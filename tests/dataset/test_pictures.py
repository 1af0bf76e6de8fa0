"""Reading pictures of any kind, and refusing what is none."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from base.errors import BrokenFrameError, UserError
from base.release_camera import RELEASE_CAMERA
from dataset.pictures import decode_camera_picture, decode_picture, list_pictures, read_picture

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


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("missing", [1, 12, 300])
def test_a_picture_cut_off_anywhere_is_broken(tmp_path, suffix, missing):
    path = write(tmp_path / f"a{suffix}", RGB)
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(BrokenFrameError, match=f"a{suffix}: "):
        read_picture(path)


def test_what_is_no_picture_of_the_release_is_broken(tmp_path):
    for content in (b"", b"text"):
        with pytest.raises(BrokenFrameError, match="not a picture"):
            decode_picture(content, "a")
    with pytest.raises(BrokenFrameError, match="cannot be read"):
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
    [(".png", 40000, 30000), (".png", 1_100_000, 20), (".jpg", 65000, 64000)],
)
def test_a_picture_that_is_too_large_is_refused_with_its_size_undecoded(suffix, width, height):
    with pytest.raises(BrokenFrameError, match=f"^a: a picture of {width}×{height} pixels, too"):
        decode_picture(stating(suffix, width, height), "a")


def test_a_folder_lists_its_pictures_in_natural_order_whatever_the_case_of_their_suffix(tmp_path):
    expected = ["a.jpg", "b.PNG", "c.Jpeg", "f01.png", "f1.png", "f2.png", "f10.png", "f10_1.png"]
    for name in (*expected, "notes.txt", "._a.jpg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "broken link.png").symlink_to("nowhere")
    found = [path.name for path in list_pictures(tmp_path)]
    assert found == [*expected[:2], "broken link.png", *expected[2:]]
    with pytest.raises(UserError, match="no such folder"):
        list_pictures(tmp_path / "none")
    with pytest.raises(UserError, match="holds no picture"):
        list_pictures(tmp_path / "folder.png")
