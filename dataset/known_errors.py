"""What other laboratories' sets are known to have wrong, found in their labels and pictures."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import compress, product

import cv2
import numpy as np

from base.cameras.camera import Camera
from base.errors import BrokenFrameError
from base.skeleton import JOINTS, MIRROR, NECK
from dataset import format_name
from dataset.faults import OFF_PICTURE, OFF_STATED, SWAPPED_SIDES, Fault
from dataset.recordings import RecordedSet
from dataset.split import rows_by_code

_HANDS, _ELBOWS, _SHOULDERS, _HIPS = (
    [JOINTS.index(side + name) for side in ("Left", "Right")]
    for name in ("Hand", "ForeArm", "Arm", "UpLeg")
)
#: Labels of a headset and pictures of a set that are looked at; joints that are too few to judge.
_LABELS, _PICTURES, _FEW = 200, 60, 20
#: From the wrist to the palm, in forearms; half the side of a patch there, in pictures; the least
#: share of it that is skin with red and blue exchanged, and how many times that without.
_PALM, _PATCH, _SKIN, _SKIN_RATIO = 0.35, 0.012, 0.2, 3.0
#: Windows of a recording, pictures in each, lags; side of the shrunk pictures, and of what is about
#: a hand in them; the least correlation, and by how much it exceeds that of lags further away than
#: so many; the lag that is a fault.
_WINDOWS, _WINDOW, _LAGS, _SMALL, _AROUND = 4, 60, 10, 256, 19
_CLEAR, _ABOVE, _WIDE, _LATE = 0.4, 0.2, 3, 3


def spread(rows: np.ndarray, count: int) -> np.ndarray:
    """Up to ``count`` of some rows, evenly spread over them."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), count)).astype(int)]


def other_value(data: RecordedSet, option: str) -> str:
    """What to try, where a format has an option for it; else empty."""
    others = [v for v in data.options.get(option, ()) if v != data.choices[option]]
    return f": try --format {format_name(type(data))}:{option}={others[0]}" if others else ""


def find_traps(
    data: RecordedSet, max_residual: float, pictures: bool
) -> tuple[list[Fault], list[str]]:
    """What is wrong with a set as a whole, and lines on what is worth knowing.

    A label's own 2D joint may lie ``max_residual`` pixels off its projection, their median 0.6
    times as far.  With ``pictures`` those around some projected hands are looked at, for the order
    of colours and for pairing by clocks.
    """
    faults, notes, table, folder = [], [], data.table, data.set_type.folder
    of_headsets = rows_by_code(table.rows["headset"], len(table.headsets))
    if data.aligned_only(data.set_type):
        return faults, notes
    for headset, rows in zip(table.headsets, of_headsets, strict=True):
        if len(rows) == 0:
            continue
        where, some = f"{folder}/{headset.name}", spread(rows, _LABELS)
        joints = table.rows["joints3d"][some].astype(float)
        if swapped := _swapped(joints @ headset.rotation):
            faults.append(Fault(SWAPPED_SIDES, where, swapped))
        off, fits = _correction(data.stated2d[some], joints, headset.camera, 0.6 * max_residual)
        if fits:
            faults.append(Fault(OFF_STATED, where, f"median {off:.1f} px; {fits}"))
        elif np.isfinite(off):
            notes.append(f"{headset.name}: stated 2D joints off the projected, px: {off:.3f}")
        stated, joints = data.stated2d[rows], table.rows["joints3d"][rows].astype(float)
        behind = np.isfinite(stated).all(-1) & (joints[..., 2] <= 0)
        camera, stated = headset.camera, stated[behind]
        centre = [camera.cx, camera.cy]
        place = camera.project(joints[behind], clamp=True) - centre
        mirrored = (place * (stated - centre)).sum(-1) < 0
        if mirrored.sum() > len(mirrored) / 2:
            inside = (mirrored & camera.in_picture(stated)).sum()
            notes.append(
                f"{headset.name}: {len(stated):,} stated 2D joints are behind the camera and left "
                f"out; {inside:,} of them are in the picture, mirrored through its centre"
            )
    if pictures and _channels_exchanged(data):
        other = "RGB" if data.choices.get("colour") == "bgr" else "BGR"
        detail = f"channels look like {other}{other_value(data, 'colour')}"
        faults.append(Fault(OFF_PICTURE, folder, detail))
    for name in sorted({*data.by_clock} & {*table.environments}) if pictures else ():
        lags = dict(_lags(data, name))
        listed = ", ".join(f"{lag:+d} frames from {number} on" for number, lag in lags.items())
        text = f"pictures lag behind their labels: {listed}"
        if max(map(abs, lags.values()), default=0) >= _LATE:
            advice = other_value(data, "pairing") if np.ptp([*lags.values()]) >= _LATE else ""
            faults.append(Fault(OFF_PICTURE, f"{folder}/{name}", text + advice))
        elif lags:
            notes.append(f"{name}: {text} (± 1)")
    return faults, notes


