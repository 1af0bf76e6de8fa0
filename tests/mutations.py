"""Hypothesis strategies: documents and files with something odd in them, for tests of borders."""

import copy
import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

#: The same examples in each run, within seconds.
FUZZ = settings(derandomize=True, max_examples=60, deadline=None, database=None)

_DEEP: list = []
for _ in range(80):
    _DEEP = [_DEEP]
_ODD = (
    *(None, True, -1, 0, 0.5, 3, 10**9, 10**25, 10**400, 1e39, -1e39, float("nan"), float("inf")),
    *("", "text", "../../x.tar", "\udcff\x1b[2J", "x" * 20_000, [], {}, [[]], [1, 2], ["a", None]),
    *({"a": 1}, _DEEP, [[1, 2], [3]], [1e39] * 16, [[{}]]),
)


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Each container in a document with each of its keys."""
    found = []
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            found += [(node, key), *_places(value)]
    return found


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """A document with one to three values that are odd, or missing."""
    if draw(st.integers(0, 30)) == 0:
        return copy.deepcopy(draw(st.sampled_from(_ODD)))
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(document)
        if places:
            # Shallow places are as likely as the many deep ones.
            pool = draw(st.sampled_from([places, _places(document)[:1], places[::-7]]))
            container, key = draw(st.sampled_from(pool or places))
            if draw(st.integers(0, 4)) == 0:
                del container[key]
            else:
                container[key] = copy.deepcopy(draw(st.sampled_from(_ODD)))
    return document


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """A file that is cut off, has other bytes somewhere, or more of them."""
    place = draw(st.integers(0, len(data)))
    other = draw(st.binary(max_size=8))
    end = draw(st.sampled_from([place, place + len(other), len(data)]))
    return data[:place] + other + data[end:]


def mutated_json(document: Any) -> st.SearchStrategy[bytes]:
    """The JSON of a document that is mutated, or damaged as a file."""
    values = mutated(document).map(lambda value: json.dumps(value).encode())
    return values | damaged(json.dumps(document).encode())
