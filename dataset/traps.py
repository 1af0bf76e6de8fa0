"""What other laboratories' sets are known to have wrong, found in their labels and pictures."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product

import cv2
import numpy as np

from base.errors import BrokenFrameError
from base.headset import Headset
from base.skeleton import JOINTS, MIRROR, NECK
from dataset import FORMATS
from dataset.faults import OFF_PICTURE, OFF_STATED, SWAPPED_SIDES, Fault
from dataset.recordings import RecordedSet
from dataset.split import rows_by_code

_HANDS, _ELBOWS = (
    [JOINTS.index(side + name) for side in ("Left", "Right")] for name in ("Hand", "ForeArm")
)
_SIDES = [[JOINTS.index(side + name) for name in ("Arm", "UpLeg")] for side in ("Left", "Right")]
#: Labels of a headset that are looked at, and pictures of a set; joints that are too few to judge.
_LABELS, _PICTURES, _FEW = 200, 60, 20
#: A palm beyond the wrist, in lengths of the forearm; half the side of what is looked at there, of
#: the picture's; the least share of it that is skin, were red and blue exchanged, and how many
#: times that as it is.
_PALM, _SKIN_RADIUS, _SKIN, _SKIN_RATIO = 0.35, 0.012, 0.2, 3.0
#: Of a recording's motion: windows, pictures of each, lags looked at; the least correlation, and by
#: how much it exceeds that of other lags, further away than it is wide; the lag that is a fault.
_WINDOWS, _WINDOW, _LAGS = 4, 60, 10
_CLEAR, _ABOVE, _WIDE, _LATE = 0.3, 0.1, 3, 2
#: Side to which their pictures are shrunk, and side of what is around a hand in these.
_SMALL, _AROUND = 256, 13


def spread(rows: np.ndarray, count: int) -> np.ndarray:
    """Up to ``count`` of some rows, evenly spread over them."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), count)).astype(int)]


def other_value(data: RecordedSet, option: str) -> str:
    """What to try, where a format has an option for it; else empty."""
    name = next(key for key, place in FORMATS.items() if place.endswith(f":{type(data).__name__}"))
    others = [v for v in data.options.get(option, ()) if v != data.choices[option]]
    return f": try --format {name}:{option}={others[0]}" if others else ""


def label_traps(data: RecordedSet, max_residual: float) -> tuple[list[Fault], list[str]]:
    """What is wrong with the labels of whole headsets, and lines on what is worth knowing.

    A label's own 2D joint may lie ``max_residual`` pixels off its projection, their median 0.6
    times as far.
    """
    faults, notes, table = [], [], data.table
    if data.aligned_only(data.set_type):
        return faults, notes
    of_headsets = rows_by_code(table.rows["headset"], len(table.headsets))
    for headset, rows in zip(table.headsets, of_headsets, strict=True):
        where = f"{data.set_type.folder}/{headset.name}"
        some = spread(rows, _LABELS)
        joints = table.rows["joints3d"][some].astype(float)
        if swapped := _swapped(joints @ headset.rotation):
            faults.append(Fault(SWAPPED_SIDES, where, swapped))
        scale = data.kept_camera(headset).height / headset.camera.height
        off, correction = _off_stated(
            data.stated2d[some], joints, headset, 0.6 * max_residual, scale
        )
        if correction:
            faults.append(Fault(OFF_STATED, where, f"median {off:.1f} px; {correction}"))
        elif np.isfinite(off):
            notes.append(f"{headset.name}: stated 2D joints off the projected, px: {off:.3f}")
        row, joint = np.nonzero(np.isfinite(data.behind2d[rows]).all(-1))
        if len(row):
            camera, stated = headset.camera, data.behind2d[rows[row], joint]
            place = camera.project(table.rows["joints3d"][rows[row], joint], clamp=True)
            centre = [camera.cx, camera.cy]
            mirrored = ((place - centre) * (stated - centre)).sum(1) < 0
            inside = (mirrored & camera.in_picture(stated)).sum()
            notes.append(
                f"{headset.name}: {len(row):,} stated 2D joints are behind the camera and left out;"
                f" {inside:,} of them are in the picture, mirrored through its centre"
            )
    return faults, notes