def _swapped(head: np.ndarray) -> str:
    """Of (N, 16, 3) joints in the axes of the head: whether left and right are, in most."""
    across = np.diff(head[:, [_SHOULDERS, _HIPS], 0])
    across = across[np.isfinite(across)]
    wrong = np.mean(across > 0) if len(across) else 0.0
    turned = np.median(head[:, NECK, 1]) > 0
    why = "as in pictures turned by 180°: the Neck lies ahead" if turned else "names are swapped"
    text = f"left shoulders and hips lie to the right of the right ones in {wrong:.0%}: {why}"
    return text if wrong > 0.5 else ""


def _correction(
    stated: np.ndarray, joints: np.ndarray, camera: Camera, most: float
) -> tuple[float, str]:
    """Median distance of (N, 16, 2) stated pixels from the projections of (N, 16, 3) joints, NaN
    where there are too few; and, where it is over ``most``, the simplest correction that fits."""
    projected, found = camera.project(joints), []
    seen = camera.in_picture(projected) & (joints[..., 2] > 0)
    if (seen & np.isfinite(stated).all(-1)).sum() < _FEW:
        return np.nan, ""
    for scale, *changes in product((1, 4, 0.25), *[(False, True)] * 3):
        mirrored, swapped, moved = changes
        pixels = scale * (stated[:, MIRROR] if swapped else stated)
        if mirrored:
            pixels = [camera.width - 1, 0] + pixels * [-1, 1]
        off = (projected - pixels)[seen]
        dx, dy = np.round(np.nanmedian(off, 0) * moved, 1) + 0.0  # no -0
        residual = float(np.nanmedian(np.linalg.norm(off - [dx, dy], axis=-1)))
        words = f"multiplied by {scale:g}", "x mirrored", "left and right joint names swapped"
        words = *words, f"moved by {dx:+.1f}, {dy:+.1f} px"
        words = [*compress(words, (scale != 1, *changes))]
        found.append((len(words), residual, " and ".join(words)))
    before, best = found[0][1], min(residual for _, residual, _ in found)
    if before <= most:
        return before, ""
    if best > max(most, before / 10):
        return before, "no shift, scale, mirroring or swapping of names fits"
    _, after, words = min(each for each in found if each[1] <= max(most, 2 * best))
    return before, f"{after:.1f} px if {words}"


def read_pictures(data: RecordedSet, rows: Sequence[int] | np.ndarray) -> list[np.ndarray]:
    """Those of some rows that can be read; the others are faults already."""
    pictures = []
    for row in rows:
        with suppress(BrokenFrameError):
            pictures.append(data.whole_image(row))
    return pictures


