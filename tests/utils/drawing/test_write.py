"""Films that browsers play."""

import os
from contextlib import closing
from fractions import Fraction

import av
import numpy as np
import pytest

from base.errors import UserError
from utils.drawing import write
from utils.drawing.write import VideoFile


def film(path, fps, shape, count=20):
    """Blue enters over red from the left."""
    with closing(VideoFile(path, fps)) as video:
        for number in range(count):
            picture = np.full((*shape, 3), (255, 0, 0), np.uint8)
            picture[:, : shape[1] * number // count] = 0, 0, 255
            video.add(picture)


@pytest.mark.parametrize(
    ("fps", "rate"),
    [(29.97002997002997, Fraction(30000, 1001)), (12.5, Fraction(25, 2)), (0.5, 0.5)],
)
def test_films_are_h264_of_the_right_rate_size_and_colours(tmp_path, fps, rate):
    path = tmp_path / os.fsdecode(b"a\xff:b.mp4")
    film(path, fps, (101, 161))
    with path.open("rb") as file, av.open(file) as container:
        [stream] = container.streams
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.frames) == (160, 100, 20)
        assert stream.average_rate == rate
        assert stream.duration * stream.time_base == 20 / Fraction(rate)
        context = stream.codec_context
        assert (context.colorspace, context.color_range, context.color_primaries) == (1, 1, 1)
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for number, frame in enumerate(frames):
        edge = 161 * number // 20
        assert np.abs(frame[:, edge + 8 :].astype(int) - (255, 0, 0)).max(initial=0) < 12
        assert np.abs(frame[:, : max(0, edge - 8)].astype(int) - (0, 0, 255)).max(initial=0) < 12
    content = path.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_without_h264_the_film_says_what_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(write, "_CODECS", {"no such": {}, "mpeg4": write._CODECS["mpeg4"]})
    film(tmp_path / "a.mp4", 30, (100, 160))
    with av.open(tmp_path / "a.mp4") as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
        assert sum(1 for _ in container.decode(video=0)) == 20
    assert "browsers do not play" in capsys.readouterr().out
    monkeypatch.setattr(write, "_CODECS", {"no such": {}})
    with pytest.raises(UserError, match="leave out --video"):
        film(tmp_path / "b.mp4", 30, (100, 160))


def test_a_film_without_a_picture_is_no_file(tmp_path):
    film(tmp_path / "a.mp4", 30, (100, 160), count=0)
    assert not (tmp_path / "a.mp4").exists()
