"""The content of a calibration file, whatever it is written in, as plain values."""

import contextlib
import gzip
import io
import re
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path
from typing import Any

from base.documents import (
    MOST_BYTES,
    PlainLoader,
    decode_text,
    parse_json,
    parse_yaml,
    read_bounded,
)
from base.errors import UserError


class _Loader(PlainLoader):
    """YAML with OpenCV's matrices."""


for _tag in ("opencv-matrix", "opencv-nd-matrix"):
    _Loader.add_constructor(
        f"tag:yaml.org,2002:{_tag}", lambda loader, node: loader.construct_mapping(node, True)
    )


def read_documents(path: Path) -> list[Any]:
    """The documents in a file, one as a rule: mappings and lists of XML, JSON or YAML, possibly
    compressed; the text of a file of another kind; the bytes of one that is not text; OSError for a
    file that cannot be read, UserError for one that is broken."""
    data = read_bounded(path)
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MOST_BYTES + 1)
        except (OSError, EOFError, zlib.error):
            raise UserError("the compressed file is broken") from None
        if len(data) > MOST_BYTES:
            raise UserError(f"the compressed file is larger than {MOST_BYTES >> 20} MiB")
    try:
        text = decode_text(data)
    except UnicodeDecodeError:
        return [data]
    text = text.strip()
    if not text:
        raise UserError("the file is empty")
    if text.startswith("<"):
        return [_xml(text)]
    if text.startswith(("{", "[{")):
        for texts in ([text], text.splitlines()):
            with contextlib.suppress(UserError):  # YAML allows more than JSON does
                return [parse_json(part, finite=False) for part in texts]
    return _yaml(text)


def _xml(text: str) -> Any:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise UserError(f"broken XML: {error}") from None
    return {root.tag: _element(root)}


def _element(element: ElementTree.Element) -> Any:
    """Of an element with others inside the mapping of their names to their content."""
    if len(element):
        return {child.tag: _element(child) for child in element}
    return (element.text or "").strip()


def _yaml(text: str) -> list[Any]:
    # OpenCV writes "%YAML:1.0", which no YAML reader but its own accepts.
    body = re.sub(r"\A%YAML[^\n]*\n", "", text)
    try:
        documents = [part for part in parse_yaml(body, False, _Loader) if part is not None]
    except UserError as error:
        if not re.search(r"^[ \t{\[]*[\w.\"]+[ \t]*:", body, re.MULTILINE):
            return [text]
        raise UserError(f"not a calibration of a known kind; as YAML or JSON {error}") from None
    structured = documents and all(isinstance(part, dict | list) for part in documents)
    return documents if structured else [text]
