"""How the authors of a set measure on it, and where it is asked for."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Protocol:
    """The protocol of a set."""

    set: str
    #: Each metric as its authors call it → one of MEASURES of utils.evaluation.protocol_errors.
    metrics: dict[str, str]
    licence: str  # and where the data are asked for
    citation: str
    note: str = ""
    #: Method, with the source → metric → millimetres on the set's test frames.
    published: dict[str, dict[str, float]] = field(default_factory=dict)
