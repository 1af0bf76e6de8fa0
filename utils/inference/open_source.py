"""From what ``--input`` names to the source of frames."""

import glob
import os
from pathlib import Path

from base.errors import UserError
from dataset.pictures import PICTURE_SUFFIXES, list_pictures
from utils.inference.pictures import PictureSource, match_pictures, walk_pictures
from utils.inference.source import Source
from utils.inference.video import CameraSource, VideoSource

#: Also read where a single picture or a pattern is given.
_MORE_SUFFIXES = PICTURE_SUFFIXES | {".bmp", ".tif", ".tiff", ".webp"}


def open_source(given: str, recursive: bool = False, rank: int = 0, ranks: int = 1) -> Source:
    """The source of ``given``: a picture, a folder (``recursive``: and those below), a glob
    pattern, a video, or a camera's number; ``rank`` of ``ranks`` processes that share the pictures.
    UserError where there is nothing of the kind, or it cannot be shared."""
    path = Path(given)
    if path.is_dir():
        found, left_out = walk_pictures(path) if recursive else (list_pictures(path), [])
        if not found:
            left = "".join(f"; {item['file']} {item['reason']}" for item in left_out[:1])
            raise UserError(f"{given}: neither it nor a folder below it holds a picture{left}")
        return PictureSource(found, path, given, rank, ranks, left_out)
    if ranks > 1 and (given.isdecimal() or path.is_file()):
        raise UserError(f"{given}: several processes share folders and patterns of pictures only")
    if path.is_file():
        if path.suffix.lower() in _MORE_SUFFIXES:
            return PictureSource([path], path.parent, given)
        return VideoSource(path)
    if given.isdecimal():
        return CameraSource(int(given))
    if not glob.has_magic(given):
        raise UserError(
            f"{given}: no such picture, folder, video or pattern (a camera is given by its number)"
        )
    found, left_out = match_pictures(given, _MORE_SUFFIXES)
    if not found:
        raise UserError(f"{given}: no picture matches this pattern")
    root = Path(os.path.commonpath([path.parent for path in found]))
    return PictureSource(found, root, given, rank, ranks, left_out)