def _swapped(head: np.ndarray) -> str:
    """Of (N, 16, 3) joints in the axes of the head: whether left and right are, in most."""
    across = head[:, _SIDES[0], 0] - head[:, _SIDES[1], 0]
    across = across[np.isfinite(across)]
    wrong = np.mean(across < 0) if len(across) else 0.0
    turned = np.median(head[:, NECK, 1]) > 0
    why = "as in pictures turned by 180°: the Neck lies ahead" if turned else "names are swapped"
    text = f"left shoulders and hips lie to the right of the right ones in {wrong:.0%}: {why}"
    return text if wrong > 0.5 else ""


def _corrections(stated: np.ndarray, width: int) -> Iterator[tuple[list[str], np.ndarray]]:
    """What may have been done to (N, 16, 2) pixels, in words, and the pixels with it undone."""
    for scale, mirrored, swapped in product((1, 4, 0.25), (False, True), (False, True)):
        pixels = scale * (stated[:, MIRROR] if swapped else stated)
        if mirrored:
            pixels = [width - 1, 0] + pixels * [-1, 1]
        words = {
            f"multiplied by {scale:g}": scale != 1,
            "x mirrored": mirrored,
            "left and right joint names swapped": swapped,
        }
        yield [word for word, needed in words.items() if needed], pixels


def _off_stated(
    stated: np.ndarray, joints: np.ndarray, headset: Headset, most: float, kept: float
) -> tuple[float, str]:
    """Median distance of (N, 16, 2) stated pixels from the projections of (N, 16, 3) joints, NaN
    where there are too few; and, where it is over ``most``, the simplest correction that fits.
    ``kept`` is the scale of the pictures."""
    camera = headset.camera
    projected = camera.project(joints)
    seen = camera.in_picture(projected) & (camera.angle(joints) < headset.rim)
    if (seen & np.isfinite(stated).all(-1)).sum() < _FEW:
        return np.nan, ""
    found = []
    for words, pixels in _corrections(stated, camera.width):
        off = (projected - pixels)[seen]
        move = np.nanmedian(off, 0)
        dx, dy = move
        small = f", {dx * kept:+.1f}, {dy * kept:+.1f} as they are kept" if kept != 1 else ""
        moved = f"moved by {dx:+.1f}, {dy:+.1f} px{small}"
        for more, by in ((words, 0), ([*words, moved], move)):
            found.append((more, float(np.nanmedian(np.linalg.norm(off - by, axis=-1)))))
    before, best = found[0][1], min(residual for _, residual in found)
    if before <= most:
        return before, ""
    if best > max(most, before / 10):
        return before, "no shift, scale, mirroring or swapping of names fits"
    enough = [each for each in found if each[1] <= max(most, 2 * best)]
    words, after = min(enough, key=lambda each: len(each[0]))
    return before, f"{after:.1f} px if {' and '.join(words)}"


def picture_traps(data: RecordedSet) -> list[Fault]:
    """What the pictures around the projected hands say of colours and of pairing by clocks."""
    faults = []
    if _channels_exchanged(data):
        detail = f"red and blue look exchanged{other_value(data, 'colour')}"
        faults.append(Fault(OFF_PICTURE, data.set_type.folder, detail))
    for name in sorted(data.by_clock):
        found = list(_lags(data, name))
        lags = [lag for _, lag in found]
        if max(map(abs, lags), default=0) >= _LATE:
            listed = ", ".join(f"{lag:+d} frames from {number} on" for number, lag in found)
            advice = other_value(data, "pairing") if np.ptp(lags) >= _LATE else ""
            detail = f"pictures lag behind their labels: {listed}{advice}"
            faults.append(Fault(OFF_PICTURE, f"{data.set_type.folder}/{name}", detail))
    return faults