def _hands(data: RecordedSet, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    """(N, 2, 2) pixels of the palms in N pictures of one headset as they are kept; NaN where they
    are outside, or the wrist is not visible."""
    values = data.table.rows[rows]
    kept = data.kept_camera(data.table.headsets[values["headset"][0]])
    wrists, elbows = (values["joints3d"][:, part].astype(float) for part in (_HANDS, _ELBOWS))
    places = kept.project(wrists + _PALM * (wrists - elbows), clamp=True)
    seen = values["visible"][:, _HANDS] & kept.in_picture(places)
    return np.where(seen[..., None], places, np.nan)


def _channels_exchanged(data: RecordedSet) -> bool:
    """Whether hands look like skin with red and blue exchanged."""
    shares = []
    visible = data.table.rows["visible"][:, _HANDS].any(-1) & data.has_picture
    for row in spread(np.flatnonzero(visible), _PICTURES):
        for image in read_pictures(data, [row]):
            [places], r = _hands(data, [row]), max(2, round(_PATCH * len(image)))
            for x, y in np.round(places[np.isfinite(places).all(1)]).astype(int):
                patch = image[max(y - r, 0) : y + r + 1, max(x - r, 0) : x + r + 1].astype(int)
                red, green, blue = patch.reshape(-1, 3).T
                exchanged = ((red, blue), (blue, red))
                skin = [(a > 60) & (a >= green) & (green >= b) & (a > b + 20) for a, b in exchanged]
                shares.append(np.mean(skin, 1))
    as_is, exchanged = np.mean(shares, 0) if shares else (0, 0)
    return exchanged > max(_SKIN, _SKIN_RATIO * as_is)


def _lags(data: RecordedSet, name: str) -> Iterator[tuple[int, int]]:
    """The first number of each window of a recording in which the motion of the projected hands
    clearly correlates with the pictures' around them, and by how many frames these are late."""
    table = data.table
    rows = np.flatnonzero(table.rows["environment"] == table.environments.index(name))
    rows = rows[data.has_picture[rows]]
    if len(rows) == 0:
        return
    first = int(table.rows["number"][rows].min())
    since = table.rows["number"][rows] - first
    row_of, places = np.full(since.max() + 1, -1), np.full((since.max() + 1, 2, 2), np.nan)
    camera = data.kept_camera(table.headsets[table.rows["headset"][rows[0]]])
    row_of[since], places[since] = rows, _hands(data, rows) / [camera.width, camera.height]
    speed = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    middle = (places[1:] + places[:-1]) / 2
    motion = np.where(row_of[:-1] < 0, -1e3, np.nan_to_num(speed).sum(1))
    windows = np.clip(len(motion) // (_WINDOW + 2 * _LAGS), 1, _WINDOWS)
    for part in np.array_split(np.arange(len(motion)), windows):
        length = min(_WINDOW + 2 * _LAGS, len(part))
        size = length - 2 * _LAGS
        if size < _FEW:
            continue
        # Where the hands move most.
        moved = np.convolve(motion[part], np.ones(length), "valid")
        start = int(part[0] + np.argmax(moved))
        window = slice(start + _LAGS, start + _LAGS + size)
        used, seen = row_of[start : start + length + 1], np.isfinite(speed[window])
        small = [
            cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (_SMALL, _SMALL), interpolation=3)
            for image in read_pictures(data, used[used >= 0])
        ]
        if len(small) <= length or seen.sum() < _FEW:
            continue
        change = np.abs(np.diff(np.float32(small), axis=0))
        change = np.array([cv2.blur(each, (_AROUND, _AROUND)) - each.mean() for each in change])
        x, y = np.nan_to_num(middle[window] * _SMALL).clip(0, _SMALL - 1).astype(int).T
        energy = [change[np.arange(size) + lag, y, x].T[seen] for lag in range(2 * _LAGS + 1)]
        fits = np.nan_to_num([np.corrcoef(speed[window][seen], each)[0, 1] for each in energy])
        best = int(np.argmax(fits))
        others = fits[np.abs(np.arange(len(fits)) - best) > _WIDE]
        if fits[best] > max(_CLEAR, others.max() + _ABOVE):
            yield first + start + _LAGS, best - _LAGS
