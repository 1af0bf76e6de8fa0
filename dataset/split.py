"""One set of a data root as the network sees it: what all formats of data have in common."""

import os
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from base.base_dataset import BaseDataset
from base.cameras.camera import Camera
from base.errors import BrokenFrameError, UserError
from base.frame import Frame, FrameId
from base.headset import RELEASE_HEADSET, Headset
from base.remote import root_path
from base.set_type import SetType
from dataset import format_name
from dataset.annotations import LABELS, Annotations, Table
from dataset.bone_labels import BoneLabels
from dataset.faults import Fault, print_once, summary
from dataset.headset_view import HeadsetView, own_view, refuse_other_camera
from dataset.pictures import check_size, decode_camera_picture, read_bytes
from dataset.protocol import Protocol
from dataset.skip_list import SKIP_LIST, is_listed, read_skip_list


class Contents(NamedTuple):
    """What a set holds."""

    table: Table  # all its labels
    has_picture: np.ndarray  # (N,) bool, which of them have a picture
    faults: Sequence[Fault] = ()  # what does not pair, belongs to no frame, or cannot be read
    size: int | None = None  # side of the pictures, where what is kept are squares


class Split(BaseDataset):
    """The frames of one set; a format of data is a subclass.

    It says which sets a root holds (:meth:`sets`), reads their labels (:meth:`read`), in pixels of
    the headset's whole picture, and their pictures (:meth:`image`).

    Args:
        root: data root.
        size: side of the network's view, pixels; None for as large as pictures are kept.
        pictures: False for labels only: then frames without a picture count as well.
        report: print, once, what does not match or cannot be used.
        check: for a check or a packing of every frame: read all labels anew, those of the skip list
            too.
        view: camera of the network's view, whose size is then that of the pictures; None for that
            of :func:`dataset.headset_view.own_view`.
        headset: of labels that do not state one; None for the release's. Also ``unstated``.
        format: "NAME:option=value,…", the values of the format's :attr:`options`.

    Attributes:
        table, has_picture: see :class:`Contents`.
        faults: likewise; frames on the skip list are left out.
        kept: side of the pictures, where what is kept are squares; else None.
        camera: of the view: the headsets' pictures are brought into it, and joints are in its axes.

    UserError for a set that is missing or empty, or kept smaller than asked for.
    """

    #: What a data root of the format holds, for messages.
    layout: ClassVar[str]
    #: What is not known of the format: name → the possible values, the default first.
    options: ClassVar[dict[str, tuple[str, ...]]] = {}
    #: How its authors measure on the set; None where the table of results does that.
    protocol: ClassVar[Protocol | None] = None
    #: Whether the format's own sets may show the same people: then no overlap is refused.
    shares_people: ClassVar[bool] = False
    #: Of the shards of remote sets, how much is kept on the local disk.
    cache_gb = 20.0
    #: The shard of each frame, where they are fetched as they are needed.
    shards: np.ndarray | None = None
    #: What to do where pictures are kept too small, and where a set is missing.
    enlarge: ClassVar[str] = ""
    remedy = (
        "give the folder that holds TrainSet, ValSet and TestSet with --data_root, or make a "
        "synthetic set with 'python utils/make_synthetic.py --output {root}'"
    )

    @classmethod
    def sets(cls, root: Path) -> list[SetType]:
        """The sets that a data root holds in this format: those that have a folder; UserError where
        the root cannot be read."""
        try:
            names = {entry.name for entry in os.scandir(root)}
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise UserError(f"{root}: cannot be read ({error.strerror})") from None
        return [set_type for set_type in SetType if set_type.folder in names]

    @abstractmethod
    def read(self, check: bool) -> Contents:
        """All labels of the set; with ``check`` nothing remembered of earlier reading is used."""

    def image(self, row: int) -> np.ndarray:
        """Picture of a row of the table as it is kept, here in a file: (H, W, 3) uint8 RGB;
        BrokenFrameError where it cannot be read."""
        path, code = self.root / self.picture_where(row), self.table.rows["headset"][row]
        return decode_camera_picture(read_bytes(path), path, self.table.headsets[code].camera)

    def kept_camera(self, headset: Headset) -> Camera:
        """Camera of the pictures of a headset as they are kept."""
        return headset.camera

    def where(self, row: int) -> str:
        """Path of a label relative to the data root, for reports."""
        return f"{self.folder.name}/{self.table.frame_id(row)}"

    def picture_where(self, row: int) -> str:
        """Likewise of a picture; where it is a file, packing looks whether that has changed."""
        return self.where(row)

    def bone_labels(self, frames: Sequence[FrameId]) -> BoneLabels | None:
        """The rotations of bones in the labels of these frames, in their order, where the format
        has any."""
        return None

    def picture_checks(self) -> list[Callable[[], list[Fault]]]:
        """Calls that read all pictures and return what is wrong with them."""

        def check(row: int) -> list[Fault]:
            try:
                self.whole_image(row)
            except BrokenFrameError as error:
                return [Fault.of_file(error, self.picture_where(row), self.table.frame_id(row))]
            return []

        return [lambda row=row: check(row) for row in np.flatnonzero(self.has_picture)]

    def picture_files(self) -> Iterable[Path]:
        """What those calls read."""
        return (self.root / self.picture_where(row) for row in np.flatnonzero(self.has_picture))

    def __init__(
        self,
        root: str | Path,
        set_type: SetType,
        size: int | None = None,
        pictures: bool = True,
        report: bool = True,
        check: bool = False,
        view: Camera | None = None,
        headset: Headset | None = None,
        format: str | None = None,
    ) -> None:
        self.choices = self.chosen(format or "")
        self.root, self.set_type, self.pictures = root_path(root), set_type, pictures
        self.unstated = headset or RELEASE_HEADSET
        self.folder = self.root / set_type.folder
        self.table, self.has_picture, self.faults, self.kept = self.read(check)
        size = size if view is None else view.width
        if size and self.kept and size > self.kept and pictures:
            raise UserError(
                f"{root} keeps pictures of {self.kept} pixels, fewer than the {size} asked for: "
                f"set data.input_size, or --size, to {self.kept}{self.enlarge.format(size=size)}"
            )
        for name, (first, *others) in self.options.items():
            if name in self.in_doubt and f"{name}=" not in (format or ""):
                own = format_name(type(self))
                more = " or ".join(f"{each}: --format {own}:{name}={each}" for each in others)
                print_once(root, f"{own}: {name}={first} is assumed (or {more})")
        self.look_through(view or own_view(self.headsets, size or self.kept))
        rows = self.table.rows
        of_headsets = rows_by_code(rows["headset"], len(self.headsets))
        for each, numbers in zip(self.headsets, of_headsets, strict=True):
            if len(numbers) and not check:
                refuse_other_camera(rows, numbers, each, str(self.folder))
        usable = self.has_picture if pictures else np.ones(len(rows), bool)
        skip = frozenset() if check else read_skip_list(self.root, set_type)
        skipped = usable & is_listed(skip, self.table)
        self._rows = np.flatnonzero(usable & ~skipped)
        self.faults = [fault for fault in self.faults if fault.frame_id not in skip]
        if check:
            return
        lines = summary(self.faults)
        if skipped.any():
            lines.append(f"{skipped.sum()} frames left out by {SKIP_LIST}")
        if len(self._rows) == 0:
            if not usable.all():
                lines.append(f"{(~usable).sum()} labels have no picture")
            found = "; ".join(lines) or f"no label: {self.remedy.format(root=root)}"
            raise UserError(f"{self.folder}: no frame can be used: {found}")
        for line in lines if report else ():
            print_once(self.folder, f"{self.folder.name}: {line}")

    @property
    def in_doubt(self) -> Collection[str]:
        """The options that what was read depends on."""
        return self.options

    @property
    def headsets(self) -> list[Headset]:
        """Those that the labels are of."""
        return self.table.headsets or [self.unstated]

    def look_through(self, view: Camera) -> None:
        """Bring frames into another view from now on."""
        self.camera = view
        self._views = [HeadsetView(each, self.kept_camera(each), view) for each in self.headsets]

    @classmethod
    def chosen(cls, format: str) -> dict[str, str]:
        """The values of all options; UserError for others than there are."""
        chosen = {name: values[0] for name, values in cls.options.items()}
        for text in filter(None, format.partition(":")[2].split(",")):
            name, _, value = text.partition("=")
            if value not in cls.options.get(name, ()):
                known = [f"{key}={each}" for key, values in cls.options.items() for each in values]
                raise UserError(f"--format {format}: no {text}: {', '.join(known) or 'no options'}")
            chosen[name] = value
        return chosen

    @classmethod
    def aligned_only(cls, set_type: SetType) -> str | None:
        """Why only metrics after alignment can be had of a set, where it is so."""
        return None

    def __len__(self) -> int:
        return len(self._rows)

    def frame_id(self, index: int) -> FrameId:
        """Identity of a frame, without reading its picture."""
        return self.table.frame_id(self._rows[index])

    def whole_image(self, row: int) -> np.ndarray:
        """Picture of a row as it is kept, as :meth:`image`, and of its camera's size."""
        image, kept = self.image(row), self._views[self.table.rows["headset"][row]].kept
        check_size(image.shape[1::-1], self.picture_where(row), kept)
        return image

    def __getitem__(self, index: int) -> Frame:
        """The frame at ``index``; BrokenFrameError for a picture that cannot be read."""
        row = self._rows[index]
        values = self.table.rows[row]
        view = self._views[values["headset"]]
        return Frame(
            view.transform.image(self.whole_image(row)) if self.pictures else None,
            *view.labels(*(values[name] for name in LABELS)),
            action=self.table.actions[values["action"]],
            frame_id=self.table.frame_id(row),
        )

    def annotations(self) -> Annotations:
        """Labels of all frames at once."""
        rows = self.table.rows[self._rows]
        labels = [np.ascontiguousarray(rows[name]) for name in LABELS]
        of_headsets = rows_by_code(rows["headset"], len(self._views))
        for view, of_headset in zip(self._views, of_headsets, strict=True):
            seen = view.labels(*(values[of_headset] for values in labels))
            for values, part in zip(labels, seen, strict=True):
                values[of_headset] = part
        actions = [self.table.actions[code] for code in rows["action"].tolist()]
        return Annotations(*labels, actions, bool(rows["occlusion_known"].all()))

    def edges(self) -> np.ndarray:
        """Degrees from straight down to which all is seen, of up to 50 headsets; infinite for one
        whose square is the view."""
        views = self._views[:: -(-len(self._views) // 50)]
        return np.array([np.inf if v.plain else np.degrees(v.transform.edge) for v in views])


def rows_by_code(codes: np.ndarray, count: int) -> list[np.ndarray]:
    """For each code from 0 to ``count`` − 1 the rows of (N,) codes that have it, in their order."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.searchsorted(codes[order], np.arange(1, count)))[:count]