def read_pictures(data: RecordedSet, rows: Sequence[int] | np.ndarray) -> list[np.ndarray]:
    """Those of some rows that can be read; the others are faults already."""
    pictures = []
    for row in rows:
        with suppress(BrokenFrameError):
            pictures.append(data.whole_image(row))
    return pictures


def _hands(data: RecordedSet, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    """(N, 2, 2) pixels of the palms in N pictures of one headset as they are kept; NaN where the
    wrist is not visible."""
    values = data.table.rows[rows]
    kept = data.kept_camera(data.table.headsets[values["headset"][0]])
    wrists, elbows = (values["joints3d"][:, part].astype(float) for part in (_HANDS, _ELBOWS))
    places = kept.project(wrists + _PALM * (wrists - elbows), clamp=True)
    return np.where(values["visible"][:, _HANDS, None], places, np.nan)


def _channels_exchanged(data: RecordedSet) -> bool:
    """Whether hands look like skin with red and blue exchanged."""
    shares = []
    visible = data.table.rows["visible"][:, _HANDS].any(-1) & data.has_picture
    for row in spread(np.flatnonzero(visible), _PICTURES):
        for image in read_pictures(data, [row]):
            [places] = _hands(data, [row])
            r = max(2, round(_SKIN_RADIUS * len(image)))
            for x, y in np.round(places[np.isfinite(places).all(1)]).astype(int):
                patch = image[max(y - r, 0) : y + r + 1, max(x - r, 0) : x + r + 1].astype(int)
                red, green, blue = patch.reshape(-1, 3).T
                skin = [
                    (a > 60) & (a >= green) & (green >= b) & (a - b > 20)
                    for a, b in ((red, blue), (blue, red))
                ]
                shares += [np.mean(skin, 1)] if len(red) else []
    as_is, exchanged = np.mean(shares, 0) if len(shares) >= _FEW else (0, 0)
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
    row_of[since], places[since] = rows, _hands(data, rows)
    speed = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    motion = np.where(row_of[:-1] < 0, -np.inf, np.nan_to_num(speed).sum(1))
    windows = np.clip(len(motion) // (_WINDOW + 2 * _LAGS), 1, _WINDOWS)
    for part in np.array_split(np.arange(len(motion)), windows):
        length = min(_WINDOW + 2 * _LAGS, len(part))
        size = length - 2 * _LAGS
        if size < _FEW:
            continue
        # Where the hands move most.
        moved = np.convolve(motion[part], np.ones(length), "valid")
        start = int(part[0] + np.argmax(moved))
        small = [
            cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (_SMALL, _SMALL), interpolation=3)
            for image in read_pictures(data, row_of[start : start + length + 1])
        ]
        if np.isneginf(moved.max()) or len(small) <= length:
            continue
        change = np.abs(np.diff(np.float32(small), axis=0))
        change = [cv2.blur(each, (_AROUND, _AROUND)) - each.mean() for each in change]
        known = speed[start + _LAGS :][:size]
        camera = data.kept_camera(table.headsets[table.rows["headset"][rows[0]]])
        at = places[start + _LAGS :][:size] * _SMALL / [camera.width, camera.height]
        at = np.clip(np.nan_to_num(at), 0, _SMALL - 1).astype(int)
        step = np.arange(size)[:, None]
        energy = [
            np.array(change)[step + lag, at[..., 1], at[..., 0]] for lag in range(2 * _LAGS + 1)
        ]
        seen = np.isfinite(known)
        if seen.sum() < _FEW:
            continue
        fits = np.nan_to_num([np.corrcoef(known[seen], each[seen])[0, 1] for each in energy])
        best = int(np.argmax(fits))
        others = fits[np.abs(np.arange(len(fits)) - best) > _WIDE]
        if fits[best] > max(_CLEAR, others.max() + _ABOVE):
            yield first + start + _LAGS, best - _LAGS
