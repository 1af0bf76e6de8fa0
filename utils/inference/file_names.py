"""Names of files as text: a file system holds names that no JSON, no screen and no OpenCV takes."""

import os
import re

#: Bytes that are no UTF-8 (surrogates in Python's strings), control characters, line separators,
#: and the backslash, by which :func:`name_text` tells them.
_ODD = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: Bytes of a name in which a drawing is stored: file systems take 255, its suffix included.
_MOST_BYTES = 180


def name_text(name: str) -> str:
    """A path as one line of text from which it can be had back.

    Each byte of what is odd (see :data:`_ODD`) becomes ``\\xNN``.  ``os.fsdecode(text.encode()
    .decode("unicode_escape").encode("latin-1"))`` is the path again.
    """
    return _ODD.sub(lambda odd: "".join(f"\\x{byte:02x}" for byte in os.fsencode(odd[0])), name)


def plain_name(name: str) -> str:
    """A relative path, with ``/``, that every program takes: what is odd becomes ``_``, what is
    long is cut."""
    parts = _ODD.sub("_", name).split("/")
    return "/".join(part.encode()[:_MOST_BYTES].decode(errors="ignore") for part in parts)
