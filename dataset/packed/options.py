"""How a set is packed; apart from what packs it, which takes seconds to import."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from base.frame import FrameId
    from dataset.split import Split

FORMAT = 1
#: Format of what was packed before that was noted.
SOURCE = "xr_egopose"


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How frames are packed; decides every byte."""

    size: int = 368  # side of the pictures, pixels
    quality: int = 95  # of the JPEGs, 1 to 100
    frames_per_shard: int = 1000  # frame numbers that a shard spans
    source: str = SOURCE  # format of what is packed, with its options: "NAME:option=value,…"
    centred: bool = False  # the set has no whole pictures, but their centred squares

    def of(self, data: "Split | None") -> "PackOptions":
        """For one set."""
        return replace(self, centred=data is not None and data.kept is not None)

    def as_dict(self) -> dict[str, int | str]:
        """Content of the manifest; what earlier versions did not write only where it differs."""
        new = {"source": SOURCE, "centred": False}
        return {k: v for k, v in ({"format": FORMAT} | asdict(self)).items() if new.get(k) != v}

    def shard_name(self, frame_id: "FrameId") -> str:
        """File name of the shard that a frame belongs to."""
        part = frame_id.number // self.frames_per_shard
        return f"{frame_id.character}-{frame_id.environment}-{part:05d}.tar"
