"""How a set is packed; apart from what packs it, which takes seconds to import."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from base.frame import FrameId

FORMAT = 1


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How frames are packed; decides every byte."""

    size: int = 368  # side of the pictures, pixels
    quality: int = 95  # of the JPEGs, 1 to 100
    frames_per_shard: int = 1000  # frame numbers that a shard spans

    def as_dict(self) -> dict[str, int]:
        """Content of the manifest."""
        return {"format": FORMAT} | asdict(self)

    def shard_name(self, frame_id: "FrameId") -> str:
        """File name of the shard that a frame belongs to."""
        part = frame_id.number // self.frames_per_shard
        return f"{frame_id.character}-{frame_id.environment}-{part:05d}.tar"
