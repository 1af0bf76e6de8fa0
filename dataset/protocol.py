"""How the authors of a set measure on it, and where it is asked for."""

from dataclasses import dataclass
from typing import NamedTuple


class Published(NamedTuple):
    """What others state on the set's test frames."""

    method: str
    errors: dict[str, float]  # name of a metric of the protocol → millimetres
    source: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """The protocol of a set."""

    set: str
    #: Each metric as the set's authors call it → one of :data:`utils.evaluation.protocol.MEASURES`.
    metrics: dict[str, str]
    licence: str  # and where the data are asked for
    citation: str
    published: tuple[Published, ...] = ()
    note: str = ""
